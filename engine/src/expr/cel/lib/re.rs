//! Regular expressions of Go (RE2) on the `regex` crate.

use std::cell::RefCell;
use std::collections::BTreeMap;

use regex::Regex;

use crate::expr::cel::error::Error;

/// Regexes kept compiled; more than enough for the policies of one run.
const CACHED: usize = 256;

thread_local! {
    static CACHE: RefCell<BTreeMap<String, Result<Regex, Error>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Compiles a pattern as Go's `regexp` does; patterns are kept.
///
/// # Errors
/// `error parsing regexp: …`.
pub fn compile(pattern: &str) -> Result<Regex, Error> {
    CACHE.with_borrow_mut(|cache| {
        if let Some(known) = cache.get(pattern) {
            return known.clone();
        }
        if cache.len() >= CACHED {
            cache.clear();
        }
        let made = regex::RegexBuilder::new(&ascii_classes(pattern))
            .size_limit(1 << 22)
            .build()
            .map_err(|error| Error::new(format!("error parsing regexp: {}", first_line(&error.to_string()))));
        cache.insert(pattern.to_owned(), made.clone());
        made
    })
}

fn first_line(words: &str) -> String {
    words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("invalid").trim().to_owned()
}

/// Go's `\d`, `\w`, `\s` and `\b` are ASCII; `\z` is `\z`, `\Q…\E` quotes.
fn ascii_classes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    let mut in_class = 0_usize;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => out.push_str(if in_class > 0 { "0-9" } else { "[0-9]" }),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str(if in_class > 0 { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('s') => out.push_str(if in_class > 0 { "\\t\\n\\f\\r " } else { "[\\t\\n\\f\\r ]" }),
                Some('S') => out.push_str("[^\\t\\n\\f\\r ]"),
                Some('b') if in_class == 0 => out.push_str("(?-u:\\b)"),
                Some('B') if in_class == 0 => out.push_str("(?-u:\\B)"),
                Some('Q') => quoted(&mut chars, &mut out),
                Some(other) => {
                    out.push('\\');
                    out.push(other);
                }
                None => out.push('\\'),
            },
            '[' if in_class == 0 => {
                in_class = 1;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    out.extend(chars.next());
                }
                if chars.peek() == Some(&']') {
                    chars.next();
                    out.push_str("\\]");
                }
            }
            // In Go a `[` inside a class is a plain character unless it begins `[:name:]`.
            '[' if chars.peek() == Some(&':') => {
                in_class += 1;
                out.push('[');
            }
            '[' => out.push_str("\\["),
            ']' if in_class > 0 => {
                in_class -= 1;
                out.push(']');
            }
            '&' | '~' if in_class > 0 => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

fn quoted(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.peek() == Some(&'E') {
            chars.next();
            break;
        }
        text.push(c);
    }
    out.push_str(&regex::escape(&text));
}
