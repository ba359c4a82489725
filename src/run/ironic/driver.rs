//! The operations of a run in Ironic.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::api::{Api, Cost};
use super::mark::MARK;
use super::watcher::{Row, Watcher};
use super::{clean, node};
use crate::plan::{Group, IronicTarget, Operation, Stage, Until};
use crate::run::driver::{Asked, Driver, Job, Part, Performed};
use crate::run::epoch::{Epoch, now};
use crate::run::http::HttpProblem;

/// The password with which a node is rescued. Its ramdisk exists in the simulation alone, or is deleted with the run.
const RESCUE_PASSWORD: &str = "fauxmetal";
/// States that only another request leaves.
const FAILED: [&str; 9] = [
    "inspect failed",
    "clean failed",
    "deploy failed",
    "rescue failed",
    "unrescue failed",
    "adopt failed",
    "service failed",
    "error",
    "hold",
];
/// States in which a node is cleaned.
const CLEANING: [&str; 3] = ["cleaning", "clean wait", "clean hold"];

/// Stands for `last_error` where Ironic has cleared it already: its synchronisation of power states does so once a minute.
const NO_REASON: &str = "Ironic gives no reason";

/// Drives nodes through Ironic.
pub struct IronicDriver {
    api: Arc<Api>,
    watcher: Watcher,
    expire: Option<Duration>,
    wall: Epoch,
}

/// What an operation waits for.
struct Wanted {
    state: &'static str,
    /// The state in which a failure leaves the node, if it is no state of [`FAILED`].
    fails_in: Option<&'static str>,
}

impl IronicDriver {
    /// A driver for the nodes of a run. `expire` is the time after which they can be deleted.
    pub fn new(api: Arc<Api>, target: &IronicTarget, run: &str, expire: Option<Duration>) -> Self {
        let watcher = Watcher::new(Arc::clone(&api), run, Duration::from_millis(target.poll.ms()));
        Self { api, watcher, expire, wall: Epoch::begin() }
    }

    async fn put(&self, job: &Job, path: &str, body: &Value, cost: &mut Cost) -> Result<(), HttpProblem> {
        let path = format!("/v1/nodes/{}/{path}", node::uuid(job));
        let endpoint = self.api.endpoint(job.item);
        self.api.change(endpoint, Method::PUT, &path, Some(body), job.deadline, cost).await.map(drop)
    }

    /// Creates the node with its ports and traits.
    async fn enroll(&self, job: &Job, cost: &mut Cost) -> Result<(), HttpProblem> {
        let (endpoint, uuid) = (self.api.endpoint(job.item), node::uuid(job));
        let expires = self.expire.map(|after| self.wall.rfc3339(now() + after));
        let body = node::create(job, expires.as_deref());
        let created =
            self.api.change(endpoint, Method::POST, "/v1/nodes", Some(&body), job.deadline, cost).await;
        if let Err(problem) = created {
            // The answer to an earlier attempt can be lost.
            let is_ours = problem.status() == Some(http::StatusCode::CONFLICT)
                && clean::mark(&self.api, endpoint, &uuid)
                    .await
                    .is_ok_and(|mark| mark.as_deref() == Some(&*job.run));
            if !is_ours {
                return Err(problem);
            }
        }
        for mac in &job.machine.macs {
            let body = json!({"node_uuid": uuid, "address": mac, "extra": {MARK: &*job.run}});
            let made =
                self.api.change(endpoint, Method::POST, "/v1/ports", Some(&body), job.deadline, cost).await;
            if let Err(problem) = made {
                let is_ours = problem.status() == Some(http::StatusCode::CONFLICT)
                    && cost.retries > 0
                    && self.has_port(endpoint, &uuid, mac).await;
                if !is_ours {
                    return Err(problem);
                }
            }
        }
        if !job.group.traits.is_empty() {
            self.put(job, "traits", &json!({"traits": job.group.traits}), cost).await?;
        }
        Ok(())
    }

    async fn has_port(&self, endpoint: usize, uuid: &str, mac: &str) -> bool {
        let ports =
            self.api.get(endpoint, &format!("/v1/ports?node={uuid}&address={mac}&fields=address")).await;
        ports.is_ok_and(|found| found["ports"].as_array().is_some_and(|ports| !ports.is_empty()))
    }

    /// Sends the request that begins an operation. Returns what it waits for.
    async fn ask(
        &self,
        job: &Job,
        operation: Operation,
        cost: &mut Cost,
    ) -> Result<Option<Wanted>, HttpProblem> {
        let wanted = |state| Ok(Some(Wanted { state, fails_in: None }));
        match operation {
            Operation::Enroll => {
                self.enroll(job, cost).await?;
                Ok(None)
            }
            Operation::Manage => {
                self.provision(job, json!({"target": "manage"}), cost).await?;
                Ok(Some(Wanted { state: "manageable", fails_in: Some("enroll") }))
            }
            Operation::Inspect => {
                self.provision(job, json!({"target": "inspect"}), cost).await?;
                wanted("manageable")
            }
            Operation::Provide => {
                self.provision(job, json!({"target": "provide"}), cost).await?;
                wanted("available")
            }
            Operation::Deploy => {
                let info = node::instance_info(job);
                if info.as_array().is_some_and(|patch| !patch.is_empty()) {
                    let path = format!("/v1/nodes/{}", node::uuid(job));
                    let endpoint = self.api.endpoint(job.item);
                    self.api.change(endpoint, Method::PATCH, &path, Some(&info), job.deadline, cost).await?;
                }
                let mut body = json!({"target": "active"});
                if let Some(drive) = &job.group.config_drive {
                    body["configdrive"] = drive.clone();
                }
                self.provision(job, body, cost).await?;
                wanted("active")
            }
            Operation::Rescue => {
                self.provision(job, json!({"target": "rescue", "rescue_password": RESCUE_PASSWORD}), cost)
                    .await?;
                wanted("rescue")
            }
            Operation::Unrescue => {
                self.provision(job, json!({"target": "unrescue"}), cost).await?;
                wanted("active")
            }
            Operation::Undeploy => {
                self.provision(job, json!({"target": "deleted"}), cost).await?;
                wanted("available")
            }
            _ => Err(HttpProblem::Unreadable(format!("Ironic has no operation '{}'", operation.name()))),
        }
    }

    async fn provision(&self, job: &Job, body: Value, cost: &mut Cost) -> Result<(), HttpProblem> {
        self.put(job, "states/provision", &body, cost).await
    }

    /// Waits until the node is in a state, and notes all states on the way.
    async fn wait(&self, job: &Job, wanted: &Wanted, performed: &mut Performed) {
        let (uuid, asked) = (node::uuid(job), now());
        let states = &mut performed.states;
        let ended = self
            .watcher
            .until(&uuid, asked, job.deadline, |row| {
                let Some(row) = row else {
                    return Some(Err("the node is no longer in Ironic's list".to_owned()));
                };
                note(states, &row.provision_state);
                verdict(row, wanted)
            })
            .await;
        performed.error = match ended {
            Some(Ok(())) => None,
            Some(Err(error)) if error.ends_with(NO_REASON) => Some(match self.reason(job).await {
                Some(reason) => error.replace(NO_REASON, &reason),
                None => error,
            }),
            Some(Err(error)) => Some(error),
            None => Some(self.too_late(&uuid)),
        };
    }

    /// The newest error in the history of a node.
    async fn reason(&self, job: &Job) -> Option<String> {
        let path = format!("/v1/nodes/{}/history?detail=True", node::uuid(job));
        let history = self.api.get(self.api.endpoint(job.item), &path).await.ok()?;
        let errors = history["history"].as_array()?.iter().filter(|entry| entry["severity"] == "ERROR");
        let newest =
            errors.max_by_key(|entry| entry["created_at"].as_str().unwrap_or_default().to_owned())?;
        Some(newest["event"].as_str()?.to_owned())
    }

    async fn power(&self, job: &Job, performed: &mut Performed, cost: &mut Cost) -> Result<(), String> {
        let uuid = node::uuid(job);
        for (target, state) in [("power off", "power off"), ("power on", "power on")] {
            let sent = self.put(job, "states/power", &json!({"target": target}), cost).await;
            sent.map_err(|problem| problem.to_string())?;
            let states = &mut performed.states;
            let ended = self
                .watcher
                .until(&uuid, now(), job.deadline, |row| {
                    let Some(row) = row else {
                        return Some(Err("the node is no longer in Ironic's list".to_owned()));
                    };
                    note(states, row.power_state.as_deref().unwrap_or("no power state"));
                    if row.target_power_state.is_some() {
                        return None;
                    }
                    match (row.power_state.as_deref() == Some(state), &row.last_error) {
                        (true, _) => Some(Ok(())),
                        (false, Some(error)) => Some(Err(error.clone())),
                        (false, None) => None,
                    }
                })
                .await;
            ended.unwrap_or_else(|| Err(self.too_late(&uuid)))?;
        }
        Ok(())
    }

    /// The reason why an operation has not ended in time.
    fn too_late(&self, uuid: &str) -> String {
        let row = self.watcher.row(uuid);
        let state = row.as_ref().map_or("unknown", |row| &row.provision_state);
        let error = row.as_ref().and_then(|row| row.last_error.as_deref());
        let mut text = format!("timeout in state '{state}'");
        if let Some(error) = error {
            text = format!("{text}; last_error: {error}");
        }
        if let Some(problem) = self.watcher.problem() {
            text = format!("{text}; the list of nodes cannot be read: {problem}");
        }
        text
    }
}

/// Notes a state that differs from the last one.
fn note(states: &mut Vec<(String, Instant)>, state: &str) {
    if states.last().is_none_or(|(last, _)| last != state) {
        states.push((state.to_owned(), now()));
    }
}

/// How an operation has ended; `None` while it goes on.
fn verdict(row: &Row, wanted: &Wanted) -> Option<Result<(), String>> {
    let state = row.provision_state.as_str();
    let error = || row.last_error.clone().unwrap_or_else(|| NO_REASON.to_owned());
    if FAILED.contains(&state) {
        return Some(Err(format!("{state}: {}", error())));
    }
    // A node between two states has a target.
    if row.target_provision_state.is_some() {
        return None;
    }
    if state == wanted.state {
        return Some(Ok(()));
    }
    (wanted.fails_in == Some(state) && row.last_error.is_some()).then(|| Err(error()))
}

/// The time in states of cleaning, if the node was cleaned.
fn cleaning(states: &[(String, Instant)], ended: Instant, error: Option<&String>) -> Option<Part> {
    let cleans = |state: &str| CLEANING.contains(&state);
    let started = states.iter().find(|(state, _)| cleans(state)).map(|(_, at)| *at)?;
    let left = states.iter().skip_while(|(state, _)| !cleans(state)).find(|(state, _)| !cleans(state));
    let error = error.filter(|_| left.is_none_or(|(state, _)| state == "clean failed")).cloned();
    Some(Part { operation: Operation::Clean, started, ended: left.map_or(ended, |(_, at)| *at), error })
}

impl Driver for IronicDriver {
    fn path(&self, group: &Group, from: Stage, until: Until) -> Vec<Operation> {
        until.path(from, group.inspect)
    }

    async fn perform(&self, job: &Job, operation: Operation) -> Performed {
        let (mut performed, mut cost) = (Performed::default(), Cost::default());
        let endpoint = self.api.endpoint(job.item);
        match operation {
            Operation::Delete => performed.error = self.delete_with(job, &mut cost).await.err(),
            Operation::PowerCycle => performed.error = self.power(job, &mut performed, &mut cost).await.err(),
            _ => match self.ask(job, operation, &mut cost).await {
                Ok(Some(wanted)) => self.wait(job, &wanted, &mut performed).await,
                Ok(None) => {}
                Err(problem) => performed.error = Some(problem.to_string()),
            },
        }
        let uuid = node::uuid(job);
        if matches!(operation, Operation::Provide | Operation::Undeploy) {
            performed.parts.extend(cleaning(&performed.states, now(), performed.error.as_ref()));
        }
        performed.conductor = self.watcher.conductor(&uuid);
        performed.node = Some(uuid);
        performed.endpoint = Some(self.api.name(endpoint));
        (performed.requests, performed.retries) = (cost.requests, cost.retries);
        performed
    }

    async fn delete(&self, job: &Job) -> Result<(), String> {
        let job = Job { deadline: now() + clean::PATIENCE, ..job.clone() };
        self.delete_with(&job, &mut Cost::default()).await
    }

    async fn sweep(&self, run: &str, kept: &HashSet<String>) -> Vec<(String, String)> {
        let nodes = match clean::marked(&self.api, Some(run)).await {
            Ok(nodes) => nodes,
            Err(problem) => return vec![("the list of nodes".to_owned(), problem.to_string())],
        };
        let mut left = Vec::new();
        for node in nodes.into_iter().filter(|node| !kept.contains(&node.name)) {
            if let Err(error) = clean::remove(&self.api, &node.uuid, run).await {
                left.push((node.name, error));
            }
        }
        left
    }

    async fn ailment(&self, job: &Job, stage: Stage) -> Option<String> {
        let state = match stage {
            Stage::Absent => return None,
            Stage::Enrolled => "enroll",
            Stage::Manageable => "manageable",
            Stage::Available => "available",
            Stage::Active => "active",
            Stage::Rescued => "rescue",
        };
        let seen = self
            .watcher
            .until(&node::uuid(job), now(), now() + clean::PATIENCE, |row| Some(row.cloned()))
            .await;
        let Some(Some(row)) = seen else { return Some("the node is not in Ironic's list".to_owned()) };
        if row.provision_state != state {
            return Some(format!("the node is in state '{}' instead of '{state}'", row.provision_state));
        }
        match (row.maintenance, row.fault) {
            (_, Some(fault)) => Some(format!("the node has the fault '{fault}'")),
            (true, None) => Some("the node is in maintenance".to_owned()),
            (false, None) => None,
        }
    }

    async fn attend(&self) {
        self.watcher.watch().await;
    }

    fn states(&self) -> BTreeMap<String, u32> {
        self.watcher.states()
    }

    fn asked(&self) -> Asked {
        Asked { requests: self.api.requests.load(Ordering::Relaxed), ..self.watcher.asked() }
    }
}

impl IronicDriver {
    async fn delete_with(&self, job: &Job, cost: &mut Cost) -> Result<(), String> {
        let endpoint = self.api.endpoint(job.item);
        clean::remove_counted(&self.api, endpoint, &node::uuid(job), &job.run, job.deadline, cost).await
    }
}
