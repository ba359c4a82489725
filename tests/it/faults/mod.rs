//! Faults, as a client on a socket sees them: each one's effect, that it survives `kill -9` with `--state`, and its end.

mod agent;
mod bmc;
mod host;
mod ironic;
mod rows;
mod wire;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::load::{Daemon, ask, connect};

const LOGIN: &str = "Authorization: Basic YWRtaW46cGFzc3dvcmQ=\r\n";
const API: &str = "/fauxmetal/v1";

/// A stored fleet of three nodes. The rules are about the second one.
struct Bench {
    daemon: Daemon,
    folder: tempfile::TempDir,
    arguments: Vec<String>,
}

impl Bench {
    fn new(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = [&["--nodes", "3", "--boot-time", "0s", "--log", "error"], arguments].concat();
        let daemon = start(&folder.path().join("state"), &arguments);
        Self { daemon, folder, arguments: arguments.into_iter().map(str::to_owned).collect() }
    }

    /// The process ends as with `kill -9`, and starts again.
    fn restart(&mut self) {
        self.daemon.child.kill().unwrap();
        self.daemon.child.wait().unwrap();
        let arguments: Vec<_> = self.arguments.iter().map(String::as_str).collect();
        self.daemon = start(&self.folder.path().join("state"), &arguments);
    }

    fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, text) = self.ask_control(method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    fn ask_control(&self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let json = "Content-Type: application/json\r\n";
        ask(&mut connect(self.daemon.admin()), method, &format!("{API}{path}"), json, &body)
    }

    /// The rule is wrong for these listeners. The error names the options that it needs.
    fn refuses(&self, rule: &Value, needs: &str) {
        let (status, text) = self.ask_control("POST", "/faults", &json!({"rules": [rule]}));
        assert!(status == 400 && text.contains(needs), "{status} {text}");
    }

    /// Adds the rule `r` of the second node.
    fn add(&self, when: &Value, what: &Value) {
        let rule = json!({"name": "r", "who": {"names": ["generic-1"]}, "when": when, "what": what});
        let added = self.control("POST", "/faults", &json!({"rules": [rule]}));
        assert_eq!(added["rules"][0]["nodes"], 1, "{added}");
    }

    fn clear(&self) {
        self.control("POST", "/faults/clear", &json!({"names": ["r"]}));
        let left = self.control("GET", "/faults", &Value::Null);
        assert_eq!(left["items"], json!([]));
    }

    fn fault(&self) -> Value {
        self.control("GET", "/faults/r", &Value::Null)
    }

    fn node(&self, name: &str) -> Value {
        self.control("GET", &format!("/nodes/{name}"), &Value::Null)
    }

    /// The path of a system.
    fn system(&self, name: &str) -> String {
        format!("/redfish/v1/Systems/{}", self.node(name)["uuid"].as_str().unwrap())
    }

    /// A request to a BMC. Status 0: the connection was closed without an answer.
    fn redfish(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = format!("{LOGIN}Content-Type: application/json\r\n");
        let (status, text) = ask(&mut connect(self.daemon.redfish()), method, path, &headers, &body);
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.redfish("GET", path, &Value::Null)
    }

    fn reset(&self, name: &str, kind: &str) -> u16 {
        let action = format!("{}/Actions/ComputerSystem.Reset", self.system(name));
        self.redfish("POST", &action, &json!({"ResetType": kind})).0
    }

    /// Holds the clock, and lets so much simulated time pass. All that is due in it happens, with its calls to Ironic.
    fn pass(&self, seconds: u32) {
        self.control("POST", "/clock/hold", &json!({}));
        let stepped = self.control("POST", "/clock/step", &json!({"seconds": seconds}));
        assert_eq!(stepped["complete"], true, "{stepped}");
    }

    /// Waits until the node is in a state.
    fn until(&self, name: &str, states: &[&str]) {
        super::load::eventually(&format!("{name} in {states:?}"), || {
            let state = self.node(name)["state"].as_str().unwrap().to_owned();
            states.contains(&state.as_str())
        });
    }
}

fn start(state: &std::path::Path, arguments: &[&str]) -> Daemon {
    let state: PathBuf = state.into();
    let arguments = [&["--state", state.to_str().unwrap()], arguments].concat();
    if arguments.contains(&"--listen") {
        return Daemon::listening(&[], ":", &arguments);
    }
    Daemon::start(":", &arguments)
}

/// Shows a condition: it is there with the rule, also after a restart, and gone without it. The other nodes do not have it.
fn holds(arguments: &[&str], what: &Value, is_broken: impl Fn(&Bench, &str) -> bool) {
    holds_when(arguments, &json!({}), what, is_broken);
}

/// As [`holds`], for a rule with occasions of its own.
fn holds_when(arguments: &[&str], when: &Value, what: &Value, is_broken: impl Fn(&Bench, &str) -> bool) {
    let mut bench = Bench::new(arguments);
    assert!(!is_broken(&bench, "generic-1"));
    bench.add(when, what);
    assert!(is_broken(&bench, "generic-1") && !is_broken(&bench, "generic-2"));
    let journal = bench.control("GET", "/nodes/generic-1/journal", &Value::Null).to_string();
    assert!(journal.contains(r#""event":"fault-fired""#) && journal.contains(r#""detail":"r""#), "{journal}");
    bench.restart();
    assert!(is_broken(&bench, "generic-1") && !is_broken(&bench, "generic-2"));
    let fault = bench.fault();
    assert!(fault["fired"].as_u64() >= Some(1) && fault["firedNodes"] == 1, "{fault}");
    bench.clear();
    assert!(!is_broken(&bench, "generic-1"));
}

/// Shows what a rule holds: what begins on two machines goes on at one of them only, and at the other one stays held, also after a
/// restart, until the rule is cleared. It is the same thing all the time, because the rule fires once.
fn stays(
    arguments: &[&str],
    what: &Value,
    begin: impl Fn(&Bench, &str),
    is_held: impl Fn(&Bench, &str) -> bool,
) {
    let mut bench = Bench::new(arguments);
    bench.add(&json!({}), what);
    ["generic-1", "generic-2"].iter().for_each(|name| begin(&bench, name));
    for _ in 0..2 {
        assert!(is_held(&bench, "generic-1") && !is_held(&bench, "generic-2"));
        let fault = bench.fault();
        assert_eq!((&fault["fired"], &fault["state"]), (&json!(1), &json!("active")), "{fault}");
        bench.restart();
    }
    bench.clear();
    assert!(!is_held(&bench, "generic-1"));
}

/// `--faults` adds the rules of a file. After a restart, equal rules keep their memory, and others are replaced.
#[test]
fn a_file_of_rules() {
    let folder = tempfile::tempdir().unwrap();
    let (state, file) = (folder.path().join("state"), folder.path().join("faults.yaml"));
    let rule = |what: &str| {
        format!("faults:\n- name: r\n  who: {{all: true}}\n  when: {{first: 2}}\n  what: {what}\n")
    };
    std::fs::write(&file, rule("{status: {code: 500}}")).unwrap();
    let arguments = ["--nodes", "1", "--log", "error", "--faults", file.to_str().unwrap()];
    let open = || Bench {
        daemon: start(&state, &arguments),
        folder: tempfile::tempdir().unwrap(),
        arguments: vec![],
    };
    let bench = open();
    let system = bench.system("generic-0");
    assert_eq!(bench.get(&system).0, 500);
    drop(bench);
    let bench = open();
    assert_eq!([bench.get(&system).0, bench.get(&system).0], [500, 200], "one was left");
    drop(bench);
    std::fs::write(&file, rule("{status: {code: 501}}")).unwrap();
    let bench = open();
    assert_eq!([0; 3].map(|_| bench.get(&system).0), [501, 501, 200]);
    drop(bench);
    std::fs::write(&file, rule("{status: {code: 5}}")).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_fauxmetal"))
        .args(["serve", "--state", state.to_str().unwrap(), "--admin-listen", "off"])
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("faults.yaml:2: rule 'r': 'what.status': 'code' is 5; allowed are 400 to 599"),
        "{said}"
    );
}

/// Rules join nodes that are added, and nodes whose labels they select; they leave nodes that they do not select any more.
#[test]
fn nodes_join_and_leave_a_rule() {
    let bench = Bench::new(&[]);
    let rule = json!({"name": "r", "who": {"selector": "rack=r7"}, "what": "status"});
    let added = bench.control("POST", "/faults", &json!({"rules": [rule]}));
    assert_eq!(added["rules"][0]["nodes"], 0);
    let label = |set: Value, remove: Value| {
        let body = json!({"nodes": {"names": ["generic-1"]}, "set": set, "remove": remove});
        bench.control("POST", "/label", &body);
    };
    label(json!({"rack": "r7"}), json!([]));
    assert_eq!((bench.fault()["nodes"].clone(), bench.get(&bench.system("generic-1")).0), (json!(1), 503));
    bench.control("POST", "/nodes", &json!({"profile": "generic", "count": 2, "labels": {"rack": "r7"}}));
    assert_eq!(bench.fault()["nodes"], 3);
    label(json!({}), json!(["rack"]));
    assert_eq!((bench.fault()["nodes"].clone(), bench.get(&bench.system("generic-1")).0), (json!(2), 200));
    bench.control("POST", "/remove", &json!({"nodes": {"selector": "rack=r7"}}));
    assert_eq!(bench.fault()["nodes"], 0);
}
