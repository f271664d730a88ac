//! cel-go `ext.Regex` and Kubernetes' `find`, `findAll`.

use std::sync::Arc;

use super::re;
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    regex.replace(string, string, string) -> string
    regex.replace(string, string, string, int) -> string
    regex.extract(string, string) -> optional_type(string)
    regex.extractAll(string, string) -> list(string)
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    Some(match (name, args) {
        ("regex.replace", [Val::String(text), Val::String(pattern), Val::String(new)]) => {
            replace(text, pattern, new, -1)
        }
        ("regex.replace", [Val::String(text), Val::String(pattern), Val::String(new), Val::Int(count)]) => {
            replace(text, pattern, new, *count)
        }
        ("regex.extract", [Val::String(text), Val::String(pattern)]) => {
            extract(text, pattern).map(|found| Val::Optional(found.into_iter().next().flatten().map(Arc::new)))
        }
        ("regex.extractAll", [Val::String(text), Val::String(pattern)]) => {
            extract(text, pattern).map(|found| Val::list(found.into_iter().flatten().collect()))
        }
        _ => return None,
    })
}

/// Per match the only group, or the whole match where there is no group; `None` for an empty group.
fn extract(text: &str, pattern: &str) -> Result<Vec<Option<Val>>, Error> {
    let regex = re::compile(pattern)?;
    if regex.captures_len() > 2 {
        return Err(Error::new(format!("regular expression has more than one capturing group: {pattern:?}")));
    }
    let grouped = regex.captures_len() == 2;
    let found = regex.captures_iter(text).map(|captures| {
        let group = captures.get(usize::from(grouped)).map_or("", |group| group.as_str());
        (!grouped || !group.is_empty()).then(|| Val::str(group))
    });
    Ok(found.collect())
}

fn replace(text: &str, pattern: &str, new: &str, count: i64) -> Res {
    if count == 0 {
        return Ok(Val::str(text));
    }
    let regex = re::compile(pattern)?;
    let limit = usize::try_from(count).unwrap_or(usize::MAX);
    let mut out = String::new();
    let mut from = 0;
    for captures in regex.captures_iter(text).take(limit) {
        let Some(whole) = captures.get(0) else { continue };
        out.push_str(text.get(from..whole.start()).unwrap_or(""));
        expand(&captures, new, &mut out)?;
        from = whole.end();
    }
    out.push_str(text.get(from..).unwrap_or(""));
    Ok(Val::from(out))
}

/// `\1` and `\\` in a replacement.
fn expand(captures: &::regex::Captures<'_>, new: &str, out: &mut String) -> Result<(), Error> {
    let mut chars = new.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            None => return Err(Error::new(format!("invalid replacement string: '{new}' \\ not allowed at end"))),
            Some('\\') => out.push('\\'),
            Some(digit) => {
                let Some(group) = digit.to_digit(10).and_then(|group| usize::try_from(group).ok()) else {
                    let words = format!("invalid replacement string: '{new}' \\ must be followed by a digit or \\");
                    return Err(Error::new(words));
                };
                let groups = captures.len() - 1;
                if group > groups {
                    let words =
                        format!("replacement string references group {group} but regex has only {groups} group(s)");
                    return Err(Error::new(words));
                }
                out.push_str(captures.get(group).map_or("", |group| group.as_str()));
            }
        }
    }
    Ok(())
}

/// Kubernetes' `find` and `findAll`.
pub(super) mod find {
    use super::{Cx, Error, Res, Val, re};

    pub(in super::super) const SIGNATURES: &str = "
        string:find(string) -> string
        string:findAll(string) -> list(string)
        string:findAll(string, int) -> list(string)
    ";

    pub(in super::super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
        let (text, pattern, limit) = match args {
            [Val::String(text), Val::String(pattern)] => (text, pattern, -1),
            [Val::String(text), Val::String(pattern), Val::Int(limit)] => (text, pattern, *limit),
            _ => return None,
        };
        let regex = match re::compile(pattern) {
            Ok(regex) => regex,
            Err(error) => return Some(Err(Error::new(format!("Illegal regex: {error}")))),
        };
        let mut found = regex.find_iter(text).map(|found| found.as_str());
        Some(Ok(match name {
            "find" => Val::str(found.next().unwrap_or("")),
            "findAll" => {
                let limit = usize::try_from(limit).unwrap_or(usize::MAX);
                Val::list(found.take(limit).map(Val::str).collect())
            }
            _ => return None,
        }))
    }
}
