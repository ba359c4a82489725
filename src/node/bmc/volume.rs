//! Volumes: the block devices that a RAID controller makes of its drives. A drive belongs to one volume at most.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tasks::Start;
use crate::dmtf::{Health, RaidType};
use crate::node::refusal::Refusal;
use crate::node::sparse::Part;
use crate::profile::{Profile, inventory};

/// Commands to the volumes of a controller, which has this number in the profile.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes a volume. The outcome is a task; the volume is there at once.
    Create { storage: u8, creation: Creation, start: Box<Start> },
    /// Removes the volume with this id when the task ends. Its drives are passed through again.
    Delete { storage: u8, id: Box<str>, start: Box<Start> },
    /// `Volume.Initialize`: empties the volume with this id.
    Initialize { storage: u8, id: Box<str>, start: Box<Start> },
}

/// A volume that a client asks for.
#[derive(Clone, Debug)]
pub struct Creation {
    pub raid_type: RaidType,
    /// Numbers of the drives in the node.
    pub drives: Box<[u8]>,
    /// `CapacityBytes`; without it, all that the drives have.
    pub capacity_bytes: Option<u64>,
    pub name: Option<Box<str>>,
}

/// A volume of a controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    pub id: Box<str>,
    pub name: Box<str>,
    pub raid_type: RaidType,
    pub capacity_bytes: u64,
    /// Numbers of its drives in the node. The host sees the volume in the place of the first one.
    pub drives: Box<[u8]>,
    /// The number of the creation; zero for a volume of a new server.
    pub number: u32,
}

/// The volumes of all controllers, as far as they differ from a new server's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Volumes {
    /// All volumes of a controller that a client has changed. A drive has one volume at most, so the drives bound them.
    changed: BTreeMap<u8, Vec<Volume>>,
    /// Number of volumes created so far.
    created: u32,
}

impl Part for Volumes {
    fn of_new_machine() -> &'static Self {
        static NEW: Volumes = Volumes { changed: BTreeMap::new(), created: 0 };
        &NEW
    }
}

/// What is left of a volume, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Integrity {
    Whole,
    /// Drives are missing, and the others hold all of its data.
    Degraded,
    /// Data is missing with the drives, so the host does not see the volume.
    Failed,
}

impl Integrity {
    /// The health of a volume.
    pub fn health(self) -> Health {
        match self {
            Self::Whole => Health::Ok,
            Self::Degraded => Health::Warning,
            Self::Failed => Health::Critical,
        }
    }
}

/// The id of a volume that a client has created.
pub fn id(number: u32) -> String {
    format!("Volume{number}")
}

impl Volume {
    /// Maximum length of a name, characters.
    pub const MAX_NAME: usize = 64;

    /// What the drives for which `is_there` holds leave of the volume. A volume whose drives are all there is whole: the time
    /// of a rebuild is not simulated.
    pub fn integrity(&self, is_there: impl Fn(u8) -> bool) -> Integrity {
        let missing = |drives: &[u8]| drives.iter().filter(|drive| !is_there(**drive)).count();
        let (group, may_miss) = self.raid_type.redundancy(self.drives.len());
        if missing(&self.drives) == 0 {
            Integrity::Whole
        } else if self.drives.chunks(group.max(1)).all(|drives| missing(drives) <= may_miss) {
            Integrity::Degraded
        } else {
            Integrity::Failed
        }
    }
}

impl Volumes {
    /// The volumes of the controller with this number.
    pub fn of(&self, profile: &Profile, storage: u8) -> Cow<'_, [Volume]> {
        match self.changed.get(&storage) {
            Some(volumes) => volumes.into(),
            None => of_new_server(profile, storage).into(),
        }
    }

    /// The drives whose content a command destroys.
    pub(in crate::node) fn drives_of(&self, command: &Command, profile: &Profile) -> Box<[u8]> {
        match command {
            Command::Create { creation, .. } => creation.drives.clone(),
            Command::Delete { storage, id, .. } | Command::Initialize { storage, id, .. } => {
                let volumes = self.of(profile, *storage);
                let volume = volumes.iter().find(|volume| volume.id == *id);
                volume.map_or_else(Box::default, |volume| volume.drives.clone())
            }
        }
    }

    /// Makes a volume, and returns its id.
    pub(super) fn create(
        &mut self,
        storage: u8,
        creation: Creation,
        profile: &Profile,
    ) -> Result<Box<str>, Refusal> {
        let mut volumes = self.of(profile, storage).into_owned();
        let Creation { raid_type, mut drives, capacity_bytes, name } = creation;
        drives.sort_unstable();
        let used = volumes.iter().flat_map(|volume| &volume.drives).any(|drive| drives.contains(drive));
        let largest = capacity(profile, storage, raid_type, &drives).filter(|_| !used);
        let Some(largest) = largest else { return Err(Refusal::DrivesDoNotFit) };
        self.created += 1;
        let id: Box<str> = id(self.created).into();
        volumes.push(Volume {
            name: name.unwrap_or_else(|| id.clone()),
            id: id.clone(),
            raid_type,
            capacity_bytes: capacity_bytes.unwrap_or(largest).min(largest),
            drives,
            number: self.created,
        });
        self.changed.insert(storage, volumes);
        Ok(id)
    }

    /// The drives of the volume are passed through again.
    pub(super) fn remove(&mut self, storage: u8, id: &str, profile: &Profile) {
        let mut volumes = self.of(profile, storage).into_owned();
        volumes.retain(|volume| *volume.id != *id);
        self.changed.insert(storage, volumes);
    }
}

/// The largest volume of a type that these drives of a controller can hold. `None` if the type cannot have them.
pub fn capacity(profile: &Profile, storage: u8, raid_type: RaidType, drives: &[u8]) -> Option<u64> {
    let storage = profile.storage.get(usize::from(storage))?;
    let own = profile.drives().filter(|(number, of, _)| drives.contains(number) && of.id == storage.id);
    let sizes: Vec<u64> = own.map(|(.., drive)| drive.capacity_bytes).collect();
    let all_there = sizes.len() == drives.len();
    let data = raid_type.data_drives(sizes.len() as u64).filter(|_| all_there)?;
    Some(data * sizes.into_iter().min()?)
}

fn of_new_server(profile: &Profile, storage: u8) -> Vec<Volume> {
    let volumes = profile.storage.get(usize::from(storage)).map_or(&[][..], |storage| &storage.volumes);
    let one = |volume: &inventory::Volume| {
        let drives: Box<[u8]> = profile
            .drives()
            .filter(|(.., drive)| volume.drives.contains(&drive.id))
            .map(|(number, ..)| number)
            .collect();
        Volume {
            id: volume.id.as_str().into(),
            name: volume.name.as_str().into(),
            raid_type: volume.raid_type,
            capacity_bytes: capacity(profile, storage, volume.raid_type, &drives).unwrap_or(0),
            drives,
            number: 0,
        }
    };
    volumes.iter().map(one).collect()
}
