//! Regular expressions of Go (RE2) on the `regex` crate, and Kyverno's functions that use them.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

use regex::{Captures, Regex};
use serde_json::Value;

use super::{Call, Error, FunctionInfo, S, SN, Type, fail, row, text};
use crate::object::gofmt;

pub(super) const TABLE: &[FunctionInfo] = &[
    row("regex_match", &[S, SN], Type::Bool, regex_match, "Whether a text holds a match of a regular expression"),
    row(
        "regex_replace_all",
        &[S, SN, SN],
        Type::String,
        regex_replace_all,
        "Replaces every match; $1 and ${1} stand for groups",
    ),
    row(
        "regex_replace_all_literal",
        &[S, SN, SN],
        Type::String,
        regex_replace_all_literal,
        "Replaces every match by a text taken as it is",
    ),
];

/// `ifaceToString`: numbers by way of a 32 bit float; `None` for anything but strings and numbers.
pub(super) fn string_or_number(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(gofmt::format_float32(number.as_f64()?)),
        _ => None,
    }
}

fn regex_match(c: &Call<'_>) -> Result<Value, Error> {
    let Some(source) = string_or_number(c.value(1)) else {
        return c.error("argument #2 is not of type String or Real");
    };
    match compile(c.str(0)) {
        Ok(regex) => Ok(regex.is_match(&source).into()),
        Err(words) => fail(words),
    }
}

fn arguments(c: &Call<'_>) -> Result<(Regex, String, String), Error> {
    let Some(source) = string_or_number(c.value(1)) else {
        return c.error("argument #2 is not of type String or Real");
    };
    let Some(by) = string_or_number(c.value(2)) else { return c.error("argument #3 is not of type String or Real") };
    match compile(c.str(0)) {
        Ok(regex) => Ok((regex, source, by)),
        Err(words) => c.error(words),
    }
}

fn regex_replace_all(c: &Call<'_>) -> Result<Value, Error> {
    let (regex, source, template) = arguments(c)?;
    text(regex.replace_all(&source, |captures: &Captures<'_>| expand(&template, captures)))
}

fn regex_replace_all_literal(c: &Call<'_>) -> Result<Value, Error> {
    let (regex, source, by) = arguments(c)?;
    text(regex.replace_all(&source, regex::NoExpand(&by)))
}

/// Go's `Expand`: `$name` takes as many word characters as there are, so `$1x` is the group named `1x`.
fn expand(template: &str, captures: &Captures<'_>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let (name, tail) = match after.strip_prefix('{') {
            Some(braced) => braced.split_once('}').unwrap_or(("", "")),
            None => after.split_at(after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len())),
        };
        let closed = !after.starts_with('{') || after.contains('}');
        if name.is_empty() || !closed || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            out.push('$');
            rest = after;
            continue;
        }
        let group = match name.parse::<usize>() {
            Ok(index) => captures.get(index),
            Err(_) => captures.name(name),
        };
        out.push_str(group.map_or("", |found| found.as_str()));
        rest = tail;
    }
    out + rest
}

/// Compiles a regular expression as Go reads it.
///
/// # Errors
/// `error parsing regexp: …`
pub fn compile(pattern: &str) -> Result<Regex, String> {
    Regex::new(&translate(pattern)).map_err(|error| parse_error(pattern, &error))
}

/// Go's message for the usual mistakes; for others the crate's own.
fn parse_error(pattern: &str, error: &regex::Error) -> String {
    let words = error.to_string();
    let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ");
    let problem = match last {
        "unclosed group" => format!("missing closing ): `{pattern}`"),
        "unopened group" => format!("unexpected ): `{pattern}`"),
        "unclosed character class" => {
            let class = pattern.rfind('[').and_then(|at| pattern.get(at..)).unwrap_or(pattern);
            format!("missing closing ]: `{class}`")
        }
        "repetition operator missing expression" => {
            let operator = pattern.chars().find(|c| matches!(c, '*' | '+' | '?')).unwrap_or('*');
            format!("missing argument to repetition operator: `{operator}`")
        }
        _ if last.starts_with("look-around") => {
            let at = pattern.find("(?").unwrap_or(0);
            let found: String = pattern.get(at..).unwrap_or_default().chars().take(3).collect();
            format!("invalid or unsupported Perl syntax: `{found}`")
        }
        _ if last.starts_with("incomplete escape sequence") => "trailing backslash at end of expression: ``".to_owned(),
        _ => last.to_owned(),
    };
    format!("error parsing regexp: {problem}")
}

/// Rewrites what the two engines read differently: ASCII classes, literal braces, `\Q…\E`, set operators in classes.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    let mut class: Option<usize> = None;
    while let Some(c) = chars.next() {
        match (c, class) {
            ('\\', _) => escape(&mut out, &mut chars, class.is_some()),
            ('[', None) => {
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // A bracket right after the opening one is literal.
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
                class = Some(0);
            }
            ('[', Some(_)) if chars.peek() == Some(&':') => {
                // `[:alpha:]`, copied up to its own bracket.
                out.push('[');
                for inner in chars.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            ('[' | '&' | '~', Some(_)) => {
                out.push('\\');
                out.push(c);
            }
            (']', Some(_)) => {
                out.push(']');
                class = None;
            }
            ('{', None) if !is_repeat(&chars) => out.push_str("\\{"),
            _ => out.push(c),
        }
    }
    out
}

/// Whether what follows a brace makes a counted repetition: `2}`, `2,}`, `2,3}`.
fn is_repeat(chars: &Peekable<Chars<'_>>) -> bool {
    let rest: String = chars.clone().take_while(|c| *c != '}').collect();
    let (low, high) = rest.split_once(',').unwrap_or((&rest, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    !low.is_empty() && digits(low) && digits(high) && chars.clone().any(|c| c == '}')
}

fn escape(out: &mut String, chars: &mut Peekable<Chars<'_>>, in_class: bool) {
    let Some(c) = chars.next() else {
        out.push('\\');
        return;
    };
    let set = match c {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => "\\t\\n\\x0c\\r ",
        'D' => "^0-9",
        'W' => "^0-9A-Za-z_",
        'S' => "^\\t\\n\\x0c\\r ",
        'b' if !in_class => {
            out.push_str("(?-u:\\b)");
            return;
        }
        'Q' => {
            quote(out, chars);
            return;
        }
        // Octal, or a back reference that neither engine has.
        '0' => {
            let _ = write!(out, "\\x{{{:x}}}", octal(chars));
            return;
        }
        '<' | '>' | '_' | '%' => {
            out.push(c);
            return;
        }
        c => {
            out.push('\\');
            out.push(c);
            return;
        }
    };
    if in_class && !set.starts_with('^') {
        out.push_str(set);
    } else {
        let _ = write!(out, "[{set}]");
    }
}

fn octal(chars: &mut Peekable<Chars<'_>>) -> u32 {
    let mut value = 0;
    for _ in 0..2 {
        let Some(digit) = chars.next_if(|c| c.is_digit(8)).and_then(|c| c.to_digit(8)) else { break };
        value = value * 8 + digit;
    }
    value
}

/// `\Q…\E`: everything in between is literal.
fn quote(out: &mut String, chars: &mut Peekable<Chars<'_>>) {
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next_if_eq(&'E').is_some() {
            return;
        }
        out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }
}

/// Parses a regular expression as Go reads it.
pub(super) fn parse(pattern: &str) -> Result<regex_syntax::hir::Hir, String> {
    match Regex::new(&translate(pattern)) {
        Ok(regex) => regex_syntax::parse(regex.as_str()).map_err(|error| format!("error parsing regexp: {error}")),
        Err(error) => Err(parse_error(pattern, &error)),
    }
}
