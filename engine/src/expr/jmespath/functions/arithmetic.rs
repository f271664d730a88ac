//! Kyverno's arithmetic over numbers, quantities and durations (`arithmetic.go`).

use serde_json::Value;

use super::lists::int_number;
use super::{ANY, ARR, Call, Error, FunctionInfo, N, Type, row, text};
use crate::expr::jmespath::number;
use crate::object::duration::Duration;
use crate::object::quantity::Quantity;

pub(super) const TABLE: &[FunctionInfo] = &[
    row("add", &[ANY, ANY], Type::Any, |c| binary(c, add), "Sum of two numbers, quantities or durations"),
    row("sum", &[ARR], Type::Any, sum, "Sum of a list of numbers, quantities or durations"),
    row(
        "subtract",
        &[ANY, ANY],
        Type::Any,
        |c| binary(c, subtract),
        "Difference of two numbers, quantities or durations",
    ),
    row("multiply", &[ANY, ANY], Type::Any, |c| binary(c, multiply), "Product; one of the two must be a number"),
    row("divide", &[ANY, ANY], Type::Any, |c| binary(c, divide), "Quotient of two values of a kind, or by a number"),
    row("modulo", &[ANY, ANY], Type::Any, |c| binary(c, modulo), "Remainder of whole numbers, quantities or durations"),
    row("round", &[N, N], Type::Number, round, "Rounds a number to so many decimal places, halves away from zero"),
];

enum Operand {
    Quantity(Quantity),
    Duration(Duration),
    Scalar(f64),
}
use Operand::{Quantity as Q, Scalar as X};

/// Quantities come before durations: `"5"` is a quantity.
fn operand(c: &Call<'_>, value: &Value) -> Result<Operand, Error> {
    let parsed = match value {
        Value::Number(number) => number.as_f64().map(Operand::Scalar),
        Value::String(text) => (Quantity::parse(text).ok().map(Operand::Quantity))
            .or_else(|| Duration::parse(text).ok().map(Operand::Duration)),
        _ => None,
    };
    parsed.map_or_else(|| c.error("invalid operand"), Ok)
}

type Operation = fn(&Call<'_>, Operand, Operand) -> Result<Value, Error>;

fn binary(c: &Call<'_>, operation: Operation) -> Result<Value, Error> {
    let left = operand(c, c.value(0))?;
    operation(c, left, operand(c, c.value(1))?)
}

fn mismatch(c: &Call<'_>) -> Result<Value, Error> {
    c.error("Types mismatch")
}

fn zero(c: &Call<'_>) -> Result<Value, Error> {
    c.error("Zero divisor passed")
}

fn add(c: &Call<'_>, left: Operand, right: Operand) -> Result<Value, Error> {
    match (left, right) {
        (Q(a), Q(b)) => text(a.add(&b).to_string()),
        (Operand::Duration(a), Operand::Duration(b)) => text(Duration(a.0.wrapping_add(b.0)).to_string()),
        (X(a), X(b)) => Ok(number(a + b)),
        _ => mismatch(c),
    }
}

fn subtract(c: &Call<'_>, left: Operand, right: Operand) -> Result<Value, Error> {
    match (left, right) {
        (Q(a), Q(b)) => text(a.sub(&b).to_string()),
        (Operand::Duration(a), Operand::Duration(b)) => text(Duration(a.0.wrapping_sub(b.0)).to_string()),
        (X(a), X(b)) => Ok(number(a - b)),
        _ => mismatch(c),
    }
}

fn multiply(c: &Call<'_>, left: Operand, right: Operand) -> Result<Value, Error> {
    match (left, right) {
        (X(a), X(b)) => Ok(number(a * b)),
        (Q(a), X(b)) | (X(b), Q(a)) => match a.mul_scalar(b) {
            Ok(product) => text(product.to_string()),
            Err(error) => super::fail(error.to_string()),
        },
        (Operand::Duration(a), X(b)) | (X(b), Operand::Duration(a)) => {
            text(Duration::from_seconds(a.seconds() * b).to_string())
        }
        _ => mismatch(c),
    }
}

fn divide(c: &Call<'_>, left: Operand, right: Operand) -> Result<Value, Error> {
    match (left, right) {
        (Q(a), Q(b)) => a.div(&b).map_or_else(|error| c.error(error), |quotient| Ok(number(quotient))),
        (_, X(0.0)) => zero(c),
        (Q(a), X(b)) => match a.div_scalar(b) {
            Ok(quotient) => text(quotient.to_string()),
            Err(error) => super::fail(error.to_string()),
        },
        (Operand::Duration(_), Operand::Duration(Duration(0))) => zero(c),
        (Operand::Duration(a), Operand::Duration(b)) => Ok(number(a.seconds() / b.seconds())),
        (Operand::Duration(a), X(b)) => text(Duration::from_seconds(a.seconds() / b).to_string()),
        (X(a), X(b)) => Ok(number(a / b)),
        _ => mismatch(c),
    }
}

fn modulo(c: &Call<'_>, left: Operand, right: Operand) -> Result<Value, Error> {
    match (left, right) {
        (Q(a), Q(b)) => a.modulo(&b).map_or_else(|error| c.error(error), |rest| text(rest.to_string())),
        (Operand::Duration(a), Operand::Duration(b)) => match a.0.checked_rem(b.0) {
            Some(rest) => text(Duration(rest).to_string()),
            // The smallest duration by -1 has no remainder either.
            None if b.0 == -1 => text(Duration(0).to_string()),
            None => zero(c),
        },
        (X(a), X(b)) => {
            let (Ok(a), Ok(b)) = (int_number(a), int_number(b)) else {
                return c.error("Non-integer argument(s) passed for modulo");
            };
            #[expect(clippy::cast_precision_loss, reason = "as Go's float64(int64)")]
            if b == 0 { zero(c) } else { Ok(number(a.wrapping_rem(b) as f64)) }
        }
        _ => mismatch(c),
    }
}

/// Folds with `add`; a single item is returned as it is.
fn sum(c: &Call<'_>) -> Result<Value, Error> {
    let Some((first, rest)) = c.array(0).split_first() else {
        return c.error("at least one element in the array is required");
    };
    rest.iter().try_fold(first.clone(), |sum, item| {
        let left = operand(c, &sum)?;
        add(c, left, operand(c, item)?)
    })
}

fn round(c: &Call<'_>) -> Result<Value, Error> {
    let Ok(length) = int_number(c.num(1)) else {
        return c.error("Non-integer argument(s) passed for round off");
    };
    if length < 0 {
        // Kyverno forgets to hand its formatter the numbers.
        return c.error("%!d(MISSING) argument is out of bounds (%!d(MISSING))");
    }
    let shift = 10_f64.powi(i32::try_from(length).unwrap_or(i32::MAX));
    Ok(number((c.num(0) * shift).round() / shift))
}
