//! Kyverno's functions on lists and mappings.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{ARR, Call, Error, FunctionInfo, OBJ_ARR, S, SN, Type, regex, row};
use crate::object::gofmt;
use crate::object::order;

pub(super) const TABLE: &[FunctionInfo] = &[
    row("lookup", &[OBJ_ARR, SN], Type::Any, lookup, "Value of a computed key or index, null where there is none"),
    row("items", &[OBJ_ARR, S, S], Type::Array, items, "A mapping or list as a list of {key: …, value: …}"),
    row("object_from_lists", &[ARR, ARR], Type::Object, object_from_lists, "A mapping from keys and values"),
];

fn lookup(c: &Call<'_>) -> Result<Value, Error> {
    match (c.value(0), c.value(1)) {
        (Value::Object(map), Value::String(key)) => Ok(map.get(key).cloned().unwrap_or_default()),
        (Value::Object(_), _) => c.error("argument #2 is not of type String"),
        (Value::Array(list), Value::Number(_)) => match int_number(c.num(1)) {
            Ok(index) => Ok(usize::try_from(index).ok().and_then(|i| list.get(i)).cloned().unwrap_or_default()),
            Err(words) => c.error(format_args!("argument #2: {words}")),
        },
        (Value::Array(_), _) => c.error("argument #2 is not of type Number"),
        _ => c.error("argument #1 is not of type Object or Array"),
    }
}

/// A float64 that must be whole (`utils.go` intNumber).
pub(super) fn int_number(value: f64) -> Result<i64, String> {
    if !value.is_finite() || value.trunc() != value {
        return Err(format!("expected an integer number but got: {}", gofmt::format_float(value, 'g', None)));
    }
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if !(-LIMIT..LIMIT).contains(&value) {
        let value = gofmt::format_float(value, 'g', None);
        return Err(format!("number is outside the range of integer numbers: {value}"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole and within range")]
    Ok(value as i64)
}

fn items(c: &Call<'_>) -> Result<Value, Error> {
    let (key_name, value_name) = (c.str(1), c.str(2));
    let item = |key: Value, value: &Value| {
        // With equal names the value wins.
        let mut item = Map::new();
        item.insert(key_name.to_owned(), key);
        item.insert(value_name.to_owned(), value.clone());
        Value::Object(item)
    };
    Ok(match c.value(0) {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = order::map(map);
            sorted.into_iter().map(|(key, value)| item(json!(key), value)).collect()
        }
        _ => c.array(0).iter().enumerate().map(|(index, value)| item(json!(index), value)).collect(),
    })
}

fn object_from_lists(c: &Call<'_>) -> Result<Value, Error> {
    let mut object = Map::new();
    for (index, key) in c.array(0).iter().enumerate() {
        let key = match key {
            Value::Bool(value) => value.to_string(),
            key => match regex::string_or_number(key) {
                Some(key) => key,
                None => return c.error("argument #1 is not of type StringArray"),
            },
        };
        object.insert(key, c.array(1).get(index).cloned().unwrap_or_default());
    }
    Ok(Value::Object(object))
}
