//! The hardware that a machine has at the moment: interfaces with a cable, drives in their bays, parts that work, disks that the
//! host sees.
//! BMC, agent and firmware ask here, so all of them agree.

use super::Node;
use super::bmc::failures::Part;
use super::bmc::volume::{Integrity, Volume};
use super::spec::Mac;
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
    /// Whether the host interface with this number has a cable.
    pub fn has_cable(&self, nic: u8) -> bool {
        self.bmc().plugs.has_cable(&self.profile, nic)
    }

    /// The MAC addresses of interfaces with a cable. Ironic cannot use the others.
    pub fn cabled_macs(&self) -> impl Iterator<Item = Mac> {
        let ports = (0u8..).zip(&self.profile.nics).map(|(port, _)| port);
        ports.filter(|port| self.has_cable(*port)).map(|port| self.spec().mac(port))
    }

    /// Whether any interface has a cable. The agent and network boot need one; the BMC has a cable of its own.
    pub fn has_network(&self) -> bool {
        self.cabled_macs().next().is_some()
    }

    /// Whether the drive with this number is in its bay.
    pub fn has_drive(&self, number: u8) -> bool {
        self.bmc().plugs.has_drive(number)
    }

    /// The drives in their bays, as [`Profile::drives`](crate::profile::Profile::drives) has them.
    pub fn drives(&self) -> impl Iterator<Item = (u8, &Storage, &Drive)> {
        self.profile.drives().filter(|(number, ..)| self.has_drive(*number))
    }

    /// Whether the part has failed. A part that has no place at the moment may have failed, too.
    pub fn has_failed(&self, part: Part) -> bool {
        self.bmc().has_failed(part)
    }

    /// Whether the drive with this number is in its bay and works. The host sees no other: the electronics of a failed drive do
    /// not answer, so that no controller lists it.
    pub fn is_usable(&self, drive: u8) -> bool {
        self.has_drive(drive) && !self.has_failed(Part::Drive(drive))
    }

    /// Whether all drives are in their bays and work. Nearly every machine has such drives, and this is asked for each document of
    /// a system.
    fn has_all_drives(&self) -> bool {
        self.bmc().plugs.has_all_drives()
            && !self.bmc().failed_parts().any(|part| matches!(part, Part::Drive(_)))
    }

    /// Total size of the memory that the last self test has found, MiB.
    pub fn memory_mib(&self) -> u64 {
        if self.bmc().unused_memory().is_empty() {
            return self.profile.memory_mib();
        }
        let modules = (0..=u8::MAX).zip(&self.profile.dimms);
        modules.filter(|(number, _)| self.uses_memory(*number)).map(|(_, module)| module.capacity_mib).sum()
    }

    /// Whether the memory module with this number is part of the memory of the host.
    pub fn uses_memory(&self, number: u8) -> bool {
        !self.bmc().unused_memory().contains(&number)
    }

    /// Whether all memory modules work and are used.
    pub fn has_all_memory(&self) -> bool {
        self.bmc().unused_memory().is_empty()
            && !self.bmc().failed_parts().any(|part| matches!(part, Part::Memory(_)))
    }

    /// What the drives that work leave of a volume.
    pub fn integrity(&self, volume: &Volume) -> Integrity {
        volume.integrity(|number| self.is_usable(number))
    }

    /// The worst integrity of the volumes of a controller, or of all controllers.
    pub fn worst_integrity(&self, storage: Option<u8>) -> Integrity {
        if self.has_all_drives() {
            return Integrity::Whole;
        }
        let volumes = self.volumes().filter(|(of, _)| storage.is_none_or(|storage| storage == *of));
        volumes.map(|(_, volume)| self.integrity(&volume)).max().unwrap_or(Integrity::Whole)
    }

    /// The volumes of all controllers, each with the number of its controller.
    fn volumes(&self) -> impl Iterator<Item = (u8, Volume)> {
        let storages = (0u8..).zip(&self.profile.storage);
        storages.flat_map(|(number, _)| {
            let volumes = self.bmc().volumes.of(&self.profile, number).into_owned();
            volumes.into_iter().map(move |volume| (number, volume))
        })
    }

    /// The disks of the host, in the order of their drives. A volume that has failed is none of them.
    pub fn disks(&self) -> Vec<Disk<'_>> {
        let volumes: Vec<Volume> = self.volumes().map(|(_, volume)| volume).collect();
        let disk = |(number, storage, drive)| {
            let volume = volumes.iter().find(|volume| volume.drives.contains(&number));
            let is_seen = volume.map_or_else(
                || self.is_usable(number),
                |volume| {
                    volume.drives.first() == Some(&number) && self.integrity(volume) != Integrity::Failed
                },
            );
            is_seen.then(|| Disk { storage, number, drive, volume: volume.cloned() })
        };
        self.profile.drives().filter_map(disk).collect()
    }

    /// Whether a disk of the host holds an operating system. It leaves with its drive, or when the drive fails, and is there again
    /// when the drive is back or repaired.
    pub fn installed(&self) -> bool {
        self.state.installed
            && (self.has_all_drives()
                || match self.state.system_disk {
                    Some(number) => self.disks().iter().any(|disk| disk.number == number),
                    // A state of an earlier version does not tell. Every disk that is left may be the one.
                    None => !self.disks().is_empty(),
                })
    }
}
