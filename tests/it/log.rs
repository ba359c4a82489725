//! The log of the built binary: the events of a node at info, clients without credentials, requests, JSON.

use std::io::Write as _;
use std::sync::atomic::Ordering;

use super::load::{Daemon, LOGIN, ask, boot, connect, eventually, ironic};

/// The lines of a log about a node, without time and level.
fn lines<'a>(log: &'a str, uuid: &str) -> Vec<&'a str> {
    let about = |line: &&str| line.contains(&format!(" node=generic-0 uuid={uuid}"));
    // The line about the image ends with a URL of this run.
    let text = |line: &'a str| {
        line.split_once("fauxmetal::node: ").map(|(_, text)| text.split(" url=").next().unwrap_or(text))
    };
    log.lines().filter(about).filter_map(text).collect()
}

#[test]
fn every_event_in_the_life_of_a_node_is_one_line_with_its_name_and_uuid() {
    let (url, beats) = ironic();
    let network_boot = format!("{url}/boot/");
    let arguments =
        ["--nodes", "2", "--password", "hunter2", "--boot-time", "0s", "--network-boot", &network_boot];
    let daemon = Daemon::start(":", &arguments);
    let mut redfish = connect(daemon.redfish());
    let system = boot(&mut redfish);
    let uuid = system.rsplit('/').next().unwrap();
    eventually("heartbeat", || beats.load(Ordering::SeqCst) > 0);
    eventually("line about it", || daemon.log().contains("first heartbeat accepted"));
    let reset = format!("{system}/Actions/ComputerSystem.Reset");
    assert_eq!(ask(&mut redfish, "POST", &reset, LOGIN, r#"{"ResetType": "ForceOff"}"#).0, 204);
    eventually("line about it", || daemon.log().contains("power off"));
    let mut admin = connect(daemon.admin());
    for (verb, part) in [("unplug", "nic"), ("unplug", "disk"), ("plug", "disk"), ("plug", "nic")] {
        let name = if part == "nic" { "ens1f0" } else { "sda" };
        let body = format!(r#"{{"nodes": {{"names": ["generic-0"]}}, "{part}": "{name}"}}"#);
        let path = format!("/fauxmetal/v1/{verb}");
        assert_eq!(ask(&mut admin, "POST", &path, "Content-Type: application/json\r\n", &body).0, 200);
    }
    eventually("line about it", || daemon.log().contains("network cable plugged in"));
    let log = daemon.stop();
    let who = format!("node=generic-0 uuid={uuid}");
    let ironic_uuid = "1be26c0b-03f2-4d2e-ae87-c02d7f33c123";
    assert_eq!(
        lines(&log, uuid),
        [
            format!("power on {who}"),
            format!("booting {who} from=\"Pxe\""),
            format!("boots an agent {who}"),
            format!("booted {who} what=\"a ramdisk with an agent\""),
            format!("agent looks its node up in Ironic {who}"),
            format!("agent found its node in Ironic {who} ironic_uuid={ironic_uuid}"),
            format!("agent's first heartbeat accepted {who}"),
            format!("shutting down {who}"),
            format!("power off {who}"),
            format!("network cable pulled {who}"),
            format!("drive pulled {who}"),
            format!("drive plugged in {who}"),
            format!("network cable plugged in {who}"),
        ],
        "{log}"
    );
    assert!(!log.contains("node.id") && !log.contains("\u{1b}"), "{log}");
}

#[test]
fn clients_without_credentials_are_warnings_and_requests_are_written_if_asked_for() {
    let quiet = Daemon::start(":", &["--nodes", "1"]);
    let asked = Daemon::start(":", &["--nodes", "1", "--log", "warn,fauxmetal::access=debug"]);
    for daemon in [&quiet, &asked] {
        let mut redfish = connect(daemon.redfish());
        assert_eq!(ask(&mut redfish, "GET", "/redfish/v1/", "", "").0, 200);
        for _ in 0..100 {
            assert_eq!(ask(&mut redfish, "GET", "/redfish/v1/Systems?secret", "", "").0, 401);
        }
    }
    let warned = "a client has no valid credentials client=127.0.0.1:";
    let count = |log: &str, part: &str| log.lines().filter(|line| line.contains(part)).count();
    let log = quiet.stop();
    assert!((20..100).contains(&count(&log, warned)), "100 lines are limited: {log}");
    assert_eq!(count(&log, "more lines of this kind in the last second: a client has"), 1, "{log}");
    assert!(log.contains("method=GET path=\"/redfish/v1/Systems\"") && !log.contains("secret"), "{log}");
    assert_eq!(count(&log, "request client="), 0, "{log}");
    let log = asked.stop();
    assert_eq!(count(&log, " request client=127.0.0.1:"), 101, "{log}");
    assert!(log.contains("path=\"/redfish/v1/\" status=200 us="), "{log}");
    assert!(!log.contains("INFO"), "{log}");
}

#[test]
fn a_failed_tls_handshake_is_a_warning_and_an_unused_connection_is_not() {
    // The flag comes last, so it replaces the listener without TLS that the other tests use.
    let daemon = Daemon::start(":", &["--nodes", "1", "--listen", "https://127.0.0.1:0"]);
    let url = daemon.ready["redfish"][1].as_str().unwrap().strip_prefix("https://").unwrap().to_owned();
    let to = url.parse().unwrap();
    drop(connect(to));
    // The head of a TLS record of the type handshake, and no handshake.
    connect(to).write_all(b"\x16\x03\x01\x00\x05hello").unwrap();
    eventually("warning", || daemon.log().contains("WARN") && daemon.log().contains("TLS handshake failed"));
    let log = daemon.stop();
    assert_eq!(log.matches("TLS handshake failed remote=127.0.0.1:").count(), 1, "{log}");
}

#[test]
fn the_log_can_be_json_and_its_level_has_short_flags() {
    let daemon = Daemon::start(":", &["--nodes", "1", "--log-format", "json", "-v"]);
    let mut redfish = connect(daemon.redfish());
    assert_eq!(ask(&mut redfish, "GET", "/redfish/v1/", "", "").0, 200);
    let log = daemon.stop();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let request = lines.iter().find(|line| line["message"] == "request").unwrap();
    assert_eq!((&request["level"], &request["target"]), (&"DEBUG".into(), &"fauxmetal::access".into()));
    assert_eq!((&request["status"], &request["path"]), (&200.into(), &"/redfish/v1/".into()));
    assert!(lines.iter().all(|line| line["target"].as_str().unwrap().starts_with("fauxmetal")), "{log}");
    let daemon = Daemon::start(":", &["--nodes", "1", "-qq"]);
    assert_eq!(daemon.stop(), "");
}
