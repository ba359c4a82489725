//! The files of a load run: its items, its samples and its summary, and what is read from them.

mod cause;
mod compare;
mod durations;
mod folder;
mod html;
mod index;
mod item;
mod junit;
mod markdown;
mod merge;
mod sample;
mod summary;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod text;

pub use cause::cause;
pub use compare::{Change, Comparison, OperationChange, Side, ValueChange};
pub use durations::Durations;
pub use folder::{Error, Folder, Lines, Recorder};
pub use html::page;
pub use index::{Answer, Bulk, Refused, Rules};
pub use item::{Item, MachineEvent, Status, Value};
pub use junit::junit;
pub use markdown::markdown;
pub use merge::{MergeFailure, Merged, merge};
pub use sample::{Process, Sample};
pub use summary::{
    Facts, Failure, Gap, Idle, Items, Judged, MergeError, OTHER, OperationFigures, Outcome, Part, ProcessUse,
    Requests, RuleUse, Summary, Tally,
};
