//! A listener that speaks one old version of TLS only.

use serde::{Deserialize, Serialize};

use super::At;
use crate::fault::{Act, Fault, Occasion, Seam};
use crate::wire::{Opening, Protocol};

/// A listener that speaks one old version of TLS only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct OldTls {
    /// The listener at which this happens.
    #[serde(skip_serializing_if = "At::is_bmc")]
    pub at: At,
    pub version: Protocol,
}

impl Default for OldTls {
    fn default() -> Self {
        Self { at: At::Bmc, version: Protocol::Tls10 }
    }
}

impl Fault for OldTls {
    const NAME: &'static str = "old-tls";
    const SEAM: Seam = Seam::Wire;
    const SEEN: &'static str =
        "a client that refuses the version fails with protocol_version; with 1.2, a client of today connects";
    const ENDS: &'static str = "new connections are served again";
    const STAYS: &'static str = "nothing";
    const TEST: &'static str = "tests/it/faults/wire.rs, an_old_version_of_tls";

    fn occasion(&self) -> Occasion {
        self.at.connection()
    }

    fn act(&self) -> Act {
        Act::Wire(super::Act::Open(Opening::Only(self.version)))
    }
}
