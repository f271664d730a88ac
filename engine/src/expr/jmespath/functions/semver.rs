//! `semver_compare`: ranges of the Go library blang/semver v4, which are not those of npm or Cargo.
//!
//! Blanks mean AND, `||` means OR, `x` stands for any number at the end, a pre-release is a version like others.

use std::cmp::Ordering;

use semver::Version;
use serde_json::Value;

use super::{Call, Error, FunctionInfo, S, Type, fail, row};
use crate::object::gofmt::quote;

pub(super) const TABLE: &[FunctionInfo] = &[row(
    "semver_compare",
    &[S, S],
    Type::Bool,
    semver_compare,
    "Whether a version is in a range such as >=1.2.0 <2.0.0 || 3.x",
)];

fn semver_compare(c: &Call<'_>) -> Result<Value, Error> {
    // What is no version silently counts as 0.0.0.
    let version = Version::parse(c.str(0)).unwrap_or(Version::new(0, 0, 0));
    match in_range(&version, c.str(1)) {
        Ok(inside) => Ok(inside.into()),
        Err(words) => fail(words),
    }
}

fn in_range(version: &Version, range: &str) -> Result<bool, String> {
    let parts = split_and_trim(range);
    if parts.first().is_some_and(|part| part == "||") {
        return Err("First element in range is '||'".to_owned());
    }
    if parts.last().is_none_or(|part| part == "||") {
        return Err("Last element in range is '||'".to_owned());
    }
    let mut expanded = Vec::new();
    for alternative in parts.split(|part| part == "||") {
        let mut conditions = Vec::new();
        for part in alternative {
            expand_wildcard(part, &mut conditions)?;
        }
        expanded.push(conditions);
    }
    // Everything is parsed before anything is compared: a mistake anywhere is an error.
    let mut any = false;
    for conditions in expanded {
        let mut all = true;
        for condition in conditions {
            all &= holds(version, &condition)?;
        }
        any |= all;
    }
    Ok(any)
}

/// Splits at blanks, but not after a comparator. Pieces of one character are lost, as in the library.
fn split_and_trim(range: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut current = String::new();
    let mut last = '\0';
    for c in range.chars() {
        if c == ' ' && !matches!(last, '>' | '<' | '=') {
            parts.push(std::mem::take(&mut current));
            continue;
        }
        if c != ' ' {
            last = c;
        }
        current.push(c);
    }
    parts.push(current);
    parts.retain(|part| part.len() > 1);
    parts.iter().map(|part| part.replace(' ', "")).collect()
}

fn split_comparator(part: &str) -> Result<(&str, &str), String> {
    let start =
        part.find(char::is_numeric).ok_or_else(|| format!("Could not get version from string: {}", quote(part)))?;
    let (comparator, version) = part.split_at_checked(start).unwrap_or((part, ""));
    Ok((comparator.trim(), version))
}

/// `1.2.x` → `>=1.2.0` and `<1.3.0`; likewise for the other comparators.
fn expand_wildcard(part: &str, conditions: &mut Vec<String>) -> Result<(), String> {
    if !part.contains('x') {
        conditions.push(part.to_owned());
        return Ok(());
    }
    let (comparator, version) = split_comparator(part)?;
    let numbers = version.split('.').count();
    let wild = version.rsplit('.').next() == Some("x");
    let mut flat = version.replacen(".x.x", ".x", 1).replacen(".x", ".0", 1);
    if flat.split('.').count() == 2 {
        flat.push_str(".0");
    }
    let next = || match numbers {
        3 if wild => increment(&flat, 1),
        2 if wild => increment(&flat, 0),
        _ => String::new(),
    };
    match comparator {
        ">" => conditions.push(format!(">={}", next())),
        ">=" => conditions.push(format!(">={flat}")),
        "<" => conditions.push(format!("<{flat}")),
        "<=" => conditions.push(format!("<{}", next())),
        "" | "=" | "==" => conditions.extend([format!(">={flat}"), format!("<{}", next())]),
        // Both at once can never hold; the library does the same.
        "!=" | "!" => conditions.extend([format!("<{flat}"), format!(">={}", next())]),
        _ => conditions.push(flat),
    }
    Ok(())
}

fn increment(version: &str, position: usize) -> String {
    let bump = |(index, number): (usize, &str)| match number.parse::<u64>() {
        Ok(number) if index == position => (number.saturating_add(1)).to_string(),
        _ => number.to_owned(),
    };
    version.split('.').enumerate().map(bump).collect::<Vec<_>>().join(".")
}

fn holds(version: &Version, condition: &str) -> Result<bool, String> {
    let range_error = |words: String| format!("Could not parse Range {}: {words}", quote(condition));
    let (comparator, text) = split_comparator(condition)?;
    let test: fn(Ordering) -> bool = match comparator {
        "" | "=" | "==" => Ordering::is_eq,
        ">" => Ordering::is_gt,
        ">=" => Ordering::is_ge,
        "<" => Ordering::is_lt,
        "<=" => Ordering::is_le,
        "!" | "!=" => Ordering::is_ne,
        _ => {
            let words = format!("Could not parse comparator {} in {}", quote(comparator), quote(condition));
            return Err(range_error(words));
        }
    };
    let bound = Version::parse(text).map_err(|_| {
        let why = version_error(text);
        range_error(format!("Could not parse version {} in {}: {why}", quote(text), quote(condition)))
    })?;
    Ok(test(version.cmp_precedence(&bound)))
}

/// Why the library refuses a version.
fn version_error(text: &str) -> String {
    let numbers: Vec<_> = text.splitn(3, '.').collect();
    let [major, minor, _] = numbers.as_slice() else { return "No Major.Minor.Patch elements found".to_owned() };
    for (name, number) in [("major", major), ("minor", minor)] {
        if number.is_empty() || number.contains(|c: char| !c.is_ascii_digit()) {
            return format!("Invalid character(s) found in {name} number {}", quote(number));
        }
        if number.len() > 1 && number.starts_with('0') {
            let name = if name == "major" { "Major" } else { "Minor" };
            return format!("{name} number must not contain leading zeroes {}", quote(number));
        }
    }
    let patch = numbers.get(2).copied().unwrap_or_default().split(['-', '+']).next().unwrap_or_default();
    if patch.len() > 1 && patch.starts_with('0') {
        return format!("Patch number must not contain leading zeroes {}", quote(patch));
    }
    format!("Invalid character(s) found in patch number {}", quote(patch))
}
