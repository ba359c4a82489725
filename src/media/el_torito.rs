//! The El Torito boot catalog, which lists the boot images of a CD for each firmware ("Bootable CD-ROM Format
//! Specification" 1.0, section 2; UEFI section 13.3.2.1 for the EFI platform).

use super::error::{Stop, malformed};
use super::sector::{SECTOR_BYTES, u16_at, u32_at};
use super::sparse::Sparse;

const RECORD_BYTES: usize = 32;

/// The platform of an entry, which is the firmware that can boot it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Platform {
    /// x86 BIOS, id 0.
    Bios,
    /// UEFI, id 0xEF.
    Efi,
    /// PowerPC, Mac and other platforms.
    Other(u8),
}

impl From<u8> for Platform {
    fn from(id: u8) -> Self {
        match id {
            0 => Platform::Bios,
            0xef => Platform::Efi,
            other => Platform::Other(other),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BootEntry {
    pub(super) platform: Platform,
    /// Whether the firmware uses the image directly, instead of emulating a floppy or a hard disk.
    pub(super) no_emulation: bool,
    /// The first sector of the boot image.
    pub(super) sector: u32,
}

/// The bootable entries of the catalog, in order. Only its first sector is read, which has 64 records.
pub(super) fn read(image: &Sparse, sector: u32) -> Result<Vec<BootEntry>, Stop> {
    let start = u64::from(sector) * SECTOR_BYTES;
    let catalog = image.bytes(start, SECTOR_BYTES as usize, "the El Torito boot catalog")?;
    let mut records = catalog.chunks_exact(RECORD_BYTES);
    let validation = records.next().unwrap_or_default();
    let sum = (0..RECORD_BYTES / 2).fold(0u16, |sum, word| sum.wrapping_add(u16_at(validation, word * 2)));
    if validation[0] != 1 || validation[30..32] != [0x55, 0xaa] || sum != 0 {
        return Err(malformed(
            "the El Torito boot catalog",
            format_args!("header {:#04x}, key {:02x?}, sum {sum}", validation[0], &validation[30..32]),
            "header 0x01, key [55, aa], sum 0",
        ));
    }
    let mut entries = Vec::new();
    entries.extend(records.next().and_then(|record| bootable(record, validation[1].into())));
    while let Some(header) = records.next() {
        // 0x90 is the header of a section, 0x91 that of the last section.
        if !matches!(header[0], 0x90 | 0x91) {
            break;
        }
        let mut left = u16_at(header, 2);
        while left > 0
            && let Some(record) = records.next()
        {
            // 0x44 continues the previous entry and is not counted.
            if record[0] != 0x44 {
                entries.extend(bootable(record, header[1].into()));
                left -= 1;
            }
        }
        if header[0] == 0x91 {
            break;
        }
    }
    Ok(entries)
}

fn bootable(record: &[u8], platform: Platform) -> Option<BootEntry> {
    let entry = BootEntry { platform, no_emulation: record[1] & 0x0f == 0, sector: u32_at(record, 8) };
    (record[0] == 0x88).then_some(entry)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::error::MediaError;
    use crate::media::testing::{IsoWriter, Server};

    fn entries(image: &[u8], sector: u32) -> Result<Vec<BootEntry>, MediaError> {
        Server::new(image).run(|object| object.drive(|object| read(object, sector)))
    }

    /// The sector of the catalog: the writer puts it after the directories, and these images have only the root
    /// directory.
    const CATALOG: u32 = 21;

    #[test]
    fn the_default_entry_and_every_section_are_listed() {
        let (image, map) = IsoWriter::new("X")
            .file("isolinux.bin", "a")
            .file("efi.img", "b")
            .file("mac.img", "c")
            .boot(0, "isolinux.bin")
            .boot(0xef, "efi.img")
            .boot(2, "mac.img")
            .build_with_map();
        let found = entries(&image, CATALOG).unwrap();
        let expected =
            [(Platform::Bios, "isolinux.bin"), (Platform::Efi, "efi.img"), (Platform::Other(2), "mac.img")];
        for (entry, (platform, path)) in found.iter().zip(expected) {
            assert_eq!(entry.platform, platform);
            assert_eq!(entry.sector as usize * 2048, map[path]);
            assert!(entry.no_emulation);
        }
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn an_invalid_catalog_is_refused() {
        let mut image = IsoWriter::new("X").file("a", "a").boot(0, "a").build();
        image[CATALOG as usize * 2048 + 5] ^= 1;
        assert_eq!(
            entries(&image, CATALOG).unwrap_err().to_string(),
            "the El Torito boot catalog is malformed: found header 0x01, key [55, aa], sum 256, expected header 0x01, \
             key [55, aa], sum 0"
        );
        assert!(matches!(
            entries(&image, u32::MAX),
            Err(MediaError::Object(_) | MediaError::Truncated { .. })
        ));
    }

    #[test]
    fn entries_that_are_not_bootable_are_skipped() {
        let mut image = IsoWriter::new("X").file("a", "a").boot(0, "a").build();
        image[CATALOG as usize * 2048 + 32] = 0;
        assert_eq!(entries(&image, CATALOG), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn any_catalog_ends(tail in prop::collection::vec(prop_oneof![Just(0x90u8), Just(0x44), Just(0x88), any::<u8>()], 2016)) {
            let mut image = IsoWriter::new("X").file("a", "a").boot(0, "a").build();
            image[CATALOG as usize * 2048 + 32..][..2016].copy_from_slice(&tail);
            prop_assert!(entries(&image, CATALOG).unwrap().len() <= 63);
        }
    }
}
