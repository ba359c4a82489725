//! The files of a load run: its items, its samples and its summary, and what is read from them.

mod cause;
mod durations;
mod folder;
mod item;
mod sample;
mod summary;
#[cfg(test)]
pub(crate) mod testing;

pub use cause::cause;
pub use durations::Durations;
pub use folder::{Error, Folder, Lines, Recorder};
pub use item::{Item, MachineEvent, Status, Value};
pub use sample::{Process, Sample};
pub use summary::{
    Facts, Failure, Gap, Idle, Items, Judged, MergeError, OTHER, OperationFigures, Outcome, Part, ProcessUse,
    Requests, RuleUse, Summary, Tally,
};
