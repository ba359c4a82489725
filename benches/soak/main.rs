//! A long run under mixed load: `cargo bench --bench soak -- --minutes 60`; `-- --quick` (or any `--max-time`) for a smoke
//! run of seconds.
//!
//! The built binary serves 100,000 nodes whose state is stored on disk. Clients know which values they expect. They read and
//! write, open and end sessions, and boot machines from the network. The agents of these machines call an Ironic in this
//! process, which refuses some calls and is down now and then. The request rate is bounded and leaves most of a machine
//! to other processes. Each minute the bench prints a line of metrics, and at the end whether memory and open files stayed the
//! same. An unexpected response, request or log line fails the run.

#![expect(clippy::print_stdout, reason = "a bench prints a table")]
#![expect(clippy::panic, reason = "a bench that cannot measure stops")]

mod client;
#[path = "../common/mod.rs"]
mod common;
mod ironic;
mod load;
mod world;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use client::{Client, Doors};
use common::{cpu_s, mib, micros, resident_bytes, status};
use fauxmetal::clock::unix_ms;
use fauxmetal::limit::Limits;
use fauxmetal::server::{Listener, Server};
use ironic::Ironic;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::Value;
use world::{Dice, World};

/// The settings of a run.
struct Run {
    seconds: u64,
    /// Seconds between two lines of metrics.
    every_s: u64,
    nodes: usize,
    /// Nodes that are changed.
    used: usize,
    /// Nodes that are on for their agents. Writers power on other nodes.
    live: usize,
    /// Requests per second of all clients together.
    rate: usize,
    /// About how long Ironic is up, and how long it is down.
    quiet: Duration,
    outage: Duration,
    seed: u64,
    /// The binary: the one that was built with this bench, or the one that `--daemon` names.
    daemon: PathBuf,
    /// A smoke run of seconds. A machine boots in one second instead of the ten or so of its model.
    quick: bool,
}

impl Run {
    fn from(args: &[String]) -> Self {
        let word = |name: &str| args.iter().position(|a| a == name).and_then(|at| args.get(at + 1));
        let number = |name: &str, or: u64| {
            if !args.iter().any(|a| a == name) {
                return or;
            }
            match word(name).and_then(|text| text.parse().ok()) {
                Some(number) if number > 0 => number,
                _ => panic!("{name} takes a number from 1 on"),
            }
        };
        let size = |name: &str, or: usize| number(name, or as u64) as usize;
        let quick = args.iter().any(|a| a == "--quick" || a == "--max-time");
        let (nodes, used) = if quick { (2_000, 200) } else { (100_000, 6_000) };
        Self {
            seconds: if quick { 8 } else { 60 * number("--minutes", 3) },
            every_s: if quick { 1 } else { 60 },
            nodes: size("--nodes", nodes).max(10 * WRITERS),
            used: used.min(size("--nodes", nodes)),
            live: if quick { 50 } else { 1_500 },
            rate: size("--rate", 400),
            quiet: Duration::from_secs(if quick { 3 } else { 240 }),
            outage: Duration::from_secs(if quick { 1 } else { 10 }),
            seed: number("--seed", unix_ms()),
            daemon: word("--daemon").map_or(env!("CARGO_BIN_EXE_fauxmetal").into(), PathBuf::from),
            quick,
        }
    }
}

/// One request in this many may be answered with 503 and `Retry-After`, on a busy machine.
const MAX_HELD_ONE_IN: u64 = 1000;

const READERS: usize = 8;
const WRITERS: usize = 4;
const BOOTERS: usize = 2;
/// All clients: also one that opens sessions, and one that sends commands to agents.
const CLIENTS: usize = READERS + WRITERS + BOOTERS + 2;

fn main() {
    let run = Run::from(&std::env::args().collect::<Vec<_>>());
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let errors = runtime.block_on(soak(&run));
    // A smoke run shows that the bench runs. Its measurements are too short to judge the daemon, so they are only printed.
    std::process::exit(i32::from(errors > 0 && !run.quick));
}

async fn soak(run: &Run) -> u64 {
    let Run { nodes, rate, seconds, seed, .. } = *run;
    println!("{nodes} nodes, {rate} requests/s for {seconds} s, --seed {seed}");
    let dice = Dice::new(seed);
    let dir = tempfile::tempdir().expect("a folder");
    let listener = Listener::bind("127.0.0.1:0".parse().expect("an address"), None).expect("a port");
    let url = format!("http://{}", listener.address());
    let world = Arc::new(World::new(nodes, run.used, &url));
    let ironic = Arc::new(Ironic::new(Arc::clone(&world), dice.part()));
    let mut server = Server::new(Limits::default());
    server.add(listener, Arc::clone(&ironic), Limits::DEFAULT.body_bytes);
    let serving = tokio::spawn(server.run(std::future::pending()));
    let failing = tokio::spawn(Arc::clone(&ironic).fail(run.quiet, run.outage));

    let mut daemon = Daemon::start(run, dir.path(), &world);
    let begun = micros();
    let clients = start(run, &world, &daemon.doors, &dice);
    let mut samples = Vec::new();
    println!(
        "{:>6} {:>9} {:>6} {:>7} {:>9} {:>7} {:>5} {:>8} {:>8} {:>9} {:>6}",
        "s", "RSS MiB", "files", "agents", "requests", "errors", "held", "boots", "beats", "state MiB", "CPU"
    );
    let (mut cpu, mut at) = (cpu_s(daemon.child.id()), begun);
    while micros() - begun < seconds * 1_000_000 {
        tokio::time::sleep(Duration::from_secs(run.every_s)).await;
        if daemon.child.try_wait().expect("a child").is_some() {
            world.error("the daemon has ended");
            break;
        }
        let live = daemon.figure(&world, "fauxmetal_nodes{state=\"agent_serving\"}").await;
        let (pid, now) = (daemon.child.id(), micros());
        let sample = Sample { rss: mib(resident_bytes(pid)), files: files(pid), live };
        let cpu_now = cpu_s(pid);
        println!(
            "{:>6} {:>9.1} {:>6} {:>7} {:>9} {:>7} {:>5} {:>8} {:>8} {:>9.1} {:>6.3}",
            (now - begun) / 1_000_000,
            sample.rss,
            sample.files,
            sample.live,
            world.requests.load(Ordering::Relaxed),
            world.errors.load(Ordering::Relaxed),
            world.held.load(Ordering::Relaxed),
            ironic.boots.load(Ordering::Relaxed),
            ironic.beats.load(Ordering::Relaxed),
            mib(size(&dir.path().join("state"))),
            (cpu_now - cpu) / ((now - at) as f64 / 1e6),
        );
        (cpu, at) = (cpu_now, now);
        samples.push(sample);
    }
    world.stop.store(true, Ordering::Relaxed);
    for client in clients {
        if let Err(error) = client.await {
            world.error(&format!("a client stopped: {error}"));
        }
    }
    verdict(&samples, &world, &ironic, &mut daemon).await;
    failing.abort();
    serving.abort();
    world.errors.load(Ordering::Relaxed)
}

/// Starts the clients, each in a task of its own.
fn start(run: &Run, world: &Arc<World>, doors: &Doors, dice: &Dice) -> Vec<tokio::task::JoinHandle<()>> {
    let every = Duration::from_secs_f64(CLIENTS as f64 / run.rate as f64);
    let client = || Client::new(world, doors, dice.part(), every);
    let mut tasks = Vec::new();
    for _ in 0..READERS {
        tasks.push(tokio::spawn(load::read(client())));
    }
    // Each used node is changed by one client.
    let mine = |n: usize| world.used.iter().copied().skip(n).step_by(WRITERS + BOOTERS).collect();
    for n in 0..WRITERS {
        tasks.push(tokio::spawn(load::write(client(), mine(n))));
    }
    for n in WRITERS..WRITERS + BOOTERS {
        tasks.push(tokio::spawn(load::boot(client(), mine(n), run.live / BOOTERS)));
    }
    tasks.push(tokio::spawn(load::log_in_and_out(client())));
    tasks.push(tokio::spawn(load::command(client())));
    // A handshake costs more than all other requests, so this client is not part of the rate.
    let newcomer = Client::newcomer(world, doors, dice.part(), Duration::from_millis(250));
    tasks.push(tokio::spawn(load::come_and_go(newcomer)));
    tasks
}

/// The measurements of a minute.
struct Sample {
    rss: f64,
    files: usize,
    live: u64,
}

/// Prints whether the measurements stayed the same. Unexpected values are errors.
async fn verdict(samples: &[Sample], world: &World, ironic: &Ironic, daemon: &mut Daemon) {
    let third = samples.len() / 3;
    let parts = [&samples[third..2 * third], &samples[samples.len() - third..]];
    if third > 0 {
        let mean = |of: &[Sample]| of.iter().map(|s| s.rss).sum::<f64>() / of.len() as f64;
        let range = |of: &[Sample]| {
            let files = || of.iter().map(|s| s.files);
            (files().min().unwrap_or(0), files().max().unwrap_or(0))
        };
        let (before, after) = (mean(parts[0]), mean(parts[1]));
        println!();
        println!(
            "memory, mean of the second third and of the last: {before:.1} and {after:.1} MiB ({:+.2} %); peak {:.1} MiB",
            (after / before - 1.0) * 100.0,
            mib(status(daemon.child.id(), "VmHWM") * 1024),
        );
        let (before, after) = (range(parts[0]), range(parts[1]));
        println!("open files: {} to {}, and {} to {}", before.0, before.1, after.0, after.1);
    }
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "Ironic: {} boots, {} inspections, {} lookups, {} heartbeats; injected: {} calls refused, {} cut, {} outages",
        of(&ironic.boots),
        of(&ironic.inspections),
        of(&ironic.lookups),
        of(&ironic.beats),
        of(&ironic.refused),
        of(&ironic.cut),
        of(&ironic.outages),
    );
    println!(
        "heartbeats without a token, of agents that took the API for an old one: {}",
        of(&ironic.tokenless)
    );
    if of(&ironic.tokenless) > of(&ironic.refused) {
        world.error("more heartbeats without a token than refused calls");
    }
    println!("commands that met a power-off: {}", of(&world.crossed));
    let (requests, held) = (of(&world.requests), of(&world.held));
    println!("responses 503 with Retry-After, because the state could not be stored in time: {held}");
    if held > requests / MAX_HELD_ONE_IN {
        world.error(&format!("{held} of {requests} requests were answered 503 with Retry-After"));
    }
    println!("expected warnings in the log: {}", daemon.warnings.load(Ordering::Relaxed));
    if samples.last().is_none_or(|s| s.live == 0) || of(&ironic.beats) == 0 {
        world.error("no agent sent a heartbeat");
    }
    for line in daemon.figures(world).await.lines() {
        let hit = line.starts_with("fauxmetal_limit_hits_total") && !line.ends_with(" 0");
        if hit && !line.contains(JOURNAL) {
            world.error(&format!("a limit was hit: {line}"));
        }
        if line.starts_with("fauxmetal_calls_total") {
            println!("{line}");
        }
    }
    let stopped = daemon.stop();
    if stopped != Some(0) {
        world.error(&format!("the daemon ended with {stopped:?}"));
    }
    println!("{} requests, {} unexpected errors", of(&world.requests), of(&world.errors));
}

/// The daemon. It is killed when this is dropped, unless it was stopped before.
struct Daemon {
    child: Child,
    doors: Doors,
    admin: String,
    scraper: reqwest::Client,
    warnings: Arc<AtomicU64>,
}

impl Daemon {
    fn start(run: &Run, dir: &Path, world: &Arc<World>) -> Self {
        let certs = dir.join("certs");
        let fast: &[&str] =
            if run.quick { &["--boot-time", "1s", "--timing", "agent_start=0s"] } else { &[] };
        let mut child = Command::new(&run.daemon)
            .args(["serve", "--nodes", &run.nodes.to_string(), "--log", "warn", "--seed", "1"])
            .args(["--listen", "http://127.0.0.1:0", "--listen", "https://127.0.0.1:0"])
            .args(["--agent-listen", "http://127.0.0.1:0", "--admin-listen", "http://127.0.0.1:0"])
            .args(["--network-boot", &format!("{}/boot", world.ironic)])
            .args(fast)
            .arg("--state")
            .arg(dir.join("state"))
            .arg("--certs")
            .arg(&certs)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the daemon");
        let warnings = Arc::new(AtomicU64::new(0));
        let log = BufReader::new(child.stderr.take().expect("piped"));
        std::thread::spawn({
            let (world, warnings) = (Arc::clone(world), Arc::clone(&warnings));
            move || log.lines().map_while(Result::ok).for_each(|line| look_at(&line, &world, &warnings))
        });
        let ready = BufReader::new(child.stdout.take().expect("piped"))
            .lines()
            .map_while(Result::ok)
            .find_map(|line| serde_json::from_str::<Value>(line.strip_prefix("READY ")?).ok());
        let ready = ready.unwrap_or_else(|| panic!("the daemon ended before it was ready"));
        let url = |value: &Value| value.as_str().expect("a URL").trim_end_matches('/').to_owned();
        let doors = Doors {
            http: url(&ready["redfish"][0]),
            https: url(&ready["redfish"][1]),
            ca: CertificateDer::from_pem_file(certs.join("ca.pem")).expect("a certificate"),
        };
        let scraper = client::scraper(&doors);
        Self { child, admin: url(&ready["admin"]), doors, scraper, warnings }
    }

    /// The page of metrics. If it cannot be read, that is an error, and the page is empty.
    async fn figures(&self, world: &World) -> String {
        let text = async { self.scraper.get(format!("{}/metrics", self.admin)).send().await?.text().await };
        text.await.unwrap_or_else(|error: reqwest::Error| {
            world.error(&format!("the metrics cannot be read: {error:?}"));
            String::new()
        })
    }

    async fn figure(&self, world: &World, sample: &str) -> u64 {
        let figures = self.figures(world).await;
        let value = figures.lines().find_map(|line| line.strip_prefix(sample)?.trim().parse().ok());
        value.unwrap_or(0)
    }

    /// Sends SIGTERM as a container manager does, and returns the exit code.
    fn stop(&mut self) -> Option<i32> {
        Command::new("kill").arg(self.child.id().to_string()).status().expect("kill");
        self.child.wait().expect("it was started here").code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The limit that a run reaches: more nodes are read than the journal has room for, so it forgets its oldest entries.
const JOURNAL: &str = "limit=\"journal\"";

/// Warnings that the daemon may log: the text after the level, and texts of which one must follow.
const FORESEEN: [(&str, &[&str]); 5] = [
    // Ironic is down or refuses the call, has published nothing for the machine, or serves an image that is none.
    (
        "fauxmetal::effect: boot failed node=",
        &[REFUSED, CUT, NO_IMAGE, "/boot: nothing is published for any of its interfaces"],
    ),
    ("fauxmetal::effect: virtual media cannot be read node=", &[REFUSED, CUT, NO_IMAGE]),
    ("fauxmetal::effect: server does not answer; circuit open", &[" server=\"http://127.0.0.1:"]),
    ("fauxmetal::cli::serve: the agents listen without TLS on", &[" http://127.0.0.1:0;"]),
    // Requests without credentials, of a session that has ended, with a wrong password, and with a wrong token.
    (
        "fauxmetal::access: a client has no valid credentials client=127.0.0.1:",
        &[
            " method=GET path=\"/redfish/v1/Systems/",
            " method=GET path=\"/redfish/v1/SessionService/Sessions\"",
            " method=POST path=\"/redfish/v1/SessionService/Sessions\"",
            "/v1/commands/\"",
        ],
    ),
];
/// The failures of calls to an Ironic that is down: it answers with 503, or closes the connection without an answer.
const REFUSED: &str = ": the server says 503 Service Unavailable";
const CUT: &str = "connection closed before message completed";
const NO_IMAGE: &str = ": the image is neither an ISO 9660 nor a FAT file system";

fn look_at(line: &str, world: &World, warnings: &AtomicU64) {
    let warning = line.split_once(" WARN ").map_or("", |(_, text)| text);
    let foreseen = FORESEEN.iter().any(|(begin, ends)| {
        warning.strip_prefix(begin).is_some_and(|rest| ends.iter().any(|end| rest.contains(end)))
    });
    if foreseen {
        warnings.fetch_add(1, Ordering::Relaxed);
    } else {
        world.error(&format!("logged: {line}"));
    }
}

/// The number of open files of a process.
fn files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// The size of the files of a folder, bytes.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}
