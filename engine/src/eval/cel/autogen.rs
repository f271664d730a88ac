//! CEL autogen: a policy for Pods made into policies for pod controllers (`pkg/cel/autogen`).

use serde_json::{Value, json};

use crate::object::gofmt::marshal;
use crate::object::order;
use crate::policy::MatchCondition;
use crate::policy::constraints::{Autogen, MatchResources};

/// A pod controller: resource name, group, which replacement it takes.
const CONTROLLERS: [(&str, &str, &str); 6] = [
    ("daemonsets", "apps", "defaults"),
    ("deployments", "apps", "defaults"),
    ("replicasets", "apps", "defaults"),
    ("statefulsets", "apps", "defaults"),
    ("jobs", "batch", "defaults"),
    ("cronjobs", "batch", "cronjobs"),
];

/// Whether a policy with these constraints also holds for pod controllers: it must be for Pods and nothing else.
#[must_use]
pub fn eligible(constraints: Option<&MatchResources>) -> bool {
    let Some(constraints) = constraints else { return false };
    let selects = constraints.object_selector.as_ref().is_some_and(|selector| {
        let filled = |key: &str| match selector.get(key) {
            Some(Value::Object(labels)) => !labels.is_empty(),
            Some(Value::Array(expressions)) => !expressions.is_empty(),
            _ => false,
        };
        filled("matchLabels") || filled("matchExpressions")
    });
    let [rule] = constraints.resource_rules.as_slice() else { return false };
    !selects
        && constraints.exclude_resource_rules.is_empty()
        && rule.resource_names.is_empty()
        && rule.api_groups == [""]
        && rule.api_versions == ["v1"]
        && rule.resources == ["pods"]
}

/// The variants that are to be made, `defaults` and `cronjobs`, each with its match constraints.
#[must_use]
pub fn variants(constraints: Option<&MatchResources>, autogen: Option<&Autogen>) -> Vec<(&'static str, Value)> {
    let Some(constraints) = constraints.filter(|constraints| eligible(Some(constraints))) else { return Vec::new() };
    let chosen = autogen.and_then(|autogen| autogen.pod_controllers.as_ref()?.controllers.as_ref());
    let wanted = |name: &str| chosen.is_none_or(|chosen| chosen.iter().any(|chosen| chosen == name));
    let operations = constraints.resource_rules.first().map(|rule| rule.operations.clone()).unwrap_or_default();
    let mut found = Vec::new();
    for variant in ["cronjobs", "defaults"] {
        let mut rules = Vec::new();
        for group in ["apps", "batch"] {
            let resources: Vec<&str> = CONTROLLERS
                .iter()
                .filter(|(name, of, kind)| *of == group && *kind == variant && wanted(name))
                .map(|(name, ..)| *name)
                .collect();
            if !resources.is_empty() {
                rules.push(json!({
                    "apiGroups": [group], "apiVersions": ["v1"], "resources": resources, "operations": operations,
                }));
            }
        }
        if rules.is_empty() || operations.is_empty() {
            continue;
        }
        let mut made = json!({"resourceRules": rules});
        if let (Some(selector), Value::Object(made)) = (&constraints.namespace_selector, &mut made) {
            made.insert("namespaceSelector".to_owned(), selector.clone());
        }
        found.push((variant, made));
    }
    found
}

/// What a variant is for, of its match constraints: group, resource name and kind, ordered.
#[must_use]
pub fn targets(constraints: &Value) -> Vec<(String, String, &'static str)> {
    let rules = constraints.get("resourceRules").and_then(Value::as_array).into_iter().flatten();
    let mut found = Vec::new();
    for rule in rules {
        let group = rule.pointer("/apiGroups/0").and_then(Value::as_str).unwrap_or("");
        let names = rule.get("resources").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        found.extend(names.map(|name| (group.to_owned(), name.to_owned(), kind_of(name))));
    }
    found
}

fn kind_of(resource: &str) -> &'static str {
    match resource {
        "daemonsets" => "DaemonSet",
        "deployments" => "Deployment",
        "replicasets" => "ReplicaSet",
        "statefulsets" => "StatefulSet",
        "jobs" => "Job",
        _ => "CronJob",
    }
}

/// The match conditions of a webhook for what a variant is for: each holds for all other kinds
/// (`pkg/cel/autogen/match.go`).
#[must_use]
pub fn webhook_conditions(variant: &str, kinds: &[(&str, &str)], conditions: &[MatchCondition]) -> Vec<MatchCondition> {
    let mut each: Vec<String> = kinds
        .iter()
        .map(|(api_version, kind)| format!("(object.apiVersion == '{api_version}' && object.kind =='{kind}')"))
        .collect();
    order::sort(&mut each);
    let kinds = each.join(" || ");
    let prefix = if variant.is_empty() { "autogen".to_owned() } else { format!("autogen-{variant}") };
    let guarded = |condition: &MatchCondition| MatchCondition {
        name: format!("{prefix}-{}", condition.name),
        expression: format!("!({kinds}) || ({})", condition.expression),
    };
    conditions.iter().map(guarded).collect()
}

/// A spec for a variant: every `object.spec`, `object.metadata`, `oldObject.spec` and `oldObject.metadata` anywhere in
/// it (messages and names too) points into the pod template, but for what is followed by `.namespace`.
#[must_use]
pub fn rewrite(spec: &Value, variant: &str, constraints: &Value) -> Value {
    let mut spec = spec.clone();
    if let Value::Object(spec) = &mut spec {
        spec.insert("matchConstraints".to_owned(), constraints.clone());
    }
    let template = if variant == "cronjobs" { "spec.jobTemplate.spec.template" } else { "spec.template" };
    let mut text = marshal(&spec);
    for field in ["spec", "metadata"] {
        for root in ["object", "oldObject"] {
            text = replace(&text, &format!("{root}.{field}"), &format!("{root}.{template}.{field}"));
        }
    }
    serde_json::from_str(&text).unwrap_or(spec)
}

/// A condition for a variant, rewritten as [`rewrite`] does.
#[must_use]
pub fn rewrite_condition(expression: &str, variant: &str) -> String {
    let spec = rewrite(&json!({"expression": expression}), variant, &Value::Null);
    spec.get("expression").and_then(Value::as_str).unwrap_or(expression).to_owned()
}

fn replace(text: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(from) {
        out.push_str(before);
        let kept = after
            .strip_prefix(".namespace")
            .is_some_and(|next| !next.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
        out.push_str(if kept { from } else { to });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// An expression of a mutating policy for a variant: paths into the pod template, and the outer `Object{…}` wrapped.
#[must_use]
pub fn rewrite_mutation(expression: &str, variant: &str) -> String {
    let template = if variant == "cronjobs" { "spec.jobTemplate.spec.template" } else { "spec.template" };
    let mut text = expression.to_owned();
    for (path, to) in [
        ("spec", format!("{template}.spec")),
        ("metadata.labels", format!("{template}.metadata.labels")),
        ("metadata.annotations", format!("{template}.metadata.annotations")),
    ] {
        let pattern = format!(r"\b(object|oldObject|Object)\.{}", path.replace('.', r"\."));
        if let Ok(regex) = crate::expr::cel::lib::compile_regex(&pattern) {
            text = regex.replace_all(&text, format!("${{1}}.{to}")).into_owned();
        }
    }
    wrap(&text, variant).unwrap_or(text)
}

/// `Object{…}` → `Object{spec: Object.spec{template: Object.spec.template{…}}}`.
fn wrap(text: &str, variant: &str) -> Option<String> {
    let content = text.trim().strip_prefix("Object")?.trim_start().strip_prefix('{')?;
    let mut open = 1_usize;
    // Braces inside of strings count too, as they do in Kyverno.
    let end = content.char_indices().find_map(|(at, c)| {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        (open == 0).then_some(at)
    })?;
    let (inner, rest) = content.split_at_checked(end).filter(|(inner, _)| !inner.is_empty())?;
    let rest = rest.strip_prefix('}')?;
    let (before, after) = match variant {
        "cronjobs" => (
            "Object{spec: Object.spec{jobTemplate: Object.spec.jobTemplate{spec: Object.spec.jobTemplate.spec{template: \
             Object.spec.jobTemplate.spec.template{",
            "}}}}}",
        ),
        _ => ("Object{spec: Object.spec{template: Object.spec.template{", "}}}"),
    };
    Some(format!("{before}{inner}{after}{rest}"))
}
