//! A file with a JSON document on each line, read one line at a time.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::marker::PhantomData;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

use super::error::Error;

/// The longest line, bytes. The document of an item with all of its states is some kilobytes long.
pub(super) const MAX_LINE: u64 = 1 << 20;
/// The most lines of a file.
const MAX_LINES: u64 = 20_000_000;

/// The documents of a file, in constant memory. A last line without an end, as a run that is killed can leave, is skipped.
#[derive(Debug)]
pub struct Lines<T> {
    path: PathBuf,
    /// `None` for a file that is not there.
    file: Option<BufReader<File>>,
    line: u64,
    is_torn: bool,
    buffer: Vec<u8>,
    kind: PhantomData<T>,
}

impl<T: DeserializeOwned> Lines<T> {
    /// # Errors
    /// If the file cannot be opened, or is no regular file.
    pub(super) fn open(path: PathBuf) -> Result<Self, Error> {
        // Without the flag, opening a pipe waits for a writer.
        let open = || -> io::Result<File> {
            let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&path)?;
            if file.metadata()?.is_file() {
                Ok(file)
            } else {
                Err(io::Error::other("it is not a regular file"))
            }
        };
        let file = open().map_err(Error::at(&path))?;
        Ok(Self::of(path, Some(BufReader::new(file))))
    }

    /// As [`Lines::open`]; a file that is not there has no line.
    ///
    /// # Errors
    /// As [`Lines::open`].
    pub(super) fn open_if_any(path: PathBuf) -> Result<Self, Error> {
        if path.exists() { Self::open(path) } else { Ok(Self::of(path, None)) }
    }

    fn of(path: PathBuf, file: Option<BufReader<File>>) -> Self {
        Self { path, file, line: 0, is_torn: false, buffer: Vec::new(), kind: PhantomData }
    }

    /// Whether a last line without its end was skipped.
    pub fn is_torn(&self) -> bool {
        self.is_torn
    }

    fn wrong(&self, why: impl Into<String>) -> Error {
        Error::Line { path: self.path.clone(), line: self.line, why: why.into() }
    }

    fn read(&mut self) -> Result<Option<T>, Error> {
        let Some(file) = &mut self.file else { return Ok(None) };
        self.buffer.clear();
        let read =
            file.take(MAX_LINE + 1).read_until(b'\n', &mut self.buffer).map_err(Error::at(&self.path))?;
        if read == 0 {
            return Ok(None);
        }
        self.line += 1;
        if self.line > MAX_LINES {
            return Err(self.wrong(format!("the file has more than {MAX_LINES} lines")));
        }
        let is_whole = self.buffer.last() == Some(&b'\n');
        if !is_whole && read as u64 > MAX_LINE {
            return Err(self.wrong(format!("the line has more than {MAX_LINE} bytes")));
        }
        match serde_json::from_slice(&self.buffer) {
            Ok(document) => Ok(Some(document)),
            Err(_) if !is_whole => {
                self.is_torn = true;
                Ok(None)
            }
            // The line is known already, and the text of the library counts within the line.
            Err(error) => {
                let why = error.to_string();
                Err(self.wrong(why.replace(" at line 1 column", ", in column")))
            }
        }
    }
}

impl<T: DeserializeOwned> Iterator for Lines<T> {
    type Item = Result<T, Error>;

    /// The next document. After an error there is none.
    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if !matches!(read, Ok(Some(_))) {
            self.file = None;
        }
        read.transpose()
    }
}
