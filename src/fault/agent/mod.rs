//! Faults of the agent: its calls to Ironic, its token, its commands, its downloads, and the hardware that it finds. All durations
//! follow simulated time.

pub mod calls_late;
pub mod certificate_mismatch;
pub mod checksum_mismatch;
pub mod command_fails;
pub mod command_hangs;
pub mod crashes;
pub mod cut_download;
pub mod heartbeats_doubled;
pub mod heartbeats_late;
pub mod heartbeats_lost;
pub mod never_calls;
pub mod other_hardware;
pub mod slow_download;
pub mod token_lost;
pub mod token_wrong;

use super::period::Period;

/// What an agent does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Makes its first call so much later; `None`: makes no call as long as the condition lasts.
    Silent(Option<Period>),
    /// Sends a heartbeat that is lost.
    Lost,
    /// Sends a heartbeat so much later.
    Late(Period),
    /// Sends a heartbeat twice.
    Twice,
    /// Takes this for its token; `None`: it knows none.
    Token(Option<Box<str>>),
    /// Reports another certificate than its listener has.
    Certificate,
    /// Fails at a command, with this error.
    Fail(Box<command_fails::CommandFails>),
    /// Never ends a command.
    Hang,
    /// Ends at a command.
    Crash,
    /// Finds other hardware than before.
    Hardware(other_hardware::OtherHardware),
    /// Takes so much longer to transfer an image.
    Slow(Period),
    /// Finds a wrong checksum after a download.
    WrongSum,
    /// Loses the connection after so many percent of a download.
    Cut(u8),
}

/// Checks a duration: above 0, at most 24 hours.
fn check_duration(name: &str, period: Period) -> Result<(), String> {
    match period.ms() {
        0 => Err(format!("'{name}' is {period}; a duration above 0 is allowed")),
        _ => period.check_at_most_a_day(name),
    }
}
