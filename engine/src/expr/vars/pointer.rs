//! `{{@}}`: the place of the string within the rule, as a JMESPath expression on the resource (`pkg/utils/jsonpointer`).

use std::fmt::Write as _;

/// The expression for the current element: what follows `foreach` and two more segments of the path, below `root`.
pub(super) fn this(path: &str, root: &[&str]) -> String {
    let segments = parse(path);
    let past = segments.iter().position(|segment| segment == "foreach").map_or(0, |index| index + 1);
    let rest = segments.get(past + 2..).unwrap_or_default();
    jmespath(root.iter().copied().chain(rest.iter().map(String::as_str)))
}

/// Segments of a traversal's path: a backslash escapes, quotes hold slashes, empty segments are left out.
fn parse(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    let mut current = String::new();
    let (mut escaped, mut quoted) = (false, false);
    for c in path.chars() {
        match c {
            c if escaped => {
                current.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '/' if !quoted => segments.push(std::mem::take(&mut current)),
            c => current.push(c),
        }
    }
    segments.push(current);
    segments.retain(|segment| !segment.is_empty());
    segments
}

fn jmespath<'a>(segments: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for segment in segments {
        if segment.parse::<u64>().is_ok() && !segment.starts_with('+') {
            let _ = write!(out, "[{segment}]");
            continue;
        }
        if !out.is_empty() {
            out.push('.');
        }
        // Anchors such as `(name)` stay as they are, although JMESPath reads them otherwise.
        let first = segment.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '(');
        if first && segment.chars().skip(1).all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ')') {
            out.push_str(segment);
        } else {
            out.push_str(&quoted(segment));
        }
    }
    out
}

fn quoted(segment: &str) -> String {
    let mut out = String::from("\"");
    for c in segment.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
