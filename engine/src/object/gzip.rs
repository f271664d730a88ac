//! Reading gzip archives.

use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// Bytes that an archive may unpack to.
const MAX_UNPACKED: usize = 4 << 20;
/// Length of the fixed part of the header.
const HEADER: usize = 10;

/// The content of a gzip archive; `None` where it is none, or too large.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let (header, mut rest) = bytes.split_at_checked(HEADER)?;
    let [0x1f, 0x8b, 8, flags, ..] = header else { return None };
    if flags & 4 != 0 {
        let (length, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    decompress_to_vec_with_limit(rest, MAX_UNPACKED).ok()
}
