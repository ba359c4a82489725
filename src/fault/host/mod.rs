//! Faults of a machine: its power, its self test, its boot.

pub mod media_unreadable;
pub mod override_forgotten;
pub mod part_fails;
pub mod post_hangs;
pub mod power_lost;
pub mod power_off_ignored;
pub mod power_on_hangs;
pub mod spontaneous_reset;
pub mod timing;
pub mod wrong_source;

use crate::dmtf::{BootTarget, PowerRestorePolicy};

/// What a machine does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// A step takes another time, ms; `None`: it never ends.
    Takes(Option<u64>),
    /// The machine does not do what it was asked for.
    Ignore,
    Reset,
    /// The machine has no power as long as the condition lasts.
    NoPower(Option<PowerRestorePolicy>),
    /// The firmware boots this source first.
    BootFrom(BootTarget),
    /// The part with this number fails.
    Break(part_fails::Kind, u8),
    /// The boot source cannot be read.
    Unreadable,
    /// Phases that begin as long as the condition lasts take the times of the rule.
    Timing,
}
