//! Go's `time.Duration`: `1h30m`, `1.5s`, `-5ms`; no days.

use std::fmt;
use std::str::FromStr;

use super::gofmt::quote;

/// A span of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(pub i64);

const SECOND: i64 = 1_000_000_000;
/// The largest magnitude while parsing: `-2^63` fits, `2^63` does not.
const LIMIT: u64 = 1 << 63;

impl Duration {
    /// `time.ParseDuration`.
    ///
    /// # Errors
    /// In Go's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let invalid = || format!("time: invalid duration {}", quote(text));
        let negative = text.starts_with('-');
        let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
        if rest == "0" {
            return Ok(Self(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (integer, after) = digits(rest);
            let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
            if integer.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
            let (name, after) = after.split_at_checked(end).unwrap_or((after, ""));
            if name.is_empty() {
                return Err(format!("time: missing unit in duration {}", quote(text)));
            }
            let unit =
                unit(name).ok_or_else(|| format!("time: unknown unit {} in duration {}", quote(name), quote(text)))?;
            let whole: u64 = if integer.is_empty() { 0 } else { integer.parse().map_err(|_| invalid())? };
            let value = whole.checked_mul(unit).filter(|v| *v <= LIMIT).ok_or_else(invalid)?;
            total = value.checked_add(part(fraction, unit)).and_then(|v| total.checked_add(v)).ok_or_else(invalid)?;
            if total > LIMIT {
                return Err(invalid());
            }
            rest = after;
        }
        if negative {
            return Ok(Self(0_i64.checked_sub_unsigned(total).ok_or_else(invalid)?));
        }
        i64::try_from(total).map(Self).map_err(|_| invalid())
    }

    /// Seconds as a float, as `Duration.Seconds()`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "Go loses the same digits")]
    pub fn seconds(self) -> f64 {
        (self.0 / SECOND) as f64 + (self.0 % SECOND) as f64 / 1e9
    }

    /// `time.Duration(seconds * float64(time.Second))`.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "Go cuts off the fraction")]
    pub fn from_seconds(seconds: f64) -> Self {
        Self((seconds * 1e9) as i64)
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl fmt::Display for Duration {
    /// `Duration.String()`: `1h0m0s`, `1.5s`, `100ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let second = SECOND.unsigned_abs();
        match size {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{sign}{size}ns"),
            1_000..1_000_000 => write!(f, "{sign}{}µs", decimal(size, 1_000)),
            1_000_000..1_000_000_000 => write!(f, "{sign}{}ms", decimal(size, 1_000_000)),
            _ => {
                let seconds = decimal(size % (60 * second), second);
                let minutes = size / (60 * second);
                match (minutes / 60, minutes % 60) {
                    (0, 0) => write!(f, "{sign}{seconds}s"),
                    (0, minutes) => write!(f, "{sign}{minutes}m{seconds}s"),
                    (hours, minutes) => write!(f, "{sign}{hours}h{minutes}m{seconds}s"),
                }
            }
        }
    }
}

/// `value / unit` with the fraction written out and no trailing zeros.
fn decimal(value: u64, unit: u64) -> String {
    let rest = value % unit;
    if rest == 0 {
        return (value / unit).to_string();
    }
    let places = unit.to_string().len() - 1;
    let fraction = format!("{rest:0places$}");
    format!("{}.{}", value / unit, fraction.trim_end_matches('0'))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn unit(name: &str) -> Option<u64> {
    Some(match name {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// The fraction of a unit; digits that no longer fit 63 bits are dropped, as in Go.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as Go does")]
fn part(fraction: &str, unit: u64) -> u64 {
    let (mut value, mut scale) = (0_u64, 1_f64);
    for digit in fraction.bytes() {
        let Some(next) = value.checked_mul(10).and_then(|v| v.checked_add(u64::from(digit - b'0'))) else { break };
        if next > LIMIT {
            break;
        }
        value = next;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_and_print() {
        for (text, wanted) in [
            ("0", "0s"),
            ("1h", "1h0m0s"),
            ("1h30m", "1h30m0s"),
            ("90m", "1h30m0s"),
            ("1.5h", "1h30m0s"),
            ("-1.5s", "-1.5s"),
            ("+5s", "5s"),
            (".5s", "500ms"),
            ("1500us", "1.5ms"),
            ("1µs", "1µs"),
            ("10ns", "10ns"),
            ("2562047h47m16.854775807s", "2562047h47m16.854775807s"),
            ("-2562047h47m16.854775808s", "-2562047h47m16.854775808s"),
            ("0.3333333333333333333h", "20m0s"),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""),
            ("5", "time: missing unit in duration \"5\""),
            ("", "time: invalid duration \"\""),
            ("-", "time: invalid duration \"-\""),
            ("1h-5m", "time: unknown unit \"h-\" in duration \"1h-5m\""),
            (".s", "time: invalid duration \".s\""),
            ("2562047h47m16.854775808s", "time: invalid duration \"2562047h47m16.854775808s\""),
        ] {
            let found = Duration::parse(text).map_or_else(|e| e, |d| d.to_string());
            assert_eq!(found, wanted, "{text}");
        }
        assert_eq!(Duration::from_seconds(1.5).seconds(), 1.5);
    }
}
