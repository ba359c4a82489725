//! A self test that takes long, or never ends.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Period, Seam};

/// A self test that takes long, or never ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct PostHangs {
    /// The time that it takes, at most 24 hours; without it, it never ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub takes: Option<Period>,
}

impl Fault for PostHangs {
    const NAME: &'static str = "post-hangs";
    const SEAM: Seam = Seam::Host;
    const SEEN: &'static str = "PowerState is On, and BootProgress stays in the self test";
    const ENDS: &'static str = "the next self test takes its normal time; one that hangs ends";
    const STAYS: &'static str = "the time that has passed";
    const TEST: &'static str = "tests/it/faults/host.rs, a_self_test_that_hangs";

    fn occasion(&self) -> Occasion {
        Occasion::Post
    }

    fn act(&self) -> Act {
        Act::Host(super::Act::Takes(self.takes.map(Period::ms)))
    }

    fn check(&self) -> Result<(), String> {
        self.takes.map_or(Ok(()), |takes| takes.check_at_most_a_day("takes"))
    }
}
