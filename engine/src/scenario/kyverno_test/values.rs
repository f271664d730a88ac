//! Values of a test: variables per policy and resource, labels and objects of namespaces (`variables/variables.go`).

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::document::{NamedValues, ValuesSpec};
use crate::object::{ObjectExt, string_map};

impl ValuesSpec {
    /// Values for one policy and one resource; `request.operation` is always there.
    #[must_use]
    pub fn for_resource(&self, policy: &str, resource: &str) -> IndexMap<String, Value> {
        let mut values = self.global_values.clone().unwrap_or_default();
        let resources = self.policies.iter().filter(|entry| entry.name == policy).flat_map(|entry| &entry.resources);
        for entry in resources.filter(|entry| entry.name == resource) {
            values.extend(entry.values.clone().unwrap_or_default());
        }
        values.entry("request.operation".to_owned()).or_insert_with(|| json!("CREATE"));
        values
    }

    /// Values for a rule, its autogen variants included; of lists for `foreach` the first element.
    #[must_use]
    pub fn for_rule(&self, policy: &str, rule: &str) -> Vec<(String, Value)> {
        let named = |entry: &&NamedValues| {
            ["", "autogen-", "autogen-cronjob-"]
                .iter()
                .any(|prefix| rule.strip_prefix(prefix) == Some(entry.name.as_str()))
        };
        let mut rules = self.policies.iter().filter(|entry| entry.name == policy).flat_map(|entry| &entry.rules);
        let Some(entry) = rules.find(named) else { return Vec::new() };
        let plain = entry.values.iter().flatten().map(|(key, value)| (key.clone(), value.clone()));
        let lists = entry.foreach_values.iter().flatten();
        let firsts = lists.filter_map(|(key, items)| Some((key.clone(), items.first()?.clone())));
        plain.chain(firsts).collect()
    }

    /// The `request.operation` for policies evaluated with CEL.
    #[must_use]
    pub fn global_operation(&self) -> &str {
        self.global_values.as_ref().and_then(|values| values.get("request.operation")?.as_str()).unwrap_or("")
    }

    /// Labels of a namespace; Namespace objects win.
    #[must_use]
    pub fn namespace_labels(&self, name: &str) -> Option<BTreeMap<String, String>> {
        Some(self.namespace(name)?.labels())
    }

    /// The Namespace object of this name.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<Value> {
        if let Some(object) = self.namespaces.iter().find(|object| object.name() == name) {
            return Some(object.clone());
        }
        let entry = self.namespace_selector.iter().find(|entry| entry.name == name)?;
        let labels = entry.labels.clone().unwrap_or_default().into_iter().collect::<Map<String, Value>>();
        let labels = string_map(Some(&Value::Object(labels)));
        Some(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}))
    }
}

/// Splits a dotted key as Go's CSV reader does with `.` as the comma: quoted parts may hold dots.
#[must_use]
pub fn split_key(key: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut quoted = false;
    let mut chars = key.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                part.push('"');
                chars.next();
            }
            '"' if quoted => quoted = false,
            '"' if part.is_empty() => quoted = true,
            '.' if !quoted => parts.push(std::mem::take(&mut part)),
            c => part.push(c),
        }
    }
    parts.push(part);
    parts
}

/// Merges a value at a dotted key into a document: mappings merge, everything else overwrites.
pub fn merge_at(document: &mut Value, key: &str, value: &Value) {
    let nested = split_key(key).into_iter().rev().fold(value.clone(), |inner, part| json!({ part: inner }));
    merge(document, &nested);
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                match into.get_mut(key) {
                    Some(old) => merge(old, value),
                    None => {
                        into.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_split_at_dots_outside_quotes() {
        assert_eq!(split_key("request.object.x"), ["request", "object", "x"]);
        assert_eq!(split_key("metadata.labels.\"a.b/c\".d"), ["metadata", "labels", "a.b/c", "d"]);
    }

    #[test]
    fn mappings_merge_and_the_rest_overwrites() {
        let mut doc = json!({"request": {"object": {"metadata": {"name": "a"}, "x": [1]}}});
        merge_at(&mut doc, "request.object.metadata.namespace", &json!("n"));
        merge_at(&mut doc, "request.object", &json!({"x": [2]}));
        assert_eq!(doc, json!({"request": {"object": {"metadata": {"name": "a", "namespace": "n"}, "x": [2]}}}));
    }

    #[test]
    fn the_last_values_win_and_there_is_always_an_operation() {
        let spec: ValuesSpec = serde_json::from_value(json!({
            "globalValues": {"a": 1, "b": 1},
            "policies": [{"name": "p"}, {"name": "p", "resources": [{"name": "r", "values": {"b": 2}}],
                "rules": [{"name": "x", "values": {"k": "v"}, "foreachValues": {"e": [7, 8]}}]}],
            "namespaceSelector": [{"name": "n", "labels": {"l": "1"}}]
        }))
        .expect("decodes");
        let values = spec.for_resource("p", "r");
        assert_eq!(values.get("b"), Some(&json!(2)));
        assert_eq!(values.get("request.operation"), Some(&json!("CREATE")));
        assert_eq!(spec.for_rule("p", "autogen-x"), [("k".to_owned(), json!("v")), ("e".to_owned(), json!(7))]);
        assert_eq!(spec.namespace_labels("n").and_then(|labels| labels.get("l").cloned()).as_deref(), Some("1"));
        assert!(spec.namespace("other").is_none());
    }
}
