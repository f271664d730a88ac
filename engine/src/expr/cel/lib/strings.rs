//! cel-go `ext.Strings`, version 2.

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::text;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    string:charAt(int) -> string
    string:indexOf(string) -> int
    string:indexOf(string, int) -> int
    string:lastIndexOf(string) -> int
    string:lastIndexOf(string, int) -> int
    string:lowerAscii() -> string
    string:upperAscii() -> string
    string:replace(string, string) -> string
    string:replace(string, string, int) -> string
    string:split(string) -> list(string)
    string:split(string, int) -> list(string)
    string:substring(int) -> string
    string:substring(int, int) -> string
    string:trim() -> string
    string:format(list(dyn)) -> string
    strings.quote(string) -> string
    list(string):join() -> string
    list(string):join(string) -> string
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    Some(match (name, args) {
        ("charAt", [Val::String(text), Val::Int(at)]) => char_at(text, *at),
        ("indexOf", [Val::String(text), Val::String(part)]) => index_of(text, part, 0),
        ("indexOf", [Val::String(text), Val::String(part), Val::Int(from)]) => index_of(text, part, *from),
        ("lastIndexOf", [Val::String(text), Val::String(part)]) => last_index_of(text, part, None),
        ("lastIndexOf", [Val::String(text), Val::String(part), Val::Int(from)]) => {
            last_index_of(text, part, Some(*from))
        }
        ("lowerAscii", [Val::String(text)]) => Ok(Val::from(text.to_ascii_lowercase())),
        ("upperAscii", [Val::String(text)]) => Ok(Val::from(text.to_ascii_uppercase())),
        ("replace", [Val::String(text), Val::String(old), Val::String(new)]) => {
            Ok(Val::from(text.replace(&**old, new)))
        }
        ("replace", [Val::String(text), Val::String(old), Val::String(new), Val::Int(count)]) => {
            Ok(Val::from(match usize::try_from(*count) {
                Ok(count) => text.replacen(&**old, new, count),
                Err(_) => text.replace(&**old, new),
            }))
        }
        ("split", [Val::String(text), Val::String(separator)]) => Ok(split(text, separator, -1)),
        ("split", [Val::String(text), Val::String(separator), Val::Int(count)]) => Ok(split(text, separator, *count)),
        ("substring", [Val::String(text), Val::Int(start)]) => substring(text, *start, None),
        ("substring", [Val::String(text), Val::Int(start), Val::Int(end)]) => substring(text, *start, Some(*end)),
        ("trim", [Val::String(text)]) => Ok(Val::str(text.trim_matches(char::is_whitespace))),
        ("format", [Val::String(text), Val::List(items)]) => super::sprintf(text, items),
        ("strings.quote", [Val::String(text)]) => Ok(Val::from(quote(text))),
        ("join", [Val::List(items)]) => join(items, ""),
        ("join", [Val::List(items), Val::String(separator)]) => join(items, separator),
        _ => return None,
    })
}

fn out_of_range(at: i64) -> Error {
    Error::new(format!("index out of range: {at}"))
}

fn char_at(text: &str, at: i64) -> Res {
    let length = text.chars().count();
    let position = usize::try_from(at).ok().filter(|position| *position <= length).ok_or_else(|| out_of_range(at))?;
    Ok(Val::from(text.chars().nth(position).map(String::from).unwrap_or_default()))
}

fn index_of(text: &str, part: &str, from: i64) -> Res {
    let start = usize::try_from(from).map_err(|_| out_of_range(from))?;
    let length = text.chars().count();
    if part.is_empty() {
        return Ok(Val::from(start.min(length)));
    }
    let Some(rest) = text.char_indices().nth(start).and_then(|(at, _)| text.get(at..)) else { return Ok(Val::Int(-1)) };
    let found = rest.find(part).and_then(|at| rest.get(..at));
    Ok(found.map_or(Val::Int(-1), |before| Val::from(start + before.chars().count())))
}

fn last_index_of(text: &str, part: &str, from: Option<i64>) -> Res {
    let length = text.chars().count();
    let start = match from {
        Some(from) => usize::try_from(from).map_err(|_| out_of_range(from))?,
        None => length,
    };
    if part.is_empty() {
        return Ok(Val::from(start.min(length)));
    }
    if from.is_some() && start >= length {
        return Ok(Val::Int(-1));
    }
    // The match may begin at `start` at the latest.
    let last = text.char_indices().nth(start).map_or(text.len(), |(at, _)| at);
    let mut end = last.saturating_add(part.len()).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = text.get(..end).unwrap_or(text);
    let found = head.rfind(part).and_then(|at| head.get(..at));
    Ok(found.map_or(Val::Int(-1), |before| Val::from(before.chars().count())))
}

/// Go's `strings.SplitN`: 0 gives no parts, a negative count all.
fn split(text: &str, separator: &str, count: i64) -> Val {
    if count == 0 {
        return Val::list(Vec::new());
    }
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    if separator.is_empty() {
        let mut rest = text;
        let mut parts = Vec::new();
        while let Some(first) = rest.chars().next() {
            if parts.len() + 1 >= limit {
                parts.push(Val::str(rest));
                break;
            }
            let (head, tail) = rest.split_at_checked(first.len_utf8()).unwrap_or((rest, ""));
            parts.push(Val::str(head));
            rest = tail;
        }
        return Val::list(parts);
    }
    Val::list(text.splitn(limit, separator).map(Val::str).collect())
}

fn substring(text: &str, start: i64, end: Option<i64>) -> Res {
    let length = text.chars().count();
    let limit = i64::try_from(length).unwrap_or(i64::MAX);
    let end = end.unwrap_or(limit.max(start));
    if start > end {
        return Err(Error::new(format!("invalid substring range. start: {start}, end: {end}")));
    }
    let from = usize::try_from(start).ok().filter(|at| *at <= length).ok_or_else(|| out_of_range(start))?;
    let to = usize::try_from(end).ok().filter(|at| *at <= length).ok_or_else(|| out_of_range(end))?;
    Ok(Val::from(text.chars().skip(from).take(to - from).collect::<String>()))
}

fn join(items: &[Val], separator: &str) -> Res {
    let mut parts = Vec::with_capacity(items.len());
    for item in items {
        let Val::String(text) = item else {
            return Err(Error::new(format!("join: invalid input: {}", text::display(item))));
        };
        parts.push(&**text);
    }
    Ok(Val::from(parts.join(separator)))
}

/// `strings.quote`.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
