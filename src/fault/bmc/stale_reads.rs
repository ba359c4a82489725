//! A BMC that shows what was true before.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A BMC that shows what was true when the rule began to take effect, as one with a slow cache. Changes are made all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct StaleReads {}

impl Fault for StaleReads {
    const NAME: &'static str = "stale-reads";
    const SEAM: Seam = Seam::Bmc;
    const SEEN: &'static str =
        "GET shows the documents of the moment at which the effect began, while changes succeed";
    const ENDS: &'static str = "GET shows the present again";
    const STAYS: &'static str = "the changes that were made meanwhile";
    const TEST: &'static str = "tests/it/faults/bmc.rs, stale_reads";

    fn occasion(&self) -> Occasion {
        Occasion::Begin
    }

    fn act(&self) -> Act {
        Act::Bmc(super::Act::Stale)
    }
}
