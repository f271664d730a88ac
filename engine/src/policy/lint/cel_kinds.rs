//! The kinds of policies.kyverno.io: the checks beside the CEL compiler (`pkg/cel/policies/*/validate.go`).

use regex::Regex;
use serde_json::Value;

use super::field::{forbidden, invalid, required};
use super::shape::{filled, items, unless_false};
use super::{Options, Problem, Report};
use crate::object::ObjectExt;

pub(super) fn check(policy: &Value, options: &Options<'_>) -> Vec<Problem> {
    let mut report = Report::default();
    let kind = policy.kind().strip_prefix("Namespaced").unwrap_or_else(|| policy.kind());
    if !["ValidatingPolicy", "MutatingPolicy", "GeneratingPolicy", "DeletingPolicy", "ImageValidatingPolicy"]
        .contains(&kind)
    {
        return Vec::new();
    }
    if kind == "MutatingPolicy" {
        report.extend(native_match_conditions(policy));
    }
    if kind == "GeneratingPolicy" {
        for (index, item) in items(policy.at(&["spec", "generate"])).enumerate() {
            if !filled(item.get("expression")) && !filled(item.get("template")) {
                let path = format!("spec.generate[{index}]");
                report.add(required(&path, "one of expression or template must be set"));
            }
        }
    }
    if !filled(policy.at(&["spec", "matchConstraints", "resourceRules"])) {
        let words = "a matchConstraints with at least one resource rule is required";
        report.add(required("spec.matchConstraints", words));
    }
    if kind == "MutatingPolicy" {
        let admission = unless_false(policy.at(&["spec", "evaluation", "admission", "enabled"]));
        if !admission && !filled(policy.at(&["spec", "evaluation", "mutateExisting", "enabled"])) {
            let words = "disabling both admission and mutateExisting evaluation modes is not allowed";
            report.add(forbidden("spec.evaluation", words));
        }
    }
    if kind == "DeletingPolicy" {
        report.extend(schedule(policy));
    }
    if !policy.namespace().is_empty() && !options.allow_http && uses_http(policy) {
        let words = "http.* is not allowed in namespaced policies; set --allowHTTPInNamespacedPolicies to enable";
        report.add(forbidden("spec", words));
    }
    report.problems
}

/// A native MutatingAdmissionPolicy knows no variables in its match conditions.
fn native_match_conditions(policy: &Value) -> Vec<Problem> {
    if !filled(policy.at(&["spec", "autogen", "mutatingAdmissionPolicy", "enabled"])) {
        return Vec::new();
    }
    let conditions = items(policy.at(&["spec", "matchConditions"])).enumerate();
    let words = "variables cannot be referenced in matchConditions when spec.autogen.mutatingAdmissionPolicy.enabled is true; native MutatingAdmissionPolicy evaluates match conditions before variables, so inline the expression instead";
    conditions
        .filter(|(_, condition)| names(condition.str_at(&["expression"]), "variables"))
        .map(|(index, _)| forbidden(&format!("spec.matchConditions[{index}].expression"), words))
        .collect()
}

fn schedule(policy: &Value) -> Option<Problem> {
    let schedule = policy.str_at(&["spec", "schedule"]);
    if schedule.is_empty() {
        return Some(required("spec.schedule", "schedule is required"));
    }
    let fields = schedule.split_whitespace().count();
    let macros = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly", "@reboot", "@every"];
    let error = match fields {
        _ if macros.iter().any(|name| schedule.starts_with(name)) => return None,
        0..5 => "missing field(s)".to_owned(),
        _ => croner::parser::CronParser::builder()
            .seconds(croner::parser::Seconds::Optional)
            .year(croner::parser::Year::Optional)
            .build()
            .parse(schedule)
            .err()?
            .to_string(),
    };
    let words = format!("schedule spec in the deletingPolicy is not in proper cron format: {error}");
    Some(invalid("spec.schedule", &Value::from(schedule), &words))
}

fn uses_http(policy: &Value) -> bool {
    let mut found = false;
    super::shape::each_string(policy.get("spec").unwrap_or(&Value::Null), "", &mut |text, path| {
        let expression = path.rsplit('/').next().is_some_and(|field| field.to_lowercase().ends_with("expression"));
        found = found || (expression && names(text, "http"));
    });
    found
}

/// Whether a CEL expression uses an identifier, outside of strings and not as a field.
fn names(expression: &str, identifier: &str) -> bool {
    let strings = Regex::new(r#""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"#);
    let bare =
        strings.map_or_else(|_| expression.to_owned(), |strings| strings.replace_all(expression, "''").into_owned());
    let pattern = format!(r"(^|[^.\w]){}($|\W)", regex::escape(identifier));
    Regex::new(&pattern).is_ok_and(|pattern| pattern.is_match(&bare))
}
