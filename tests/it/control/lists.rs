//! `node list` and `node show`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::sync::atomic::Ordering;

use axum::http::StatusCode;

use super::{all_said, daemon, fake, fauxmetal, interrupted, said};

#[test]
fn nodes_are_listed_in_each_format() {
    let (_daemon, url) = daemon(&["--profile", "generic=2", "--profile", "hpe-dl380-gen11=1"]);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["node", "label", "--all", "rack=r7", "row=2"],
            &["node", "list"],
            &["node", "list", "-o", "wide"],
            &["node", "list", "-o", "name"],
            &["node", "list", "-o", "json"],
            &["node", "list", "-o", "yaml", "-l", "index=0"],
            &["node", "list", "-o", "json", "--fields", "name,power"],
            &["node", "list", "--fields", "index,uuid", "-l", "profile=hpe-*"],
            &["node", "list", "-l", "rack=r9"],
            &["node", "list", "-l", "rack=r9", "-o", "json"],
            &["node", "list", "-l", "rack in"],
            &["node", "list", "--fields", "colour"],
            &["node", "list", "-o", "name", "--fields", "uuid"],
            &["node", "list", "-o", "json", "--watch"],
        ]
    ));
}

#[test]
fn a_node_is_shown() {
    let (_daemon, url) = daemon(&["--nodes", "2"]);
    insta::assert_snapshot!(all_said(
        &url,
        &[&["node", "show", "generic-1"], &["node", "show", "generic-9"],]
    ));
    let json = fauxmetal(&url, &["node", "show", "generic-1", "-o", "json"]).output().unwrap();
    let node: fauxmetal::admin::api::NodeDetails = serde_json::from_slice(&json.stdout).unwrap();
    let by_uuid =
        fauxmetal(&url, &["node", "show", &node.node.uuid.unwrap(), "-o", "yaml"]).output().unwrap();
    assert!(String::from_utf8(by_uuid.stdout).unwrap().contains("name: 'generic-1'\n"));
}

#[test]
fn a_node_that_cannot_boot_is_shown_with_the_reason() {
    let (_daemon, url) = daemon(&["--nodes", "1"]);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["node", "label", "generic-0", "rack=r7"],
            &["node", "unplug", "generic-0", "disk=sda"],
            &["node", "insert", "generic-0", "http://127.0.0.1:1/boot.iso"],
            &["node", "boot", "cd", "generic-0", "--enabled", "continuous"],
            &["node", "power", "on", "generic-0"],
            &["node", "wait", "--for", "state=no-boot-device", "generic-0"],
            &["node", "show", "generic-0"],
        ]
    ));
}

#[test]
fn a_watch_goes_on_when_the_daemon_is_back() {
    let (url, answers) = fake::serve_in_turn("/nodes", |n| match n {
        0 | 3.. => (StatusCode::OK, "{\"name\":\"generic-0\"}\n"),
        1 => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
        2 => (StatusCode::BAD_GATEWAY, "no answer"),
    });
    let list = ["node", "list", "--watch=100ms", "-o", "name"];
    let mut child = fauxmetal(&url, &list).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert_eq!(out.by_ref().take(3).collect::<Vec<_>>(), ["generic-0", "", "generic-0"]);
    assert!(answers.load(Ordering::Relaxed) >= 4);
    assert_eq!(
        interrupted(child),
        (
            Some(0),
            "\
        fauxmetal: http://127.0.0.1:PORT answers 503 Service Unavailable; trying again\n\
        fauxmetal: the daemon answers again\n"
                .to_owned()
        )
    );
}

#[test]
fn a_watch_prints_again_and_again() {
    let (_daemon, url) = daemon(&["--nodes", "2"]);
    let list = ["node", "list", "--watch=100ms", "--fields", "name,power"];
    let mut child = fauxmetal(&url, &list).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let table = ["NAME       POWER", "generic-0  off", "generic-1  off"];
    assert_eq!(out.by_ref().take(3).collect::<Vec<_>>(), table);
    assert_eq!(out.by_ref().take(4).collect::<Vec<_>>(), [&[""], &table[..]].concat());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_closed_pipe_is_not_a_failure() {
    let url = fake::serve(fake::many(100_000));
    let list = ["node", "list", "-o", "name"];
    let mut child = fauxmetal(&url, &list).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let mut error = String::new();
    child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!((line.as_str(), error.as_str()), ("generic-0\n", ""));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_long_table_has_the_widths_of_its_first_rows() {
    let url = fake::serve(fake::many(2_345));
    let text = said(&mut fauxmetal(&url, &["node", "list"]));
    let lines: Vec<_> = text.lines().skip(1).collect();
    assert_eq!(lines.len(), 2_346);
    assert_eq!(lines[0], "NAME         POWER  STATE  AGENT  PROFILE  LABELS");
    assert_eq!(
        lines[2_345],
        "generic-2344 off    off    -      generic  rack=r58".replace("4 off", "4  off")
    );
}
