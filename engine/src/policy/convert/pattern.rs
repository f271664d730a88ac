//! `validate.pattern` → one CEL expression on the resource.

use serde_json::{Map, Value};

use super::Cel;
use super::cel::{access, and, equals, has, not, or, sole_variable, string, variable};
use crate::object::quantity::Quantity;
use crate::object::wildcard;

/// A mapping of a pattern, held against the CEL value `object`.
pub(super) fn mapping(pattern: &Map<String, Value>, object: &str, depth: usize) -> Cel {
    if depth > 12 {
        return Err("the pattern is nested too deep".into());
    }
    let (mut conditions, mut parts) = (Vec::new(), Vec::new());
    for (key, value) in pattern {
        let (modifier, name) = anchor(key);
        if name.contains("{{") || wildcard::contains_wildcard(name) {
            return Err(format!("the key {key} holds wildcards or variables"));
        }
        let (there, inner) = (has(object, name), || element(value, &access(object, name), depth));
        let needed = |inner: String| and([there.clone(), inner].into_iter().filter(|part| part != "true").collect());
        match modifier {
            None if value.is_null() => parts.push(or(vec![not(&there), format!("{} == null", access(object, name))])),
            None => parts.push(needed(inner()?)),
            Some("=") => match inner()?.as_str() {
                "true" => {}
                inner => parts.push(or(vec![not(&there), inner.to_owned()])),
            },
            Some("") => conditions.push(needed(inner()?)),
            Some("X") => parts.push(not(&there)),
            Some("^") => match value.as_array().map(Vec::as_slice) {
                Some([Value::Object(one)]) => {
                    let item = format!("e{depth}");
                    let inner = mapping(one, &item, depth + 1)?;
                    parts.push(and(vec![there.clone(), format!("{}.exists({item}, {inner})", access(object, name))]));
                }
                _ => return Err(format!("{key} with other than one mapping")),
            },
            Some(other) => return Err(format!("the anchor {other}( ) has no simple equivalent")),
        }
    }
    let body = and(parts);
    if conditions.is_empty() {
        return Ok(body);
    }
    Ok(if body == "true" { body } else { or(vec![not(&and(conditions)), body]) })
}

/// The modifier of an anchor and the name in it; no modifier for a plain key.
pub(super) fn anchor(key: &str) -> (Option<&str>, &str) {
    let found = key.trim().strip_suffix(')').and_then(|key| key.split_once('('));
    match found.filter(|(modifier, _)| matches!(*modifier, "" | "=" | "X" | "^" | "<" | "+")) {
        Some((modifier, name)) => (Some(modifier), name),
        None => (None, key),
    }
}

fn element(pattern: &Value, object: &str, depth: usize) -> Cel {
    match pattern {
        Value::Object(map) => mapping(map, object, depth),
        Value::Array(items) => match items.as_slice() {
            [one] => {
                let item = format!("e{depth}");
                let inner = element(one, &item, depth + 1)?;
                Ok(if inner == "true" { inner } else { format!("{object}.all({item}, {inner})") })
            }
            _ => Err("a list of several patterns has no simple equivalent".into()),
        },
        Value::String(text) => alternatives(text, object),
        Value::Null => Ok(format!("{object} == null")),
        other => Ok(format!("{object} == {other}")),
    }
}

fn alternatives(text: &str, object: &str) -> Cel {
    if text.contains("$(") {
        return Err(format!("the reference {text} has no simple equivalent"));
    }
    if let Some(inside) = sole_variable(text) {
        return Ok(format!("{object} == {}", variable(inside, "''")?));
    }
    if text.contains("{{") {
        return Err(format!("the pattern {text} mixes text and variables"));
    }
    let each = text.split('|').map(|part| {
        let all = part.split('&').map(|part| scalar(part.trim(), object)).collect::<Result<Vec<_>, _>>()?;
        Ok(and(all.into_iter().filter(|part| part != "true").collect()))
    });
    let each: Vec<String> = each.collect::<Result<_, String>>()?;
    Ok(if each.iter().any(|part| part == "true") { "true".to_owned() } else { or(each) })
}

/// One comparison: an operator with a number or quantity, a range, or a text with wildcards.
fn scalar(text: &str, object: &str) -> Cel {
    for (operator, greater, strict) in
        [(">=", true, false), ("<=", false, false), (">", true, true), ("<", false, true)]
    {
        if let Some(limit) = text.strip_prefix(operator) {
            return compare(object, operator, limit.trim(), greater, strict);
        }
    }
    if let Some(rest) = text.strip_prefix('!') {
        return scalar(rest.trim(), object).map(|found| not(&found));
    }
    if let Some((low, high)) =
        text.split_once('-').filter(|(low, high)| Quantity::parse(low).is_ok() && Quantity::parse(high).is_ok())
    {
        return Ok(and(vec![compare(object, ">=", low, true, false)?, compare(object, "<=", high, false, false)?]));
    }
    match text {
        "*" => Ok("true".to_owned()),
        "?*" => Ok(format!("string({object}) != ''")),
        "true" | "false" => Ok(format!("string({object}) == '{text}'")),
        _ if Quantity::parse(text).is_ok() && text.parse::<i64>().is_err() => {
            Ok(format!("quantity(string({object})).compareTo(quantity({})) == 0", string(text)))
        }
        _ if text.parse::<i64>().is_ok() => Ok(format!("string({object}) == {}", string(text))),
        _ => Ok(equals(object, text)),
    }
}

fn compare(object: &str, operator: &str, limit: &str, greater: bool, strict: bool) -> Cel {
    if limit.parse::<i64>().is_ok() {
        return Ok(format!("int({object}) {operator} {limit}"));
    }
    if Quantity::parse(limit).is_err() {
        return Err(format!("{operator}{limit} compares neither numbers nor quantities"));
    }
    let (left, right) = (format!("quantity(string({object}))"), format!("quantity({})", string(limit)));
    Ok(match (greater, strict) {
        (true, true) => format!("{left}.isGreaterThan({right})"),
        (false, true) => format!("{left}.isLessThan({right})"),
        (true, false) => format!("!{left}.isLessThan({right})"),
        (false, false) => format!("!{left}.isGreaterThan({right})"),
    })
}
