//! The result of one effect: the answer for the node, and what the log and the metrics need.

use crate::node::NodeId;
use crate::node::effect::Answer;
use crate::node::ipa::{self, Beat, Inspected, LookedUp};
use crate::note::Note;

pub(super) struct Performed {
    pub(super) answer: Answer,
    /// The reason of a failure, for the log.
    pub(super) problem: Option<Note>,
    /// The failure is part of normal operation, so it is no warning.
    pub(super) normal: bool,
    /// Nothing was sent, because the circuit of every server that could be asked is open.
    pub(super) circuit_open: bool,
}

impl Performed {
    pub(super) fn new(answer: Answer, problem: Option<Note>) -> Self {
        Self { answer, problem, normal: false, circuit_open: false }
    }

    /// Logs a failure: as a warning if it is final, at level debug if a retry follows or if it is normal.
    pub(super) fn log(&self, id: NodeId) {
        let Some(problem) = &self.problem else { return };
        let final_failure = match &self.answer {
            Answer::BootRead { .. } | Answer::MediaOpened { .. } => !self.normal,
            Answer::FirmwareFetched { .. } => true,
            Answer::Ipa { answer, .. } => match answer {
                ipa::Answer::ImageWritten(_) | ipa::Answer::Inspected(Inspected::Refused) => true,
                ipa::Answer::Inspected(Inspected::Retry | Inspected::Accepted(..)) => false,
                ipa::Answer::LookedUp(LookedUp::NotFound | LookedUp::Locked | LookedUp::Unreachable) => false,
                ipa::Answer::LookedUp(LookedUp::Found { .. }) => false,
                ipa::Answer::Beat(Beat::Accepted | Beat::Refused | Beat::Unreachable) => false,
            },
        };
        let message = match &self.answer {
            Answer::BootRead { .. } => "boot failed",
            Answer::MediaOpened { .. } => "virtual media cannot be read",
            Answer::FirmwareFetched { .. } => "firmware image cannot be read",
            Answer::Ipa { answer: ipa::Answer::Inspected(_), .. } => "inspection data was not accepted",
            Answer::Ipa { answer: ipa::Answer::LookedUp(_), .. } => "lookup failed",
            Answer::Ipa { answer: ipa::Answer::Beat(_), .. } => "heartbeat failed",
            Answer::Ipa { answer: ipa::Answer::ImageWritten(_), .. } => "image was not written",
        };
        if final_failure {
            tracing::warn!(target: "fauxmetal::effect", { node.id = id.0, error = %problem }, "{message}");
        } else {
            tracing::debug!(target: "fauxmetal::effect", { node.id = id.0, error = %problem }, "{message}");
        }
    }
}
