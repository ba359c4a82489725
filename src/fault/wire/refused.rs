//! A listener that resets each connection as soon as it is accepted.

use serde::{Deserialize, Serialize};

use super::At;
use crate::fault::{Act, Fault, Occasion, Seam};
use crate::wire::Opening;

/// A listener that resets each connection as soon as it is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "cli", schema(as = ConnectionRefused))]
pub struct Refused {
    /// The listener at which this happens.
    #[serde(skip_serializing_if = "At::is_bmc")]
    pub at: At,
}

impl Fault for Refused {
    const NAME: &'static str = "connection-refused";
    const SEAM: Seam = Seam::Wire;
    const SEEN: &'static str =
        "ECONNRESET at the first read or write; the kernel has accepted the connection before";
    const ENDS: &'static str = "new connections are served again";
    const STAYS: &'static str = "connections that were reset";
    const TEST: &'static str = "tests/it/faults/wire.rs, a_refused_connection";

    fn occasion(&self) -> Occasion {
        self.at.connection()
    }

    fn act(&self) -> Act {
        Act::Wire(super::Act::Open(Opening::Reset))
    }
}
