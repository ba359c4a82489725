//! Downloads of disk images that break.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// A download of a disk image that breaks. Each attempt is an occasion, so `first: 1` lets the next attempt succeed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct CutDownload {
    /// The part of the image after which the connection breaks, percent, from 0 to 99. An image of unknown length breaks at once.
    #[cfg_attr(feature = "cli", schema(minimum = 0, maximum = 99))]
    pub percent: u8,
}

impl Default for CutDownload {
    fn default() -> Self {
        Self { percent: 50 }
    }
}

impl Fault for CutDownload {
    const NAME: &'static str = "cut-download";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str = "the download is repeated as often as IPA repeats it, and the command then fails with ImageDownloadError";
    const ENDS: &'static str = "the next attempt is complete";
    const STAYS: &'static str = "a command that has failed";
    const TEST: &'static str = "tests/it/faults/agent.rs, a_cut_download";

    fn occasion(&self) -> Occasion {
        Occasion::Download
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Cut(self.percent))
    }

    fn check(&self) -> Result<(), String> {
        if self.percent > 99 {
            return Err(format!("'percent' is {}; allowed are 0 to 99", self.percent));
        }
        Ok(())
    }
}
