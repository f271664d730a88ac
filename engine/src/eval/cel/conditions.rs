//! Match conditions: all must hold; an error counts only when none is false.

use super::compile::Condition;
use super::explain::recorded;
use super::stored::failed;
use crate::eval::trace::Trace;
use crate::expr::cel::{Activation, Error, Val};

/// Whether all conditions hold where the API server's library asks: it does not tell them the namespace
/// (`plugin/webhook/matchconditions/matcher.go`).
///
/// # Errors
/// As [`hold`].
pub fn hold_without_namespace(
    conditions: &[Condition],
    activation: &mut Activation<'_>,
    kind: &str,
    trace: &mut Trace,
) -> Result<bool, Error> {
    let namespace = activation.get("namespaceObject").cloned().unwrap_or(Val::Null);
    activation.set("namespaceObject", Val::Null);
    let found = hold(conditions, activation, kind, trace);
    activation.set("namespaceObject", namespace);
    found
}

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
            Err(error) if activation.kubernetes => errors.push(Error::new(failed(&condition.program, &error))),
            Err(error) => errors.push(error),
        }
    }
    match errors.as_slice() {
        [] => Ok(true),
        [one] => Err(one.clone()),
        many if activation.kubernetes => {
            Err(Error::new(format!("[{}]", many.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))))
        }
        many => Err(Error::new(many.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))),
    }
}
