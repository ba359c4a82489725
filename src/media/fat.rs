//! Reads FAT12, FAT16 and FAT32 with VFAT long names (Microsoft "FAT32 File System Specification" 1.03), for EFI boot
//! images and for the virtual floppy with agent parameters.
//!
//! The crate `fatfs` is not used here: its arithmetic overflows on a directory entry that starts at cluster 1, and it
//! needs a writable disk. The tests use it to create images.

use super::error::{MediaError, Stop, malformed};
use super::sector::{u16_at, u32_at};
use super::sparse::Sparse;
use super::tree::{ENTRY_STEPS, Entry, Kind, MAX_DIRECTORY_BYTES, MAX_FILE_BYTES, Node, Tree};

const BOOT_SECTOR_BYTES: usize = 512;
const ENTRY_BYTES: usize = 32;
/// Attribute bits of a directory entry.
const VOLUME_ID: u8 = 0x08;
const DIRECTORY: u8 = 0x10;
/// The bits read-only, hidden, system and volume together mark a part of a long name.
const LONG_NAME: u8 = 0x0f;
/// The offsets of the 13 characters in one part of a long name.
const LONG_NAME_UNITS: [usize; 13] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
/// The maximum number of parts of a long name: 255 characters, 13 in each part.
const MAX_LONG_NAME_PARTS: u8 = 20;

/// A FAT file system with its boot sector read.
#[derive(Debug)]
pub(super) struct Fat<'a> {
    image: &'a Sparse,
    /// The first byte of the file system in the image.
    base: u64,
    kind: FatKind,
    cluster_bytes: u64,
    /// The valid clusters are `2..clusters_end`.
    clusters_end: u32,
    /// The offset of the allocation table from `base`, in bytes; `data` and `fixed_root` likewise.
    table: u64,
    data: u64,
    fixed_root: u64,
    root: Node,
    boot_label: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FatKind {
    Fat12,
    Fat16,
    Fat32,
}

impl<'a> Fat<'a> {
    /// Reads the boot sector at byte `base` of the image. `None` if there is no FAT file system.
    pub(super) fn open(image: &'a Sparse, base: u64) -> Result<Option<Self>, Stop> {
        if !image.reaches(base.saturating_add(BOOT_SECTOR_BYTES as u64)) {
            return Ok(None);
        }
        let boot = image.bytes(base, BOOT_SECTOR_BYTES, "the FAT boot sector")?;
        let sector_bytes = u64::from(u16_at(&boot, 11));
        let cluster_sectors = u64::from(boot[13]);
        let reserved = u64::from(u16_at(&boot, 14));
        let tables = u64::from(boot[16]);
        let is_fat = boot[510..] == [0x55, 0xaa]
            && matches!(sector_bytes, 512 | 1024 | 2048 | 4096)
            && cluster_sectors.is_power_of_two()
            && reserved > 0
            && (1..=4).contains(&tables);
        if !is_fat {
            return Ok(None);
        }
        let root_entries = u32::from(u16_at(&boot, 17));
        let or_wide = |narrow: u16, wide: u32| if narrow == 0 { wide } else { narrow.into() };
        let sectors = u64::from(or_wide(u16_at(&boot, 19), u32_at(&boot, 32)));
        let table_sectors = u64::from(or_wide(u16_at(&boot, 22), u32_at(&boot, 36)));
        let root_bytes = u64::from(root_entries) * ENTRY_BYTES as u64;
        let root_sectors = root_bytes.div_ceil(sector_bytes);
        let data_sector = reserved + tables * table_sectors + root_sectors;
        let clusters = sectors.saturating_sub(data_sector) / cluster_sectors;
        if table_sectors == 0 || clusters == 0 {
            return Ok(None);
        }
        // Only the number of clusters determines the type (section "FAT Type Determination").
        let kind = match clusters {
            0..4085 => FatKind::Fat12,
            4085..65525 => FatKind::Fat16,
            _ => FatKind::Fat32,
        };
        let (start, label_at) = if kind == FatKind::Fat32 { (u32_at(&boot, 44), 71) } else { (0, 43) };
        Ok(Some(Self {
            image,
            base,
            kind,
            cluster_bytes: cluster_sectors * sector_bytes,
            clusters_end: u32::try_from(clusters + 2).unwrap_or(u32::MAX),
            table: reserved * sector_bytes,
            data: data_sector * sector_bytes,
            fixed_root: (data_sector - root_sectors) * sector_bytes,
            root: Node { kind: Kind::Directory, start, size: root_bytes as u32 },
            boot_label: oem_text(&boot[label_at..label_at + 11]),
        }))
    }

    /// The volume label in the root directory, as Linux reads it, or else the label in the boot sector.
    pub(super) fn label(&self) -> Result<String, Stop> {
        let bytes = self.directory_bytes(self.root)?;
        let label = bytes
            .chunks_exact(ENTRY_BYTES)
            .take_while(|entry| entry[0] != 0)
            .find(|entry| entry[0] != 0xe5 && entry[11] & 0x3f != LONG_NAME && entry[11] & VOLUME_ID != 0);
        Ok(label.map_or_else(|| self.boot_label.clone(), |entry| oem_text(&entry[..11])))
    }

    fn bytes(&self, start: u64, count: usize, what: &str) -> Result<Vec<u8>, Stop> {
        self.image.bytes(self.base.saturating_add(start), count, what)
    }

    /// The next cluster of a chain; `None` at its end.
    fn next(&self, cluster: u32) -> Result<Option<u32>, Stop> {
        let what = "the file allocation table";
        let index = u64::from(cluster);
        let (value, end) = match self.kind {
            FatKind::Fat12 => {
                let pair = u16_at(&self.bytes(self.table + index * 3 / 2, 2, what)?, 0);
                (u32::from(if cluster.is_multiple_of(2) { pair & 0x0fff } else { pair >> 4 }), 0x0ff8)
            }
            FatKind::Fat16 => (u16_at(&self.bytes(self.table + index * 2, 2, what)?, 0).into(), 0xfff8),
            FatKind::Fat32 => {
                (u32_at(&self.bytes(self.table + index * 4, 4, what)?, 0) & 0x0fff_ffff, 0x0fff_fff8)
            }
        };
        Ok((value < end).then_some(value))
    }

    /// The first `limit` bytes of a chain of clusters. The limit also ends a chain that is a loop.
    fn chain(&self, start: u32, limit: u64, what: &str) -> Result<Vec<u8>, Stop> {
        let mut bytes = Vec::new();
        let mut next = Some(start);
        while let Some(cluster) = next
            && (bytes.len() as u64) < limit
        {
            if !(2..self.clusters_end).contains(&cluster) {
                let found = format!("cluster {cluster} of {}", self.clusters_end);
                return Err(malformed(
                    format!("the cluster chain of {what}"),
                    found,
                    "2 or more, below the end",
                ));
            }
            let count = self.cluster_bytes.min(limit - bytes.len() as u64);
            let at = self.data + u64::from(cluster - 2) * self.cluster_bytes;
            bytes.extend(self.bytes(at, count as usize, what)?);
            if (bytes.len() as u64) < limit {
                next = self.next(cluster)?;
            }
        }
        Ok(bytes)
    }

    fn directory_bytes(&self, directory: Node) -> Result<Vec<u8>, Stop> {
        if directory.start == 0 {
            // FAT12 and FAT16 have a fixed root directory of at most 65,535 entries of 32 bytes.
            let size = u64::from(directory.size).min(MAX_DIRECTORY_BYTES);
            return self.bytes(self.fixed_root, size as usize, "the FAT root directory");
        }
        self.chain(directory.start, MAX_DIRECTORY_BYTES, "a FAT directory")
    }
}

impl Tree for Fat<'_> {
    fn root(&self) -> Node {
        self.root
    }

    fn list(&self, directory: Node) -> Result<Vec<Entry>, Stop> {
        let bytes = self.directory_bytes(directory)?;
        let mut long = LongName::default();
        let mut entries = Vec::new();
        for entry in bytes.chunks_exact(ENTRY_BYTES) {
            self.image.budget().spend(ENTRY_STEPS)?;
            match (entry[0], entry[11]) {
                (0, _) => break,
                (0xe5, _) => long = LongName::default(),
                (_, attributes) if attributes & 0x3f == LONG_NAME => long.add(entry),
                (_, attributes) if attributes & VOLUME_ID != 0 => long = LongName::default(),
                (b'.', _) => {}
                (_, attributes) => {
                    let short = short_name(entry);
                    let name = std::mem::take(&mut long).finish(entry).unwrap_or_else(|| short.clone());
                    let start = u32::from(u16_at(entry, 20)) << 16 | u32::from(u16_at(entry, 26));
                    let kind = if attributes & DIRECTORY != 0 { Kind::Directory } else { Kind::File };
                    entries.push(Entry { name, short, node: Node { kind, start, size: u32_at(entry, 28) } });
                }
            }
        }
        Ok(entries)
    }

    fn read(&self, file: Node, path: &str) -> Result<Vec<u8>, Stop> {
        let size = u64::from(file.size);
        assert!(size <= MAX_FILE_BYTES, "read_path has checked the size");
        if size == 0 {
            return Ok(Vec::new());
        }
        let bytes = self.chain(file.start, size, path)?;
        if (bytes.len() as u64) < size {
            return Err(MediaError::Truncated {
                what: path.to_owned(),
                end: size,
                length: bytes.len() as u64,
            }
            .into());
        }
        Ok(bytes)
    }
}

/// The parts of a long name. They precede the entry, with the last part first.
#[derive(Debug, Default)]
struct LongName {
    units: Vec<u16>,
    /// The required number of the next part. 0 after the first part of the name, which comes last.
    expected: u8,
    checksum: u8,
}

impl LongName {
    fn add(&mut self, entry: &[u8]) {
        let number = entry[0] & 0x3f;
        if entry[0] & 0x40 != 0 && number <= MAX_LONG_NAME_PARTS {
            *self = Self { units: Vec::new(), expected: number, checksum: entry[13] };
        }
        if number == 0 || number != self.expected || entry[13] != self.checksum {
            *self = Self::default();
            return;
        }
        let part = LONG_NAME_UNITS.iter().map(|at| u16_at(entry, *at));
        self.units.splice(0..0, part);
        self.expected -= 1;
    }

    /// The name, if it is complete and belongs to this entry.
    fn finish(self, entry: &[u8]) -> Option<String> {
        let checksum = entry[..11].iter().fold(0u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
        if self.units.is_empty() || self.expected != 0 || checksum != self.checksum {
            return None;
        }
        let end = self.units.iter().position(|unit| *unit == 0).unwrap_or(self.units.len());
        Some(String::from_utf16_lossy(&self.units[..end]))
    }
}

fn short_name(entry: &[u8]) -> String {
    let (stem, extension) = (oem_text(&entry[..8]), oem_text(&entry[8..11]));
    if extension.is_empty() { stem } else { format!("{stem}.{extension}") }
}

/// The text of a field without padding. Boot files have ASCII names; other bytes are replaced.
fn oem_text(field: &[u8]) -> String {
    String::from_utf8_lossy(field).trim_end_matches([' ', '\0']).to_owned()
}

#[cfg(test)]
mod tests {
    use fatfs::FatType;
    use proptest::prelude::*;

    use super::*;
    use crate::media::testing::{Server, fat};

    fn with<T>(image: &[u8], read: impl Fn(&Fat<'_>) -> Result<T, Stop>) -> Result<Option<T>, MediaError> {
        Server::new(image)
            .run(|object| object.drive(|object| Fat::open(object, 0)?.map(|fat| read(&fat)).transpose()))
    }

    #[test]
    fn files_are_read_from_each_type_of_fat() {
        let long: Vec<u8> = (0..70_000u32).map(|byte| byte as u8).collect();
        let files: [(&str, &[u8]); 3] = [
            ("parameters.txt", b"a=1\nb=2"),
            ("EFI/BOOT/grub.cfg", &long),
            ("a name that is long.text", b"x"),
        ];
        for (kib, kind) in [(1440, FatType::Fat12), (20 * 1024, FatType::Fat16), (40 * 1024, FatType::Fat32)]
        {
            let image = fat(kib, kind, "ir-vfd-dev", &files);
            let read = |path: &'static str| with(&image, |fat| fat.read_path(path)).unwrap().unwrap();
            assert_eq!(with(&image, |fat| fat.label()).unwrap().unwrap(), "ir-vfd-dev", "{kind:?}");
            assert_eq!(read("PARAMETERS.TXT").unwrap(), b"a=1\nb=2");
            assert_eq!(read("efi/boot/GRUB.CFG").unwrap(), long);
            assert_eq!(read("/A Name that is long.text").unwrap(), b"x");
            assert_eq!(read("EFI/BOOT"), None);
            assert_eq!(read("parameters.txt/x"), None);
        }
    }

    #[test]
    fn a_loop_in_the_allocation_table_ends() {
        let mut image = fat(1440, FatType::Fat12, "x", &[("d/a", b"1"), ("long", &[7; 2000])]);
        // Cluster 2 is the directory `d`. It gets itself as its successor and contains only deleted entries.
        let table = usize::from(u16_at(&image, 14)) * 512;
        image[table + 3] = 2;
        image[table + 4] &= 0xf0;
        let data = 512 * (usize::from(u16_at(&image, 14)) + 2 * usize::from(u16_at(&image, 22)))
            + 32 * usize::from(u16_at(&image, 17));
        for entry in image[data..data + 512].chunks_mut(32) {
            entry.fill(0xe5);
        }
        assert_eq!(with(&image, |fat| fat.read_path("d/a")).unwrap(), Some(None));
    }

    #[test]
    fn the_error_for_an_invalid_cluster_names_the_file() {
        let mut image = fat(1440, FatType::Fat12, "x", &[("f", b"1")]);
        let at = image.windows(11).position(|name| name == b"F          ").unwrap();
        image[at + 26] = 1;
        assert_eq!(
            with(&image, |fat| fat.read_path("f")).unwrap_err().to_string(),
            "the cluster chain of f is malformed: found cluster 1 of 1420, expected 2 or more, below the end"
        );
    }

    #[test]
    fn a_large_file_is_refused_and_another_format_is_not_fat() {
        let mut image = fat(1440, FatType::Fat12, "x", &[("f", &[1; 140_000])]);
        assert_eq!(
            with(&image, |fat| fat.read_path("f")).unwrap_err().to_string(),
            "f is 140000 bytes long, at most 131072 are read"
        );
        image[510] = 0;
        assert_eq!(with(&image, |fat| fat.label()), Ok(None));
        assert_eq!(with(b"short", |fat| fat.label()), Ok(None));
    }

    proptest! {
        #[test]
        fn damage_never_panics(
            damage in prop::collection::vec((prop_oneof![0..64usize, 512..1024usize, 9000..11_000usize], any::<u8>()), 1..8)
        ) {
            let mut image = fat(160, FatType::Fat12, "x", &[("parameters.txt", b"a=1"), ("EFI/BOOT/x.efi", b"MZ")]);
            for (at, value) in damage {
                image[at] = value;
            }
            let _ = with(&image, |fat| {
                fat.label()?;
                fat.list_path("EFI/BOOT")?;
                fat.read_path("parameters.txt")
            });
        }
    }
}
