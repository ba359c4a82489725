//! The folder of a run, `runs/ID/`: written as the run proceeds, and readable whenever the run ends, also by `kill -9`.

mod error;
mod lines;
mod recorder;
#[cfg(test)]
mod tests;
mod track;

use std::fs;
use std::path::{Path, PathBuf};

pub use error::Error;
use error::MAX_ID;
pub use lines::Lines;
pub use recorder::Recorder;

use crate::file;
use crate::report::item::Item;
use crate::report::sample::Sample;
use crate::report::summary::{Facts, Outcome, Summary};

/// The plan as it was run.
const PLAN: &str = "plan.yaml";
/// An [`Item`] on each line.
const ITEMS: &str = "items.ndjson";
/// A [`Sample`] on each line.
const SAMPLES: &str = "samples.ndjson";
/// A row for each sample, with the columns of metal3's `tracking.sh` first.
const TRACK: &str = "track.csv";
const SUMMARY: &str = "summary.json";
const REPORT: &str = "report.html";

/// The longest `summary.json`, and the longest `plan.yaml`, bytes. A summary with all of its rows is shorter.
const MAX_BYTES: u64 = 16 << 20;

/// A folder with the files of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens the folder of a run.
    ///
    /// # Errors
    /// If it has neither a summary nor items.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let folder = Self { path: path.into() };
        let is_run = [SUMMARY, ITEMS].iter().any(|name| folder.file(name).is_file());
        if is_run { Ok(folder) } else { Err(Error::NoRun(folder.path)) }
    }

    /// Opens the folder that a user names: a path, or the id of a run below `runs`.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn named(runs: &Path, name: &str) -> Result<Self, Error> {
        let is_id = is_id(name);
        match is_id && runs.join(name).is_dir() {
            true => Self::open(runs.join(name)),
            false if !is_id || Path::new(name).is_dir() => Self::open(name),
            false => Err(Error::NoRun(runs.join(name))),
        }
    }

    /// Creates the folder of a run that begins, with its plan.
    ///
    /// # Errors
    /// If the id is no name of a folder, there is such a folder already, or it cannot be written.
    pub fn create(runs: &Path, id: &str, plan: &str) -> Result<Recorder, Error> {
        if !is_id(id) {
            return Err(Error::Id(id.to_owned()));
        }
        fs::create_dir_all(runs).map_err(Error::at(runs))?;
        Self::create_at(&runs.join(id), plan)
    }

    /// As [`Folder::create`], for a folder of any name.
    ///
    /// # Errors
    /// If there is such a folder already, or it cannot be written.
    pub fn create_at(path: &Path, plan: &str) -> Result<Recorder, Error> {
        fs::create_dir(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Error::Exists(path.to_owned()),
            _ => Error::at(path)(error),
        })?;
        Recorder::new(Self { path: path.to_owned() }, plan)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the report belongs.
    pub fn report(&self) -> PathBuf {
        self.file(REPORT)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The plan as it was run.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn plan(&self) -> Result<String, Error> {
        let path = self.file(PLAN);
        file::read_text(&path, MAX_BYTES).map_err(Error::at(&path))
    }

    /// The items in the order of their ends, one at a time.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn items(&self) -> Result<Lines<Item>, Error> {
        Lines::open(self.file(ITEMS))
    }

    /// Whether there is a file of items.
    pub fn has_items(&self) -> bool {
        self.file(ITEMS).is_file()
    }

    /// The samples in the order of time, one at a time. A folder without the file has none.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn samples(&self) -> Result<Lines<Sample>, Error> {
        Lines::open_if_any(self.file(SAMPLES))
    }

    /// The summary as it was last written; `None` without the file.
    ///
    /// # Errors
    /// If it cannot be read, or has another format.
    pub fn stored(&self) -> Result<Option<Summary>, Error> {
        let path = self.file(SUMMARY);
        let text = match file::read_text(&path, MAX_BYTES) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(Error::at(&path))?,
        };
        #[derive(serde::Deserialize)]
        struct Head {
            format: u32,
        }
        let wrong = |error: serde_json::Error| Error::Summary { path: path.clone(), why: error.to_string() };
        let Head { format } = serde_json::from_str(&text).map_err(wrong)?;
        if format != Summary::FORMAT {
            let why = format!(
                "format {format} is not known to this version, which reads format {}",
                Summary::FORMAT
            );
            return Err(Error::Summary { path, why });
        }
        serde_json::from_str(&text).map(Some).map_err(wrong)
    }

    /// The figures of the run. Those of a run that still runs, or was killed, are computed from its items and samples.
    ///
    /// # Errors
    /// If a file cannot be read, or a line is wrong.
    pub fn figures(&self) -> Result<Summary, Error> {
        let stored = self.stored()?;
        match stored {
            Some(summary) if summary.outcome != Outcome::Running || !self.has_items() => Ok(summary),
            stored => self.rebuilt(stored.as_ref()),
        }
    }

    fn rebuilt(&self, stored: Option<&Summary>) -> Result<Summary, Error> {
        let mut summary = stored.map(Summary::emptied);
        let mut items = self.items()?;
        for item in &mut items {
            let item = item?;
            let summary = summary
                .get_or_insert_with(|| Summary::new(self.facts(&item.uuid, &item.timestamp, item.started)));
            summary.add(&item);
        }
        let mut samples = self.samples()?;
        for sample in &mut samples {
            let sample = sample?;
            let summary = summary
                .get_or_insert_with(|| Summary::new(self.facts(&sample.uuid, &sample.timestamp, sample.at)));
            summary.sample(&sample);
        }
        let mut summary = summary.unwrap_or_else(|| Summary::new(self.facts("", "", 0.0)));
        for (name, is_torn) in [(ITEMS, items.is_torn()), (SAMPLES, samples.is_torn())] {
            if is_torn {
                summary
                    .warn(format!("the last line of {name} was not written to its end, and does not count"));
            }
        }
        summary.judge_by_texts();
        Ok(summary)
    }

    /// What is known of a run without a summary, from one of its lines.
    fn facts(&self, id: &str, timestamp: &str, at: f64) -> Facts {
        let name =
            || self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let start = timestamp
            .parse::<jiff::Timestamp>()
            .ok()
            .and_then(|moment| moment.checked_sub(jiff::SignedDuration::try_from_secs_f64(at).ok()?).ok());
        Facts {
            id: if id.is_empty() { name() } else { id.to_owned() },
            plan: PLAN.to_owned(),
            start: start.unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string(),
            ..Facts::default()
        }
    }
}

/// Whether a text is the name of one folder, which no shell and no terminal interprets.
fn is_id(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=MAX_ID).contains(&text.len()) && text.chars().all(allowed) && !text.starts_with(['.', '-'])
}
