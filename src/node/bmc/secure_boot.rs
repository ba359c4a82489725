//! Secure boot: its settings and its keys.

use serde::{Deserialize, Serialize};

use super::databases;
use crate::dmtf::ResetKeysType;

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
