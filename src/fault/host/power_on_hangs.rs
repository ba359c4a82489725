//! A power-on that takes long, or never completes.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Period, Seam};
use crate::time::Span;

/// A power-on that takes long, or never completes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct PowerOnHangs {
    /// The time that it takes, at most 24 hours; without it, it never ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub takes: Option<Period>,
}

impl Fault for PowerOnHangs {
    const NAME: &'static str = "power-on-hangs";
    const SEAM: Seam = Seam::Host;
    const SEEN: &'static str = "the request succeeds, and PowerState stays PoweringOn";
    const ENDS: &'static str = "the next power-on takes its normal time; one that hangs completes";
    const STAYS: &'static str = "the time that has passed";
    const TEST: &'static str = "src/node/tests/faults.rs, an_endless_power_on";

    fn occasion(&self) -> Occasion {
        Occasion::PowerOn
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
