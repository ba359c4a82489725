//! Test helpers: writers of images, and a server that counts fetches.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write};

use super::budget::Budget;
use super::error::MediaError;
use super::sparse::{CHUNK_BYTES, Progress, Sparse};

const SECTOR: usize = 2048;

/// The kind of long names of an ISO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    Plain,
    RockRidge,
    Joliet,
}

/// A simple writer of ISO 9660 images, with directories of one sector each and files in the given order.
#[derive(Debug, Clone)]
pub(super) struct IsoWriter {
    pub(super) label: &'static str,
    pub(super) publisher: &'static str,
    pub(super) names: Names,
    pub(super) files: Vec<(String, Vec<u8>)>,
    /// The platform and the path of each boot image.
    pub(super) boot: Vec<(u8, &'static str)>,
}

impl IsoWriter {
    pub(super) fn new(label: &'static str) -> Self {
        let (names, files, boot) = (Names::RockRidge, Vec::new(), Vec::new());
        Self { label, publisher: "a publisher", names, files, boot }
    }

    pub(super) fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.push((path.to_owned(), content.as_ref().to_vec()));
        self
    }

    pub(super) fn boot(mut self, platform: u8, path: &'static str) -> Self {
        self.boot.push((platform, path));
        self
    }

    /// The image, and the first byte of each file.
    pub(super) fn build_with_map(&self) -> (Vec<u8>, BTreeMap<String, usize>) {
        let mut directories = BTreeSet::from([String::new()]);
        for (path, _) in &self.files {
            directories.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
        }
        let trees = if self.names == Names::Joliet { 2 } else { 1 };
        // The order is: descriptors, the directories of each tree, the boot catalog, the files.
        let first_directory = 20;
        let catalog = first_directory + trees * directories.len();
        let mut sector = catalog + 1;
        let mut extents = BTreeMap::new();
        for (path, content) in &self.files {
            extents.insert(path.clone(), (sector, content.len()));
            sector += content.len().div_ceil(SECTOR);
        }
        let mut image = vec![0; sector * SECTOR];
        for (path, content) in &self.files {
            let at = extents[path].0 * SECTOR;
            image[at..at + content.len()].copy_from_slice(content);
        }
        for tree in 0..trees {
            let start = first_directory + tree * directories.len();
            let numbered = directories.iter().enumerate();
            let places: BTreeMap<String, usize> =
                numbered.map(|(index, path)| (path.clone(), start + index)).collect();
            for (path, at) in &places {
                let records = self.directory(path, tree == 1, &places, &extents);
                assert!(records.len() <= SECTOR, "a test directory fits one sector");
                image[at * SECTOR..][..records.len()].copy_from_slice(&records);
            }
        }
        self.descriptors(&mut image, first_directory, catalog, directories.len());
        self.catalog(&mut image[catalog * SECTOR..][..SECTOR], &extents);
        let map = extents.into_iter().map(|(path, (sector, _))| (path, sector * SECTOR)).collect();
        (image, map)
    }

    pub(super) fn build(&self) -> Vec<u8> {
        self.build_with_map().0
    }

    fn descriptors(&self, image: &mut [u8], root: usize, catalog: usize, directories: usize) {
        let mut at = 16 * SECTOR;
        let mut next = |kind: u8| {
            image[at] = kind;
            image[at + 1..at + 7].copy_from_slice(b"CD001\x01");
            at += SECTOR;
            at - SECTOR
        };
        let primary = next(1);
        let boot = (!self.boot.is_empty()).then(|| next(0));
        let joliet = (self.names == Names::Joliet).then(|| next(2));
        next(255);
        for (at, root) in [(Some(primary), root), (joliet, root + directories)] {
            let Some(at) = at else { continue };
            put(image, at + 40, format!("{:<32}", self.label).as_bytes());
            put(image, at + 318, format!("{:<128}", self.publisher).as_bytes());
            put(image, at + 128, &[0, 8, 8, 0]);
            put(image, at + 156, &record(&[0], root, SECTOR, true, &[]));
        }
        if let Some(at) = boot {
            put(image, at + 7, b"EL TORITO SPECIFICATION");
            put(image, at + 71, &(catalog as u32).to_le_bytes());
        }
        if let Some(at) = joliet {
            put(image, at + 88, b"%/E");
        }
    }

    fn directory(
        &self,
        path: &str,
        joliet: bool,
        places: &BTreeMap<String, usize>,
        extents: &BTreeMap<String, (usize, usize)>,
    ) -> Vec<u8> {
        let share: &[u8] = if self.names == Names::RockRidge { b"SP\x07\x01\xbe\xef\x00" } else { &[] };
        let mut records = record(&[0], places[path], SECTOR, true, share);
        records.extend(record(&[1], places[path], SECTOR, true, &[]));
        let child = |full: &str| {
            let name = full.strip_prefix(path)?.strip_prefix('/').or_else(|| full.strip_prefix(path))?;
            (!name.is_empty() && !name.contains('/')).then(|| name.to_owned())
        };
        let is_below = |full: &str| path.is_empty() || full.starts_with(&format!("{path}/"));
        for (full, sector) in places.iter().filter(|(full, _)| is_below(full)) {
            let Some(name) = child(full) else { continue };
            records.extend(self.named(&name, *sector, SECTOR, true, joliet));
        }
        for (full, (sector, size)) in extents.iter().filter(|(full, _)| is_below(full)) {
            let Some(name) = child(full) else { continue };
            records.extend(self.named(&name, *sector, *size, false, joliet));
        }
        records
    }

    fn named(&self, name: &str, sector: usize, size: usize, directory: bool, joliet: bool) -> Vec<u8> {
        let version = if directory { "" } else { ";1" };
        if joliet {
            let units = format!("{name}{version}");
            let name: Vec<u8> = units.encode_utf16().flat_map(u16::to_be_bytes).collect();
            return record(&name, sector, size, directory, &[]);
        }
        // Like strict writers: upper case, eight characters and an extension of three.
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        let cut = |text: &str, length| text.chars().take(length).collect::<String>().to_uppercase();
        let dot = if directory { "" } else { "." };
        let short = format!("{}{dot}{}{version}", cut(stem, 8), cut(extension, 3));
        let mut area = Vec::new();
        if self.names == Names::RockRidge {
            area.extend([b'N', b'M', name.len() as u8 + 5, 1, 0]);
            area.extend(name.as_bytes());
        }
        record(short.as_bytes(), sector, size, directory, &area)
    }

    fn catalog(&self, catalog: &mut [u8], extents: &BTreeMap<String, (usize, usize)>) {
        let Some((first, sections)) = self.boot.split_first() else { return };
        catalog[0] = 1;
        catalog[1] = first.0;
        catalog[30] = 0x55;
        catalog[31] = 0xaa;
        let sum = catalog[..32]
            .chunks(2)
            .fold(0u16, |sum, pair| sum.wrapping_add(u16::from_le_bytes([pair[0], pair[1]])));
        catalog[28..30].copy_from_slice(&sum.wrapping_neg().to_le_bytes());
        let mut entry = |at: usize, path: &str| {
            catalog[at] = 0x88;
            let sector = extents[path].0 as u32;
            catalog[at + 8..at + 12].copy_from_slice(&sector.to_le_bytes());
        };
        entry(32, first.1);
        for (index, section) in sections.iter().enumerate() {
            entry(96 + index * 64, section.1);
        }
        for (index, section) in sections.iter().enumerate() {
            let at = 64 + index * 64;
            catalog[at] = if index + 1 == sections.len() { 0x91 } else { 0x90 };
            catalog[at + 1] = section.0;
            catalog[at + 2] = 1;
        }
    }
}

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

fn record(name: &[u8], sector: usize, size: usize, directory: bool, system_use: &[u8]) -> Vec<u8> {
    let mut record = vec![0; 33];
    record[2..6].copy_from_slice(&(sector as u32).to_le_bytes());
    record[6..10].copy_from_slice(&(sector as u32).to_be_bytes());
    record[10..14].copy_from_slice(&(size as u32).to_le_bytes());
    record[14..18].copy_from_slice(&(size as u32).to_be_bytes());
    record[25] = if directory { 2 } else { 0 };
    record[32] = name.len() as u8;
    record.extend(name);
    record.resize(record.len().next_multiple_of(2), 0);
    record.extend(system_use);
    record.resize(record.len().next_multiple_of(2), 0);
    record[0] = record.len() as u8;
    record
}

/// A FAT image with files, written by the crate `fatfs`.
pub(super) fn fat(kib: usize, kind: fatfs::FatType, label: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut disk = Cursor::new(vec![0; kib * 1024]);
    let mut name = [b' '; 11];
    name[..label.len()].copy_from_slice(label.as_bytes());
    let options = fatfs::FormatVolumeOptions::new().fat_type(kind).volume_label(name);
    fatfs::format_volume(&mut disk, options).unwrap();
    {
        let system = fatfs::FileSystem::new(&mut disk, fatfs::FsOptions::new()).unwrap();
        for (path, content) in files {
            for (at, _) in path.match_indices('/') {
                system.root_dir().create_dir(&path[..at]).unwrap();
            }
            system.root_dir().create_file(path).unwrap().write_all(content).unwrap();
        }
    }
    disk.into_inner()
}

/// An EFI boot image with a boot program and other files.
pub(super) fn efi_image(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut all: Vec<(&str, &[u8])> = vec![("EFI/BOOT/BOOTX64.EFI", b"MZ")];
    all.extend(files);
    fat(1440, fatfs::FatType::Fat12, "EFI", &all)
}

/// Serves an image to a parser and counts the fetches.
#[derive(Debug)]
pub(super) struct Server<'i> {
    image: &'i [u8],
    pub(super) rounds: usize,
    pub(super) chunks: BTreeSet<u64>,
    pub(super) budget: Budget,
}

impl<'i> Server<'i> {
    pub(super) fn new(image: &'i [u8]) -> Self {
        Self { image, rounds: 0, chunks: BTreeSet::new(), budget: Budget::default() }
    }

    /// Runs a parser to its end, with a server that supports ranges.
    pub(super) fn run<T>(
        &mut self,
        parse: impl Fn(&mut Sparse) -> Progress<Result<T, MediaError>>,
    ) -> Result<T, MediaError> {
        let mut object = Sparse::new(&self.budget);
        loop {
            let range = match parse(&mut object) {
                Progress::Done(answer) => return answer,
                Progress::Need(range) => range,
            };
            self.rounds += 1;
            self.chunks.extend(range.start / CHUNK_BYTES..range.end.div_ceil(CHUNK_BYTES));
            let end = range.end.min(self.image.len() as u64);
            object.set_length(self.image.len() as u64)?;
            if range.start < end {
                object.insert(range.start, &self.image[range.start as usize..end as usize])?;
            }
        }
    }
}
