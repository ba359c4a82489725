//! `journal`: text, JSON, and a journal that is followed.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use fauxmetal::admin::api::NodeJournal;
use serde_json::{Value, json};

use super::{all_said, daemon, fake, fauxmetal, interrupted, said};

#[test]
fn the_journal_of_a_node_is_shown() {
    let (_daemon, url) = daemon(&["--nodes", "3"]);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["journal", "generic-0"],
            &["node", "unplug", "generic-1", "nic=ens1f0"],
            &["node", "crash", "generic-1"],
            &["journal", "generic-1"],
            &["journal", "generic-9"],
            &["journal", "generic-9", "--follow"],
            &["journal"],
        ]
    ));
    let json = fauxmetal(&url, &["journal", "generic-1", "-o", "json"]).output().unwrap();
    let journal: NodeJournal = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((journal.entries.len(), &*journal.node), (3, "generic-1"));
}

fn entry(id: u64, count: u32, more: &Value) -> Value {
    let times = json!({
        "id": id, "revision": id + u64::from(count), "count": count,
        "time": "2026-01-02T12:00:00Z", "lastTime": "2026-01-02T12:10:00Z",
    });
    let mut all = times;
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

fn poll(count: u32) -> Value {
    let request = json!({
        "kind": "request", "face": "redfish", "client": "10.0.0.7", "userAgent": "curl/8.5.0\u{1b}[2J", "method": "GET",
        "uri": "/redfish/v1/Systems/1", "changed": [], "status": 200, "messageId": null,
    });
    entry(1, count, &request)
}

#[test]
fn entries_chains_and_the_sentence_follow_each_other() {
    let off = entry(2, 1, &json!({"kind": "state", "event": "power-off", "detail": ""}));
    let step = |name: &str, at: u64, took: u64| json!({"name": name, "atMs": at, "tookMs": took});
    let journal = json!({
        "epoch": "x", "node": "generic-0", "missed": true, "entries": [poll(5), off],
        "chains": [
            {"of": "boot", "tookMs": 7900, "end": "booted", "steps": [step("self test", 400, 3500), step("loading", 3900, 4000)]},
            {"of": "deployment", "tookMs": 70_000, "end": null, "steps": [step("lookup", 0, 70_000)]},
        ],
        "explanation": "is off, since 12:00:00",
    });
    let answer = move || async move { axum::Json(journal) };
    let url = fake::serve(Router::new().route(&fake::path("/nodes/{node}/journal"), get(answer)));
    insta::assert_snapshot!(said(&mut fauxmetal(&url, &["journal", "generic-0"])));
}

#[test]
fn a_followed_journal_repeats_entries_and_ends_with_the_node() {
    let lines = format!("{}\n{}\n", poll(1), poll(2));
    let answer = move || async move { lines };
    let missing = || async {
        let problem =
            json!({"type": "about:blank", "title": "Not Found", "status": 404, "detail": "no node"});
        (StatusCode::NOT_FOUND, problem.to_string())
    };
    let router = Router::new()
        .route(&fake::path("/nodes/{node}/journal/stream"), get(answer))
        .route(&fake::path("/nodes/{node}"), get(missing));
    let url = fake::serve(router);
    insta::assert_snapshot!(all_said(
        &url,
        &[&["journal", "generic-0", "--follow"], &["journal", "generic-0", "-f", "-o", "json"]]
    ));
}

#[test]
fn a_journal_is_followed_until_ctrl_c() {
    let (_daemon, url) = daemon(&["--nodes", "1"]);
    said(&mut fauxmetal(&url, &["node", "unplug", "generic-0", "nic=ens1f0"]));
    let follow = ["journal", "generic-0", "--follow"];
    let mut child = fauxmetal(&url, &follow).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.ends_with("network cable pulled")));
    said(&mut fauxmetal(&url, &["node", "plug", "generic-0", "nic=ens1f0"]));
    assert!(lines.any(|line| line.ends_with("network cable plugged in")));
    assert_eq!(interrupted(child), (Some(0), String::new()));
}
