//! The exit codes, for scripts, and the error for a wrong command line.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done, or the reader of the output closed the pipe.
    Ok = 0,
    /// A failure while running: a port in use, a full disk, a state directory in use.
    Failure = 1,
    /// A wrong flag, setting or profile name.
    Usage = 2,
    /// `profile check` found a wrong profile.
    WrongProfile = 3,
}

impl ExitCode {
    pub const HELP: &'static str = "\
Exit codes:
  0  done
  1  failed while running
  2  wrong command line, setting or configuration file; nothing was done
  3  profile check found a wrong profile";
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
