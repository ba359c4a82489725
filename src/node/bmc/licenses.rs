//! Licenses of the BMC: those that are left of its profile, and those that clients have installed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::source::Source;
use super::tasks::Start;
use crate::node::refusal::Refusal;
use crate::node::sparse::Part;
use crate::profile::Profile;
use crate::profile::license::License;
use crate::time::SimTime;

/// Commands to the licenses.
#[derive(Clone, Debug)]
pub enum Command {
    /// Installs the license with this [`digest`].
    Install(Box<str>),
    /// `LicenseService.Install`: fetches a file and installs it as a license.
    Fetch { source: Source, start: Box<Start> },
    /// Deletes the license with this id. Succeeds also if it is already gone.
    Delete(Box<str>),
}

/// The state of the licenses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Licenses {
    /// Number of licenses that clients have installed so far.
    installations: u32,
    installed: BTreeMap<u32, Installed>,
    /// The ids of licenses of the profile that clients have deleted.
    deleted: BTreeSet<Box<str>>,
}

/// A license that a client has installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// What [`digest`] makes of it.
    pub digest: Box<str>,
    pub at: SimTime,
}

/// A license that is there.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    OfModel(&'a License),
    Installed(&'a Installed),
}

impl Part for Licenses {
    fn of_new_machine() -> &'static Self {
        static NEW: Licenses =
            Licenses { installations: 0, installed: BTreeMap::new(), deleted: BTreeSet::new() };
        &NEW
    }
}

impl Licenses {
    /// The most licenses that clients can install.
    pub const MAX: usize = 8;
    /// The longest text of a license, characters, and the longest file, bytes.
    pub const MAX_TEXT: usize = 4096;

    /// The ids of all licenses.
    pub fn ids<'a>(&'a self, profile: &'a Profile) -> impl Iterator<Item = String> + 'a {
        let of_model = profile.licenses.iter().filter(|license| !self.deleted.contains(&*license.id));
        let installed = self.installed.keys().map(|number| id(*number));
        of_model.map(|license| license.id.clone()).chain(installed)
    }

    /// The license with this id.
    pub fn get<'a>(&'a self, wanted: &str, profile: &'a Profile) -> Option<Found<'a>> {
        let installed = self.installed.iter().find(|(number, _)| id(**number) == wanted);
        let of_model = profile.licenses.iter().find(|license| license.id == wanted);
        let of_model = of_model.filter(|license| !self.deleted.contains(&*license.id));
        installed.map(|(_, license)| Found::Installed(license)).or_else(|| of_model.map(Found::OfModel))
    }

    /// Refuses a further license if there is no room for it.
    pub(super) fn check_room(&self) -> Result<(), Refusal> {
        if self.installed.len() < Self::MAX { Ok(()) } else { Err(Refusal::TooManyKeys) }
    }

    /// Installs the license with this digest, and returns its id.
    pub(in crate::node) fn install(&mut self, digest: Box<str>, now: SimTime) -> Result<Box<str>, Refusal> {
        if let Some((number, _)) = self.installed.iter().find(|(_, other)| other.digest == digest) {
            return Err(Refusal::LicenseExists(id(*number).into()));
        }
        self.check_room()?;
        self.installations = self.installations.saturating_add(1);
        self.installed.insert(self.installations, Installed { digest, at: now });
        Ok(id(self.installations).into())
    }

    /// Deletes the license with this id, if it is there and can be deleted.
    pub(in crate::node) fn delete(&mut self, wanted: &str, profile: &Profile) {
        self.installed.retain(|number, _| id(*number) != wanted);
        if profile.licenses.iter().any(|license| license.id == wanted && license.removable) {
            self.deleted.insert(wanted.into());
        }
    }

    pub(super) fn shift(&mut self, ms: u64) {
        self.installed.values_mut().for_each(|license| license.at.shift(ms));
    }
}

/// The SHA-256 of a license, hex digits. The license itself is a secret that nothing needs again.
pub fn digest(license: &[u8]) -> Box<str> {
    let digest = Sha256::digest(license);
    digest.iter().map(|byte| format!("{byte:02X}")).collect::<String>().into()
}

fn id(number: u32) -> String {
    format!("{}{number}", License::INSTALLED)
}
