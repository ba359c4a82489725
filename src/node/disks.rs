//! The disks that the host sees: drives, and volumes of a RAID controller.

use super::Node;
use super::bmc::volume::Volume;
use crate::profile::inventory::{Drive, Storage};

/// A disk of the host.
#[derive(Clone, Debug)]
pub struct Disk<'a> {
    pub storage: &'a Storage,
    /// The number of the drive, or of the first drive of a volume, in whose place the host sees it.
    pub number: u8,
    pub drive: &'a Drive,
    /// `None` for a drive that is passed through.
    pub volume: Option<Volume>,
}

impl Disk<'_> {
    pub fn capacity_bytes(&self) -> u64 {
        self.volume.as_ref().map_or(self.drive.capacity_bytes, |volume| volume.capacity_bytes)
    }
}

impl Node {
    /// The disks of the host, in the order of their drives.
    pub fn disks(&self) -> Vec<Disk<'_>> {
        let volumes = &self.bmc().volumes;
        let storages = (0u8..).zip(&self.profile.storage);
        let volumes: Vec<Volume> =
            storages.flat_map(|(storage, _)| volumes.of(&self.profile, storage).into_owned()).collect();
        let disk = |(number, storage, drive)| {
            let volume = volumes.iter().find(|volume| volume.drives.contains(&number));
            let first = volume.is_none_or(|volume| volume.drives.first() == Some(&number));
            first.then(|| Disk { storage, number, drive, volume: volume.cloned() })
        };
        self.profile.drives().filter_map(disk).collect()
    }
}
