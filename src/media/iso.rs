//! ISO 9660 (ECMA-119) with Rock Ridge (IEEE P1282) and Joliet names. It reads only the structures that are needed to
//! find small files.
//!
//! No crate is used. The tested crates read complete path tables first, read the end of the image before a file, or
//! depend on a mount daemon or twenty other crates. Only four record layouts are needed here.

use super::error::{MediaError, Stop, malformed};
use super::rock_ridge;
use super::sector::{SECTOR_BYTES, u16_at, u32_at};
use super::sparse::Sparse;
use super::tree::{ENTRY_STEPS, Entry, Kind, MAX_DIRECTORY_BYTES, Node, Tree};

/// Sectors 0 to 15 are the system area (ECMA-119 section 6.2.1).
const FIRST_DESCRIPTOR: u64 = 16;
/// The maximum number of volume descriptors that are read. Real images have three to five.
const MAX_DESCRIPTORS: u64 = 32;

/// An ISO 9660 image with its volume descriptors read.
#[derive(Debug)]
pub(super) struct Iso<'a> {
    image: &'a Sparse,
    /// The volume identifier.
    pub(super) label: String,
    pub(super) publisher: String,
    /// The first sector of the El Torito boot catalog.
    pub(super) boot_catalog: Option<u32>,
    root: Node,
    names: Names,
}

/// The source of the long names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Plain,
    /// The system use area, after its first `skip` bytes.
    RockRidge {
        skip: usize,
    },
    /// A second directory tree, with names in UCS-2.
    Joliet,
}

impl<'a> Iso<'a> {
    /// Reads the volume descriptors. `None` if the image is not ISO 9660.
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
        let (label, publisher) = (text(&primary[40..72]), text(&primary[318..446]));
        Ok(Self { image, label, publisher, boot_catalog, root, names })
    }

    /// The bytes of a directory or a file.
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
            let extra = rock_ridge::read(self.image, record.system_use.get(skip..).unwrap_or_default())?;
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
            // A record never crosses the end of a sector. A length of zero means that the rest of the sector is empty.
            while let Some(length) = rest.first().copied().filter(|length| *length != 0) {
                let Some(record) = rest.get(..usize::from(length)) else {
                    return Err(malformed(
                        "a directory record",
                        format_args!("{length} bytes"),
                        "its sector's end",
                    ));
                };
                self.image.budget().spend(ENTRY_STEPS)?;
                let record = Record::parse(record)?;
                // The names 0 and 1 are the directory itself and its parent.
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
        // Padding after the name aligns the system use area to an even byte.
        let system_use = bytes.get((33 + name_bytes).next_multiple_of(2)..).unwrap_or_default();
        let flags = bytes[25];
        let kind = match flags {
            _ if flags & 0x02 != 0 => Kind::Directory,
            // Several extents or interleaved units. Boot files have neither.
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

/// Reads the root directory's own record, which shows whether the image has Rock Ridge names; see [`rock_ridge::skip`].
fn rock_ridge_skip(image: &Sparse, root: Node) -> Result<Option<usize>, Stop> {
    let start = u64::from(root.start) * SECTOR_BYTES;
    let length = image.bytes(start, 1, "the root directory")?[0];
    if length == 0 {
        return Ok(None);
    }
    let bytes = image.bytes(start, length.into(), "the root directory")?;
    Ok(rock_ridge::skip(Record::parse(&bytes)?.system_use))
}

/// Whether a descriptor has an escape sequence for UCS-2 level 1 to 3 (Joliet specification, "SVD Escape Sequences").
fn is_joliet(descriptor: &[u8]) -> bool {
    matches!(&descriptor[88..91], b"%/@" | b"%/C" | b"%/E")
}

/// The text of an identifier. Identifiers are padded with spaces; some writers use zeros.
fn text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim_end_matches([' ', '\0']).to_owned()
}

fn ucs2(name: &[u8]) -> String {
    let units: Vec<u16> = name.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::testing::{IsoWriter, Names as Written, Server};

    fn with<T>(image: &[u8], read: impl Fn(&Iso<'_>) -> Result<T, Stop>) -> Result<Option<T>, MediaError> {
        Server::new(image)
            .run(|object| object.drive(|object| Iso::open(object)?.map(|iso| read(&iso)).transpose()))
    }

    fn sample(names: Written) -> IsoWriter {
        let mut writer =
            IsoWriter::new("VMEDIA_BOOT_ISO").file("vmlinuz", "kernel").file("boot/Long name.config", "x");
        writer.names = names;
        writer.file("etc/ironic-python-agent.d/ironic-tls.conf", "[DEFAULT]")
    }

    #[test]
    fn files_are_found_by_each_kind_of_name_and_in_any_case() {
        for names in [Written::Plain, Written::RockRidge, Written::Joliet] {
            let image = sample(names).build();
            let read = |path: &'static str| with(&image, |iso| iso.read_text(path)).unwrap().unwrap();
            assert_eq!(read("/VMLINUZ").as_deref(), Some("kernel"), "{names:?}");
            assert_eq!(read("nothing/here"), None);
            assert_eq!(read("vmlinuz/x"), None);
            if names == Written::Plain {
                assert_eq!(read("boot/long nam.con").as_deref(), Some("x"));
            } else {
                assert_eq!(read("boot/long NAME.config").as_deref(), Some("x"), "{names:?}");
                assert_eq!(
                    read("etc/ironic-python-agent.d/ironic-tls.conf").as_deref(),
                    Some("[DEFAULT]"),
                    "{names:?}"
                );
            }
        }
    }

    #[test]
    fn label_and_publisher_are_read_without_padding() {
        let image = sample(Written::RockRidge).build();
        let found = with(&image, |iso| Ok((iso.label.clone(), iso.publisher.clone()))).unwrap();
        assert_eq!(found, Some(("VMEDIA_BOOT_ISO".into(), "a publisher".into())));
    }

    #[test]
    fn the_error_for_a_truncated_image_names_the_missing_file() {
        let (image, map) = sample(Written::RockRidge).build_with_map();
        let cut = &image[..map["boot/Long name.config"]];
        assert_eq!(
            with(cut, |iso| iso.read_path("boot/Long name.config")).unwrap_err().to_string(),
            format!(
                "the image is truncated: boot/Long name.config ends at byte {}, the image has {} bytes",
                cut.len() + 1,
                cut.len()
            )
        );
        assert_eq!(with(&image[..32 * 1024], |_| Ok(())), Ok(None));
        assert!(matches!(with(&image[..17 * 2048], |_| Ok(())), Err(MediaError::Truncated { .. })));
    }

    #[test]
    fn a_directory_that_is_too_large_is_refused_without_fetching_it() {
        let mut image = sample(Written::Plain).build();
        image[16 * 2048 + 156 + 10..16 * 2048 + 156 + 14].copy_from_slice(&u32::MAX.to_le_bytes());
        let mut server = Server::new(&image);
        let refused = server.run(|object| {
            object.drive(|object| Iso::open(object)?.map(|iso| iso.find("vmlinuz")).transpose())
        });
        assert_eq!(
            refused.unwrap_err().to_string(),
            "the directory at sector 20 is 4294967295 bytes long, at most 262144 are read"
        );
        assert!(server.rounds <= 3);
    }

    proptest! {
        #[test]
        fn damage_never_panics(
            damage in prop::collection::vec(
                (prop_oneof![32_768..33_000usize, 34_800..34_920usize, 40_960..53_000usize], any::<u8>()), 1..8
            )
        ) {
            let mut image = sample(Written::RockRidge).boot(0xef, "vmlinuz").build();
            for (at, value) in damage {
                if let Some(byte) = image.get_mut(at) {
                    *byte = value;
                }
            }
            let _ = with(&image, |iso| {
                iso.list_path("boot")?;
                iso.read_path("etc/ironic-python-agent.d/ironic-tls.conf")
            });
        }
    }
}
