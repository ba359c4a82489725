//! What nodes want done outside: reading boot media, calling Ironic, fetching images.
//!
//! One loop takes effects from the fleet's queue, has a bounded number of them performed at once, and hands every answer
//! back to its node. Nothing else in the house makes a connection.

mod api;
mod boot;
mod client;
mod fetch;
mod image;
mod kernel;
mod lanes;

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::{Id, JoinSet};
use url::Url;

pub use client::{ClientError, Forbidden};

use crate::agent::ironic::ApiVersion;
use crate::fleet::{Effects, Fleet};
use crate::node::agent::{Beat, Inspected, Job, LookedUp};
use crate::node::command::{Answer, Effect, EffectKind};
use crate::node::host::{Host, Stage};
use crate::node::{Node, NodeId};
use crate::time::SimTime;
use client::Clients;
use lanes::{Lane, Lanes};

/// Images that are being transferred at once.
const MAX_TRANSFERS: usize = 16;

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
    /// What every agent's URL begins with, such as `https://192.0.2.1:9999`.
    pub agent_url: String,
    /// The certificate that agents tell Ironic to trust, PEM; with it their URLs must be https.
    pub agent_ca_pem: Option<String>,
    /// How much of an image is fetched.
    pub images: Images,
    /// How often a download is tried again (IPA's `image_download_connection_retries`).
    pub image_retries: u16,
    /// Simulated time between two attempts, ms (`image_download_connection_retry_interval`).
    pub image_retry_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ironic: Vec::new(),
            ca: None,
            insecure: false,
            network_boot: None,
            agent_url: String::new(),
            agent_ca_pem: None,
            images: Images::Verify,
            image_retries: 9,
            image_retry_ms: 10_000,
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
    /// Versions of APIs, each good until then.
    versions: Mutex<HashMap<Box<str>, (ApiVersion, SimTime)>>,
    transfers: Semaphore,
}

/// An effect that has been performed.
struct Done {
    answer: Answer,
    /// Why it did not go well, for the log.
    note: Option<String>,
}

impl Outside {
    /// Gets ready; nothing is fetched yet.
    ///
    /// # Errors
    /// When the settings' CA or a URL is wrong, or TLS cannot be set up.
    pub fn new(fleet: Arc<Fleet>, settings: Settings) -> Result<Self, ClientError> {
        let clients = Clients::new(settings.ca.as_deref(), settings.insecure)?;
        let ironic = settings.ironic.iter().map(|url| client::parse(url)).collect::<Result<_, _>>()?;
        let network_boot = settings.network_boot.as_deref().map(client::parse).transpose()?;
        let transfers = Semaphore::new(MAX_TRANSFERS);
        Ok(Self { fleet, settings, ironic, network_boot, clients, versions: Mutex::default(), transfers })
    }

    /// Performs the fleet's effects for as long as it is polled. Calls under way are dropped with it.
    pub async fn run(self, mut effects: Effects) {
        let outside = Arc::new(self);
        let mut lanes: Lanes<(NodeId, Effect)> = Lanes::default();
        let mut tasks = JoinSet::new();
        let mut running: HashMap<Id, Lane> = HashMap::new();
        loop {
            while let Some((lane, (id, effect))) = lanes.take() {
                let outside = Arc::clone(&outside);
                let task = tasks.spawn(async move { outside.perform(id, effect).await });
                running.insert(task.id(), lane);
            }
            tokio::select! {
                next = effects.recv() => match next {
                    Some((id, effect)) => lanes.put(outside.lane(id, effect.kind), (id, effect)),
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

    /// Performs one effect and brings its node the answer. One whose machine has moved on meanwhile needs none.
    ///
    /// Nothing goes out before what it follows from is kept: a call for a state that a crash makes undone would be wrong.
    pub async fn perform(&self, id: NodeId, effect: Effect) {
        while self.fleet.until_node_kept(id).await.is_err() {}
        let done = match effect.kind {
            EffectKind::ReadBoot => self.read_boot(id, effect.epoch).await,
            EffectKind::OpenMedia(slot) => self.open_media(id, effect.epoch, slot).await,
            EffectKind::Inspect => self.inspect(id, effect.epoch).await,
            EffectKind::LookUp => self.look_up(id, effect.epoch).await,
            EffectKind::Heartbeat => self.heartbeat(id, effect.epoch).await,
            EffectKind::WriteImage => self.write_image(id, effect.epoch).await,
        };
        if let Some(done) = done {
            log(id, &done);
            self.fleet.answer(id, effect.epoch, done.answer);
        }
    }

    /// The lane of an effect: that of the server which will be called, as far as it is known.
    fn lane(&self, id: NodeId, kind: EffectKind) -> Lane {
        let url = match kind {
            EffectKind::WriteImage => return Lane::Images,
            EffectKind::ReadBoot => self.fleet.look(id, |node, _| self.boot_server(node)),
            EffectKind::OpenMedia(slot) => self.fleet.look(id, |node, _| image_in(node, slot)),
            EffectKind::Inspect => self.fleet.look(id, |node, _| {
                node.agent().and_then(|a| a.params.inspection_urls.first()).map(|u| u.to_string())
            }),
            EffectKind::LookUp | EffectKind::Heartbeat => {
                self.fleet.look(id, |node, _| node.agent().and_then(|a| a.api_url()).map(str::to_owned))
            }
        };
        let origin =
            url.flatten().and_then(|u| Url::parse(&u).ok()).map(|u| u.origin().ascii_serialization());
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
    fn current(&self, id: NodeId, epoch: u32) -> bool {
        let writing = |node: &Node| {
            let job = node.agent().and_then(|agent| agent.job.as_ref());
            let reading = matches!(node.host(), Host::Booting(b) if matches!(b.stage, Stage::Reading(_)));
            node.starts() == epoch && (reading || matches!(job, Some(Job::Image { .. })))
        };
        self.fleet.look(id, |node, _| writing(node)).unwrap_or(false)
    }
}

/// The image in a slot.
fn image_in(node: &Node, slot: u8) -> Option<String> {
    node.bmc().media_in(usize::from(slot)).map(|media| media.insertion.image.to_string())
}

/// Says once what did not go well: aloud what stops a machine, quietly what is tried again.
fn log(id: NodeId, done: &Done) {
    let Some(note) = &done.note else { return };
    let loud = match &done.answer {
        Answer::BootRead(_) | Answer::MediaOpened(..) | Answer::ImageWritten(_) => true,
        Answer::Inspected(Inspected::Refused) => true,
        Answer::Inspected(Inspected::Retry | Inspected::Accepted(..)) => false,
        Answer::LookedUp(LookedUp::NotFound | LookedUp::Locked | LookedUp::Unreachable) => false,
        Answer::LookedUp(LookedUp::Found { .. }) => false,
        Answer::Beat(Beat::Accepted | Beat::Refused | Beat::Unreachable) => false,
    };
    let what = match &done.answer {
        Answer::BootRead(_) => "a boot failed",
        Answer::MediaOpened(..) => "virtual media cannot be read",
        Answer::Inspected(_) => "inspection data was not taken",
        Answer::LookedUp(_) => "a lookup found nothing",
        Answer::Beat(_) => "a heartbeat was not taken",
        Answer::ImageWritten(_) => "an image was not written",
    };
    if loud {
        tracing::warn!(target: "fauxmetal::effect", { node.id = id.0, error = %note }, "{what}");
    } else {
        tracing::debug!(target: "fauxmetal::effect", { node.id = id.0, error = %note }, "{what}");
    }
}

#[cfg(test)]
mod tests;
