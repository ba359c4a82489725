//! Secure boot: its settings and its keys.

use serde::{Deserialize, Serialize};

use crate::dmtf::{BootMode, ResetKeysType};
use crate::node::refusal::Refusal;

/// Commands to the `SecureBoot` resource.
#[derive(Clone, Debug)]
pub enum Command {
    /// `SecureBootEnable`, which takes effect at the next start.
    Enable(bool),
    ResetKeys(ResetKeysType),
}

/// The state of secure boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecureBoot {
    /// `SecureBootEnable`: the setting that the next start applies.
    pub enable: bool,
    /// `SecureBootCurrentBoot`: whether secure boot is in force since the last start.
    pub current: bool,
    pub keys: Keys,
}

/// The state of the key databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keys {
    /// The default keys of the maker.
    Default,
    /// All keys except the platform key: setup mode.
    NoPlatformKey,
    /// No keys: setup mode.
    Deleted,
}

impl From<ResetKeysType> for Keys {
    fn from(reset: ResetKeysType) -> Self {
        match reset {
            ResetKeysType::ResetAllKeysToDefault => Self::Default,
            ResetKeysType::DeleteAllKeys => Self::Deleted,
            ResetKeysType::DeletePk => Self::NoPlatformKey,
        }
    }
}

impl SecureBoot {
    pub(super) const NEW: Self = Self { enable: false, current: false, keys: Keys::Default };

    /// Executes a command while the host has this boot mode.
    pub(in crate::node) fn execute(&mut self, command: Command, mode: BootMode) -> Result<(), Refusal> {
        match command {
            Command::Enable(true) if mode == BootMode::Legacy => return Err(Refusal::SecureBootNeedsUefi),
            Command::Enable(enable) => self.enable = enable,
            Command::ResetKeys(kind) => self.keys = kind.into(),
        }
        Ok(())
    }

    /// A start of the machine: the setting takes effect. It needs the platform key.
    pub(super) fn start(&mut self) {
        self.current = self.enable && self.keys == Keys::Default;
    }
}
