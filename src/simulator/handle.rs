//! One node of a simulator.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{sleep, timeout};

use super::error::Error;
use super::state::{Identity, NodeState};
use super::world::World;
use crate::address::is_http_uri;
use crate::dmtf::{BootOverride, ResetType};
use crate::ipa;
use crate::node::NodeId;
use crate::node::bmc::media::{self, Insertion};
use crate::node::boot::{Boot, BootChange};
use crate::node::command::Command;
use crate::node::host::{self, SystemChange};
use crate::profile::Profile;
use crate::profile::boot_source::BootSource;

/// A property such as `BootProgress` changes while time passes, without an event. A waiting task looks this often.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One simulated server of a [`Simulator`](crate::Simulator). It is a handle that is cheap to clone, and it can be moved
/// into other threads and tasks.
///
/// Its changes are those of a BMC: a node refuses what its model does not support.
#[derive(Clone)]
pub struct Node {
    world: Arc<World>,
    id: NodeId,
}

impl Node {
    pub(super) fn new(world: &Arc<World>, id: NodeId) -> Self {
        Self { world: Arc::clone(world), id }
    }

    fn read<R>(&self, see: impl FnOnce(&crate::node::Node) -> R) -> R {
        let seen = self.world.fleet.identify(self.id, |node, _| see(node));
        seen.expect("a simulator makes handles for existing nodes only, and removes none")
    }

    /// The identity of the node.
    pub fn identity(&self) -> Identity {
        self.read(Identity::of)
    }

    /// The URL of the BMC, without a path, such as `https://127.0.0.1:PORT`. `None` without listeners.
    pub fn bmc_url(&self) -> Option<String> {
        let urls = self.world.bmc_urls.as_ref();
        urls.map(|urls| urls.of(self.id.0, String::new))
    }

    /// The path of the node's `ComputerSystem` below [`bmc_url`](Self::bmc_url): `/redfish/v1/Systems/<UUID>`, or the path that
    /// the model has at a service root of its own ([`Addresses::Port`](crate::Addresses::Port)).
    pub fn system_path(&self) -> String {
        self.read(|node| node.spec().system_path(self.world.own_roots))
    }

    /// The URL of the Ironic Python Agent's API. It answers while the agent serves. `None` without listeners.
    pub fn agent_url(&self) -> Option<String> {
        let urls = self.world.agent_urls.as_ref()?;
        Some(self.read(|node| ipa::url_of(urls, node)))
    }

    /// The node at this moment.
    pub fn state(&self) -> NodeState {
        let seen = self.world.fleet.look(self.id, NodeState::of);
        seen.expect("a simulator makes handles for existing nodes only, and removes none")
    }

    /// `ComputerSystem.Reset`, without a request. A reset to the present state succeeds and does nothing.
    ///
    /// # Errors
    /// [`Error::Refused`] if the model does not offer the type, or not in this state.
    pub fn reset(&self, kind: ResetType) -> Result<(), Error> {
        self.change("ResetType", kind.as_str(), |profile| {
            if !profile.reset_types.contains(&kind) {
                return Err(allowed(profile.reset_types.iter().map(|kind| kind.as_str())));
            }
            Ok(Command::Host(host::Command::Reset(kind)))
        })
    }

    /// Sets `BootSourceOverrideTarget`, such as `Cd`, and `BootSourceOverrideEnabled`.
    ///
    /// # Errors
    /// [`Error::Refused`] if the model does not offer the target.
    pub fn set_boot_source(&self, target: &str, enabled: BootOverride) -> Result<(), Error> {
        self.change("BootSourceOverrideTarget", target, |profile| {
            let source = BootSource::parse(target).filter(|source| profile.boot_targets.contains(source));
            let offered = || allowed(profile.boot_targets.iter().map(|source| source.as_str()));
            let target = Some(source.ok_or_else(offered)?);
            Ok(boot(BootChange { target, enabled: Some(enabled), ..BootChange::default() }))
        })
    }

    /// Sets `HttpBootUri`, which a boot from `UefiHttp` reads.
    ///
    /// # Errors
    /// [`Error::Refused`] unless it is an HTTP or HTTPS URL of at most 2,048 bytes.
    pub fn set_http_boot_uri(&self, uri: &str) -> Result<(), Error> {
        self.change("HttpBootUri", uri, |_| {
            check_uri(uri, Boot::MAX_URI_BYTES)?;
            Ok(boot(BootChange { http_uri: Some(Some(uri.into())), ..BootChange::default() }))
        })
    }

    /// `VirtualMedia.InsertMedia`: puts an image into a slot, such as `Cd`. The BMC opens the image at once.
    ///
    /// # Errors
    /// [`Error::Refused`] if the model has no such slot, the slot holds an image, or it is no HTTP or HTTPS URL of at most
    /// 2,048 bytes.
    pub fn insert(&self, slot: &str, image: &str) -> Result<(), Error> {
        self.change("Image", image, |profile| {
            check_uri(image, Insertion::MAX_IMAGE)?;
            Ok(Command::Media(media::Command::Insert {
                slot: slot_of(profile, slot)?,
                insertion: Insertion::of(image),
            }))
        })
    }

    /// `VirtualMedia.EjectMedia`: empties a slot, such as `Cd`. It succeeds also if the slot is empty.
    ///
    /// # Errors
    /// [`Error::Refused`] if the model has no such slot.
    pub fn eject(&self, slot: &str) -> Result<(), Error> {
        self.change("VirtualMedia", slot, |profile| {
            Ok(Command::Media(media::Command::Eject { slot: slot_of(profile, slot)? }))
        })
    }

    /// Executes the command that `parse` makes for the model, or returns why not.
    fn change(
        &self,
        change: &'static str,
        value: &str,
        parse: impl FnOnce(&Profile) -> Result<Command, String>,
    ) -> Result<(), Error> {
        let profile = self.read(|node| Arc::clone(node.profile()));
        let applied = parse(&profile).and_then(|command| match self.world.fleet.apply(self.id, command) {
            Some(applied) => applied.map(|_| ()).map_err(|refusal| refusal.to_string()),
            None => Ok(()),
        });
        applied.map_err(|reason| Error::Refused {
            node: self.identity().name,
            change,
            value: value.to_owned(),
            reason,
        })
    }

    /// Waits until a condition holds, and returns the state for which it held. `limit` is real time.
    ///
    /// A clock that is moved by hand does not move meanwhile; only calls to the outside end then.
    ///
    /// # Errors
    /// [`Error::TimedOut`] with the last state, or [`Error::Stopped`].
    pub async fn wait_until(
        &self,
        limit: Duration,
        condition: impl FnMut(&NodeState) -> bool + Send + 'static,
    ) -> Result<NodeState, Error> {
        self.world.threads.run(self.clone().waiting(limit, condition)).await?
    }

    /// As [`wait_until`](Self::wait_until), for code that is not async.
    ///
    /// # Errors
    /// As [`wait_until`](Self::wait_until).
    pub fn blocking_wait_until(
        &self,
        limit: Duration,
        condition: impl FnMut(&NodeState) -> bool + Send + 'static,
    ) -> Result<NodeState, Error> {
        self.world.threads.run_blocking(self.clone().waiting(limit, condition))?
    }

    async fn waiting(
        self,
        limit: Duration,
        mut condition: impl FnMut(&NodeState) -> bool + Send,
    ) -> Result<NodeState, Error> {
        let changed = self.world.fleet.changed(self.id);
        let holds = async {
            loop {
                let mut next = pin!(changed.next());
                // A change after the look below counts from here on.
                next.as_mut().enable();
                let state = self.state();
                if condition(&state) {
                    return state;
                }
                tokio::select! {
                    () = next => {}
                    () = sleep(LOOK_EVERY) => {}
                }
            }
        };
        timeout(limit, holds).await.map_err(|_| Error::TimedOut {
            node: self.identity().name,
            timeout: limit,
            state: Box::new(self.state()),
        })
    }

    /// Answers a request as the BMC at [`bmc_url`](Self::bmc_url) does, without a socket. While the BMC restarts, the status is
    /// 503.
    pub fn call_bmc(&self, request: http::Request<impl Into<Bytes>>) -> http::Response<Bytes> {
        let request = request.map(Into::into);
        let redfish = &self.world.redfish;
        if !self.world.own_roots {
            return redfish.call(&request);
        }
        let answer = redfish.call_own(self.id, |_| true, &request);
        answer.expect("a simulator makes handles for existing nodes only, and removes none")
    }

    /// Answers a request as the agent's API does, without a socket. The path begins with `/v1/`. A request with `wait=true` is
    /// answered when its command has ended.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub async fn call_agent(
        &self,
        request: http::Request<impl Into<Bytes>>,
    ) -> Result<http::Response<Bytes>, Error> {
        let (world, id, request) = (Arc::clone(&self.world), self.id, request.map(Into::into));
        self.world.threads.run(async move { world.agents.call(Some(id), &request).await }).await
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("name", &self.identity().name).finish_non_exhaustive()
    }
}

fn boot(boot: BootChange) -> Command {
    Command::Host(host::Command::Change(SystemChange { boot, ..SystemChange::default() }))
}

fn check_uri(uri: &str, most: usize) -> Result<(), String> {
    match is_http_uri(uri) && uri.len() <= most {
        true => Ok(()),
        false => Err(format!("allowed are HTTP and HTTPS URLs of at most {most} bytes")),
    }
}

/// The number of the slot with this `VirtualMedia.Id`.
fn slot_of(profile: &Profile, id: &str) -> Result<u8, String> {
    let slot = profile.media_slot(id).and_then(|number| u8::try_from(number).ok());
    let known = || allowed(profile.media_slots.iter().map(|slot| slot.id.as_str()));
    slot.ok_or_else(|| format!("there is no slot '{id}'; {}", known()))
}

fn allowed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    format!("allowed are {}", words.collect::<Vec<_>>().join(", "))
}
