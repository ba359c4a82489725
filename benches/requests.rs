//! Requests per second over real sockets, beside a server that answers fixed bytes of the same length on the same HTTP and
//! TLS stack: the limit. `cargo bench --bench requests`; `-- --quick` (or any `--max-time`) for a smoke run.
//!
//! Each server runs in a process of its own, so that its CPU is counted apart from the clients'. The two are measured in
//! turn, several rounds, and the ratio is that of the medians: these figures hold on a shared machine, times alone do not.

#![expect(clippy::print_stdout, reason = "a table is what a bench is for")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fauxmetal::clock::{Clock, unix_ms};
use fauxmetal::face::{Face, Peer, Refused};
use fauxmetal::fleet::Fleet;
use fauxmetal::node::NodeId;
use fauxmetal::profile::built_in;
use fauxmetal::redfish::Redfish;
use fauxmetal::redfish::auth::Account;
use fauxmetal::seed::Seed;
use fauxmetal::server::{Limits, Listener, REDFISH_BODY_BYTES, Server};
use fauxmetal::tls::{CertificateNames, DevelopmentCa, MinVersion, provider, server_config};
use http::{Request, Response};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const SEED: Seed = Seed(1);
const NODES: u32 = 100;
const CLIENTS: usize = 8;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    match args.get(1).map(String::as_str) {
        Some("--serve") => runtime.block_on(serve(&args[2], &args[3])),
        _ => runtime.block_on(measure(args.iter().any(|a| a == "--quick" || a == "--max-time"))),
    }
}

/// Answers every request with the bytes of a System.
struct Fixed(Response<Bytes>);

impl Face for Fixed {
    fn call(&self, _: &Peer, _: Request<Bytes>) -> impl Future<Output = Response<Bytes>> + Send {
        std::future::ready(self.0.clone())
    }

    fn refuse(&self, why: Refused) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = why.status();
        response
    }
}

fn redfish() -> Redfish {
    // Effects go nowhere: what a request costs is measured, not what follows from it outside.
    let (fleet, effects) = Fleet::new(SEED, Clock::wall(1.0));
    std::mem::forget(effects);
    fleet.add(&built_in("generic").expect("built in"), NODES).expect("room");
    Redfish::new(Arc::new(fleet), Account::new("admin", "password"))
}

fn system(redfish: &Redfish, node: u32) -> String {
    let uuid = redfish.fleet.look(NodeId(node), |n, _| n.spec().uuid()).expect("a node");
    format!("/redfish/v1/Systems/{uuid}")
}

/// The child: a server of that kind, its ports on standard output, until its standard input ends.
async fn serve(kind: &str, certs: &str) {
    let ca = DevelopmentCa::open(certs.as_ref(), now()).expect("a CA");
    let identity = ca.redfish_identity(&CertificateNames::of_this_host(), now()).expect("a certificate");
    let loopback = || "127.0.0.1:0".parse().expect("an address");
    let plain = Listener::bind(loopback(), None).expect("a port");
    let tls =
        Listener::bind(loopback(), Some(server_config(identity.resolver(), MinVersion::Tls12).expect("TLS")))
            .expect("a port");
    println!("{} {}", plain.address().port(), tls.address().port());
    let mut server = Server::new(Limits::default());
    let redfish = Arc::new(redfish());
    if kind == "fixed" {
        let asked = Request::get(system(&redfish, 0)).header("Authorization", BASIC).body(Bytes::new());
        let fixed = Arc::new(Fixed(redfish.call(&asked.expect("a request"))));
        server.add(plain, Arc::clone(&fixed), REDFISH_BODY_BYTES);
        server.add(tls, fixed, REDFISH_BODY_BYTES);
    } else {
        server.add(plain, Arc::clone(&redfish), REDFISH_BODY_BYTES);
        server.add(tls, redfish, REDFISH_BODY_BYTES);
    }
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    server.run(async move { drop(ended.await) }).await;
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(unix_ms())
}

const BASIC: &str = "Basic YWRtaW46cGFzc3dvcmQ=";

/// A running child.
struct Running {
    child: Child,
    plain: u16,
    tls: u16,
}

impl Running {
    fn start(kind: &str, certs: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--serve", kind, certs])
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

    /// CPU that it has used, seconds.
    fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("Linux");
        let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
        let ticks = |n: usize| fields[n].parse::<f64>().expect("ticks");
        (ticks(11) + ticks(12)) / 100.0
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
    let (fixed, ours) = (Running::start("fixed", path), Running::start("ours", path));
    let (rounds, length) = if quick { (1, Duration::from_millis(200)) } else { (5, Duration::from_secs(2)) };
    let connector = connector(path);
    let uris: Arc<Vec<String>> = Arc::new((0..NODES).map(|n| system(&redfish(), n)).collect());
    println!("{CLIENTS} clients, {NODES} nodes; medians of {rounds} rounds of {length:?} each, in turn");
    println!(
        "{:<34} {:>10} {:>10} {:>6} {:>12} {:>9} {:>6}",
        "", "limit/s", "ours/s", "ratio", "limit CPU µs", "ours µs", "ratio"
    );
    for (name, load) in [
        ("GET System, keep-alive", Load::Get),
        ("PATCH Boot + Reset, keep-alive", Load::PatchAndReset),
        ("GET System, a new TLS 1.3 each", Load::GetNewTls),
    ] {
        let (mut limit, mut we) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            limit.push(round(&fixed, load, &connector, &uris, length).await);
            we.push(round(&ours, load, &connector, &uris, length).await);
        }
        let (limit, we) = (median(limit), median(we));
        println!(
            "{name:<34} {:>10.0} {:>10.0} {:>6.2} {:>12.1} {:>9.1} {:>6.2}",
            limit.0,
            we.0,
            we.0 / limit.0,
            limit.1,
            we.1,
            we.1 / limit.1
        );
    }
    drop((fixed, ours));
    let _ = std::fs::remove_dir_all(certs);
}

/// Requests a second, and the server's CPU for each, microseconds.
async fn round(
    server: &Running,
    load: Load,
    connector: &TlsConnector,
    uris: &Arc<Vec<String>>,
    length: Duration,
) -> (f64, f64) {
    let (cpu, start) = (server.cpu_s(), unix_ms());
    let until = start + length.as_millis() as u64;
    let clients: Vec<_> = (0..CLIENTS)
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
    (requests as f64 / seconds, (server.cpu_s() - cpu) * 1e6 / requests as f64)
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

fn request(method: &str, uri: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {uri} HTTP/1.1\r\nHost: x\r\nAuthorization: {BASIC}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// Sends a request and reads its answer whole.
async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str, buffer: &mut [u8]) {
    stream.write_all(request.as_bytes()).await.expect("a server that reads");
    let mut read = 0;
    loop {
        let n = stream.read(&mut buffer[read..]).await.expect("an answer");
        assert!(n > 0, "the server closed the connection");
        read += n;
        let Some(head) = buffer[..read].windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head]).expect("ASCII");
        assert!(text.starts_with("HTTP/1.1 20"), "{text}");
        let length = text
            .lines()
            .find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        let length: usize = length.map_or(0, |l| l.parse().expect("a length"));
        if read >= head + 4 + length {
            return;
        }
    }
}

/// TLS 1.3 only and never resumed, as sushy connects.
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
