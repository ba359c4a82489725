//! A self test that takes long, or never ends.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Period, Seam};
use crate::time::Span;

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
    const TEST: &'static str = "src/node/tests/faults.rs, an_endless_self_test";

    fn occasion(&self) -> Occasion {
        Occasion::Post
    }

    fn act(&self) -> Act {
        let span = |takes: Period| Span::exactly_ms(u32::try_from(takes.ms()).unwrap_or(Span::MAX_MS));
        Act::Host(super::Act::Takes(self.takes.map(span)))
    }

    fn check(&self) -> Result<(), String> {
        match self.takes {
            Some(takes) if takes.ms() > u64::from(Span::MAX_MS) => {
                Err(format!("'takes' is {takes}; at most 24h are allowed"))
            }
            Some(_) | None => Ok(()),
        }
    }
}
