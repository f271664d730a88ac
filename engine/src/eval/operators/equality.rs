//! `Equals` and `NotEquals`: the type of the key decides how both sides are read.
//!
//! Follows `equal.go` and `notequal.go` of `pkg/engine/variables/operator`.

use serde_json::Value;

use super::{compare_number_text, compare_numbers, durations};
use crate::object::quantity::Quantity;
use crate::object::wildcard;

/// `Equals`.
pub(super) fn equals(key: &Value, value: &Value) -> bool {
    match key {
        Value::Null => false,
        Value::Bool(_) => key == value,
        Value::Number(number) => match value {
            Value::Number(value) => compare_numbers(number, value).is_some_and(std::cmp::Ordering::is_eq),
            Value::String(text) => compare_number_text(number, text).is_some_and(std::cmp::Ordering::is_eq),
            _ => false,
        },
        Value::String(text) => text_equals(text, key, value),
        Value::Array(_) | Value::Object(_) => deep_equal(key, value),
    }
}

/// `NotEquals`: the opposite, but for a key that is `null`.
pub(super) fn not_equals(key: &Value, value: &Value) -> bool {
    !key.is_null() && !equals(key, value)
}

/// Durations, then quantities, then text with the value as a wildcard pattern.
fn text_equals(text: &str, key: &Value, value: &Value) -> bool {
    if let Some((key, value)) = durations(key, value) {
        return key == value;
    }
    let Some(wanted) = value.as_str() else { return false };
    match (Quantity::parse(text), Quantity::parse(wanted)) {
        (Ok(key), Ok(value)) => key == value,
        // A quantity never equals what is none, not even through a wildcard.
        (Ok(_), Err(_)) => false,
        (Err(_), _) => wildcard::matches(wanted, text),
    }
}

/// Values of the same shape; numbers by value.
pub(super) fn deep_equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            compare_numbers(left, right).is_some_and(std::cmp::Ordering::is_eq)
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| deep_equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| deep_equal(left, right)))
        }
        _ => left == right,
    }
}
