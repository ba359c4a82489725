//! The process: the signals that it drains on, and the files that it needs to start.

use std::io::Write as _;
use std::process::Command;

use super::load::{Daemon, answer, ask, connect, eventually};

#[test]
fn a_hangup_drains_as_sigterm_does() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    if u64::from_str_radix(ignored.trim(), 16).unwrap() & 1 == 1 {
        // The tests run below nohup, whose choice the daemon inherits and keeps.
        return;
    }
    let mut daemon = Daemon::start(":", &[]);
    let pid = daemon.child.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_daemon_that_drains_is_not_ready() {
    let mut daemon = Daemon::start(":", &[]);
    let admin = daemon.address(&daemon.ready["admin"]);
    let ready = || ask(&mut connect(admin), "GET", "/readyz", "", "").0;
    assert_eq!(ready(), 200);
    // A request whose body has not arrived is in flight.
    let mut slow = connect(daemon.redfish());
    let head = "POST /redfish/v1/SessionService/Sessions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n";
    slow.write_all(head.as_bytes()).unwrap();
    assert!(answer(&mut slow).unwrap().0.starts_with("HTTP/1.1 100"));
    let pid = daemon.child.id().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    eventually("not ready", || ready() == 503);
    assert_eq!(ask(&mut connect(admin), "GET", "/healthz", "", "").0, 200);
    slow.write_all(b"{}").unwrap();
    assert!(answer(&mut slow).unwrap().0.starts_with("HTTP/1.1 400"));
    assert_eq!(daemon.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_hangup_that_was_ignored_at_the_start_stays_ignored() {
    let daemon = Daemon::start("trap '' HUP", &[]);
    let pid = daemon.child.id().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    assert_eq!(ask(&mut connect(daemon.redfish()), "GET", "/redfish/v1/", "", "").0, 200);
}

#[test]
fn a_ca_that_cannot_be_used_matters_only_to_listeners_with_tls() {
    let certs = tempfile::tempdir().unwrap();
    std::fs::write(certs.path().join("ca.pem"), "expired long ago").unwrap();
    let flags = ["--certs", certs.path().to_str().unwrap()];
    let daemon = Daemon::start(":", &flags);
    assert_eq!(ask(&mut connect(daemon.redfish()), "GET", "/redfish/v1/", "", "").0, 200);
    let mut command = Command::new(env!("CARGO_BIN_EXE_fauxmetal"));
    command.args(["serve", "--listen", "https://127.0.0.1:0", "--agent-listen", "http://127.0.0.1:0"]);
    let refused = command.args(flags).env_clear().output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("ca.pem cannot be used"), "{said}");
}
