//! Memory limits of a node: in a running daemon, and of the types that a node consists of.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use fauxmetal::node::Node;
use fauxmetal::node::ipa::Ipa;

/// Resident memory of a daemon with that many idle nodes, bytes. The pages of the program's file are left out: a debug build has
/// twice as many as a release, and nodes have none.
fn resident(nodes: u32) -> u64 {
    let certs = tempfile::tempdir().unwrap();
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_fauxmetal"))
        .args(["serve", "--nodes", &nodes.to_string(), "--listen", "http://127.0.0.1:0"])
        .args(["--agent-listen", "http://127.0.0.1:0", "--certs", certs.path().to_str().unwrap()])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(line.starts_with("READY "), "{line}");
    let kib = status.lines().find_map(|l| l.strip_prefix("RssAnon:")?.trim().strip_suffix(" kB")).unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

#[test]
fn an_idle_node_costs_less_than_192_bytes_and_100_000_fit_into_32_mib() {
    let (few, many) = (resident(1000), resident(101_000));
    let each = many.saturating_sub(few) / 100_000;
    assert!(each < 192, "an idle node takes {each} bytes");
    assert!(many < 32 << 20, "101,000 idle nodes take {many} bytes");
}

#[test]
fn a_node_and_an_agent_stay_small() {
    assert!(size_of::<Node>() <= 128, "{}", size_of::<Node>());
    // The token, the URL of the API and a session come on top: less than 1 KiB in all.
    assert!(size_of::<Ipa>() <= 448, "{}", size_of::<Ipa>());
}
