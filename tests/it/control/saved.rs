//! `snapshot save` and `snapshot export` of a running fleet.

use axum::Router;
use axum::body::Body;
use axum::routing::get;

use super::{all_said, daemon, fake, fauxmetal, said};

#[test]
fn a_running_fleet_is_saved_in_its_state_directory() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("fleet");
    let state = state.to_str().unwrap();
    let (daemon, url) = daemon(&["--nodes", "3", "--state", state]);
    insta::assert_snapshot!(all_said(
        &url,
        &[
            &["node", "label", "generic-1", "rack=r7"],
            &["snapshot", "save", "one"],
            &["snapshot", "save", "one"],
            &["snapshot", "save", "one", "--force"],
            &["snapshot", "save", "a/b"],
        ]
    ));
    daemon.stop();
    let listed = fauxmetal(&url, &["snapshot", "list", "--state", state, "-o", "json"]).output().unwrap();
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["stored"]), (&"one".into(), &1.into()));
}

#[test]
fn a_running_fleet_without_a_state_directory_is_exported_and_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.snapshot");
    let path = file.to_str().unwrap();
    let (_daemon, url) = daemon(&["--nodes", "3"]);
    said(&mut fauxmetal(&url, &["node", "label", "generic-1", "rack=r7"]));
    let none = said(&mut fauxmetal(&url, &["snapshot", "save", "one"]));
    assert!(none.contains("--state") && none.ends_with("[exit code 1]\n"), "{none}");
    let exported = said(&mut fauxmetal(&url, &["snapshot", "export", path]));
    assert!(exported.contains("exported the running fleet to DIR/fleet.snapshot: "), "{exported}");
    let (_again, again) = daemon(&["--snapshot", path]);
    let list = said(&mut fauxmetal(&again, &["node", "list", "-l", "rack=r7", "-o", "name"]));
    assert!(list.ends_with("\ngeneric-1\n"), "{list}");
    // The same file on standard output.
    let output = fauxmetal(&url, &["snapshot", "export", "-"]).output().unwrap();
    assert!(output.status.success() && output.stdout.starts_with(&[0x1f, 0x8b]), "{output:?}");
    for (words, why) in [
        (&["snapshot", "export", "one", path] as &[&str], "a running fleet has no names"),
        (&["snapshot", "export", path, "--state", path], "write its name before the file"),
    ] {
        let wrong = said(&mut fauxmetal(&url, words));
        assert!(wrong.contains(why) && wrong.ends_with("[exit code 2]\n"), "{wrong}");
    }
}

#[test]
fn a_snapshot_that_does_not_arrive_as_a_whole_leaves_no_file() {
    let half = || async {
        Body::from_stream(futures_util::stream::unfold(0, |n| async move {
            tokio::time::sleep(std::time::Duration::from_millis(n * 50)).await;
            Some(([Ok("half"), Err(std::io::Error::other("gone"))].into_iter().nth(n as usize)?, n + 1))
        }))
    };
    let url = fake::serve(Router::new().route("/fauxmetal/v1/snapshot", get(half)));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.snapshot");
    std::fs::write(&file, "the last one").unwrap();
    let text = said(&mut fauxmetal(&url, &["snapshot", "export", file.to_str().unwrap()]));
    assert!(text.contains("is incomplete") && text.ends_with("[exit code 1]\n"), "{text}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "the last one");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
