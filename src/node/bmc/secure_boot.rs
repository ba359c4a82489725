//! Secure boot: its settings and its keys.

use serde::{Deserialize, Serialize};

use super::{Bmc, databases};
use crate::dmtf::{BootMode, ResetKeysType};
use crate::node::refusal::Refusal;
use crate::profile::Profile;

/// Commands to the `SecureBoot` resource.
#[derive(Clone, Debug)]
pub enum Command {
    /// `SecureBootEnable`, which takes effect at the next start.
    Enable(bool),
    ResetKeys(ResetKeysType),
    /// A change of one of the databases.
    Keys(databases::Command),
}

/// The state of secure boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecureBoot {
    /// `SecureBootEnable`: the setting that the next start applies.
    pub enable: bool,
    /// `SecureBootCurrentBoot`: whether secure boot is in force since the last start.
    pub current: bool,
    /// What the last reset of all keys has left.
    pub keys: Keys,
}

/// What a reset of all keys leaves in the databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keys {
    /// The default keys of the maker.
    Default,
    /// All keys except the platform key: setup mode.
    NoPlatformKey,
    /// No keys: setup mode.
    Deleted,
}

impl SecureBoot {
    pub(super) const NEW: Self = Self { enable: false, current: false, keys: Keys::Default };
}

impl Bmc {
    /// Executes a command while the host has this boot mode. Returns the number of the key that it has added.
    pub(in crate::node) fn change_secure_boot(
        &mut self,
        command: Command,
        mode: BootMode,
        profile: &Profile,
    ) -> Result<Option<u32>, Refusal> {
        match command {
            Command::Enable(true) if mode == BootMode::Legacy => return Err(Refusal::SecureBootNeedsUefi),
            Command::Enable(enable) => self.secure_boot.enable = enable,
            Command::ResetKeys(kind) => {
                let keys = &mut self.secure_boot.keys;
                *keys = match (kind, *keys) {
                    (ResetKeysType::ResetAllKeysToDefault, _) => Keys::Default,
                    (ResetKeysType::DeletePk, Keys::Default | Keys::NoPlatformKey) => Keys::NoPlatformKey,
                    (ResetKeysType::DeletePk, Keys::Deleted) | (ResetKeysType::DeleteAllKeys, _) => {
                        Keys::Deleted
                    }
                };
                self.databases.change(|all| all.reset_all(kind));
            }
            Command::Keys(command) => return self.change_database(command, profile),
        }
        Ok(None)
    }

    /// A start of the machine: the setting takes effect. It needs the platform key.
    pub(super) fn start_secure_boot(&mut self, profile: &Profile) {
        self.secure_boot.current = self.secure_boot.enable && self.has_platform_key(profile);
    }
}
