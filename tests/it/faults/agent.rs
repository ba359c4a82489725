//! Faults of the agent, as a small Ironic sees them. `src/node/tests/agent_faults.rs` has their details.

use serde_json::{Value, json};

use super::super::load::TOKEN;
use super::ironic::{Ironic, boot, commands, ensure, last, run};
use super::wire::handshake_at;
use super::{Bench, holds, stays};

const HOUR: u32 = 3600;
/// Longer than the time between two heartbeats.
const SOME_BEATS: u32 = 600;

/// A step of cleaning.
fn clean() -> String {
    let step = json!({"step": "erase_devices_metadata", "interface": "deploy", "priority": 99});
    let params = json!({"step": step, "node": {"uuid": "1be26c0b-03f2-4d2e-ae87-c02d7f33c123"}, "ports": []});
    json!({"name": "clean.execute_clean_step", "params": params}).to_string()
}

/// Shows that the agent makes no call as long as it is held.
fn stays_silent(what: &Value) {
    let ironic = Ironic::start();
    stays(&ironic.arguments(), what, boot, |bench, name| {
        bench.pass(HOUR);
        let is_silent = ironic.calls(bench, name).is_empty();
        let status = commands(bench, name, "GET", "").0;
        assert_eq!(status, if is_silent { 0 } else { 200 }, "an agent that has not called serves nothing");
        is_silent
    });
}

#[test]
fn an_agent_that_never_calls() {
    stays_silent(&json!("agent-never-calls"));
}

#[test]
fn an_agent_that_calls_late() {
    stays_silent(&json!({"agent-calls-late": {"by": "24h"}}));
    let ironic = Ironic::start();
    let bench = Bench::new(&ironic.arguments());
    bench.add(&json!({}), &json!({"agent-calls-late": {"by": "1h"}}));
    boot(&bench, "generic-1");
    assert!(ironic.calls(&bench, "generic-1").is_empty());
    bench.pass(HOUR);
    assert!(!ironic.calls(&bench, "generic-1").is_empty(), "the first call comes by itself");
}

/// Shows a condition of the heartbeats, which an agent that runs has from the next one on.
fn beats_hold(arguments: &[&str], what: &Value, is_broken: impl Fn(&Bench, &str, &[Value]) -> bool) {
    let ironic = Ironic::start();
    holds(&[&ironic.arguments(), arguments].concat(), what, |bench, name| {
        ensure(bench, name);
        ironic.calls(bench, name);
        bench.pass(SOME_BEATS);
        is_broken(bench, name, &ironic.beats(bench, name))
    });
}

#[test]
fn lost_heartbeats() {
    beats_hold(&[], &json!("heartbeats-lost"), |bench, name, beats| {
        assert_eq!(commands(bench, name, "GET", "").0, 200, "the agent answers");
        beats.is_empty()
    });
}

#[test]
fn late_heartbeats() {
    let ironic = Ironic::start();
    let late = json!({"heartbeats-late": {"by": "24h"}});
    stays(&ironic.arguments(), &late, boot, |bench, name| {
        bench.pass(HOUR);
        assert_eq!(commands(bench, name, "GET", "").0, 200, "the agent answers");
        ironic.beats(bench, name).is_empty()
    });
}

#[test]
fn doubled_heartbeats() {
    let ironic = Ironic::start();
    holds(&ironic.arguments(), &json!("heartbeats-doubled"), |bench, name| {
        ensure(bench, name);
        ironic.calls(bench, name);
        // The heartbeats of one moment.
        let mut beats = Vec::new();
        while beats.is_empty() {
            bench.control("POST", "/clock/next", &json!({}));
            beats = ironic.beats(bench, name);
        }
        assert!(beats.iter().all(|beat| *beat == beats[0]), "{beats:?}");
        beats.len() == 2
    });
}

/// Shows that the agent takes this for its token, and does not know the right one.
fn has_token(what: &Value, token: &Value) {
    beats_hold(&[], what, |bench, name, beats| {
        let is_wrong = beats[0]["agent_token"] != TOKEN;
        let expected = if is_wrong { token.clone() } else { json!(TOKEN) };
        assert!(beats.iter().all(|beat| beat["agent_token"] == expected), "{beats:?}");
        assert_eq!(commands(bench, name, "GET", "").0, if is_wrong { 401 } else { 200 });
        is_wrong
    });
}

#[test]
fn a_lost_token() {
    has_token(&json!("token-lost"), &Value::Null);
}

#[test]
fn a_wrong_token() {
    has_token(&json!({"token-wrong": {"token": "another"}}), &json!("another"));
}

#[test]
fn another_certificate() {
    let listen = ["--listen", "http://127.0.0.1:0", "--agent-listen", "https://localhost:0"];
    beats_hold(&listen, &json!("agent-certificate-mismatch"), |bench, _, beats| {
        let reported = beats[0]["agent_verify_ca"].as_str().unwrap();
        handshake_at(&bench.daemon.ready["agent"], reported.as_bytes()).is_err()
    });
}

#[test]
fn other_hardware() {
    let ironic = Ironic::start();
    holds(&ironic.arguments(), &json!("other-hardware"), |bench, name| {
        boot(bench, name);
        let calls = ironic.calls(bench, name);
        let data = calls.iter().find(|call| call.path == "v1/continue_inspection").unwrap();
        let disks = data.body["inventory"]["disks"].as_array().unwrap();
        !disks.iter().any(|disk| disk["name"] == "/dev/nvme0n1")
    });
}

#[test]
fn a_command_that_fails() {
    let ironic = Ironic::start();
    holds(&ironic.arguments(), &json!("command-fails"), |bench, name| {
        let command = run(bench, name, &clean());
        let has_failed = command["command_status"] == "FAILED";
        assert_eq!(has_failed, command["command_error"]["type"] == "BlockDeviceEraseError", "{command}");
        has_failed
    });
}

/// Shows that a command runs as long as it is held, and ends well.
fn stays_running(what: &Value, command: impl Fn(&Ironic, &Bench, &str) -> String) {
    let ironic = Ironic::start();
    let begin = |bench: &Bench, name: &str| {
        boot(bench, name);
        assert_eq!(commands(bench, name, "POST", &command(&ironic, bench, name)).0, 200);
    };
    stays(&ironic.arguments(), what, begin, |bench, name| {
        bench.pass(HOUR);
        assert!(!ironic.beats(bench, name).is_empty(), "heartbeats go on");
        let status = last(bench, name)["command_status"].take();
        assert!(status == "RUNNING" || status == "SUCCEEDED", "{status}");
        status == "RUNNING"
    });
}

#[test]
fn a_command_that_hangs() {
    stays_running(&json!("command-hangs"), |_, _, _| clean());
}

#[test]
fn a_slow_download() {
    stays_running(&json!({"slow-download": {"takes": "24h"}}), Ironic::write);
}

#[test]
fn a_command_that_takes_the_agent_down() {
    let ironic = Ironic::start();
    let what = json!("agent-crashes");
    holds(&ironic.arguments(), &what, |bench, name| {
        if bench.node(name)["agent"] == "closed" {
            bench.pass(HOUR);
            assert!(ironic.calls(bench, name).is_empty(), "it stays away, also after a restart");
        }
        boot(bench, name);
        assert_eq!(commands(bench, name, "POST", &clean()).0, 200, "the command is accepted");
        ironic.calls(bench, name);
        bench.pass(HOUR);
        let is_away = ironic.calls(bench, name).is_empty();
        assert_eq!(commands(bench, name, "GET", "").0, if is_away { 0 } else { 200 });
        is_away
    });
}

/// Shows the class of the error with which the write of an image fails, after all attempts.
fn write_fails(what: &Value, error: &str) {
    let ironic = Ironic::start();
    holds(&ironic.arguments(), what, |bench, name| {
        ensure(bench, name);
        ironic.calls(bench, name);
        let command = run(bench, name, &ironic.write(bench, name));
        let has_failed = command["command_status"] == "FAILED";
        assert_eq!(has_failed, command["command_error"]["type"] == error, "{command}");
        let calls = ironic.calls(bench, name);
        let downloads = calls.iter().filter(|call| call.path == "disk.raw").count();
        assert_eq!(downloads > 1, has_failed, "{downloads} attempts");
        has_failed
    });
}

#[test]
fn a_checksum_mismatch() {
    write_fails(&json!("checksum-mismatch"), "ImageChecksumError");
}

#[test]
fn a_cut_download() {
    write_fails(&json!("cut-download"), "ImageDownloadError");
}
