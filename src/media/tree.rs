//! What the two file systems have in common: directories with names, and small files to read.

use super::error::{MediaError, Stop};

/// Directories longer than this are refused. A directory of boot files takes one or two sectors.
pub(super) const MAX_DIRECTORY_BYTES: u64 = 256 * 1024;
/// Files longer than this are not read. Boot configurations and certificates are a few KiB.
pub(super) const MAX_FILE_BYTES: u64 = 128 * 1024;

/// A file or directory of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// First sector (ISO 9660) or cluster (FAT).
    pub(super) start: u32,
    /// Bytes.
    pub(super) size: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Directory,
    File,
    /// A symbolic link or a file of several extents: there, but not followed.
    Opaque,
}

/// One line of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The long name: Rock Ridge, Joliet or VFAT, where there is one.
    pub(super) name: String,
    /// The name of the bare file system, which boot loaders without the extension look up.
    pub(super) short: String,
    pub(super) node: Node,
}

impl Entry {
    /// Firmware and boot loaders look names up without regard to case.
    fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.short.eq_ignore_ascii_case(name)
    }
}

/// A file system that can be walked.
pub(super) trait Tree {
    fn root(&self) -> Node;
    /// The entries of a directory, without `.` and `..`.
    fn list(&self, directory: Node) -> Result<Vec<Entry>, Stop>;
    /// The bytes of a file that is known to be small.
    fn read(&self, file: Node, path: &str) -> Result<Vec<u8>, Stop>;

    /// Finds a path; empty parts of it are skipped.
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

    /// The entries of a directory, none if there is no such directory.
    fn list_path(&self, path: &str) -> Result<Vec<Entry>, Stop> {
        match self.find(path)? {
            Some(node) if node.kind == Kind::Directory => self.list(node),
            Some(_) | None => Ok(Vec::new()),
        }
    }

    /// A file, or none if there is no such file.
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

    /// A text file, or none if there is no such file. What is not UTF-8 in it is replaced.
    fn read_text(&self, path: &str) -> Result<Option<String>, Stop> {
        Ok(self.read_path(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }
}
