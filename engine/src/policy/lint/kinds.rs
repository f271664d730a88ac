//! The kinds of `match` and `exclude`: wildcards, unknown kinds, subresources (`validateKinds`).

use serde_json::Value;

use super::field::{refused, warning};
use super::rules::metadata_only;
use super::shape::{Rule, filled, items, strings, there, unless_false};
use super::{Options, Problem};
use crate::object::ObjectExt;
use crate::object::catalog::Catalog;
use crate::object::gvk::{Gvk, KindSelector};
use crate::object::wildcard;

const METADATA_ONLY: &str =
    "policy can only deal with the metadata field of the resource if the rule does not match any kind";

pub(super) fn check(rule: Rule<'_>, policy: &Value, options: &Options<'_>) -> Option<Problem> {
    let background = unless_false(policy.at(&["spec", "background"]));
    for block in ["match", "exclude"] {
        let Some(found) = there(rule.value.get(block)) else { continue };
        for list in ["any", "all"] {
            for (index, filter) in items(found.get(list)).enumerate() {
                let path = format!("{}.{block}.{list}[{index}].kinds", rule.path());
                let kinds = strings(filter.at(&["resources", "kinds"]));
                if let Some(problem) = check_list(&kinds, &path, rule, background, options) {
                    return Some(problem);
                }
            }
        }
        let path = format!("{}.{block}.kinds", rule.path());
        let kinds = strings(found.at(&["resources", "kinds"]));
        if let Some(problem) = check_list(&kinds, &path, rule, background, options) {
            return Some(problem);
        }
    }
    None
}

fn check_list(kinds: &[&str], path: &str, rule: Rule<'_>, background: bool, options: &Options<'_>) -> Option<Problem> {
    let refuse = |words: &str| Some(refused(path, &format!("path: {path}: {words}")));
    if kinds.contains(&"*") {
        return wildcard_kind(kinds, rule, background).and_then(refuse);
    }
    let catalog = options.catalog?;
    for kind in kinds {
        let found = resolve(catalog, &KindSelector::parse(kind));
        if found.is_empty() {
            let words = format!(
                "the kind defined in the all match resource is invalid: unable to convert GVK to GVR for kinds {kind}, err: resource not found"
            );
            return Some(warning(path, words));
        }
        if rule.has("validate") && background && found.iter().any(|subresource| !subresource.is_empty()) {
            return refuse(&format!("background scan enabled with subresource {kind}"));
        }
    }
    None
}

fn wildcard_kind(kinds: &[&str], rule: Rule<'_>, background: bool) -> Option<&'static str> {
    if background {
        return Some(
            "wildcard policy not allowed in background mode. Set spec.background=false to disable background mode for this policy rule ",
        );
    }
    if kinds.len() > 1 {
        return Some("wildcard policy can not deal with more than one kind");
    }
    let foreach = rule.get(&["validate", "foreach"]).is_some();
    if rule.has("generate") || rule.has("verifyImages") || foreach {
        return Some("wildcard policy does not support rule type");
    }
    let patterns = filled(rule.get(&["validate", "pattern"])) || filled(rule.get(&["validate", "anyPattern"]));
    if ((rule.has("validate") && patterns) || rule.has("mutate")) && !metadata_only(rule) {
        return Some(METADATA_ONLY);
    }
    let allowed = regex::Regex::new(r"\{\{\s*(request\.|serviceAccountName|serviceAccountNamespace)[^{}]*\}\}").ok()?;
    let beyond = |key: &str| {
        !key.contains("request.object.metadata.") && (!allowed.is_match(key) || key.contains("request.object.spec"))
    };
    let conditions = rule.get(&["validate", "deny", "conditions"]).and_then(Value::as_array).into_iter().flatten();
    conditions.filter_map(|condition| condition.get("key")?.as_str()).any(beyond).then_some(METADATA_ONLY)
}

/// The subresources (`""` for the object itself) that a selector finds in the cluster (`findResources`).
fn resolve<'a>(catalog: &'a Catalog, selector: &KindSelector) -> Vec<&'a str> {
    let mut found = Vec::new();
    for resource in catalog.iter() {
        let served = resource.versions.iter().any(|version| {
            let gvk = Gvk { group: resource.group.clone(), version: version.clone(), kind: resource.kind.clone() };
            selector.matches_kind(&gvk)
        });
        if !served {
            continue;
        }
        if selector.subresource.is_empty() || (selector.kind == "*" && selector.subresource == "*") {
            found.push("");
        }
        let subresources = resource.subresources.iter().map(String::as_str);
        found.extend(subresources.filter(|name| wildcard::matches(&selector.subresource, name)));
    }
    found
}
