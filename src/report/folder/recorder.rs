//! Writes the files of a run.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

use super::error::Error;
use super::{Folder, ITEMS, PLAN, REPORT, SAMPLES, SUMMARY, TRACK, track};
use crate::file::Replacement;
use crate::report::item::Item;
use crate::report::sample::Sample;
use crate::report::summary::Summary;

/// The mode of new files: other users can read them.
const MODE: u32 = 0o644;

/// The files of a run that proceeds. Each line is written at once and in one piece, so that a run that is killed loses at most
/// the line that it writes.
#[derive(Debug)]
pub struct Recorder {
    folder: Folder,
    items: File,
    samples: File,
    track: File,
    /// The line that is written; kept, so that its memory is used again.
    line: Vec<u8>,
}

impl Recorder {
    pub(super) fn new(folder: Folder, plan: &str) -> Result<Self, Error> {
        let create = |name: &str| {
            let path = folder.file(name);
            OpenOptions::new().append(true).create_new(true).open(&path).map_err(Error::at(&path))
        };
        create(PLAN)?.write_all(plan.as_bytes()).map_err(Error::at(&folder.file(PLAN)))?;
        let (items, samples, mut track) = (create(ITEMS)?, create(SAMPLES)?, create(TRACK)?);
        track.write_all(track::HEAD.as_bytes()).map_err(Error::at(&folder.file(TRACK)))?;
        Ok(Self { folder, items, samples, track, line: Vec::new() })
    }

    /// The folder for readers.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Writes the document of an operation that has ended.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn item(&mut self, item: &Item) -> Result<(), Error> {
        line(&mut self.line, &mut self.items, item).map_err(Error::at(&self.folder.file(ITEMS)))
    }

    /// Writes a sample and its row of `track.csv`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn sample(&mut self, sample: &Sample) -> Result<(), Error> {
        self.sample_only(sample)?;
        self.track(sample)
    }

    /// Writes a sample that is a part of the row of `track.csv`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(in crate::report) fn sample_only(&mut self, sample: &Sample) -> Result<(), Error> {
        line(&mut self.line, &mut self.samples, sample).map_err(Error::at(&self.folder.file(SAMPLES)))
    }

    /// Writes a row of `track.csv`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(in crate::report) fn track(&mut self, sample: &Sample) -> Result<(), Error> {
        self.track.write_all(track::row(sample).as_bytes()).map_err(Error::at(&self.folder.file(TRACK)))
    }

    /// Replaces `summary.json` at once: a reader sees the old one or the new one.
    ///
    /// # Errors
    /// If the file cannot be written. The old one is kept then.
    pub fn summary(&self, summary: &Summary) -> Result<(), Error> {
        let path = self.folder.file(SUMMARY);
        let wrong = |error: serde_json::Error| Error::Summary { path: path.clone(), why: error.to_string() };
        let text = serde_json::to_vec_pretty(summary).map_err(wrong)?;
        replace(&path, &text)
    }

    /// Writes the last summary and syncs all files to disk.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn end(&self, summary: &Summary) -> Result<(), Error> {
        for (name, file) in [(ITEMS, &self.items), (SAMPLES, &self.samples), (TRACK, &self.track)] {
            file.sync_all().map_err(Error::at(&self.folder.file(name)))?;
        }
        self.summary(summary)
    }
}

impl Folder {
    /// Replaces `report.html` at once.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write_report(&self, html: &str) -> Result<(), Error> {
        replace(&self.file(REPORT), html.as_bytes())
    }
}

/// Writes a document and a line break in one piece.
fn line(line: &mut Vec<u8>, file: &mut File, document: &impl Serialize) -> std::io::Result<()> {
    line.clear();
    serde_json::to_writer(&mut *line, document)?;
    line.push(b'\n');
    file.write_all(line)
}

/// Replaces a file atomically.
///
/// # Errors
/// If it cannot be written.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let write = || {
        let (new, mut file) = Replacement::create(path, MODE)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        new.put_in_place()
    };
    write().map_err(Error::at(path))
}
