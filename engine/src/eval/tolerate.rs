//! Violations that were there before: an UPDATE of an object that already broke an enforcing rule is let through.
//!
//! Follows `validateOldObject` of `pkg/engine/handlers/validation/validate_resource.go` and `matchResource` of `utils.go` beside it.

use serde_json::{Map, Value};

use super::RuleCx;
use super::action::is_enforce;
use super::matching::{self, Candidate, Requester};
use super::request::{Operation, UserInfo};
use super::trace::{Outcome, TraceNode};
use super::verdict::{RuleResponse, RuleType, Status};
use crate::object::ObjectExt;

/// Whether the request is an UPDATE against an enforcing rule that does not forbid it. Of the places of the action only the rule's and the
/// policy's own count here, not their overrides.
pub(super) fn is_possible(rule: &RuleCx<'_>) -> bool {
    let Some(validate) = rule.rule.validate.as_ref() else { return false };
    let action = validate.failure_action.as_deref().or(rule.policy.spec.validation_failure_action.as_deref());
    rule.operation == Operation::Update
        && rule.old_object.is_some()
        && action.is_some_and(is_enforce)
        && validate.allow_existing_violations != Some(false)
}

/// Turns a failure into a skip where `check` fails for the old object, too, looked at as if it were created now by nobody in particular.
///
/// A rule with preconditions never matches the old object. Context entries that were loaded already keep the values of the new one.
pub(super) fn weigh(
    rule: &mut RuleCx<'_>,
    response: Option<RuleResponse>,
    check: impl FnOnce(&mut RuleCx<'_>) -> Option<RuleResponse>,
) -> Option<RuleResponse> {
    let failed = response.as_ref().is_some_and(|response| response.status == Status::Fail);
    let old = rule.old_object.filter(|_| failed && is_possible(rule) && rule.rule.preconditions.is_none());
    let Some(old) = old else { return response };
    rule.trace
        .open(|| TraceNode::new("oldObject", Outcome::Info, "the object as it was, looked at as if it were created"));
    if !matches(rule, old) {
        rule.trace.close(Outcome::Info);
        return response;
    }
    let new = rule.object.replace(old);
    rule.old_object = None;
    rule.operation = Operation::Create;
    rule.json.checkpoint();
    rule.json.set_object(old.clone());
    rule.json.set_old_object(Value::Object(Map::new()));
    rule.json.set(&["request", "operation"], Value::from(Operation::Create.as_str()));
    let before = check(rule);
    rule.json.restore();
    rule.object = new;
    rule.old_object = Some(old);
    rule.operation = Operation::Update;
    let failed_before = before.is_some_and(|before| before.status == Status::Fail);
    rule.trace.close(if failed_before { Outcome::No } else { Outcome::Yes });
    if !failed_before {
        return response;
    }
    let words = "skipping the rule evaluation as pre-existing violations are allowed";
    Some(rule.response(RuleType::Validation, Status::Skip, words))
}

/// The user of the request may be another than the one who made the object: it is matched with one that nobody has.
fn matches(rule: &mut RuleCx<'_>, old: &Value) -> bool {
    let user = UserInfo {
        username: "kyverno:kyverno-invalid-controller".to_owned(),
        uid: "kyverno:invaliduid".to_owned(),
        groups: vec!["kyverno:invalidgroup".to_owned()],
        ..UserInfo::default()
    };
    let roles = ["kyverno:invalidrole".to_owned()];
    let gvk = old.gvk();
    let candidate = Candidate {
        resource: old,
        gvk: &gvk,
        subresource: "",
        operation: Operation::Create,
        requester: Some(Requester { user: &user, roles: &roles, cluster_roles: &roles }),
        view: rule.cx.view,
    };
    matching::rule_matches(rule.rule, &rule.policy.namespace, &candidate, &rule.pointer, &mut rule.trace)
}
