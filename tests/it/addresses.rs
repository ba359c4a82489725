//! The built binary serves each node at the address that `export` prints.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

const NODES: &str = "5";

fn fauxmetal(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fauxmetal"));
    command.args(arguments).args(["--nodes", NODES]).env_clear().stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// A daemon with its ready line. It is killed when this is dropped.
struct Daemon {
    child: Child,
    ready: Value,
    _certs: tempfile::TempDir,
}

impl Daemon {
    fn serve(arguments: &[&str]) -> Option<Self> {
        let certs = tempfile::tempdir().unwrap();
        let folder = certs.path().to_str().unwrap();
        let arguments = [&["serve", "--certs", folder], arguments].concat();
        let mut child = fauxmetal(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready = line.strip_prefix("READY ").map(|text| serde_json::from_str(text).unwrap());
        let Some(ready) = ready else {
            child.wait().unwrap();
            return None;
        };
        Some(Self { child, ready, _certs: certs })
    }

    /// All nodes as `export` prints them for the same kind of addresses.
    fn exported(&self) -> Vec<Value> {
        let (addresses, bmc) =
            (self.ready["addresses"].as_str().unwrap(), self.ready["bmc"].as_str().unwrap());
        let export = ["export", "--format", "nodes-json", "--addresses", addresses, "--bmc", bmc];
        let done = fauxmetal(&export).output().unwrap();
        serde_json::from_slice(&done.stdout).unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads a document from the server at `to`; `None` if the connection is reset.
fn get(to: SocketAddr, host: &str, path: &str) -> Option<Value> {
    let mut stream = TcpStream::connect(to).ok()?;
    let login = "Basic YWRtaW46cGFzc3dvcmQ=";
    let head =
        format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: {login}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split("\r\n\r\n").nth(1)?).ok()
}

/// Checks that every exported node answers at its exported address, as the only system there, with its name and UUID.
fn all_answer(daemon: &Daemon, at: impl Fn(&str) -> SocketAddr) {
    let nodes = daemon.exported();
    let address = |node: &Value| node["redfish_address"].as_str().unwrap().to_owned();
    assert_eq!(daemon.ready["redfish"][0], address(&nodes[0]).as_str());
    assert_eq!(daemon.ready["redfish_last"][0], address(nodes.last().unwrap()).as_str());
    for node in &nodes {
        let host = address(node);
        let host = host.strip_prefix("http://").unwrap();
        let system = get(at(host), host, node["redfish_system_id"].as_str().unwrap()).unwrap();
        assert_eq!((&system["UUID"], &system["Name"]), (&node["uuid"], &node["name"]));
        let all = get(at(host), host, "/redfish/v1/Systems").unwrap();
        assert_eq!(all["Members@odata.count"], 1);
    }
}

#[test]
fn each_node_has_an_ip_address() {
    let listen = ["--listen", "http://127.81.0.0/16:0", "--agent-listen", "http://127.82.0.0/16:0"];
    let daemon = Daemon::serve(&[&["--addresses", "ip"], &listen[..]].concat()).unwrap();
    all_answer(&daemon, |host| host.parse().unwrap());
    let first: SocketAddr = daemon.ready["redfish"][0].as_str().unwrap()[7..].parse().unwrap();
    for unused in ["127.81.0.0", "127.81.0.6", "127.83.0.1"] {
        let to = SocketAddr::new(unused.parse().unwrap(), first.port());
        assert_eq!(get(to, "x", "/redfish/v1/"), None, "{unused} belongs to no node");
    }
    let agent: SocketAddr = daemon.ready["agent"].as_str().unwrap()[7..].parse().unwrap();
    assert_eq!(get(agent, "x", "/"), None, "the agent of a machine that is off");
}

#[test]
fn a_block_that_is_too_small_is_refused() {
    let listen = ["--listen", "http://[::1]/128:0", "--agent-listen", "http://127.84.0.0/16:0"];
    let certs = tempfile::tempdir().unwrap();
    let arguments =
        [&["serve", "--addresses", "ip", "--certs", certs.path().to_str().unwrap()], &listen[..]].concat();
    let mut command = fauxmetal(&arguments);
    let done = command.stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(
        said,
        "fauxmetal: --listen: http://[::1]/128:0 has room for 1 nodes, and there are 5; choose a larger block\n"
    );
}

#[test]
fn each_node_has_a_port() {
    let free = |first: u16| (first..first + 10).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok());
    // Another process may take a free port before the daemon does; then the next ports are tried.
    let daemon = (16_000..20_000).step_by(10).filter(|first| free(*first)).find_map(|first| {
        let listen = [format!("http://127.0.0.1:{first}"), format!("http://127.0.0.1:{}", first + 5)];
        Daemon::serve(&["--addresses", "port", "--listen", &listen[0], "--agent-listen", &listen[1]])
    });
    all_answer(&daemon.unwrap(), |host| host.parse().unwrap());
}

#[test]
fn each_node_has_a_name() {
    let listen = ["--listen", "http://127.0.0.1:0", "--agent-listen", "http://127.0.0.1:0"];
    let daemon =
        Daemon::serve(&[&["--addresses", "host", "--domain", "bmc.example"], &listen[..]].concat()).unwrap();
    let port = |host: &str| host.rsplit_once(':').unwrap().1.parse().unwrap();
    all_answer(&daemon, |host| SocketAddr::from(([127, 0, 0, 1], port(host))));
}

#[test]
fn without_agents_the_bmcs_are_served() {
    let daemon = Daemon::serve(&["--listen", "http://127.0.0.1:0", "--agent-listen", "off"]).unwrap();
    assert_eq!(daemon.ready.get("agent"), None);
    let at: SocketAddr = daemon.ready["redfish"][0].as_str().unwrap()[7..].parse().unwrap();
    assert!(get(at, "x", "/redfish/v1/").is_some());
}
