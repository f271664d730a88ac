//! The body of a `validate` rule: `deny`, `pattern`, `anyPattern`, `foreach`, `podSecurity`.
//!
//! Follows `pkg/engine/handlers/validation/validate_resource.go`.

use serde_json::Value;

use super::pattern::{self, PatternError, Places};
use super::request::Operation;
use super::trace::{Outcome, TraceNode};
use super::verdict::{RuleResponse, RuleType, Status};
use super::{Answer, RuleCx};
use super::{conditions, exception, foreach, messages, pod_security, tolerate};
use crate::expr::vars;
use crate::policy::rule::{Deny, ForEachValidation};

/// What is checked: the body of the rule or one of its `foreach`.
#[derive(Clone, Copy)]
pub(super) struct Body<'b> {
    pub(super) deny: Option<&'b Deny>,
    pub(super) pattern: Option<&'b Value>,
    pub(super) any_pattern: Option<&'b Value>,
    pub(super) foreach: &'b [ForEachValidation],
    /// How many `foreach` are around it.
    pub(super) nesting: usize,
}

/// Evaluates the body of a rule; a rule that has nothing to say gives no response.
#[must_use]
pub fn rule(rule: &mut RuleCx<'_>) -> Answer {
    let Some(validate) = rule.rule.validate.as_ref() else { return Answer::default() };
    let body = Body {
        deny: validate.deny.as_ref(),
        pattern: validate.pattern.as_ref(),
        any_pattern: validate.any_pattern.as_ref(),
        foreach: &validate.foreach,
        nesting: 0,
    };
    let at = format!("{}/validate", rule.pointer);
    let response = check(rule, body, &at);
    // The old object meets the pattern with the values of the new one.
    let frozen = freeze(rule, body);
    tolerate::weigh(rule, response, |rule| {
        let (pattern, any_pattern) =
            frozen.as_ref().map_or((body.pattern, body.any_pattern), |(one, any)| (one.as_ref(), any.as_ref()));
        check(rule, Body { pattern, any_pattern, ..body }, &at)
    })
    .into()
}

/// Evaluates a `podSecurity` rule; exceptions may lift it or some of its controls.
#[must_use]
pub fn pod_security_rule(rule: &mut RuleCx<'_>) -> Answer {
    let Some(object) = rule.object.filter(|_| rule.operation != Operation::Delete) else { return Answer::default() };
    let exceptions = exception::matched(rule);
    let response = pod_security::validate(rule, object, &exceptions);
    tolerate::weigh(rule, Some(response), |rule| {
        let old = rule.object.unwrap_or(&Value::Null);
        Some(pod_security::validate(rule, old, &exceptions))
    })
    .into()
}

/// The patterns with the values of the object of the request; `None` where one cannot be resolved.
fn freeze(rule: &mut RuleCx<'_>, body: Body<'_>) -> Option<(Option<Value>, Option<Value>)> {
    if !tolerate::is_possible(rule) {
        return None;
    }
    let mut freeze =
        |pattern: Option<&Value>| pattern.map(|pattern| vars::substitute_all(&mut rule.json, pattern)).transpose();
    Some((freeze(body.pattern).ok()?, freeze(body.any_pattern).ok()?))
}

/// One body: the first of deny, patterns and foreach that it has.
pub(super) fn check(rule: &mut RuleCx<'_>, body: Body<'_>, at: &str) -> Option<RuleResponse> {
    if let Some(deny) = body.deny {
        return Some(self::deny(rule, deny, &format!("{at}/deny")));
    }
    if let Some(pattern) = body.pattern {
        let at = format!("{at}/pattern");
        return with_substituted(rule, pattern, |rule, resource, pattern| one_pattern(rule, resource, pattern, &at));
    }
    if let Some(patterns) = body.any_pattern {
        let at = format!("{at}/anyPattern");
        return with_substituted(rule, patterns, |rule, resource, patterns| any_pattern(rule, resource, patterns, &at));
    }
    foreach::validate(rule, body.foreach, body.nesting, at)
}

fn deny(rule: &mut RuleCx<'_>, deny: &Deny, at: &str) -> RuleResponse {
    let words = if deny.conditions.is_some() { "deny" } else { "deny without conditions" };
    rule.trace.open(|| TraceNode::new("deny", Outcome::Info, words).at(at));
    let decision =
        conditions::evaluate(&mut rule.json, deny.conditions.as_ref(), &format!("{at}/conditions"), &mut rule.trace);
    match &decision {
        Ok(decision) if decision.holds => rule.trace.close_as(Outcome::Yes, Outcome::denying),
        Ok(_) => rule.trace.close_as(Outcome::No, Outcome::letting_out),
        Err(_) => rule.trace.close(Outcome::Error),
    }
    match decision {
        Err(why) => rule.error(RuleType::Validation, "failed to check deny conditions", why),
        Ok(decision) if decision.holds => {
            let message = messages::denied(rule, &decision.message);
            rule.response(RuleType::Validation, Status::Fail, message)
        }
        Ok(_) => rule.response(RuleType::Validation, Status::Pass, messages::passed(rule)),
    }
}

/// Substitutes a pattern and lays it over the element of a `foreach`, or over the object. A DELETE has no object to look at.
fn with_substituted(
    rule: &mut RuleCx<'_>,
    pattern: &Value,
    check: impl FnOnce(&mut RuleCx<'_>, &Value, &Value) -> RuleResponse,
) -> Option<RuleResponse> {
    let pattern = match vars::substitute_all(&mut rule.json, pattern) {
        Ok(pattern) => pattern,
        Err(error) => return Some(rule.error(RuleType::Validation, "variable substitution failed", error)),
    };
    if let Some(element) = rule.element.take() {
        let response = check(rule, &element, &pattern);
        rule.element = Some(element);
        return Some(response);
    }
    if rule.operation == Operation::Delete {
        rule.trace.leaf(|| TraceNode::new("pattern", Outcome::Skip, "patterns are not laid over deleted objects"));
        return None;
    }
    let object = rule.object.unwrap_or(&Value::Null);
    Some(check(rule, object, &pattern))
}

fn one_pattern(rule: &mut RuleCx<'_>, resource: &Value, pattern: &Value, at: &str) -> RuleResponse {
    match traced(rule, resource, pattern, at, "pattern") {
        Ok(()) => rule.response(RuleType::Validation, Status::Pass, messages::passed(rule)),
        Err(error) if error.skip => rule.response(RuleType::Validation, Status::Skip, error.message),
        Err(error) => {
            let status = if error.path.is_empty() { Status::Error } else { Status::Fail };
            let message = messages::pattern_failed(rule, &error.message, &error.path);
            rule.response(RuleType::Validation, status, message)
        }
    }
}

/// The first pattern that passes decides; failures hide skips.
fn any_pattern(rule: &mut RuleCx<'_>, resource: &Value, patterns: &Value, at: &str) -> RuleResponse {
    let name = rule.rule.name.clone();
    let Value::Array(patterns) = patterns else {
        let found = pattern::go_type(patterns);
        let why = format!("json: cannot unmarshal {found} into Go value of type []interface {{}}");
        return rule.error(RuleType::Validation, "failed to deserialize anyPattern, expected type array", why);
    };
    let (mut failed, mut skipped) = (Vec::new(), Vec::new());
    for (index, pattern) in patterns.iter().enumerate() {
        match traced(rule, resource, pattern, &format!("{at}/{index}"), "anyPattern") {
            Ok(()) => {
                let message = format!("validation rule '{name}' anyPattern[{index}] passed.");
                return rule.response(RuleType::Validation, Status::Pass, message);
            }
            Err(error) if error.skip => skipped.push(format!("rule {name}[{index}] skipped: {}", error.message)),
            Err(error) if error.path.is_empty() => {
                failed.push(format!("rule {name}[{index}] failed: {}", error.message))
            }
            Err(error) => failed.push(format!("rule {name}[{index}] failed at path {}", error.path)),
        }
    }
    if failed.is_empty() && !skipped.is_empty() {
        return rule.response(RuleType::Validation, Status::Skip, skipped.join(" "));
    }
    if failed.is_empty() {
        let message = rule.rule.validate.as_ref().map(|validate| validate.message.clone()).unwrap_or_default();
        return rule.response(RuleType::Validation, Status::Pass, message);
    }
    let message = messages::any_pattern_failed(rule, &failed);
    rule.response(RuleType::Validation, Status::Fail, message)
}

fn traced(rule: &mut RuleCx<'_>, resource: &Value, pattern: &Value, at: &str, kind: &str) -> Result<(), PatternError> {
    rule.trace.open(|| TraceNode::new(kind, Outcome::Info, kind).at(at));
    let (added, of_element) = (added_by_autogen(&rule.rule.name), rule.element.is_some());
    // Where an element stands in the object is not known: its list is any expression.
    let places = Places { pattern: at, added: if of_element { "" } else { added }, resource: "" };
    let matched = pattern::match_pattern(resource, pattern, places, &mut rule.trace);
    rule.trace.close(match &matched {
        Ok(()) => Outcome::Yes,
        Err(error) if error.skip => Outcome::Skip,
        Err(error) if error.path.is_empty() => Outcome::Error,
        Err(_) => Outcome::No,
    });
    matched
}

/// What autogen wraps around a pattern.
fn added_by_autogen(rule: &str) -> &'static str {
    if rule.starts_with("autogen-cronjob-") {
        "/spec/jobTemplate/spec/template"
    } else if rule.starts_with("autogen-") {
        "/spec/template"
    } else {
        ""
    }
}
