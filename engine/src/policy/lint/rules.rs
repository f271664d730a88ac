//! What each rule must look like (`Spec.Validate` and `Rule.Validate` of `api/kyverno/v1`).

use serde_json::Value;

use super::field::{forbidden, invalid, refused};
use super::shape::{Rule, filled, items, rules, strings, there};
use super::{Options, Problem, generate, matching, pod_security};
use crate::object::ObjectExt;
use crate::object::wildcard;

const EMPTY_SET: &str = "Rule is matching an empty set";
const METADATA_ONLY: &str =
    "policy can only deal with the metadata field of the resource if the rule does not match any kind";

pub(super) fn spec(policy: &Value, namespaced: bool, options: &Options<'_>) -> Vec<Problem> {
    let mut problems = moved_fields(policy);
    problems.extend(duplicate_names(policy));
    for rule in rules(policy) {
        let path = rule.path();
        problems.extend(operations(rule));
        problems.extend(empty_set(rule));
        for (block, found) in [("match", rule.value.get("match")), ("exclude", rule.value.get("exclude"))] {
            if let Some(found) = found {
                problems.extend(matching::block(found, &format!("{path}.{block}"), namespaced, options));
            }
        }
        problems.extend(target_namespaces(policy, rule, namespaced));
        problems.extend(pod_security::rule(rule));
        problems.extend(generate::check(policy, rule, namespaced, options));
    }
    if namespaced && filled(policy.at(&["spec", "validationFailureActionOverrides"])) {
        let words = "Use of validationFailureActionOverrides is supported only with ClusterPolicy";
        problems.push(forbidden("spec.validationFailureActionOverrides", words));
    }
    problems
}

/// Fields of `spec` that moved or that contradict each other (`Spec.Validate`, first part).
fn moved_fields(policy: &Value) -> Vec<Problem> {
    let spec = |path: &[&str]| there(policy.at(&[&["spec"], path].concat()));
    let mut problems = Vec::new();
    if spec(&["webhookTimeoutSeconds"]).is_some() && spec(&["webhookConfiguration", "timeoutSeconds"]).is_some() {
        let words = "remove the deprecated field and use spec.webhookConfiguration.timeoutSeconds instead";
        problems.push(forbidden("spec.webhookTimeoutSeconds", words));
    }
    if spec(&["failurePolicy"]).is_some() && spec(&["webhookConfiguration", "failurePolicy"]).is_some() {
        let words = "remove the deprecated field and use spec.webhookConfiguration.failurePolicy instead";
        problems.push(forbidden("spec.failurePolicy", words));
    }
    if spec(&["generateExistingOnPolicyUpdate"]).is_some() {
        let words = "remove the deprecated field and use spec.generate[*].generateExisting instead";
        problems.push(forbidden("spec.generateExistingOnPolicyUpdate", words));
    }
    for rule in rules(policy).filter(|rule| rule.has("mutate")) {
        let existing = [spec(&["mutateExistingOnPolicyUpdate"]), rule.get(&["mutate", "mutateExistingOnPolicyUpdate"])];
        if existing.into_iter().any(filled) && !filled(rule.get(&["mutate", "targets"])) {
            let words = format!(
                "rules[{}].mutate.targets has to be specified when mutateExistingOnPolicyUpdate is set",
                rule.index
            );
            problems.push(forbidden("spec.mutateExistingOnPolicyUpdate", &words));
        }
    }
    for path in [&["webhookTimeoutSeconds"][..], &["webhookConfiguration", "timeoutSeconds"]] {
        if let Some(seconds) = spec(path).filter(|seconds| seconds.as_i64().is_some_and(|n| !(1..=30).contains(&n))) {
            let words = "the timeout value must be between 1 and 30 seconds";
            problems.push(invalid(&format!("spec.{}", path.join(".")), seconds, words));
        }
    }
    problems
}

/// `spec.rules[i].name` twice (`ValidateRuleNames`).
fn duplicate_names(policy: &Value) -> Vec<Problem> {
    let mut seen: Vec<&str> = Vec::new();
    let mut problems = Vec::new();
    for rule in rules(policy) {
        if seen.contains(&rule.name()) {
            let path = format!("{}.name", rule.path());
            problems.push(invalid(&path, rule.value, &format!("Duplicate rule name: '{}'", rule.name())));
        }
        seen.push(rule.name());
    }
    problems
}

fn operations(rule: Rule<'_>) -> Vec<Problem> {
    let (path, name) = (rule.path(), rule.name());
    let count = ["mutate", "validate", "generate", "verifyImages"].iter().filter(|body| rule.has(body)).count();
    let mut problems = Vec::new();
    match count {
        0 => {
            let words = format!(
                "No operation defined in the rule '{name}'.(supported operations: mutate,validate,generate,verifyImages)"
            );
            problems.push(invalid(&path, rule.value, &words));
        }
        1 => {}
        _ => {
            let words = format!(
                "Multiple operations defined in the rule '{name}', only one operation (mutate,validate,generate,verifyImages) is allowed per rule"
            );
            problems.push(invalid(&path, rule.value, &words));
        }
    }
    if rule.get(&["imageExtractors"]).is_some() && !rule.has("verifyImages") {
        let words =
            format!("Invalid rule spec for rule '{name}', imageExtractors can only be defined for verifyImages rule");
        problems.push(invalid(&format!("{path}.imageExtractors"), rule.value, &words));
    }
    problems
}

/// `ValidateMatchExcludeConflict`: everything that is matched is excluded again.
fn empty_set(rule: Rule<'_>) -> Option<Problem> {
    let nothing = Value::Null;
    let (matched, excluded) = (rule.value.get("match").unwrap_or(&nothing), rule.get(&["exclude"])?);
    if filled(excluded.get("all")) || filled(matched.get("all")) {
        return None;
    }
    let problem = || Some(invalid(&rule.path(), rule.value, EMPTY_SET));
    if filled(matched.get("any")) && filled(excluded.get("any")) {
        let same = items(matched.get("any")).any(|filter| items(excluded.get("any")).any(|other| filter == other));
        return if same { problem() } else { None };
    }
    if !filled(Some(excluded)) {
        return None;
    }
    // A list that only the exclude block has narrows it, and then something is left to match.
    let covers = |path: &[&str]| {
        let (wanted, out) = (strings(matched.at(path)), strings(excluded.at(path)));
        out.is_empty() || (!wanted.is_empty() && wanted.iter().all(|word| out.contains(word)))
    };
    let subjects = |block: &Value| items(block.get("subjects")).cloned().collect::<Vec<_>>();
    let (wanted, out) = (subjects(matched), subjects(excluded));
    let subjects_cover = out.is_empty() || (!wanted.is_empty() && wanted.iter().all(|subject| out.contains(subject)));
    if !covers(&["roles"]) || !covers(&["clusterRoles"]) || !subjects_cover {
        return None;
    }
    let name = excluded.str_at(&["resources", "name"]);
    if !name.is_empty() && !wildcard::matches(name, matched.str_at(&["resources", "name"])) {
        return None;
    }
    let excluded_names = strings(excluded.at(&["resources", "names"]));
    if !excluded_names.is_empty() {
        let names = strings(matched.at(&["resources", "names"]));
        let hit = names.iter().any(|name| excluded_names.iter().any(|pattern| wildcard::matches(pattern, name)));
        return if hit { problem() } else { None };
    }
    if !covers(&["resources", "namespaces"]) || !covers(&["resources", "kinds"]) {
        return None;
    }
    for selector in ["selector", "namespaceSelector"] {
        let of = |block: &'_ Value| block.at(&["resources", selector]).cloned();
        match (of(matched), of(excluded)) {
            (None, None) => {}
            (Some(wanted), Some(out)) if selector_covers(&wanted, &out) => {}
            _ => return None,
        }
    }
    let notes = |block: &'_ Value| block.at(&["resources", "annotations"]).cloned();
    if notes(matched) != notes(excluded) {
        return None;
    }
    problem()
}

fn selector_covers(wanted: &Value, out: &Value) -> bool {
    let expressions = |selector: &Value| items(selector.get("matchExpressions")).cloned().collect::<Vec<_>>();
    let (asked, lifted) = (expressions(wanted), expressions(out));
    if !lifted.is_empty() && (asked.is_empty() || !asked.iter().all(|expression| lifted.contains(expression))) {
        return false;
    }
    let Some(labels) = out.get("matchLabels").and_then(Value::as_object).filter(|labels| !labels.is_empty()) else {
        return true;
    };
    let asked = wanted.get("matchLabels").and_then(Value::as_object);
    asked.is_some_and(|asked| !asked.is_empty() && asked.iter().all(|(key, value)| labels.get(key) == Some(value)))
}

fn target_namespaces(policy: &Value, rule: Rule<'_>, namespaced: bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !namespaced {
        return problems;
    }
    for (index, target) in items(rule.get(&["mutate", "targets"])).enumerate() {
        let namespace = target.str_at(&["namespace"]);
        if !namespace.is_empty() && namespace != policy.namespace() {
            let words =
                "This field can be ignored or should have value of the namespace where the policy is being created";
            let path = format!("{}.targets[{index}].namespace", rule.path());
            problems.push(invalid(&path, &Value::from(namespace), words));
        }
    }
    problems
}

/// A rule without kinds (`validateMatchKindHelper`).
pub(super) fn no_kinds(rule: Rule<'_>) -> Option<Problem> {
    let block = rule.value.get("match");
    let filters = |list: &str| items(block.and_then(|block| block.get(list))).collect::<Vec<_>>();
    let (any, all) = (filters("any"), filters("all"));
    let empty = |filter: &&Value| !filled(filter.at(&["resources", "kinds"]));
    let missing = match (any.is_empty(), all.is_empty()) {
        (false, _) => any.iter().any(empty),
        (true, false) => all.iter().any(empty),
        (true, true) => block.is_none_or(|block| empty(&block)),
    };
    let path = format!("{}.match", rule.path());
    let words = if metadata_only(rule) {
        "at least one element must be specified in a kind block, the kind attribute is mandatory when working with the resources element"
    } else {
        METADATA_ONLY
    };
    missing.then(|| refused(&path, words))
}

/// Patterns and patches that touch nothing but `metadata` (`ruleOnlyDealsWithResourceMetaData`).
pub(super) fn metadata_only(rule: Rule<'_>) -> bool {
    let only = |value: Option<&Value>| {
        value.and_then(Value::as_object).is_none_or(|map| map.keys().all(|key| key == "metadata"))
    };
    only(rule.get(&["mutate", "patchStrategicMerge"]))
        && super::patches::paths(rule).iter().all(|path| path.starts_with("/metadata"))
        && only(rule.get(&["validate", "pattern"]))
        && items(rule.get(&["validate", "anyPattern"])).all(|pattern| only(Some(pattern)))
}
