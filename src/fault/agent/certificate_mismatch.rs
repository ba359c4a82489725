//! An agent that reports another certificate than its listener has.

use serde::{Deserialize, Serialize};

use crate::fault::{Act, Fault, Occasion, Seam};

/// An agent whose heartbeats report another certificate than its listener has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "cli", derive(utoipa::ToSchema))]
pub struct CertificateMismatch {}

impl Fault for CertificateMismatch {
    const NAME: &'static str = "agent-certificate-mismatch";
    const SEAM: Seam = Seam::Agent;
    const SEEN: &'static str = "heartbeats have an agent_verify_ca with which the certificate of the listener cannot be verified, so Ironic cannot call the agent";
    const ENDS: &'static str = "heartbeats have the right certificate";
    const STAYS: &'static str = "Ironic keeps the first certificate of a session, and refuses heartbeats with another one until it powers the machine off or restarts it";
    const TEST: &'static str = "tests/it/faults/agent.rs, another_certificate";

    fn occasion(&self) -> Occasion {
        Occasion::Begin
    }

    fn act(&self) -> Act {
        Act::Agent(super::Act::Certificate)
    }
}
