//! The states of all nodes of a run, from one list that all items share.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;

use super::api::Api;
use crate::run::driver::Asked;
use crate::run::epoch::now;
use crate::run::http::HttpProblem;

/// The fields of a node that a run reads.
const FIELDS: &str =
    "uuid,provision_state,target_provision_state,power_state,target_power_state,last_error,maintenance,fault";
/// Time between two lists while no item waits for a state.
const IDLE: Duration = Duration::from_secs(5);

/// Time between two looks at the conductors. The list of nodes does not name them.
const CONDUCTORS_EVERY: Duration = Duration::from_secs(10);
/// The same time while the conductor of a node is unknown, so that the first operations of a node have one.
const CONDUCTORS_OF_NEW_EVERY: Duration = Duration::from_secs(2);
/// The most conductors that are asked for.
const MAX_CONDUCTORS: usize = 64;

/// A node as the list shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Row {
    uuid: String,
    pub(super) provision_state: String,
    pub(super) target_provision_state: Option<String>,
    pub(super) power_state: Option<String>,
    pub(super) target_power_state: Option<String>,
    pub(super) last_error: Option<String>,
    pub(super) maintenance: bool,
    pub(super) fault: Option<String>,
}

#[derive(Default)]
struct Listed {
    /// The moment at which the list was asked for.
    asked: Option<Instant>,
    rows: HashMap<String, Arc<Row>>,
}

/// Reads the list of nodes again and again.
pub(super) struct Watcher {
    api: Arc<Api>,
    /// The part of a query that selects the nodes of the run.
    ours: String,
    every: Duration,
    listed: Mutex<Listed>,
    /// The conductor of each node.
    conductors: Mutex<HashMap<String, Arc<str>>>,
    /// The number of lists.
    round: watch::Sender<u64>,
    waiting: AtomicUsize,
    asked: Mutex<Asked>,
    /// The reason why the last list could not be read.
    problem: Mutex<Option<String>>,
}

impl Watcher {
    pub(super) fn new(api: Arc<Api>, run: &str, every: Duration) -> Self {
        let words: String =
            url::form_urlencoded::byte_serialize(super::node::description(run).as_bytes()).collect();
        Self {
            api,
            ours: format!("description_contains={words}"),
            every,
            listed: Mutex::default(),
            conductors: Mutex::default(),
            round: watch::Sender::new(0),
            waiting: AtomicUsize::new(0),
            asked: Mutex::default(),
            problem: Mutex::default(),
        }
    }

    /// Reads the list for ever.
    pub(super) async fn watch(&self) {
        let query = format!("fields={FIELDS}&{}", self.ours);
        let mut conductors_at = None;
        loop {
            let asked = now();
            let read = self.api.nodes::<Row>(&query).await;
            self.count(asked, read.as_ref().map_or(1, |(_, requests)| *requests));
            match read {
                Ok((nodes, _)) => {
                    let rows = nodes.into_iter().map(|row| (row.uuid.clone(), Arc::new(row))).collect();
                    *self.listed.lock() = Listed { asked: Some(asked), rows };
                    *self.problem.lock() = None;
                    self.round.send_modify(|round| *round += 1);
                }
                Err(problem) => *self.problem.lock() = Some(problem.to_string()),
            }
            let is_due = |at: Instant| {
                let passed = at.elapsed();
                passed >= CONDUCTORS_EVERY
                    || passed >= CONDUCTORS_OF_NEW_EVERY && !self.knows_all_conductors()
            };
            if conductors_at.is_none_or(is_due) {
                conductors_at = Some(now());
                // The names of conductors are only told in the report. The next look can succeed.
                let _ = self.read_conductors().await;
            }
            let every =
                if self.waiting.load(Ordering::Relaxed) == 0 { self.every.max(IDLE) } else { self.every };
            // An item that begins to wait does not wait for the longer time.
            let mut left = every;
            while !left.is_zero() {
                let step = left.min(self.every);
                tokio::time::sleep(step).await;
                left -= step;
                if self.waiting.load(Ordering::Relaxed) > 0 {
                    break;
                }
            }
        }
    }

    fn count(&self, asked: Instant, requests: u64) {
        let mut totals = self.asked.lock();
        totals.polls += 1;
        totals.poll_requests += requests;
        totals.poll_seconds += asked.elapsed().as_secs_f64();
    }

    /// Asks which conductor has which nodes.
    async fn read_conductors(&self) -> Result<(), HttpProblem> {
        #[derive(Deserialize)]
        struct Uuid {
            uuid: String,
        }
        let conductors = self.api.get(0, "/v1/conductors").await?;
        let mut requests = 1;
        let asked = now();
        let names = conductors["conductors"].as_array().into_iter().flatten();
        let names: Vec<_> = names.filter_map(|one| one["hostname"].as_str()).take(MAX_CONDUCTORS).collect();
        let mut all = HashMap::new();
        for name in names {
            let name: Arc<str> = name.into();
            let host: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let query = format!("fields=uuid&conductor={host}&{}", self.ours);
            let (nodes, pages) = self.api.nodes::<Uuid>(&query).await?;
            requests += pages;
            all.extend(nodes.into_iter().map(|node| (node.uuid, Arc::clone(&name))));
        }
        self.count(asked, requests);
        *self.conductors.lock() = all;
        Ok(())
    }

    /// Whether the conductor of each listed node was seen.
    fn knows_all_conductors(&self) -> bool {
        let (listed, conductors) = (self.listed.lock(), self.conductors.lock());
        listed.rows.keys().all(|uuid| conductors.contains_key(uuid))
    }

    /// The conductor of a node, as seen last.
    pub(super) fn conductor(&self, uuid: &str) -> Option<String> {
        self.conductors.lock().get(uuid).map(|name| name.to_string())
    }

    /// Waits for what a node shows after a moment, and returns what `judge` finds in it. `None` if the deadline passes.
    pub(super) async fn until<T>(
        &self,
        uuid: &str,
        after: Instant,
        deadline: Instant,
        mut judge: impl FnMut(Option<&Row>) -> Option<T>,
    ) -> Option<T> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waits = Waits(&self.waiting);
        let mut round = self.round.subscribe();
        loop {
            let row = {
                let listed = self.listed.lock();
                // Only a list that was asked for after a request shows what came of it.
                listed.asked.is_some_and(|asked| asked >= after).then(|| listed.rows.get(uuid).cloned())
            };
            if let Some(row) = row
                && let Some(found) = judge(row.as_deref())
            {
                return Some(found);
            }
            match tokio::time::timeout_at(deadline, round.changed()).await {
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// The node as it was seen last.
    pub(super) fn row(&self, uuid: &str) -> Option<Arc<Row>> {
        self.listed.lock().rows.get(uuid).cloned()
    }

    /// The reason why the list cannot be read at present.
    pub(super) fn problem(&self) -> Option<String> {
        self.problem.lock().clone()
    }

    /// The nodes by state.
    pub(super) fn states(&self) -> BTreeMap<String, u32> {
        let mut states = BTreeMap::new();
        for row in self.listed.lock().rows.values() {
            *states.entry(row.provision_state.clone()).or_default() += 1;
        }
        states
    }

    /// The lists so far.
    pub(super) fn asked(&self) -> Asked {
        Asked { problem: self.problem(), ..self.asked.lock().clone() }
    }
}

struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
