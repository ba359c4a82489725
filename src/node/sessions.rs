//! The sessions at a BMC's own service root.

use super::{Node, bmc};
use crate::time::SimTime;

impl Node {
    /// Whether a session at the BMC's own service root has this secret. The session's timeout begins again.
    pub fn session(&mut self, secret: &bmc::session::Secret, now: SimTime) -> Option<u32> {
        self.state.bmc.get_mut()?.sessions.check(secret, now)
    }

    /// Treats `now` as the time of the last request of each session. A restored node needs this, because requests are
    /// not stored on disk.
    pub fn use_sessions(&mut self, now: SimTime) {
        if let Some(bmc) = self.state.bmc.get_mut() {
            bmc.sessions.use_all(now);
        }
    }
}
