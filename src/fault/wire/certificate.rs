//! A certificate that clients must refuse. It needs certificates that fauxmetal made.

use serde::{Deserialize, Serialize};

use super::At;
use crate::fault::{Act, Fault, Occasion, Seam};
use crate::wire::{Certificate as Which, Opening};

/// A certificate that clients must refuse. It needs certificates that fauxmetal made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", schema(as = WrongCertificate))]
pub struct Certificate {
    /// The listener at which this happens.
    #[serde(skip_serializing_if = "At::is_bmc")]
    pub at: At,
    pub which: Which,
}

impl Default for Certificate {
    fn default() -> Self {
        Self { at: At::Bmc, which: Which::Expired }
    }
}

impl Fault for Certificate {
    const NAME: &'static str = "wrong-certificate";
    const SEAM: Seam = Seam::Wire;
    const SEEN: &'static str =
        "a client that verifies refuses the certificate: it has expired, or is for another host";
    const ENDS: &'static str = "new connections are served again";
    const STAYS: &'static str = "nothing";
    const TEST: &'static str = "tests/it/faults/wire.rs, a_wrong_certificate";

    fn occasion(&self) -> Occasion {
        self.at.connection()
    }

    fn act(&self) -> Act {
        Act::Wire(super::Act::Open(Opening::Certificate(self.which)))
    }
}
