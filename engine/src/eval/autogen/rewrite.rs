//! The text replacement that moves variables and expressions of a rule from the Pod into the pod template (`updateFields`).

use serde_json::{Map, Value};

/// Which template the rule is moved into.
#[derive(Clone, Copy)]
pub(super) enum Template {
    /// `spec.template`.
    Pod,
    /// `spec.jobTemplate.spec.template`.
    CronJob,
}

/// Rewrites every string and key of a rule. CEL rules name `object` and `oldObject`, others `request.object` and so on.
///
/// The replacement is textual and also hits messages, names and literals; Kyverno's works on the JSON text of the rule.
pub(super) fn rewrite(rule: Value, template: Template) -> Value {
    let cel = rule.pointer("/validate/cel").is_some_and(|cel| !cel.is_null());
    let path = match template {
        Template::Pod => "spec.template",
        Template::CronJob => "spec.jobTemplate.spec.template",
    };
    let mut pairs = Vec::with_capacity(4);
    for field in ["spec", "metadata"] {
        for root in ["object", "oldObject"] {
            let root = if cel { root.to_owned() } else { format!("request.{root}") };
            pairs.push((format!("{root}.{field}"), format!("{root}.{path}.{field}")));
        }
    }
    walk(rule, &pairs)
}

fn walk(value: Value, pairs: &[(String, String)]) -> Value {
    match value {
        Value::String(text) => Value::String(replace(text, pairs)),
        Value::Array(items) => items.into_iter().map(|item| walk(item, pairs)).collect(),
        Value::Object(map) => {
            let entries = map.into_iter().map(|(key, value)| (replace(key, pairs), walk(value, pairs)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        other => other,
    }
}

fn replace(text: String, pairs: &[(String, String)]) -> String {
    pairs.iter().fold(text, |text, (from, to)| if text.contains(from) { text.replace(from, to) } else { text })
}
