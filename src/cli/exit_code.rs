//! The exit codes, for scripts, and the error for a wrong command line.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done, or the reader of the output closed the pipe.
    Ok = 0,
    /// A failure while running: a port in use, a full disk, no daemon, a node that refuses a change.
    Failure = 1,
    /// A wrong flag, setting or profile name.
    Usage = 2,
    /// `profile check` found a wrong profile.
    WrongProfile = 3,
    /// `run` has ended, and an assertion of its plan does not hold.
    NotHeld = 4,
    /// `node wait` has waited for as long as it may.
    Timeout = 5,
}

impl ExitCode {
    pub const HELP: &'static str = "\
Exit codes:
  0  done
  1  failed while running, or a node refused the change
  2  wrong command line, setting or configuration file; nothing was done
  3  profile check found a wrong profile
  4  run has ended, and an assertion of its plan does not hold
  5  node wait has waited for as long as --timeout allows";
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// A mistake in the command line that clap does not find.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);
