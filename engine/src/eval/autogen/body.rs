//! The rule that is generated from one rule for Pods (`pkg/autogen/v1/rule.go`).

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::kinds::{contains_kind, full_name, kinds_of};
use crate::object::ObjectExt;
use crate::object::order;

/// Go's `[:63]`: bytes, cut back to a character boundary.
const MAX_NAME: usize = 63;

/// The controllers whose rules are wrapped once, in `spec.template`.
const TEMPLATE_CONTROLLERS: [&str; 6] =
    ["DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"];

/// How a rule is moved into a template.
struct Wrap<'a> {
    /// `template` or `jobTemplate`.
    key: &'a str,
    /// What `$(…)` references in messages get inserted.
    shift: &'a str,
    kinds: Vec<String>,
    /// Rewrite the kinds of every filter of `any` and `all`, not only of those that name Pods.
    all_filters: bool,
}

/// The rule for the controllers of a comma-separated list; `None` where the rule is not for Pods.
pub(super) fn for_controllers(rule: &Value, controllers: &str) -> Option<Value> {
    let name = rule.str_at(&["name"]);
    if super::is_autogen_name(name) || controllers.is_empty() {
        return None;
    }
    let match_kinds = block_kinds(rule.get("match"));
    let exclude_kinds = block_kinds(rule.get("exclude"));
    let excluded_others = !exclude_kinds.is_empty() && !contains_kind(exclude_kinds, "Pod");
    if !contains_kind(match_kinds, "Pod") || excluded_others {
        return None;
    }
    let mut kinds: Vec<&str> = if controllers == "all" {
        TEMPLATE_CONTROLLERS.to_vec()
    } else {
        let known: Vec<&str> = controllers.split(',').filter(|name| TEMPLATE_CONTROLLERS.contains(name)).collect();
        // A list of unknown names only is kept as it is.
        if known.is_empty() { controllers.split(',').collect() } else { known }
    };
    order::sort(&mut kinds);
    let kinds = kinds.into_iter().map(full_name).collect();
    let wrap = Wrap { key: "template", shift: "spec/template", kinds, all_filters: false };
    moved(rule, &format!("autogen-{name}"), &wrap)
}

/// The rule for CronJobs, made from the one for the other controllers.
pub(super) fn for_cron_job(rule: &Value, controllers: &str) -> Option<Value> {
    if !controllers.contains("CronJob") && !controllers.contains("all") {
        return None;
    }
    let inner = for_controllers(rule, controllers)?;
    let name = format!("autogen-cronjob-{}", rule.str_at(&["name"]));
    let kinds = vec![full_name("CronJob")];
    let wrap = Wrap { key: "jobTemplate", shift: "spec/jobTemplate/spec/template", kinds, all_filters: true };
    moved(&inner, &name, &wrap)
}

/// The fields that survive the round trip through Kyverno's own rule struct; `imageExtractors` do not.
pub(super) fn picked(rule: &Value) -> Value {
    const KEYS: [&str; 11] = [
        "name",
        "match",
        "exclude",
        "celPreconditions",
        "context",
        "preconditions",
        "mutate",
        "validate",
        "verifyImages",
        "skipBackgroundRequests",
        "reportProperties",
    ];
    let fields = KEYS.iter().filter_map(|key| Some(((*key).to_owned(), rule.get(*key)?.clone())));
    Value::Object(fields.filter(|(_, value)| !is_empty(value)).collect())
}

fn moved(rule: &Value, name: &str, wrap: &Wrap<'_>) -> Option<Value> {
    let mut rule = rule.clone();
    rule.set_at(&["name"], Value::String(truncated(name)));
    set_kinds(rule.get_mut("match")?, wrap, true);
    if let Some(exclude) = rule.get_mut("exclude").filter(|exclude| exclude.is_object()) {
        set_kinds(exclude, wrap, false);
    }
    if let Some(mutate) = rule.get("mutate").and_then(|mutate| moved_mutate(mutate, wrap)) {
        rule.set_at(&["mutate"], mutate);
        return Some(rule);
    }
    if let Some(validate) = rule.get("validate").and_then(|validate| moved_validate(validate, wrap)) {
        rule.set_at(&["validate"], validate);
        return Some(rule);
    }
    rule.get("verifyImages").is_some_and(Value::is_array).then_some(rule)
}

fn set_kinds(block: &mut Value, wrap: &Wrap<'_>, always: bool) {
    let kinds = json!(wrap.kinds);
    for list in ["any", "all"] {
        let Some(filters) = block.get_mut(list).and_then(Value::as_array_mut).filter(|list| !list.is_empty()) else {
            continue;
        };
        for filter in filters {
            if wrap.all_filters || contains_kind(kinds_of(filter), "Pod") {
                filter.set_at(&["resources", "kinds"], kinds.clone());
            }
        }
        return;
    }
    if always || kinds_of(block).next().is_some() {
        block.set_at(&["resources", "kinds"], kinds);
    }
}

/// A strategic merge patch is wrapped and loses everything beside it; of a `foreach` the list, context and preconditions
/// stay, while its order and nested lists are lost.
fn moved_mutate(mutate: &Value, wrap: &Wrap<'_>) -> Option<Value> {
    if let Some(patch) = present(mutate, "patchStrategicMerge") {
        return Some(json!({ "patchStrategicMerge": wrapped(patch.clone(), wrap) }));
    }
    let foreach = mutate.get("foreach")?.as_array().filter(|foreach| !foreach.is_empty())?;
    let foreach = foreach.iter().map(|item| {
        let kept = ["list", "context", "preconditions"].iter();
        let mut out: Map<String, Value> =
            kept.filter_map(|key| Some(((*key).to_owned(), item.get(*key)?.clone()))).collect();
        let patch = item.get("patchStrategicMerge").cloned().unwrap_or(Value::Null);
        out.insert("patchStrategicMerge".to_owned(), wrapped(patch, wrap));
        Value::Object(out)
    });
    Some(json!({ "foreach": foreach.collect::<Vec<_>>() }))
}

fn moved_validate(validate: &Value, wrap: &Wrap<'_>) -> Option<Value> {
    if let Some(pattern) = present(validate, "pattern") {
        return Some(validation(validate, wrap, "pattern", "pattern", wrapped(pattern.clone(), wrap)));
    }
    if let Some(deny) = present(validate, "deny") {
        return Some(validation(validate, wrap, "deny", "deny", deny.clone()));
    }
    if let Some(pod_security) = present(validate, "podSecurity") {
        return Some(validation(validate, wrap, "podSecurity", "podSecurity", pod_security.clone()));
    }
    if let Some(patterns) = present(validate, "anyPattern") {
        let patterns = patterns.as_array().into_iter().flatten().map(|pattern| wrapped(pattern.clone(), wrap));
        return Some(validation(validate, wrap, "anyPattern", "anyPattern", patterns.collect()));
    }
    if let Some(foreach) = validate.get("foreach").filter(|foreach| !is_empty(foreach)) {
        return Some(validation(validate, wrap, "pattern", "foreach", foreach.clone()));
    }
    present(validate, "cel").map(|_| validate.clone())
}

fn validation(validate: &Value, wrap: &Wrap<'_>, pivot: &str, key: &str, body: Value) -> Value {
    let mut out = Map::new();
    for key in ["failureAction", "failureActionOverrides", "allowExistingViolations"] {
        if let Some(value) = validate.get(key) {
            out.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(message) = validate.get("message").and_then(Value::as_str) {
        out.insert("message".to_owned(), Value::String(shifted_references(message, wrap.shift, pivot)));
    }
    out.insert(key.to_owned(), body);
    Value::Object(out)
}

/// Inserts `shift` behind `pivot` in each `$(…)` reference (`FindAndShiftReferences` of `pkg/engine/variables/vars.go`).
fn shifted_references(message: &str, shift: &str, pivot: &str) -> String {
    static REFERENCES: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^\$\(.[^\ ]*\)|[^\\]\$\(.[^\ ]*\)").ok());
    let Some(references) = REFERENCES.as_ref() else { return message.to_owned() };
    let mut out = message.to_owned();
    let mut pivot = pivot.to_owned();
    for found in references.find_iter(message) {
        let old = found.as_str();
        if pivot == "anyPattern"
            && let Some((_, rest)) = old.split_once("anyPattern/")
        {
            let index = rest.split('/').next().unwrap_or_default();
            pivot = format!("anyPattern/{index}");
        }
        let new = old.replace(&pivot, &format!("{pivot}/{shift}"));
        out = out.replacen(old, &new, 1);
    }
    out
}

fn wrapped(inner: Value, wrap: &Wrap<'_>) -> Value {
    let mut template = Map::new();
    template.insert(wrap.key.to_owned(), inner);
    json!({ "spec": template })
}

fn block_kinds(block: Option<&Value>) -> Vec<&str> {
    let Some(block) = block else { return Vec::new() };
    let lists = ["any", "all"].into_iter().filter_map(|key| block.get(key)?.as_array()).flatten();
    std::iter::once(block).chain(lists).flat_map(kinds_of).collect()
}

fn present<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|value| !value.is_null())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn truncated(name: &str) -> String {
    let mut end = name.len().min(MAX_NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.get(..end).unwrap_or(name).to_owned()
}
