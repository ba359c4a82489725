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

use crate::dmtf::BootTarget;
use crate::fault::period::Period;

/// What a machine does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    /// A step takes another time, ms; `None`: it never ends.
    Takes(Option<u64>),
    /// The machine does not do what it was asked for.
    Ignore,
    Reset,
    /// The machine has no power as long as the condition lasts.
    NoPower(power_lost::Restore),
    /// The firmware boots this source first.
    BootFrom(BootTarget),
    /// The part with this number fails.
    Break(part_fails::Kind, u8),
    /// The boot source cannot be read.
    Unreadable,
    /// Phases that begin as long as the condition lasts take the times of the rule.
    Timing,
}

/// The longest time that a step takes before it ends, ms: 24 hours.
const LONGEST_MS: u64 = 24 * 3600 * 1000;

/// # Errors
/// If a step takes longer than 24 hours, and not forever.
fn check_takes(takes: Option<Period>) -> Result<(), String> {
    match takes {
        Some(takes) if takes.ms() > LONGEST_MS => Err(format!("'takes' is {takes}; at most 24h are allowed")),
        Some(_) | None => Ok(()),
    }
}
