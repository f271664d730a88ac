//! What Kyverno accepts with a warning.

use serde_json::Value;

use super::Problem;
use super::field::warning;
use super::shape::{Rule, filled, items, kinds_of, rules, strings, there};
use crate::object::ObjectExt;
use crate::object::gvk::KindSelector;
use crate::object::order;

/// Lower-case failure actions (`checkValidationFailureAction`).
pub(super) fn failure_actions(policy: &Value) -> Vec<Problem> {
    let old =
        |action: Option<&Value>| action.and_then(Value::as_str).is_some_and(|word| matches!(word, "enforce" | "audit"));
    let any = |action: Option<&Value>, overrides: Option<&Value>| {
        old(action) || items(overrides).any(|item| old(item.get("action")))
    };
    let words = "Validation failure actions enforce/audit are deprecated, use Enforce/Audit instead.";
    let spec = |field: &str| policy.at(&["spec", field]);
    let mut problems = Vec::new();
    if any(spec("validationFailureAction"), spec("validationFailureActionOverrides")) {
        problems.push(warning("spec.validationFailureAction", words));
    }
    for rule in rules(policy) {
        let action = rule.get(&["validate", "failureAction"]);
        if action.is_some() && any(action, rule.get(&["validate", "failureActionOverrides"])) {
            problems.push(warning(&format!("{}.validate.failureAction", rule.path()), words));
        }
    }
    problems
}

/// A JSON patch on Pods that controllers own (`jsonPatchOnPod`).
pub(super) fn json_patch_on_pods(rule: Rule<'_>) -> Option<Problem> {
    let pods = strings(rule.value.at(&["match", "resources", "kinds"])).contains(&"Pod");
    let words = "Pods managed by workload controllers should not be directly mutated using policies. Use the autogen feature or write policies that match Pod controllers.";
    let path = format!("{}.mutate.patchesJson6902", rule.path());
    (pods && filled(rule.get(&["mutate", "patchesJson6902"]))).then(|| warning(&path, words))
}

/// Pods whose controllers autogen leaves out (`podControllerAutoGenExclusion`).
pub(super) fn autogen_exclusion(policy: &Value, rule: Rule<'_>) -> Option<Problem> {
    let annotations = policy.annotations();
    let value = annotations.get("pod-policies.kyverno.io/autogen-controllers").filter(|value| *value != "none")?;
    let mut controllers: Vec<String> = value.to_lowercase().split(',').map(str::to_owned).collect();
    order::sort(&mut controllers);
    let mut kinds: Vec<String> =
        kinds_of(rule.value.get("match")).into_iter().map(|kind| KindSelector::parse(kind).kind).collect();
    kinds.dedup();
    let excluded = controllers != ["cronjob", "daemonset", "deployment", "job", "statefulset"];
    let words = "Policies that match Pods apply to all Pods including those created and managed by controllers excluded from autogen. Use preconditions to exclude the Pods managed by controllers which are excluded from autogen. Refer to https://kyverno.io/docs/policy-types/cluster-policy/autogen/ for details.";
    (excluded && kinds == ["Pod"]).then(|| warning("metadata.annotations", words))
}

/// Rules that look at replicas or at the status but match no such subresource.
pub(super) fn subresources(rule: Rule<'_>) -> Vec<Problem> {
    let mut kinds: Vec<String> = ["match", "exclude"]
        .into_iter()
        .flat_map(|block| kinds_of(rule.value.get(block)))
        .map(str::to_lowercase)
        .collect();
    let mut problems = Vec::new();
    if rule.has("validate") {
        let mut body = rule.value.get("validate").cloned().unwrap_or_default();
        body.remove_at(&["deny", "conditions"]);
        problems.extend(missing_subresources(&body, &kinds, &format!("{}.validate", rule.path())));
    }
    if rule.has("mutate") {
        let body = rule.value.get("mutate").cloned().unwrap_or_default();
        kinds.extend(items(body.get("targets")).map(|target| target.kind().to_lowercase()));
        problems.extend(missing_subresources(&body, &kinds, &format!("{}.mutate", rule.path())));
    }
    for (index, image) in items(rule.value.get("verifyImages")).enumerate() {
        let Some(mut body) = image.get("validate").cloned().filter(|body| filled(Some(body))) else { continue };
        body.remove_at(&["deny", "conditions"]);
        let path = format!("{}.verifyImages[{index}].validate", rule.path());
        problems.extend(missing_subresources(&body, &kinds, &path));
    }
    problems
}

fn missing_subresources(body: &Value, kinds: &[String], path: &str) -> Vec<Problem> {
    let text = body.to_string();
    let lacks = |word: &str| !kinds.iter().any(|kind| kind.contains(word));
    let mut problems = Vec::new();
    if text.contains("replicas") && lacks("scale") {
        let words = "You are matching on replicas but not including the scale subresource in the policy.";
        problems.push(warning(path, words));
    }
    if (text.contains(".status") || text.contains("\"status\":")) && lacks("status") {
        let words = "You are matching on status but not including the status subresource in the policy.";
        problems.push(warning(path, words));
    }
    problems
}

/// Deprecated fields and operators of a rule.
pub(super) fn deprecated(rule: Rule<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, image) in items(rule.value.get("verifyImages")).enumerate() {
        for (inner, attestation) in items(image.get("attestations")).enumerate() {
            let kind = attestation.str_at(&["predicateType"]);
            if !kind.is_empty() {
                let path = format!("{}.verifyImages[{index}].attestations[{inner}].predicateType", rule.path());
                let words =
                    format!("predicateType has been deprecated use 'type: {kind}' instead of 'predicateType: {kind}'");
                problems.push(warning(&path, words));
            }
        }
    }
    let mut operators = |conditions: Option<&Value>, path: &str| {
        let Some(conditions) = there(conditions) else { return };
        for list in [conditions.get("any"), conditions.get("all"), Some(conditions)] {
            for condition in items(list) {
                if let Some(words) = old_operator(condition.str_at(&["operator"])) {
                    problems.push(warning(path, words));
                }
            }
        }
    };
    let path = format!("{}.validate", rule.path());
    operators(rule.get(&["validate", "deny", "conditions"]), &path);
    for item in items(rule.get(&["validate", "foreach"])) {
        operators(item.get("preconditions"), &path);
        operators(item.at(&["deny", "conditions"]), &path);
    }
    for attestation in items(rule.value.get("verifyImages")).flat_map(|image| items(image.get("attestations"))) {
        for conditions in items(attestation.get("conditions")) {
            operators(Some(conditions), &format!("{}.verifyImages", rule.path()));
        }
    }
    problems
}

fn old_operator(operator: &str) -> Option<String> {
    let instead = match operator {
        "In" => r#"["AllIn" "AnyIn"]"#,
        "NotIn" => r#"["AllNotIn" "AnyNotIn"]"#,
        _ => return None,
    };
    Some(format!("Operator {operator} has been deprecated and will be removed soon. Use these instead: {instead}"))
}
