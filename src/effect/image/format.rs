//! Detects the format of an image from its first bytes, and checks it against the format that Ironic gave.
//!
//! Mirrors `disk_utils.get_and_validate_image_format` of IPA and the part of oslo's format inspector that it uses.

use crate::ipa::failure;
use crate::node::ipa::{ImageJob, IpaError};

/// First bytes that are stored. The magic of an ISO 9660 file system is at byte 32769.
const HEADER_BYTES: usize = 64 * 1024;
/// Formats that an agent accepts by default (`config.py`, `permitted_image_formats`).
const PERMITTED: [&str; 3] = ["raw", "gpt", "qcow2"];
/// Formats that are written unchanged and not inspected.
const NOT_INSPECTED: [&str; 2] = ["raw", "gpt"];

/// The first bytes of an image.
#[derive(Default)]
pub(super) struct Header(Vec<u8>);

impl Header {
    pub(super) fn add(&mut self, chunk: &[u8]) {
        let free = HEADER_BYTES - self.0.len();
        self.0.extend_from_slice(&chunk[..chunk.len().min(free)]);
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= HEADER_BYTES
    }

    fn at<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.0.get(offset..offset + N)?.try_into().ok()
    }

    /// The format by its magic number.
    fn format(&self) -> &'static str {
        let starts = |magic: &[u8]| self.0.starts_with(magic);
        match () {
            () if starts(b"QFI\xfb") => "qcow2",
            () if starts(b"KDMV") || starts(b"# Disk DescriptorFile") => "vmdk",
            () if starts(b"vhdxfile") => "vhdx",
            () if starts(b"conectix") => "vhd",
            () if starts(b"LUKS\xba\xbe") => "luks",
            () if self.at(64) == Some([0x7f, 0x10, 0xda, 0xbe]) => "vdi",
            () if self.at(32769) == Some(*b"CD001") => "iso",
            // A boot record: the protective one of a GPT, or a plain MBR. Both count as `gpt`.
            () if self.at(510) == Some([0x55, 0xaa]) => "gpt",
            () => "raw",
        }
    }

    /// Size of the disk that the image contains.
    fn virtual_bytes(&self, format: &str, bytes: u64) -> u64 {
        if format == "qcow2" { self.at(24).map_or(bytes, u64::from_be_bytes) } else { bytes }
    }

    /// Whether a QCOW2 image refers to other files. These could be any files of the machine that converts it.
    fn refers_to_files(&self) -> bool {
        let backing = self.at(8).map_or(0, u64::from_be_bytes);
        let version = self.at(4).map_or(0, u32::from_be_bytes);
        let features = if version >= 3 { self.at(72).map_or(0, u64::from_be_bytes) } else { 0 };
        const DATA_FILE: u64 = 1 << 2;
        backing != 0 || features & DATA_FILE != 0
    }

    /// Checks the format, and whether the image of `bytes` fits into `capacity_bytes`.
    pub(super) fn check(&self, job: &ImageJob, bytes: u64, capacity_bytes: u64) -> Result<(), IpaError> {
        let given = &*job.format;
        let format = if NOT_INSPECTED.contains(&given) { given } else { self.format() };
        if !NOT_INSPECTED.contains(&given) {
            if !PERMITTED.contains(&format) {
                let permitted = PERMITTED.join(", ");
                let text =
                    format!("Security: Detected image format was {format}, but only {permitted} are allowed");
                return Err(failure::invalid_image(text));
            }
            if !given.is_empty() && given != format && given != "unknown" {
                let text = format!("Security: Expected format was {given}, but image was actually {format}");
                return Err(failure::invalid_image(text));
            }
            if format == "qcow2" && self.refers_to_files() {
                return Err(failure::invalid_image("Security: Image failed safety check".to_owned()));
            }
        }
        let size = self.virtual_bytes(format, bytes);
        match &job.partitions {
            Some(p) if size.div_ceil(1 << 20) > p.root_mib => {
                Err(failure::root_too_small(size.div_ceil(1 << 20), p.root_mib))
            }
            _ if size > capacity_bytes => Err(failure::image_write(&job.device, "No space left on device")),
            _ => Ok(()),
        }
    }

    /// The disk identifier: bytes 440 to 443 of the disk. For a converted image these bytes are unknown, so the
    /// identifier is made from its checksum. Equal images have equal identifiers.
    pub(super) fn disk_identifier(&self, job: &ImageJob, checksum: &str) -> u32 {
        match self.at(440) {
            Some(bytes) if NOT_INSPECTED.contains(&&*job.format) => u32::from_le_bytes(bytes),
            _ => identifier(checksum.as_bytes()),
        }
    }
}

/// The FNV-1a hash of `bytes`.
pub(super) fn identifier(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::tests::image;

    fn header(parts: &[(usize, &[u8])]) -> Header {
        let mut bytes = vec![0; 40_000];
        for (offset, part) in parts {
            bytes[*offset..*offset + part.len()].copy_from_slice(part);
        }
        Header(bytes)
    }

    fn qcow2(virtual_bytes: u64) -> Header {
        header(&[(0, b"QFI\xfb\x00\x00\x00\x03"), (24, &virtual_bytes.to_be_bytes())])
    }

    fn check(format: &str, header: &Header, capacity_bytes: u64) -> Result<(), String> {
        let job = ImageJob { format: format.into(), ..image() };
        header.check(&job, 40_000, capacity_bytes).map_err(|e| format!("{}: {}", e.kind, e.details))
    }

    #[test]
    fn an_image_must_have_the_given_format() {
        let iso = header(&[(32769, b"CD001")]);
        let gpt = header(&[(510, &[0x55, 0xaa])]);
        assert_eq!(check("qcow2", &qcow2(1), 9), Ok(()));
        assert_eq!(check("", &qcow2(1), 9), Ok(()));
        assert_eq!(check("raw", &iso, 40_000), Ok(()), "a raw image is not inspected");
        assert_eq!(check("gpt", &gpt, 40_000), Ok(()));
        assert!(
            check("qcow2", &gpt, 40_000)
                .unwrap_err()
                .contains("Expected format was qcow2, but image was actually gpt")
        );
        assert!(check("iso", &iso, 40_000).unwrap_err().contains("Detected image format was iso"));
        assert!(check("vmdk", &qcow2(1), 9).unwrap_err().starts_with("InvalidImage"));
    }

    #[test]
    fn a_qcow2_image_that_refers_to_files_is_refused() {
        for (offset, bytes) in [(8, 4096u64.to_be_bytes()), (72, 4u64.to_be_bytes())] {
            let mut header = qcow2(1);
            header.0[offset..offset + 8].copy_from_slice(&bytes);
            assert!(check("qcow2", &header, 9).unwrap_err().contains("failed safety check"));
        }
    }

    #[test]
    fn an_image_must_fit_the_disk() {
        assert!(check("qcow2", &qcow2(1 << 40), 1 << 39).unwrap_err().starts_with("ImageWriteError"));
        assert!(check("raw", &header(&[]), 39_999).unwrap_err().contains("No space left"));
    }

    #[test]
    fn a_raw_image_contains_its_identifier() {
        let header = header(&[(440, &[0xef, 0xbe, 0xad, 0xde])]);
        let job = |format: &str| ImageJob { format: format.into(), ..image() };
        assert_eq!(header.disk_identifier(&job("raw"), "aa"), 0xdead_beef);
        assert_eq!(header.disk_identifier(&job("qcow2"), "aa"), identifier(b"aa"));
        assert_ne!(identifier(b"aa"), identifier(b"ab"));
    }
}
