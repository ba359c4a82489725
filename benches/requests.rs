//! Requests per second over real sockets. The upper bound is a server that answers with fixed bytes of the same length on the
//! same HTTP and TLS stack. `cargo bench --bench requests`; `-- --quick` (or any `--max-time`) for a smoke run.
//!
//! Each server runs in a process of its own, so its CPU time does not include that of the clients. The two servers are
//! measured in turn for several rounds, and the ratio is the ratio of the medians. Ratios can be trusted on a shared machine;
//! times cannot.
//!
//! The bench also compares a million nodes with a hundred, new connections with those of nginx (if it is installed), and
//! polls the power states of a large fleet, checking every response.

#![expect(clippy::print_stdout, reason = "a bench prints a table")]

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use common::{BASIC, ask, cpu_s, micros, percentile, ready, request};
use fauxmetal::clock::{Clock, unix_ms};
use fauxmetal::dmtf::ResetType;
use fauxmetal::face::{Body, Face, Peer, Refused};
use fauxmetal::fleet::Fleet;
use fauxmetal::limit::Limits;
use fauxmetal::node::NodeId;
use fauxmetal::node::command::Command as NodeCommand;
use fauxmetal::node::host;
use fauxmetal::profile::built_in;
use fauxmetal::redfish::Redfish;
use fauxmetal::redfish::auth::Account;
use fauxmetal::seed::Seed;
use fauxmetal::server::{Listener, Server};
use fauxmetal::time::Span;
use fauxmetal::tls::{CertificateNames, DevelopmentCa, MinVersion, Subject, provider, server_config};
use http::{Request, Response};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const SEED: Seed = Seed(1);
/// The number of nodes, unless another is given. Clients read them in turn.
const NODES: u32 = 100;
const CLIENTS: usize = 8;
/// Clients of a daemon that stores its state. They share the cost of one write to the disk.
const CLIENTS_OF_KEPT: usize = 64;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    match args.get(1).map(String::as_str) {
        Some("--serve") => runtime.block_on(serve(&args[2], &args[3], args[4].parse().expect("nodes"))),
        _ => runtime.block_on(measure(args.iter().any(|a| a == "--quick" || a == "--max-time"))),
    }
}

/// Answers every request with the bytes of a System.
struct Fixed(Response<Bytes>);

impl Face for Fixed {
    fn call(self: &Arc<Self>, _: &Peer, _: &Request<Bytes>) -> impl Future<Output = Response<Body>> + Send {
        std::future::ready(self.0.clone().map(Body::from))
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = why.status();
        response
    }
}

fn redfish(nodes: u32) -> Redfish {
    // The queue of outgoing calls is dropped: only the cost of the request is measured.
    let (fleet, effects) = Fleet::new(SEED, Clock::wall(1.0));
    std::mem::forget(effects);
    let mut profile = (*built_in("generic").expect("built in")).clone();
    profile.timing.power_on = Span::exactly_ms(0);
    fleet.add(&Arc::new(profile), nodes).expect("room");
    Redfish::new(Arc::new(fleet), Account::new("admin", "password"))
}

fn system(redfish: &Redfish, node: u32) -> String {
    let uuid = redfish.fleet.look(NodeId(node), |n, _| n.spec().uuid()).expect("a node");
    format!("/redfish/v1/Systems/{uuid}")
}

/// The child process: a server of that kind. It prints its ports, and ends when its standard input ends.
async fn serve(kind: &str, certs: &str, nodes: u32) {
    let ca = DevelopmentCa::open(certs.as_ref(), now()).expect("a CA");
    let identity = ca
        .redfish_identity(&Subject::named("bmc"), &CertificateNames::of_this_host(), now())
        .expect("a certificate");
    let loopback = || "127.0.0.1:0".parse().expect("an address");
    let plain = Listener::bind(loopback(), None).expect("a port");
    let tls =
        Listener::bind(loopback(), Some(server_config(identity.resolver(), MinVersion::Tls12).expect("TLS")))
            .expect("a port");
    println!("{} {}", plain.address().port(), tls.address().port());
    let mut server = Server::new(Limits::default());
    let mut redfish = redfish(nodes);
    if kind == "no-journal" {
        let fleet = Arc::into_inner(redfish.fleet).expect("the one owner");
        redfish.fleet = Arc::new(fleet.with_journal(0));
    }
    let redfish = Arc::new(redfish);
    if kind == "half-on" {
        for id in redfish.fleet.ids().filter(|id| is_on(id.0)) {
            let done = redfish.fleet.apply(id, NodeCommand::Host(host::Command::Reset(ResetType::On)));
            assert!(matches!(done, Some(Ok(_))), "a new machine can be powered on");
        }
    }
    if kind == "fixed" {
        let asked = Request::get(system(&redfish, 0)).header("Authorization", BASIC).body(Bytes::new());
        let fixed = Arc::new(Fixed(Redfish::call(&redfish, &asked.expect("a request"))));
        server.add(plain, Arc::clone(&fixed), Limits::DEFAULT.body_bytes);
        server.add(tls, fixed, Limits::DEFAULT.body_bytes);
    } else {
        server.add(plain, Arc::clone(&redfish), Limits::DEFAULT.body_bytes);
        server.add(tls, redfish, Limits::DEFAULT.body_bytes);
    }
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    server.run(async move { drop(ended.await) }).await;
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(unix_ms())
}

/// Whether a node is on, in the fleet of which half is on.
fn is_on(index: u32) -> bool {
    index.is_multiple_of(2)
}

/// A running child.
struct Running {
    child: Child,
    plain: u16,
    tls: u16,
}

impl Running {
    fn start(kind: &str, certs: &str, nodes: u32) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--serve", kind, certs, &nodes.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("its ports");
        let mut ports = line.split_whitespace().map(|p| p.parse().expect("a port"));
        let mut port = || ports.next().expect("two ports");
        Self { plain: port(), tls: port(), child }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[derive(Clone, Copy)]
enum Load {
    Get,
    PatchAndReset,
    GetNewTls,
}

async fn measure(quick: bool) {
    let certs = std::env::temp_dir().join(format!("fauxmetal-bench-{}", std::process::id()));
    let path = certs.to_str().expect("UTF-8");
    let (fixed, ours) = (Running::start("fixed", path, NODES), Running::start("ours", path, NODES));
    let (rounds, length) = if quick { (1, Duration::from_millis(200)) } else { (5, Duration::from_secs(2)) };
    let connector = connector(path);
    let uris: Arc<Vec<String>> = Arc::new({
        let redfish = redfish(NODES);
        (0..NODES).map(|n| system(&redfish, n)).collect()
    });
    println!("{CLIENTS} clients, {NODES} nodes; medians of {rounds} rounds of {length:?} each, in turn");
    println!(
        "{:<34} {:>10} {:>10} {:>6} {:>12} {:>9} {:>6}",
        "", "limit/s", "ours/s", "ratio", "limit CPU µs", "ours µs", "ratio"
    );
    let compare = async |name: &str, load: Load, limit: (&Running, &Arc<Vec<String>>)| {
        let (mut theirs, mut we) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            theirs.push(round(limit.0, load, CLIENTS, &connector, limit.1, length).await);
            we.push(round(&ours, load, CLIENTS, &connector, &uris, length).await);
        }
        let (limit, we) = (median(theirs), median(we));
        print!("{name:<34} {:>10.0} {:>10.0} {:>6.2}", limit.0, we.0, we.0 / limit.0);
        // nginx works in child processes, so its CPU time is unknown here.
        match limit.1 {
            0.0..0.1 => println!(),
            cpu => println!(" {cpu:>12.1} {:>9.1} {:>6.2}", we.1, we.1 / cpu),
        }
    };
    compare("GET System, keep-alive", Load::Get, (&fixed, &uris)).await;
    compare("PATCH Boot + Reset, keep-alive", Load::PatchAndReset, (&fixed, &uris)).await;
    compare("GET System, a new TLS 1.3 each", Load::GetNewTls, (&fixed, &uris)).await;
    match Nginx::start(&certs, &uris[0], &ours).await {
        Some(nginx) => {
            compare("the same against nginx with a file", Load::GetNewTls, (&nginx.0, &nginx.1)).await;
        }
        None => println!("nginx is not installed: no comparison with it"),
    }
    drop(fixed);
    let many = if quick { 1000 } else { 1_000_000 };
    let large = Running::start("ours", path, many);
    let spread: Arc<Vec<String>> = Arc::new({
        let redfish = redfish(many);
        // Far apart, so that no two nodes share a cache line or a page.
        (0..many).step_by(many as usize / 1000).map(|n| system(&redfish, n)).collect()
    });
    for (what, load) in [("GET", Load::Get), ("PATCH + Reset", Load::PatchAndReset)] {
        let few = (&ours, &uris);
        let (mut at_few, mut at_many) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            at_few.push(round(few.0, load, CLIENTS, &connector, few.1, length).await);
            at_many.push(round(&large, load, CLIENTS, &connector, &spread, length).await);
        }
        let (few, many_s) = (median(at_few).0, median(at_many).0);
        println!("{what}: {few:.0}/s at {NODES} nodes, {many_s:.0}/s at {many}, ratio {:.2}", many_s / few);
    }
    drop(large);
    kept(path, (&ours, &uris), &connector, rounds, length).await;
    drop(ours);
    poll(path, if quick { 1000 } else { 100_000 }).await;
    let _ = std::fs::remove_dir_all(certs);
}

/// Changes of a daemon that stores its state, and the same changes in memory.
async fn kept(
    certs: &str,
    in_memory: (&Running, &Arc<Vec<String>>),
    connector: &TlsConnector,
    rounds: u32,
    length: Duration,
) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fauxmetal"))
        .args(["serve", "--nodes", &NODES.to_string(), "--seed", &SEED.0.to_string(), "--certs", certs])
        .args(["--listen", "http://127.0.0.1:0", "--agent-listen", "https://127.0.0.1:0", "--state"])
        .arg(format!("{certs}/state"))
        .args(["--timing", "power_on=0s"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the daemon");
    let plain = ready(&mut child);
    let durable = Running { child, plain, tls: plain };
    for clients in [CLIENTS, CLIENTS_OF_KEPT] {
        let (mut memory, mut disk) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let load = Load::PatchAndReset;
            memory.push(round(in_memory.0, load, clients, connector, in_memory.1, length).await);
            disk.push(round(&durable, load, clients, connector, in_memory.1, length).await);
        }
        let (memory, disk) = (median(memory).0, median(disk).0);
        println!(
            "PATCH + Reset, {clients} clients: {memory:.0}/s in memory, {disk:.0}/s stored on disk, ratio {:.2}",
            disk / memory
        );
    }
    let mut durable = durable;
    durable.child.kill().expect("it runs");
}

/// nginx, which serves one file over TLS with the same certificate, and the path of that file.
struct Nginx(Running, Arc<Vec<String>>);

impl Nginx {
    /// `None` if nginx is not installed.
    async fn start(certs: &std::path::Path, uri: &str, ours: &Running) -> Option<Self> {
        let mut buffer = vec![0; 16 << 10];
        let mut stream = TcpStream::connect(("127.0.0.1", ours.plain)).await.expect("a connection");
        let body = ask(&mut stream, &request("GET", uri, ""), &mut buffer).await;
        let dir = certs.join("nginx");
        std::fs::create_dir_all(&dir).expect("a folder");
        std::fs::write(dir.join("system.json"), &buffer[body]).expect("a file");
        let free = Listener::bind("127.0.0.1:0".parse().expect("an address"), None).expect("a port");
        let tls = free.address().port();
        drop(free);
        let (dir, leaf) = (dir.display(), certs.join("redfish.pem"));
        let leaf = leaf.display();
        let configuration = format!(
            "daemon off; user root; worker_processes auto; pid {dir}/pid; error_log {dir}/error.log;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; \
             fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;\n\
             server {{ listen 127.0.0.1:{tls} ssl; ssl_protocols TLSv1.3; ssl_certificate {leaf}; \
             ssl_certificate_key {leaf}; root {dir}; }} }}\n"
        );
        let file = certs.join("nginx/nginx.conf");
        std::fs::write(&file, configuration).expect("a file");
        let child =
            Command::new("nginx").arg("-c").arg(&file).stdin(Stdio::piped()).stderr(Stdio::null()).spawn();
        let child = child.ok()?;
        while TcpStream::connect(("127.0.0.1", tls)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Some(Self(Running { child, plain: ours.plain, tls }, Arc::new(vec!["/system.json".to_owned()])))
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // nginx does not end at the end of its standard input.
        let _ = Command::new("kill").arg(self.0.child.id().to_string()).status();
    }
}

/// Reads the power state of every node of a fleet once.
async fn poll(certs: &str, nodes: u32) {
    let server = Running::start("half-on", certs, nodes);
    let uris: Arc<Vec<String>> = Arc::new({
        let redfish = redfish(nodes);
        (0..nodes).map(|n| system(&redfish, n)).collect()
    });
    let begun = micros();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|n| {
            let (uris, port) = (Arc::clone(&uris), server.plain);
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
                stream.set_nodelay(true).expect("a socket");
                let (mut took, mut wrong, mut buffer) = (Vec::new(), 0, vec![0; 16 << 10]);
                for index in (n..uris.len()).step_by(CLIENTS) {
                    let from = micros();
                    let body = ask(&mut stream, &request("GET", &uris[index], ""), &mut buffer).await;
                    took.push(micros() - from);
                    let system: serde_json::Value = serde_json::from_slice(&buffer[body]).expect("JSON");
                    let state = if is_on(index as u32) { "On" } else { "Off" };
                    wrong += u32::from(system["PowerState"] != state);
                }
                (took, wrong)
            })
        })
        .collect();
    let (mut took, mut wrong) = (Vec::new(), 0);
    for client in clients {
        let (times, mistakes) = client.await.expect("a client");
        took.extend(times);
        wrong += mistakes;
    }
    let seconds = (micros() - begun) as f64 / 1e6;
    took.sort_unstable();
    println!(
        "power states of {nodes} nodes, {CLIENTS} clients: {} wrong, {:.1} s, µs an answer: median {}, p99 {}, most {}",
        wrong,
        seconds,
        percentile(&took, 0.5),
        percentile(&took, 0.99),
        percentile(&took, 1.0)
    );
}

/// Requests per second, and the server's CPU time per request in microseconds.
async fn round(
    server: &Running,
    load: Load,
    clients: usize,
    connector: &TlsConnector,
    uris: &Arc<Vec<String>>,
    length: Duration,
) -> (f64, f64) {
    let (cpu, start) = (cpu_s(server.child.id()), unix_ms());
    let until = start + length.as_millis() as u64;
    let clients: Vec<_> = (0..clients)
        .map(|n| {
            tokio::spawn(client(
                n,
                load,
                server.plain,
                server.tls,
                connector.clone(),
                Arc::clone(uris),
                until,
            ))
        })
        .collect();
    let mut requests = 0u64;
    for client in clients {
        requests += client.await.expect("a client");
    }
    let seconds = (unix_ms() - start) as f64 / 1000.0;
    (requests as f64 / seconds, (cpu_s(server.child.id()) - cpu) * 1e6 / requests as f64)
}

async fn client(
    n: usize,
    load: Load,
    plain: u16,
    tls: u16,
    connector: TlsConnector,
    uris: Arc<Vec<String>>,
    until: u64,
) -> u64 {
    let (mut count, mut buffer) = (0, vec![0; 16 << 10]);
    let connect = |port| TcpStream::connect(("127.0.0.1", port));
    let mut stream = connect(plain).await.expect("a connection");
    stream.set_nodelay(true).expect("a socket");
    while unix_ms() < until {
        let uri = &uris[(n + count as usize) % uris.len()];
        match load {
            Load::Get => {
                ask(&mut stream, &request("GET", uri, ""), &mut buffer).await;
                count += 1;
            }
            Load::PatchAndReset => {
                let body =
                    r#"{"Boot": {"BootSourceOverrideTarget": "Cd", "BootSourceOverrideEnabled": "Once"}}"#;
                ask(&mut stream, &request("PATCH", uri, body), &mut buffer).await;
                let reset = format!("{uri}/Actions/ComputerSystem.Reset");
                ask(&mut stream, &request("POST", &reset, r#"{"ResetType": "ForceOff"}"#), &mut buffer).await;
                count += 2;
            }
            Load::GetNewTls => {
                let tcp = connect(tls).await.expect("a connection");
                let name = ServerName::try_from("127.0.0.1").expect("an address");
                let mut stream = connector.connect(name, tcp).await.expect("TLS");
                ask(&mut stream, &request("GET", uri, ""), &mut buffer).await;
                count += 1;
            }
        }
    }
    count
}

/// TLS 1.3 without resumption, as sushy connects.
fn connector(certs: &str) -> TlsConnector {
    let pem = std::fs::read(format!("{certs}/ca.pem")).expect("the CA");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem).expect("a certificate")).expect("a CA");
    let versions = [&rustls::version::TLS13];
    let builder = rustls::ClientConfig::builder_with_provider(provider()).with_protocol_versions(&versions);
    let mut config = builder.expect("TLS 1.3").with_root_certificates(roots).with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    TlsConnector::from(Arc::new(config))
}

fn median(mut values: Vec<(f64, f64)>) -> (f64, f64) {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    values[values.len() / 2]
}
