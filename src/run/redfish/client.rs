//! What the requests of a run to its BMCs have in common.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use anyhow::Context as _;
use dashmap::DashMap;
use http::HeaderValue;
use parking_lot::Mutex;
use tokio::sync::{OnceCell, Semaphore};
use url::Url;

use crate::file;
use crate::plan::{BmcLogin, RedfishTarget};
use crate::run::driver::Asked;
use crate::run::http::Http;
use crate::run::machine::Machine;
use crate::tls::MAX_FILE_BYTES;

/// The sessions by service root and user. One item logs in, and the others of this root wait for it.
pub(super) type Sessions = DashMap<(String, String), Arc<tokio::sync::Mutex<Option<Session>>>>;

/// A session that the run has made.
pub(super) struct Session {
    pub(super) token: HeaderValue,
    /// The path of the session, if the BMC has said it.
    pub(super) place: Option<String>,
    /// A machine behind the service root.
    pub(super) machine: Machine,
}

/// An image that the run has inserted into a slot.
#[derive(Clone, Debug)]
pub(super) struct Inserted {
    pub(super) machine: Arc<Machine>,
    pub(super) item: u32,
    pub(super) slot: String,
    pub(super) image: String,
    /// The target of the action that ejects it.
    pub(super) eject: String,
}

/// The parts that the requests to all BMCs share.
pub(super) struct Client {
    pub(super) http: Http,
    /// The service root of all machines, if they have one in common.
    url: Option<Url>,
    /// Whether a walk goes on at a link to a document that the BMC does not have.
    pub(super) skip_broken_links: bool,
    /// Time between two reads of a state.
    pub(super) every: Duration,
    /// The places of requests at the same time.
    pub(super) room: Semaphore,
    /// The sessions of the run; `None` with HTTP Basic.
    pub(super) sessions: Option<Sessions>,
    /// The power state of each item, as seen last.
    pub(super) seen: DashMap<u32, Arc<str>>,
    /// Whether a service root has several systems, by its URL.
    pub(super) shared: DashMap<String, Arc<OnceCell<bool>>>,
    /// The images that the run has inserted and not ejected, by the name of the item.
    pub(super) inserted: DashMap<Arc<str>, Inserted>,
    totals: Mutex<Asked>,
    pub(super) turn: AtomicUsize,
}

impl Client {
    /// `ca`: the CAs that the machines name, if the plan names none.
    ///
    /// # Errors
    /// If a certificate cannot be read.
    pub(super) fn new(target: &RedfishTarget, ca: Option<Vec<u8>>) -> anyhow::Result<Self> {
        let ca = match &target.ca {
            Some(path) => Some(
                file::read(path, MAX_FILE_BYTES)
                    .with_context(|| format!("target.redfish.ca: cannot read {}", path.display()))?,
            ),
            None => ca,
        };
        Ok(Self {
            http: Http::new(ca.as_deref(), target.insecure).context("target.redfish.ca")?,
            url: target.url.as_ref().map(|url| url.url().clone()),
            skip_broken_links: target.skip_broken_links,
            every: Duration::from_millis(target.poll.ms()),
            room: Semaphore::new(target.requests as usize),
            sessions: (target.auth == BmcLogin::Session).then(Sessions::default),
            seen: DashMap::new(),
            shared: DashMap::new(),
            inserted: DashMap::new(),
            totals: Mutex::default(),
            turn: AtomicUsize::new(0),
        })
    }

    pub(super) fn count(&self, add: impl FnOnce(&mut Asked)) {
        add(&mut self.totals.lock());
    }

    pub(super) fn asked(&self) -> Asked {
        self.totals.lock().clone()
    }

    /// The URL of the server of a machine.
    ///
    /// # Errors
    /// If the address of the machine is no URL.
    pub(super) fn base(&self, address: &str) -> Result<Url, String> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        Url::parse(address)
            .map_err(|_| format!("'{address}' is no URL of a BMC; write one such as https://192.0.2.7"))
    }
}
