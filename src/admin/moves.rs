//! What the handlers of the clock share.

use parking_lot::Mutex;

use crate::time::SimTime;

/// The changes of the clock that are under way.
#[derive(Default)]
pub(super) struct Moves {
    /// One change after the other. A step holds it at its begin and at its end only, so that it can be interrupted.
    pub(super) changing: tokio::sync::Mutex<()>,
    pub(super) stepping: tokio::sync::Mutex<()>,
    /// The end of the step that is under way.
    pub(super) end: Mutex<Option<SimTime>>,
}
