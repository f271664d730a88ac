//! `match` and `exclude` blocks (`MatchResources.Validate`, `ResourceDescription.Validate`, `UserInfo.Validate`).

use serde_json::Value;

use super::field::{forbidden, invalid, required};
use super::shape::{filled, items, strings, there};
use super::{Options, Problem};
use crate::object::ObjectExt;
use crate::object::catalog::Catalog;
use crate::object::gvk::Gvk;
use crate::object::selector::LabelSelector;
use crate::object::wildcard;

/// A whole block.
pub(super) fn block(block: &Value, path: &str, namespaced: bool, options: &Options<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if filled(block.get("any")) && filled(block.get("all")) {
        problems.push(invalid(path, block, "Can't specify any and all together"));
    }
    for list in ["any", "all"] {
        for (index, filter) in items(block.get(list)).enumerate() {
            let at = format!("{path}.{list}[{index}]");
            problems.extend(users(filter, &at));
            problems.extend(resources(filter.get("resources"), &at, namespaced, options));
        }
    }
    problems.extend(users(block, path));
    problems.extend(resources(block.get("resources"), path, namespaced, options));
    problems
}

/// Subjects and roles of a filter.
pub(super) fn users(filter: &Value, path: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, subject) in items(filter.get("subjects")).enumerate() {
        let at = format!("{path}.subjects[{index}]");
        let kind = subject.kind();
        match kind {
            "" => problems.push(required(&format!("{at}.kind"), "")),
            "User" | "Group" | "ServiceAccount" => {}
            _ => problems.push(invalid(
                &format!("{at}.kind"),
                &Value::from(kind),
                "kind must be 'User', 'Group', or 'ServiceAccount'",
            )),
        }
        if subject.str_at(&["name"]).is_empty() {
            problems.push(required(&format!("{at}.name"), ""));
        }
        if kind == "ServiceAccount" && subject.str_at(&["namespace"]).is_empty() {
            problems.push(required(&format!("{at}.namespace"), "namespace is required when Kind is ServiceAccount"));
        }
    }
    for (index, role) in strings(filter.get("roles")).into_iter().enumerate() {
        if role.split(':').count() != 2 {
            let at = format!("{path}.roles[{index}]");
            problems.push(invalid(&at, &Value::from(role), "Role is expected to be in namespace:name format"));
        }
    }
    problems
}

/// A block must not ask who the user is (`ValidateNoUserInfo`).
pub(super) fn no_users(block: &Value, path: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for list in ["any", "all"] {
        for (index, filter) in items(block.get(list)).enumerate() {
            for field in ["roles", "clusterRoles", "subjects"] {
                if filled(filter.get(field)) {
                    let at = format!("{path}.{list}[{index}].{field}");
                    problems.push(forbidden(&at, "Usage of user info is forbidden"));
                }
            }
        }
    }
    problems
}

fn resources(found: Option<&Value>, path: &str, namespaced: bool, options: &Options<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let Some(found) = there(found) else { return problems };
    if filled(found.get("name")) && filled(found.get("names")) {
        problems.push(invalid(path, found, "Both name and names can not be specified together"));
    }
    if let Some(selector) = there(found.get("selector"))
        && !has_wildcard(selector)
    {
        let at = format!("{path}.selector");
        match LabelSelector::from_value(selector) {
            Err(words) => problems.push(invalid(&at, selector, &words)),
            Ok(parsed) if parsed.requirements().is_empty() => {
                problems.push(invalid(&at, selector, "The requirements are not specified in selector"));
            }
            Ok(_) => {}
        }
    }
    if namespaced {
        if filled(found.get("namespaces")) {
            let words = "Filtering namespaces not allowed in namespaced policies";
            problems.push(forbidden(&format!("{path}.namespaces"), words));
        }
        for (index, kind) in strings(found.get("kinds")).into_iter().enumerate() {
            if cluster_scoped(options.catalog, kind) {
                let words = format!("Cluster wide resource '{kind}' not allowed in namespaced policy");
                problems.push(forbidden(&format!("{path}.kinds[{index}]"), &words));
            }
        }
    }
    problems
}

fn has_wildcard(selector: &Value) -> bool {
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    labels
        .into_iter()
        .any(|(key, value)| wildcard::contains_wildcard(key) || value.as_str().is_some_and(wildcard::contains_wildcard))
}

/// Whether `Kind`, `v1/Kind` or `group/version/Kind` is a known kind without namespaces; false without a cluster.
pub(super) fn cluster_scoped(catalog: Option<&Catalog>, kind: &str) -> bool {
    let Some(catalog) = catalog else { return false };
    match kind.rsplit_once('/') {
        Some((api_version, kind)) => catalog.is_namespaced(&Gvk::new(api_version, kind)) == Some(false),
        None => catalog.kind_named(kind).is_some_and(|resource| !resource.namespaced),
    }
}
