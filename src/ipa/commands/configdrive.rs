//! Config drives: the base64 text of a gzipped file system image.

use std::io::Read as _;

use base64::alphabet;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::MultiGzDecoder;

use crate::ipa::failure;
use crate::node::ipa::IpaError;

/// The largest config drive (`partition_utils.py`, `MAX_CONFIG_DRIVE_SIZE_MB`).
const MAX_MIB: u64 = 64;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// Checks a config drive and returns its size in MiB, rounded up.
///
/// # Errors
/// `DeploymentError` if it is not base64, not gzipped, or too large.
pub fn check(text: &[u8], node_uuid: &str) -> Result<u64, IpaError> {
    // Python ignores every character that is not a base64 digit, such as line ends.
    let digits: Vec<u8> = text
        .iter()
        .copied()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'='))
        .collect();
    let packed = BASE64.decode(digits).map_err(|error| {
        failure::deployment(format!(
            "Config drive for node {node_uuid} is not base64 encoded or the content is malformed. {error}."
        ))
    })?;
    let mut bytes = 0u64;
    let mut reader = MultiGzDecoder::new(packed.as_slice()).take((MAX_MIB << 20) + 1);
    let mut buffer = [0; 16 * 1024];
    while !packed.is_empty() {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => bytes += count as u64,
            Err(error) => {
                return Err(failure::deployment(format!(
                    "Encountered error while decompressing and writing config drive for node {node_uuid}. Error: {error}"
                )));
            }
        }
    }
    let mib = bytes.div_ceil(1 << 20);
    if mib > MAX_MIB {
        return Err(failure::deployment(format!(
            "Config drive size exceeds maximum limit of {MAX_MIB}MiB. Size of the given config drive is over {MAX_MIB} \
             MiB for node {node_uuid}."
        )));
    }
    Ok(mib)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use base64::engine::general_purpose::STANDARD;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: usize) -> String {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&vec![0; bytes]).unwrap();
        STANDARD.encode(encoder.finish().unwrap())
    }

    #[test]
    fn the_size_is_returned_and_line_ends_are_ignored() {
        assert_eq!(check(packed(1).as_bytes(), "n").unwrap(), 1);
        assert_eq!(check(packed(3 << 20).as_bytes(), "n").unwrap(), 3);
        let mut wrapped = packed(100_000);
        wrapped.insert(20, '\n');
        assert_eq!(check(wrapped.as_bytes(), "n").unwrap(), 1);
        assert_eq!(check(b"", "n").unwrap(), 0);
    }

    #[test]
    fn a_wrong_drive_is_an_error_that_says_why() {
        for (drive, part) in [
            ("abc".to_owned(), "is not base64 encoded"),
            (STANDARD.encode("plain"), "while decompressing"),
            (packed((64 << 20) + 1), "maximum limit of 64MiB"),
        ] {
            let error = check(drive.as_bytes(), "node-uuid").unwrap_err();
            assert_eq!(&*error.kind, "DeploymentError");
            assert!(error.details.contains(part) && error.details.contains("node-uuid"), "{}", error.details);
        }
    }
}
