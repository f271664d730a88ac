//! Decompression of LZ-String's base64 form (pieroxy/lz-string 1.5), with a limit: a few kilobytes may unfold to gigabytes.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text in `packed`; `None` where it is damaged or longer than `limit` UTF-16 units.
#[must_use]
pub fn decompress(packed: &str, limit: usize) -> Option<String> {
    let mut bits = Bits { rest: packed.trim_end_matches('=').as_bytes(), value: 0, left: 0 };
    let mut out: Vec<u16> = Vec::new();
    // An entry is a stretch of what is out already; the first three codes are instructions.
    let mut entries: Vec<(usize, usize)> = vec![(0, 0); 3];
    let mut width = 2;
    let mut last = (0, 0);
    loop {
        let code = bits.take(width)?;
        let start = out.len();
        let entry = match code {
            2 => return String::from_utf16(&out).ok(),
            0 | 1 => {
                out.push(u16::try_from(bits.take(if code == 0 { 8 } else { 16 })?).ok()?);
                entries.push((start, 1));
                (start, 1)
            }
            _ => {
                let known = usize::try_from(code).ok()?;
                // The entry that is about to be made: the last one and its own first unit.
                let next = (known == entries.len()).then_some((last.0, last.1 + 1));
                let (from, length) = entries.get(known).copied().or(next)?;
                if length == 0 || start + length > limit {
                    return None;
                }
                for index in from..from + length {
                    out.push(*out.get(index)?);
                }
                (start, length)
            }
        };
        if last.1 > 0 {
            entries.push((last.0, last.1 + 1));
        }
        last = entry;
        // One more entry is under way than is in the table.
        width = usize::BITS - entries.len().leading_zeros();
    }
}

/// Bits of base64 digits: most significant first within a digit, least significant first within a number.
struct Bits<'a> {
    rest: &'a [u8],
    value: u32,
    left: u32,
}

impl Bits<'_> {
    fn take(&mut self, width: u32) -> Option<u32> {
        let mut number = 0;
        for power in 0..width {
            if self.left == 0 {
                let (digit, rest) = self.rest.split_first()?;
                self.value = u32::try_from(ALPHABET.iter().position(|letter| letter == digit)?).ok()?;
                (self.rest, self.left) = (rest, 6);
            }
            self.left -= 1;
            number |= (self.value >> self.left & 1) << power;
        }
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survives(text: &str) {
        assert_eq!(decompress(&lz_str::compress_to_base64(text), 1 << 20).as_deref(), Some(text));
    }

    #[test]
    fn unfolds_what_lz_string_folds() {
        for text in ["a", "aaaaaaaaaaaaaaaa", "kind: Pod\nkind: Pod\n", "Zürich ✓ 𝄞", &"abcabcd".repeat(5000)] {
            survives(text);
        }
        let many: String = (0..3000_u32).filter_map(|n| char::from_u32(0x100 + n)).collect();
        survives(&many.repeat(2));
    }

    #[test]
    fn refuses_damage_and_bombs() {
        assert_eq!(decompress("", 10), None);
        assert_eq!(decompress("%%%", 10), None);
        let bomb = lz_str::compress_to_base64("a".repeat(1_000_000).as_str());
        assert!(bomb.len() < 5000);
        assert_eq!(decompress(&bomb, 1000), None);
    }
}
