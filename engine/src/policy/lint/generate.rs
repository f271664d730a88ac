//! `generate` (`Generation.Validate`, `GeneratePattern.Validate`, `ValidateCloneList`).

use serde_json::{Value, json};

use super::field::{forbidden, warning};
use super::matching::cluster_scoped;
use super::shape::{Rule, filled, items, strings, there};
use super::{Options, Problem, placeholders};
use crate::object::ObjectExt;

/// Where the policy lives and what the cluster knows.
struct Place<'a> {
    namespaced: bool,
    namespace: &'a str,
    options: &'a Options<'a>,
}

pub(super) fn check(policy: &Value, rule: Rule<'_>, namespaced: bool, options: &Options<'_>) -> Vec<Problem> {
    if !rule.has("generate") {
        return Vec::new();
    }
    let Some(generation) = rule.value.get("generate") else { return Vec::new() };
    let (path, place) = (rule.path(), Place { namespaced, namespace: policy.namespace(), options });
    let sources = [
        there(generation.get("data")).is_some(),
        filled(generation.get("clone")),
        there(generation.at(&["cloneList", "kinds"])).is_some(),
        there(generation.get("foreach")).is_some(),
    ];
    if sources.into_iter().filter(|there| *there).count() > 1 {
        let words = "only one of generate patterns(data, clone, cloneList and foreach) can be specified";
        return vec![forbidden(&path, words)];
    }
    match generation.get("foreach").and_then(Value::as_array) {
        Some(list) => {
            let each = list.iter().enumerate();
            each.flat_map(|(index, item)| pattern(item, &format!("{path}.foreach[{index}]"), &place)).collect()
        }
        None => pattern(generation, &path, &place),
    }
}

fn pattern(pattern: &Value, path: &str, place: &Place<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let (kind, api_version, namespace) = (pattern.kind(), pattern.api_version(), pattern.str_at(&["namespace"]));
    let full = format!("{api_version}/{kind}");
    let cluster_wide = cluster_scoped(place.options.catalog, &full);
    if place.namespaced
        && let Some(words) = foreign_target(pattern, &full, cluster_wide, place)
    {
        problems.push(forbidden(&format!("{path}.namespace"), &format!("target resource scope mismatched: {words} ")));
    }
    if !kind.is_empty() && !cluster_wide && namespace.is_empty() {
        let words = "target namespace must be set for a namespaced resource";
        // Without a cluster every kind counts as namespaced, as in Kyverno's command line.
        problems.push(forbidden(&format!("{path}.namespace"), words));
    }
    if !kind.is_empty() && cluster_wide && !namespace.is_empty() {
        let words = "target namespace must not be set for a cluster-wide resource";
        problems.push(forbidden(&format!("{path}.namespace"), words));
    }
    let identity = json!([kind, api_version, pattern.get("clone"), pattern.get("cloneList")]);
    if placeholders::has_any(&identity) {
        let at = format!("{path}.clone/cloneList");
        problems.push(warning(path, format!("variables in {at} would lead to incorrect synchronization behavior")));
    }
    if !filled(pattern.at(&["cloneList", "kinds"])) {
        for field in ["kind", "name", "apiVersion"] {
            if !filled(pattern.get(field)) {
                problems.push(forbidden(&format!("{path}.{field}"), &format!("{field} can not be empty")));
            }
        }
    }
    problems.extend(clone_list(pattern, path, place));
    problems
}

fn foreign_target(pattern: &Value, full: &str, cluster_wide: bool, place: &Place<'_>) -> Option<String> {
    if cluster_wide {
        return Some(format!("the target must be a namespaced resource: {full}"));
    }
    let (expected, received) = (place.namespace, pattern.str_at(&["namespace"]));
    if received != expected {
        return Some(format!(
            "a namespaced policy cannot generate resources in other namespaces, expected: {expected}, received: {received}"
        ));
    }
    let received = pattern.str_at(&["clone", "namespace"]);
    (filled(pattern.at(&["clone", "name"])) && received != expected).then(|| {
        format!("a namespaced policy cannot clone resources from other namespaces, expected: {expected}, received: {received}")
    })
}

fn clone_list(pattern: &Value, path: &str, place: &Place<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let kinds = strings(pattern.at(&["cloneList", "kinds"]));
    let Some(first) = kinds.first() else { return problems };
    let (namespace, expected) = (pattern.str_at(&["cloneList", "namespace"]), place.namespace);
    let (kinds_path, namespace_path) = (format!("{path}.cloneList.kinds"), format!("{path}.cloneList.namespace"));
    let cluster_wide = |kind: &str| cluster_scoped(place.options.catalog, kind);
    if place.namespaced {
        for kind in &kinds {
            if cluster_wide(kind) {
                let words = format!("the source in cloneList must be a namespaced resource: {kind}");
                problems.push(forbidden(&kinds_path, &words));
            }
            if namespace != expected {
                let words = format!(
                    "a namespaced policy cannot clone resources from other namespace, expected: {expected}, received: {namespace}"
                );
                problems.push(forbidden(&namespace_path, &words));
            }
        }
    }
    let scope = cluster_wide(first);
    if kinds.iter().any(|kind| cluster_wide(kind) != scope) {
        problems.push(forbidden(&kinds_path, "mixed scope of target resources is forbidden"));
    }
    if !scope && namespace.is_empty() {
        problems.push(forbidden(&namespace_path, "namespace is required for namespaced target resources"));
    }
    if scope && !place.namespaced && !namespace.is_empty() {
        problems.push(forbidden(&namespace_path, "namespace is forbidden for cluster-wide target resources"));
    }
    problems
}

/// A clone list that a rule or an element of its `foreach` has.
pub(super) fn clone_selectors(rule: Rule<'_>) -> impl Iterator<Item = &Value> {
    there(rule.value.at(&["generate", "cloneList", "selector"])).into_iter().chain(
        items(rule.value.at(&["generate", "foreach"])).filter_map(|item| there(item.at(&["cloneList", "selector"]))),
    )
}
