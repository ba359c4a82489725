//! What nodes want done outside: reading boot media, calling Ironic, fetching images.
//!
//! One loop takes effects from the fleet's queue, has a bounded number of them performed at once, and hands every answer
//! back to its node. Nothing else in the house makes a connection.

mod boot;
mod circuit;
mod client;
mod egress;
mod fetch;
mod image;
mod ironic;
mod kernel;
mod lanes;
mod meters;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinSet};
use url::Url;

pub use client::{ClientError, Forbidden};
pub use egress::Network;
pub use lanes::Limits;

use crate::address::{Place, Urls};
use crate::fleet::{Effects, Fleet};
use crate::ipa::ironic::ApiVersion;
use crate::node::effect::{Answer, Effect, EffectKind};
use crate::node::host::{Host, Stage};
use crate::node::ipa::{self, Beat, Inspected, Job, LookedUp};
use crate::node::{Node, NodeId};
use crate::time::SimTime;
use circuit::Circuits;
use client::Clients;
use egress::Egress;
use lanes::{Lane, Lanes};
use meters::Meters;

/// How the outside is reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Endpoints of the Ironic API, such as `http://192.0.2.1:6385`. They stand in for those of a ramdisk's command line,
    /// and are taken for one service where it names one of them.
    pub ironic: Vec<String>,
    /// CAs to trust in addition to the platform's own, PEM.
    pub ca: Option<Vec<u8>>,
    /// No certificate is checked.
    pub insecure: bool,
    /// Where the boot configurations of Ironic's `ipxe`, `pxe` and `http` interfaces are published over HTTP. Without
    /// it nothing boots from the network.
    pub network_boot: Option<String>,
    /// Where agents are reached; one URL for all of them is completed by a path.
    pub agent_urls: Urls,
    /// Where the controllers are, for agents to tell.
    pub bmcs: Vec<Place>,
    /// The certificate that agents tell Ironic to trust, PEM; with it their URLs must be https.
    pub agent_ca_pem: Option<String>,
    /// How much of an image is fetched.
    pub images: Images,
    /// How often a download is tried again (IPA's `image_download_connection_retries`).
    pub image_retries: u16,
    /// Simulated time between two attempts, ms (`image_download_connection_retry_interval`).
    pub image_retry_ms: u64,
    /// Networks that may be called; empty for all but what is nobody's, such as link-local addresses.
    pub egress: Vec<Network>,
    /// How much is done at once.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ironic: Vec::new(),
            ca: None,
            insecure: false,
            network_boot: None,
            agent_urls: Urls::Same("".into()),
            bmcs: Vec::new(),
            agent_ca_pem: None,
            images: Images::Verify,
            image_retries: 9,
            image_retry_ms: 10_000,
            egress: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// How much of an image that is to be written is fetched. None of it is ever kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Images {
    /// All of it, and its checksum is compared.
    Verify,
    /// Its first bytes, so that it is known to be there.
    Probe,
    /// Nothing: every image is taken to be good.
    Skip,
}

/// Does what a fleet's nodes want done outside.
pub struct Outside {
    fleet: Arc<Fleet>,
    settings: Settings,
    /// [`Settings::ironic`], parsed.
    ironic: Vec<Url>,
    /// [`Settings::network_boot`], parsed.
    network_boot: Option<Url>,
    clients: Clients,
    circuits: Circuits,
    meters: Meters,
    /// Versions of APIs, each good until then.
    versions: Mutex<HashMap<Box<str>, (ApiVersion, SimTime)>>,
    transfers: Semaphore,
}

/// An effect that has been performed.
struct Done {
    answer: Answer,
    /// Why it did not go well, for the log.
    note: Option<String>,
    /// It was not even tried, for its server does not answer at the moment.
    held: bool,
}

impl Done {
    fn new(answer: Answer, note: Option<String>) -> Self {
        Self { answer, note, held: false }
    }
}

impl Outside {
    /// Gets ready; nothing is fetched yet.
    ///
    /// # Errors
    /// When the settings' CA or a URL is wrong, or TLS cannot be set up.
    pub fn new(fleet: Arc<Fleet>, settings: Settings) -> Result<Self, ClientError> {
        let clients = {
            let egress = Egress { only: settings.egress.clone(), ..Egress::default() };
            Clients::new(settings.ca.as_deref(), settings.insecure, egress)?
        };
        let ironic = settings.ironic.iter().map(|url| clients.parse(url)).collect::<Result<_, _>>()?;
        let network_boot = settings.network_boot.as_deref().map(|url| clients.parse(url)).transpose()?;
        let transfers = Semaphore::new(settings.limits.downloads);
        Ok(Self {
            circuits: Circuits::new(settings.limits.calls_per_server),
            meters: Meters::default(),
            versions: Mutex::default(),
            fleet,
            settings,
            ironic,
            network_boot,
            clients,
            transfers,
        })
    }

    /// Performs the fleet's effects for as long as it is polled. Calls under way are dropped with it.
    pub async fn run(self: Arc<Self>, mut effects: Effects) {
        let outside = self;
        let mut lanes: Lanes<(NodeId, Effect)> = Lanes::new(outside.settings.limits);
        let mut tasks = JoinSet::new();
        let mut running: HashMap<Id, Lane> = HashMap::new();
        loop {
            while let Some((lane, (id, effect))) = lanes.take(|server| outside.circuits.room(server)) {
                outside.meters.waiting.down();
                let outside = Arc::clone(&outside);
                let task = tasks.spawn(async move { outside.perform(id, effect).await });
                running.insert(task.id(), lane);
            }
            tokio::select! {
                next = effects.recv() => match next {
                    Some((id, effect)) => {
                        let lane = outside.lane(id, effect.kind);
                        if !outside.hold(&lane, id, effect) {
                            outside.queue(&mut lanes, lane, (id, effect));
                        }
                    }
                    None => return,
                },
                Some(ended) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                    let task = match ended {
                        Ok((task, ())) => task,
                        Err(error) => {
                            tracing::error!(target: "fauxmetal::effect", %error, "an effect was not performed");
                            error.id()
                        }
                    };
                    if let Some(lane) = running.remove(&task) {
                        lanes.ended(&lane);
                    }
                }
            }
        }
    }

    fn queue(&self, lanes: &mut Lanes<(NodeId, Effect)>, lane: Lane, item: (NodeId, Effect)) {
        if lanes.is_full() {
            self.meters.calls_limit.one();
        } else if matches!(lane, Lane::Server(_))
            && lanes.busy(&lane) >= self.settings.limits.calls_per_server
        {
            self.meters.server_limit.one();
        }
        self.meters.waiting.up();
        lanes.put(lane, item);
    }

    /// Tells a node at once that nobody answers, where calls to its one server are held. A hundred thousand agents that
    /// ask every few seconds for an Ironic that is down cost next to nothing.
    fn hold(&self, lane: &Lane, id: NodeId, effect: Effect) -> bool {
        let (start, answer) = match effect.kind {
            EffectKind::Ipa { start, effect } => match effect {
                ipa::Effect::LookUp => (start, ipa::Answer::LookedUp(LookedUp::Unreachable)),
                ipa::Effect::Heartbeat => (start, ipa::Answer::Beat(Beat::Unreachable)),
                // Inspection has other URLs to try; the rest is not held.
                ipa::Effect::Inspect | ipa::Effect::WriteImage => return false,
            },
            EffectKind::ReadBoot { .. } | EffectKind::OpenMedia { .. } => return false,
        };
        let Lane::Server(server) = lane else { return false };
        if !self.circuits.holds(server, self.fleet.clock().real_ms()) {
            return false;
        }
        let done = Done { answer: Answer::Ipa { start, answer }, note: None, held: true };
        self.meters.done(effect.kind, &done);
        self.fleet.answer(id, done.answer);
        true
    }

    /// Performs one effect and brings its node the answer. One whose machine has moved on meanwhile needs none.
    ///
    /// Nothing goes out before what it follows from is kept: a call for a state that a crash makes undone would be wrong.
    pub async fn perform(&self, id: NodeId, effect: Effect) {
        while self.fleet.until_node_persisted(id).await.is_err() {}
        let in_flight = self.meters.in_flight.enter();
        let done = match effect.kind {
            EffectKind::ReadBoot { start } => self.read_boot(id, start).await,
            EffectKind::OpenMedia { slot, insertion } => self.open_media(id, slot, insertion).await,
            EffectKind::Ipa { start, effect: of_agent } => match of_agent {
                ipa::Effect::Inspect => self.inspect(id, start).await,
                ipa::Effect::LookUp => self.look_up(id, start).await,
                ipa::Effect::Heartbeat => self.heartbeat(id, start, effect.due).await,
                ipa::Effect::WriteImage => self.write_image(id, start).await,
            },
        };
        drop(in_flight);
        if let Some(done) = done {
            self.meters.done(effect.kind, &done);
            log(id, &done);
            self.fleet.answer(id, done.answer);
        }
    }

    /// The lane of an effect: that of the server which will be called, as far as it is known.
    fn lane(&self, id: NodeId, kind: EffectKind) -> Lane {
        let url = match kind {
            EffectKind::ReadBoot { .. } => self.fleet.look(id, |node, _| self.boot_server(node)),
            EffectKind::OpenMedia { slot, .. } => self.fleet.look(id, |node, _| image_in(node, slot)),
            EffectKind::Ipa { effect, .. } => match effect {
                ipa::Effect::WriteImage => return Lane::Images,
                ipa::Effect::Inspect => self.fleet.look(id, |node, _| {
                    node.ipa().and_then(|a| a.params.inspection_urls.first()).map(|u| u.to_string())
                }),
                ipa::Effect::LookUp | ipa::Effect::Heartbeat => {
                    self.fleet.look(id, |node, _| node.ipa().and_then(|a| a.api_url()).map(str::to_owned))
                }
            },
        };
        let origin = url.flatten().and_then(|u| Url::parse(&u).ok()).map(|u| client::origin(&u));
        Lane::Server(origin.unwrap_or_default().into())
    }

    /// What a booting machine will read from.
    fn boot_server(&self, node: &Node) -> Option<String> {
        let Host::Booting(booting) = node.host() else { return None };
        let slot = node.media_for(booting.from);
        slot.and_then(|slot| image_in(node, slot))
            .or_else(|| node.boot().http_uri.as_deref().map(str::to_owned))
            .or_else(|| self.settings.network_boot.clone())
    }

    /// Whether the machine still does what an effect of that start belongs to.
    fn current(&self, id: NodeId, start: u32) -> bool {
        let writing = |node: &Node| {
            let job = node.ipa().and_then(|agent| agent.job());
            let reading = matches!(node.host(), Host::Booting(b) if matches!(b.stage, Stage::Reading(_)));
            node.starts() == start && (reading || matches!(job, Some(Job::Image { .. })))
        };
        self.fleet.look(id, |node, _| writing(node)).unwrap_or(false)
    }
}

/// The image in a slot.
fn image_in(node: &Node, slot: u8) -> Option<String> {
    node.bmc().media.get(slot).map(|media| media.insertion.image.to_string())
}

/// Says once what did not go well: aloud what stops a machine, quietly what is tried again.
fn log(id: NodeId, done: &Done) {
    let Some(note) = &done.note else { return };
    let (loud, what) = match &done.answer {
        Answer::BootRead { .. } => (true, "a boot failed"),
        Answer::MediaOpened { .. } => (true, "virtual media cannot be read"),
        Answer::Ipa { answer, .. } => match answer {
            ipa::Answer::Inspected(Inspected::Refused) => (true, "inspection data was not taken"),
            ipa::Answer::Inspected(Inspected::Retry | Inspected::Accepted(..)) => {
                (false, "inspection data was not taken")
            }
            ipa::Answer::LookedUp(
                LookedUp::NotFound | LookedUp::Locked | LookedUp::Unreachable | LookedUp::Found { .. },
            ) => (false, "a lookup found nothing"),
            ipa::Answer::Beat(Beat::Accepted | Beat::Refused | Beat::Unreachable) => {
                (false, "a heartbeat was not taken")
            }
            ipa::Answer::ImageWritten(_) => (true, "an image was not written"),
        },
    };
    if loud {
        tracing::warn!(target: "fauxmetal::effect", { node.id = id.0, error = %note }, "{what}");
    } else {
        tracing::debug!(target: "fauxmetal::effect", { node.id = id.0, error = %note }, "{what}");
    }
}

#[cfg(test)]
mod tests;
