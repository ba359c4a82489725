//! The loop that performs the effects of a fleet's nodes.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::{Id, JoinSet};
use url::Url;

use super::circuit::Circuits;
use super::client::{ClientError, Clients, origin};
use super::egress::Egress;
use super::meters::Meters;
use super::performed::Performed;
use super::queues::{Full, QueueKey, Queues};
use super::readers::Readers;
use super::settings::Settings;
use crate::fleet::{Effects, Fleet};
use crate::ipa::ironic::ApiVersion;
use crate::meter::Page;
use crate::node::effect::{Answer, Effect, EffectKind};
use crate::node::host::Host;
use crate::node::ipa::{self, Beat, LookedUp};
use crate::node::{Node, NodeId};
use crate::time::SimTime;

/// Performs the effects of a fleet's nodes.
pub struct EffectRunner {
    pub(super) fleet: Arc<Fleet>,
    pub(super) settings: Settings,
    /// [`Settings::ironic`], parsed.
    pub(super) ironic: Vec<Url>,
    /// [`Settings::network_boot`], parsed.
    pub(super) network_boot: Option<Url>,
    pub(super) clients: Clients,
    pub(super) circuits: Circuits,
    pub(super) meters: Meters,
    /// Cache of the microversions of Ironic APIs by URL, each with its expiry.
    pub(super) versions: Mutex<HashMap<Box<str>, (ApiVersion, SimTime)>>,
    pub(super) readers: Readers,
    /// Limits the image downloads in flight.
    pub(super) downloads: Semaphore,
    /// Number of effects whose answer the fleet has, or which need none.
    ended: watch::Sender<u64>,
}

impl EffectRunner {
    /// Opens no connection yet.
    ///
    /// # Errors
    /// If the CA or a URL in `settings` is wrong, or TLS cannot be set up.
    pub fn new(fleet: Arc<Fleet>, settings: Settings) -> Result<Self, ClientError> {
        let egress = Egress { only: settings.egress.clone(), ..Egress::default() };
        let clients = Clients::new(settings.ca.as_deref(), settings.insecure, egress)?;
        let parse = |url: &String| clients.egress.parse(url);
        Ok(Self {
            ironic: settings.ironic.iter().map(parse).collect::<Result<_, _>>()?,
            network_boot: settings.network_boot.as_ref().map(parse).transpose()?,
            circuits: Circuits::new(settings.limits.calls_per_server),
            meters: Meters::default(),
            versions: Mutex::default(),
            readers: Readers::new(),
            downloads: Semaphore::new(settings.limits.downloads),
            ended: watch::Sender::new(0),
            fleet,
            settings,
            clients,
        })
    }

    /// Performs effects for as long as the future is polled. Dropping it aborts the calls in flight.
    pub async fn run(self: Arc<Self>, mut effects: Effects) {
        let known = self.ironic.iter().map(|url| origin(url).into()).collect();
        let mut queues = Queues::new(self.settings.limits, known);
        let mut tasks = JoinSet::new();
        let mut running: HashMap<Id, QueueKey> = HashMap::new();
        loop {
            while let Some((key, (id, effect))) = queues.pop(|server| self.circuits.limit(server)) {
                self.meters.waiting.down();
                let runner = Arc::clone(&self);
                let task = tasks.spawn(async move { runner.perform(id, effect).await });
                running.insert(task.id(), key);
            }
            tokio::select! {
                next = effects.recv() => match next {
                    Some((id, effect)) => self.admit(&mut queues, id, effect),
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
                    if let Some(key) = running.remove(&task) {
                        queues.finish(&key);
                    }
                    self.end_one();
                }
            }
        }
    }

    /// Waits until no effect of the fleet is due or under way.
    pub async fn until_idle(&self) {
        // An answer makes the effects that follow from it due before it ends. So two equal numbers mean that nothing is left.
        let idle = |ended: &u64| *ended == self.fleet.effects_due();
        self.ended.subscribe().wait_for(idle).await.expect("this runner has the sender");
    }

    /// Whether no effect of the fleet is due or under way.
    pub fn is_idle(&self) -> bool {
        *self.ended.borrow() == self.fleet.effects_due()
    }

    /// Number of effects of the fleet that are due or under way.
    pub fn under_way(&self) -> u64 {
        self.fleet.effects_due().saturating_sub(*self.ended.borrow())
    }

    fn end_one(&self) {
        self.ended.send_modify(|ended| *ended += 1);
    }

    /// Queues an effect, or answers it at once if the circuit of its server is open.
    fn admit(&self, queues: &mut Queues<(NodeId, Effect)>, id: NodeId, effect: Effect) {
        let key = self.queue_key(id, effect.kind);
        if self.answer_if_open(&key, id, effect) {
            self.end_one();
            return;
        }
        match queues.full(&key, |_| usize::MAX) {
            Some(Full::Calls) => self.meters.calls_limit.one(),
            // Images have no server; a limit of their own is counted where a download waits for it.
            Some(Full::Server) if key != QueueKey::Images => self.meters.server_limit.one(),
            Some(Full::Server) | None => {}
        }
        self.meters.waiting.up();
        queues.push(key, (id, effect));
    }

    /// The queue of an effect: that of the server which will be called, as far as the node knows it now.
    fn queue_key(&self, id: NodeId, kind: EffectKind) -> QueueKey {
        let server = |url: &dyn Fn(&Node) -> Option<String>| -> Box<str> {
            let url = self.fleet.look(id, |node, _| url(node)).flatten();
            url.and_then(|url| Url::parse(&url).ok()).map(|url| origin(&url)).unwrap_or_default().into()
        };
        match kind {
            EffectKind::ReadBoot { .. } => QueueKey::Boot(server(&|node| self.boot_url(node))),
            EffectKind::OpenMedia { slot, .. } => QueueKey::Boot(server(&|node| image_url(node, slot))),
            EffectKind::FetchFirmware { .. } | EffectKind::FetchLicense { .. } => QueueKey::Images,
            EffectKind::Deliver { subscription } => QueueKey::Events(self.subscriber(id, subscription)),
            EffectKind::Ipa { effect, .. } => match effect {
                ipa::Effect::WriteImage => QueueKey::Images,
                ipa::Effect::Inspect => QueueKey::Ironic(server(&|node| {
                    node.ipa().and_then(|a| a.params.inspection_urls.first()).map(|u| u.to_string())
                })),
                ipa::Effect::LookUp | ipa::Effect::Heartbeat => {
                    QueueKey::Ironic(server(&|node| node.ipa().and_then(|a| a.api_url()).map(str::to_owned)))
                }
            },
        }
    }

    /// The URL from which a booting machine will read.
    fn boot_url(&self, node: &Node) -> Option<String> {
        let Host::Booting(booting) = node.host() else { return None };
        let slot = node.media_for(booting.from);
        slot.and_then(|slot| image_url(node, slot))
            .or_else(|| node.boot().http_uri.as_deref().map(str::to_owned))
            .or_else(|| self.settings.network_boot.clone())
    }

    /// Answers "unreachable" if the circuit of the effect's server is open. So 100,000 agents that call an Ironic
    /// which is down every few seconds cost next to nothing.
    fn answer_if_open(&self, key: &QueueKey, id: NodeId, effect: Effect) -> bool {
        // Boot sources, media and images do not pass a circuit breaker.
        let EffectKind::Ipa { start, effect: of_agent } = effect.kind else { return false };
        let answer = match of_agent {
            ipa::Effect::LookUp => ipa::Answer::LookedUp(LookedUp::Unreachable),
            ipa::Effect::Heartbeat => ipa::Answer::Beat(Beat::Unreachable),
            // Inspection has further URLs to try.
            ipa::Effect::Inspect | ipa::Effect::WriteImage => return false,
        };
        let QueueKey::Ironic(server) = key else { return false };
        // An answer that could not be stored waits, as in [`Runner::perform`].
        if self.fleet.may_change().is_err() || !self.circuits.rejects(server, self.fleet.clock().real_ms()) {
            return false;
        }
        let answer = Answer::Ipa { start, answer };
        let url = server.to_string();
        let performed = Performed { circuit_open: true, url, ..Performed::new(answer, None) };
        self.meters.performed(effect.kind, &performed);
        performed.record(effect.kind, id, &self.fleet);
        self.fleet.answer(id, performed.answer);
        true
    }

    /// Performs one effect and gives its node the answer. Every outgoing call is made from here.
    ///
    /// The calls wait until the node's state is durable. Otherwise Ironic could learn of a state that a crash then
    /// undoes.
    pub async fn perform(&self, id: NodeId, effect: Effect) {
        self.fleet.until_changes_are_accepted().await;
        while self.fleet.until_node_persisted(id).await.is_err() {}
        let in_flight = self.meters.in_flight.enter();
        // `None` if the machine has moved on, so that the node needs no answer.
        let performed = match effect.kind {
            EffectKind::ReadBoot { start } => self.read_boot(id, start).await,
            EffectKind::OpenMedia { slot, insertion } => self.open_media(id, slot, insertion).await,
            EffectKind::FetchFirmware { component, update } => {
                self.fetch_firmware(id, component, update).await
            }
            EffectKind::FetchLicense { task } => self.fetch_license(id, task).await,
            EffectKind::Deliver { subscription } => self.deliver(id, subscription).await,
            EffectKind::Ipa { start, effect: of_agent } => match of_agent {
                ipa::Effect::Inspect => self.inspect(id, start).await,
                ipa::Effect::LookUp => self.look_up(id, start).await,
                ipa::Effect::Heartbeat => self.heartbeat(id, start, effect.due).await,
                ipa::Effect::WriteImage => self.write_image(id, start, effect.due).await,
            },
        };
        drop(in_flight);
        if let Some(performed) = performed {
            self.meters.performed(effect.kind, &performed);
            performed.log(id, &self.fleet);
            performed.record(effect.kind, id, &self.fleet);
            self.fleet.until_changes_are_accepted().await;
            self.fleet.answer(id, performed.answer);
        }
    }

    /// A place among the downloads in flight, of disk images, firmware and licenses.
    pub(super) async fn download_slot(&self) -> SemaphorePermit<'_> {
        match self.downloads.try_acquire() {
            Ok(slot) => slot,
            Err(_) => {
                self.meters.downloads_limit.one();
                self.downloads.acquire().await.expect("the semaphore is never closed")
            }
        }
    }

    pub fn meter(&self, page: &mut Page) {
        self.meters.meter(page);
        page.counter(
            "fauxmetal_egress_refused_total",
            "Outgoing calls that the egress rules refused",
            &[],
            self.clients.egress.refused.get(),
        );
        self.circuits.meter(page);
    }
}

/// The URL of the image in a virtual media slot.
fn image_url(node: &Node, slot: u8) -> Option<String> {
    node.bmc().media.get(slot).map(|media| media.insertion.image.to_string())
}
