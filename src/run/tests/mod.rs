//! Tests of the engine, with a driver and machines that only keep books. Their time is simulated by the runtime.

mod pacing;
mod phases;
mod stops;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;

use super::machine::{Fired, Happened, Machine, Machines};
use super::{Asked, Driver, Ended, Job, Performed, Run, Stop};
use crate::fault::Rule;
use crate::plan::{self, Group, Operation, Plan, Stage, Until};
use crate::report::{Item, Status};

/// A control plane that has only books.
#[derive(Default)]
struct Books {
    /// Seconds of each operation.
    seconds: u64,
    /// Parts of names whose operation of this kind fails.
    fails: Vec<(&'static str, Operation)>,
    /// Parts of names that are not well.
    sick: Vec<&'static str>,
    /// The nodes that exist.
    nodes: Arc<Mutex<HashSet<String>>>,
}

impl Driver for Books {
    fn path(&self, group: &Group, from: Stage, until: Until) -> Vec<Operation> {
        until.path(from, group.inspect)
    }

    async fn perform(&self, job: &Job, operation: Operation) -> Performed {
        if operation == Operation::Enroll {
            let is_new = self.nodes.lock().insert(job.name.to_string());
            assert!(is_new, "{} exists already", job.name);
        }
        tokio::time::sleep(Duration::from_secs(self.seconds)).await;
        if operation == Operation::Delete {
            assert!(self.nodes.lock().remove(&*job.name));
        }
        let fails = self.fails.iter().any(|(part, of)| job.name.contains(part) && *of == operation);
        Performed {
            error: fails.then(|| format!("node {} is broken", job.name)),
            node: Some("the-node".to_owned()),
            requests: 1,
            ..Performed::default()
        }
    }

    async fn delete(&self, job: &Job) -> Result<(), String> {
        self.nodes.lock().remove(&*job.name);
        Ok(())
    }

    async fn sweep(&self, _: &str, _: &HashSet<String>) -> Vec<(String, String)> {
        Vec::new()
    }

    async fn ailment(&self, job: &Job, _: Stage) -> Option<String> {
        self.sick.iter().any(|part| job.name.contains(part)).then(|| "it is in maintenance".to_owned())
    }

    async fn attend(&self) {
        std::future::pending::<()>().await;
    }

    fn states(&self) -> BTreeMap<String, u32> {
        BTreeMap::new()
    }

    fn asked(&self) -> Asked {
        Asked::default()
    }
}

/// Machines that obey every rule.
#[derive(Default)]
struct Shelf {
    /// How often each rule fires.
    fires: u64,
    /// Names of rules that were added and cleared, in order.
    rules: Mutex<Vec<String>>,
}

impl Machines for Shelf {
    fn machine(&self, item: u32) -> Machine {
        Machine {
            uuid: item.to_string(),
            name: format!("machine-{item}"),
            address: String::new(),
            system: String::new(),
            username: String::new(),
            password: String::new(),
            verify_ca: None,
            macs: Vec::new(),
        }
    }

    fn happened(&self) -> BoxFuture<'_, Vec<Happened>> {
        Box::pin(std::future::pending())
    }

    fn requests(&self) -> BoxFuture<'_, BTreeMap<String, u64>> {
        Box::pin(std::future::ready(BTreeMap::new()))
    }

    fn add_rules<'a>(&'a self, rules: &'a [Rule]) -> BoxFuture<'a, anyhow::Result<()>> {
        self.rules.lock().extend(rules.iter().map(|rule| format!("+{}", rule.name)));
        Box::pin(std::future::ready(Ok(())))
    }

    fn clear_rules<'a>(&'a self, rules: &'a [Rule]) -> BoxFuture<'a, anyhow::Result<Vec<Fired>>> {
        self.rules.lock().extend(rules.iter().map(|rule| format!("-{}", rule.name)));
        let fired = rules.iter().map(|rule| Fired { name: rule.name.to_string(), fired: self.fires });
        Box::pin(std::future::ready(Ok(fired.collect())))
    }
}

/// The result of a run: its end, its documents, and the nodes that are left.
struct Outcome {
    ended: Ended,
    items: Vec<Item>,
    left: Vec<String>,
    _folder: tempfile::TempDir,
}

fn read(text: &str) -> Plan {
    let head = "target: {ironic: {url: \"http://127.0.0.1:1\"}}\nwatch: {every: 1h}\n";
    plan::read(&format!("{head}{text}"), "plan.yaml", &[]).unwrap()
}

async fn run(text: &str, books: Books) -> Outcome {
    run_with(text, books, Arc::new(Shelf { fires: 1, ..Shelf::default() }), Stop::default()).await
}

async fn run_with(text: &str, books: Books, shelf: Arc<Shelf>, stop: Stop) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let nodes = Arc::clone(&books.nodes);
    let run = Run::new(read(text), "the plan", "r", folder.path(), books, shelf, stop).unwrap();
    let ended = run.go().await.unwrap();
    let items: Vec<Item> = ended.folder.items().unwrap().map(Result::unwrap).collect();
    assert_eq!(ended.summary, ended.folder.stored().unwrap().unwrap(), "the summary is on disk");
    let mut left: Vec<_> = nodes.lock().iter().cloned().collect();
    left.sort();
    Outcome { ended, items, left, _folder: folder }
}

/// A plan with one group of 10 items until `manageable`, which are two operations.
fn ten(more: &str) -> String {
    format!("groups: [{{name: a, count: 10, until: manageable}}]\n{more}")
}

/// The spans of items: name, start, end.
fn spans(items: &[Item]) -> Vec<(String, f64, f64)> {
    let mut spans: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for item in items {
        let span = spans.entry(&item.name).or_insert((f64::MAX, 0.0));
        *span = (span.0.min(item.started), span.1.max(item.ended));
    }
    spans.into_iter().map(|(name, (start, end))| (name.to_owned(), start, end)).collect()
}

/// The most spans that overlap.
fn most_at_once(spans: &[(String, f64, f64)]) -> usize {
    let at = |moment: f64| spans.iter().filter(|(_, start, end)| *start <= moment && moment < *end).count();
    spans.iter().map(|(_, start, _)| at(*start)).max().unwrap_or(0)
}

/// The documents of a status.
fn with_status(items: &[Item], status: Status) -> Vec<String> {
    items
        .iter()
        .filter(|item| item.status == status)
        .map(|item| format!("{} {}", item.operation.name(), item.name))
        .collect()
}

/// A moment of the runtime's time, for tests that stop a run.
async fn after(seconds: u64, act: impl FnOnce()) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    act();
}
