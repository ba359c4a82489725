//! The built binary under load and with few open files: its metrics, its limits, and no secret in its log.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The longest wait for an expected event: long enough for a busy machine. No test measures it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running daemon with listeners without TLS on loopback, and its log.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    log: Arc<Mutex<String>>,
    pub(crate) ready: serde_json::Value,
    _certs: tempfile::TempDir,
}

impl Daemon {
    /// Starts a daemon. The shell commands `shell` run first, in the same process.
    pub(crate) fn start(shell: &str, arguments: &[&str]) -> Self {
        let any = "http://127.0.0.1:0";
        Self::listening(&["--listen", any, "--agent-listen", any], shell, arguments)
    }

    /// As [`Daemon::start`], with other listeners.
    pub(crate) fn listening(listening: &[&str], shell: &str, arguments: &[&str]) -> Self {
        let certs = tempfile::tempdir().unwrap();
        let binary = env!("CARGO_BIN_EXE_fauxmetal");
        let any = "http://127.0.0.1:0";
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(format!("{shell}\nexec \"$@\""))
            .args(["sh", binary, "serve", "--admin-listen", any])
            .args(listening)
            .args(arguments)
            .env_clear()
            .env("FAUXMETAL_CERTS", certs.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (kept, mut stderr) = (Arc::clone(&log), BufReader::new(child.stderr.take().unwrap()));
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while stderr.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&line));
                line.clear();
            }
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = line.strip_prefix("READY ").unwrap_or_else(|| panic!("{line}{}", log.lock().unwrap()));
        Self { ready: serde_json::from_str(ready).unwrap(), child, log, _certs: certs }
    }

    pub(crate) fn address(&self, url: &serde_json::Value) -> SocketAddr {
        url.as_str().unwrap().strip_prefix("http://").unwrap().parse().unwrap()
    }

    pub(crate) fn redfish(&self) -> SocketAddr {
        self.address(&self.ready["redfish"][0])
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        self.address(&self.ready["admin"])
    }

    pub(crate) fn metrics(&self) -> String {
        let (status, text) = ask(&mut connect(self.admin()), "GET", "/metrics", "", "");
        assert_eq!(status, 200);
        text
    }

    pub(crate) fn metric(&self, sample: &str) -> f64 {
        let metrics = self.metrics();
        let found = super::metrics::parse(&metrics).get(sample).copied();
        found.unwrap_or_else(|| panic!("{sample} is not in {metrics}"))
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Sends SIGTERM as a container manager does. The daemon must end with code 0. Its log is returned.
    pub(crate) fn stop(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().unwrap().success());
        let mut status = None;
        eventually("end of the process", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().code(), Some(0), "{}", self.log());
        self.log()
    }

    /// The memory of the process, bytes: `VmRSS` is its memory now, and `VmHWM` the most so far.
    pub(crate) fn memory(&self, field: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        let kib: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        kib << 10
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

pub(crate) const LOGIN: &str = "Authorization: Basic YWRtaW46aHVudGVyMg==\r\n";

/// Sends a request and reads the response on a connection that stays open. Status 0 stands for a closed connection.
pub(crate) fn ask(
    stream: &mut TcpStream,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> (u16, String) {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    match stream.write_all(request.as_bytes()).and_then(|()| answer(stream)) {
        Ok((head, body)) => (head[9..12].parse().unwrap(), body),
        Err(_) => (0, String::new()),
    }
}

/// Head and body of the next message.
pub(crate) fn answer(stream: &mut TcpStream) -> std::io::Result<(String, String)> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length =
        head.to_ascii_lowercase().lines().find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    Ok((head, String::from_utf8_lossy(&body).into_owned()))
}

/// Waits until `is` returns true.
pub(crate) fn eventually(what: &str, is: impl FnMut() -> bool) {
    within(PATIENCE, what, is);
}

pub(crate) fn within(patience: Duration, what: &str, mut is: impl FnMut() -> bool) {
    for _ in 0..patience.as_millis() / 20 {
        if is() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("after {patience:?} there is still no {what}");
}

/// An agent token, as long as those of Ironic.
pub(crate) const TOKEN: &str = "0123456789secret0123456789secret";

/// Serves HTTP on loopback until the process ends. `respond` gets the server's URL, and head and body of a request; it returns status
/// and body of the answer. Returns the URL.
pub(crate) fn serve(
    respond: impl Fn(&str, &str, &str) -> (&'static str, String) + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (base, respond) = (url.clone(), Arc::new(respond));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, base, respond) = (stream.unwrap(), base.clone(), Arc::clone(&respond));
            std::thread::spawn(move || {
                while let Ok((head, body)) = answer(&mut stream) {
                    let (status, body) = respond(&base, &head, &body);
                    let length = body.len();
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    url
}

/// The versions of Ironic's API.
pub(crate) const VERSIONS: &str = r#"{"default_version": {"version": "1.115"}}"#;

/// A network boot configuration: an agent that calls Ironic's API at `api`, with `more` kernel parameters.
pub(crate) fn ipxe(api: &str, more: &str) -> String {
    format!("#!ipxe\nkernel {api}/k ipa-api-url={api} ipa-agent-token={TOKEN} {more}\ninitrd {api}/i\nboot\n")
}

/// Ironic's answer to a lookup.
pub(crate) fn found() -> String {
    format!(
        r#"{{"node": {{"uuid": "1be26c0b-03f2-4d2e-ae87-c02d7f33c123"}},
            "config": {{"heartbeat_timeout": 300, "agent_token": "{TOKEN}"}}}}"#
    )
}

/// A minimal Ironic: its API and its network boot configurations. Returns its URL and its count of heartbeats.
pub(crate) fn ironic() -> (String, Arc<AtomicUsize>) {
    let beats = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&beats);
    let url = serve(move |base, head, _| match head.split(' ').nth(1).unwrap() {
        "/" => ("200 OK", VERSIONS.to_owned()),
        p if p.starts_with("/boot/") => ("200 OK", ipxe(base, "")),
        p if p.starts_with("/v1/lookup") => ("200 OK", found()),
        p if p.starts_with("/v1/heartbeat/") => {
            counted.fetch_add(1, Ordering::SeqCst);
            ("202 Accepted", String::new())
        }
        _ => ("404 Not Found", String::new()),
    });
    (url, beats)
}

/// The paths of all systems, read in pages that are not streamed.
pub(crate) fn systems(stream: &mut TcpStream) -> Vec<String> {
    let mut paths = Vec::new();
    loop {
        let page = format!("/redfish/v1/Systems?$top=500&$skip={}", paths.len());
        let (status, body) = ask(stream, "GET", &page, LOGIN, "");
        assert_eq!(status, 200, "{body}");
        let page: serde_json::Value = serde_json::from_str(&body).unwrap();
        let members = page["Members"].as_array().unwrap().iter();
        paths.extend(members.map(|member| member["@odata.id"].as_str().unwrap().to_owned()));
        if page.get("Members@odata.nextLink").is_none() {
            return paths;
        }
    }
}

/// Boots a system from the network.
pub(crate) fn boot_system(stream: &mut TcpStream, system: &str) {
    let pxe = r#"{"Boot": {"BootSourceOverrideTarget": "Pxe", "BootSourceOverrideEnabled": "Once"}}"#;
    assert_eq!(ask(stream, "PATCH", system, LOGIN, pxe).0, 204);
    let reset = format!("{system}/Actions/ComputerSystem.Reset");
    assert_eq!(ask(stream, "POST", &reset, LOGIN, r#"{"ResetType": "On"}"#).0, 204);
}

/// Boots the agent on the first system, from the network.
pub(crate) fn boot(stream: &mut TcpStream) -> String {
    let system = systems(stream).remove(0);
    boot_system(stream, &system);
    system
}

/// The command for an agent to write the image at a URL, which has another checksum.
pub(crate) fn prepare_image(url: &str) -> String {
    prepare_image_with(url, &"ab".repeat(32))
}

/// As [`prepare_image`], for an image with this SHA-256 sum.
pub(crate) fn prepare_image_with(url: &str, sum: &str) -> String {
    format!(
        r#"{{"name": "standby.prepare_image", "params": {{"image_info": {{"id": "i", "urls": ["{url}"],
        "node_uuid": "1be26c0b-03f2-4d2e-ae87-c02d7f33c123", "disk_format": "raw", "stream_raw_images": true,
        "os_hash_algo": "sha256", "os_hash_value": "{sum}"}}}}}}"#
    )
}

#[test]
fn metrics_count_a_boot_and_the_log_holds_no_secret() {
    let (url, beats) = ironic();
    let network_boot = format!("{url}/boot/");
    let daemon = Daemon::start(
        ":",
        &[
            "--nodes",
            "3",
            "--password",
            "hunter2",
            "--log",
            "trace",
            "--boot-time",
            "0s",
            "--network-boot",
            &network_boot,
        ],
    );
    let mut redfish = connect(daemon.redfish());
    let system = boot(&mut redfish);
    eventually("heartbeat", || beats.load(Ordering::SeqCst) > 0);
    eventually("serving agent", || daemon.metric("fauxmetal_nodes{state=\"agent_serving\"}") == 1.0);
    assert_eq!(daemon.metric("fauxmetal_nodes{state=\"off\"}"), 2.0);
    for kind in ["boot", "lookup", "heartbeat"] {
        assert_eq!(
            daemon.metric(&format!("fauxmetal_calls_total{{kind=\"{kind}\",result=\"ok\"}}")),
            1.0,
            "{kind}"
        );
    }
    assert_eq!(daemon.metric("fauxmetal_heartbeat_lateness_seconds_count"), 1.0);

    // Requests of every other kind that carries a secret, with a right and with a wrong one.
    let login = r#"{"UserName": "admin", "Password": "hunter2"}"#;
    assert_eq!(ask(&mut redfish, "POST", "/redfish/v1/SessionService/Sessions", "", login).0, 201);
    let wrong = r#"{"UserName": "admin", "Password": "guessed-secret"}"#;
    assert_eq!(ask(&mut redfish, "POST", "/redfish/v1/SessionService/Sessions", "", wrong).0, 401);
    assert_eq!(ask(&mut redfish, "GET", &system, "X-Auth-Token: sent-secret\r\n", "").0, 401);
    let insert = format!("{system}/VirtualMedia/Cd/Actions/VirtualMedia.InsertMedia");
    let image = r#"{"Image": "http://media:secret-1@127.0.0.1:1/a.iso?sig=secret-2", "UserName": "u", "Password": "secret-3"}"#;
    let (status, said) = ask(&mut redfish, "POST", &insert, LOGIN, image);
    assert_eq!(status, 204, "{said}");
    eventually("failed attempt to open the media", || {
        daemon.metric("fauxmetal_calls_total{kind=\"media\",result=\"failed\"}") == 1.0
    });
    let uuid = system.rsplit('/').next().unwrap();
    let mut agent = connect(daemon.address(&daemon.ready["agent"]));
    let command = r#"{"name": "image.install_bootloader", "params": {"password": "secret-4"}}"#;
    for token in [TOKEN, "wrong-secret"] {
        ask(&mut agent, "POST", &format!("/{uuid}/v1/commands/?agent_token={token}"), "", command);
    }
    assert_eq!(daemon.metric("fauxmetal_sessions"), 1.0);
    let system_reads = r#"{face="redfish",resource="ComputerSystem",part="action",status="2xx"}"#;
    assert_eq!(daemon.metric(&format!("fauxmetal_request_duration_seconds_count{system_reads}")), 1.0);
    let metrics = daemon.metrics();
    let log = daemon.stop();
    assert!(log.contains("ready") && log.len() > 500, "the log is too short to prove anything: {log}");
    for secret in ["hunter2", "secret", "YWRtaW46"] {
        assert!(!log.contains(secret), "'{secret}' is in the log: {log}");
        assert!(!metrics.contains(secret), "'{secret}' is in the metrics");
    }
}

#[test]
fn with_256_open_files_it_serves_refuses_and_recovers() {
    let (url, beats) = ironic();
    let network_boot = format!("{url}/boot/");
    // All clients of this test have one address, so a client may have all connections.
    let arguments = [
        "--nodes",
        "3",
        "--password",
        "hunter2",
        "--boot-time",
        "0s",
        "--network-boot",
        &network_boot,
        "--limit",
        "connections-per-client=256",
    ];
    let daemon = Daemon::start("ulimit -n 256", &arguments);
    assert_eq!(daemon.metric("process_max_fds"), 256.0);
    let mut streams: Vec<_> = (0..400).map(|_| connect(daemon.redfish())).collect();
    let mut served = 0;
    for (n, stream) in streams.iter_mut().enumerate() {
        match ask(stream, "GET", "/redfish/v1/", "", "").0 {
            200 => served += 1,
            // Refused with 503, or closed when too many connections are being refused.
            503 | 0 => {}
            other => panic!("connection {n} was answered {other}"),
        }
    }
    assert_eq!(
        served,
        130 - 130 / 4,
        "the open files without those of calls and refusals, and without the agents' quarter"
    );
    assert!(daemon.metric("fauxmetal_limit_hits_total{limit=\"connections\"}") >= 270.0);
    // With all connections in use, calls to Ironic still go out.
    boot(&mut streams[0]);
    eventually("heartbeat", || beats.load(Ordering::SeqCst) > 0);
    assert!(!daemon.log().contains("cannot accept"), "the daemon ran out of files: {}", daemon.log());
    drop(streams);
    eventually("connection that is served again", || {
        ask(&mut connect(daemon.redfish()), "GET", "/redfish/v1/", "", "").0 == 200
    });
    eventually("end of the closed connections", || daemon.metric("fauxmetal_connections") <= 1.0);
    daemon.stop();
}

#[test]
fn a_client_over_its_connection_limit_is_refused() {
    let daemon =
        Daemon::start(":", &["--nodes", "1", "--limit", "connections-per-client=2", "--limit", "sessions=1"]);
    let mut streams: Vec<_> = (0..3).map(|_| connect(daemon.redfish())).collect();
    let statuses = streams.iter_mut().map(|s| ask(s, "GET", "/redfish/v1/", "", "").0);
    assert_eq!(statuses.collect::<Vec<_>>(), [200, 200, 503]);
    let login = r#"{"UserName": "admin", "Password": "password"}"#;
    let statuses = [201, 503].map(|wanted| {
        let told = ask(&mut streams[0], "POST", "/redfish/v1/SessionService/Sessions", "", login).0;
        assert_eq!(told, wanted);
    });
    assert_eq!(statuses.len(), 2);
    for limit in ["connections-per-client", "sessions"] {
        assert_eq!(
            daemon.metric(&format!("fauxmetal_limit_hits_total{{limit=\"{limit}\"}}")),
            1.0,
            "{limit}"
        );
    }
    daemon.stop();
}

/// `cargo test --release --test it -- --ignored --nocapture fifty_thousand`. Each end of a connection is an open file of its
/// process. If fewer than 68,000 are allowed (`ulimit -Hn`), it opens as many connections as that allows.
#[test]
#[ignore = "takes all open files and a minute"]
fn fifty_thousand_connections_are_held_and_answered() {
    const PER_ADDRESS: usize = 20_000;
    let files = rlimit::increase_nofile_limit(68_000).unwrap();
    let connections = usize::try_from(files).unwrap().min(68_000) - 1_000;
    // A quarter of the connections is reserved for the listener of the agents.
    let wanted = connections - connections / 4;
    let connections = format!("connections={connections}");
    let mut arguments = vec!["--nodes", "1000"];
    // A slow machine takes long to open all connections. The timeouts must not close the first ones meanwhile.
    for limit in
        [connections.as_str(), "connections-per-client=1000000", "header-time=3600", "idle-time=3600"]
    {
        arguments.extend(["--limit", limit]);
    }
    let daemon = Daemon::start(":", &arguments);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let to = daemon.redfish();
    runtime.block_on(async {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let ask = async |stream: &mut tokio::net::TcpStream| {
            stream.write_all(b"GET /redfish/v1/ HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
            let mut buffer = vec![0; 8192];
            let read = stream.read(&mut buffer).await.unwrap();
            usize::from(buffer[..read].starts_with(b"HTTP/1.1 200 "))
        };
        let (mut streams, mut ok) = (Vec::with_capacity(wanted), 0);
        for n in 0..wanted {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            // A client address has 28,000 ports.
            let from = [127, 0, 0, 1 + (n / PER_ADDRESS) as u8];
            socket.bind(SocketAddr::from((from, 0))).unwrap();
            let mut stream = socket.connect(to).await.unwrap();
            // At once, because few connections may stay silent when nearly all are taken.
            ok += ask(&mut stream).await;
            streams.push(stream);
        }
        for stream in &mut streams {
            ok += ask(stream).await;
        }
        assert_eq!(ok, 2 * wanted);
        let open = daemon.metric("fauxmetal_connections");
        let memory = daemon.metric("process_resident_memory_bytes");
        eprintln!("{open} connections, all answered twice, {:.0} MiB in all", memory / f64::from(1 << 20));
        // One more connection is refused.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.9:0".parse().unwrap()).unwrap();
        let mut late = socket.connect(to).await.unwrap();
        late.write_all(b"GET /redfish/v1/ HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut told = String::new();
        late.read_to_string(&mut told).await.unwrap();
        assert!(told.starts_with("HTTP/1.1 503 "), "{told}");
    });
    within(20 * PATIENCE, "end of the closed connections", || daemon.metric("fauxmetal_connections") == 0.0);
    eprintln!("afterwards {:.0} MiB", daemon.metric("process_resident_memory_bytes") / f64::from(1 << 20));
    daemon.stop();
}
