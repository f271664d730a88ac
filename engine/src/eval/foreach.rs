//! `validate.foreach`: every element of every list must pass.
//!
//! Follows `validateForEach` and `validateElements` of `pkg/engine/handlers/validation/validate_resource.go` and `pkg/engine/utils/foreach.go`.

use serde_json::Value;

use super::RuleCx;
use super::trace::{Outcome, TraceNode};
use super::validate::{Body, check};
use super::verdict::{RuleResponse, RuleType, Status};
use super::{conditions, context};
use crate::policy::rule::ForEachValidation;

/// The elements of a list; what is no list is its only element.
///
/// # Errors
/// The expression cannot be evaluated.
pub fn elements(rule: &mut RuleCx<'_>, list: &str) -> Result<Vec<Value>, String> {
    match rule.json.query(list) {
        Ok(Value::Array(items)) => Ok(items),
        Ok(other) => Ok(vec![other]),
        Err(error) => Err(error.to_string()),
    }
}

/// Checks the lists in order; without an element that was checked there is no response.
pub(super) fn validate(
    rule: &mut RuleCx<'_>,
    lists: &[ForEachValidation],
    nesting: usize,
    at: &str,
) -> Option<RuleResponse> {
    let mut applied = 0;
    let mut list_error = None;
    for (index, foreach) in lists.iter().enumerate() {
        let at = format!("{at}/foreach/{index}");
        match elements(rule, &foreach.list) {
            Ok(elements) => {
                rule.trace.open(|| TraceNode::new("foreach", Outcome::Info, foreach.list.trim()).at(at.as_str()));
                let checked = each(rule, foreach, &elements, nesting, &at);
                rule.trace.close(if checked.is_ok() { Outcome::Yes } else { Outcome::No });
                match checked {
                    Ok(count) => applied += count,
                    Err(response) => return Some(*response),
                }
            }
            Err(why) => {
                rule.trace.leaf(|| {
                    TraceNode::new("foreach", Outcome::Skip, format!("{}: {why}", foreach.list)).at(at.as_str())
                });
                // A missing field is optional; the list is passed over.
                if !why.contains("Unknown key") {
                    list_error = Some(why);
                }
            }
        }
    }
    match (applied, list_error) {
        (0, Some(why)) => Some(rule.error(RuleType::Validation, "failed to evaluate list", why)),
        (0, None) => None,
        _ => Some(rule.response(RuleType::Validation, Status::Pass, "rule passed")),
    }
}

/// How many elements passed, or the response for the first that did not.
fn each(
    rule: &mut RuleCx<'_>,
    foreach: &ForEachValidation,
    elements: &[Value],
    nesting: usize,
    at: &str,
) -> Result<usize, Box<RuleResponse>> {
    rule.json.checkpoint();
    let outer = rule.element.clone();
    let mut applied = 0;
    let mut failed = None;
    for (index, element) in elements.iter().enumerate().filter(|(_, element)| !element.is_null()) {
        rule.json.reset();
        rule.json.set_element(element, index, nesting);
        rule.element.clone_from(&outer);
        if let Err(why) = scope(rule, foreach, element) {
            failed = Some(rule.error(RuleType::Validation, "failed to process foreach", why));
            break;
        }
        rule.trace.open(|| {
            let mut node = TraceNode::new("element", Outcome::Info, format!("element {index}")).at(at);
            node.found = Some(element.clone());
            node
        });
        let response = one(rule, foreach, nesting + 1, at);
        rule.trace.close(match response.as_ref().map(|response| response.status) {
            None | Some(Status::Skip) => Outcome::Skip,
            Some(Status::Pass) => Outcome::Yes,
            Some(Status::Error) => Outcome::Error,
            Some(_) => Outcome::No,
        });
        match response {
            None => {}
            Some(response) if response.status == Status::Skip => {}
            Some(response) if response.status == Status::Pass => applied += 1,
            // An element whose preconditions cannot be evaluated is passed over.
            Some(response)
                if response.status == Status::Error
                    && response.message.contains("failed to evaluate preconditions") => {}
            Some(response) => {
                let message = format!("validation failure: {}", response.message);
                failed = Some(rule.response(RuleType::Validation, response.status, message));
                break;
            }
        }
    }
    rule.json.restore();
    rule.element = outer;
    failed.map_or(Ok(applied), |response| Err(Box::new(response)))
}

/// Whether patterns are laid over the element: where it is a map, unless the policy says otherwise.
fn scope(rule: &mut RuleCx<'_>, foreach: &ForEachValidation, element: &Value) -> Result<(), String> {
    if foreach.element_scope == Some(true) && !element.is_object() {
        // Elements go through `encoding/json`, which knows no integers.
        let found = if element.is_number() { "float64" } else { super::pattern::go_type(element) };
        return Err(format!(
            "cannot use elementScope=true foreach rules for elements that are not maps, expected type=map got type={found}"
        ));
    }
    if foreach.element_scope.unwrap_or(element.is_object()) {
        rule.element = Some(element.clone());
    }
    Ok(())
}

fn one(rule: &mut RuleCx<'_>, foreach: &ForEachValidation, nesting: usize, at: &str) -> Option<RuleResponse> {
    let (cx, policy, name) = (rule.cx, rule.policy, &rule.rule.name);
    if let Err(why) = context::register(cx, policy, name, &foreach.context, &mut rule.json) {
        return Some(rule.error(RuleType::Validation, "failed to load context", why));
    }
    let preconditions = format!("{at}/preconditions");
    match conditions::preconditions(&mut rule.json, foreach.preconditions.as_ref(), &preconditions, &mut rule.trace) {
        Err(why) => return Some(rule.error(RuleType::Validation, "failed to evaluate preconditions", why)),
        Ok(decision) if !decision.holds => {
            let message = conditions::join_non_empty(&["preconditions not met", &decision.message], "; ");
            return Some(rule.response(RuleType::Validation, Status::Skip, message));
        }
        Ok(_) => {}
    }
    let body = Body {
        deny: foreach.deny.as_ref(),
        pattern: foreach.pattern.as_ref(),
        any_pattern: foreach.any_pattern.as_ref(),
        foreach: &foreach.foreach,
        nesting,
    };
    check(rule, body, at)
}
