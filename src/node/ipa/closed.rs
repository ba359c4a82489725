//! The ends of an agent.

use serde::{Deserialize, Serialize};

/// Why an agent is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Closed {
    /// The ramdisk was started only for inspection, and inspection is over.
    Inspected,
    /// The ramdisk has no URL of an API.
    NoApi,
    /// No lookup succeeded before the timeout.
    GaveUp,
    /// Ironic has a token that the agent does not know (`agent.py`, `process_lookup_data`).
    TokenUnknown,
    /// `rescue.finalize_rescue` turned the ramdisk into a rescue system.
    Rescued,
    /// `system.lockdown` closed the API.
    LockedDown,
    /// A person has ended its program.
    Crashed,
}

impl Closed {
    /// The reason in a few words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Inspected => "inspection is over",
            Self::NoApi => "its ramdisk names no Ironic API, and --ironic names none",
            Self::GaveUp => "no lookup succeeded in time",
            Self::TokenUnknown => "Ironic has a token that the agent does not know",
            Self::Rescued => "it became a rescue system",
            Self::LockedDown => "Ironic locked it down",
            Self::Crashed => "its program has crashed",
        }
    }
}
