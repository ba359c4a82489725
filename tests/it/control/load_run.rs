//! `run` with the nodes of a running daemon.

use std::path::Path;

use serde_json::Value;

use super::{daemon, fauxmetal, said};

const PLAN: &str = r#"
target: {redfish: {poll: 50ms, auth: session}}
fleet: {server: {url: "URL", selector: rack=r7}}
groups: [{name: g, count: 2, until: {powerCycled: 1}}]
phases:
  - name: up
    faults:
      - name: busy
        who: {selector: rack=r7}
        when: {requests: {methods: [GET]}, first: 1}
        what: {status: {code: 503, retryAfter: 1s}}
assert: ["failed == 0", "count(power-cycle) == 2"]
"#;

fn documents(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_run_drives_the_nodes_of_a_daemon() {
    let (daemon, url) = daemon(&["--nodes", "4", "--speed", "200"]);
    said(&mut fauxmetal(&url, &["node", "label", "-l", "index in (1..2)", "rack=r7"]));
    let folder = tempfile::tempdir().unwrap();
    let plan = folder.path().join("plan.yaml");
    std::fs::write(&plan, PLAN.replace("URL", &url)).unwrap();
    let runs = folder.path().join("runs");
    let run = |more: &[&str]| {
        let line = ["run", plan.to_str().unwrap(), "--runs", runs.to_str().unwrap()];
        let output = fauxmetal(&url, &[&line, more].concat()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout) + &text(output.stderr))
    };
    let (code, text) = run(&["--id", "first"]);
    assert_eq!(code, 0, "{text}");
    let mut items = documents(&runs.join("first/items.ndjson"));
    items.sort_by_key(|item| item["name"].to_string());
    assert_eq!(items.len(), 2);
    for (item, node) in items.iter().zip(["generic-1", "generic-2"]) {
        let shown = fauxmetal(&url, &["node", "show", node, "-o", "json"]).output().unwrap();
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(item["node"], shown["uuid"], "the nodes of the selection, in order");
        assert_eq!(shown["power"], "on");
        let machine = item["machine"].as_array().unwrap();
        assert!(machine.iter().any(|event| event["event"] == "power-on"), "{item}");
        assert_eq!(item["retries"], 1, "the rule was met: {item}");
    }
    let rules = fauxmetal(&url, &["fault", "list", "-o", "name"]).output().unwrap();
    assert!(rules.stdout.is_empty(), "the rules of a run end with it");
    // The session of the run is gone.
    let shown = daemon.metric("fauxmetal_sessions");
    assert!(shown.abs() < 0.5, "{shown}");

    let (code, text) = run(&["--set", "groups.g.count=3"]);
    assert_eq!(code, 1);
    assert!(
        text.contains("fleet.server: the daemon has 2 nodes that match 'rack=r7', and the plan has 3 items"),
        "{text}"
    );
    let (code, text) = run(&["--set", "fleet.server.selector=rack=("]);
    assert!(text.contains("fleet.server.selector: "), "{text}");
    assert_eq!(code, 2);
    let (code, text) = run(&["--set", "fleet.server.url=ftp://x"]);
    assert!(text.contains("fleet.server.url: 'ftp://x' is no address of a control API"), "{text}");
    assert_eq!(code, 2);
    let (code, text) = run(&["--set", "fleet.server.url=http://127.0.0.1:1"]);
    assert!(text.contains("check fleet.server.url, and that the daemon runs"), "{text}");
    assert_eq!(code, 1);
    daemon.stop();
}
