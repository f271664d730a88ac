//! `AnyIn`, `AllIn`, `AnyNotIn`, `AllNotIn`, and the deprecated `In` and `NotIn`. Everything is compared as text.
//!
//! Follows `anyin.go`, `allin.go`, `anynotin.go`, `allnotin.go`, `in.go`, `notin.go` of `pkg/engine/variables/operator`. A value of a type
//! that cannot be searched makes the answer no, also for the negative operators.

use serde_json::Value;

use super::Side;
use crate::eval::compare::{self, Operator};
use crate::object::wildcard;

/// The key as text: one, or the elements of a list. `None` for `null` and maps.
enum Keys {
    One(String),
    Many(Vec<String>),
}

fn keys(key: Side<'_>) -> Option<Keys> {
    match key.value {
        Value::String(text) => Some(Keys::One(text.clone())),
        Value::Number(_) | Value::Bool(_) => Some(Keys::One(key.print(key.value))),
        Value::Array(items) => Some(Keys::Many(key.print_all(items))),
        Value::Null | Value::Object(_) => None,
    }
}

/// `AnyIn`.
pub(super) fn any_in(key: Side<'_>, value: Side<'_>) -> bool {
    match keys(key) {
        None => false,
        Some(Keys::One(key)) => one_in(&key, value).unwrap_or(false),
        Some(Keys::Many(keys)) => match candidates(&keys, value, true) {
            Candidates::Same => true,
            Candidates::Range(range) => keys.iter().any(|key| in_range(key, range)),
            Candidates::Texts(texts) => keys.iter().any(|key| matches_any(key, &texts)),
            Candidates::None => false,
        },
    }
}

/// `AnyNotIn`.
pub(super) fn any_not_in(key: Side<'_>, value: Side<'_>) -> bool {
    match keys(key) {
        None => false,
        Some(Keys::One(key)) => one_in(&key, value).is_some_and(|found| !found),
        Some(Keys::Many(keys)) => match candidates(&keys, value, true) {
            Candidates::Same | Candidates::None => false,
            Candidates::Range(range) => {
                let outside = range.replacen('-', "!-", 1);
                keys.iter().any(|key| in_range(key, &outside))
            }
            Candidates::Texts(texts) => keys.iter().any(|key| !matches_any(key, &texts)),
        },
    }
}

/// `AllIn`.
pub(super) fn all_in(key: Side<'_>, value: Side<'_>) -> bool {
    match keys(key) {
        None => false,
        Some(Keys::One(key)) => one_in(&key, value).unwrap_or(false),
        Some(Keys::Many(keys)) => match candidates(&keys, value, false) {
            Candidates::Same => true,
            Candidates::Range(range) => keys.iter().all(|key| in_range(key, range)),
            Candidates::Texts(texts) => keys.iter().all(|key| matches_any(key, &texts)),
            Candidates::None => false,
        },
    }
}

/// `AllNotIn`.
pub(super) fn all_not_in(key: Side<'_>, value: Side<'_>) -> bool {
    match keys(key) {
        None => false,
        Some(Keys::One(key)) => one_in(&key, value).is_some_and(|found| !found),
        Some(Keys::Many(keys)) => match candidates(&keys, value, false) {
            Candidates::Same | Candidates::None => false,
            Candidates::Range(range) => !keys.iter().any(|key| in_range(key, range)),
            Candidates::Texts(texts) => !keys.iter().any(|key| matches_any(key, &texts)),
        },
    }
}

/// `In`, deprecated: a list key must be a subset, without wildcards.
pub(super) fn is_in(key: Side<'_>, value: Side<'_>) -> bool {
    match keys(key) {
        None => false,
        Some(Keys::One(key)) => one_in_deprecated(&key, value).unwrap_or(false),
        Some(Keys::Many(keys)) => {
            same_as_only(&keys, value.value)
                || strings(value.value).is_some_and(|texts| keys.iter().all(|key| texts.contains(key)))
        }
    }
}

/// `NotIn`, deprecated: any element of a list key that is not in the value. A value equal to the only element counts as *not in*.
pub(super) fn not_in(key: Side<'_>, value: Side<'_>) -> bool {
    match keys(key) {
        None => false,
        Some(Keys::One(key)) => one_in_deprecated(&key, value).is_some_and(|found| !found),
        Some(Keys::Many(keys)) => {
            same_as_only(&keys, value.value)
                || strings(value.value).is_some_and(|texts| keys.iter().any(|key| !texts.contains(key)))
        }
    }
}

/// What the elements of a list key are searched in.
enum Candidates<'v> {
    /// The value is the only element.
    Same,
    /// `a-b`
    Range(&'v str),
    Texts(Vec<String>),
    /// A type that cannot be searched.
    None,
}

fn candidates<'v>(keys: &[String], value: Side<'v>, scalars: bool) -> Candidates<'v> {
    match value.value {
        Value::Array(items) => Candidates::Texts(value.print_all(items)),
        Value::String(_) if same_as_only(keys, value.value) => Candidates::Same,
        Value::String(text) if compare::operator_of(text) == Operator::InRange => Candidates::Range(text),
        Value::String(text) => json_strings_or_itself(text).map_or(Candidates::None, Candidates::Texts),
        Value::Number(_) | Value::Bool(_) if scalars => Candidates::Texts(vec![value.print(value.value)]),
        _ => Candidates::None,
    }
}

fn same_as_only(keys: &[String], value: &Value) -> bool {
    matches!((keys, value), ([only], Value::String(text)) if only == text)
}

/// Whether one text is in the value; `None` for a value that cannot be searched.
fn one_in(key: &str, value: Side<'_>) -> Option<bool> {
    match value.value {
        Value::Array(items) => Some(matches_any(key, &value.print_all(items))),
        Value::String(text) if wildcard::matches(text, key) => Some(true),
        Value::String(text) if compare::operator_of(text) == Operator::InRange => Some(in_range(key, text)),
        Value::String(text) => json_strings_or_itself(text).map(|texts| texts.iter().any(|text| text == key)),
        _ => None,
    }
}

/// The same for `In` and `NotIn`, which know no ranges and no plain text.
fn one_in_deprecated(key: &str, value: Side<'_>) -> Option<bool> {
    match value.value {
        Value::Array(items) => Some(matches_any(key, &value.print_all(items))),
        Value::String(text) if wildcard::matches(text, key) => Some(true),
        Value::String(text) => json_strings(text).map(|texts| texts.iter().any(|text| text == key)),
        _ => None,
    }
}

/// The strings of a list, or of a text that holds a JSON list; `None` if any element is something else.
fn strings(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        Value::String(text) => json_strings(text),
        _ => None,
    }
}

/// A text that is JSON must be a list of strings; any other text stands for itself.
fn json_strings_or_itself(text: &str) -> Option<Vec<String>> {
    match serde_json::from_str::<Value>(text) {
        Ok(_) => json_strings(text),
        Err(_) => Some(vec![text.to_owned()]),
    }
}

/// `json.Unmarshal` into a `[]string`: `null` is an empty list, a `null` element an empty string.
fn json_strings(text: &str) -> Option<Vec<String>> {
    let elements: Option<Vec<Option<String>>> = serde_json::from_str(text).ok()?;
    Some(elements.unwrap_or_default().into_iter().map(Option::unwrap_or_default).collect())
}

/// Wildcards count on both sides.
fn matches_any(key: &str, texts: &[String]) -> bool {
    texts.iter().any(|text| wildcard::matches(text, key) || wildcard::matches(key, text))
}

fn in_range(key: &str, range: &str) -> bool {
    compare::validate(&Value::String(key.to_owned()), &Value::String(range.to_owned()))
}
