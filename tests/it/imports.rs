//! Files of other simulators, served by the built binary: the same UUIDs, names, power states and MAC addresses at the same URLs,
//! also after `kill -9`, in a snapshot, and after an export.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::load::Daemon;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/imports").join(name)
}

/// UUID, name, power state and MAC addresses of the systems in a fixture.
type System = (&'static str, &'static str, &'static str, &'static [&'static str]);

const NODES: &[System] = &[
    ("6c1f0b52-7c1e-4d0a-9b7e-0d6c2f5a1e01", "fake1", "Off", &["5a:52:54:00:10:01"]),
    ("6c1f0b52-7c1e-4d0a-9b7e-0d6c2f5a1e02", "fake2", "On", &["5a:52:54:00:10:02"]),
    ("6c1f0b52-7c1e-4d0a-9b7e-0d6c2f5a1e03", "fake3", "Off", &["5a:52:54:00:10:03"]),
];
const FAKE_NODES: &[System] = &[
    ("b3f7d2a0-41c5-4f68-8a39-7e1d9c5b2f01", "node-0", "Off", &["00:60:2f:31:81:01", "00:60:2f:31:81:02"]),
    ("b3f7d2a0-41c5-4f68-8a39-7e1d9c5b2f02", "node-1", "On", &["00:60:2f:31:81:03", "00:60:2f:31:81:04"]),
];
const CONF: &[System] = &[
    ("d0c5a7e4-92b6-4c3f-a1d8-5f2e7b904c01", "test1", "Off", &["02:8e:4d:7a:00:01"]),
    ("d0c5a7e4-92b6-4c3f-a1d8-5f2e7b904c02", "test2", "On", &["02:8e:4d:7a:00:02"]),
];

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

/// The status and the document of a GET with the credentials of `user`.
fn get(url: &str, user: &str) -> (u16, Value) {
    use base64::Engine as _;
    let credentials = base64::engine::general_purpose::STANDARD.encode(user);
    let mut response =
        agent().get(url).header("Authorization", format!("Basic {credentials}")).call().unwrap();
    (response.status().as_u16(), response.body_mut().read_json().unwrap_or(Value::Null))
}

fn url_of(daemon: &Daemon) -> String {
    daemon.ready["redfish"][0].as_str().unwrap().to_owned()
}

/// Asserts that a service has exactly these systems, each at the URL that sushy-tools has for it.
fn assert_serves(redfish: &str, systems: &[&[System]]) {
    let all = systems.concat();
    let (_, members) = get(&format!("{redfish}/redfish/v1/Systems"), "admin:password");
    assert_eq!(members["Members@odata.count"], all.len(), "{members}");
    for (uuid, name, power, macs) in all {
        let path = format!("{redfish}/redfish/v1/Systems/{uuid}");
        let (status, system) = get(&path, "admin:password");
        assert_eq!(
            (status, &system["UUID"], &system["Name"], &system["PowerState"]),
            (200, &json!(uuid), &json!(name), &json!(power)),
            "{system}"
        );
        for (mac, nic) in macs.iter().zip(["NIC1", "NIC2"]) {
            let (_, interface) = get(&format!("{path}/EthernetInterfaces/{nic}"), "admin:password");
            assert_eq!(interface["MACAddress"].as_str().unwrap().to_lowercase(), *mac, "{interface}");
        }
    }
}

fn fauxmetal(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fauxmetal"));
    command.args(arguments).env_clear().stdin(Stdio::null()).output().unwrap()
}

/// The standard output of a command, which must succeed.
fn output(arguments: &[&str]) -> String {
    let output = fauxmetal(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    assert!(!said.contains("no setting names the nodes"), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn lists_of_systems_are_served_at_the_urls_of_sushy_tools() {
    let (nodes, fake_nodes) = (fixture("nodes.json"), fixture("fake_nodes.json"));
    let daemon =
        Daemon::start("", &["--import", nodes.to_str().unwrap(), "--import", fake_nodes.to_str().unwrap()]);
    assert_serves(&url_of(&daemon), &[NODES, FAKE_NODES]);
    // A list of names, and a selection by name, as of other nodes.
    let admin = daemon.ready["admin"].as_str().unwrap();
    let listed = output(&["node", "list", "--server", admin, "-l", "name=fake*,power=on"]);
    assert!(listed.contains("fake2") && !listed.contains("fake1"), "{listed}");
    output(&["node", "power", "on", "FAKE1", "node-0", "--server", admin]);
    let journal = output(&["journal", "fake1", "--server", admin]);
    assert!(journal.contains("On"), "{journal}");
}

/// The fixture with its file of users, at ports that are free.
fn conf_with_ports(dir: &Path) -> (PathBuf, u16) {
    let held: Vec<_> = (0..2).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let ports: Vec<_> = held.iter().map(|socket| socket.local_addr().unwrap().port()).collect();
    let text = std::fs::read_to_string(fixture("conf.py")).unwrap();
    let text = text.replace("\"htpasswd\"", &format!("{:?}", fixture("htpasswd")));
    let text = text.replace("LISTEN_PORT = 8001", &format!("LISTEN_PORT = {}", ports[0]));
    let text = text.replace("LISTEN_PORT = \"9901\"", &format!("LISTEN_PORT = \"{}\"", ports[1]));
    let path = dir.join("conf.py");
    std::fs::write(&path, text).unwrap();
    (path, ports[0])
}

#[test]
fn a_conf_is_served_at_its_own_port_with_its_own_password() {
    let dir = tempfile::tempdir().unwrap();
    let (conf, port) = conf_with_ports(dir.path());
    let daemon = Daemon::listening(&[], "", &["--import", conf.to_str().unwrap()]);
    let redfish = format!("http://127.0.0.1:{port}");
    let one = format!("{redfish}/redfish/v1/Systems/{}", CONF[0].0);
    assert_eq!(get(&one, "admin:wrong").0, 401, "before the password is known");
    assert_serves(&redfish, &[CONF]);
    for wrong in ["admin:wrong", "root:password"] {
        assert_eq!(get(&one, wrong).0, 401, "{wrong}");
    }
    let login = json!({"UserName": "admin", "Password": "password"});
    let created =
        agent().post(format!("{redfish}/redfish/v1/SessionService/Sessions")).send_json(login).unwrap();
    assert_eq!(created.status(), 201);
    let settings = output(&["fleet", "-o", "json", "--server", daemon.ready["admin"].as_str().unwrap()]);
    let settings: Value = serde_json::from_str(&settings).unwrap();
    let boot_time = settings["settings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|setting| setting["name"] == "boot-time")
        .unwrap();
    assert_eq!((&boot_time["values"][0], &boot_time["origin"]), (&json!("1s..2s"), &json!("import")));
}

#[test]
fn imported_nodes_survive_a_kill_and_go_with_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let (state, nodes) = (dir.path().join("fleet"), fixture("nodes.json"));
    let (state, nodes) = (state.to_str().unwrap(), nodes.to_str().unwrap());
    let mut daemon = Daemon::start("", &["--state", state, "--import", nodes, "--nodes", "1"]);
    let admin = daemon.ready["admin"].as_str().unwrap().to_owned();
    let said = output(&["fleet", "import", fixture("fake_nodes.json").to_str().unwrap(), "--server", &admin]);
    assert_eq!(said, "import: 2 nodes, node-0 to node-1\n");
    output(&["node", "power", "off", "fake2", "--server", &admin]);
    output(&["node", "remove", "generic-0", "--server", &admin]);
    output(&["node", "wait", "--for", "power=off", "fake2", "--server", &admin]);
    let file = dir.path().join("fleet.snapshot");
    output(&["snapshot", "export", file.to_str().unwrap(), "--server", &admin]);
    let off = [NODES[0], (NODES[1].0, NODES[1].1, "Off", NODES[1].3), NODES[2]];
    assert_serves(&url_of(&daemon), &[&off, FAKE_NODES]);
    daemon.child.kill().unwrap();
    daemon.child.wait().unwrap();

    let again = Daemon::start("", &["--state", state, "--import", nodes]);
    assert_serves(&url_of(&again), &[&off, FAKE_NODES]);
    let admin = again.ready["admin"].as_str().unwrap();
    let added = output(&["node", "add", "generic", "--server", admin]);
    assert_eq!(added, "add: generic-6\n");
    drop(again);

    let restored = Daemon::start("", &["--snapshot", file.to_str().unwrap()]);
    assert_serves(&url_of(&restored), &[&off, FAKE_NODES]);
    let other = fixture("fake_nodes.json");
    let refused = fauxmetal(&["serve", "--state", state, "--import", other.to_str().unwrap()]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && said.contains("--import: 2 imported nodes, and "), "{said}");
}

#[test]
fn a_running_fleet_refuses_what_it_has_and_changes_nothing() {
    let nodes = fixture("nodes.json");
    let nodes = nodes.to_str().unwrap();
    let daemon = Daemon::start("", &["--nodes", "1"]);
    let server = ["--server", daemon.ready["admin"].as_str().unwrap()];
    let import = |more: &[&str]| fauxmetal(&[&["fleet", "import", nodes], &server[..], more].concat());
    let tried = import(&["--dry-run"]);
    assert_eq!(String::from_utf8(tried.stdout).unwrap(), "import (dry run): 3 nodes, fake1 to fake3\n");
    assert!(import(&["--label", "from=sushy"]).status.success());
    let refused = import(&[]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(1), "{said}");
    assert!(
        said.contains(
            "entry 1 (fake1): the UUID 6c1f0b52-7c1e-4d0a-9b7e-0d6c2f5a1e01 is that of another imported node"
        ),
        "{said}"
    );
    let listed = output(&[&["node", "list", "-l", "from=sushy", "-o", "name"], &server[..]].concat());
    assert_eq!(listed, "fake1\nfake2\nfake3\n");
    let body = json!({"profile": "generic", "systems": [{"uuid": "x", "name": "a"}]});
    let url = format!("{}/fauxmetal/v1/nodes/import", server[1]);
    let mut answer = agent().post(url).send_json(body).unwrap();
    let problem: Value = answer.body_mut().read_json().unwrap();
    assert_eq!(
        (answer.status().as_u16(), &problem["field"], &problem["value"]),
        (400, &json!("systems[0].uuid"), &json!("x"))
    );
    let conf = fauxmetal(&[&["fleet", "import", fixture("conf.py").to_str().unwrap()], &server[..]].concat());
    let said = String::from_utf8(conf.stderr).unwrap();
    assert!(
        conf.status.success()
            && said.contains("only its systems are imported; ignored: SUSHY_EMULATOR_LIBVIRT_URI,"),
        "{said}"
    );
}

/// What `nodes-json` says of a fleet: UUIDs, names and MAC addresses.
fn identities(fleet: &[&str]) -> Value {
    let fixed = ["export", "--format", "nodes-json", "--bmc", "http://127.0.0.1:8000"];
    serde_json::from_str(&output(&[&fixed[..], fleet].concat())).unwrap()
}

#[test]
fn an_export_for_sushy_tools_is_imported_as_the_same_fleet() {
    let dir = tempfile::tempdir().unwrap();
    let both =
        ["--import", "nodes.json", "--import", "fake_nodes.json"].map(|word| match word.strip_prefix("--") {
            Some(_) => word.to_owned(),
            None => fixture(word).display().to_string(),
        });
    let imports: Vec<_> = both.iter().map(String::as_str).collect();
    let fleets: [&[&str]; 3] =
        [&["--nodes", "20", "--seed", "7"], &["--profile", "hpe-dl380-gen11=3"], &imports];
    for fleet in fleets {
        let expected = identities(fleet);
        assert!(expected.as_array().unwrap().len() >= 3);
        for (format, file) in [("sushy-nodes", "nodes.json"), ("sushy-conf", "conf.py")] {
            let path = dir.path().join(file);
            let bmc = ["export", "--format", format, "--bmc", "http://127.0.0.1:8000"];
            std::fs::write(&path, output(&[&bmc[..], fleet].concat())).unwrap();
            let profile = if fleet.contains(&"hpe-dl380-gen11=3") { "hpe-dl380-gen11" } else { "generic" };
            let import = ["--import", path.to_str().unwrap(), "--import-profile", profile, "--seed", "99"];
            assert_eq!(identities(&import), expected, "{format} of {fleet:?}");
        }
    }
}
