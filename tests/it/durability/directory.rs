//! State directories and snapshots, as their user meets them: locks, flags, copies and mistakes.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::kill::{Part, request, system_number};
use super::{BASIC, Daemon, serve};

#[test]
fn a_start_says_whether_the_fleet_was_stopped_or_killed() {
    let dir = tempfile::tempdir().unwrap();
    let (state, _) = with_fleet(dir.path());
    let flags = ["--state", &state, "--log", "warn"];
    let said = |signal: &str| {
        let mut child = serve(dir.path(), &flags).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let done = child.wait_with_output().unwrap();
        assert_eq!(done.status.code(), (signal == "-TERM").then_some(0));
        String::from_utf8(done.stderr).unwrap()
    };
    let killed = |said: String| said.contains("was not closed, as after a crash");
    assert!(killed(said("-TERM")), "the daemon before this one was killed");
    assert!(!killed(said("-KILL")), "the daemon before this one was stopped");
    assert!(!killed(said("-TERM")), "the daemon before this one was killed before it wrote anything");
}

/// Exit code, standard output and standard error.
fn run(command: &mut Command) -> (i32, String, String) {
    let done = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
}

fn snapshot(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fauxmetal"));
    command.arg("snapshot").args(arguments).env_clear();
    command
}

/// A state directory with a fleet of three nodes, and the path of the first system, which has an asset tag.
fn with_fleet(dir: &Path) -> (String, String) {
    let state = dir.join("state").to_str().unwrap().to_owned();
    let daemon = Daemon::start(dir, &["--state", &state, "--nodes", "3", "--seed", "ci"]);
    let mut client = daemon.client();
    let system = client.get("/redfish/v1/Systems")["Members"][0]["@odata.id"].as_str().unwrap().to_owned();
    let (method, path, body) = request(Part::System, 7, &system);
    assert_eq!(client.ask(method, &path, BASIC, &body).unwrap().status, 204);
    daemon.kill();
    (state, system)
}

#[test]
fn a_second_process_on_one_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state").to_str().unwrap().to_owned();
    let daemon = Daemon::start(dir.path(), &["--state", &state, "--nodes", "3"]);
    let in_use = format!(
        "fauxmetal: {state}: in use by another fauxmetal (process {}); stop that one, or give each a state directory of its \
         own\n",
        daemon.child.id()
    );
    assert_eq!(run(&mut serve(dir.path(), &["--state", &state])), (1, String::new(), in_use.clone()));
    assert_eq!(run(&mut snapshot(&["save", "x", "--state", &state])), (1, String::new(), in_use));
    // The first process still serves.
    daemon.client().get("/redfish/v1/Systems");
}

#[test]
fn a_directory_decides_what_its_fleet_is_and_flags_that_differ_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (state, system) = with_fleet(dir.path());
    let daemon = Daemon::start(dir.path(), &["--state", &state]);
    assert_eq!(
        system_number(&daemon.client().get(&system)),
        7,
        "the directory knows its fleet without flags"
    );
    daemon.kill();
    drop(Daemon::start(
        dir.path(),
        &["--state", &state, "--nodes", "3", "--seed", "ci", "--profile", "generic"],
    ));
    for (flags, said) in [
        (["--nodes", "4"], "--nodes: 4 nodes, and"),
        (["--seed", "2"], "--seed: seed 2, and"),
        (["--profile", "hpe-dl380-gen11"], "--profile: hpe-dl380-gen11, and"),
        (["--profile", "generic=5"], "--profile: 5 generic, and"),
    ] {
        let (code, out, err) = run(serve(dir.path(), &["--state", &state]).args(flags));
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(said) && err.contains(&state) && err.contains("holds a fleet with"), "{err}");
    }
}

#[test]
fn a_fleet_is_saved_copied_and_started_from_one_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (state, system) = with_fleet(dir.path());
    let file = dir.path().join("copy.snapshot").to_str().unwrap().to_owned();
    let ok = |arguments: &[&str], said: &str| {
        let (code, out, err) = run(snapshot(arguments).env("FAUXMETAL_STATE", &state));
        assert_eq!((code, err.as_str()), (0, ""), "{arguments:?}");
        assert_eq!(out.trim_end(), said, "{arguments:?}");
    };
    ok(&["list"], &format!("no snapshots in {state}"));
    ok(&["save", "one"], "saved 'one': 3 nodes, 1 of them not new");
    ok(&["export", "one", &file], "");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "only the owner may read it");
    ok(&["import", &file], "imported 'copy': 3 nodes, 1 of them not new");
    let (_, out, _) = run(snapshot(&["list", "-o", "json"]).env("FAUXMETAL_STATE", &state));
    let rows: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&rows[0]["name"], &rows[1]["name"]), (&json!("copy"), &json!("one")));
    assert_eq!(
        (&rows[1]["nodes"], &rows[1]["stored"], &rows[1]["error"]),
        (&json!(3), &json!(1), &Value::Null)
    );
    // A start from the file alone writes nothing but the certificates.
    let daemon = Daemon::start(dir.path(), &["--snapshot", &file]);
    assert_eq!(system_number(&daemon.client().get(&system)), 7);
    daemon.kill();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3, "certificates, state and the copy");
    // A start from the file with an empty state directory stores the fleet there. A directory with a fleet is refused.
    let other = dir.path().join("other").to_str().unwrap().to_owned();
    let daemon = Daemon::start(dir.path(), &["--snapshot", &file, "--state", &other]);
    let (method, path, body) = request(Part::System, 8, &system);
    assert_eq!(daemon.client().ask(method, &path, BASIC, &body).unwrap().status, 204);
    daemon.kill();
    let (code, _, err) = run(&mut serve(dir.path(), &["--snapshot", &file, "--state", &other]));
    assert_eq!(code, 2);
    assert!(
        err.contains("--snapshot: ") && err.contains("leave --snapshot out to continue that fleet"),
        "{err}"
    );
    let daemon = Daemon::start(dir.path(), &["--state", &other]);
    assert_eq!(system_number(&daemon.client().get(&system)), 8);
    daemon.kill();
    // The fleet of the file replaces the changed one.
    let (code, out, err) = run(&mut snapshot(&["import", &file, "begin", "--state", &other]));
    assert_eq!((code, out.contains("imported 'begin'")), (0, true), "{err}");
    let (code, out, err) = run(&mut snapshot(&["restore", "begin", "--state", &other]));
    assert_eq!((code, out.trim_end()), (0, "restored 'begin': 3 nodes, 1 of them not new"), "{err}");
    let daemon = Daemon::start(dir.path(), &["--state", &other]);
    assert_eq!(system_number(&daemon.client().get(&system)), 7);
}

#[test]
fn a_mistake_with_a_snapshot_is_reported_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (state, _) = with_fleet(dir.path());
    let said = |arguments: &[&str], code: i32| {
        let (was, out, err) = run(snapshot(arguments).env("FAUXMETAL_STATE", &state));
        assert_eq!((was, out.as_str()), (code, ""), "{arguments:?}: {err}");
        err
    };
    assert!(said(&["save", "../x"], 2).contains("'../x' is not a valid snapshot name"));
    assert!(said(&["restore", "x"], 2).contains("there is no snapshot 'x'; the directory has no snapshots"));
    assert!(
        said(&["export", "x", "-"], 2).contains("there is no snapshot 'x'; the directory has no snapshots")
    );
    let file = dir.path().join("bad").to_str().unwrap().to_owned();
    std::fs::write(&file, "no snapshot").unwrap();
    assert!(said(&["import", &file], 1).contains("/bad: "));
    let nowhere = dir.path().join("nowhere").to_str().unwrap().to_owned();
    assert!(said(&["save", "x", "--state", &nowhere], 1).contains("there is no such state directory"));
    let (code, _, err) = run(&mut serve(dir.path(), &["--snapshot", &file]));
    assert!(code == 1 && err.contains("/bad: "), "{err}");
}
