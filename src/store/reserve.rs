//! Space that is kept on the disk for the changes that are already made when the disk fills up.
//!
//! A change is made in memory before it is written. Without room for it, its client would have to be told that it may or
//! may not take effect. So room is kept: a file that is removed when a write finds the disk full. From then on changes
//! are refused before they are made, until the file has room again.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::directory::create_private;

/// The size of the file. A batch of 4,096 nodes (`fleet::persist::MAX_BATCH`) takes a few MiB with the pages around them,
/// and the next batch may be full before the first is written.
pub(super) const RESERVE_BYTES: usize = 32 << 20;

/// Space on a disk that is either taken or free.
pub(super) struct Reserve {
    take: Box<dyn Fn() -> io::Result<()> + Send>,
    free: Box<dyn Fn() + Send>,
    held: bool,
}

impl Reserve {
    pub(super) fn new(
        take: impl Fn() -> io::Result<()> + Send + 'static,
        free: impl Fn() + Send + 'static,
    ) -> Self {
        Self { take: Box::new(take), free: Box::new(free), held: false }
    }

    /// The reserve of a state directory: a file.
    pub(super) fn file(file: PathBuf) -> Self {
        let to_free = file.clone();
        let remove = move || {
            // If it cannot be removed, the next write fails as if there were no reserve.
            let _ = fs::remove_file(&to_free);
        };
        let take = move || write_noise(&file).inspect_err(|_| drop(fs::remove_file(&file)));
        Self::new(take, remove)
    }

    /// Takes the space, unless it is taken.
    ///
    /// # Errors
    /// If the disk has no room for it.
    pub(super) fn take(&mut self) -> io::Result<()> {
        if !self.held {
            (self.take)()?;
            self.held = true;
        }
        Ok(())
    }

    /// Frees the space. Returns whether it was taken.
    pub(super) fn free(&mut self) -> bool {
        let held = std::mem::take(&mut self.held);
        if held {
            (self.free)();
        }
        held
    }
}

/// Writes a file of [`RESERVE_BYTES`] that no file system can compress.
fn write_noise(file: &std::path::Path) -> io::Result<()> {
    let mut out = create_private(file).map_err(|error| io::Error::other(error.to_string()))?;
    let mut noise = Vec::with_capacity(RESERVE_BYTES);
    let mut word = 0x9e37_79b9_7f4a_7c15u64;
    while noise.len() < RESERVE_BYTES {
        // Xorshift (Marsaglia 2003).
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        noise.extend_from_slice(&word.to_le_bytes());
    }
    out.write_all(&noise)?;
    // Some file systems find out only now that they have no room.
    out.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_takes_its_space_until_it_is_freed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("reserve");
        let mut reserve = Reserve::file(file.clone());
        assert!(!reserve.free(), "it was not taken");
        for _ in 0..2 {
            reserve.take().unwrap();
            assert_eq!(fs::metadata(&file).unwrap().len(), RESERVE_BYTES as u64);
        }
        assert!(reserve.free() && !file.exists() && !reserve.free());
        assert!(Reserve::file(dir.path().join("none/reserve")).take().is_err());
    }
}
