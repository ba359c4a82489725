//! Licenses of the BMC: those that are left of its profile, and those that clients have installed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::node::refusal::Refusal;
use crate::node::sparse::Part;
use crate::profile::Profile;
use crate::profile::license::License;
use crate::time::SimTime;

/// Commands to the licenses.
#[derive(Clone, Debug)]
pub enum Command {
    /// Installs the license whose text has this digest.
    Install(Box<str>),
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
    /// The SHA-256 of its text, hex digits. The text is a secret that nothing needs again.
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
    /// The longest text of a license, characters.
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

    /// Executes a command. Returns the id of the license that it has installed.
    pub(in crate::node) fn execute(
        &mut self,
        command: Command,
        profile: &Profile,
        now: SimTime,
    ) -> Result<Option<Box<str>>, Refusal> {
        match command {
            Command::Install(digest) => {
                if let Some((number, _)) = self.installed.iter().find(|(_, other)| other.digest == digest) {
                    return Err(Refusal::LicenseExists(id(*number).into()));
                }
                if self.installed.len() >= Self::MAX {
                    return Err(Refusal::TooManyKeys);
                }
                self.installations = self.installations.saturating_add(1);
                self.installed.insert(self.installations, Installed { digest, at: now });
                Ok(Some(id(self.installations).into()))
            }
            Command::Delete(wanted) => {
                self.installed.retain(|number, _| id(*number) != *wanted);
                if profile.licenses.iter().any(|license| *license.id == *wanted && license.removable) {
                    self.deleted.insert(wanted);
                }
                Ok(None)
            }
        }
    }

    pub(super) fn shift(&mut self, ms: u64) {
        self.installed.values_mut().for_each(|license| license.at.shift(ms));
    }
}

fn id(number: u32) -> String {
    format!("{}{number}", License::INSTALLED)
}
