//! Numbers and sectors of on-disk structures, for ISO 9660, El Torito and FAT.

/// The logical sector of ISO 9660. Nearly every writer also uses it as the logical block; other block sizes are
/// refused.
pub(super) const SECTOR_BYTES: u64 = 2048;

/// Reads a little-endian number. ISO 9660 stores many numbers in both byte orders, little-endian first.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// Reads a little-endian number, as [`u16_at`].
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
