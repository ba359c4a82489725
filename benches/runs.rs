//! The cost of a load run's own books: 100,000 items at 500 starts a second, on a control plane that only counts: `cargo bench --bench
//! runs`; `-- --quick` (or any `--max-time`) for a smoke run, `-- --items N --rate N` for others.
//!
//! The limit is measured in the same process before: as many tasks of the runtime that only sleep, started at the same moments.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench prints, and ends when something is wrong"
)]

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

mod common;

use fauxmetal::fault::Rule;
use fauxmetal::plan::{self, Group, Operation, Stage, Until};
use fauxmetal::run::machine::{Fired, Happened, Machine, Machines};
use fauxmetal::run::{Asked, Driver, Job, Performed, Run, Stop};
use futures_util::future::BoxFuture;

/// The time of an operation.
const OPERATION: Duration = Duration::from_millis(500);

struct Books;

impl Driver for Books {
    fn path(&self, group: &Group, from: Stage, until: Until) -> Vec<Operation> {
        until.path(from, group.inspect)
    }

    async fn perform(&self, _: &Job, _: Operation) -> Performed {
        tokio::time::sleep(OPERATION).await;
        Performed {
            node: Some("1f5c2a60-0000-8000-8000-000000000000".to_owned()),
            requests: 1,
            ..Performed::default()
        }
    }

    async fn delete(&self, _: &Job) -> Result<(), String> {
        Ok(())
    }

    async fn sweep(&self, _: &str, _: &HashSet<String>) -> Vec<(String, String)> {
        Vec::new()
    }

    async fn ailment(&self, _: &Job, _: Stage) -> Option<String> {
        None
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

struct Shelf;

impl Machines for Shelf {
    fn machine(&self, item: u32) -> Machine {
        Machine {
            uuid: item.to_string(),
            name: format!("machine-{item}"),
            address: "https://127.0.0.1:8443".to_owned(),
            system: format!("/redfish/v1/Systems/{item}"),
            username: "admin".to_owned(),
            password: "password".to_owned(),
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

    fn add_rules<'a>(&'a self, _: &'a [Rule]) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn clear_rules<'a>(&'a self, _: &'a [Rule]) -> BoxFuture<'a, anyhow::Result<Vec<Fired>>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

/// The value of a flag.
fn flag(args: &[String], name: &str, default: u64) -> u64 {
    let at = args.iter().position(|arg| arg == name);
    at.and_then(|at| args.get(at + 1)).map_or(default, |value| value.parse().expect("a number"))
}

/// CPU seconds for as many tasks that only sleep, started at the same moments.
async fn limit(items: u64, rate: u64) -> f64 {
    let before = common::cpu_s(std::process::id());
    let start = tokio::time::Instant::from_std(begin());
    let mut tasks = tokio::task::JoinSet::new();
    for item in 0..items {
        tokio::time::sleep_until(start + Duration::from_secs_f64(item as f64 / rate as f64)).await;
        tasks.spawn(tokio::time::sleep(OPERATION));
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
    common::cpu_s(std::process::id()) - before
}

#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn begin() -> Instant {
    Instant::now()
}

/// Anonymous memory of this process, MiB.
fn memory() -> f64 {
    common::status(std::process::id(), "RssAnon") as f64 / 1024.0
}

async fn run(items: u64, rate: u64) {
    let text = format!(
        "target: {{ironic: {{url: \"http://127.0.0.1:1\"}}}}\ngroups: [{{name: a, count: {items}, until: enrolled}}]\n\
         pacing: {{arrivals: [{{rate: {rate}/s, duration: 1s}}]}}\ncleanup: {{when: never}}\n"
    );
    let plan = plan::read(&text, "plan", &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (before, memory_before) = (common::cpu_s(std::process::id()), memory());
    let run = Run::new(plan, &text, "bench", folder.path(), Books, Arc::new(Shelf), Stop::default()).unwrap();
    let sampler = tokio::spawn(async {
        let mut seen = Vec::new();
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            seen.push(memory());
            if seen.len() % 40 == 0 {
                println!("  {:.0} s: {:.1} MiB", seen.len() as f64 / 2.0, memory());
            }
            SEEN.lock().unwrap().clone_from(&seen);
        }
    });
    let ended = run.go().await.unwrap();
    sampler.abort();
    let cpu = common::cpu_s(std::process::id()) - before;
    let seen = SEEN.lock().unwrap().clone();
    let part = |from: usize, to: usize| {
        let part = &seen[seen.len() * from / 4..seen.len() * to / 4];
        part.iter().copied().fold(0.0, f64::max)
    };
    let items_done = ended.summary.items();
    assert_eq!((items_done.succeeded, items_done.failed), (items, 0));
    println!(
        "memory: {memory_before:.1} MiB before; at most {:.1} in the second quarter, {:.1} in the last",
        part(1, 2),
        part(3, 4)
    );
    println!("CPU: {:.1} us an item", cpu / items as f64 * 1e6);
    let lateness = &ended.summary.lateness;
    let late = |percent: f64| lateness.quantile(percent / 100.0).unwrap_or_default() * 1e3;
    println!(
        "lateness of starts: p50 {:.2} ms, p99 {:.2} ms, p100 {:.2} ms",
        late(50.0),
        late(99.0),
        late(100.0)
    );
}

static SEEN: std::sync::Mutex<Vec<f64>> = std::sync::Mutex::new(Vec::new());

fn main() {
    let args: Vec<_> = std::env::args().collect();
    let quick = args.iter().any(|arg| arg == "--quick" || arg == "--max-time");
    let (items, rate) =
        (flag(&args, "--items", if quick { 1000 } else { 100_000 }), flag(&args, "--rate", 500));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        println!("{items} items, {rate} starts a second");
        let limit = limit(items.min(20_000), rate).await / items.min(20_000) as f64 * 1e6;
        println!("limit, tasks that only sleep: CPU {limit:.1} us an item");
        run(items, rate).await;
    });
}
