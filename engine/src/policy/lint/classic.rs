//! `ClusterPolicy` and `Policy`: the order of `pkg/validation/policy/validate.go`.

use serde_json::Value;

use super::field::{forbidden, refused, warning};
use super::shape::{Rule, items, rules, unless_false};
use super::{
    Options, Problem, Report, Severity, actions, conditions, context, images, immutable, kinds, overrides, patches,
    permissions, rules as fields, variables, warnings,
};
use crate::object::ObjectExt;

pub(super) fn check(policy: &Value, options: &Options<'_>) -> Vec<Problem> {
    let mut report = Report::default();
    run(policy, options, &mut report);
    if let Some(text) = super::deprecated::kind_warning(policy.kind(), options) {
        report.add(warning("kind", text));
    }
    report.problems
}

fn run(policy: &Value, options: &Options<'_>, report: &mut Report) {
    let namespaced = policy.kind() == "Policy";
    if !namespaced && !policy.namespace().is_empty() {
        let message = "A clusterpolicy should not have the namespace defined";
        report.add(warning("metadata.namespace", message));
        report.add(refused("metadata.namespace", message));
    }
    report.extend(warnings::failure_actions(policy));
    report.phase(1);
    report.extend(match_conditions(policy, options));
    report.phase(2);
    report.extend(variables::check(policy));
    report.phase(3);
    report.extend(annotations_and_name(policy));
    report.extend(fields::spec(policy, namespaced, options));
    report.phase(4);
    if !namespaced {
        report.extend(overrides::check(policy));
    }
    report.phase(5);
    report.extend(processing(policy));
    report.phase(6);
    if let Some(problem) = options.old.and_then(|old| immutable::check(policy, old)) {
        let accepted = problem.severity == Severity::Warning;
        report.add(problem);
        if accepted {
            return;
        }
    }
    report.phase(7);
    if let Some(problem) = rules(policy).find_map(|rule| kinds::check(rule, policy, options)) {
        // Kyverno accepts a policy with unknown kinds as it is: the checks behind this one are not made.
        let accepted = problem.severity == Severity::Warning;
        report.add(problem);
        if accepted {
            return;
        }
    }
    for rule in rules(policy) {
        report.phase(u8::try_from(rule.index).map_or(u8::MAX, |index| index.saturating_add(8)));
        check_rule(policy, rule, options, report);
    }
}

fn check_rule(policy: &Value, rule: Rule<'_>, options: &Options<'_>, report: &mut Report) {
    let found = first_refusal(policy, rule, options);
    report.extend(found.0);
    if let Some(problem) = found.1 {
        report.add(problem);
    }
}

/// The warnings of a rule up to its first refusal, and that.
fn first_refusal(policy: &Value, rule: Rule<'_>, options: &Options<'_>) -> (Vec<Problem>, Option<Problem>) {
    let mut said = Vec::new();
    let early = patches::json(rule).or_else(|| {
        said.extend(warnings::json_patch_on_pods(rule));
        None
    });
    let refusal = early
        .or_else(|| conditions::check(rule))
        .or_else(|| variables::element_outside_foreach(rule))
        .or_else(|| context::check(rule))
        .or_else(|| images::extractors(rule))
        .or_else(|| fields::no_kinds(rule))
        .or_else(|| actions::check(rule))
        .or_else(|| permissions::refusal(rule, options));
    if refusal.is_some() {
        return (said, refusal);
    }
    said.extend(permissions::reporting(rule, options));
    let images = images::check(policy, rule);
    if !images.is_empty() {
        said.extend(images);
        return (said, None);
    }
    said.extend(warnings::autogen_exclusion(policy, rule));
    if let Some(problem) = patches::labels(rule) {
        return (said, Some(problem));
    }
    said.extend(warnings::subresources(rule));
    if let Some(problem) = variables::on_policy_update(policy, rule) {
        return (said, Some(problem));
    }
    said.extend(warnings::deprecated(rule));
    (said, None)
}

fn match_conditions(policy: &Value, options: &Options<'_>) -> Option<Problem> {
    let compile = options.match_condition_error?;
    let path = "spec.webhookConfiguration.matchConditions";
    let list = policy.at(&["spec", "webhookConfiguration", "matchConditions"]);
    let errors: Vec<String> = items(list).filter_map(|condition| compile(condition.str_at(&["expression"]))).collect();
    (!errors.is_empty()).then(|| refused(path, &format!("match conditions compilation errors: [{}]", errors.join(" "))))
}

fn annotations_and_name(policy: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let annotations = policy.annotations();
    if annotations.get("pod-policies.kyverno.io/autogen-controllers").is_some_and(|value| value == "all") {
        let words =
            "Autogen annotation does not support 'all' anymore, remove the annotation or set it to a valid value";
        problems.push(forbidden("metadata.annotations", words));
    }
    problems.extend(long_name("name", policy.name()));
    problems
}

/// A policy's name becomes the value of a label.
pub(super) fn long_name(path: &str, name: &str) -> Option<Problem> {
    (name.len() > 63).then(|| refused(path, &format!("{path}: Too long: may not be more than 63 bytes")))
}

fn processing(policy: &Value) -> Option<Problem> {
    let admission = unless_false(policy.at(&["spec", "admission"]));
    let background = unless_false(policy.at(&["spec", "background"]));
    if !admission && !background {
        return Some(refused("spec.admission", "disabling both admission and background processing is not allowed"));
    }
    let changes = || rules(policy).any(|rule| ["mutate", "generate", "verifyImages"].iter().any(|body| rule.has(body)));
    (!admission && changes())
        .then(|| refused("spec.admission", "disabling admission processing is only allowed with validation policies"))
}
