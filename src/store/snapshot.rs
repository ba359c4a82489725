//! Snapshots: a complete fleet in one file, which can be copied and restored.
//!
//! A snapshot is gzip-compressed JSON lines: a [`Header`], a line for each node that differs from a new node, and a
//! last line with the number of these nodes and a hash of all lines before it. A reader uses nothing before it has
//! checked the complete file.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use super::database::Store;
use super::directory::{self, Directory};
use super::error::{COPY, StoreError};
use super::record::{FORMAT, StoredFleet, check_format, check_models, check_time};
use super::writer::{Last, MAX_LINE_BYTES, Writer};
use crate::file::{PRIVATE, Replacement};
use crate::node::{NodeId, State};
use crate::time::SimTime;

/// The maximum length of a name, in characters.
pub const MAX_NAME: usize = 64;
const ENDING: &str = "snapshot";

/// The description of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format of the file; see [`FORMAT`].
    pub format: u64,
    /// The version of fauxmetal that wrote it.
    pub version: String,
    /// The time at which it was saved, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// The simulated time of the fleet when it was saved.
    pub time_ms: u64,
    #[serde(flatten)]
    pub fleet: StoredFleet,
    /// The number of nodes that differ from new nodes. Each has a line.
    pub stored: u64,
}

/// The first line. Its key identifies the file as a snapshot of fauxmetal, whatever its format.
#[derive(Serialize, Deserialize)]
pub(super) struct First<T> {
    pub(super) fauxmetal_snapshot: T,
}

#[derive(Deserialize)]
struct Format {
    format: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Line<S> {
    node: NodeId,
    state: S,
    /// The long texts that the state does not contain, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    texts: BTreeMap<String, String>,
}

impl<'s> Line<&'s State> {
    pub(super) fn of(node: NodeId, state: &'s State) -> Self {
        let texts =
            state.long_texts().iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
        Self { node, state, texts }
    }
}

impl Header {
    /// The description of a snapshot that this version writes.
    pub(super) fn new(created_ms: u64, time: SimTime, fleet: StoredFleet, stored: u64) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: u64::from(FORMAT), version, created_ms, time_ms: time.ms(), fleet, stored }
    }
}

/// Checks the name of a snapshot, which becomes a part of a file name.
///
/// # Errors
/// If the name is not valid. The error is a message for the user.
pub fn name(text: &str) -> Result<&str, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.is_empty() || text.len() > MAX_NAME || !text.chars().all(good) || text.starts_with(['.', '-']) {
        return Err(format!(
            "'{text}' is not a valid snapshot name; allowed are 1 to {MAX_NAME} letters, digits, '.', '_' and '-'; the first \
             must be a letter, a digit or '_'"
        ));
    }
    Ok(text)
}

/// The file of the snapshot `name` in a state directory.
pub fn file_of(dir: &Path, name: &str) -> PathBuf {
    directory::snapshots_in(dir).join(format!("{name}.{ENDING}"))
}

/// The names and files of all snapshots in a state directory, sorted by name.
///
/// # Errors
/// If the directory cannot be read.
pub fn list(dir: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let folder = directory::snapshots_in(dir);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && dir.is_dir() => return Ok(Vec::new()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(StoreError::no_directory(dir));
        }
        Err(error) => return Err(StoreError::io(&folder)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(StoreError::io(&folder))?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if let (Some(stem), true) = (stem, path.extension().is_some_and(|e| e == ENDING)) {
            found.push((stem.to_owned(), path.clone()));
        }
    }
    found.sort();
    Ok(found)
}

/// Saves the fleet of a store as the snapshot `name`.
///
/// # Errors
/// If the snapshot exists and `replace` is not set, the store cannot be read, or the file cannot be written.
pub fn save(
    directory: &Directory,
    store: &Store,
    name: &str,
    replace: bool,
    created_ms: u64,
) -> Result<Header, StoreError> {
    let place = free_place(directory.path(), name, replace)?;
    let mut stored = 0;
    store.nodes(|_, _| {
        stored += 1;
        Ok(())
    })?;
    let header = Header::new(created_ms, store.time(), store.fleet().clone(), stored);
    let (new, file) = Replacement::create(&place, PRIVATE).map_err(StoreError::io(&place))?;
    let wrong = |error| StoreError::io(new.path())(error);
    let mut out = Writer::new(BufWriter::new(file));
    out.line(&First { fauxmetal_snapshot: &header }).map_err(wrong)?;
    store.nodes(|node, state| {
        let written = out.line(&Line::of(node, &state));
        written.map_err(|error| too_long(node, out.length(), &error).unwrap_or_else(|| wrong(error)))
    })?;
    synced(out.finish(stored).map_err(wrong)?).map_err(wrong)?;
    new.put_in_place().map_err(StoreError::io(&place))?;
    Ok(header)
}

/// The refusal of a line that no reader would accept; `None` for another error.
pub(super) fn too_long(node: NodeId, length: usize, error: &std::io::Error) -> Option<StoreError> {
    (error.kind() == std::io::ErrorKind::FileTooLarge).then(|| {
        StoreError::Refused(format!(
            "node {}: its commands have results of {length} bytes, and a line of a snapshot has at most {MAX_LINE_BYTES}; \
             save the snapshot after the machine was powered off",
            node.0
        ))
    })
}

pub(super) fn synced(file: BufWriter<File>) -> std::io::Result<()> {
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
}

/// Copies a snapshot from `source` to the snapshot `name`, after the complete copy has been checked. Errors name the
/// source `source_file`.
///
/// # Errors
/// If the source is damaged, the snapshot exists and `replace` is not set, or the file cannot be written.
pub fn import(
    directory: &Directory,
    source: &mut dyn Read,
    source_file: &Path,
    name: &str,
    replace: bool,
) -> Result<Header, StoreError> {
    let place = free_place(directory.path(), name, replace)?;
    let (new, mut file) = Replacement::create(&place, PRIVATE).map_err(StoreError::io(&place))?;
    std::io::copy(source, &mut file).map_err(StoreError::io(source_file))?;
    file.sync_all().and_then(|()| file.rewind()).map_err(StoreError::io(new.path()))?;
    let header = Reader::new(source_file, file).and_then(Reader::check)?;
    new.put_in_place().map_err(StoreError::io(&place))?;
    Ok(header)
}

pub(super) fn free_place(directory: &Path, name: &str, replace: bool) -> Result<PathBuf, StoreError> {
    directory::make_snapshots(directory)?;
    let place = file_of(directory, name);
    if place.exists() && !replace {
        return Err(StoreError::Refused(format!(
            "{}: a snapshot '{name}' already exists; use --force to replace it",
            place.display()
        )));
    }
    Ok(place)
}

/// A snapshot of which the header has been read.
pub struct Reader<R: Read> {
    file: PathBuf,
    input: BufReader<MultiGzDecoder<R>>,
    hash: Xxh3,
    line: Vec<u8>,
    header: Header,
}

impl Reader<File> {
    /// Opens the file of a snapshot and reads its header.
    ///
    /// # Errors
    /// If the file cannot be read, is not a snapshot, or has a format that this version does not read.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        Self::new(file, File::open(file).map_err(StoreError::io(file))?)
    }
}

impl<R: Read> Reader<R> {
    fn new(file: &Path, input: R) -> Result<Self, StoreError> {
        let fleet = StoredFleet::EMPTY;
        let unread =
            Header { format: 0, version: String::new(), created_ms: 0, time_ms: 0, fleet, stored: 0 };
        let input = BufReader::new(MultiGzDecoder::new(input));
        let mut reader =
            Self { file: file.to_owned(), input, hash: Xxh3::new(), line: Vec::new(), header: unread };
        reader.next_line()?;
        reader.hash.update(&reader.line);
        let Ok(first) = serde_json::from_slice::<First<&RawValue>>(&reader.line) else {
            return Err(StoreError::damaged(file, "it is not a snapshot of fauxmetal", COPY));
        };
        let text = first.fauxmetal_snapshot.get();
        let unreadable =
            |error| StoreError::damaged(file, format!("its header cannot be read: {error}"), COPY);
        let Format { format } = serde_json::from_str(text).map_err(unreadable)?;
        check_format(file, format)?;
        // The header is the same in all formats.
        reader.header = serde_json::from_str(text).map_err(unreadable)?;
        for (key, ms) in [("created_ms", reader.header.created_ms), ("time_ms", reader.header.time_ms)] {
            check_time(file, key, ms, COPY)?;
        }
        check_models(file, &reader.header.fleet, COPY)?;
        Ok(reader)
    }

    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads and checks the complete file. Returns every node that differs from a new node. All times in the states are
    /// moved forward by `later_ms`, so that pending actions continue as if no time had passed since the snapshot was
    /// saved.
    ///
    /// # Errors
    /// If the file is damaged. Then no part of it may be used.
    pub fn nodes(mut self, later_ms: u64) -> Result<Vec<(NodeId, State)>, StoreError> {
        let mut nodes: Vec<(NodeId, State)> = Vec::new();
        let mut labels = HashSet::new();
        loop {
            self.next_line()?;
            let number = nodes.len() as u64 + 2;
            if let Ok(Line { node, state, texts }) = serde_json::from_slice::<Line<&RawValue>>(&self.line) {
                let mut state = State::read(self.header.format, state.get().as_bytes())
                    .map_err(|error| self.damaged(format!("line {number}: node {}: {error}", node.0)))?;
                for (name, text) in texts {
                    let wrong =
                        || self.damaged(format!("line {number}: node {}: '{name}' is no text", node.0));
                    state.attach(name.parse().map_err(|()| wrong())?, text);
                }
                state.shift(later_ms);
                state.share_labels(&mut labels);
                if u64::from(node.0) >= self.header.fleet.indexes() {
                    let nodes = self.header.fleet.indexes();
                    return Err(self.damaged(format!(
                        "line {number}: it contains node {}, but its fleet has only {nodes} nodes",
                        node.0
                    )));
                }
                // This check also limits the number of lines to the size of the fleet.
                if nodes.last().is_some_and(|(before, _)| *before >= node) {
                    return Err(self.damaged(format!("line {number}: node {} is out of order", node.0)));
                }
                self.hash.update(&self.line);
                nodes.push((node, state));
                continue;
            }
            let last: Last = serde_json::from_slice(&self.line).map_err(|error| {
                self.damaged(format!("line {number} is neither a node nor the last line: {error}"))
            })?;
            let right = last.xxh3 == format!("{:016x}", self.hash.digest());
            if !right || last.end != nodes.len() as u64 || last.end != self.header.stored {
                return Err(self.damaged("its hash or its number of nodes does not match its lines"));
            }
            return match self.input.fill_buf() {
                Ok([]) => Ok(nodes),
                Ok(_) => Err(self.damaged("bytes follow after its last line")),
                Err(error) => Err(self.unreadable(error)),
            };
        }
    }

    fn check(self) -> Result<Header, StoreError> {
        let header = self.header.clone();
        self.nodes(0)?;
        Ok(header)
    }

    fn next_line(&mut self) -> Result<(), StoreError> {
        self.line.clear();
        let read = (&mut self.input).take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut self.line);
        match read {
            Ok(_) if self.line.last() == Some(&b'\n') => Ok(()),
            Ok(n) if n == MAX_LINE_BYTES => {
                Err(self.damaged(format!("it has a line of more than {MAX_LINE_BYTES} bytes")))
            }
            Ok(_) => Err(self.damaged("it ends too early")),
            Err(error) => Err(self.unreadable(error)),
        }
    }

    fn damaged(&self, problem: impl ToString) -> StoreError {
        StoreError::damaged(&self.file, problem, COPY)
    }

    /// Distinguishes errors of the decompressor, which mean damage, from errors of the system.
    fn unreadable(&self, error: std::io::Error) -> StoreError {
        use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match error.kind() {
            UnexpectedEof => self.damaged("it ends too early"),
            InvalidData | InvalidInput => self.damaged(error),
            _ => StoreError::io(&self.file)(error),
        }
    }
}

/// Replaces the fleet of a state directory by that of a snapshot. The fleet continues at the simulated time `now`.
///
/// # Errors
/// If the snapshot is damaged or the directory cannot be written. Then the directory is unchanged.
pub fn restore(directory: &Directory, reader: Reader<File>, now: SimTime) -> Result<Store, StoreError> {
    let header = reader.header().clone();
    let now = now.max(SimTime::from_ms(header.time_ms));
    let nodes = reader.nodes(now.ms() - header.time_ms)?;
    Store::create(directory, &header.fleet, now, nodes.into_iter().map(Ok))
}
