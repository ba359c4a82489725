//! Tests of snapshots: their content, and the detection of damage.

use super::*;
use crate::node::State;

/// A directory with a snapshot `one`, saved at T0 while node 3 is powering on.
async fn with_snapshot() -> (TempDir, Directory) {
    let dir = tempfile::tempdir().unwrap();
    let directory = locked_dir(&dir);
    let (fleet, keeper) = stored_in(&directory);
    apply(&fleet, 2, tag("rack 7")).await.unwrap();
    apply(&fleet, 3, Command::Host(host::Command::Reset(ResetType::On))).await.unwrap();
    keeper.stop().unwrap();
    let store = Store::open(&directory).unwrap().unwrap();
    let header = snapshot::save(&directory, &store, "one", false, 77).unwrap();
    assert_eq!((header.stored, header.created_ms, header.time_ms), (2, 77, T0.ms()));
    (dir, directory)
}

#[tokio::test]
async fn a_restored_snapshot_continues_as_if_no_time_had_passed() {
    let (dir, directory) = with_snapshot().await;
    let file = snapshot::file_of(dir.path(), "one");
    assert_eq!(snapshot::list(dir.path()).unwrap(), [("one".to_owned(), file.clone())]);
    let store = Store::open(&directory).unwrap().unwrap();
    let mut was = SimTime::NEVER;
    store
        .nodes(|id, state| {
            if id.0 == 3 {
                was = deadline(state);
            }
            Ok(())
        })
        .unwrap();
    drop(store);
    let store = snapshot::restore(&directory, Reader::open(&file).unwrap(), T0.after_ms(60_000)).unwrap();
    assert_eq!((store.fleet(), store.time()), (&stored_fleet(), T0.after_ms(60_000)));
    let mut nodes = Vec::new();
    store
        .nodes(|id, state| {
            nodes.push((id.0, deadline(state)));
            Ok(())
        })
        .unwrap();
    assert_eq!(
        nodes,
        [(2, SimTime::NEVER), (3, was.after_ms(60_000))],
        "the deadline has moved with the clock"
    );
    assert!(was > T0 && was != SimTime::NEVER);
}

fn deadline(state: State) -> SimTime {
    crate::node::Node::restore(NodeId(0), Seed(5), built_in("generic").unwrap(), state).next_deadline()
}

#[tokio::test]
async fn damage_anywhere_in_a_snapshot_is_detected() {
    let (dir, directory) = with_snapshot().await;
    let file = snapshot::file_of(dir.path(), "one");
    let whole = std::fs::read(&file).unwrap();
    let bad = dir.path().join("bad");
    let refused = |bytes: &[u8], what: &str| {
        std::fs::write(&bad, bytes).unwrap();
        let error = Reader::open(&bad).and_then(|r| r.nodes(0)).unwrap_err().to_string();
        let advised =
            error.contains("use another copy") || error.contains("use the fauxmetal version that wrote it");
        assert!(error.contains("/bad: ") && advised, "{what}: {error}");
        let mut source = bytes;
        assert!(snapshot::import(&directory, &mut source, &bad, "two", false).is_err());
    };
    refused(b"", "empty");
    refused(b"what is this", "garbage");
    for part in 1..10 {
        refused(&whole[..whole.len() * part / 10], "cut");
    }
    // The first ten bytes are gzip's header and are skipped, because some of them have no meaning. Some bits at the end
    // of the compressed data have no meaning either.
    let nodes = Reader::open(&file).and_then(|r| r.nodes(0)).unwrap();
    let mut harmless = 0;
    for at in (10..whole.len()).step_by(3) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&bad, &bytes).unwrap();
        match Reader::open(&bad).and_then(|r| r.nodes(0)) {
            Ok(same) => {
                harmless += 1;
                assert_eq!(same, nodes, "byte {at}");
            }
            Err(_) => refused(&bytes, &format!("byte {at}")),
        }
    }
    assert!(harmless <= 1);
    refused(&[whole.as_slice(), &gzip("{}\n")].concat(), "bytes after the end");
    assert_eq!(snapshot::list(dir.path()).unwrap().len(), 1, "refused imports leave no snapshot behind");
}

#[tokio::test]
async fn nodes_of_a_snapshot_must_be_in_order_and_in_its_fleet() {
    let (dir, _directory) = with_snapshot().await;
    let mut text = String::new();
    let whole = std::fs::File::open(snapshot::file_of(dir.path(), "one")).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(whole), &mut text).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let file = dir.path().join("other");
    let read_error = |lines: &[&str]| {
        std::fs::write(&file, gzip(&(lines.join("\n") + "\n"))).unwrap();
        Reader::open(&file).and_then(|r| r.nodes(0)).unwrap_err().to_string()
    };
    assert!(read_error(&[lines[0], lines[1], lines[1]]).contains("line 3: node 2 is out of order"));
    let far = lines[2].replace("\"node\":3", "\"node\":10");
    assert!(
        read_error(&[lines[0], lines[1], &far])
            .contains("line 3: it contains node 10, but its fleet has only 10 nodes")
    );
    assert!(
        read_error(&[lines[0], lines[1], lines[3]])
            .contains("its hash or its number of nodes does not match its lines")
    );
}

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

#[tokio::test]
async fn a_snapshot_with_another_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("later");
    for format in [0, FORMAT + 1] {
        let header = format!("{{\"fauxmetal_snapshot\":{{\"format\":{format},\"what\":[]}}}}\n");
        std::fs::write(&file, gzip(&header)).unwrap();
        let error = Reader::open(&file).err().unwrap().to_string();
        let expected = format!(
            "later: its format is {format}, and this fauxmetal reads formats 1 to {FORMAT}; use the fauxmetal version"
        );
        assert!(error.contains(&expected), "{error}");
    }
}

#[tokio::test]
async fn a_snapshot_is_replaced_only_with_force() {
    let (dir, directory) = with_snapshot().await;
    let store = Store::open(&directory).unwrap().unwrap();
    let error = snapshot::save(&directory, &store, "one", false, 78).unwrap_err().to_string();
    assert!(error.contains("a snapshot 'one' already exists; use --force to replace it"), "{error}");
    snapshot::save(&directory, &store, "one", true, 79).unwrap();
    let header = Reader::open(&snapshot::file_of(dir.path(), "one")).unwrap().header().clone();
    assert_eq!(header.created_ms, 79);
}

#[test]
fn a_snapshot_name_is_a_plain_file_name() {
    for good in ["a", "1000-available", "v1.2_x", &"x".repeat(64)] {
        assert_eq!(snapshot::name(good), Ok(good));
    }
    for bad in ["", ".", "..", "../x", "a/b", "-x", ".hidden", "a b", "ä", &"x".repeat(65)] {
        assert!(snapshot::name(bad).unwrap_err().contains(&format!("'{bad}' is not a valid")), "{bad}");
    }
}

#[tokio::test]
async fn a_time_without_a_bound_and_a_relative_profile_are_refused() {
    use std::io::{Read as _, Write as _};
    let (dir, _directory) = with_snapshot().await;
    let file = snapshot::file_of(dir.path(), "one");
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(&file).unwrap()).read_to_string(&mut text).unwrap();
    let time = format!("\"time_ms\":{}", T0.ms());
    for (from, to, problem) in [
        (time.as_str(), "\"time_ms\":18446744073709551615", "its 'time_ms' is 18446744073709551615; at most"),
        (
            "\"created_ms\":77",
            "\"created_ms\":253370764800001",
            "its 'created_ms' is 253370764800001; at most",
        ),
        ("\"generic\"", "\"../generic\"", "its profile '../generic' is a relative path"),
        ("\"generic\"", "\"./generic\"", "its profile './generic' is a relative path"),
    ] {
        assert!(text.contains(from), "{from} is not in {text}");
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(text.replacen(from, to, 1).as_bytes()).unwrap();
        std::fs::write(&file, out.finish().unwrap()).unwrap();
        let error = Reader::open(&file).err().unwrap().to_string();
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn a_lock_that_is_a_link_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let victim = dir.path().join("victim");
    std::fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, dir.path().join("lock")).unwrap();
    let error = Directory::lock(dir.path(), true).unwrap_err().to_string();
    assert!(error.contains("lock: it is a symbolic link"), "{error}");
    assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
}
