//! The state file: an embedded database (redb). A commit is durable and atomic when it returns.

use std::cell::Cell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::{
    Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase as _, ReadableTable as _, TableError,
    WriteTransaction,
};

use super::description;
use super::directory::Directory;
use super::error::{RESTORE, StoreError};
use super::record::{FORMAT, StoredFleet, check_format, check_models, check_time};
use super::reserve::Reserve;
use super::tables::{NODES, RECORDS, StoredTexts, TEXTS, Tables, Texts, put};
use crate::file::{PRIVATE, Replacement};
use crate::fleet::Fleet;
use crate::fleet::persist::{ADDED, Batch, REMOVED};
use crate::node::{NodeId, State};
use crate::time::SimTime;

const FORMAT_KEY: &str = "format";
const FLEET_KEY: &str = "fleet";
const TIME_KEY: &str = "time_ms";
/// Whether the fleet was stopped normally after the last write.
const CLOSED_KEY: &str = "closed";

/// Memory for pages of the file, in bytes. A small cache is enough, because each page is read once, at the start.
const CACHE_BYTES: usize = 16 << 20;

/// Opens the database: at the start, and again after a failure of the disk.
pub(super) type Opener = Arc<dyn Fn() -> Result<Database, DatabaseError> + Send + Sync>;

/// An open state file.
pub struct Store {
    file: PathBuf,
    opener: Opener,
    /// `None` after a failed write. The next write opens the file again.
    database: Option<Database>,
    fleet: StoredFleet,
    time: SimTime,
    texts: StoredTexts,
    /// Space for the last changes before the disk is full. `None` for a store that is not in a directory.
    pub(super) reserve: Option<Reserve>,
}

impl Store {
    /// Opens the state file of a directory and checks all its pages. `None` if there is no such file. If a crash left
    /// an incomplete commit, the file is opened at the last complete one, and the log says so. A file of an older format
    /// is converted to the current one.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, or has a format that this version does not read.
    pub fn open(directory: &Directory) -> Result<Option<Self>, StoreError> {
        let file = directory.state_file();
        match std::fs::metadata(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io(&file)(error)),
            // fauxmetal never leaves an empty file, and the library would create a new database in it.
            Ok(facts) if facts.len() == 0 => {
                return Err(StoreError::damaged(&file, "it is empty", RESTORE));
            }
            Ok(_) => {}
        }
        let store = Self::open_with(&file, opener(&file))?;
        description::write_or_warn(&file, &store.fleet);
        Ok(Some(store.with_reserve(directory)))
    }

    /// Opens the database of `opener`. Errors name it `file`.
    pub(super) fn open_with(file: &Path, opener: Opener) -> Result<Self, StoreError> {
        let database = opener().map_err(|error| store_error(file, error))?;
        let store = Self {
            file: file.to_owned(),
            opener,
            database: Some(database),
            fleet: StoredFleet::EMPTY,
            time: SimTime::from_ms(0),
            texts: StoredTexts::new(),
            reserve: None,
        };
        let format = store.value(FORMAT_KEY)?;
        check_format(&store.file, format)?;
        if format < u64::from(FORMAT) {
            store.convert(format)?;
        }
        let (mut fleet, time): (StoredFleet, _) =
            (store.value(FLEET_KEY)?, SimTime::from_ms(store.value(TIME_KEY)?));
        check_time(&store.file, TIME_KEY, time.ms(), RESTORE)?;
        check_models(&store.file, &fleet, RESTORE)?;
        if !store.value::<bool>(CLOSED_KEY)? {
            tracing::warn!(
                file = %store.file.display(),
                "the state file was not closed, as after a crash; it contains all changes that were acknowledged"
            );
        }
        let wrong =
            |key: &str| StoreError::damaged(&store.file, format!("its '{key}' cannot be read"), RESTORE);
        for (key, value) in store.records(ADDED)?.into_iter().chain(store.records(REMOVED)?) {
            fleet.note(&key, &value).ok_or_else(|| wrong(&key))?;
        }
        let texts = store.text_names()?;
        Ok(Self { fleet, time, texts, ..store })
    }

    /// Atomically creates or replaces the state file of a directory. `nodes` are the nodes that differ from new nodes.
    ///
    /// # Errors
    /// If the file cannot be written, or `nodes` returns an error.
    pub fn create(
        directory: &Directory,
        fleet: &StoredFleet,
        time: SimTime,
        nodes: impl IntoIterator<Item = Result<(NodeId, State), StoreError>>,
    ) -> Result<Self, StoreError> {
        let file = directory.state_file();
        // The library accepts an empty file.
        let (new, _) = Replacement::create(&file, PRIVATE).map_err(StoreError::io(&file))?;
        let to_make = new.path().to_owned();
        let make: Opener = Arc::new(move || builder().create(&to_make));
        drop(Self::fill(new.path(), &make, fleet, time, nodes)?);
        new.put_in_place().map_err(StoreError::io(&file))?;
        description::write(&file, fleet)?;
        Ok(Self::open_with(&file, opener(&file))?.with_reserve(directory))
    }

    fn with_reserve(self, directory: &Directory) -> Self {
        Self { reserve: Some(Reserve::file(directory.reserve_file())), ..self }
    }

    /// Creates a database and writes a fleet to it.
    pub(super) fn fill(
        file: &Path,
        opener: &Opener,
        fleet: &StoredFleet,
        time: SimTime,
        nodes: impl IntoIterator<Item = Result<(NodeId, State), StoreError>>,
    ) -> Result<Database, StoreError> {
        let database = opener().map_err(|error| store_error(file, error))?;
        let transaction = database.begin_write().map_err(|error| store_error(file, error))?;
        {
            let wrong = |error: redb::Error| store_error(file, error);
            let mut records = transaction.open_table(RECORDS).map_err(|e| wrong(e.into()))?;
            let mut put = |key: &str, value: Vec<u8>| {
                records.insert(key, value.as_slice()).map(drop).map_err(|e| wrong(e.into()))
            };
            put(FORMAT_KEY, json(&FORMAT))?;
            put(FLEET_KEY, json(fleet))?;
            put(TIME_KEY, json(&time))?;
            put(CLOSED_KEY, json(&true))?;
            let mut tables = Tables::open(&transaction).map_err(wrong)?;
            for node in nodes {
                let (id, state) = node?;
                tables.insert(id, &json(&state), &state.long_texts(), &[]).map_err(wrong)?;
            }
        }
        transaction.commit().map_err(|error| store_error(file, error))?;
        Ok(database)
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    pub fn fleet(&self) -> &StoredFleet {
        &self.fleet
    }

    /// The simulated time from which to continue. No client has seen a later one.
    pub fn time(&self) -> SimTime {
        self.time
    }

    /// Calls `each` for every node that differs from a new node, in the order of their indexes.
    ///
    /// # Errors
    /// If the file cannot be read, contains an invalid node, or `each` returns an error.
    pub fn nodes(
        &self,
        mut each: impl FnMut(NodeId, State) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let transaction = self.reading()?;
        let table = transaction.open_table(NODES).map_err(|error| store_error(&self.file, error))?;
        let texts = self.open_texts(&transaction)?;
        let wrong = |error| store_error(&self.file, error);
        for row in table.iter().map_err(|error| store_error(&self.file, error))? {
            let (id, state) = row.map_err(|error| store_error(&self.file, error))?;
            let id = NodeId(id.value());
            if u64::from(id.0) >= self.fleet.indexes() {
                let problem = format!(
                    "it contains node {}, but its fleet has only {} nodes",
                    id.0,
                    self.fleet.indexes()
                );
                return Err(StoreError::damaged(&self.file, problem, RESTORE));
            }
            let mut state = self.state(u64::from(FORMAT), id, state.value())?;
            for name in self.texts.get(&id.0).into_iter().flatten() {
                let key = name.to_string();
                let text =
                    texts.as_ref().map(|texts| texts.get((id.0, key.as_str()))).transpose().map_err(wrong)?;
                let text = text.flatten().and_then(|text| String::from_utf8(text.value().to_vec()).ok());
                let text = text.ok_or_else(|| {
                    let problem = format!("text {key} of node {} cannot be read", id.0);
                    StoreError::damaged(&self.file, problem, RESTORE)
                })?;
                state.attach(*name, text);
            }
            each(id, state)?;
        }
        Ok(())
    }

    /// The names of all long texts. A key that is no name is left alone: a later version has written it.
    fn text_names(&self) -> Result<StoredTexts, StoreError> {
        let transaction = self.reading()?;
        let mut names = StoredTexts::new();
        let Some(texts) = self.open_texts(&transaction)? else { return Ok(names) };
        let wrong = |error| store_error(&self.file, error);
        for row in texts.iter().map_err(wrong)? {
            let (key, _) = row.map_err(wrong)?;
            let (id, name) = key.value();
            if let Ok(name) = name.parse() {
                names.entry(id).or_default().push(name);
            }
        }
        Ok(names)
    }

    /// The table of texts. `None` in a file of a version that had none.
    fn open_texts(&self, transaction: &ReadTransaction) -> Result<Option<Texts>, StoreError> {
        match transaction.open_table(TEXTS) {
            Ok(texts) => Ok(Some(texts)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(store_error(&self.file, error)),
        }
    }

    fn state(&self, format: u64, id: NodeId, json: &[u8]) -> Result<State, StoreError> {
        State::read(format, json).map_err(|error| {
            StoreError::damaged(&self.file, format!("node {} cannot be read: {error}", id.0), RESTORE)
        })
    }

    /// Converts all nodes from an older format in one transaction.
    fn convert(&self, format: u64) -> Result<(), StoreError> {
        let wrong = |error: redb::Error| store_error(&self.file, error);
        let database = self.database.as_ref().expect("a store is not converted after a failed write");
        let before = self.reading()?;
        let before = before.open_table(NODES).map_err(|e| wrong(e.into()))?;
        let transaction = begin(database).map_err(wrong)?;
        {
            let mut tables = Tables::open(&transaction).map_err(wrong)?;
            for row in before.iter().map_err(|e| wrong(e.into()))? {
                let (id, state) = row.map_err(|e| wrong(e.into()))?;
                let id = NodeId(id.value());
                let state = self.state(format, id, state.value())?;
                tables.insert(id, &json(&state), &state.long_texts(), &[]).map_err(wrong)?;
            }
            let mut records = transaction.open_table(RECORDS).map_err(|e| wrong(e.into()))?;
            records.insert(FORMAT_KEY, json(&FORMAT).as_slice()).map_err(|e| wrong(e.into()))?;
        }
        transaction.commit().map_err(|e| wrong(e.into()))?;
        tracing::info!(
            file = %self.file.display(), from = format, to = FORMAT,
            "the state file has been converted; older versions of fauxmetal cannot read it any more"
        );
        Ok(())
    }

    /// Restores the states of a fleet's nodes and returns their number. The fleet must match [`Store::fleet`].
    ///
    /// # Errors
    /// If the file cannot be read or does not match the fleet.
    pub fn restore(&self, fleet: &Fleet) -> Result<u32, StoreError> {
        let (mut restored, mut labels) = (0, HashSet::new());
        self.nodes(|id, mut state| {
            state.share_labels(&mut labels);
            restored += u32::from(fleet.restore(id, state));
            Ok(())
        })?;
        Ok(restored)
    }

    /// The records of a service whose keys start with `prefix`, such as `session/`.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn records(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let wrong = |error: redb::Error| store_error(&self.file, error);
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

    /// Commits a batch together with `time`, from which a restart continues. `last` means that no batch follows.
    pub(super) fn write(
        &mut self,
        fleet: &Fleet,
        batch: &mut Batch,
        time: SimTime,
        last: bool,
    ) -> Result<(), redb::Error> {
        let database = match &mut self.database {
            Some(database) => database,
            // After a failure of the disk, the library requires that the file is opened again, which checks it.
            none => none.insert((self.opener)()?),
        };
        let stored = &self.texts;
        let written = begin(database).and_then(|transaction| {
            let texts = put(&transaction, fleet, batch, stored)?;
            let mut records = transaction.open_table(RECORDS)?;
            records.insert(TIME_KEY, json(&time).as_slice())?;
            records.insert(CLOSED_KEY, json(&last).as_slice())?;
            drop(records);
            transaction.commit()?;
            Ok(texts)
        });
        match written {
            Ok(texts) => {
                self.texts.extend(texts);
                self.texts.retain(|_, names| !names.is_empty());
                let mut changed = false;
                for (key, value) in &batch.records {
                    // The key has been written as it is read.
                    let noted = value.as_deref().and_then(|value| self.fleet.note(key, value));
                    changed |= noted.is_some_and(|noted| noted);
                }
                if changed {
                    description::write_or_warn(&self.file, &self.fleet);
                }
                Ok(())
            }
            Err(error) => {
                self.database = None;
                Err(error)
            }
        }
    }

    /// Closes the file. The next write opens it again.
    pub(super) fn close(&mut self) {
        self.database = None;
    }

    fn reading(&self) -> Result<ReadTransaction, StoreError> {
        let database = self.database.as_ref().expect("a store is not read after a failed write");
        database.begin_read().map_err(|error| store_error(&self.file, error))
    }

    fn value<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<T, StoreError> {
        let wrong = |error: redb::Error| store_error(&self.file, error);
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

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("all maps in stored values have text keys")
}

/// Returns a function that opens a file and checks all its pages. If the last commit is incomplete, the first opening
/// logs it.
fn opener(file: &Path) -> Opener {
    let (file, first) = (file.to_owned(), AtomicBool::new(true));
    Arc::new(move || {
        let set_aside = Rc::new(Cell::new(false));
        let mut builder = builder();
        let seen = Rc::clone(&set_aside);
        // The library scans the file three times. It reports progress of the first scan only if it finds an incomplete
        // commit.
        builder
            .set_repair_callback(move |scan| seen.set(seen.get() || (0.1..0.5).contains(&scan.progress())));
        let database = builder.open(&file)?;
        // Later openings are retries after a failure of the disk, which the keeper logs.
        if first.swap(false, Ordering::Relaxed) && set_aside.get() {
            tracing::warn!(
                file = %file.display(),
                "the last commit of the state file is incomplete, so the previous commit is used; the process or the machine \
                 crashed during the commit, or the file was damaged later"
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

/// Converts an error of the library.
fn store_error(file: &Path, error: impl Into<redb::Error>) -> StoreError {
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
