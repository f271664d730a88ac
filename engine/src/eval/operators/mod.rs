//! The operators of conditions (`preconditions`, `deny`, exceptions): which there are and which function decides.
//!
//! Follows `pkg/engine/variables/operator/operator.go`. A key that is `null` makes every operator false, also the negative ones.

mod equality;
mod membership;
mod numeric;

use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::compare::parse_float;
use crate::object::duration::Duration;
use crate::object::gofmt;

/// One side of a condition after substitution.
#[derive(Clone, Copy, Debug)]
pub struct Side<'v> {
    /// The value.
    pub value: &'v Value,
    /// It was written as a list or map in the policy, so that whole numbers in it stay integers. Elsewhere Go holds them as float64
    /// and prints large ones as `1e+06`.
    pub literal: bool,
}

impl Side<'_> {
    /// `fmt.Sprint` of a scalar.
    fn print(self, value: &Value) -> String {
        match value {
            Value::Number(number) if !self.literal => gofmt::float_v(number.as_f64().unwrap_or(0.0)),
            other => gofmt::sprint(other),
        }
    }

    /// `fmt.Sprint` of every element.
    fn print_all(self, items: &[Value]) -> Vec<String> {
        items.iter().map(|item| self.print(item)).collect()
    }
}

/// How a numeric or duration operator compares. The name is matched in its exact case, or the answer is always no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    GreaterOrEqual,
    Greater,
    LessOrEqual,
    Less,
    /// Known operator in the wrong case.
    Never,
}

impl Order {
    fn of(name: &str) -> Self {
        match name {
            "GreaterThanOrEquals" => Self::GreaterOrEqual,
            "GreaterThan" => Self::Greater,
            "LessThanOrEquals" => Self::LessOrEqual,
            "LessThan" => Self::Less,
            _ => Self::Never,
        }
    }

    fn holds(self, ordering: Option<Ordering>) -> bool {
        match (self, ordering) {
            (Self::Never, _) | (_, None) => false,
            (Self::GreaterOrEqual, Some(ordering)) => ordering.is_ge(),
            (Self::Greater, Some(ordering)) => ordering.is_gt(),
            (Self::LessOrEqual, Some(ordering)) => ordering.is_le(),
            (Self::Less, Some(ordering)) => ordering.is_lt(),
        }
    }
}

/// Applies an operator by its name, in any case; `None` for a name that does not exist.
#[must_use]
pub fn evaluate(name: &str, key: Side<'_>, value: Side<'_>) -> Option<bool> {
    Some(match name.to_lowercase().as_str() {
        "equal" | "equals" => equality::equals(key.value, value.value),
        "notequal" | "notequals" => equality::not_equals(key.value, value.value),
        "in" => membership::is_in(key, value),
        "notin" => membership::not_in(key, value),
        "anyin" => membership::any_in(key, value),
        "anynotin" => membership::any_not_in(key, value),
        "allin" => membership::all_in(key, value),
        "allnotin" => membership::all_not_in(key, value),
        "greaterthanorequals" | "greaterthan" | "lessthanorequals" | "lessthan" => {
            numeric::number(Order::of(name), key.value, value.value)
        }
        "durationgreaterthanorequals" | "durationgreaterthan" | "durationlessthanorequals" | "durationlessthan" => {
            let order = name.strip_prefix("Duration").map_or(Order::Never, Order::of);
            numeric::duration(order, key.value, value.value)
        }
        _ => return None,
    })
}

/// Both sides as durations, where at least one is a duration string other than `"0"`; numbers on the other side are whole seconds.
fn durations(key: &Value, value: &Value) -> Option<(Duration, Duration)> {
    let (key_text, value_text) = (duration_text(key), duration_text(value));
    if key_text.is_none() && value_text.is_none() {
        return None;
    }
    Some((key_text.or_else(|| seconds(key))?, value_text.or_else(|| seconds(value))?))
}

fn duration_text(value: &Value) -> Option<Duration> {
    let text = value.as_str().filter(|text| *text != "0")?;
    Duration::parse(text).ok()
}

/// A number of seconds; fractions are cut.
fn seconds(value: &Value) -> Option<Duration> {
    #[expect(clippy::cast_possible_truncation, reason = "Go's conversion cuts, too")]
    let whole = |number: &Number| number.as_i64().or_else(|| number.as_f64().map(|float| float as i64));
    value.as_number().and_then(whole).map(|whole| Duration(whole.saturating_mul(1_000_000_000)))
}

/// Two numbers, as integers where both are.
fn compare_numbers(key: &Number, value: &Number) -> Option<Ordering> {
    match (key.as_i64(), value.as_i64()) {
        (Some(key), Some(value)) => Some(key.cmp(&value)),
        _ => key.as_f64()?.partial_cmp(&value.as_f64()?),
    }
}

/// A number and a text that holds one.
fn compare_number_text(key: &Number, text: &str) -> Option<Ordering> {
    key.as_f64()?.partial_cmp(&parse_float(text)?)
}

#[cfg(test)]
mod tests;
