//! The files of a load run: its items, its samples and its summary, and what is read from them.

mod item;
mod sample;

pub use item::{Item, MachineEvent, Status, VALUE_NAMES_IN_USE, Value};
pub use sample::{Process, Sample};
