//! The functions of the JMESPath specification, as the fork has them (`functions.go`).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{ANY, ARR, Call, Error, FunctionInfo, N, OBJ, REF, S, Type, fail, row, text};
use crate::expr::jmespath::number;
use crate::object::gofmt;
use crate::object::order;

const NUMBERS: &[Type] = &[Type::ArrayNumber];
const NUMBERS_STRINGS: &[Type] = &[Type::ArrayNumber, Type::ArrayString];
const STRINGS_NUMBERS: &[Type] = &[Type::ArrayString, Type::ArrayNumber];

pub(super) const TABLE: &[FunctionInfo] = &[
    row("abs", &[N], Type::Number, |c| Ok(number(c.num(0).abs())), "Absolute value of a number"),
    row("avg", &[NUMBERS], Type::Number, avg, "Average of a list of numbers"),
    row("ceil", &[N], Type::Number, |c| Ok(number(c.num(0).ceil())), "Rounds a number up"),
    row(
        "contains",
        &[&[Type::Array, Type::String], ANY],
        Type::Bool,
        contains,
        "Whether a list holds a value, or a string a substring",
    ),
    row(
        "ends_with",
        &[S, S],
        Type::Bool,
        |c| Ok(c.str(0).ends_with(c.str(1)).into()),
        "Whether a string ends with a suffix",
    ),
    row("floor", &[N], Type::Number, |c| Ok(number(c.num(0).floor())), "Rounds a number down"),
    row("join", &[S, &[Type::ArrayString]], Type::String, join, "Joins strings with a separator"),
    row("keys", &[OBJ], Type::Array, keys, "Keys of a mapping, sorted"),
    row(
        "length",
        &[&[Type::String, Type::Array, Type::Object]],
        Type::Number,
        length,
        "Characters of a string, items of a list or entries of a mapping",
    ),
    row("map", &[REF, ARR], Type::Array, map, "Evaluates an expression for each item, nulls kept"),
    row("max", &[NUMBERS_STRINGS], Type::Any, |c| Ok(extreme(c, Ordering::Greater)), "Largest number or string"),
    row("max_by", &[ARR, REF], Type::Any, |c| extreme_by(c, Ordering::Greater), "Item with the largest value"),
    row("merge", &[OBJ], Type::Object, merge, "Merges mappings; later keys win, values are not merged").many(),
    row("min", &[NUMBERS_STRINGS], Type::Any, |c| Ok(extreme(c, Ordering::Less)), "Smallest number or string"),
    row("min_by", &[ARR, REF], Type::Any, |c| extreme_by(c, Ordering::Less), "Item with the smallest value"),
    row("not_null", &[ANY], Type::Any, not_null, "First argument that is not null").many(),
    row("reverse", &[&[Type::Array, Type::String]], Type::Any, reverse, "Turns a list or a string around"),
    row("sort", &[STRINGS_NUMBERS], Type::Array, sort, "Sorts strings or numbers"),
    row("sort_by", &[ARR, REF], Type::Array, sort_by, "Sorts a list by the value of an expression"),
    row(
        "starts_with",
        &[S, S],
        Type::Bool,
        |c| Ok(c.str(0).starts_with(c.str(1)).into()),
        "Whether a string starts with a prefix",
    ),
    row("to_array", &[ANY], Type::Array, to_array, "A list as it is, anything else as a list of one"),
    row("to_number", &[ANY], Type::Number, to_number, "A number from a number or a string, else null"),
    row("to_string", &[ANY], Type::String, to_string, "A string as it is, anything else as JSON"),
    row("type", &[ANY], Type::String, type_of, "number, string, array, object, boolean or null"),
    row("values", &[OBJ], Type::Array, values, "Values of a mapping, by sorted key"),
];

#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
fn avg(c: &Call<'_>) -> Result<Value, Error> {
    let items = c.array(0);
    let sum: f64 = items.iter().filter_map(Value::as_f64).sum();
    Ok(number(sum / items.len() as f64))
}

fn contains(c: &Call<'_>) -> Result<Value, Error> {
    let wanted = c.value(1);
    if let Value::String(text) = c.value(0) {
        return Ok(wanted.as_str().is_some_and(|wanted| text.contains(wanted)).into());
    }
    for item in c.array(0) {
        // Go compares with `==`, which panics on two mappings or two lists.
        let kind = match (item, wanted) {
            (Value::Object(_), Value::Object(_)) => "map[string]interface {}",
            (Value::Array(_), Value::Array(_)) => "[]interface {}",
            _ if super::super::equal(item, wanted) => return Ok(true.into()),
            _ => continue,
        };
        return fail(format!("runtime error: comparing uncomparable type {kind}"));
    }
    Ok(false.into())
}

fn join(c: &Call<'_>) -> Result<Value, Error> {
    text(c.array(1).iter().filter_map(Value::as_str).collect::<Vec<_>>().join(c.str(0)))
}

fn sorted<'a>(c: &Call<'a>) -> BTreeMap<&'a String, &'a Value> {
    order::map(c.value(0).as_object().into_iter().flatten())
}

fn keys(c: &Call<'_>) -> Result<Value, Error> {
    Ok(sorted(c).into_keys().map(String::as_str).collect())
}

fn values(c: &Call<'_>) -> Result<Value, Error> {
    Ok(sorted(c).into_values().cloned().collect())
}

fn length(c: &Call<'_>) -> Result<Value, Error> {
    Ok(Value::from(match c.value(0) {
        Value::String(text) => text.chars().count(),
        Value::Object(map) => map.len(),
        _ => c.array(0).len(),
    }))
}

fn map(c: &Call<'_>) -> Result<Value, Error> {
    c.array(1).iter().map(|item| c.apply_or_null(0, item)).collect()
}

fn order(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.cmp(right),
        _ => left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(Ordering::Equal),
    }
}

fn extreme(c: &Call<'_>, wanted: Ordering) -> Value {
    let best = c.array(0).iter().reduce(|best, item| if order(item, best) == wanted { item } else { best });
    best.cloned().unwrap_or_default()
}

const NEITHER: &str = "invalid type, must be number of string";

fn extreme_by(c: &Call<'_>, wanted: Ordering) -> Result<Value, Error> {
    let Some((first, rest)) = c.array(0).split_first() else { return Ok(Value::Null) };
    if rest.is_empty() {
        return Ok(first.clone());
    }
    let (mut best, mut key) = (first, c.apply_or_null(1, first)?);
    for item in rest {
        let current = c.apply_or_null(1, item)?;
        match (&key, &current) {
            (Value::Number(_), Value::Number(_)) | (Value::String(_), Value::String(_)) => {}
            (Value::Number(_), _) => return fail("invalid type, must be number"),
            (Value::String(_), _) => return fail("invalid type, must be string"),
            _ => return fail(NEITHER),
        }
        if order(&current, &key) == wanted {
            (best, key) = (item, current);
        }
    }
    Ok(best.clone())
}

fn merge(c: &Call<'_>) -> Result<Value, Error> {
    let mut merged = Map::new();
    for value in c.values() {
        let Value::Object(map) = value else {
            return fail(format!("Invalid type for: {}, expected: object", gofmt::sprint(value)));
        };
        merged.extend(map.clone());
    }
    Ok(Value::Object(merged))
}

fn not_null(c: &Call<'_>) -> Result<Value, Error> {
    Ok(c.values().find(|value| !value.is_null()).cloned().unwrap_or_default())
}

fn reverse(c: &Call<'_>) -> Result<Value, Error> {
    match c.value(0) {
        Value::String(s) => text(s.chars().rev().collect::<String>()),
        _ => Ok(c.array(0).iter().rev().cloned().collect()),
    }
}

fn sort(c: &Call<'_>) -> Result<Value, Error> {
    let mut items = c.array(0).to_vec();
    order::sort_by(&mut items, order);
    Ok(Value::Array(items))
}

fn sort_by(c: &Call<'_>) -> Result<Value, Error> {
    let items = c.array(0);
    let [first, _, ..] = items else { return Ok(items.to_vec().into()) };
    let kind = c.apply_or_null(1, first)?;
    if !kind.is_number() && !kind.is_string() {
        return fail(NEITHER);
    }
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        match c.apply(1, item) {
            Ok(key) if key.is_number() == kind.is_number() && key.is_string() == kind.is_string() => {
                keyed.push((key, item));
            }
            _ => return fail("error in sort_by comparison"),
        }
    }
    order::sort_by(&mut keyed, |(left, _), (right, _)| order(left, right));
    Ok(keyed.into_iter().map(|(_, item)| item.clone()).collect())
}

fn to_array(c: &Call<'_>) -> Result<Value, Error> {
    let value = c.value(0);
    Ok(if value.is_array() { value.clone() } else { Value::Array(vec![value.clone()]) })
}

fn to_number(c: &Call<'_>) -> Result<Value, Error> {
    Ok(match c.value(0) {
        Value::Number(number) => Value::Number(number.clone()),
        Value::String(text) => parse_float(text).map_or(Value::Null, number),
        _ => Value::Null,
    })
}

/// `strconv.ParseFloat`, of which Rust lacks only hexadecimal floats and underscores.
fn parse_float(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn to_string(c: &Call<'_>) -> Result<Value, Error> {
    match c.value(0) {
        Value::String(s) => text(s.clone()),
        other => text(gofmt::marshal(other)),
    }
}

fn type_of(c: &Call<'_>) -> Result<Value, Error> {
    text(match c.value(0) {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    })
}
