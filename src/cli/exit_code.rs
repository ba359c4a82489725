//! How the command ends, as scripts see it.

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// It did what was asked, or its reader had seen enough.
    Ok = 0,
    /// It could not: a port that is taken, a disk that is full, a state directory in use.
    Failure = 1,
    /// It was asked for something that cannot be: a wrong flag, setting or profile name.
    Usage = 2,
    /// `profile check` found a profile that is wrong.
    WrongProfile = 3,
}

impl ExitCode {
    /// For the help.
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
