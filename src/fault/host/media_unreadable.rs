//! A boot source that cannot be read.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A boot source that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct MediaUnreadable {}

impl Fault for MediaUnreadable {
    const NAME: &'static str = "media-unreadable";
    const SEAM: Seam = Seam::Host;
    const SEEN: &'static str =
        "a condition of the system names the source, and the firmware tries the next one";
    const ENDS: &'static str = "sources can be read again";
    const STAYS: &'static str = "the boot that happened";
    const TEST: &'static str = "tests/it/faults/host.rs, a_source_that_cannot_be_read";

    fn occasion(&self) -> Occasion {
        Occasion::Media
    }

    fn act(&self) -> Act {
        Act::Host(super::Act::Unreadable)
    }
}
