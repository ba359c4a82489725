//! Images that have another checksum than Ironic says.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// An image that arrives completely, and has another checksum than Ironic says. Each attempt to download it is an occasion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct ChecksumMismatch {}

impl Fault for ChecksumMismatch {
    const NAME: &'static str = "checksum-mismatch";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str = "the download is repeated, and the command then fails with ImageChecksumError";
    const ENDS: &'static str = "the next download has the right checksum";
    const STAYS: &'static str = "the command that has failed";
    const TEST: &'static str = "tests/it/faults/agent.rs, a_checksum_mismatch";

    fn occasion(&self) -> Occasion {
        Occasion::Download
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::WrongSum)
    }
}
