//! A TLS handshake that ends with a fatal alert.

use serde::{Deserialize, Serialize};

use super::At;
use crate::fault::{Act, Fault, Occasion, Seam};
use crate::wire::{Alert, Opening};

/// A TLS handshake that ends with a fatal alert.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct TlsAlert {
    /// The listener at which this happens.
    #[serde(skip_serializing_if = "At::is_bmc")]
    pub at: At,
    /// The name of the alert in the registry of IANA.
    pub alert: Alert,
}

impl Default for TlsAlert {
    fn default() -> Self {
        Self { at: At::Bmc, alert: Alert::HandshakeFailure }
    }
}

impl Fault for TlsAlert {
    const NAME: &'static str = "tls-alert";
    const SEAM: Seam = Seam::Wire;
    const SEEN: &'static str = "the handshake fails with this alert";
    const ENDS: &'static str = "new connections are served again";
    const STAYS: &'static str = "nothing";
    const TEST: &'static str = "tests/it/faults/wire.rs, a_tls_alert";

    fn occasion(&self) -> Occasion {
        self.at.connection()
    }

    fn act(&self) -> Act {
        Act::Wire(super::Act::Open(Opening::Alert(self.alert)))
    }
}
