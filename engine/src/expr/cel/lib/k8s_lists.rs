//! Kubernetes' list functions (`library/lists.go`).

use std::cmp::Ordering;

use chrono::TimeDelta;

use crate::expr::cel::ast::Op;
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::{Res, binary, order};
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    list(int):isSorted() -> bool
    list(uint):isSorted() -> bool
    list(double):isSorted() -> bool
    list(bool):isSorted() -> bool
    list(duration):isSorted() -> bool
    list(timestamp):isSorted() -> bool
    list(string):isSorted() -> bool
    list(bytes):isSorted() -> bool
    list(int):sum() -> int
    list(uint):sum() -> uint
    list(double):sum() -> double
    list(duration):sum() -> duration
    list(int):min() -> int
    list(uint):min() -> uint
    list(double):min() -> double
    list(bool):min() -> bool
    list(duration):min() -> duration
    list(timestamp):min() -> timestamp
    list(string):min() -> string
    list(bytes):min() -> bytes
    list(int):max() -> int
    list(uint):max() -> uint
    list(double):max() -> double
    list(bool):max() -> bool
    list(duration):max() -> duration
    list(timestamp):max() -> timestamp
    list(string):max() -> string
    list(bytes):max() -> bytes
    list(A):indexOf(A) -> int
    list(A):lastIndexOf(A) -> int
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    Some(match (name, args) {
        ("isSorted", [Val::List(items)]) => is_sorted(items),
        ("sum", [Val::List(items)]) => sum(items),
        ("min", [Val::List(items)]) => extreme(items, Ordering::Less, "min"),
        ("max", [Val::List(items)]) => extreme(items, Ordering::Greater, "max"),
        ("indexOf", [Val::List(items), item]) => Ok(place(items.iter().position(|found| found == item))),
        ("lastIndexOf", [Val::List(items), item]) => Ok(place(items.iter().rposition(|found| found == item))),
        _ => return None,
    })
}

fn place(found: Option<usize>) -> Val {
    found.map_or(Val::Int(-1), Val::from)
}

fn is_sorted(items: &[Val]) -> Res {
    for (a, b) in items.iter().zip(items.iter().skip(1)) {
        if order(a, b)? == Ordering::Greater {
            return Ok(Val::Bool(false));
        }
    }
    Ok(Val::Bool(true))
}

/// The sum; of an empty list the int 0, as the type is not known any more.
fn sum(items: &[Val]) -> Res {
    let start = match items.first() {
        Some(Val::Uint(_)) => Val::Uint(0),
        Some(Val::Double(_)) => Val::Double(0.0),
        Some(Val::Duration(_)) => Val::Duration(TimeDelta::zero()),
        _ => Val::Int(0),
    };
    items.iter().try_fold(start, |total, item| binary(Op::Add, &total, item))
}

fn extreme(items: &[Val], wanted: Ordering, name: &str) -> Res {
    let Some((first, rest)) = items.split_first() else {
        return Err(Error::new(format!("{name} called on empty list")));
    };
    let mut best = first;
    for item in rest {
        if order(item, best)? == wanted {
            best = item;
        }
    }
    Ok(best.clone())
}
