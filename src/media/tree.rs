//! The common interface of the two file systems: directories, and small files.

use super::error::{MediaError, Stop};

/// The maximum size of a directory. A directory of boot files has one or two sectors.
pub(super) const MAX_DIRECTORY_BYTES: u64 = 256 * 1024;
/// The maximum size of a file that is read. Boot configurations and certificates have a few KiB.
pub(super) const MAX_FILE_BYTES: u64 = 128 * 1024;

/// Steps of a directory entry, beside those of its bytes: the texts of its names, and a comparison.
pub(super) const ENTRY_STEPS: usize = 96;

/// A file or directory of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// The first sector (ISO 9660) or cluster (FAT).
    pub(super) start: u32,
    /// In bytes.
    pub(super) size: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File,
    /// A symbolic link or a file of several extents. It exists, but is not read.
    Opaque,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The long name (Rock Ridge, Joliet or VFAT), or else the short name.
    pub(super) name: String,
    /// The name in the basic file system. Boot loaders that do not know the extension use it.
    pub(super) short: String,
    pub(super) node: Node,
}

impl Entry {
    /// Firmware and boot loaders compare names without regard to case.
    fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.short.eq_ignore_ascii_case(name)
    }
}

pub(super) trait Tree {
    fn root(&self) -> Node;
    /// The entries of a directory, without `.` and `..`.
    fn list(&self, directory: Node) -> Result<Vec<Entry>, Stop>;
    /// The bytes of a file. The caller has checked that it is small.
    fn read(&self, file: Node, path: &str) -> Result<Vec<u8>, Stop>;

    /// Finds a path. Empty parts of the path are skipped.
    fn find(&self, path: &str) -> Result<Option<Node>, Stop> {
        let mut node = self.root();
        for part in path.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".") {
            match node.kind {
                Kind::Directory => {}
                Kind::Opaque => return Ok(Some(node)),
                Kind::File => return Ok(None),
            }
            match self.list(node)?.into_iter().find(|entry| entry.is_named(part)) {
                Some(entry) => node = entry.node,
                None => return Ok(None),
            }
        }
        Ok(Some(node))
    }

    /// The entries of a directory; empty if it does not exist.
    fn list_path(&self, path: &str) -> Result<Vec<Entry>, Stop> {
        match self.find(path)? {
            Some(node) if node.kind == Kind::Directory => self.list(node),
            Some(_) | None => Ok(Vec::new()),
        }
    }

    /// The bytes of a file; `None` if it does not exist.
    fn read_path(&self, path: &str) -> Result<Option<Vec<u8>>, Stop> {
        let Some(node) = self.find(path)? else { return Ok(None) };
        if node.kind != Kind::File {
            return Ok(None);
        }
        if u64::from(node.size) > MAX_FILE_BYTES {
            let (size, limit) = (node.size.into(), MAX_FILE_BYTES);
            return Err(MediaError::TooLarge { what: path.to_owned(), size, limit }.into());
        }
        self.read(node, path).map(Some)
    }

    /// The text of a file; `None` if it does not exist. Invalid UTF-8 is replaced.
    fn read_text(&self, path: &str) -> Result<Option<String>, Stop> {
        Ok(self.read_path(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}
