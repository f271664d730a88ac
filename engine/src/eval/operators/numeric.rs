//! `GreaterThan`, `GreaterThanOrEquals`, `LessThan`, `LessThanOrEquals`, and the deprecated ones that start with `Duration`.
//!
//! Follows `numeric.go` and `duration.go` of `pkg/engine/variables/operator`.

use semver::Version;
use serde_json::{Number, Value};
use std::cmp::Ordering;

use super::{Order, compare_number_text, compare_numbers, durations, seconds};
use crate::eval::compare::parse_float;
use crate::object::duration::Duration;
use crate::object::quantity::Quantity;

/// Numbers, durations, quantities and versions.
pub(super) fn number(order: Order, key: &Value, value: &Value) -> bool {
    let ordering = match key {
        Value::Number(number) => number_with(number, key, value),
        Value::String(text) => text_with(text, key, value),
        _ => None,
    };
    order.holds(ordering)
}

fn number_with(number: &Number, key: &Value, value: &Value) -> Option<Ordering> {
    match value {
        Value::Number(value) => compare_numbers(number, value),
        Value::String(text) => match durations(key, value) {
            Some((key, value)) => Some(key.cmp(&value)),
            None => compare_number_text(number, text),
        },
        _ => None,
    }
}

/// A text key: a duration, a quantity, a number, a semantic version, whichever fits first.
fn text_with(text: &str, key: &Value, value: &Value) -> Option<Ordering> {
    if let Some((key, value)) = durations(key, value) {
        return Some(key.cmp(&value));
    }
    if let (Ok(key), Some(Ok(value))) = (Quantity::parse(text), value.as_str().map(Quantity::parse)) {
        return Some(key.compare(&value));
    }
    if let Some(number) = parse_float(text) {
        let number = Number::from_f64(number)?;
        return number_with(&number, &Value::Number(number.clone()), value);
    }
    let key = Version::parse(text).ok()?;
    Some(key.cmp_precedence(&Version::parse(value.as_str()?).ok()?))
}

/// Durations only; numbers are whole seconds.
pub(super) fn duration(order: Order, key: &Value, value: &Value) -> bool {
    let nanoseconds = |side: &Value| match side {
        Value::String(text) => Duration::parse(text).ok(),
        other => seconds(other),
    };
    match (nanoseconds(key), nanoseconds(value)) {
        (Some(key), Some(value)) => order.holds(Some(key.cmp(&value))),
        _ => false,
    }
}
