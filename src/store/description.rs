//! `fleet.json`: the description of the fleet beside the state file, for readers such as `fauxmetal export`.
//!
//! The database can be opened by one process only. This file is replaced atomically, so it can be read at any time. The
//! database stays the truth: whenever it is opened, the file is compared with it.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::database::Store;
use super::directory::{self, Directory};
use super::error::StoreError;
use super::record::StoredFleet;
use crate::file::{PRIVATE, Replacement};

/// The longest file that is read, in bytes: a fleet of 16 million nodes of which all were removed has 150 MB.
const MAX_BYTES: u64 = 256 << 20;

/// The file beside a state file.
fn place(state_file: &Path) -> PathBuf {
    state_file.with_file_name("fleet.json")
}

/// Describes the fleet in a state directory, which another process may be using. `None` if there is no fleet.
///
/// # Errors
/// If there is no such directory, or the description cannot be read.
pub fn describe(dir: &Path) -> Result<Option<StoredFleet>, StoreError> {
    if !dir.is_dir() {
        return Err(StoreError::Missing(format!("{}: there is no such state directory", dir.display())));
    }
    let state_file = directory::state_file_in(dir);
    match read(&place(&state_file)) {
        Ok(found) => Ok(Some(found)),
        // A version without this file has written the fleet. Opening the database adds it.
        Err(StoreError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
            if !state_file.exists() {
                return Ok(None);
            }
            let store = Store::open(&Directory::lock(dir, false)?)?;
            Ok(store.map(|store| store.fleet().clone()))
        }
        Err(error) => Err(error),
    }
}

fn read(file: &Path) -> Result<StoredFleet, StoreError> {
    let mut text = Vec::new();
    let read = File::open(file).and_then(|open| open.take(MAX_BYTES + 1).read_to_end(&mut text));
    read.map_err(StoreError::io(file))?;
    let advice = "start the fleet once with `fauxmetal serve --state`, which writes the file again";
    if text.len() as u64 > MAX_BYTES {
        return Err(StoreError::damaged(file, format!("it is longer than {MAX_BYTES} bytes"), advice));
    }
    serde_json::from_slice(&text).map_err(|error| StoreError::damaged(file, error, advice))
}

/// Writes the description of the fleet in `state_file`, unless the file has it.
pub(super) fn write(state_file: &Path, fleet: &StoredFleet) -> Result<(), StoreError> {
    let file = place(state_file);
    let text = serde_json::to_vec(fleet).expect("all maps in a fleet have text keys");
    if fs::read(&file).is_ok_and(|found| found == text) {
        return Ok(());
    }
    let (new, mut out) = Replacement::create(&file, PRIVATE).map_err(StoreError::io(&file))?;
    out.write_all(&text).and_then(|()| out.sync_all()).map_err(StoreError::io(new.path()))?;
    new.put_in_place().map_err(StoreError::io(&file))
}

/// Writes the description. Only exports need it, so the fleet is served without it.
pub(super) fn write_or_warn(state_file: &Path, fleet: &StoredFleet) {
    if let Err(error) = write(state_file, fleet) {
        tracing::warn!(%error, "the description of the fleet is not up to date; fauxmetal export --state needs it");
    }
}
