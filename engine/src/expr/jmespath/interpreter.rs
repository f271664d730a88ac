//! Walks the tree over a borrowed document; follows the fork's `interpreter.go`, unknown keys included.

use std::borrow::Cow;

use jmespath::ast::Comparator;
use serde_json::{Map, Value};

use super::ast::Node;
use super::functions::{self, Arg};
use super::{Env, Error, equal};
use crate::object::order;

type Found<'v> = Result<Cow<'v, Value>, Error>;

pub(super) fn evaluate(node: &Node, value: &Value, env: &Env) -> Result<Value, Error> {
    walk(node, value, env).map(Cow::into_owned)
}

fn walk<'v>(node: &'v Node, value: &'v Value, env: &Env) -> Found<'v> {
    match node {
        Node::Identity => Ok(Cow::Borrowed(value)),
        Node::Literal(literal) => Ok(Cow::Borrowed(literal)),
        Node::Field(key) => match value {
            Value::Object(map) => map.get(key).map(Cow::Borrowed).ok_or_else(|| Error::NotFound(key.clone())),
            _ => null(),
        },
        Node::Index(index) => Ok(value.as_array().and_then(|items| at(items, *index)).map_or(NULL, Cow::Borrowed)),
        Node::Slice { start, stop, step } => slice(value, *start, *stop, *step),
        Node::Subexpression(left, right) => then(right, walk(left, value, env)?, env),
        Node::Pipe(left, right) => swallow(then(right, swallow(walk(left, value, env))?, env)),
        Node::Comparison(comparator, left, right) => {
            let (left, right) = (swallow(walk(left, value, env))?, swallow(walk(right, value, env))?);
            Ok(Cow::Owned(compare(comparator, &left, &right)))
        }
        Node::Or(left, right) => {
            let left = swallow(walk(left, value, env))?;
            if falsy(&left) { swallow(walk(right, value, env)) } else { Ok(left) }
        }
        Node::And(left, right) => {
            let left = swallow(walk(left, value, env))?;
            if falsy(&left) { Ok(left) } else { walk(right, value, env) }
        }
        Node::Not(node) => Ok(Cow::Owned(Value::Bool(falsy(&*swallow(walk(node, value, env))?)))),
        Node::MultiList(_) | Node::MultiHash(_) if value.is_null() => null(),
        Node::MultiList(nodes) => {
            let items = nodes.iter().map(|node| swallow(walk(node, value, env)).map(Cow::into_owned));
            Ok(Cow::Owned(Value::Array(items.collect::<Result<_, _>>()?)))
        }
        Node::MultiHash(pairs) => {
            let mut map = Map::new();
            for (key, node) in pairs {
                map.insert(key.clone(), swallow(walk(node, value, env))?.into_owned());
            }
            Ok(Cow::Owned(Value::Object(map)))
        }
        Node::Flatten(left) => Ok(walk(left, value, env).ok().and_then(flatten).map_or(NULL, Cow::Owned)),
        Node::Projection(left, right) => match (&**left, swallow(walk(left, value, env))?) {
            (Node::Values(_), values) => project(values, right, env, |_| Ok(true)),
            (_, items) => project(items, right, env, |_| Ok(true)),
        },
        Node::Values(left) => Ok(walk(left, value, env).ok().and_then(values).map_or(NULL, Cow::Owned)),
        Node::Filter { left, condition, right } => {
            let Ok(items) = walk(left, value, env) else { return null() };
            project(items, right, env, |item| Ok(!falsy(&*swallow(walk(condition, item, env))?)))
        }
        Node::Function { name, info, args } => {
            let mut resolved = Vec::with_capacity(args.len());
            for arg in args {
                resolved.push(match arg {
                    Node::Expref(node) => Arg::Expref(node),
                    node => Arg::Value(swallow(walk(node, value, env))?),
                });
            }
            let Some(info) = info else { return Err(Error::Other(format!("unknown function: {name}"))) };
            functions::call(info, &resolved, env).map(Cow::Owned)
        }
        // Only functions know what to do with a reference.
        Node::Expref(_) => null(),
    }
}

const NULL: Cow<'static, Value> = Cow::Owned(Value::Null);

fn null<'v>() -> Found<'v> {
    Ok(NULL)
}

/// An unknown key becomes `null`; other errors stay.
fn swallow(found: Found<'_>) -> Found<'_> {
    match found {
        Err(Error::NotFound(_)) => null(),
        found => found,
    }
}

/// Goes on from a value that may be borrowed or owned.
fn then<'v>(node: &'v Node, value: Cow<'v, Value>, env: &Env) -> Found<'v> {
    match value {
        Cow::Borrowed(value) => walk(node, value, env),
        Cow::Owned(value) => evaluate(node, &value, env).map(Cow::Owned),
    }
}

fn project<'v>(
    items: Cow<'v, Value>,
    right: &'v Node,
    env: &Env,
    keep: impl Fn(&Value) -> Result<bool, Error>,
) -> Found<'v> {
    let Value::Array(items) = &*items else { return null() };
    let mut collected = Vec::new();
    for item in items {
        if !keep(item)? {
            continue;
        }
        match swallow(walk(right, item, env))?.into_owned() {
            Value::Null => {}
            current => collected.push(current),
        }
    }
    Ok(Cow::Owned(Value::Array(collected)))
}

fn flatten(left: Cow<'_, Value>) -> Option<Value> {
    let Value::Array(items) = left.into_owned() else { return None };
    let mut flat = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::Array(inner) => flat.extend(inner),
            item => flat.push(item),
        }
    }
    Some(Value::Array(flat))
}

/// Values of a mapping by sorted key: Go has no order, this one is at least always the same.
fn values(left: Cow<'_, Value>) -> Option<Value> {
    let Value::Object(map) = left.into_owned() else { return None };
    Some(Value::Array(order::map(map).into_values().collect()))
}

fn compare(comparator: &Comparator, left: &Value, right: &Value) -> Value {
    let order = match comparator {
        Comparator::Equal => return Value::Bool(equal(left, right)),
        Comparator::NotEqual => return Value::Bool(!equal(left, right)),
        _ => left.as_f64().zip(right.as_f64()),
    };
    let Some((left, right)) = order else { return Value::Null };
    Value::Bool(match comparator {
        Comparator::LessThan => left < right,
        Comparator::LessThanEqual => left <= right,
        Comparator::GreaterThan => left > right,
        _ => left >= right,
    })
}

/// Empty strings, lists and mappings, `false` and `null`.
pub(super) fn falsy(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Number(_) => false,
    }
}

fn at(items: &[Value], index: i32) -> Option<&Value> {
    let index = i64::from(index);
    let index = if index < 0 { index + i64::try_from(items.len()).ok()? } else { index };
    items.get(usize::try_from(index).ok()?)
}

fn slice<'v>(value: &Value, start: Option<i32>, stop: Option<i32>, step: i32) -> Found<'v> {
    let Value::Array(items) = value else { return null() };
    if step == 0 {
        return Err(Error::Other("Invalid slice, step cannot be 0".to_owned()));
    }
    let (length, step) = (i64::try_from(items.len()).unwrap_or(i64::MAX), i64::from(step));
    let cap = |bound: i32| {
        let bound = i64::from(bound);
        let (lowest, highest) = if step < 0 { (-1, length - 1) } else { (0, length) };
        if bound < 0 { (bound + length).max(lowest) } else { bound.min(highest) }
    };
    let mut index = start.map_or(if step < 0 { length - 1 } else { 0 }, cap);
    let stop = stop.map_or(if step < 0 { -1 } else { length }, cap);
    let mut picked = Vec::new();
    while if step > 0 { index < stop } else { index > stop } {
        picked.extend(usize::try_from(index).ok().and_then(|index| items.get(index)).cloned());
        index += step;
    }
    Ok(Cow::Owned(Value::Array(picked)))
}

/// Evaluates the expression behind a function's `&reference` for one item.
pub(super) fn apply(node: &Node, item: &Value, env: &Env) -> Result<Value, Error> {
    evaluate(node, item, env)
}
