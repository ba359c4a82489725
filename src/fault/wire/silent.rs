//! A listener that accepts connections, and never reads or sends anything: a black hole.

use serde::{Deserialize, Serialize};

use super::At;
use crate::fault::{Act, Fault, Occasion, Seam};
use crate::wire::Opening;

/// A listener that accepts connections, and never reads or sends anything: a black hole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct Silent {
    /// The listener at which this happens.
    #[serde(skip_serializing_if = "At::is_bmc")]
    pub at: At,
}

impl Fault for Silent {
    const NAME: &'static str = "connection-silent";
    const SEAM: Seam = Seam::Wire;
    const SEEN: &'static str = "the connection opens, and neither TLS nor a request ever gets an answer";
    const ENDS: &'static str = "new connections are served again";
    const STAYS: &'static str = "connections that the client has given up";
    const TEST: &'static str = "tests/it/faults/wire.rs, a_silent_connection";

    fn occasion(&self) -> Occasion {
        self.at.connection()
    }

    fn act(&self) -> Act {
        Act::Wire(super::Act::Open(Opening::BlackHole))
    }
}
