//! A disk image that arrives slowly.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Period, Seam};

/// A disk image whose transfer takes long, simulated time. The image server sees the requests at the end of that time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct SlowDownload {
    /// The time that the transfer takes, at most 24 hours.
    pub takes: Period,
}

impl Default for SlowDownload {
    fn default() -> Self {
        Self { takes: Period::from_ms(600000) }
    }
}

impl Fault for SlowDownload {
    const NAME: &'static str = "slow-download";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str = "the command that writes the image runs so much longer";
    const ENDS: &'static str = "a transfer that waits goes on at once";
    const STAYS: &'static str = "the time that has passed";
    const TEST: &'static str = "tests/it/faults/agent.rs, a_slow_download";

    fn occasion(&self) -> Occasion {
        Occasion::Image
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Slow(self.takes))
    }

    fn check(&self) -> Result<(), String> {
        super::check_duration("takes", self.takes)
    }
}
