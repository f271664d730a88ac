//! What a failing `validate` rule says.
//!
//! Follows `buildErrorMessage`, `buildAnyPatternErrorMessage` and `getDenyMessage` of
//! `pkg/engine/handlers/validation/validate_resource.go`.

use serde_json::Value;

use super::RuleCx;
use super::conditions::join_non_empty;
use crate::expr::vars;

/// A pattern that passed.
pub(super) fn passed(rule: &RuleCx<'_>) -> String {
    format!("validation rule '{}' passed.", rule.rule.name)
}

/// A pattern that failed at a path, or for the reason `error` where there is none.
pub(super) fn pattern_failed(rule: &mut RuleCx<'_>, error: &str, path: &str) -> String {
    let name = rule.rule.name.clone();
    let what = if path.is_empty() {
        format!("rule {name} execution error: {error}")
    } else {
        format!("rule {name} failed at path {path}")
    };
    match written(rule) {
        None => format!("validation error: {what}"),
        Some(Ok(message)) => format!("validation error: {} {what}", with_dot(message)),
        Some(Err(())) => {
            format!("validation error: variables substitution error in rule {name} execution error: {error}")
        }
    }
}

/// Alternatives that all failed.
pub(super) fn any_pattern_failed(rule: &mut RuleCx<'_>, errors: &[String]) -> String {
    let errors = errors.join(" ");
    let name = rule.rule.name.clone();
    match written(rule) {
        None => format!("validation error: {errors}"),
        Some(Ok(message)) => format!("validation error: {} {errors}", with_dot(message)),
        Some(Err(())) => {
            format!("validation error: variables substitution error in rule {name} execution error: {errors}")
        }
    }
}

/// Deny conditions that held; `conditions` are their own messages.
pub(super) fn denied(rule: &mut RuleCx<'_>, conditions: &str) -> String {
    let message = rule.rule.validate.as_ref().map(|validate| validate.message.as_str()).unwrap_or_default();
    let text = join_non_empty(&[message, conditions], "; ");
    if text.is_empty() {
        return format!("validation error: rule {} failed", rule.rule.name);
    }
    match vars::substitute_all(&mut rule.json, &Value::String(text)) {
        Ok(Value::String(text)) => text,
        Ok(_) => "the produced message didn't resolve to a string, check your policy definition.".to_owned(),
        Err(_) => conditions.to_owned(),
    }
}

/// The message of the rule after substitution; `None` where it has none.
fn written(rule: &mut RuleCx<'_>) -> Option<Result<String, ()>> {
    let message =
        rule.rule.validate.as_ref().map(|validate| validate.message.clone()).filter(|text| !text.is_empty())?;
    // Kyverno panics where the message is one variable that is no string; here it is printed as JSON.
    Some(vars::substitute_string(&mut rule.json, &message).map_err(|_| ()))
}

fn with_dot(mut message: String) -> String {
    if !message.ends_with('.') {
        message.push('.');
    }
    message
}
