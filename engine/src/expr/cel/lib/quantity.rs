//! Kubernetes' `quantity`.

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::opaque::Opaque;
use crate::expr::cel::ops::Res;
use crate::expr::cel::value::Val;
use crate::object::quantity::Format;

pub use crate::object::quantity::Quantity;

pub(super) const SIGNATURES: &str = "
    quantity(string) -> kubernetes.Quantity
    isQuantity(string) -> bool
    sign(kubernetes.Quantity) -> int
    kubernetes.Quantity:sign() -> int
    kubernetes.Quantity:isGreaterThan(kubernetes.Quantity) -> bool
    kubernetes.Quantity:isLessThan(kubernetes.Quantity) -> bool
    kubernetes.Quantity:compareTo(kubernetes.Quantity) -> int
    kubernetes.Quantity:asApproximateFloat() -> double
    kubernetes.Quantity:asInteger() -> int
    kubernetes.Quantity:isInteger() -> bool
    kubernetes.Quantity:add(kubernetes.Quantity) -> kubernetes.Quantity
    kubernetes.Quantity:add(int) -> kubernetes.Quantity
    kubernetes.Quantity:sub(kubernetes.Quantity) -> kubernetes.Quantity
    kubernetes.Quantity:sub(int) -> kubernetes.Quantity
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    match (name, args) {
        ("quantity", [Val::String(text)]) => {
            let found = Quantity::parse(text).map(|found| Val::opaque(Opaque::Quantity(found)));
            return Some(found.map_err(|error| Error::new(error.to_string())));
        }
        ("isQuantity", [Val::String(text)]) => return Some(Ok(Val::Bool(Quantity::parse(text).is_ok()))),
        _ => {}
    }
    let (first, rest) = args.split_first()?;
    let this = of(first)?;
    let other = rest.first().and_then(|other| match other {
        Val::Int(number) => Some(Quantity::from_i64(*number, Format::DecimalSi)),
        other => of(other).cloned(),
    });
    Some(Ok(match (name, other) {
        ("sign", None) => Val::Int(i64::from(this.sign())),
        ("isGreaterThan", Some(other)) => Val::Bool(this.compare(&other).is_gt()),
        ("isLessThan", Some(other)) => Val::Bool(this.compare(&other).is_lt()),
        ("compareTo", Some(other)) => Val::Int(this.compare(&other) as i64),
        ("asApproximateFloat", None) => Val::Double(this.approximate_f64()),
        ("asInteger", None) => match this.as_i64() {
            Some(number) => Val::Int(number),
            None => return Some(Err(Error::new("cannot convert value to integer"))),
        },
        ("isInteger", None) => Val::Bool(this.as_i64().is_some()),
        ("add", Some(other)) => Val::opaque(Opaque::Quantity(this.add(&other))),
        ("sub", Some(other)) => Val::opaque(Opaque::Quantity(this.sub(&other))),
        _ => return None,
    }))
}

fn of(value: &Val) -> Option<&Quantity> {
    match value {
        Val::Opaque(value) => match &**value {
            Opaque::Quantity(found) => Some(found),
            _ => None,
        },
        _ => None,
    }
}
