//! cel-go `ext.Lists`, version 3; `sortBy` is a macro that ends here.

use std::cmp::Ordering;

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::{Res, order};
use crate::expr::cel::value::Val;
use crate::object::order;

pub(super) const SIGNATURES: &str = "
    list(T):slice(int, int) -> list(T)
    list(list(T)):flatten() -> list(T)
    list(dyn):flatten(int) -> list(dyn)
    list(int):sort() -> list(int)
    list(uint):sort() -> list(uint)
    list(double):sort() -> list(double)
    list(bool):sort() -> list(bool)
    list(duration):sort() -> list(duration)
    list(timestamp):sort() -> list(timestamp)
    list(string):sort() -> list(string)
    list(bytes):sort() -> list(bytes)
    lists.range(int) -> list(int)
    list(T):reverse() -> list(T)
    list(T):distinct() -> list(T)
";

/// Elements of `lists.range`.
const MAX_RANGE: i64 = 1_000_000;

pub(super) fn call(cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    Some(match (name, args) {
        ("slice", [Val::List(items), Val::Int(start), Val::Int(end)]) => slice(items, *start, *end),
        ("flatten", [Val::List(items)]) => Ok(Val::list(flatten(items, 1))),
        ("flatten", [Val::List(_), Val::Int(depth)]) if *depth < 0 => Err(Error::new("level must be non-negative")),
        ("flatten", [Val::List(items), Val::Int(depth)]) => Ok(Val::list(flatten(items, *depth))),
        ("sort", [Val::List(items)]) => sort_pairs(items.iter().map(|item| (item.clone(), item.clone())).collect()),
        ("lists.range", [Val::Int(count)]) if *count > MAX_RANGE => {
            Err(Error::new(format!("lists.range() size limit exceeded: {count}")))
        }
        ("lists.range", [Val::Int(count)]) => cx
            .activation
            .spend(u64::try_from(*count).unwrap_or(0))
            .map(|()| Val::list((0..*count).map(Val::Int).collect())),
        ("reverse", [Val::List(items)]) => Ok(Val::list(items.iter().rev().cloned().collect())),
        ("distinct", [Val::List(items)]) => {
            let size = u64::try_from(items.len()).unwrap_or(u64::MAX);
            cx.activation.spend(size.saturating_mul(size)).map(|()| {
                let mut found: Vec<Val> = Vec::new();
                for item in items.iter() {
                    if !found.contains(item) {
                        found.push(item.clone());
                    }
                }
                Val::list(found)
            })
        }
        _ => return None,
    })
}

fn slice(items: &[Val], start: i64, end: i64) -> Res {
    let (Ok(from), Ok(to)) = (usize::try_from(start), usize::try_from(end)) else {
        return Err(Error::new(format!("cannot slice({start}, {end}), negative indexes not supported")));
    };
    if from > to {
        let words = format!("cannot slice({start}, {end}), start index must be less than or equal to end index");
        return Err(Error::new(words));
    }
    let found = items.get(from..to);
    let length = items.len();
    found
        .map(|found| Val::list(found.to_vec()))
        .ok_or_else(|| Error::new(format!("cannot slice({start}, {end}), list is length {length}")))
}

fn flatten(items: &[Val], depth: i64) -> Vec<Val> {
    let mut found = Vec::new();
    for item in items {
        match item {
            Val::List(inner) if depth > 0 => found.extend(flatten(inner, depth - 1)),
            other => found.push(other.clone()),
        }
    }
    found
}

/// Sorts values by keys, keeping the order of equal ones.
///
/// # Errors
/// Keys of different types, or of a type without an order.
pub fn sort_pairs(mut pairs: Vec<(Val, Val)>) -> Res {
    if let Some(((first, _), rest)) = pairs.split_first() {
        if order(first, first).is_err() {
            return Err(Error::new("list elements must be comparable"));
        }
        if rest.iter().any(|(key, _)| key.type_name() != first.type_name()) {
            return Err(Error::new("list elements must have the same type"));
        }
    }
    order::sort_by(&mut pairs, |(a, _), (b, _)| order(a, b).unwrap_or(Ordering::Equal));
    Ok(Val::list(pairs.into_iter().map(|(_, value)| value).collect()))
}
