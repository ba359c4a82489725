//! ISO 9660 (ECMA-119) with Rock Ridge (IEEE P1282) and Joliet names, as far as finding small files needs.
//!
//! Written here rather than taken from a crate: those that were tried read whole path tables first, ask for the end of
//! the image before they read a file, or bring a mount daemon or twenty crates; four record layouts do not need that.

use super::error::{MediaError, Stop, malformed};
use super::sparse::Sparse;
use super::tree::{Entry, Kind, MAX_DIRECTORY_BYTES, Node, Tree};

/// The logical sector, and with nearly every writer also the logical block. Other block sizes are refused.
pub(super) const SECTOR_BYTES: u64 = 2048;
/// Sectors 0 to 15 are the system area (ECMA-119 section 6.2.1).
const FIRST_DESCRIPTOR: u64 = 16;
/// Volume descriptors looked at before the set is called endless. Real images have three to five.
const MAX_DESCRIPTORS: u64 = 32;
/// Continuation areas followed for the name of one entry.
const MAX_CONTINUATIONS: usize = 4;
/// Bytes of one name; longer Rock Ridge names are cut.
const MAX_NAME_BYTES: usize = 1024;

/// An opened ISO 9660 image.
#[derive(Debug)]
pub(super) struct Iso<'a> {
    image: &'a Sparse,
    /// Volume identifier of the primary volume descriptor.
    pub(super) label: String,
    /// First sector of the El Torito boot catalog, if there is one.
    pub(super) boot_catalog: Option<u32>,
    root: Node,
    names: Names,
}

/// Where the long names are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Plain,
    /// In the system use area, after this many bytes of it.
    RockRidge {
        skip: usize,
    },
    /// The directories are in UCS-2.
    Joliet,
}

impl<'a> Iso<'a> {
    /// Opens the image, or says that it is none.
    pub(super) fn open(image: &'a Sparse) -> Result<Option<Self>, Stop> {
        let first = FIRST_DESCRIPTOR * SECTOR_BYTES;
        if !image.reaches(first + SECTOR_BYTES) || image.bytes(first + 1, 5, "the system area")? != *b"CD001"
        {
            return Ok(None);
        }
        let (mut primary, mut joliet, mut boot_catalog) = (None, None, None);
        for number in 0..MAX_DESCRIPTORS {
            let at = first + number * SECTOR_BYTES;
            let sector = image.bytes(at, SECTOR_BYTES as usize, "the volume descriptor set")?;
            if sector[1..6] != *b"CD001" {
                return Err(malformed(
                    format!("volume descriptor {number}"),
                    format_args!("identifier {:?}", String::from_utf8_lossy(&sector[1..6])),
                    "CD001, or a terminator before it",
                ));
            }
            match sector[0] {
                0 if sector[7..].starts_with(b"EL TORITO SPECIFICATION") => {
                    boot_catalog.get_or_insert(u32_at(&sector, 71));
                }
                1 if primary.is_none() => primary = Some(sector),
                2 if is_joliet(&sector) => joliet = Some(sector),
                255 => break,
                _ => {}
            }
        }
        let primary =
            primary.ok_or_else(|| malformed("the volume descriptor set", "none", "a primary one"))?;
        Self::with_descriptors(image, &primary, joliet.as_deref(), boot_catalog).map(Some)
    }

    fn with_descriptors(
        image: &'a Sparse,
        primary: &[u8],
        joliet: Option<&[u8]>,
        boot_catalog: Option<u32>,
    ) -> Result<Self, Stop> {
        let block = u64::from(u16_at(primary, 128));
        if block != SECTOR_BYTES {
            return Err(malformed(
                "the primary volume descriptor",
                format_args!("{block}-byte blocks"),
                "2048",
            ));
        }
        let root = root_of(primary)?;
        let rock_ridge = rock_ridge_skip(image, root)?;
        let (root, names) = match (rock_ridge, joliet) {
            (Some(skip), _) => (root, Names::RockRidge { skip }),
            (None, Some(joliet)) => (root_of(joliet)?, Names::Joliet),
            (None, None) => (root, Names::Plain),
        };
        let label = text(&primary[40..72]);
        Ok(Self { image, label, boot_catalog, root, names })
    }

    /// The bytes of a directory or file.
    fn extent(&self, node: Node, what: &str) -> Result<Vec<u8>, Stop> {
        self.image.bytes(u64::from(node.start) * SECTOR_BYTES, node.size as usize, what)
    }

    fn entry(&self, record: &Record<'_>) -> Result<Entry, Stop> {
        let joliet = self.names == Names::Joliet;
        let short =
            if joliet { ucs2(record.name) } else { String::from_utf8_lossy(record.name).into_owned() };
        let short = short.split(';').next().unwrap_or_default().trim_end_matches('.').to_owned();
        let mut node = record.node;
        let mut name = short.clone();
        if let Names::RockRidge { skip } = self.names {
            let extra = rock_ridge(self.image, record.system_use.get(skip..).unwrap_or_default())?;
            if !extra.name.is_empty() {
                name = String::from_utf8_lossy(&extra.name).into_owned();
            }
            if extra.link {
                node.kind = Kind::Opaque;
            }
        }
        Ok(Entry { name, short, node })
    }
}

impl Tree for Iso<'_> {
    fn root(&self) -> Node {
        self.root
    }

    fn list(&self, directory: Node) -> Result<Vec<Entry>, Stop> {
        let size = u64::from(directory.size);
        if size > MAX_DIRECTORY_BYTES {
            let what = format!("the directory at sector {}", directory.start);
            return Err(MediaError::TooLarge { what, size, limit: MAX_DIRECTORY_BYTES }.into());
        }
        let bytes = self.extent(directory, "a directory")?;
        let mut entries = Vec::new();
        for sector in bytes.chunks(SECTOR_BYTES as usize) {
            let mut rest = sector;
            // A record never crosses a sector; a zero length says that the rest of the sector is empty.
            while let Some(length) = rest.first().copied().filter(|length| *length != 0) {
                let Some(record) = rest.get(..usize::from(length)) else {
                    return Err(malformed(
                        "a directory record",
                        format_args!("{length} bytes"),
                        "its sector's end",
                    ));
                };
                let record = Record::parse(record)?;
                // Named 0 and 1 are the directory itself and its parent.
                if !matches!(record.name, [0 | 1]) {
                    entries.push(self.entry(&record)?);
                }
                rest = &rest[usize::from(length)..];
            }
        }
        Ok(entries)
    }

    fn read(&self, file: Node, path: &str) -> Result<Vec<u8>, Stop> {
        self.extent(file, path)
    }
}

/// A directory record (ECMA-119 section 9.1).
#[derive(Debug)]
struct Record<'r> {
    node: Node,
    name: &'r [u8],
    system_use: &'r [u8],
}

impl<'r> Record<'r> {
    fn parse(bytes: &'r [u8]) -> Result<Self, Stop> {
        let name_bytes = bytes.get(32).map_or(0, |length| usize::from(*length));
        let name = bytes.get(33..33 + name_bytes).filter(|name| !name.is_empty()).ok_or_else(|| {
            malformed(
                "a directory record",
                format_args!("{} bytes", bytes.len()),
                "34 or more, name included",
            )
        })?;
        // The name is padded so that the system use area starts at an even byte.
        let system_use = bytes.get((33 + name_bytes).next_multiple_of(2)..).unwrap_or_default();
        let flags = bytes[25];
        let kind = match flags {
            _ if flags & 0x02 != 0 => Kind::Directory,
            // Several extents, or interleaved units: nothing that a boot file has.
            _ if flags & 0x80 != 0 || bytes[26] != 0 => Kind::Opaque,
            _ => Kind::File,
        };
        let start = u32_at(bytes, 2).saturating_add(u32::from(bytes[1]));
        Ok(Self { node: Node { kind, start, size: u32_at(bytes, 10) }, name, system_use })
    }
}

fn root_of(descriptor: &[u8]) -> Result<Node, Stop> {
    let node = Record::parse(&descriptor[156..190])?.node;
    if node.kind != Kind::Directory {
        return Err(malformed("the root directory record", "a file", "a directory"));
    }
    Ok(node)
}

/// UCS-2 level 1 to 3 (the Joliet specification, "SVD Escape Sequences").
fn is_joliet(descriptor: &[u8]) -> bool {
    matches!(&descriptor[88..91], b"%/@" | b"%/C" | b"%/E")
}

/// Whether the system use sharing protocol is in use, and how many bytes of each area it leaves to others: the `SP`
/// entry of the root directory's own record (IEEE P1281 section 5.3).
fn rock_ridge_skip(image: &Sparse, root: Node) -> Result<Option<usize>, Stop> {
    let start = u64::from(root.start) * SECTOR_BYTES;
    let length = image.bytes(start, 1, "the root directory")?[0];
    let bytes = image.bytes(start, length.into(), "the root directory")?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let record = Record::parse(&bytes)?;
    Ok(match record.system_use {
        [b'S', b'P', length, 1, 0xbe, 0xef, skip, ..] if *length >= 7 => Some((*skip).into()),
        _ => None,
    })
}

/// What Rock Ridge says of one entry.
#[derive(Debug, Default)]
struct RockRidge {
    name: Vec<u8>,
    link: bool,
}

/// Reads the `NM`, `SL` and `RE`/`CL` entries of a system use area and its continuations (IEEE P1282 section 4.1).
fn rock_ridge(image: &Sparse, area: &[u8]) -> Result<RockRidge, Stop> {
    let mut found = RockRidge::default();
    let mut area = area.to_vec();
    for _ in 0..=MAX_CONTINUATIONS {
        let mut next = None;
        let mut rest = area.as_slice();
        while let [a, b, length, _version, ..] = *rest {
            let Some(field) = rest.get(..usize::from(length)).filter(|field| field.len() >= 4) else { break };
            match (&[a, b], field.len()) {
                (b"NM", 5..) if found.name.len() + field.len() <= MAX_NAME_BYTES => {
                    found.name.extend_from_slice(&field[5..]);
                }
                (b"SL" | b"CL", _) => found.link = true,
                (b"CE", 28..) => next = Some((u32_at(field, 4), u32_at(field, 12), u32_at(field, 20))),
                (b"ST", _) => break,
                _ => {}
            }
            rest = &rest[field.len()..];
        }
        let Some((sector, offset, length)) = next else { break };
        if u64::from(offset) + u64::from(length) > SECTOR_BYTES {
            return Err(malformed(
                "a Rock Ridge continuation",
                format_args!("{offset}+{length}"),
                "one sector",
            ));
        }
        let start = u64::from(sector) * SECTOR_BYTES + u64::from(offset);
        area = image.bytes(start, length as usize, "a Rock Ridge continuation")?;
    }
    Ok(found)
}

/// Identifiers are padded with spaces, by some writers with zeros.
fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim_end_matches([' ', '\0']).to_owned()
}

fn ucs2(name: &[u8]) -> String {
    let units: Vec<u16> = name.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

/// Little-endian; of numbers that are stored in both orders this is the first.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Little-endian; of numbers that are stored in both orders this is the first.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
