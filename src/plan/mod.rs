//! The plan of a load run: a strict YAML file, its values, and the schedule that follows from them.

mod assertion;
mod operation;

pub use assertion::{Assertion, Comparison, Figures, Function};
pub use operation::Operation;
