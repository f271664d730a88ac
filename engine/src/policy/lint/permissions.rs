//! What Kyverno's service accounts must be allowed for a policy to work (`pkg/policy/{generate,mutate,validate}`,
//! `pkg/policy/auth`, `pkg/validation/cleanuppolicy`): generating, changing and deleting is refused without it, missing
//! rights of the reports controller are a warning.

use serde_json::Value;

use super::field::{refused, warning};
use super::shape::{Rule, filled, items, kinds_of, strings};
use super::{Options, Problem};
use crate::object::ObjectExt;
use crate::object::access::Access;
use crate::object::gvk::{Gvk, KindSelector};
use crate::object::wildcard::contains_wildcard;
use crate::policy::service_accounts::{ADMISSION_USER, BACKGROUND_USER, CLEANUP_USER, REPORTS_USER};

/// Whether a user may do something.
pub type Permitted<'a> = dyn Fn(&str, &Access<'_>) -> bool + 'a;

/// What a policy names: a kind in a namespace, perhaps one object.
struct Target<'a> {
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
}

/// A rule that Kyverno's service accounts could not carry out.
pub(super) fn refusal(rule: Rule<'_>, options: &Options<'_>) -> Option<Problem> {
    mutate(rule, options).or_else(|| generate(rule, options))
}

fn mutate(rule: Rule<'_>, options: &Options<'_>) -> Option<Problem> {
    if !rule.has("mutate") || filled(rule.get(&["mutate", "foreach"])) {
        return None;
    }
    let mut missing = Vec::new();
    for target in items(rule.get(&["mutate", "targets"])).filter(|target| !has_variable(target.kind())) {
        let selector = KindSelector::parse(target.kind());
        let slash = if selector.subresource.is_empty() { "" } else { "/" };
        let kind = format!("{}/{}{slash}{}", target.api_version(), selector.kind, selector.subresource);
        let target = Target { kind: &kind, namespace: target.str_at(&["namespace"]), name: target.str_at(&["name"]) };
        missing.extend(lacks(BACKGROUND_USER, &["get", "update"], &target, options));
    }
    let path = format!("{}.mutate.targets", rule.path());
    (!missing.is_empty()).then(|| {
        let words = format!(
            "path: {path}.: auth check fails, additional privileges are required for the service account '{BACKGROUND_USER}': {}",
            missing.join("; ")
        );
        refused(&path, &words)
    })
}

fn generate(rule: Rule<'_>, options: &Options<'_>) -> Option<Problem> {
    if !rule.has("generate") {
        return None;
    }
    let path = format!("{}.generate", rule.path());
    let synchronize = rule.get(&["generate", "synchronize"]).and_then(Value::as_bool).unwrap_or(false);
    let (reads, writes): (&[&str], &[&str]) = if synchronize {
        (&["list", "get"], &["get", "create", "update", "delete"])
    } else {
        (&[], &["get", "create"])
    };
    let foreach = rule.get(&["generate", "foreach"]).filter(|list| filled(Some(list)));
    let patterns: Vec<&Value> = match foreach {
        Some(list) => items(Some(list)).collect(),
        None => rule.value.get("generate").into_iter().collect(),
    };
    let word = if foreach.is_some() { "foreach" } else { "" };
    for (user, verbs) in [(ADMISSION_USER, reads), (BACKGROUND_USER, writes)] {
        for pattern in &patterns {
            // Of a clone list only the first kind is asked about.
            let listed = strings(pattern.at(&["cloneList", "kinds"])).first().map(|kind| (*kind).to_owned());
            let kind = listed.unwrap_or_else(|| format!("{}/{}", pattern.api_version(), pattern.kind()));
            if has_variable(&kind) {
                continue;
            }
            let target = Target { kind: &kind, namespace: pattern.str_at(&["namespace"]), name: "" };
            if let Some(words) = lacks(user, verbs, &target, options) {
                return Some(refused(&path, &format!("path: {path}.{word}.: {words}")));
            }
        }
    }
    None
}

/// Kinds that the reports controller cannot read.
pub(super) fn reporting(rule: Rule<'_>, options: &Options<'_>) -> Vec<Problem> {
    let changes = rule.has("mutate") && !filled(rule.get(&["mutate", "foreach"]));
    if !changes && !rule.has("validate") && !rule.has("generate") {
        return Vec::new();
    }
    let path = format!("{}.match", rule.path());
    let kinds = kinds_of(rule.value.get("match"));
    let known = kinds.iter().take_while(|kind| !contains_wildcard(kind));
    let missing =
        known.filter_map(|kind| lacks(REPORTS_USER, &["get", "list", "watch"], &Target::anywhere(kind), options));
    let most = if rule.has("validate") { 1 } else { usize::MAX };
    missing.take(most).map(|words| warning(&path, words)).collect()
}

/// Kinds that the cleanup controller must not delete or list.
pub(super) fn cleanup(policy: &Value, options: &Options<'_>) -> Option<Problem> {
    let block = policy.at(&["spec", "match"])?;
    let filters = ["any", "all"].into_iter().flat_map(|list| items(block.get(list)));
    for filter in filters {
        let mut names = strings(filter.at(&["resources", "names"]));
        if names.is_empty() {
            names.push("");
        }
        for kind in strings(filter.at(&["resources", "kinds"])) {
            for name in &names {
                let target = Target { kind, namespace: policy.namespace(), name };
                for verb in ["delete", "list"] {
                    if lacks(CLEANUP_USER, &[verb], &target, options).is_some() {
                        let words = format!("cleanup controller has no permission to {verb} kind {kind}");
                        return Some(refused("spec.match", &words));
                    }
                }
            }
        }
    }
    None
}

impl<'a> Target<'a> {
    fn anywhere(kind: &'a str) -> Self {
        Self { kind, namespace: "", name: "" }
    }
}

/// The verbs that a user lacks for a target, in Kyverno's words; `None` for kinds that the cluster does not know.
fn lacks(user: &str, verbs: &[&str], target: &Target<'_>, options: &Options<'_>) -> Option<String> {
    let (may, catalog) = (options.permitted?, options.catalog?);
    let selector = KindSelector::parse(target.kind);
    let found = catalog.iter().find(|known| {
        known.versions.iter().any(|version| {
            let gvk = Gvk { group: known.group.clone(), version: version.clone(), kind: known.kind.clone() };
            selector.matches_kind(&gvk)
        })
    })?;
    let access = |verb| Access {
        verb,
        group: &found.group,
        resource: &found.plural,
        subresource: &selector.subresource,
        namespace: target.namespace,
        name: target.name,
    };
    let missing: Vec<&str> = verbs.iter().copied().filter(|verb| !may(user, &access(verb))).collect();
    if missing.is_empty() {
        return None;
    }
    let place = if target.namespace.is_empty() { String::new() } else { format!(" in namespace {}", target.namespace) };
    Some(format!("{user} requires permissions {} for resource {}{place}", missing.join(","), target.kind))
}

fn has_variable(text: &str) -> bool {
    text.contains("{{") && text.contains("}}")
}
