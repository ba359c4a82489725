//! The process: the signals that it drains on, and the files that it needs to start.

use std::process::Command;

use super::load::{Daemon, ask, connect};

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
