//! `PolicyException` of both groups (`pkg/webhooks/{exception,celexception}`).

use serde_json::Value;

use super::field::{invalid, required, warning};
use super::shape::{filled, items, unless_false};
use super::{Options, Problem, Report, matching, pod_security};
use crate::object::ObjectExt;

const DISABLED: &str = "PolicyException resources would not be processed until it is enabled.";

/// kyverno.io.
pub(super) fn check(exception: &Value, options: &Options<'_>) -> Vec<Problem> {
    let mut report = Report::default();
    if let Some(words) = namespace_warning(exception.namespace(), options) {
        report.add(warning("metadata.namespace", words));
    }
    if let Some(words) = super::deprecated::kind_warning("PolicyException", options) {
        report.add(warning("kind", words));
    }
    let nothing = Value::Null;
    let matched = exception.at(&["spec", "match"]).unwrap_or(&nothing);
    if unless_false(exception.at(&["spec", "background"])) {
        report.extend(matching::no_users(matched, "spec.match"));
    }
    let cluster = Options { catalog: None, ..*options };
    report.extend(matching::block(matched, "spec.match", false, &cluster));
    for (index, item) in items(exception.at(&["spec", "exceptions"])).enumerate() {
        if !filled(item.get("policyName")) {
            let path = format!("spec.exceptions[{index}].policyName");
            report.add(required(&path, "An exception requires a policy name"));
        }
    }
    for (index, item) in items(exception.at(&["spec", "podSecurity"])).enumerate() {
        report.extend(pod_security::control(item, &format!("spec.podSecurity[{index}]")));
    }
    report.problems
}

fn namespace_warning(namespace: &str, options: &Options<'_>) -> Option<&'static str> {
    match options.exception_namespace {
        _ if !options.exceptions_enabled => Some(DISABLED),
        "" => Some("The exceptionNamespace flag is not set"),
        "*" => None,
        wanted if wanted == namespace => None,
        _ => Some("PolicyException resource namespace must match the defined namespace."),
    }
}

/// policies.kyverno.io.
pub(super) fn check_cel(exception: &Value, options: &Options<'_>) -> Vec<Problem> {
    let mut report = Report::default();
    if !options.exceptions_enabled {
        report.add(warning("metadata.namespace", DISABLED));
    }
    let references = exception.at(&["spec", "policyRefs"]);
    if !filled(references) {
        let words = "must specify at least one policy ref";
        report.add(invalid("spec.policyRefs", references.unwrap_or(&Value::Null), words));
    }
    for (index, reference) in items(references).enumerate() {
        for field in ["name", "kind"] {
            if !filled(reference.get(field)) {
                let (path, words) =
                    (format!("spec.policyRefs[{index}].{field}"), format!("must specify policy {field}"));
                report.add(invalid(&path, &Value::from(reference.str_at(&[field])), &words));
            }
        }
    }
    report.problems
}
