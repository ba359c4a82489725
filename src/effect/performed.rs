//! The result of one effect: the answer for the node, and what the log, the journal and the metrics need.

use http::StatusCode;

use crate::fleet::Fleet;
use crate::journal::{Call, CallKind, Outcome};
use crate::node::NodeId;
use crate::node::effect::{Answer, EffectKind};
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
    /// The URL of the call without credentials; empty if there was none.
    pub(super) url: String,
    /// The status of the answer, if the server of an API has answered.
    pub(super) status: Option<StatusCode>,
}

/// The kind of the call that an effect makes.
pub(super) fn kind(kind: EffectKind) -> CallKind {
    match kind {
        EffectKind::ReadBoot { .. } => CallKind::Boot,
        EffectKind::OpenMedia { .. } => CallKind::Media,
        EffectKind::Ipa { effect: ipa::Effect::Inspect, .. } => CallKind::Inspection,
        EffectKind::Ipa { effect: ipa::Effect::LookUp, .. } => CallKind::Lookup,
        EffectKind::Ipa { effect: ipa::Effect::Heartbeat, .. } => CallKind::Heartbeat,
        EffectKind::Ipa { effect: ipa::Effect::WriteImage, .. } => CallKind::Image,
        EffectKind::FetchFirmware { .. } => CallKind::Firmware,
        EffectKind::FetchLicense { .. } => CallKind::License,
        EffectKind::Deliver { .. } => CallKind::Event,
    }
}

impl Performed {
    pub(super) fn new(answer: Answer, problem: Option<Note>) -> Self {
        Self { answer, problem, normal: false, circuit_open: false, url: String::new(), status: None }
    }

    /// The call went to this URL, which has no credentials.
    pub(super) fn at(self, url: String) -> Self {
        Self { url, ..self }
    }

    pub(super) fn outcome(&self) -> Outcome {
        let good = match &self.answer {
            _ if self.circuit_open => return Outcome::Held,
            Answer::BootRead { result, .. } => result.is_ok(),
            Answer::MediaOpened { result, .. }
            | Answer::FirmwareFetched { result, .. }
            | Answer::Delivered { result, .. } => result.is_ok(),
            Answer::LicenseFetched { result, .. } => result.is_ok(),
            Answer::Ipa { answer, .. } => match answer {
                ipa::Answer::Inspected(Inspected::Retry | Inspected::Refused)
                | ipa::Answer::LookedUp(LookedUp::NotFound | LookedUp::Locked)
                | ipa::Answer::Beat(Beat::Refused) => return Outcome::Refused,
                ipa::Answer::Inspected(Inspected::Accepted(..))
                | ipa::Answer::LookedUp(LookedUp::Found { .. })
                | ipa::Answer::Beat(Beat::Accepted) => true,
                ipa::Answer::LookedUp(LookedUp::Unreachable) | ipa::Answer::Beat(Beat::Unreachable) => false,
                ipa::Answer::ImageWritten(result) => result.is_ok(),
            },
        };
        if good { Outcome::Ok } else { Outcome::Failed }
    }

    /// Records the call in the journal of its node.
    pub(super) fn record(&self, effect: EffectKind, id: NodeId, fleet: &Fleet) {
        if !fleet.journal().is_on() {
            return;
        }
        let error = self.problem.as_ref().map(|problem| self.cause(problem));
        let call = Call {
            call: kind(effect),
            url: self.url.as_str().into(),
            outcome: self.outcome(),
            status: self.status.map(|status| status.as_u16()),
            error: error.filter(|error| !error.is_empty()).map(Into::into),
        };
        fleet.journal().call(id, fleet.clock().now(), &call);
    }

    /// The reason of a failure without the URL and the status, which the journal has apart.
    fn cause<'n>(&self, problem: &'n Note) -> &'n str {
        let text = problem.as_str();
        let after_url = if self.url.is_empty() { None } else { text.split_once(&format!("{}: ", self.url)) };
        let text = after_url.map_or(text, |(_, cause)| cause);
        let after_status = self.status.and_then(|status| text.strip_prefix(status.to_string().as_str()));
        after_status.map_or(text, str::trim)
    }

    /// Logs a failure: as a warning if it is final, at level debug if a retry follows or if it is normal. Of the successes, an
    /// inserted image is logged here; the others are changes of the node, which the fleet logs.
    pub(super) fn log(&self, id: NodeId, fleet: &Fleet) {
        let Some(problem) = &self.problem else {
            if let Answer::MediaOpened { slot, .. } = &self.answer {
                log_media(id, *slot, fleet);
            }
            return;
        };
        let final_failure = match &self.answer {
            Answer::BootRead { .. } | Answer::MediaOpened { .. } => !self.normal,
            Answer::FirmwareFetched { .. } | Answer::LicenseFetched { .. } => true,
            // The subscription says what follows.
            Answer::Delivered { .. } => false,
            Answer::Ipa { answer, .. } => match answer {
                ipa::Answer::ImageWritten(_) | ipa::Answer::Inspected(Inspected::Refused) => true,
                ipa::Answer::Inspected(Inspected::Retry | Inspected::Accepted(..)) => false,
                ipa::Answer::LookedUp(LookedUp::NotFound | LookedUp::Locked | LookedUp::Unreachable) => false,
                ipa::Answer::LookedUp(LookedUp::Found { .. }) => false,
                ipa::Answer::Beat(Beat::Accepted | Beat::Refused | Beat::Unreachable) => false,
            },
        };
        // Each message is a place of its own in the code, so that the log limits and counts each kind of failure alone.
        macro_rules! failed {
            ($message:literal) => {
                if final_failure {
                    let (node, uuid) = fleet.names(id);
                    tracing::warn!(target: "fauxmetal::effect", %node, %uuid, error = %problem, $message);
                } else if tracing::enabled!(target: "fauxmetal::effect", tracing::Level::DEBUG) {
                    let (node, uuid) = fleet.names(id);
                    tracing::debug!(target: "fauxmetal::effect", %node, %uuid, error = %problem, $message);
                }
            };
        }
        match &self.answer {
            Answer::BootRead { .. } => failed!("boot failed"),
            Answer::MediaOpened { .. } => failed!("virtual media cannot be read"),
            Answer::FirmwareFetched { .. } => failed!("firmware image cannot be read"),
            Answer::LicenseFetched { .. } => failed!("license cannot be read"),
            Answer::Delivered { .. } => failed!("events were not delivered"),
            Answer::Ipa { answer: ipa::Answer::Inspected(_), .. } => {
                failed!("inspection data was not accepted");
            }
            Answer::Ipa { answer: ipa::Answer::LookedUp(_), .. } => failed!("lookup failed"),
            Answer::Ipa { answer: ipa::Answer::Beat(_), .. } => failed!("heartbeat failed"),
            Answer::Ipa { answer: ipa::Answer::ImageWritten(_), .. } => failed!("image was not written"),
        }
    }
}

/// Logs that the BMC has opened the image in a slot.
fn log_media(id: NodeId, slot: u8, fleet: &Fleet) {
    let seen = fleet.look(id, |node, _| {
        let image = node.bmc().media.get(slot).map(|inserted| Note::from(&*inserted.insertion.image))?;
        Some((node.profile().media_slots.get(usize::from(slot))?.id.clone(), image))
    });
    if let Some((slot, image)) = seen.flatten() {
        let (node, uuid) = fleet.names(id);
        tracing::info!(target: "fauxmetal::node", %node, %uuid, slot, %image, "virtual media inserted");
    }
}
