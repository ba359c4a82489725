//! The cost of a growing fleet and of its agents: `cargo bench --bench fleet`; `-- --quick` (or any `--max-time`) for a
//! smoke run.
//!
//! 1. The daemon with 10 to 1,000,000 nodes: time from start to first response, resident memory, activity when idle.
//! 2. Nodes that power on, and nodes with a running agent: bytes per node, in this process.
//! 3. Heartbeats of those agents to an Ironic that only counts them: lateness, and CPU time.

#![expect(clippy::print_stdout, reason = "a bench prints a table")]
#![expect(clippy::panic, reason = "a bench that cannot measure stops")]

mod common;

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::{ask, cpu_s, mib, percentile, ready, request, resident_bytes, wakeups};
use fauxmetal::address::Urls;
use fauxmetal::clock::{Clock, unix_ms};
use fauxmetal::dmtf::ResetType;
use fauxmetal::effect::{EffectRunner, Settings};
use fauxmetal::face::{Body, Face, Peer, Refused};
use fauxmetal::fleet::{Effects, Fleet};
use fauxmetal::limit::Limits;
use fauxmetal::node::NodeId;
use fauxmetal::node::bmc::session;
use fauxmetal::node::call::Call;
use fauxmetal::node::command::Command;
use fauxmetal::node::effect::{Answer, Bootable, EffectKind};
use fauxmetal::node::host;
use fauxmetal::node::ipa::{self, Beat, LookedUp, Params};
use fauxmetal::profile::{Profile, built_in};
use fauxmetal::seed::Seed;
use fauxmetal::server::{Listener, Server};
use fauxmetal::time::{SimTime, Span};
use http::{Method, Request, Response, StatusCode};
use parking_lot::Mutex;
use tokio::net::TcpStream;
use uuid::Uuid;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    if args.get(1).is_some_and(|a| a == "--sink") {
        return runtime.block_on(sink());
    }
    let quick = args.iter().any(|a| a == "--quick" || a == "--max-time");
    runtime.block_on(async {
        growth(if quick { &[10, 1000] } else { &[10, 1000, 10_000, 100_000, 1_000_000] }, quick).await;
        agents(if quick { 1000 } else { 100_000 }, if quick { 4 } else { 300 }).await;
    });
}

/// Starts the daemon with a fleet of each size and measures it.
async fn growth(sizes: &[u32], quick: bool) {
    let certs = std::env::temp_dir().join(format!("fauxmetal-bench-{}", std::process::id()));
    let quiet = Duration::from_millis(if quick { 200 } else { 5000 });
    println!("the daemon; idle for {quiet:?}");
    println!(
        "{:>9} {:>15} {:>9} {:>12} {:>10} {:>9}",
        "nodes", "first answer ms", "RSS MiB", "bytes a node", "idle CPU s", "wake-ups"
    );
    let mut empty = None;
    for nodes in sizes {
        let begun = unix_ms();
        let mut daemon = Process::new(env!("CARGO_BIN_EXE_fauxmetal"))
            .args(["serve", "--nodes", &nodes.to_string(), "--listen", "http://127.0.0.1:0"])
            .args(["--agent-listen", "https://127.0.0.1:0", "--certs"])
            .arg(&certs)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the daemon");
        let port = ready(&mut daemon);
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
        ask(&mut stream, &request("GET", "/redfish/v1/Systems?$top=1", ""), &mut vec![0; 8192]).await;
        drop(stream);
        let start = unix_ms() - begun;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (cpu, woken) = (cpu_s(daemon.id()), wakeups(daemon.id()));
        tokio::time::sleep(quiet).await;
        let rss = resident_bytes(daemon.id());
        let empty = *empty.get_or_insert(rss);
        println!(
            "{nodes:>9} {start:>15} {:>9.1} {:>12} {:>10.2} {:>9}",
            mib(rss),
            rss.saturating_sub(empty) / u64::from(*nodes),
            cpu_s(daemon.id()) - cpu,
            wakeups(daemon.id()) - woken,
        );
        daemon.kill().expect("it runs");
        daemon.wait().expect("it was started here");
    }
    let _ = std::fs::remove_dir_all(certs);
}

/// Measures agents in this process, and their heartbeats.
async fn agents(nodes: u32, heartbeat_timeout_s: u32) {
    let me = std::process::id();
    let mut sink = Sink::start();
    let mut profile = (*built_in("generic").expect("a built-in profile")).clone();
    for (name, _, _) in profile.timing.clone().list() {
        profile.timing.set(name, Span::exactly_ms(0)).expect("its own name");
    }
    let (fleet, mut effects) = Fleet::new(Seed(1), Clock::wall(1.0));
    // The journal has a limit of its own, and is measured below.
    let fleet = Arc::new(fleet.with_journal(0));
    let before = resident_bytes(me);
    let profile = Arc::new(profile);
    fleet.add(&profile, nodes).expect("room for them");
    let idle = resident_bytes(me);
    for id in fleet.ids() {
        let done = fleet.apply(id, Command::Host(host::Command::Reset(ResetType::On)));
        assert!(matches!(done, Some(Ok(_))), "a new machine can be powered on");
    }
    let on = resident_bytes(me);
    bring_up(&fleet, &mut effects, &sink.url, heartbeat_timeout_s);
    let live = resident_bytes(me);
    for id in fleet.ids() {
        let mut secret = [7; 24];
        secret[..4].copy_from_slice(&id.0.to_le_bytes());
        let begun = fleet.apply(
            id,
            Command::Session(session::Command::Begin {
                user: "admin".into(),
                account: 1,
                client: None,
                secret,
                most: 1,
            }),
        );
        assert!(matches!(begun, Some(Ok(_))), "a controller without sessions takes one");
    }
    let session = resident_bytes(me);
    let each = |bytes: u64| bytes.saturating_sub(before) / u64::from(nodes);
    println!();
    println!("{nodes} nodes in this process, bytes a node");
    println!(
        "idle {}   being powered on {}   with a live agent {}   and a session at its BMC {}",
        each(idle),
        each(on),
        each(live),
        each(session)
    );
    journal(&profile, &sink.url, heartbeat_timeout_s);

    let due: Vec<SimTime> =
        fleet.ids().map(|id| fleet.look(id, |n, _| due(n.ipa())).expect("a node")).collect();
    let (first, last) = (due.iter().min().expect("nodes"), due.iter().max().expect("nodes"));
    let settings =
        Settings { agent_urls: Some(Urls::Same("https://127.0.0.1:9999".into())), ..Settings::default() };
    let outside = Arc::new(EffectRunner::new(Arc::clone(&fleet), settings).expect("an HTTP client"));
    let performing = tokio::spawn(outside.run(effects));
    let waking = tokio::spawn({
        let fleet = Arc::clone(&fleet);
        async move { fleet.keep_time().await }
    });
    let wait = |until: SimTime| Duration::from_millis(until.since_ms(fleet.clock().now()));
    tokio::time::sleep(wait(*first)).await;
    let cpu = cpu_s(me);
    tokio::time::sleep(wait(*last)).await;
    let (cpu, seconds) = (cpu_s(me) - cpu, last.since_ms(*first) as f64 / 1000.0);
    // The last heartbeats may still be on their way.
    tokio::time::sleep(Duration::from_secs(3)).await;
    performing.abort();
    waking.abort();

    let mut late: Vec<Option<u64>> = vec![None; nodes as usize];
    for (uuid, at) in sink.arrivals() {
        let id = fleet.find(uuid).expect("one of these nodes");
        let late = &mut late[id.0 as usize];
        // Only the due time of an agent's first heartbeat is known.
        *late = Some(late.unwrap_or(u64::MAX).min(at.saturating_sub(due[id.0 as usize].ms())));
    }
    let sent = late.iter().flatten().count();
    let mut late: Vec<u64> = late.into_iter().flatten().collect();
    late.sort_unstable();
    println!();
    println!("their heartbeats, {:.0} a second due over {seconds:.0} s", f64::from(nodes) / seconds);
    println!(
        "sent {sent} of {nodes}; late by ms: median {}, p99 {}, most {}",
        percentile(&late, 0.5),
        percentile(&late, 0.99),
        percentile(&late, 1.0)
    );
    println!("CPU {:.3} cores, {:.0} µs a heartbeat", cpu / seconds, cpu * 1e6 / f64::from(nodes));
}

/// Prints the bytes in the journal of a node that has booted into an agent.
fn journal(profile: &Arc<Profile>, url: &str, heartbeat_timeout_s: u32) {
    const NODES: u32 = 10_000;
    let (fleet, mut effects) = Fleet::new(Seed(1), Clock::wall(1.0));
    fleet.add(profile, NODES).expect("room for them");
    let empty = fleet.journal().bytes();
    for id in fleet.ids() {
        let done = fleet.apply(id, Command::Host(host::Command::Reset(ResetType::On)));
        assert!(matches!(done, Some(Ok(_))), "a new machine can be powered on");
    }
    bring_up(&fleet, &mut effects, url, heartbeat_timeout_s);
    let nodes = NODES as usize;
    let (bytes, entries) = ((fleet.journal().bytes() - empty) / nodes, fleet.journal().len() / nodes);
    println!("in the journal: idle 0   with a live agent {bytes} ({entries} entries)");
}

/// The time at which an agent's next heartbeat is due.
fn due(agent: Option<&fauxmetal::node::ipa::Ipa>) -> SimTime {
    match agent.and_then(ipa::Ipa::serving).expect("each node has an agent that serves").heartbeat {
        Call::At(at) => at,
        other => panic!("the next heartbeat is not scheduled, but {other:?}"),
    }
}

/// Answers the outgoing calls of the nodes until each has an agent that has sent its first heartbeat.
fn bring_up(fleet: &Fleet, effects: &mut Effects, url: &str, heartbeat_timeout_s: u32) {
    loop {
        fleet.wake_due();
        let mut idle = true;
        while let Ok((id, effect)) = effects.try_recv() {
            idle = false;
            let uuid = fleet.look(id, |n, _| n.spec().uuid()).expect("a node");
            let answer = match effect.kind {
                EffectKind::ReadBoot { start } => {
                    let params = Params {
                        api_urls: [url.into()].into(),
                        token: Some("8Cz5rcX1hT6uuV6oOBoS-BF0Qf3G2jwv6nNRyCbyhlo".into()),
                        lookup_timeout_s: 600,
                        ..Params::default()
                    };
                    Answer::BootRead { start, result: Ok(Bootable::Ipa(Box::new(params))) }
                }
                EffectKind::Ipa { start, effect: ipa::Effect::LookUp } => {
                    let found =
                        LookedUp::Found { uuid, token: None, heartbeat_timeout_s, md5_enabled: false };
                    Answer::Ipa { start, answer: ipa::Answer::LookedUp(found) }
                }
                EffectKind::Ipa { start, effect: ipa::Effect::Heartbeat } => {
                    Answer::Ipa { start, answer: ipa::Answer::Beat(Beat::Accepted) }
                }
                other => panic!("unexpected call: {other:?}"),
            };
            fleet.answer(id, answer);
        }
        let waiting = |id: NodeId| {
            !fleet
                .look(id, |n, _| {
                    matches!(n.ipa().and_then(|a| a.serving()).map(|s| s.heartbeat), Some(Call::At(_)))
                })
                .expect("a node")
        };
        if idle && !fleet.ids().any(waiting) {
            return;
        }
    }
}

/// An Ironic in a process of its own. It accepts heartbeats and records the time of each.
struct Sink {
    child: Child,
    url: String,
}

impl Sink {
    fn start() -> Self {
        let mut child = Process::new(std::env::current_exe().expect("this program"))
            .arg("--sink")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let (mut port, mut byte) = (String::new(), [0]);
        let out = child.stdout.as_mut().expect("piped");
        while out.read(&mut byte).expect("a port") == 1 && byte[0] != b'\n' {
            port.push(char::from(byte[0]));
        }
        Self { child, url: format!("http://127.0.0.1:{port}") }
    }

    /// Ends it and returns the heartbeats: the node's UUID, and the time in ms.
    fn arrivals(&mut self) -> Vec<(Uuid, u64)> {
        drop(self.child.stdin.take());
        let out = BufReader::new(self.child.stdout.take().expect("piped"));
        let lines = out.lines().map(|line| {
            let line = line.expect("text");
            let (uuid, at) = line.split_once(' ').expect("two words");
            (uuid.parse().expect("a UUID"), at.parse().expect("a time"))
        });
        let arrivals = lines.collect();
        self.child.wait().expect("it was started here");
        arrivals
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<(String, u64)>>);

impl Face for Heard {
    fn call(
        self: &Arc<Self>,
        _: &Peer,
        request: &Request<Bytes>,
    ) -> impl Future<Output = Response<Body>> + Send {
        let mut response = Response::new(Body::from(Bytes::new()));
        match (request.method(), request.uri().path().strip_prefix("/v1/heartbeat/")) {
            (&Method::POST, Some(uuid)) => {
                self.0.lock().push((uuid.to_owned(), unix_ms()));
                *response.status_mut() = StatusCode::ACCEPTED;
            }
            _ => {
                let versions =
                    r#"{"default_version": {"version": "1.99", "min_version": "1.1", "id": "v1"}}"#;
                *response.body_mut() = Bytes::from(versions).into();
            }
        }
        std::future::ready(response)
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = why.status();
        response
    }
}

async fn sink() {
    let listener = Listener::bind("127.0.0.1:0".parse().expect("an address"), None).expect("a port");
    println!("{}", listener.address().port());
    let heard = Arc::new(Heard::default());
    let mut server = Server::new(Limits::default());
    server.add(listener, Arc::clone(&heard), Limits::DEFAULT.body_bytes);
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    server.run(async move { drop(ended.await) }).await;
    for (uuid, at) in heard.0.lock().iter() {
        println!("{uuid} {at}");
    }
}
