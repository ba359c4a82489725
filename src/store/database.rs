//! The state file: an embedded database whose commits are on disk, whole, when they return.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{
    Builder, Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition,
    WriteTransaction,
};

use super::StoreError;
use super::directory::{self, Directory};
use super::error::RESTORE;
use super::record::{FORMAT, Held};
use crate::fleet::Fleet;
use crate::fleet::persist::{ADDED, Batch, REMOVED, Written};
use crate::node::{NodeId, State};
use crate::time::SimTime;

/// States of nodes that differ from a new one, by index; JSON of [`State`].
const NODES: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("nodes");
/// Everything else, by key; JSON. Keys with a `/` in them are the services' own.
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
const FORMAT_KEY: &str = "format";
const FLEET_KEY: &str = "fleet";
const TIME_KEY: &str = "time_ms";
/// Whether nothing is to come any more: the fleet was stopped, and not killed.
const CLOSED_KEY: &str = "closed";

/// Memory for pages of the file, bytes. Whatever is read is read once, at the start.
const CACHE_BYTES: usize = 16 << 20;

/// How the database is opened, again after a failure of the disk.
pub(super) type Opener = Arc<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// A state file that is open.
pub struct Store {
    file: PathBuf,
    opener: Opener,
    /// `None` after a failure, until it could be opened again.
    database: Option<Database>,
    held: Held,
    time: SimTime,
}

impl Store {
    /// Opens the state file of a directory, every page of it checked. One that was cut short by a crash comes back to its
    /// last commit, and the log says so. `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or was written by a later version.
    ///
    /// A file of an earlier format is converted to the current one.
    pub fn open(directory: &Directory) -> Result<Option<Self>, StoreError> {
        let file = directory.state_file();
        match std::fs::metadata(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io(&file)(error)),
            // It is put in its place whole; the library would take an empty file for a new one.
            Ok(facts) if facts.len() == 0 => {
                return Err(StoreError::damaged(&file, "it is empty", RESTORE));
            }
            Ok(_) => {}
        }
        Self::open_with(&file, opener(&file)).map(Some)
    }

    /// Opens what `opener` opens, which errors call `file`.
    pub(super) fn open_with(file: &Path, opener: Opener) -> Result<Self, StoreError> {
        let database = opener().map_err(|error| told(file, error))?;
        let store = Self {
            file: file.to_owned(),
            opener,
            database: Some(database),
            held: Held::NONE,
            time: SimTime::from_ms(0),
        };
        let format: u64 = store.value(FORMAT_KEY)?;
        match format {
            0 => return Err(StoreError::damaged(&store.file, "there is no format 0", RESTORE)),
            older if older < u64::from(FORMAT) => store.convert(older)?,
            newer if newer > u64::from(FORMAT) => {
                return Err(StoreError::Newer { file: store.file, found: newer, known: FORMAT });
            }
            _ => {}
        }
        let (mut held, time): (Held, _) = (store.value(FLEET_KEY)?, SimTime::from_ms(store.value(TIME_KEY)?));
        if !store.value::<bool>(CLOSED_KEY)? {
            tracing::warn!(
                file = %store.file.display(),
                "the state file was not closed, as after a crash: it is at its last commit, which is all that anybody was told"
            );
        }
        let wrong =
            |key: &str| StoreError::damaged(&store.file, format!("its '{key}' cannot be read"), RESTORE);
        for (key, value) in store.records(ADDED)? {
            held.added.push(serde_json::from_slice(&value).map_err(|_| wrong(&key))?);
        }
        for (key, _) in store.records(REMOVED)? {
            let id = key.strip_prefix(REMOVED).and_then(|id| id.parse().ok());
            held.removed.push(id.ok_or_else(|| wrong(&key))?);
        }
        Ok(Self { held, time, ..store })
    }

    /// Makes the state file of a directory, in place of one that may be there: the fleet, when it is, and its nodes that
    /// differ from new ones. It is there whole, or not at all.
    ///
    /// # Errors
    /// When it cannot be written, or `nodes` fails.
    pub fn create(
        directory: &Directory,
        held: &Held,
        time: SimTime,
        nodes: impl IntoIterator<Item = Result<(NodeId, State), StoreError>>,
    ) -> Result<Self, StoreError> {
        let file = directory.state_file();
        let new = file.with_extension("new");
        directory::remove_if_there(&new)?;
        // Made here, so that it is its owner's alone; the library makes an empty file a database.
        directory::create_private(&new)?;
        let to_make = new.clone();
        let make: Opener = Arc::new(move || builder().create(&to_make));
        drop(Self::fill(&new, &make, held, time, nodes)?);
        directory::put_in_place(&new, &file)?;
        Self::open_with(&file, opener(&file))
    }

    /// A new database with a fleet in it.
    pub(super) fn fill(
        file: &Path,
        opener: &Opener,
        held: &Held,
        time: SimTime,
        nodes: impl IntoIterator<Item = Result<(NodeId, State), StoreError>>,
    ) -> Result<Database, StoreError> {
        let database = opener().map_err(|error| told(file, error))?;
        let transaction = database.begin_write().map_err(|error| told(file, error))?;
        {
            let wrong = |error: redb::Error| told(file, error);
            let mut records = transaction.open_table(RECORDS).map_err(|e| wrong(e.into()))?;
            let mut put = |key: &str, value: Vec<u8>| {
                records.insert(key, value.as_slice()).map(drop).map_err(|e| wrong(e.into()))
            };
            put(FORMAT_KEY, json(&FORMAT))?;
            put(FLEET_KEY, json(held))?;
            put(TIME_KEY, json(&time))?;
            put(CLOSED_KEY, json(&true))?;
            let mut table = transaction.open_table(NODES).map_err(|e| wrong(e.into()))?;
            for node in nodes {
                let (id, state) = node?;
                table.insert(id.0, json(&state).as_slice()).map_err(|e| wrong(e.into()))?;
            }
        }
        transaction.commit().map_err(|error| told(file, error))?;
        Ok(database)
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Which fleet it holds.
    pub fn held(&self) -> &Held {
        &self.held
    }

    /// The simulated time up to which something may have been told to anybody.
    pub fn time(&self) -> SimTime {
        self.time
    }

    /// Hands `each` every node that differs from a new one, in order.
    ///
    /// # Errors
    /// When the file cannot be read or holds what is no node, or `each` fails.
    pub fn nodes(
        &self,
        mut each: impl FnMut(NodeId, State) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let transaction = self.reading()?;
        let table = transaction.open_table(NODES).map_err(|error| told(&self.file, error))?;
        for row in table.iter().map_err(|error| told(&self.file, error))? {
            let (id, state) = row.map_err(|error| told(&self.file, error))?;
            let id = NodeId(id.value());
            if u64::from(id.0) >= self.held.indexes() {
                let problem = format!("it holds node {}, and its fleet has {}", id.0, self.held.indexes());
                return Err(StoreError::damaged(&self.file, problem, RESTORE));
            }
            each(id, self.state(u64::from(FORMAT), id, state.value())?)?;
        }
        Ok(())
    }

    fn state(&self, format: u64, id: NodeId, json: &[u8]) -> Result<State, StoreError> {
        State::read(format, json).map_err(|error| {
            StoreError::damaged(&self.file, format!("node {} cannot be read: {error}", id.0), RESTORE)
        })
    }

    /// Converts all nodes from an earlier format, in one transaction.
    fn convert(&self, format: u64) -> Result<(), StoreError> {
        let wrong = |error: redb::Error| told(&self.file, error);
        let database = self.database.as_ref().expect("a store that could not be written is not converted");
        let before = self.reading()?;
        let before = before.open_table(NODES).map_err(|e| wrong(e.into()))?;
        let transaction = begin(database).map_err(wrong)?;
        {
            let mut nodes = transaction.open_table(NODES).map_err(|e| wrong(e.into()))?;
            for row in before.iter().map_err(|e| wrong(e.into()))? {
                let (id, state) = row.map_err(|e| wrong(e.into()))?;
                let state = self.state(format, NodeId(id.value()), state.value())?;
                nodes.insert(id.value(), json(&state).as_slice()).map_err(|e| wrong(e.into()))?;
            }
            let mut records = transaction.open_table(RECORDS).map_err(|e| wrong(e.into()))?;
            records.insert(FORMAT_KEY, json(&FORMAT).as_slice()).map_err(|e| wrong(e.into()))?;
        }
        transaction.commit().map_err(|e| wrong(e.into()))?;
        let file = self.file.display();
        tracing::info!(%file, from = format, to = FORMAT, "the state file has been converted; earlier versions cannot read it any more");
        Ok(())
    }

    /// Gives a fleet's nodes their memory back; the fleet is what [`Store::held`] says.
    ///
    /// # Errors
    /// When the file cannot be read, or does not fit the fleet.
    pub fn restore(&self, fleet: &Fleet) -> Result<u32, StoreError> {
        let mut restored = 0;
        self.nodes(|id, state| {
            restored += u32::from(fleet.restore(id, state));
            Ok(())
        })?;
        Ok(restored)
    }

    /// The services' own records below `prefix`, such as `session/`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn records(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let wrong = |error: redb::Error| told(&self.file, error);
        let transaction = self.reading()?;
        let table = transaction.open_table(RECORDS).map_err(|e| wrong(e.into()))?;
        let mut records = Vec::new();
        for row in table.range(prefix..).map_err(|e| wrong(e.into()))? {
            let (key, value) = row.map_err(|e| wrong(e.into()))?;
            if !key.value().starts_with(prefix) {
                break;
            }
            records.push((key.value().to_owned(), value.value().to_owned()));
        }
        Ok(records)
    }

    /// Makes a batch durable, with the simulated time up to which something may be told; `last` says that none follows.
    pub(super) fn write(
        &mut self,
        fleet: &Fleet,
        batch: &Batch,
        time: SimTime,
        last: bool,
    ) -> Result<(), redb::Error> {
        let database = match &mut self.database {
            Some(database) => database,
            // After a failure of the disk the library wants to be opened anew, and looks at the file then.
            none => none.insert((self.opener)()?),
        };
        let written = begin(database).and_then(|transaction| {
            put(&transaction, fleet, batch)?;
            let mut records = transaction.open_table(RECORDS)?;
            records.insert(TIME_KEY, json(&time).as_slice())?;
            records.insert(CLOSED_KEY, json(&last).as_slice())?;
            drop(records);
            Ok(transaction.commit()?)
        });
        if written.is_err() {
            self.database = None;
        }
        written
    }

    /// Has the next write open the file anew.
    pub(super) fn close(&mut self) {
        self.database = None;
    }

    fn reading(&self) -> Result<redb::ReadTransaction, StoreError> {
        let database = self.database.as_ref().expect("a store that could not be written is not read");
        database.begin_read().map_err(|error| told(&self.file, error))
    }

    fn value<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<T, StoreError> {
        let wrong = |error: redb::Error| told(&self.file, error);
        let transaction = self.reading()?;
        let table = transaction.open_table(RECORDS).map_err(|e| wrong(e.into()))?;
        let value = table.get(key).map_err(|e| wrong(e.into()))?;
        let value =
            value.ok_or_else(|| StoreError::damaged(&self.file, format!("it has no '{key}'"), RESTORE))?;
        serde_json::from_slice(value.value()).map_err(|error| {
            StoreError::damaged(&self.file, format!("its '{key}' cannot be read: {error}"), RESTORE)
        })
    }
}

fn begin(database: &Database) -> Result<WriteTransaction, redb::Error> {
    Ok(database.begin_write()?)
}

fn put(transaction: &WriteTransaction, fleet: &Fleet, batch: &Batch) -> Result<(), redb::Error> {
    let mut nodes = transaction.open_table(NODES)?;
    let mut buffer = Vec::with_capacity(4096);
    for id in &batch.nodes {
        buffer.clear();
        match fleet.write_state(*id, &mut buffer) {
            Written::State => drop(nodes.insert(id.0, buffer.as_slice())?),
            Written::Nothing => drop(nodes.remove(id.0)?),
        }
    }
    let mut records = transaction.open_table(RECORDS)?;
    for (key, value) in &batch.records {
        match value {
            Some(value) => drop(records.insert(&**key, &**value)?),
            None => drop(records.remove(&**key)?),
        }
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("what is kept has text keys only")
}

/// Opens a file, all of it checked, and says in the log when its last commit was set aside.
fn opener(file: &Path) -> Opener {
    let (file, first) = (file.to_owned(), AtomicBool::new(true));
    Arc::new(move || {
        let set_aside = Rc::new(Cell::new(false));
        let mut builder = builder();
        let seen = Rc::clone(&set_aside);
        // The library scans the file three times, and tells of the first scan only when that finds a commit that is not
        // whole.
        builder
            .set_repair_callback(move |scan| seen.set(seen.get() || (0.1..0.5).contains(&scan.progress())));
        let database = builder.open(&file)?;
        // After a failure of the disk it is tried again and again, and that is told by whoever tries.
        if first.swap(false, Ordering::Relaxed) && set_aside.get() {
            tracing::warn!(
                file = %file.display(),
                "the last commit of the state file is not whole, and the one before it is used: it was being written when \
                 the process or the machine died, or the file was damaged since"
            );
        }
        Ok(database)
    })
}

pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

/// What an error of the library means to whoever has the file.
fn told(file: &Path, error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            StoreError::damaged(file, "it ends too early", RESTORE)
        }
        redb::Error::Io(error) if error.kind() != std::io::ErrorKind::InvalidData => {
            StoreError::io(file)(error)
        }
        redb::Error::DatabaseAlreadyOpen => StoreError::InUse { dir: file.to_owned(), pid: None },
        other => StoreError::damaged(file, other, RESTORE),
    }
}
