//! `random`: a text that matches a regular expression. The choices follow from the seed, the pattern and the number of
//! calls, so that a run can be repeated.

use regex_syntax::hir::{Class, Hir, HirKind};
use serde_json::Value;

use super::{Call, Error, FunctionInfo, S, Type, fail, regex, row, text};

pub(super) const TABLE: &[FunctionInfo] =
    &[row("random", &[S], Type::String, random, "A random text that matches a regular expression")];

/// How often an unbounded repetition may repeat.
const MAX_REPEAT: u32 = 64;
/// Characters of a result.
const MAX_LENGTH: usize = 64 * 1024;

fn random(c: &Call<'_>) -> Result<Value, Error> {
    let pattern = c.str(0);
    if pattern.is_empty() {
        return fail("no pattern provided");
    }
    let calls = c.env.calls.get();
    c.env.calls.set(calls.wrapping_add(1));
    match generate(pattern, c.env.seed, calls) {
        Ok(found) => text(found),
        Err(words) => fail(words),
    }
}

/// A text that matches a pattern, the same for the same seed and number of the call.
///
/// # Errors
/// The pattern does not parse.
pub fn generate(pattern: &str, seed: u64, calls: u64) -> Result<String, String> {
    let hir = regex::parse(pattern)?;
    // FNV-1a over the pattern.
    let start = 0xcbf2_9ce4_8422_2325 ^ seed;
    let hash = pattern.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut generator =
        Generator { state: hash.wrapping_add(calls.wrapping_mul(0xd134_2543_de82_ef95)), out: String::new(), steps: 0 };
    generator.write(&hir);
    Ok(generator.out)
}

struct Generator {
    state: u64,
    out: String,
    steps: usize,
}

impl Generator {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    fn write(&mut self, hir: &Hir) {
        self.steps += 1;
        if self.out.len() > MAX_LENGTH || self.steps > 16 * MAX_LENGTH {
            return;
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.out.push_str(&String::from_utf8_lossy(&literal.0)),
            HirKind::Class(class) => {
                let choice = characters(class);
                let index = self.below(choice.len());
                self.out.extend(choice.get(index));
            }
            HirKind::Repetition(repetition) => {
                let least = repetition.min;
                let most = repetition.max.unwrap_or(least.saturating_add(MAX_REPEAT)).max(least);
                let spread = usize::try_from(most - least).unwrap_or(0);
                let times = usize::try_from(least).unwrap_or(0) + self.below(spread.saturating_add(1));
                for _ in 0..times.min(MAX_LENGTH) {
                    if self.steps > 16 * MAX_LENGTH {
                        break;
                    }
                    self.write(&repetition.sub);
                }
            }
            HirKind::Capture(capture) => self.write(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.write(part)),
            HirKind::Alternation(parts) => {
                let index = self.below(parts.len());
                if let Some(part) = parts.get(index) {
                    self.write(part);
                }
            }
        }
    }
}

/// The printable ASCII characters of a class; where there are none, the first ones it has.
fn characters(class: &Class) -> Vec<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => class.ranges().iter().map(|r| (char::from(r.start()), char::from(r.end()))).collect(),
    };
    let printable: Vec<char> = (' '..='~').filter(|c| ranges.iter().any(|(low, high)| low <= c && c <= high)).collect();
    if printable.is_empty() {
        ranges.into_iter().flat_map(|(low, high)| low..=high).take(256).collect()
    } else {
        printable
    }
}
