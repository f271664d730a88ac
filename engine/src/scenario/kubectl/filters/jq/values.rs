//! Values as jq sees them: their order, what operators make of them, what is in them.

use serde_json::{Value, json};

pub(super) fn number_of(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
    if number.fract() == 0.0 && number.abs() < 9e15 { json!(number as i64) } else { json!(number) }
}

pub(super) fn truth(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

pub(super) fn everything(value: &Value, out: &mut Vec<Value>) {
    out.push(value.clone());
    match value {
        Value::Array(items) => items.iter().for_each(|item| everything(item, out)),
        Value::Object(map) => map.values().for_each(|item| everything(item, out)),
        _ => {}
    }
}

pub(super) fn index(of: &Value, key: &Value) -> Result<Value, String> {
    match (of, key) {
        (Value::Null, _) => Ok(Value::Null),
        (Value::Object(map), Value::String(key)) => Ok(map.get(key).cloned().unwrap_or_default()),
        (Value::Array(items), Value::Number(at)) => {
            let at = at.as_f64().map_or(0, |at| at.floor() as i64);
            let at = if at < 0 { at + items.len() as i64 } else { at };
            Ok(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned().unwrap_or_default())
        }
        (of, Value::String(key)) => Err(format!("Cannot index {} with \"{key}\"", kind(of))),
        (of, key) => Err(format!("Cannot index {} with {}", kind(of), kind(key))),
    }
}

pub(super) fn slice(of: &Value, from: Option<i64>, to: Option<i64>) -> Value {
    let cut = |length: usize| {
        let place = |at: i64| usize::try_from(if at < 0 { at + length as i64 } else { at }).unwrap_or(0).min(length);
        let (from, to) = (place(from.unwrap_or(0)), to.map_or(length, place));
        (from, to.max(from) - from)
    };
    match of {
        Value::Array(items) => {
            let (from, count) = cut(items.len());
            Value::Array(items.iter().skip(from).take(count).cloned().collect())
        }
        Value::String(text) => {
            let (from, count) = cut(text.chars().count());
            json!(text.chars().skip(from).take(count).collect::<String>())
        }
        _ => Value::Null,
    }
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// jq's order of all values.
pub(super) fn order(a: &Value, b: &Value) -> std::cmp::Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
    };
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let first = a.iter().zip(b).map(|(a, b)| order(a, b)).find(|order| order.is_ne());
            first.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (a, b) => rank(a).cmp(&rank(b)).then_with(|| a.to_string().cmp(&b.to_string()).then(std::cmp::Ordering::Equal)),
    }
}

pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

pub(super) fn calculate(operator: &str, left: &Value, right: &Value) -> Result<Value, String> {
    let numbers = left.as_f64().zip(right.as_f64());
    Ok(match operator {
        "==" => json!(same(left, right)),
        "!=" => json!(!same(left, right)),
        "<" => json!(order(left, right).is_lt()),
        "<=" => json!(order(left, right).is_le()),
        ">" => json!(order(left, right).is_gt()),
        ">=" => json!(order(left, right).is_ge()),
        operator => match (operator, left, right, numbers) {
            ("+", Value::Null, other, _) | ("+", other, Value::Null, _) => other.clone(),
            ("+", .., Some((a, b))) => number_of(a + b),
            ("-", .., Some((a, b))) => number_of(a - b),
            ("*", .., Some((a, b))) => number_of(a * b),
            ("/", .., Some((a, b))) if b != 0.0 => number_of(a / b),
            ("%", .., Some((a, b))) if b.trunc() != 0.0 => number_of(a.trunc() % b.trunc()),
            ("+", Value::String(a), Value::String(b), _) => json!(format!("{a}{b}")),
            ("+", Value::Array(a), Value::Array(b), _) => Value::Array(a.iter().chain(b).cloned().collect()),
            ("-", Value::Array(a), Value::Array(b), _) => {
                Value::Array(a.iter().filter(|one| !b.contains(one)).cloned().collect())
            }
            ("+" | "*", Value::Object(a), Value::Object(b), _) => {
                Value::Object(a.iter().chain(b).map(|(key, value)| (key.clone(), value.clone())).collect())
            }
            ("/", Value::String(a), Value::String(b), _) => a.split(b.as_str()).map(Value::from).collect(),
            _ => return Err(format!("{} and {} cannot be combined with {operator}", kind(left), kind(right))),
        },
    })
}

pub(super) fn contains(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.contains(b.as_str()),
        (Value::Array(a), Value::Array(b)) => b.iter().all(|b| a.iter().any(|a| contains(a, b))),
        (Value::Object(a), Value::Object(b)) => b.iter().all(|(key, b)| a.get(key).is_some_and(|a| contains(a, b))),
        (a, b) => same(a, b),
    }
}
