//! Rock Ridge (IEEE P1282): long names in the system use area of each directory record. IEEE P1281 (SUSP) defines how
//! several extensions share this area.

use super::error::{Stop, malformed};
use super::sector::{SECTOR_BYTES, u32_at};
use super::sparse::Sparse;

/// The maximum number of continuation areas of one record.
const MAX_CONTINUATIONS: usize = 4;
/// The maximum length of a name. Longer names are cut off.
const MAX_NAME_BYTES: usize = 1024;

/// The number of bytes at the start of each system use area that belong to other extensions. `None` if the image does
/// not use SUSP. It is in the `SP` entry of the root directory's own record (IEEE P1281 section 5.3).
pub(super) fn skip(root_area: &[u8]) -> Option<usize> {
    match root_area {
        [b'S', b'P', _length, 1, 0xbe, 0xef, skip, ..] => Some((*skip).into()),
        _ => None,
    }
}

/// The Rock Ridge fields of one directory record.
#[derive(Debug, Default)]
pub(super) struct RockRidge {
    pub(super) name: Vec<u8>,
    /// Whether it is a symbolic link or a relocated directory.
    pub(super) link: bool,
}

/// Reads the `NM`, `SL` and `RE`/`CL` entries of a system use area and its continuations (IEEE P1282 section 4.1).
pub(super) fn read(image: &Sparse, area: &[u8]) -> Result<RockRidge, Stop> {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::media::budget::Budget;

    #[test]
    fn long_names_can_continue_in_another_block() {
        // The area has an `NM` with CONTINUE, and a `CE` to a block with the remaining name, which refers to itself.
        let mut object = Sparse::new(&Budget::default());
        let mut block = b"NM\x07\x01\x00ngCE\x1c\x01".to_vec();
        block.extend([0; 24]);
        let length = block.len() as u8;
        block[7 + 20] = length;
        object.insert(0, &block).unwrap();
        let mut area = b"XX\x05\x01zNM\x07\x01\x01loCE\x1c\x01".to_vec();
        area.extend([0; 24]);
        area[5 + 7 + 20] = length;
        let found = read(&object, &area).unwrap();
        assert_eq!(String::from_utf8(found.name).unwrap(), "longngngng");
    }

    #[test]
    fn links_are_recognised_and_other_entries_skipped() {
        let object = Sparse::new(&Budget::default());
        let found =
            read(&object, b"PX\x04\x01NM\x06\x01\x00aSL\x05\x01\x00ST\x04\x01NM\x06\x01\x00b").unwrap();
        assert_eq!((found.name.as_slice(), found.link), (b"a".as_slice(), true));
        assert_eq!(skip(b"SP\x07\x01\xbe\xef\x02"), Some(2));
        assert_eq!(skip(b"PX\x04\x01"), None);
    }

    proptest! {
        #[test]
        fn any_area_ends(area in "((NM|CE|SL|ST|PX)[\u{0}-\u{30}]{0,28}){0,6}", block in prop::collection::vec(any::<u8>(), 0..4096)) {
            let mut object = Sparse::new(&Budget::default());
            object.insert(0, &block).unwrap();
            object.set_length(block.len() as u64).unwrap();
            let _ = read(&object, area.as_bytes());
        }
    }
}
