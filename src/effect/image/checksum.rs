//! Checksums of images: the expected value, and the hash of the downloaded bytes.

use md5::Md5;
use sha2::digest::DynDigest;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::ipa::ChecksumAlgorithm;

/// No checksum of an image is known. Agents report the text in a command's error.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChecksumError {
    #[error("the hash algorithm '{0}' is not known")]
    UnknownAlgorithm(String),
    /// The length of the checksum does not give its algorithm.
    #[error("{0}")]
    Length(&'static str),
    #[error("Empty checksum file")]
    EmptyFile,
    #[error("Invalid checksum file (No valid checksum found) ['{0}']")]
    NoChecksum(String),
    #[error("Checksum file does not contain name {0}")]
    NameNotFound(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expected {
    algorithm: ChecksumAlgorithm,
    /// Hex digits as they were given. The comparison is case-sensitive.
    pub(super) value: String,
}

impl Expected {
    /// Without the name of an algorithm, the length of `value` gives it.
    pub(super) fn new(
        algorithm: Option<&str>,
        value: String,
        md5_enabled: bool,
    ) -> Result<Self, ChecksumError> {
        let algorithm = match algorithm {
            None => ChecksumAlgorithm::by_length(&value, md5_enabled).map_err(ChecksumError::Length)?,
            Some(name) => ChecksumAlgorithm::by_name(name)
                .ok_or_else(|| ChecksumError::UnknownAlgorithm(name.to_owned()))?,
        };
        Ok(Self { algorithm, value })
    }

    pub(super) fn hasher(&self) -> Hasher {
        Hasher(match self.algorithm {
            ChecksumAlgorithm::Md5 => Box::new(Md5::default()),
            ChecksumAlgorithm::Sha224 => Box::new(Sha224::default()),
            ChecksumAlgorithm::Sha256 => Box::new(Sha256::default()),
            ChecksumAlgorithm::Sha384 => Box::new(Sha384::default()),
            ChecksumAlgorithm::Sha512 => Box::new(Sha512::default()),
        })
    }
}

/// Another checksum than `sum`.
pub(super) fn other(sum: &str) -> String {
    let first = if sum.starts_with('0') { '1' } else { '0' };
    sum.chars().enumerate().map(|(place, char)| if place == 0 { first } else { char }).collect()
}

pub(super) struct Hasher(Box<dyn DynDigest + Send>);

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash in hex.
    pub(super) fn finish(self) -> String {
        self.0.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// Hex digits of the checksums that a checksum file may contain: MD5, SHA-256, SHA-512.
const LENGTHS: [usize; 3] = [32, 64, 128];

/// Finds the checksum of the image at `url` in the text of a checksum file. It stands alone, or on the line with the
/// image's file name, in the form of `sha256sum` or of BSD (`standby.py`, `_fetch_checksum`).
pub(super) fn in_file(text: &str, url: &str) -> Result<String, ChecksumError> {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    match lines.as_slice() {
        [] => return Err(ChecksumError::EmptyFile),
        [only] if !only.contains(' ') => {
            let valid = is_hex(only) && LENGTHS.contains(&only.len());
            return if valid {
                Ok((*only).to_owned())
            } else {
                Err(ChecksumError::NoChecksum((*only).to_owned()))
            };
        }
        _ => {}
    }
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let named = |line: &&&str| {
        let bsd = format!(" ({name}) ");
        let last = line.rsplit(char::is_whitespace).next().unwrap_or_default();
        line.contains(&bsd) || (last.len() < line.len() && last.trim_start_matches('*') == name)
    };
    for line in lines.iter().filter(|l| !l.starts_with('#')).filter(named) {
        let words: Vec<_> = line.split_whitespace().collect();
        let ends = [words.first(), words.last()];
        for length in LENGTHS {
            if let Some(word) = ends.iter().flatten().find(|w| w.len() == length && is_hex(w)) {
                return Ok((**word).to_owned());
            }
        }
    }
    Err(ChecksumError::NameNotFound(name.to_owned()))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_found_in_every_form_of_file() {
        let sum = "a".repeat(64);
        let other = "b".repeat(64);
        for text in [
            sum.clone(),
            format!("{sum}\n\n"),
            format!("{other}  other.qcow2\n{sum}  disk.qcow2\n"),
            format!("{other} *disk.qcow2.old\n{sum} *disk.qcow2\n"),
            format!("# disk.qcow2: 5 bytes\nSHA256 (disk.qcow2) = {sum}\n"),
        ] {
            assert_eq!(in_file(&text, "http://images/a/disk.qcow2?x=1"), Ok(sum.clone()), "{text}");
        }
    }

    #[test]
    fn a_file_without_the_checksum_is_an_error() {
        let sum = "a".repeat(64);
        for (text, part) in [
            ("\n \n".to_owned(), "Empty checksum file"),
            ("<html>".to_owned(), "No valid checksum found"),
            (format!("{sum}  other"), "does not contain name disk"),
            (format!("{}  disk", "a".repeat(63)), "does not contain name disk"),
            ("one two\nthree disk".to_owned(), "does not contain name disk"),
        ] {
            let error = in_file(&text, "http://images/disk").unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn every_algorithm_hashes() {
        for (algorithm, value) in [
            (Some("md5"), "900150983cd24fb0d6963f7d28e17f72"),
            (Some("sha224"), "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
            (None, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            let expected = Expected::new(algorithm, value.to_owned(), false).unwrap();
            let mut hasher = expected.hasher();
            hasher.update(b"a");
            hasher.update(b"bc");
            assert_eq!(hasher.finish(), value);
        }
        assert!(Expected::new(None, "a".repeat(32), false).is_err(), "MD5 is not allowed");
        assert_eq!(Expected::new(None, "a".repeat(32), true).unwrap().algorithm, ChecksumAlgorithm::Md5);
        assert!(Expected::new(Some("crc"), "a".into(), true).is_err());
    }
}
