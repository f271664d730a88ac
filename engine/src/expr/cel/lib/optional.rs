//! Optional values (cel-go `cel.OptionalTypes`).

use std::sync::Arc;

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    optional.of(V) -> optional_type(V)
    optional.ofNonZeroValue(V) -> optional_type(V)
    optional.none() -> optional_type(V)
    optional_type(V):value() -> V
    optional_type(V):hasValue() -> bool
    optional_type(V):or(optional_type(V)) -> optional_type(V)
    optional_type(V):orValue(V) -> V
    _[?_](list(V), int) -> optional_type(V)
    _[?_](optional_type(list(V)), int) -> optional_type(V)
    _[?_](map(K, V), K) -> optional_type(V)
    _[?_](optional_type(map(K, V)), K) -> optional_type(V)
    _[_](optional_type(list(V)), int) -> optional_type(V)
    _[_](optional_type(map(K, V)), K) -> optional_type(V)
    list(V):first() -> optional_type(V)
    list(V):last() -> optional_type(V)
    optional.unwrap(list(optional_type(V))) -> list(V)
    list(optional_type(V)):unwrapOpt() -> list(V)
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    Some(Ok(match (name, args) {
        ("optional.of", [value]) => Val::some(value.clone()),
        ("optional.ofNonZeroValue", [value]) if value.is_zero() => Val::Optional(None),
        ("optional.ofNonZeroValue", [value]) => Val::some(value.clone()),
        ("optional.none", []) => Val::Optional(None),
        ("value", [Val::Optional(Some(value))]) => (**value).clone(),
        ("value", [Val::Optional(None)]) => return Some(Err(Error::new("optional.none() dereference"))),
        ("hasValue", [Val::Optional(value)]) => Val::Bool(value.is_some()),
        ("first", [Val::List(items)]) => Val::Optional(items.first().cloned().map(Arc::new)),
        ("last", [Val::List(items)]) => Val::Optional(items.last().cloned().map(Arc::new)),
        ("optional.unwrap" | "unwrapOpt", [Val::List(items)]) => {
            let found = items.iter().filter_map(|item| match item {
                Val::Optional(inner) => inner.as_ref().map(|inner| (**inner).clone()),
                other => Some(other.clone()),
            });
            Val::list(found.collect())
        }
        _ => return None,
    }))
}

/// Kyverno's `orValue` on anything: what is no optional is given back.
pub(super) mod compat {
    use super::{Cx, Res, Val};

    pub(in super::super) const SIGNATURES: &str = "
        __orValueCompat__(dyn, dyn) -> dyn
    ";

    pub(in super::super) fn call(_cx: &mut Cx<'_, '_>, _name: &str, args: &[Val]) -> Option<Res> {
        Some(Ok(match args {
            [Val::Optional(Some(value)), _] => (**value).clone(),
            [Val::Optional(None), other] => other.clone(),
            [value, _] => value.clone(),
            _ => return None,
        }))
    }
}
