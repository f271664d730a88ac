//! The body `validate.cel`.
//!
//! Follows `pkg/engine/handlers/validation/validate_cel.go`.

use serde_json::Value;

use super::cel::classic::{self, Outcome};
use super::verdict::{RuleType, Status};
use super::{Answer, RuleCx};

/// Evaluates a `cel` rule.
#[must_use]
pub(super) fn rule(rule: &mut RuleCx<'_>) -> Answer {
    let Some(validate) = rule.rule.validate.as_ref() else { return Answer::default() };
    let at = format!("{}/validate/cel", rule.pointer);
    let cel = validate.cel.as_ref().unwrap_or(&Value::Null);
    let conditions = &rule.rule.cel_preconditions;
    let (status, message) = match classic::validate(cel, conditions, &validate.message, &at, &rule.cx, &mut rule.trace)
    {
        Outcome::Pass => (Status::Pass, format!("Validation rule '{}' passed.", rule.rule.name)),
        Outcome::Fail(message) => (Status::Fail, message),
        Outcome::Skip => (Status::Skip, "cel preconditions not met".to_owned()),
        Outcome::Error(message) => (Status::Error, message),
    };
    rule.response(RuleType::Validation, status, message).into()
}
