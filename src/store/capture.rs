//! Snapshots of a running fleet. Requests go on meanwhile, so each node is shown at a moment of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Seek as _, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::error::StoreError;
use super::record::{StoredFleet, StoredModel};
use super::snapshot::{First, Header, Line, free_place, synced, too_long};
use super::writer::{MAX_LINE_BYTES, Writer};
use crate::file::{PRIVATE, Replacement};
use crate::fleet::Fleet;

/// The states of all nodes that differ from new nodes, in a temporary file that goes with this value.
///
/// The first line of a snapshot has the number of nodes and the removed ones. They are known after the last node only.
pub struct Capture {
    lines: File,
    header: Header,
}

impl Capture {
    /// Writes each node's state to a temporary file in `directory`. The first `configured` models of the fleet are those of its
    /// configuration.
    ///
    /// # Errors
    /// If the file cannot be written, or the state of a node is too long for a snapshot.
    pub fn take(
        fleet: &Fleet,
        configured: usize,
        directory: &Path,
        created_ms: u64,
    ) -> Result<Self, StoreError> {
        let wrong = |error| StoreError::io(directory)(error);
        let file = tempfile::tempfile_in(directory).map_err(wrong)?;
        let mut out = GzEncoder::new(BufWriter::new(file), Compression::fast());
        let (mut stored, mut line) = (0, Vec::new());
        let mut index = 0;
        // Nodes that are added meanwhile are captured as well.
        while index < fleet.next_index() {
            let id = crate::node::NodeId(index);
            index += 1;
            line.clear();
            let differs = fleet.look(id, |node, _| {
                let differs = !node.state().is_new();
                if differs {
                    serde_json::to_writer(&mut line, &Line::of(id, node.state()))
                        .expect("a state is valid JSON, and writing to memory does not fail");
                }
                differs
            });
            if differs != Some(true) {
                continue;
            }
            line.push(b'\n');
            if line.len() > MAX_LINE_BYTES {
                let error = std::io::ErrorKind::FileTooLarge.into();
                return Err(too_long(id, line.len(), &error).unwrap_or_else(|| wrong(error)));
            }
            out.write_all(&line).map_err(wrong)?;
            stored += 1;
        }
        let file = out.finish().and_then(|out| out.into_inner().map_err(std::io::IntoInnerError::into_error));
        let mut lines = file.map_err(wrong)?;
        lines.rewind().map_err(wrong)?;
        let header = Header::new(created_ms, fleet.clock().now(), describe(fleet, configured), stored);
        Ok(Self { lines, header })
    }

    /// Writes the snapshot.
    ///
    /// # Errors
    /// If `out` fails.
    pub fn write<W: Write>(&self, out: W) -> std::io::Result<W> {
        let mut out = Writer::new(out);
        out.line(&First { fauxmetal_snapshot: &self.header })?;
        let mut lines = &self.lines;
        lines.rewind()?;
        let mut lines = BufReader::new(GzDecoder::new(BufReader::new(lines)));
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            out.made_line(&line)?;
            line.clear();
        }
        out.finish(self.header.stored)
    }

    /// Saves the snapshot `name` in a state directory.
    ///
    /// # Errors
    /// If the snapshot exists and `replace` is not set, or the file cannot be written.
    pub fn save(&self, directory: &Path, name: &str, replace: bool) -> Result<&Header, StoreError> {
        let place = free_place(directory, name, replace)?;
        let (new, file) = Replacement::create(&place, PRIVATE).map_err(StoreError::io(&place))?;
        let written = self.write(BufWriter::new(file)).and_then(synced);
        written.map_err(StoreError::io(new.path()))?;
        new.put_in_place().map_err(StoreError::io(&place))?;
        Ok(&self.header)
    }
}

fn describe(fleet: &Fleet, configured: usize) -> StoredFleet {
    let (runs, removed) = fleet.history();
    let mut models = StoredModel::all(&runs, 0);
    let added = models.split_off(configured.min(models.len()));
    StoredFleet { seed: fleet.seed(), models, added, removed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::dmtf::ResetType;
    use crate::node::NodeId;
    use crate::node::command::Command;
    use crate::node::host;
    use crate::profile::built_in;
    use crate::seed::Seed;
    use crate::store::snapshot::Reader;
    use crate::time::SimTime;

    #[test]
    fn a_running_fleet_is_captured_with_added_and_removed_nodes() {
        let (fleet, _effects) = Fleet::new(Seed(5), Clock::by_hand(SimTime::from_ms(1_000_000)));
        let generic = built_in("generic").unwrap();
        fleet.add(&generic, 3).unwrap();
        fleet.add(&built_in("hpe-dl380-gen11").unwrap(), 1).unwrap();
        fleet.add(&generic, 2).unwrap();
        for index in [1, 4] {
            let on = Command::Host(host::Command::Reset(ResetType::On));
            fleet.apply(NodeId(index), on).unwrap().unwrap();
        }
        fleet.remove(NodeId(2));
        let dir = tempfile::tempdir().unwrap();
        let capture = Capture::take(&fleet, 2, dir.path(), 7).unwrap();
        // Later changes are not a part of it.
        fleet.remove(NodeId(1));
        let header = capture.save(dir.path(), "a", false).unwrap();
        assert!(matches!(capture.save(dir.path(), "a", false), Err(StoreError::Refused(_))));
        capture.save(dir.path(), "a", true).unwrap();
        let model = |profile: &str, count| StoredModel { profile: profile.to_owned(), count, systems: None };
        assert_eq!(header.fleet.models, [model("generic", 3), model("hpe-dl380-gen11", 1)]);
        assert_eq!((&*header.fleet.added, &*header.fleet.removed), (&[model("generic", 2)][..], &[2][..]));
        let reader = Reader::open(&crate::store::snapshot::file_of(dir.path(), "a")).unwrap();
        assert_eq!(reader.header(), header);
        let nodes = reader.nodes(0).unwrap();
        assert_eq!(nodes.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [1, 4]);
        let live = fleet.look(NodeId(4), |node, _| node.state().clone()).unwrap();
        assert_eq!(nodes[1].1, live);
        let left: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["snapshots"], "the temporary file has no name");
    }
}
