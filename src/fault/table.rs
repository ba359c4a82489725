//! The table of faults, for the documents.

use super::act::{Fault, Seam};

/// A row of the table of faults.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub name: &'static str,
    pub seam: Seam,
    /// What a client sees.
    pub seen: &'static str,
    /// What ends with the rule.
    pub ends: &'static str,
    pub stays: &'static str,
    /// The test that shows it.
    pub test: &'static str,
}

impl Row {
    pub(super) const fn of<F: Fault>() -> Self {
        Self { name: F::NAME, seam: F::SEAM, seen: F::SEEN, ends: F::ENDS, stays: F::STAYS, test: F::TEST }
    }
}
