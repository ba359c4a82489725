//! The files of a load run: its items, its samples and its summary, and what is read from them.

mod item;
mod sample;

pub use item::{Item, MachineEvent, Status, Value};
pub use sample::{Process, Sample};
