//! `any`/`all` conditions → one CEL expression.

use serde_json::Value;

use super::Cel;
use super::cel::{and, equals, literal, not, one_of, or, sole_variable, string, variable};
use crate::object::ObjectExt;

/// A whole block, or the older plain list.
pub(super) fn block(conditions: &Value) -> Cel {
    let each = |list: &Value| -> Result<Vec<String>, String> {
        list.as_array().into_iter().flatten().map(condition).collect()
    };
    if conditions.is_array() {
        return each(conditions).map(and);
    }
    let mut parts = Vec::new();
    if let Some(list) = conditions.get("any").filter(|list| list.as_array().is_some_and(|items| !items.is_empty())) {
        parts.push(or(each(list)?));
    }
    if let Some(list) = conditions.get("all") {
        parts.push(and(each(list)?));
    }
    parts.retain(|part| part != "true");
    Ok(and(parts))
}

/// What a key or value is, as far as the text tells.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Scalar,
    List,
}

fn condition(condition: &Value) -> Cel {
    let (key, value) = (condition.get("key").unwrap_or(&Value::Null), condition.get("value").unwrap_or(&Value::Null));
    let operator = condition.str_at(&["operator"]);
    let (left, shape) = operand(key, value)?;
    let numeric = || -> Cel {
        match value {
            Value::Number(number) => Ok(number.to_string()),
            Value::String(text) if text.parse::<f64>().is_ok() => Ok(text.clone()),
            _ => Err(format!("{operator} with {value} is no plain number")),
        }
    };
    match operator {
        "Equals" | "Equal" => same(&left, value),
        "NotEquals" | "NotEqual" => same(&left, value).map(|found| not(&found)),
        "In" | "AnyIn" => member(&left, shape, value, "exists", false),
        "AllIn" => member(&left, shape, value, "all", false),
        "NotIn" | "AllNotIn" => member(&left, shape, value, "all", true),
        "AnyNotIn" => member(&left, shape, value, "exists", true),
        "GreaterThan" => Ok(format!("{left} > {}", numeric()?)),
        "GreaterThanOrEquals" => Ok(format!("{left} >= {}", numeric()?)),
        "LessThan" => Ok(format!("{left} < {}", numeric()?)),
        "LessThanOrEquals" => Ok(format!("{left} <= {}", numeric()?)),
        other => Err(format!("the operator {other} has no simple equivalent")),
    }
}

fn operand(key: &Value, value: &Value) -> Result<(String, Shape), String> {
    let Value::String(text) = key else {
        return Ok((literal(key), if key.is_array() { Shape::List } else { Shape::Scalar }));
    };
    let Some(inside) = sole_variable(text) else {
        return if text.contains("{{") {
            super::cel::template(text).map(|cel| (cel, Shape::Scalar))
        } else {
            Ok((string(text), Shape::Scalar))
        };
    };
    let first = match value {
        Value::Array(items) => items.first().unwrap_or(&Value::Null),
        other => other,
    };
    let default = match first {
        Value::Number(_) => "0",
        Value::Bool(_) => "false",
        _ => "''",
    };
    let cel = variable(inside, default)?;
    let list = inside.contains("[]")
        || inside.contains("[*]")
        || inside == "request.userInfo.groups"
        || inside.ends_with("`[]`");
    Ok((cel, if list { Shape::List } else { Shape::Scalar }))
}

fn same(left: &str, value: &Value) -> Cel {
    match value {
        Value::String(text) => match sole_variable(text) {
            Some(inside) => Ok(format!("{left} == {}", variable(inside, "''")?)),
            None if text.contains("{{") => Err(format!("the value {text} mixes text and variables")),
            None => Ok(equals(left, text)),
        },
        other => Ok(format!("{left} == {}", literal(other))),
    }
}

fn member(left: &str, shape: Shape, value: &Value, quantifier: &str, negated: bool) -> Cel {
    let texts: Vec<&str> = match value {
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().ok_or("a list of other than strings")).collect::<Result<_, _>>()?
        }
        Value::String(text) => vec![text],
        _ => return Err(format!("{value} is no list of strings")),
    };
    if texts.iter().any(|text| text.contains("{{")) {
        return Err("the list holds variables".into());
    }
    let of = |name: &str| {
        let found = one_of(name, &texts);
        if negated { not(&found) } else { found }
    };
    Ok(match shape {
        Shape::Scalar => of(left),
        Shape::List => format!("{left}.{quantifier}(k, {})", of("k")),
    })
}
