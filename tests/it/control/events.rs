//! `events`: text and JSON, refusals, and connections that break.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::get;
use serde_json::Value;

use super::{all_said, daemon, fake, fauxmetal, interrupted, said};
use crate::load::connect;

#[test]
fn events_are_printed_as_text_and_as_json() {
    let (daemon, url) = daemon(&["--nodes", "3"]);
    // The daemon keeps events from the first reader on.
    let mut reader = connect(daemon.admin());
    reader.write_all(b"GET /fauxmetal/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    assert!(reader.read(&mut [0; 4096]).unwrap() > 0);
    for line in [
        &["node", "label", "generic-1", "rack=r7"] as &[&str],
        &["node", "unplug", "--all", "nic=ens1f0"],
        &["node", "plug", "-l", "rack=r7", "nic=ens1f0"],
    ] {
        said(&mut fauxmetal(&url, line));
    }
    let fleet = fauxmetal(&url, &["fleet", "-o", "json"]).output().unwrap();
    let fleet: Value = serde_json::from_slice(&fleet.stdout).unwrap();
    let first = format!("{}-0", fleet["epoch"].as_str().unwrap());
    let printed = |since: &str, arguments: &[&str], count| {
        let line = [&["events", "--since", since], arguments].concat();
        let mut child = fauxmetal(&url, &line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let lines: Vec<_> = lines.take(count).collect();
        assert_eq!(interrupted(child), (Some(0), String::new()));
        lines
    };
    let words: Vec<_> =
        printed(&first, &[], 5).into_iter().map(|line| line.split_at(8).1.to_owned()).collect();
    assert_eq!(
        words,
        [
            "  generic-1  labels changed",
            "  generic-0  network cable pulled",
            "  generic-1  network cable pulled",
            "  generic-2  network cable pulled",
            "  generic-1  network cable plugged in",
        ]
    );
    let of_one: Vec<Value> = printed(&first, &["-o", "json", "-l", "rack=r7"], 3)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let last = &of_one[2];
    assert_eq!((&last["node"], &last["event"]), (&"generic-1".into(), &"cable-plugged".into()));
    // Its id is where another reader goes on.
    said(&mut fauxmetal(&url, &["node", "unplug", "generic-2", "disk=sda"]));
    let id = last["id"].as_str().unwrap();
    assert!(printed(id, &[], 1)[0].ends_with("  generic-2  drive pulled"));
}

#[test]
fn a_wrong_selection_or_id_is_refused() {
    let (_daemon, url) = daemon(&["--nodes", "1"]);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["events", "-l", "rack in"],
            &["events", "--since", "yesterday"],
            &["events", "--since", ""],
            &["events", "--retry-for", "long"],
        ]
    ));
}

fn event(id: u32) -> String {
    let data = format!(
        r#"{{"time":"2026-01-02T12:00:0{id}Z","node":"generic-0","event":"new","text":"step {id}"}}"#
    );
    format!(": hello\n\nevent: new\nid: x-{id}\ndata: {data}\n\n")
}

/// A daemon whose answers end after these texts. Later requests get 503. It keeps the ids that clients send.
fn ends(answers: Vec<String>) -> (String, Arc<Mutex<Vec<Option<String>>>>) {
    let seen = Arc::<Mutex<Vec<_>>>::default();
    let kept = Arc::clone(&seen);
    let handler = move |headers: HeaderMap| {
        let mut seen = kept.lock().unwrap();
        seen.push(headers.get("last-event-id").map(|id| id.to_str().unwrap().to_owned()));
        let answer = answers.get(seen.len() - 1).cloned();
        async move {
            match answer {
                Some(text) => Body::from(text).into_response(),
                None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            }
        }
    };
    (fake::serve(Router::new().route(&fake::path("/events"), get(handler))), seen)
}

#[test]
fn a_broken_connection_continues_after_the_last_event_and_ends_with_1_in_time() {
    let missed = "event: missed\ndata: {\"reason\":\"the daemon has restarted\\u001b[2J\"}\n\n";
    let (url, seen) = ends(vec![event(1) + &event(2), missed.to_owned() + &event(3)]);
    insta::assert_snapshot!(said(&mut fauxmetal(&url, &["events", "--retry-for", "1200ms"])));
    let seen = seen.lock().unwrap();
    assert_eq!(seen[..3], [None, Some("x-2".to_owned()), Some("x-3".to_owned())]);
}

#[test]
fn a_connection_that_breaks_before_the_first_event_loses_events() {
    let (url, seen) = ends(vec![": hello\n\n".to_owned(), event(1)]);
    let text = said(&mut fauxmetal(&url, &["events", "--retry-for", "600ms", "-o", "json"]));
    assert!(text.contains("connected again; the events in between are lost\n"), "{text}");
    assert!(text.contains("\n{\"id\":\"x-1\",\"time\":"), "{text}");
    assert_eq!(seen.lock().unwrap()[..2], [None, None]);
}
