//! Which unquoted texts YAML would not read as strings.
//!
//! Follows `resolve.go` of yaml v2 and v3, and what `encode.go` quotes besides.

const NULLS: [&str; 5] = ["", "~", "null", "Null", "NULL"];
const BOOLS: [&str; 22] = [
    "true", "True", "TRUE", "false", "False", "FALSE", "y", "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO", "on",
    "On", "ON", "off", "Off", "OFF",
];
const SPECIAL: [&str; 13] =
    [".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", "<<"];

/// Whether a text stays a string without quotes.
pub(super) fn is_string(text: &str) -> bool {
    !(NULLS.contains(&text)
        || BOOLS.contains(&text)
        || SPECIAL.contains(&text)
        || is_number(text)
        || is_base_60(text)
        || is_timestamp(text))
}

fn is_number(text: &str) -> bool {
    let plain = text.replace('_', "");
    let unsigned = plain.strip_prefix(['-', '+']).unwrap_or(&plain);
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) || unsigned.is_empty() {
        return false;
    }
    let all = |rest: &str, radix: u32| !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix));
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)] {
        if let Some(rest) = unsigned.strip_prefix(prefix) {
            return all(rest, radix);
        }
    }
    is_float(unsigned)
}

/// `1`, `1.`, `.5`, `1.5e-3`.
fn is_float(unsigned: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) =
        unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(mantissa, rest)| (mantissa, Some(rest)));
    if exponent.is_some_and(|rest| !digits(rest.strip_prefix(['-', '+']).unwrap_or(rest))) {
        return false;
    }
    match mantissa.split_once('.') {
        None => digits(mantissa),
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
    }
}

/// `1:30`, which YAML 1.1 reads as 90.
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let Some((first, rest)) = unsigned.split_once(':') else { return false };
    let (sixties, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    first.starts_with(|c: char| c.is_ascii_digit())
        && digits(first)
        && digits(fraction)
        && sixties.split(':').all(|part| part.parse::<u8>().is_ok_and(|part| part < 60) && part.len() <= 2)
}

/// `2006-1-2`, with an optional time.
fn is_timestamp(text: &str) -> bool {
    let (date, time) = text.split_once(['T', 't', ' ']).map_or((text, None), |(date, time)| (date, Some(time)));
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let in_range = |part: &str, most: u32| {
        digits(part) && part.len() <= 2 && part.parse().is_ok_and(|n: u32| (1..=most).contains(&n))
    };
    year.len() == 4
        && digits(year)
        && in_range(month, 12)
        && in_range(day, 31)
        && time.is_none_or(|time| {
            time.bytes().all(|byte| byte.is_ascii_digit() || b":.Z+- ".contains(&byte)) && time.contains(':')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_others() {
        for text in ["a", "1a", "check-name", "1.2.3", "0xzz", "12:99", "2024-13-01", "-", "+", "e3"] {
            assert!(is_string(text), "{text}");
        }
        for text in
            ["", "no", "1", "-1.5e3", ".5", "0x1F", "1_000", "12:30", "2024-01-02", "2024-01-02T10:00:00Z", "<<", "~"]
        {
            assert!(!is_string(text), "{text}");
        }
    }
}
