//! `$(…)` references: a string takes the value of another place of the same document.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::expr::jmespath::{Error, path};
use crate::object::gofmt;

static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\$\(.[^\ ]*\)|[^\\]\$\(.[^\ ]*\)").ok());
static ESCAPED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\\\$\(.[^\ \)]*\)").ok());
/// `10-20` or `10!-20`, which after an operator-less start count as operators themselves.
static RANGE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^([-|\+]?\d+(?:\.\d+)?[A-Za-z]*)(!?-)([-|\+]?\d+(?:\.\d+)?[A-Za-z]*)$").ok());

pub(super) fn is_reference(text: &str) -> bool {
    REFERENCE.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// Substitutes all references of a document.
pub(super) fn substitute(document: &Value) -> Result<Value, Error> {
    super::traverse(document.clone(), "", 0, &mut |text, path| in_text(document, text, path))
}

fn in_text(document: &Value, original: &str, path: &str) -> Result<Value, Error> {
    if !original.contains("$(") {
        return Ok(Value::String(original.to_owned()));
    }
    let fail = |words: String| Err(Error::Other(words));
    let mut text = original.to_owned();
    for found in REFERENCE.iter().flat_map(|regex| regex.find_iter(original)) {
        let old = found.as_str();
        let start = old.find("$(").unwrap_or(0);
        let (before, reference) = old.split_at_checked(start).unwrap_or(("", old));
        match resolve(document, reference, path) {
            Err(why) => return fail(format!("failed to resolve {reference} at path {path}: {why}")),
            Ok(Value::Null) => return fail(format!("got nil resolved variable {reference} at path {path}: <nil>")),
            Ok(Value::String(value)) => text = text.replacen(old, &format!("{before}{value}"), 1),
            Ok(_) => {
                return fail(format!("NotResolvedReferenceErr,reference {reference} not resolved at path {path}"));
            }
        }
    }
    let escaped: Vec<String> = ESCAPED.iter().flat_map(|r| r.find_iter(&text)).map(|m| m.as_str().to_owned()).collect();
    for found in escaped {
        text = text.replace(&found, found.strip_prefix('\\').unwrap_or(&found));
    }
    Ok(Value::String(text))
}

fn resolve(document: &Value, reference: &str, path: &str) -> Result<Value, String> {
    let bare = reference.trim_matches(['$', '(', ')']);
    let operator = operator(bare);
    let target = bare.get(operator.len()..).unwrap_or_default();
    if target.is_empty() {
        return Err("expected path, found empty reference".to_owned());
    }
    let target = if target.starts_with('/') { target.to_owned() } else { path::join(&[path, target]) };
    let value = value_at(document, &target)?;
    if operator.is_empty() {
        return Ok(value);
    }
    let words = match &value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_i64() => number.to_string(),
        Value::Number(number) => format!("{:.6}", number.as_f64().unwrap_or_default()),
        other => {
            let other = gofmt::sprint(other);
            return Err(format!("incorrect expression: operator {operator} does not match with value {other}"));
        }
    };
    Ok(Value::String(format!("{operator}{words}")))
}

fn operator(pattern: &str) -> &'static str {
    if pattern.len() < 2 {
        return "";
    }
    if let Some(operator) = [">=", "<=", ">", "<", "!"].into_iter().find(|operator| pattern.starts_with(operator)) {
        return operator;
    }
    match RANGE.as_ref().and_then(|regex| regex.captures(pattern)).and_then(|captures| captures.get(2)) {
        Some(range) if range.as_str() == "!-" => "!-",
        Some(_) => "-",
        None => "",
    }
}

/// The last leaf, or key of a mapping, whose path without anchors is the wanted one.
fn value_at(document: &Value, wanted: &str) -> Result<Value, String> {
    let mut found = Value::Null;
    leaves(document, "", &mut |path, element| {
        if without_anchors(path) == wanted {
            found = element;
        }
    });
    Ok(found)
}

fn leaves(element: &Value, path: &str, visit: &mut dyn FnMut(&str, Value)) {
    match element {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}/{index}"), visit);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                visit(path, Value::String(key.clone()));
                leaves(value, &format!("{path}/{}", key.replace('/', "\\/")), visit);
            }
        }
        leaf => visit(path, leaf.clone()),
    }
}

/// `/spec/(name)` → `/spec/name`, for every kind of anchor.
fn without_anchors(path: &str) -> String {
    let plain: Vec<_> = path.split('/').map(|part| anchor_key(part).unwrap_or(part)).collect();
    let joined = path::join(&plain);
    if path.starts_with('/') { format!("/{joined}") } else { joined }
}

fn anchor_key(part: &str) -> Option<&str> {
    let part = part.trim();
    let bare = part.strip_prefix(['+', '<', '=', 'X', '^']).unwrap_or(part);
    bare.strip_prefix('(')?.strip_suffix(')').filter(|key| !key.is_empty())
}
