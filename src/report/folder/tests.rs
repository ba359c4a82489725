//! The files of a run, whole and cut off.

use std::io::Write as _;

use super::*;
use crate::report::Outcome;
use crate::report::testing::{facts, items, samples, summary};

fn append(folder: &Folder, name: &str, bytes: &[u8]) {
    let mut file = fs::OpenOptions::new().append(true).open(folder.file(name)).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn what_is_written_is_read_again() {
    let runs = tempfile::tempdir().unwrap();
    let (items, id) = (items("r1", 0..30), "r1");
    let samples = samples(id, &items, 5.0);
    let mut recorder = Folder::create(&runs.path().join("runs"), id, "groups: []\n").unwrap();
    items.iter().for_each(|item| recorder.item(item).unwrap());
    samples.iter().for_each(|sample| recorder.sample(sample).unwrap());
    let written = summary(id, &items, &samples);
    recorder.end(&written).unwrap();
    let folder = Folder::named(&runs.path().join("runs"), id).unwrap();
    assert_eq!(folder.plan().unwrap(), "groups: []\n");
    assert_eq!(folder.items().unwrap().collect::<Result<Vec<_>, _>>().unwrap(), items);
    assert_eq!(folder.samples().unwrap().collect::<Result<Vec<_>, _>>().unwrap(), samples);
    assert_eq!(folder.figures().unwrap(), written);
    assert_eq!(Folder::named(runs.path(), runs.path().join("runs/r1").to_str().unwrap()).unwrap(), folder);
    let track = fs::read_to_string(folder.file(TRACK)).unwrap();
    let lines: Vec<_> = track.lines().take(4).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    Time,Nodes,Provisioned,Error,Seconds,Phase,NotStarted,InFlight,Succeeded,Parked,Requests,PollRequests,PollSeconds,AgentRequests
    12:00:00,0,0,0,0.0,,30,0,0,0,0,0,0.000,0
    12:00:05,10,0,0,5.0,,20,10,0,0,20,4,0.100,31
    12:00:10,20,0,0,10.0,,10,20,0,0,40,10,0.200,62
    ");
}

#[test]
fn a_run_that_is_killed_is_read_up_to_its_last_whole_line() {
    let runs = tempfile::tempdir().unwrap();
    let items = items("r1", 0..10);
    let samples = samples("r1", &items, 5.0);
    let mut recorder = Folder::create(runs.path(), "r1", "").unwrap();
    recorder.summary(&Summary::new(facts("r1"))).unwrap();
    items.iter().for_each(|item| recorder.item(item).unwrap());
    samples.iter().for_each(|sample| recorder.sample(sample).unwrap());
    let folder = recorder.folder().clone();
    drop(recorder);
    let whole = folder.figures().unwrap();
    assert_eq!((whole.outcome, whole.items().total(), whole.warnings.len()), (Outcome::Running, 10, 0));
    let next = serde_json::to_vec(&items[0]).unwrap();
    // Every place at which a write can be cut off.
    for cut in [1, 2, next.len() / 2, next.len() - 1] {
        let length = fs::metadata(folder.file(ITEMS)).unwrap().len();
        append(&folder, ITEMS, &next[..cut]);
        let read = folder.figures().unwrap();
        assert_eq!((&read.operations, read.warnings.len()), (&whole.operations, 1));
        assert!(read.warnings[0].contains("items.ndjson"));
        fs::OpenOptions::new().write(true).open(folder.file(ITEMS)).unwrap().set_len(length).unwrap();
    }
    // Without any summary, the items say which run it is.
    fs::remove_file(folder.file(SUMMARY)).unwrap();
    let read = folder.figures().unwrap();
    assert_eq!((read.facts.id.as_str(), read.facts.start.as_str()), ("r1", "2026-01-31T12:00:00Z"));
    assert_eq!((read.operations, read.runs["r1"].items), (whole.operations, whole.runs["r1"].items));
}

#[test]
fn a_wrong_line_is_named() {
    let runs = tempfile::tempdir().unwrap();
    let recorder = Folder::create(runs.path(), "r1", "").unwrap();
    let folder = recorder.folder();
    append(folder, SAMPLES, b"{\"at\": 1}\n{\"at\": \"soon\"}\n{\"at\": 2}\n");
    let read: Vec<_> = folder.samples().unwrap().collect();
    assert_eq!(read.len(), 2, "nothing is read after a mistake");
    let said = read[1].as_ref().unwrap_err().to_string();
    assert!(
        said.ends_with("samples.ndjson:2: invalid type: string \"soon\", expected f64, in column 13"),
        "{said}"
    );
    append(folder, ITEMS, &vec![b' '; lines::MAX_LINE as usize + 2]);
    let said = folder.items().unwrap().next().unwrap().unwrap_err().to_string();
    assert!(said.ends_with("items.ndjson:1: the line has more than 1048576 bytes"), "{said}");
}

#[test]
fn a_run_is_never_overwritten_and_has_the_name_of_a_folder() {
    let runs = tempfile::tempdir().unwrap();
    Folder::create(runs.path(), "r1", "").unwrap();
    let said = Folder::create(runs.path(), "r1", "").unwrap_err().to_string();
    assert!(said.ends_with("r1 exists already; the files of a run are not overwritten"), "{said}");
    for id in ["", "..", "a/b", "-x", ".x", "ä", "a b", &"x".repeat(101)] {
        assert!(
            Folder::create(runs.path(), id, "").unwrap_err().to_string().contains("is no id of a run"),
            "{id}"
        );
    }
    assert!(
        matches!(Folder::named(runs.path(), "r2"), Err(Error::NoRun(path)) if path == runs.path().join("r2"))
    );
}

#[test]
fn a_summary_of_another_format_is_refused() {
    let runs = tempfile::tempdir().unwrap();
    let recorder = Folder::create(runs.path(), "r1", "").unwrap();
    let folder = recorder.folder();
    for (text, why) in [
        (r#"{"format": 2}"#, "format 2 is not known to this version, which reads format 1"),
        (r#"{"format": 1}"#, "missing field"),
        ("x", "expected value"),
    ] {
        fs::write(folder.file(SUMMARY), text).unwrap();
        let said = folder.stored().unwrap_err().to_string();
        assert!(said.contains("summary.json: ") && said.contains(why), "{said}");
    }
}

/// The runs that the tests of the command line and the documentation read. `INSTA_UPDATE=always` writes them again.
#[test]
fn the_committed_runs_are_those_of_this_version() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures/runs");
    let runs = tempfile::tempdir().unwrap();
    for (run, slower) in [("before", 1.0), ("after", 1.25)] {
        crate::report::testing::write(runs.path(), run, slower);
        for name in [PLAN, ITEMS, SAMPLES, TRACK, SUMMARY] {
            let (written, file) = (
                fs::read_to_string(runs.path().join(run).join(name)).unwrap(),
                committed.join(run).join(name),
            );
            if std::env::var_os("INSTA_UPDATE").is_some_and(|value| value == "always") {
                fs::create_dir_all(committed.join(run)).unwrap();
                fs::write(&file, &written).unwrap();
            }
            assert!(
                fs::read_to_string(&file).unwrap() == written,
                "{} is not that of this version",
                file.display()
            );
        }
    }
}
