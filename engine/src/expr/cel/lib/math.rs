//! cel-go `ext.Math`, and Kyverno's `math.round` with a precision.

use std::cmp::Ordering;

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::{Res, compare_numbers};
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    math.greatest(A) -> A
    math.least(A) -> A
    math.ceil(double) -> double
    math.floor(double) -> double
    math.round(double) -> double
    math.trunc(double) -> double
    math.isInf(double) -> bool
    math.isNaN(double) -> bool
    math.isFinite(double) -> bool
    math.abs(double) -> double
    math.abs(int) -> int
    math.abs(uint) -> uint
    math.sign(double) -> double
    math.sign(int) -> int
    math.sign(uint) -> uint
    math.bitAnd(int, int) -> int
    math.bitAnd(uint, uint) -> uint
    math.bitOr(int, int) -> int
    math.bitOr(uint, uint) -> uint
    math.bitXor(int, int) -> int
    math.bitXor(uint, uint) -> uint
    math.bitNot(int) -> int
    math.bitNot(uint) -> uint
    math.bitShiftLeft(int, int) -> int
    math.bitShiftLeft(uint, int) -> uint
    math.bitShiftRight(int, int) -> int
    math.bitShiftRight(uint, int) -> uint
    math.sqrt(double) -> double
    math.sqrt(int) -> double
    math.sqrt(uint) -> double
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    let name = name.strip_prefix("math.")?;
    Some(match (name, args) {
        ("greatest", [Val::List(items)]) => extreme(items, Ordering::Greater, "@max")?,
        ("greatest", args) => extreme(args, Ordering::Greater, "@max")?,
        ("least", [Val::List(items)]) => extreme(items, Ordering::Less, "@min")?,
        ("least", args) => extreme(args, Ordering::Less, "@min")?,
        (_, [Val::Double(number)]) => double(name, *number)?,
        ("abs", [Val::Int(number)]) => number.checked_abs().map(Val::Int).ok_or_else(|| Error::new("integer overflow")),
        ("abs", [Val::Uint(_)]) => args.first().cloned().map(Ok)?,
        ("sign", [Val::Int(number)]) => Ok(Val::Int(number.signum())),
        ("sign", [Val::Uint(number)]) => Ok(Val::Uint((*number).min(1))),
        ("sqrt", [Val::Int(number)]) => Ok(Val::Double(as_double(i128::from(*number)).sqrt())),
        ("sqrt", [Val::Uint(number)]) => Ok(Val::Double(as_double(i128::from(*number)).sqrt())),
        ("bitNot", [Val::Int(number)]) => Ok(Val::Int(!number)),
        ("bitNot", [Val::Uint(number)]) => Ok(Val::Uint(!number)),
        ("bitAnd", [Val::Int(a), Val::Int(b)]) => Ok(Val::Int(a & b)),
        ("bitAnd", [Val::Uint(a), Val::Uint(b)]) => Ok(Val::Uint(a & b)),
        ("bitOr", [Val::Int(a), Val::Int(b)]) => Ok(Val::Int(a | b)),
        ("bitOr", [Val::Uint(a), Val::Uint(b)]) => Ok(Val::Uint(a | b)),
        ("bitXor", [Val::Int(a), Val::Int(b)]) => Ok(Val::Int(a ^ b)),
        ("bitXor", [Val::Uint(a), Val::Uint(b)]) => Ok(Val::Uint(a ^ b)),
        ("bitShiftLeft" | "bitShiftRight", [number, Val::Int(by)]) => shift(name, number, *by)?,
        _ => return None,
    })
}

#[expect(clippy::cast_precision_loss, reason = "square roots of large numbers are approximate")]
fn as_double(number: i128) -> f64 {
    number as f64
}

fn extreme(items: &[Val], wanted: Ordering, name: &str) -> Option<Res> {
    let Some((first, rest)) = items.split_first() else {
        return Some(Err(Error::new(format!("math.{name}(list) argument must not be empty"))));
    };
    if items.iter().any(|item| !matches!(item, Val::Int(_) | Val::Uint(_) | Val::Double(_))) {
        return Some(Err(Error::new(format!("no such overload: math.{name}"))));
    }
    let best =
        rest.iter().fold(first, |best, item| if compare_numbers(item, best) == Some(wanted) { item } else { best });
    Some(Ok(best.clone()))
}

fn double(name: &str, number: f64) -> Option<Res> {
    Some(Ok(match name {
        "ceil" => Val::Double(number.ceil()),
        "floor" => Val::Double(number.floor()),
        "round" => Val::Double(number.round()),
        "trunc" => Val::Double(number.trunc()),
        "isInf" => Val::Bool(number.is_infinite()),
        "isNaN" => Val::Bool(number.is_nan()),
        "isFinite" => Val::Bool(number.is_finite()),
        "abs" => Val::Double(number.abs()),
        "sign" if number == 0.0 || number.is_nan() => Val::Double(number),
        "sign" => Val::Double(number.signum()),
        "sqrt" => Val::Double(number.sqrt()),
        _ => return None,
    }))
}

fn shift(name: &str, number: &Val, by: i64) -> Option<Res> {
    let Ok(by) = u32::try_from(by) else {
        return Some(match by {
            ..0 => Err(Error::new(format!("math.{name}() negative offset: {by}"))),
            _ if matches!(number, Val::Uint(_)) => Ok(Val::Uint(0)),
            _ => Ok(Val::Int(0)),
        });
    };
    let left = name == "bitShiftLeft";
    Some(Ok(match number {
        Val::Int(number) if left => Val::Int(number.checked_shl(by).unwrap_or(0)),
        // A right shift of an int fills with zeros, as for a uint.
        Val::Int(number) => Val::Int(number.cast_unsigned().checked_shr(by).unwrap_or(0).cast_signed()),
        Val::Uint(number) if left => Val::Uint(number.checked_shl(by).unwrap_or(0)),
        Val::Uint(number) => Val::Uint(number.checked_shr(by).unwrap_or(0)),
        _ => return None,
    }))
}

/// Kyverno's `math.round(number, digits)`.
pub(super) mod rounding {
    use super::{Cx, Res, Val};

    pub(in super::super) const SIGNATURES: &str = "
        math.round(double, int) -> double
    ";

    pub(in super::super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
        match (name, args) {
            ("math.round", [Val::Double(number), Val::Int(digits)]) => {
                let scale = 10_f64.powi(i32::try_from(*digits).unwrap_or(300));
                Some(Ok(Val::Double((number * scale).round() / scale)))
            }
            _ => None,
        }
    }
}
