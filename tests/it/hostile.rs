//! Hostile boots, bodies, images, slow servers and silent connections, all at the same time, on a fleet of 1,000 nodes.
//!
//! While they last, polite clients and heartbeats go on, memory stays within the stated budgets, and SIGTERM ends the process.
//! `FAUXMETAL_HOSTILE=10` takes ten times as many of each.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::load::{
    Daemon, LOGIN, TOKEN, answer, ask, boot_system, connect, eventually, prepare_image, systems,
};

const MIB: usize = 1 << 20;
/// Open connections that the daemon allows. A quarter belongs to each listener.
const CONNECTIONS: usize = 400;
/// Connections over the limit that are being refused.
const REFUSALS: usize = 64;
/// All large request bodies together, MiB.
const BODIES_MIB: usize = 8;
/// Image downloads at the same time.
const DOWNLOADS: usize = 4;
/// Outgoing calls to one server at the same time.
const CALLS: usize = 64;
/// Agents that beat during the attack. Some of them write an image without an end.
const AGENTS: usize = 20;
const WRITERS: usize = 8;
/// Machines that boot from hostile servers.
const BOOTS: usize = 60;
/// Connections without a request.
const SILENT: usize = 300;
/// Connections that announce a large body, without credentials, and send a part of it.
const BODIES: usize = 40;
/// Requests of the polite client.
const REQUESTS: usize = 1_000;

/// A server that is Ironic for the agents, and hostile to everything else.
struct World {
    url: String,
    /// From now on, boot configurations are hostile.
    hostile: AtomicBool,
    /// Hostile configurations and images that were asked for.
    asked: AtomicUsize,
    /// The number of heartbeats of each agent, by the URL that it reports.
    beats: Mutex<std::collections::BTreeMap<String, usize>>,
}

impl World {
    fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let world = Arc::new(Self {
            url,
            hostile: AtomicBool::new(false),
            asked: AtomicUsize::new(0),
            beats: Mutex::default(),
        });
        let server = Arc::clone(&world);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, world) = (stream.unwrap(), Arc::clone(&server));
                std::thread::spawn(move || world.serve(stream));
            }
        });
        world
    }

    fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let url = &self.url;
        loop {
            let (head, body) = answer(&mut stream).ok()?;
            let path = head.split(' ').nth(1)?;
            let response = match path {
                "/" => ok(r#"{"default_version": {"version": "1.115"}}"#),
                path if path.starts_with("/v1/lookup") => ok(&format!(
                    r#"{{"node": {{"uuid": "1be26c0b-03f2-4d2e-ae87-c02d7f33c123"}},
                        "config": {{"heartbeat_timeout": 10, "agent_token": "{TOKEN}"}}}}"#
                )),
                path if path.starts_with("/v1/heartbeat/") => {
                    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
                    let agent = body["callback_url"].as_str().unwrap().to_owned();
                    *self.beats.lock().unwrap().entry(agent).or_default() += 1;
                    "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned()
                }
                path if path.starts_with("/image") => {
                    self.asked.fetch_add(1, Ordering::SeqCst);
                    return endless(stream, 16 << 10, Duration::from_millis(50));
                }
                _ if self.hostile.load(Ordering::SeqCst) => {
                    match self.asked.fetch_add(1, Ordering::SeqCst) % 4 {
                        0 => ok(&expansions()),
                        1 => ok(&jumps()),
                        2 => ok(&memory()),
                        _ => return endless(stream, 1, Duration::from_millis(500)),
                    }
                }
                _ => ok(&format!(
                    "#!ipxe\nkernel {url}/k ipa-api-url={url} ipa-agent-token={TOKEN}\ninitrd {url}/i\nboot\n"
                )),
            };
            stream.write_all(response.as_bytes()).ok()?;
        }
    }

    /// The number of agents that have sent at least so many heartbeats.
    fn agents_with(&self, beats: usize) -> usize {
        self.beats.lock().unwrap().values().filter(|count| **count >= beats).count()
    }

    fn most_beats(&self) -> usize {
        self.beats.lock().unwrap().values().copied().max().unwrap_or_default()
    }
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A body that never ends: `part` bytes again and again.
fn endless(mut stream: TcpStream, part: usize, pause: Duration) -> Option<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n";
    stream.write_all(head.as_bytes()).ok()?;
    loop {
        stream.write_all(&vec![b'#'; part]).ok()?;
        std::thread::sleep(pause);
    }
}

/// A line holds thousands of commands, and each expands four variables of 4,000 characters.
fn expansions() -> String {
    let commands = "isset ${v}${v}${v}${v} || true && ".repeat(6_000);
    format!("#!ipxe\nset v {}\n:again\n{commands} true\ngoto again\n", "x".repeat(4_000))
}

/// Jumps over 40,000 labels for ever.
fn jumps() -> String {
    let labels: String = (0..40_000).map(|n| format!(":{n}\n")).collect();
    format!("#!ipxe\n{labels}:end\ngoto end\n")
}

/// Names initial ramdisks of 8,000 characters for ever.
fn memory() -> String {
    format!(
        "#!ipxe\nset v {}\n:again\n{}true\ngoto again\n",
        "A".repeat(8_000),
        "initrd ${v} && ".repeat(9_000)
    )
}

/// Boots these systems from the network.
fn boot(daemon: &Daemon, systems: &[String]) {
    for system in systems {
        boot_system(&mut connect(daemon.redfish()), system);
    }
}

/// Tells an agent to write an image without an end.
fn write_image(daemon: &Daemon, system: &str, world: &World) {
    let uuid = system.rsplit('/').next().unwrap();
    let mut stream = connect(daemon.address(&daemon.ready["agent"]));
    let path = format!("/{uuid}/v1/commands/?agent_token={TOKEN}");
    let body = prepare_image(&format!("{}/image", world.url));
    let (status, text) = ask(&mut stream, "POST", &path, "", &body);
    assert_eq!(status, 200, "{text}");
}

#[test]
fn hostile_servers_and_clients_together_leave_the_others_their_share() {
    let times: usize = std::env::var("FAUXMETAL_HOSTILE").map_or(1, |times| times.parse().unwrap());
    let connections = CONNECTIONS * times;
    let world = World::start();
    let network_boot = format!("{}/boot/", world.url);
    let limits = [
        format!("connections={connections}"),
        format!("bodies-bytes={}", BODIES_MIB * MIB),
        format!("downloads={DOWNLOADS}"),
        format!("calls-per-server={CALLS}"),
    ];
    let mut arguments = vec![
        "--nodes",
        "1000",
        "--password",
        "hunter2",
        "--boot-time",
        "0s",
        "--network-boot",
        &network_boot,
        "--ironic",
        &world.url,
    ];
    arguments.extend(limits.iter().flat_map(|limit| ["--limit", limit]));
    let daemon = Daemon::start(":", &arguments);
    let all = systems(&mut connect(daemon.redfish()));
    assert_eq!(all.len(), 1000);
    let (agents, victims) = all.split_at(AGENTS);
    boot(&daemon, agents);
    eventually("agents that beat", || world.agents_with(1) == AGENTS);
    let idle = daemon.memory("VmRSS");

    // The attack begins, and goes on until the daemon ends.
    world.hostile.store(true, Ordering::SeqCst);
    agents[..WRITERS].iter().for_each(|agent| write_image(&daemon, agent, &world));
    boot(&daemon, &victims[..BOOTS * times]);
    let agent_port = daemon.address(&daemon.ready["agent"]);
    let silent: Vec<_> = (0..SILENT * times).map(|_| TcpStream::connect(agent_port)).collect();
    let mut bodies: Vec<_> = (0..BODIES * times).map(|_| connect(daemon.redfish())).collect();
    for body in &mut bodies {
        // The daemon may have refused the connection already.
        let _ = body.write_all(
            b"POST /redfish/v1/SessionService/Sessions HTTP/1.1\r\nhost: a\r\ncontent-length: 900000\r\n\r\n",
        );
        let _ = body.write_all(&vec![b' '; 70_000]);
    }
    eventually("hostile servers that are asked", || world.asked.load(Ordering::SeqCst) > BOOTS / 2);

    let beats = world.most_beats();
    for (n, system) in all.iter().cycle().take(REQUESTS * times).enumerate() {
        let mut stream = connect(daemon.redfish());
        assert_eq!(ask(&mut stream, "GET", system, LOGIN, "").0, 200, "request {n}");
        if n % 100 == 0 {
            assert!(daemon.metric("fauxmetal_connections") >= 1.0, "/metrics is served");
        }
    }
    eventually("two further heartbeats of every agent", || world.agents_with(beats + 2) == AGENTS);
    for result in ["refused", "failed", "held"] {
        let failed = format!("fauxmetal_calls_total{{kind=\"heartbeat\",result=\"{result}\"}}");
        assert_eq!(daemon.metric(&failed), 0.0, "no heartbeat was lost");
    }

    let readers = (std::thread::available_parallelism().unwrap().get() / 2).max(1);
    let budgets = [
        ("boot configurations that are read: 16 MiB, twice while a list grows", readers * 32 * MIB),
        (
            "calls: 408 KiB of hyper's buffer, and 256 KiB of text, twice while it is copied",
            CALLS * (920 << 10),
        ),
        ("downloads: 512 KiB and a buffer", DOWNLOADS * MIB),
        ("large request bodies", BODIES_MIB * MIB),
        ("connections: 32 KiB of headers and 64 KiB of a small body", (connections + REFUSALS) * (96 << 10)),
    ];
    let (peak, budget) = (daemon.memory("VmHWM"), budgets.iter().map(|(_, bytes)| bytes).sum::<usize>());
    println!(
        "memory: {} MiB idle, {} MiB at the peak, {} MiB of budgets",
        idle / MIB,
        peak / MIB,
        budget / MIB
    );
    assert!(peak <= idle + budget, "{peak} bytes are more than {idle} and the budgets {budgets:?}");

    // The hostile work would never end.
    daemon.stop();
    drop((silent, bodies));
}
