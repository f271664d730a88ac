//! Operators on values: numbers with overflow checks, comparison across number types, concatenation, time.

use std::cmp::Ordering;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::ast::Op;
use super::error::Error;
use super::value::{Key, Val, whole};

/// The result of an evaluation.
pub type Res = Result<Val, Error>;

/// Evaluates a binary operator on two values.
///
/// # Errors
/// cel-go's words: `no such overload`, `division by zero`, `integer overflow` …
pub fn binary(op: Op, left: &Val, right: &Val) -> Res {
    match op {
        Op::Equals => Ok(Val::Bool(left == right)),
        Op::NotEquals => Ok(Val::Bool(left != right)),
        Op::Less => order(left, right).map(|found| Val::Bool(found == Ordering::Less)),
        Op::LessEquals => order(left, right).map(|found| Val::Bool(found != Ordering::Greater)),
        Op::Greater => order(left, right).map(|found| Val::Bool(found == Ordering::Greater)),
        Op::GreaterEquals => order(left, right).map(|found| Val::Bool(found != Ordering::Less)),
        Op::In => contains(right, left),
        Op::Add => add(left, right),
        Op::Subtract => subtract(left, right),
        Op::Multiply | Op::Divide | Op::Modulo => arithmetic(op, left, right),
    }
}

/// How two numbers of any types compare; `None` when one is no number or not a number.
#[must_use]
pub fn compare_numbers(left: &Val, right: &Val) -> Option<Ordering> {
    match (left, right) {
        (Val::Int(a), Val::Int(b)) => Some(a.cmp(b)),
        (Val::Uint(a), Val::Uint(b)) => Some(a.cmp(b)),
        (Val::Double(a), Val::Double(b)) => a.partial_cmp(b),
        (Val::Int(a), Val::Uint(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Val::Uint(a), Val::Int(b)) => Some(i128::from(*a).cmp(&i128::from(*b))),
        (Val::Double(a), Val::Int(b)) => compare_double(*a, i128::from(*b)),
        (Val::Int(a), Val::Double(b)) => compare_double(*b, i128::from(*a)).map(Ordering::reverse),
        (Val::Double(a), Val::Uint(b)) => compare_double(*a, i128::from(*b)),
        (Val::Uint(a), Val::Double(b)) => compare_double(*b, i128::from(*a)).map(Ordering::reverse),
        _ => None,
    }
}

fn compare_double(double: f64, integer: i128) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    if double >= 1.9e19 {
        return Some(Ordering::Greater);
    }
    if double <= -1.9e19 {
        return Some(Ordering::Less);
    }
    #[expect(clippy::cast_possible_truncation, reason = "in range: checked above")]
    let floor = double.floor() as i128;
    Some(match floor.cmp(&integer) {
        Ordering::Equal if double.fract() != 0.0 => Ordering::Greater,
        other => other,
    })
}

/// `<` and its kin.
///
/// # Errors
/// `no such overload` for values without an order, `NaN values cannot be ordered`.
pub fn order(left: &Val, right: &Val) -> Result<Ordering, Error> {
    match (left, right) {
        (Val::String(a), Val::String(b)) => Ok(a.cmp(b)),
        (Val::Bytes(a), Val::Bytes(b)) => Ok(a.cmp(b)),
        (Val::Bool(a), Val::Bool(b)) => Ok(a.cmp(b)),
        (Val::Timestamp(a), Val::Timestamp(b)) => Ok(a.cmp(b)),
        (Val::Duration(a), Val::Duration(b)) => Ok(a.cmp(b)),
        (Val::Int(_) | Val::Uint(_) | Val::Double(_), Val::Int(_) | Val::Uint(_) | Val::Double(_)) => {
            compare_numbers(left, right).ok_or_else(|| Error::new("NaN values cannot be ordered"))
        }
        _ => Err(Error::no_overload()),
    }
}

fn contains(range: &Val, item: &Val) -> Res {
    match range {
        Val::List(items) => Ok(Val::Bool(items.contains(item))),
        Val::Map(entries) => Ok(Val::Bool(Key::of(item).is_some_and(|key| entries.contains_key(&key)))),
        _ => Err(Error::no_overload()),
    }
}

fn int(found: Option<i64>) -> Res {
    found.map(Val::Int).ok_or_else(|| Error::new("integer overflow"))
}

fn uint(found: Option<u64>) -> Res {
    found.map(Val::Uint).ok_or_else(|| Error::new("unsigned integer overflow"))
}

fn duration(found: Option<TimeDelta>) -> Res {
    // Go keeps nanoseconds in an int64.
    found
        .filter(|span| span.num_nanoseconds().is_some())
        .map(Val::Duration)
        .ok_or_else(|| Error::new("duration overflow"))
}

/// A timestamp between the years 1 and 9999.
///
/// # Errors
/// `timestamp overflow`.
pub fn timestamp(found: Option<DateTime<Utc>>) -> Res {
    found
        .filter(|time| (-62_135_596_800..=253_402_300_799).contains(&time.timestamp()))
        .map(Val::Timestamp)
        .ok_or_else(|| Error::new("timestamp overflow"))
}

fn add(left: &Val, right: &Val) -> Res {
    match (left, right) {
        (Val::Int(a), Val::Int(b)) => int(a.checked_add(*b)),
        (Val::Uint(a), Val::Uint(b)) => uint(a.checked_add(*b)),
        (Val::Double(a), Val::Double(b)) => Ok(Val::Double(a + b)),
        (Val::String(a), Val::String(b)) => Ok(Val::String(Arc::from([&**a, &**b].concat()))),
        (Val::Bytes(a), Val::Bytes(b)) => Ok(Val::Bytes(Arc::from([&**a, &**b].concat()))),
        (Val::List(a), Val::List(b)) => Ok(Val::list(a.iter().chain(b.iter()).cloned().collect())),
        (Val::Duration(a), Val::Duration(b)) => duration(a.checked_add(b)),
        (Val::Timestamp(time), Val::Duration(span)) | (Val::Duration(span), Val::Timestamp(time)) => {
            timestamp(time.checked_add_signed(*span))
        }
        _ => Err(Error::no_overload()),
    }
}

fn subtract(left: &Val, right: &Val) -> Res {
    match (left, right) {
        (Val::Int(a), Val::Int(b)) => int(a.checked_sub(*b)),
        (Val::Uint(a), Val::Uint(b)) => uint(a.checked_sub(*b)),
        (Val::Double(a), Val::Double(b)) => Ok(Val::Double(a - b)),
        (Val::Duration(a), Val::Duration(b)) => duration(a.checked_sub(b)),
        (Val::Timestamp(a), Val::Timestamp(b)) => duration(Some(a.signed_duration_since(b))),
        (Val::Timestamp(time), Val::Duration(span)) => timestamp(time.checked_sub_signed(*span)),
        _ => Err(Error::no_overload()),
    }
}

fn arithmetic(op: Op, left: &Val, right: &Val) -> Res {
    let zero = matches!(right, Val::Int(0) | Val::Uint(0));
    match (op, left, right) {
        (Op::Divide, Val::Int(_), Val::Int(_)) | (Op::Divide, Val::Uint(_), Val::Uint(_)) if zero => {
            Err(Error::new("division by zero"))
        }
        (Op::Modulo, Val::Int(_), Val::Int(_)) | (Op::Modulo, Val::Uint(_), Val::Uint(_)) if zero => {
            Err(Error::new("modulus by zero"))
        }
        (Op::Multiply, Val::Int(a), Val::Int(b)) => int(a.checked_mul(*b)),
        (Op::Divide, Val::Int(a), Val::Int(b)) => int(a.checked_div(*b)),
        (Op::Modulo, Val::Int(a), Val::Int(b)) => int(a.checked_rem(*b)),
        (Op::Multiply, Val::Uint(a), Val::Uint(b)) => uint(a.checked_mul(*b)),
        (Op::Divide, Val::Uint(a), Val::Uint(b)) => uint(a.checked_div(*b)),
        (Op::Modulo, Val::Uint(a), Val::Uint(b)) => uint(a.checked_rem(*b)),
        (Op::Multiply, Val::Double(a), Val::Double(b)) => Ok(Val::Double(a * b)),
        (Op::Divide, Val::Double(a), Val::Double(b)) => Ok(Val::Double(a / b)),
        _ => Err(Error::no_overload()),
    }
}

/// `-x`.
///
/// # Errors
/// Overflow, and values that are no numbers.
pub fn negate(value: &Val) -> Res {
    match value {
        Val::Int(number) => int(number.checked_neg()),
        Val::Double(number) => Ok(Val::Double(-number)),
        Val::Duration(span) => duration(TimeDelta::zero().checked_sub(span)),
        _ => Err(Error::no_overload()),
    }
}

/// `x[i]`; an optional `x` gives an optional.
///
/// # Errors
/// `no such key: k`, `index out of bounds: i`, `no such overload`.
pub fn index(operand: &Val, at: &Val) -> Res {
    if let Val::Optional(inner) = operand {
        return match inner {
            Some(inner) => optional_index(inner, at),
            None => Ok(Val::Optional(None)),
        };
    }
    match operand {
        Val::List(items) => {
            let position = list_position(at)?;
            let found = usize::try_from(position).ok().and_then(|position| items.get(position));
            found.cloned().ok_or_else(|| Error::new(format!("index out of bounds: {position}")))
        }
        Val::Map(_) | Val::Struct(_) => {
            find(operand, at).ok_or_else(|| Error::new(format!("no such key: {}", super::text::display(at))))
        }
        _ => Err(Error::no_overload()),
    }
}

fn list_position(at: &Val) -> Result<i64, Error> {
    match at {
        Val::Int(number) => Ok(*number),
        Val::Uint(number) => Ok(i64::try_from(*number).unwrap_or(i64::MAX)),
        Val::Double(number) => {
            whole(*number).ok_or_else(|| Error::new(format!("unsupported index value {number} in list")))
        }
        other => Err(Error::new(format!("unsupported index type '{}' in list", other.type_name()))),
    }
}

fn find(operand: &Val, at: &Val) -> Option<Val> {
    match (operand, at) {
        (_, Val::String(name)) => operand.field(name).cloned(),
        (Val::Map(entries), _) => entries.get(&Key::of(at)?).cloned(),
        _ => None,
    }
}

/// `x[?i]`: none where there is no such element, and for what is neither list nor map.
///
/// # Errors
/// An index of a list that is no whole number.
pub fn optional_index(operand: &Val, at: &Val) -> Res {
    match operand {
        Val::Optional(None) => Ok(Val::Optional(None)),
        Val::Optional(Some(inner)) => optional_index(inner, at),
        Val::List(items) => {
            let position = list_position(at)?;
            let found = usize::try_from(position).ok().and_then(|position| items.get(position));
            Ok(Val::Optional(found.cloned().map(Arc::new)))
        }
        _ => Ok(Val::Optional(find(operand, at).map(Arc::new))),
    }
}
