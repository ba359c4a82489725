//! Checksums: what is expected, and what comes of hashing.

use md5::Md5;
use sha2::digest::DynDigest;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::ipa::{ALGORITHMS, checksum_algorithm};

/// What an image must hash to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expected {
    algorithm: &'static str,
    /// Hex digits, compared as they are written.
    pub(super) value: String,
}

impl Expected {
    /// A value with its algorithm, or with that which its length tells.
    pub(super) fn new(algorithm: Option<&str>, value: String, md5_enabled: bool) -> Result<Self, String> {
        let algorithm = match algorithm {
            None => checksum_algorithm(&value, md5_enabled).map_err(str::to_owned)?,
            Some(name) => ALGORITHMS
                .into_iter()
                .find(|known| *known == name)
                .ok_or_else(|| format!("the hash algorithm '{name}' is not known"))?,
        };
        Ok(Self { algorithm, value })
    }

    pub(super) fn hasher(&self) -> Hasher {
        Hasher(match self.algorithm {
            "md5" => Box::new(Md5::default()),
            "sha224" => Box::new(Sha224::default()),
            "sha384" => Box::new(Sha384::default()),
            "sha512" => Box::new(Sha512::default()),
            _ => Box::new(Sha256::default()),
        })
    }
}

/// A hash that is being computed.
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

/// Digits of the checksums that are looked for in files: MD5, SHA-256, SHA-512.
const LENGTHS: [usize; 3] = [32, 64, 128];

/// The checksum of the image at `url` in the text of a checksum file: alone, or on the line that names the image, in
/// the form of `sha256sum` or of BSD (`standby.py`, `_fetch_checksum`).
pub(super) fn in_file(text: &str, url: &str) -> Result<String, String> {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    match lines.as_slice() {
        [] => return Err("Empty checksum file".to_owned()),
        [only] if !only.contains(' ') => {
            let found = is_hex(only) && LENGTHS.contains(&only.len());
            let wrong = || format!("Invalid checksum file (No valid checksum found) ['{only}']");
            return found.then(|| (*only).to_owned()).ok_or_else(wrong);
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
    Err(format!("Checksum file does not contain name {name}"))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_found_in_every_form_that_files_have() {
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
    fn a_file_without_it_says_so() {
        let sum = "a".repeat(64);
        for (text, part) in [
            ("\n \n".to_owned(), "Empty checksum file"),
            ("<html>".to_owned(), "No valid checksum found"),
            (format!("{sum}  other"), "does not contain name disk"),
            (format!("{}  disk", "a".repeat(63)), "does not contain name disk"),
            ("one two\nthree disk".to_owned(), "does not contain name disk"),
        ] {
            let error = in_file(&text, "http://images/disk").unwrap_err();
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
        assert_eq!(Expected::new(None, "a".repeat(32), true).unwrap().algorithm, "md5");
        assert!(Expected::new(Some("crc"), "a".into(), true).is_err());
    }
}
