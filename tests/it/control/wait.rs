//! `node wait`: exit codes and messages.

use std::process::Stdio;

use super::{all_said, daemon, fauxmetal, said};

#[test]
fn a_wait_ends_when_all_nodes_have_the_value() {
    let (_daemon, url) = daemon(&["--nodes", "3"]);
    let wait = ["node", "wait", "--for", "power=on", "--all"];
    let mut waiting = fauxmetal(&url, &wait).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    said(&mut fauxmetal(&url, &["node", "power", "on", "-l", "index<2"]));
    assert_eq!(waiting.try_wait().unwrap(), None, "one node is off");
    said(&mut fauxmetal(&url, &["node", "power", "on", "generic-2"]));
    let output = waiting.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout, output.stderr), (Some(0), vec![], vec![]));
}

#[test]
fn a_wait_takes_fields_and_labels_and_ends_with_5_in_time() {
    let (_daemon, url) = daemon(&["--nodes", "3"]);
    let uuid = fauxmetal(&url, &["node", "list", "-l", "index=1", "--fields", "uuid"]).output().unwrap();
    let uuid = String::from_utf8(uuid.stdout).unwrap().lines().last().unwrap().to_owned();
    let by_uuid = said(&mut fauxmetal(&url, &["node", "wait", "--for", "power=off", &uuid, "generic-0"]));
    assert_eq!(by_uuid.lines().count(), 1, "{by_uuid}");
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["node", "label", "generic-0", "rack=r7"],
            &["node", "wait", "--for", "rack=r7", "generic-0"],
            &["node", "wait", "--for", "rack!=r7", "generic-1", "generic-2"],
            &["node", "wait", "--for", "state=off", "-l", "rack=r7"],
            &["node", "wait", "--for", "rack=r7", "--timeout", "0s", "--all"],
            &["node", "wait", "--for", "power=on", "--timeout", "300ms", "generic-2"],
            &["node", "wait", "--for", "power=on", "generic-9"],
            &["node", "wait", "--for", "power=on", "-l", "rack=r9"],
            &["node", "wait", "--for", "power", "--all"],
            &["node", "wait", "--for", "index=first", "--all"],
            &["node", "wait", "--for", "power=on", "--timeout", "soon", "--all"],
        ]
    ));
}
