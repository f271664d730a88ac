//! `validationFailureActionOverrides`: a namespace with two actions (`validateNamespaces`).

use std::collections::BTreeSet;

use serde_json::Value;

use super::Problem;
use super::field::refused;
use super::shape::{items, rules, strings};
use crate::object::ObjectExt;
use crate::object::order;
use crate::object::wildcard;

/// Overrides of a cluster policy, those of its rules first.
pub(super) fn check(policy: &Value) -> Option<Problem> {
    for rule in rules(policy).filter(|rule| rule.has("validate")) {
        let path = format!("{}.validate.validationFailureActionOverrides", rule.path());
        if let Some(problem) = list(rule.get(&["validate", "failureActionOverrides"]), &path) {
            return Some(problem);
        }
    }
    list(policy.at(&["spec", "validationFailureActionOverrides"]), "spec.validationFailureActionOverrides")
}

/// Namespaces and patterns that got an action so far.
#[derive(Default)]
struct Seen<'a> {
    names: BTreeSet<&'a str>,
    patterns: BTreeSet<&'a str>,
}

fn list(overrides: Option<&Value>, path: &str) -> Option<Problem> {
    let (mut enforce, mut audit) = (Seen::default(), Seen::default());
    for (index, item) in items(overrides).enumerate() {
        let at = format!("{path}[{index}].namespaces");
        let enforced = match item.str_at(&["action"]) {
            "enforce" | "Enforce" => true,
            "audit" | "Audit" => false,
            _ => return Some(refused(path, "invalid action")),
        };
        let namespaces = strings(item.get("namespaces"));
        let (patterns, names): (Vec<&str>, Vec<&str>) =
            namespaces.into_iter().partition(|name| wildcard::contains_wildcard(name));
        let (mine, other) = if enforced { (&mut enforce, &audit) } else { (&mut audit, &enforce) };
        let both: BTreeSet<&str> = order::set(names.iter().copied().filter(|name| other.names.contains(name)));
        if !both.is_empty() {
            let both = both.into_iter().collect::<Vec<_>>().join(", ");
            return Some(refused(&at, &format!("conflicting namespaces found in path: {at}: {both}")));
        }
        mine.names.extend(names);
        mine.patterns.extend(patterns);
        if let Some(words) = conflict(&enforce, &audit) {
            return Some(refused(&at, &format!("path: {at}: {words}")));
        }
    }
    None
}

fn conflict(enforce: &Seen<'_>, audit: &Seen<'_>) -> Option<String> {
    let hit = |patterns: &BTreeSet<&str>, names: &BTreeSet<&str>| {
        let pairs = names.iter().flat_map(|name| patterns.iter().map(move |pattern| (*pattern, *name)));
        pairs
            .into_iter()
            .find(|(pattern, name)| wildcard::matches(pattern, name))
            .map(|(p, n)| (p.to_owned(), n.to_owned()))
    };
    let name =
        |(pattern, name): (String, String)| format!("wildcard pattern '{pattern}' matches with namespace '{name}'");
    let both = |(one, two): (String, String)| format!("wildcard pattern '{one}' conflicts with the pattern '{two}'");
    hit(&audit.patterns, &enforce.names)
        .map(name)
        .or_else(|| hit(&enforce.patterns, &audit.names).map(name))
        .or_else(|| hit(&audit.patterns, &enforce.patterns).map(both))
        .or_else(|| hit(&enforce.patterns, &audit.patterns).map(both))
}
