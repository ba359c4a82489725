//! The causes that the journal knows, in words of a sentence.

use crate::journal::{Call, CallKind, Change, Entry, Event, Face, Outcome, What, clock_time};
use crate::note::Note;
use crate::time::SimTime;

/// Characters of a cause.
const MAX_CAUSE: usize = 200;

/// The last failures of a node, and the times of its last events.
#[derive(Default)]
pub(super) struct Causes {
    /// By kind: the last failed call, unless one has succeeded since.
    failed: [Option<Call>; CallKind::ALL.len()],
    /// By kind: the last call was held back by a circuit breaker.
    held: [bool; CallKind::ALL.len()],
    /// The last event of the host or its agent.
    pub(super) since: Option<SimTime>,
    /// The beginning of the BMC's last restart.
    pub(super) bmc_restarts: Option<SimTime>,
    /// The last request to the agent had a wrong token.
    pub(super) wrong_token: bool,
}

impl Causes {
    pub(super) fn of(entries: &[Entry]) -> Self {
        let mut causes = Self::default();
        // In the order of the last occurrences.
        let mut latest: Vec<&Entry> = entries.iter().collect();
        latest.sort_by_key(|entry| entry.revision);
        for entry in latest {
            match &entry.what {
                What::Call(call) => causes.called(call),
                What::State(change) => causes.changed(change, entry.last),
                What::Request(request) => {
                    if request.face == Face::Agent {
                        causes.wrong_token = request.status == Some(401);
                    }
                }
            }
        }
        causes
    }

    fn called(&mut self, call: &Call) {
        let kind = call.call as usize;
        self.held[kind] = call.outcome == Outcome::Held;
        match call.outcome {
            Outcome::Ok => self.failed[kind] = None,
            Outcome::Refused | Outcome::Failed => self.failed[kind] = Some(call.clone()),
            Outcome::Held => {}
        }
    }

    fn changed(&mut self, change: &Change, at: SimTime) {
        match change.event {
            Event::BmcRestarts => self.bmc_restarts = Some(at),
            Event::BmcBack
            | Event::MediaEjected
            | Event::Deployed
            | Event::DisksEmpty
            | Event::CablePulled
            | Event::CablePlugged
            | Event::DrivePulled
            | Event::DrivePlugged
            | Event::PartFailed
            | Event::PartRepaired
            | Event::Labelled
            | Event::FaultFired
            | Event::FaultEnded
            | Event::Added
            | Event::Removed => {}
            Event::PowerOn | Event::Restart => {
                // Failures of an earlier start are over.
                let Self { bmc_restarts, .. } = *self;
                *self = Self { since: Some(at), bmc_restarts, ..Self::default() };
            }
            Event::SelfTest
            | Event::Reading
            | Event::Loading
            | Event::NothingToBoot
            | Event::Booted
            | Event::Inspecting
            | Event::LookingUp
            | Event::Found
            | Event::FirstHeartbeat
            | Event::HeartbeatAgain
            | Event::CommandStarted
            | Event::Downloading
            | Event::CommandEnded
            | Event::CommandFailed
            | Event::AgentStopped
            | Event::ShuttingDown
            | Event::PowerOff => self.since = Some(at),
        }
    }

    pub(super) fn failed(&self, kind: CallKind) -> Option<&Call> {
        self.failed[kind as usize].as_ref()
    }

    pub(super) fn is_held(&self, kind: CallKind) -> bool {
        self.held[kind as usize]
    }
}

/// A moment in a sentence: the time of day in UTC, as the lines of the journal have it.
pub(super) fn moment(at: SimTime) -> String {
    clock_time(at)
}

/// A duration in a sentence.
pub(super) fn time(ms: u64) -> String {
    let (s, min) = (ms.div_ceil(1000), ms / 60_000);
    match ms {
        0..120_000 => format!("{s} s"),
        120_000..7_200_000 => format!("{min} min"),
        _ => format!("{} h {} min", min / 60, min % 60),
    }
}

/// A URL in a sentence: without its user and its query.
pub(super) fn shown(url: &str) -> String {
    Note::from(url.split(['?', '#']).next().unwrap_or_default()).to_string()
}

/// The text of an error without the URL at its beginning, which the sentence has already.
pub(super) fn after_url(error: &str) -> &str {
    error.split_once(": ").filter(|(url, _)| url.contains("://")).map_or(error, |(_, cause)| cause)
}

/// Why a call failed.
pub(super) fn cause(call: &Call) -> String {
    let error = short(call.error.as_deref().unwrap_or_default());
    match (call.status, error.as_str()) {
        (Some(status), "") => format!("the answer is {status}"),
        (Some(status), error) => format!("the answer is {status}: {error}"),
        (None, "") => "there was no answer".to_owned(),
        (None, error) => error.to_owned(),
    }
}

/// The text of an error without the words of the HTTP client that say nothing about the cause.
pub(super) fn short(error: &str) -> String {
    const WORDS: [&str; 4] = [
        "error sending request: ",
        "client error (Connect): ",
        "client error (SendRequest): ",
        "tcp connect error: ",
    ];
    let mut text = WORDS.iter().fold(error.to_owned(), |text, words| text.replace(words, ""));
    while let Some((begin, end)) =
        text.find(" (os error ").and_then(|at| Some((at, at + text[at..].find(')')?)))
    {
        text.replace_range(begin..=end, "");
    }
    text = text.replace("Connection refused", "connection refused");
    match text.char_indices().nth(MAX_CAUSE) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// What would help against an error; empty if that is not known.
pub(super) fn help(kind: Option<CallKind>, error: &str, status: Option<u16>) -> &'static str {
    let is_of_ironic = kind
        .is_some_and(|kind| matches!(kind, CallKind::Inspection | CallKind::Lookup | CallKind::Heartbeat));
    let has = |text: &str| error.contains(text);
    if has("may not be called (--egress)") {
        "allow the address with --egress"
    } else if has("certificate") {
        "name the CA of the server with --ironic-ca, or give the server a certificate of a known CA"
    } else if has("no network boot is configured") {
        "set --network-boot, or insert a medium"
    } else if has("nothing is published") {
        "let Ironic publish a boot configuration for this machine"
    } else if has("boot-read-time")
        || has("no answer within")
        || has("no piece within")
        || (has("timed out") && !is_of_ironic)
    {
        "the server is too slow or does not answer: use a faster one, or raise --limit boot-read-time"
    } else if has("--agent-listen is off") {
        "set --agent-listen"
    } else if has("onnection refused") || has("dns error") || has("timed out") || has("no response within") {
        "start a server there, or correct the address"
    } else if is_of_ironic {
        match (kind, status) {
            (Some(CallKind::Lookup), Some(404)) => {
                "compare the MAC addresses of its ports in Ironic with those of this machine: Ironic has no such node, or \
                 the node waits for no agent"
            }
            (_, Some(401 | 403)) => {
                "let Ironic boot the ramdisk again, so that agent and Ironic have the same token"
            }
            (_, Some(404)) => "see whether Ironic has the node, and waits for its agent",
            (_, Some(409)) => "Ironic works on the node; the agent waits until it is not locked",
            (_, Some(429 | 500..)) => "look into the log of Ironic",
            _ => "",
        }
    } else if has("the server says 401") || has("the server says 403") {
        "give the credentials of the server with the image"
    } else if has("the server says 404") {
        "correct the URL of the image"
    } else if !error.is_empty() && kind == Some(CallKind::Boot) {
        "use an image that this firmware can boot"
    } else {
        ""
    }
}
