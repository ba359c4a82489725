//! Faults of a BMC: its answers and its documents.

pub mod account_locked;
pub mod document;
pub mod lost_change;
pub mod password_changed;
pub mod restart;
pub mod session_limit;
pub mod stale_reads;
pub mod status;
pub mod task;
pub mod wrong_clock;

/// What a BMC does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Answers the request with an error.
    Refuse(Box<status::Status>),
    /// Makes the change, acknowledges it, and forgets it.
    Forget,
    /// Changes the document of the answer.
    Patch(Box<document::Document>),
    /// Finds the user name or the password wrong.
    WrongPassword,
    /// Finds the account locked.
    Locked,
    /// Has no room for another session.
    NoSession,
    /// Does what the request asks for, and restarts before it answers.
    Restart,
    /// Shows the documents of an earlier moment.
    Stale,
    /// Holds a task: it fails after so many percent of its work; `None`: it never ends.
    HoldTask(Option<u8>),
    /// Shows a clock that is so many milliseconds ahead, or behind if negative.
    Clock(i64),
}
