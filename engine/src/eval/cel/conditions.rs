//! Match conditions: all must hold; an error counts only when none is false.

use super::compile::Condition;
use super::explain::recorded;
use crate::eval::trace::Trace;
use crate::expr::cel::{Activation, Error, Val};

/// Whether all conditions hold.
///
/// # Errors
/// The errors of the conditions, joined, when none of them is false.
pub fn hold(
    conditions: &[Condition],
    activation: &Activation<'_>,
    kind: &str,
    trace: &mut Trace,
) -> Result<bool, Error> {
    let mut errors: Vec<Error> = Vec::new();
    for condition in conditions {
        let found = condition.program.eval(activation);
        recorded(kind, &condition.name, &condition.pointer, &condition.program, &found, activation, trace);
        match found {
            Ok(Val::Bool(true)) => {}
            Ok(Val::Bool(false)) => return Ok(false),
            Ok(_) => errors.push(Error::no_overload()),
            Err(error) => errors.push(error),
        }
    }
    match errors.as_slice() {
        [] => Ok(true),
        [one] => Err(one.clone()),
        many => Err(Error::new(many.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))),
    }
}
