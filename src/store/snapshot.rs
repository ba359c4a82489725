//! A fleet in one file, to be kept, copied and begun from again.
//!
//! Gzip of JSON lines: a header that says what it is, a line for each node that differs from a new one, and a last line
//! with their number and a hash of everything before it. Nothing of it is believed before the whole has been read.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek as _, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use xxhash_rust::xxh3::Xxh3;

use super::directory::{self, Directory};
use super::error::COPY;
use super::record::{FORMAT, Held};
use super::{Store, StoreError};
use crate::node::{NodeId, State};
use crate::time::SimTime;

/// The longest line that is read, bytes: a node's commands can hold results of some MiB.
const MAX_LINE_BYTES: u64 = 64 << 20;
/// The longest name, characters.
pub const MAX_NAME: usize = 64;
const ENDING: &str = "snapshot";

/// What a snapshot says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The format, [`FORMAT`] at most.
    pub format: u64,
    /// The version of fauxmetal that wrote it.
    pub version: String,
    /// When, milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// The fleet's simulated time then.
    pub time_ms: u64,
    /// Which fleet it is.
    #[serde(flatten)]
    pub held: Held,
    /// Nodes of it that differ from new ones, a line each.
    pub stored: u64,
}

/// The first line: what makes it known for what it is, before anything else is looked for in it.
#[derive(Serialize, Deserialize)]
struct First<T> {
    fauxmetal_snapshot: T,
}

#[derive(Deserialize)]
struct Format {
    format: u64,
}

#[derive(Serialize, Deserialize)]
struct Line<S> {
    node: NodeId,
    state: S,
}

#[derive(Serialize, Deserialize)]
struct Last {
    end: u64,
    xxh3: String,
}

/// A name for a snapshot, which is a file's name, too.
///
/// # Errors
/// When it is none.
pub fn name(text: &str) -> Result<&str, String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.is_empty() || text.len() > MAX_NAME || !text.chars().all(good) || text.starts_with(['.', '-']) {
        return Err(format!(
            "'{text}' is no name for a snapshot; allowed are 1 to {MAX_NAME} letters, digits, '.', '_' and '-', the first \
             a letter, a digit or '_'"
        ));
    }
    Ok(text)
}

/// The file of a name in a state directory.
pub fn file_of(dir: &Path, name: &str) -> PathBuf {
    directory::snapshots_in(dir).join(format!("{name}.{ENDING}"))
}

/// Names of a directory's snapshots with their files, sorted.
///
/// # Errors
/// When the directory cannot be read.
pub fn list(dir: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let folder = directory::snapshots_in(dir);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
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

/// Writes what a store holds as a snapshot of that name; what it says of itself.
///
/// # Errors
/// When there is one already and `replace` is not set, the store cannot be read, or the file not written.
pub fn save(
    directory: &Directory,
    store: &Store,
    name: &str,
    replace: bool,
    created_ms: u64,
) -> Result<Header, StoreError> {
    let place = free_place(directory, name, replace)?;
    let mut stored = 0;
    store.nodes(|_, _| {
        stored += 1;
        Ok(())
    })?;
    let header = Header {
        format: u64::from(FORMAT),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        created_ms,
        time_ms: store.time().ms(),
        held: store.held().clone(),
        stored,
    };
    let new = place.with_extension("new");
    let wrong = StoreError::io;
    let mut out = Writer::create(&new)?;
    out.line(&First { fauxmetal_snapshot: &header }).map_err(wrong(&new))?;
    store.nodes(|node, state| out.line(&Line { node, state }).map_err(wrong(&new)))?;
    out.finish(stored).map_err(wrong(&new))?;
    directory::put_in_place(&new, &place)?;
    Ok(header)
}

/// Copies a snapshot from anywhere to a name, once all of it has been read and found good.
///
/// # Errors
/// When it is damaged, there is one of that name already and `replace` is not set, or the file cannot be written.
pub fn import(
    directory: &Directory,
    source: &mut dyn Read,
    called: &Path,
    name: &str,
    replace: bool,
) -> Result<Header, StoreError> {
    let place = free_place(directory, name, replace)?;
    let new = place.with_extension("new");
    let mut file = directory::create_private(&new)?;
    std::io::copy(source, &mut file).map_err(StoreError::io(called))?;
    file.sync_all().and_then(|()| file.rewind()).map_err(StoreError::io(&new))?;
    let header = Reader::new(called, file).and_then(Reader::check).inspect_err(|_| {
        // Nothing good is lost with it, and the error that is told is the first one.
        let _ = directory::remove_if_there(&new);
    })?;
    directory::put_in_place(&new, &place)?;
    Ok(header)
}

fn free_place(directory: &Directory, name: &str, replace: bool) -> Result<PathBuf, StoreError> {
    directory.snapshots()?;
    let place = file_of(directory.path(), name);
    if place.exists() && !replace {
        return Err(StoreError::Refused(format!(
            "{}: there is a snapshot '{name}' already; --force replaces it",
            place.display()
        )));
    }
    Ok(place)
}

struct Writer {
    out: GzEncoder<BufWriter<File>>,
    hash: Xxh3,
    line: Vec<u8>,
}

impl Writer {
    fn create(file: &Path) -> Result<Self, StoreError> {
        let out = GzEncoder::new(BufWriter::new(directory::create_private(file)?), Compression::fast());
        Ok(Self { out, hash: Xxh3::new(), line: Vec::new() })
    }

    fn line(&mut self, value: &impl Serialize) -> std::io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)?;
        self.line.push(b'\n');
        self.hash.update(&self.line);
        self.out.write_all(&self.line)
    }

    fn finish(mut self, stored: u64) -> std::io::Result<()> {
        let xxh3 = format!("{:016x}", self.hash.digest());
        self.line(&Last { end: stored, xxh3 })?;
        let file = self.out.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()
    }
}

/// A snapshot that is being read: its header first.
pub struct Reader<R: Read> {
    file: PathBuf,
    input: BufReader<MultiGzDecoder<R>>,
    hash: Xxh3,
    line: Vec<u8>,
    header: Header,
}

impl Reader<File> {
    /// Opens a snapshot's file.
    ///
    /// # Errors
    /// When it cannot be read, is no snapshot, or one of a later version.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        Self::new(file, File::open(file).map_err(StoreError::io(file))?)
    }
}

impl<R: Read> Reader<R> {
    fn new(file: &Path, input: R) -> Result<Self, StoreError> {
        let held = Held::NONE;
        let nothing =
            Header { format: 0, version: String::new(), created_ms: 0, time_ms: 0, held, stored: 0 };
        let input = BufReader::new(MultiGzDecoder::new(input));
        let mut reader =
            Self { file: file.to_owned(), input, hash: Xxh3::new(), line: Vec::new(), header: nothing };
        reader.next_line()?;
        reader.hash.update(&reader.line);
        let Ok(first) = serde_json::from_slice::<First<&RawValue>>(&reader.line) else {
            return Err(StoreError::damaged(file, "it is no snapshot of fauxmetal", COPY));
        };
        let text = first.fauxmetal_snapshot.get();
        let unreadable =
            |error| StoreError::damaged(file, format!("its header cannot be read: {error}"), COPY);
        let Format { format } = serde_json::from_str(text).map_err(unreadable)?;
        let header = match format {
            // The header is the same in all formats; `State::read` converts the states.
            known if (1..=u64::from(FORMAT)).contains(&known) => {
                serde_json::from_str(text).map_err(unreadable)?
            }
            found if found > u64::from(FORMAT) => {
                return Err(StoreError::Newer { file: file.to_owned(), found, known: FORMAT });
            }
            other => return Err(StoreError::damaged(file, format!("there is no format {other}"), COPY)),
        };
        reader.header = header;
        Ok(reader)
    }

    /// What it says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads all of it, and gives every node whose state differs from a new one's. Its moments are moved on by `later_ms`,
    /// so that what was pending then continues as if time had stood still since.
    ///
    /// # Errors
    /// When it is damaged: then nothing of it should be used.
    pub fn nodes(mut self, later_ms: u64) -> Result<Vec<(NodeId, State)>, StoreError> {
        let mut nodes: Vec<(NodeId, State)> = Vec::new();
        loop {
            self.next_line()?;
            let number = nodes.len() as u64 + 2;
            if let Ok(Line { node, state }) = serde_json::from_slice::<Line<&RawValue>>(&self.line) {
                let mut state = State::read(self.header.format, state.get().as_bytes())
                    .map_err(|error| self.damaged(format!("line {number}: node {}: {error}", node.0)))?;
                state.shift(later_ms);
                if u64::from(node.0) >= self.header.held.indexes() {
                    let nodes = self.header.held.indexes();
                    return Err(self.damaged(format!("line {number}: node {} of a fleet of {nodes}", node.0)));
                }
                // Which bounds them by the fleet, too, whatever the file says.
                if nodes.last().is_some_and(|(before, _)| *before >= node) {
                    return Err(self.damaged(format!("line {number}: node {} is out of order", node.0)));
                }
                self.hash.update(&self.line);
                nodes.push((node, state));
                continue;
            }
            let last: Last = serde_json::from_slice(&self.line).map_err(|error| {
                self.damaged(format!("line {number} is neither a node nor the end: {error}"))
            })?;
            let right = last.xxh3 == format!("{:016x}", self.hash.digest());
            if !right || last.end != nodes.len() as u64 || last.end != self.header.stored {
                return Err(self.damaged("its hash is not that of its lines"));
            }
            return match self.input.fill_buf() {
                Ok([]) => Ok(nodes),
                Ok(_) => Err(self.damaged("something follows its end")),
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
        let read = (&mut self.input).take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line);
        match read {
            Ok(_) if self.line.last() == Some(&b'\n') => Ok(()),
            Ok(n) if n as u64 == MAX_LINE_BYTES => Err(self.damaged("a line of it is too long")),
            Ok(_) => Err(self.damaged("it ends too early")),
            Err(error) => Err(self.unreadable(error)),
        }
    }

    fn damaged(&self, problem: impl ToString) -> StoreError {
        StoreError::damaged(&self.file, problem, COPY)
    }

    /// What the decompressor cannot read is damaged; the rest is the system's.
    fn unreadable(&self, error: std::io::Error) -> StoreError {
        use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match error.kind() {
            UnexpectedEof => self.damaged("it ends too early"),
            InvalidData | InvalidInput => self.damaged(error),
            _ => StoreError::io(&self.file)(error),
        }
    }
}

/// Makes a directory's fleet that of a snapshot, in place of the one it holds: `now` is the time at which it goes on.
///
/// # Errors
/// When the snapshot is damaged or the directory cannot be written; then the directory is as it was.
pub fn restore(directory: &Directory, reader: Reader<File>, now: SimTime) -> Result<Store, StoreError> {
    let header = reader.header().clone();
    let now = now.max(SimTime::from_ms(header.time_ms));
    let nodes = reader.nodes(now.ms() - header.time_ms)?;
    Store::create(directory, &header.held, now, nodes.into_iter().map(Ok))
}
