//! `export` and `serve` agree: by the READY line, by the state directory and by the files that the daemon writes.

use std::process::Command;

use serde_json::Value;

use super::load::{Daemon, ask, connect};

/// The user `root` with the default password.
const AS_ROOT: &str = "Authorization: Basic cm9vdDpwYXNzd29yZA==\r\n";

/// Runs `export`. Returns the exit code, standard output and standard error.
fn export(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fauxmetal"));
    let done = command.arg("export").args(arguments).env_clear().envs(variables.to_vec()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

fn nodes(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn export_prints_the_nodes_of_the_daemon_whose_ready_line_it_reads() {
    let daemon = Daemon::start(":", &["--nodes", "3", "--seed", "rack7", "--user", "root"]);
    let dir = tempfile::tempdir().unwrap();
    let ready = dir.path().join("ready.txt");
    std::fs::write(&ready, format!("some guide\nREADY {}\n", daemon.ready)).unwrap();
    let from = ["--from", ready.to_str().unwrap()];
    let (code, out, err) = export(&[&["--format", "nodes-json"][..], &from].concat(), &[]);
    assert_eq!((code, err.as_str()), (0, ""));
    let exported = nodes(&out);
    assert_eq!(exported.len(), 3);
    for node in &exported {
        assert_eq!(node["redfish_username"], "root");
        assert_eq!(node["redfish_address"], daemon.ready["bmc"]);
        let system = node["redfish_system_id"].as_str().unwrap();
        let (status, _) = ask(&mut connect(daemon.redfish()), "GET", system, AS_ROOT, "");
        assert_eq!(status, 200, "the daemon has this node");
    }
    let (code, _, err) = export(&[&["--format", "nodes-json", "--nodes", "4"][..], &from].concat(), &[]);
    assert_eq!(code, 2);
    assert!(err.starts_with("fauxmetal: --nodes: 4 nodes, and "), "{err}");
    assert!(err.contains("holds a fleet with 3 nodes"), "{err}");
    let (code, _, err) = export(&[&["--format", "nodes-json", "--addresses", "ip"][..], &from].concat(), &[]);
    assert_eq!(code, 2, "{err}");
    std::fs::write(&ready, "no line").unwrap();
    let (code, _, err) = export(&[&["--format", "nodes-json"][..], &from].concat(), &[]);
    assert!(code == 1 && err.contains("it has no READY line"), "{err}");
}

#[test]
fn export_prints_the_nodes_of_a_state_directory_while_a_daemon_uses_it() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("fleet");
    let state = state.to_str().unwrap();
    let bmc = ["--format", "nodes-json", "--bmc", "https://192.0.2.7:8443"];
    let (code, _, err) = export(&bmc, &[("FAUXMETAL_STATE", state)]);
    assert!(code == 1 && err.contains("there is no such state directory"), "{err}");
    let daemon =
        Daemon::start(":", &["--profile", "generic=2", "--profile", "hpe-dl380-gen11=1", "--state", state]);
    let (code, out, err) = export(&bmc, &[("FAUXMETAL_STATE", state)]);
    assert_eq!((code, err.as_str()), (0, ""));
    let names: Vec<_> = nodes(&out).iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["generic-0", "generic-1", "hpe-dl380-gen11-2"]);
    daemon.stop();
    let (code, again, _) = export(&[&bmc[..], &["--state", state]].concat(), &[]);
    assert_eq!((code, again), (0, out));
    // A fleet of a version that did not write the description.
    std::fs::remove_file(format!("{state}/fleet.json")).unwrap();
    let (code, again, _) = export(&[&bmc[..], &["--state", state]].concat(), &[]);
    assert_eq!((code, nodes(&again).len()), (0, 3));
    assert!(std::fs::exists(format!("{state}/fleet.json")).unwrap(), "it is written again");
}

#[test]
fn the_daemon_writes_the_exports_before_it_is_ready() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (ironic, bmh, plain) = (file("fleet.json"), file("hosts.yaml"), file("nodes.json"));
    let exports = [format!("ironic={ironic}"), format!("bmh={bmh}"), format!("nodes-json={plain}")];
    let flags: Vec<_> = exports.iter().flat_map(|export| ["--write-export", export]).collect();
    let daemon = Daemon::start(":", &[&["--nodes", "2"][..], &flags].concat());
    let read = |file: &str| std::fs::read_to_string(file).unwrap();
    std::fs::write(file("ready"), format!("READY {}", daemon.ready)).unwrap();
    for (format, written) in [("ironic", &ironic), ("nodes-json", &plain)] {
        let (code, out, _) = export(&["--format", format, "--from", &file("ready")], &[]);
        assert_eq!((code, out), (0, read(written)));
    }
    assert_eq!(read(&bmh).matches("kind: 'BareMetalHost'").count(), 2, "{}", read(&bmh));
    drop(daemon);
    let daemon = Daemon::start(":", &["--nodes", "1", "--password", "s3cret", "--write-export", &exports[2]]);
    let text = read(&plain);
    assert!(nodes(&text).len() == 1 && !text.contains("s3cret"), "{text}");
    drop(daemon);
}

#[test]
fn an_export_of_nodes_that_no_setting_names_says_so() {
    let bmc = ["--format", "nodes-json", "--bmc", "https://192.0.2.7:8443"];
    let (code, out, err) = export(&bmc, &[]);
    assert_eq!((code, nodes(&out).len()), (0, 100));
    assert!(
        err.starts_with("fauxmetal: no setting names the nodes, so these are the default 100; "),
        "{err}"
    );
    let (_, _, err) = export(&[&bmc[..], &["--nodes", "100"]].concat(), &[]);
    assert_eq!(err, "");
}

#[test]
fn the_formats_of_ironic_and_metal3_take_what_a_user_adds() {
    let bmc = ["--nodes", "2", "--bmc", "https://192.0.2.7:8443", "--format"];
    let set = ["--set", "resource_class=baremetal", "--set", "driver_info.deploy_kernel=http://h/k"];
    let (_, out, err) = export(&[&bmc[..], &["ironic"], &set].concat(), &[]);
    assert_eq!(err, "");
    let fleet: Value = serde_json::from_str(&out).unwrap();
    for node in fleet["nodes"].as_array().unwrap() {
        assert_eq!((&node["resource_class"], node["ports"].is_array()), (&"baremetal".into(), true));
        assert_eq!(node["driver_info"]["deploy_kernel"], "http://h/k");
        assert_eq!(node["driver_info"]["redfish_address"], "https://192.0.2.7:8443");
    }
    let (code, out, err) = export(&[&bmc[..], &["ironic", "--set", "driver.x=1"]].concat(), &[]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(err, "fauxmetal: --set driver.x: driver is \"redfish\" and has no fields\n");
    let (code, _, err) = export(&[&bmc[..], &["bmh", "--set", "a=1"]].concat(), &[]);
    assert!(code == 2 && err.starts_with("fauxmetal: --set: not used by --format bmh"), "{err}");
    let (code, _, err) = export(&[&bmc[..], &["bmh", "--label", "a b=c"]].concat(), &[]);
    assert!(code == 2 && err.contains("'a b' is not the key of a label"), "{err}");
}
