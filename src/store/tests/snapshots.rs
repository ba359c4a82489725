//! Snapshots: what they hold, and how damage to them is found.

use super::*;
use crate::node::State;

/// A directory with a snapshot `one` of a fleet whose node 3 is being powered on, at T0.
async fn with_snapshot() -> (TempDir, Directory) {
    let dir = tempfile::tempdir().unwrap();
    let directory = hold(&dir);
    let (fleet, keeper) = kept(&directory);
    tell(&fleet, 2, tag("rack 7")).await.unwrap();
    tell(&fleet, 3, Command::Host(host::Command::Reset(ResetType::On))).await.unwrap();
    keeper.stop().unwrap();
    let store = Store::open(&directory).unwrap().unwrap();
    let header = snapshot::save(&directory, &store, "one", false, 77).unwrap();
    assert_eq!((header.stored, header.created_ms, header.time_ms), (2, 77, T0.ms()));
    (dir, directory)
}

#[tokio::test]
async fn a_snapshot_goes_on_from_where_it_was() {
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
    assert_eq!((store.held(), store.time()), (&held(), T0.after_ms(60_000)));
    let mut nodes = Vec::new();
    store
        .nodes(|id, state| {
            nodes.push((id.0, deadline(state)));
            Ok(())
        })
        .unwrap();
    assert_eq!(nodes, [(2, SimTime::NEVER), (3, was.after_ms(60_000))], "no time has passed for it");
    assert!(was > T0 && was != SimTime::NEVER);
}

fn deadline(state: State) -> SimTime {
    crate::node::Node::restore(NodeId(0), Seed(5), built_in("generic").unwrap(), state).next_deadline()
}

#[tokio::test]
async fn a_damaged_snapshot_is_found_out_wherever_it_is_damaged() {
    let (dir, directory) = with_snapshot().await;
    let file = snapshot::file_of(dir.path(), "one");
    let whole = std::fs::read(&file).unwrap();
    let bad = dir.path().join("bad");
    let refused = |bytes: &[u8], what: &str| {
        std::fs::write(&bad, bytes).unwrap();
        let said = Reader::open(&bad).and_then(|r| r.nodes(0)).unwrap_err().to_string();
        let advised = said.contains("use another copy") || said.contains("use the version that wrote it");
        assert!(said.contains("/bad: ") && advised, "{what}: {said}");
        let mut source = bytes;
        assert!(snapshot::import(&directory, &mut source, &bad, "two", false).is_err());
    };
    refused(b"", "empty");
    refused(b"what is this", "garbage");
    for part in 1..10 {
        refused(&whole[..whole.len() * part / 10], "cut");
    }
    // Beyond the ten bytes of gzip's header, of which some mean nothing; and so do some bits at the end of its data.
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
    refused(&[whole.as_slice(), &gzip("{}\n")].concat(), "something after the end");
    assert_eq!(snapshot::list(dir.path()).unwrap().len(), 1, "nothing of them is left");
}

#[tokio::test]
async fn nodes_of_a_snapshot_are_in_order_and_of_its_fleet() {
    let (dir, _directory) = with_snapshot().await;
    let mut text = String::new();
    let whole = std::fs::File::open(snapshot::file_of(dir.path(), "one")).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(whole), &mut text).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let file = dir.path().join("other");
    let said = |lines: &[&str]| {
        std::fs::write(&file, gzip(&(lines.join("\n") + "\n"))).unwrap();
        Reader::open(&file).and_then(|r| r.nodes(0)).unwrap_err().to_string()
    };
    assert!(said(&[lines[0], lines[1], lines[1]]).contains("line 3: node 2 is out of order"));
    let far = lines[2].replace("\"node\":3", "\"node\":10");
    assert!(said(&[lines[0], lines[1], &far]).contains("line 3: node 10 of a fleet of 10"));
    assert!(said(&[lines[0], lines[1], lines[3]]).contains("its hash is not that of its lines"));
}

pub(super) fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

#[tokio::test]
async fn a_snapshot_of_a_later_version_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("later");
    std::fs::write(&file, gzip("{\"fauxmetal_snapshot\":{\"format\":3,\"what\":[]}}\n")).unwrap();
    let said = Reader::open(&file).err().unwrap().to_string();
    assert!(said.contains("later: its format is 3, and this fauxmetal reads up to 2"), "{said}");
}

#[tokio::test]
async fn a_snapshot_is_not_replaced_unless_asked() {
    let (dir, directory) = with_snapshot().await;
    let store = Store::open(&directory).unwrap().unwrap();
    let said = snapshot::save(&directory, &store, "one", false, 78).unwrap_err().to_string();
    assert!(said.contains("there is a snapshot 'one' already; --force replaces it"), "{said}");
    snapshot::save(&directory, &store, "one", true, 79).unwrap();
    let header = Reader::open(&snapshot::file_of(dir.path(), "one")).unwrap().header().clone();
    assert_eq!(header.created_ms, 79);
}

#[test]
fn names_of_snapshots_are_names_of_files_and_nothing_else() {
    for good in ["a", "1000-available", "v1.2_x", &"x".repeat(64)] {
        assert_eq!(snapshot::name(good), Ok(good));
    }
    for bad in ["", ".", "..", "../x", "a/b", "-x", ".hidden", "a b", "ä", &"x".repeat(65)] {
        assert!(snapshot::name(bad).unwrap_err().contains(&format!("'{bad}' is no name")), "{bad}");
    }
}
