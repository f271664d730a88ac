//! Comparing a mutated or generated object with the manifest that a test expects.

use serde_json::{Map, Value, json};

use crate::object::ObjectExt;

/// How a comparison came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same.
    Same,
    /// The manifest is there, with other content; where they differ.
    Different(String),
    /// The manifest is not in the file.
    Missing(String),
}

/// Compares with the document of the same apiVersion, kind, namespace and name.
#[must_use]
pub fn compare(actual: &Value, expected: &[Value]) -> Comparison {
    let found = expected.iter().find(|doc| {
        doc.api_version() == actual.api_version()
            && doc.kind() == actual.kind()
            && doc.name() == actual.name()
            && doc.namespace() == actual.namespace()
    });
    let Some(expected) = found else {
        return Comparison::Missing(format!("resource with name {} not found in manifest", actual.name()));
    };
    let (actual, expected) = (comparable(actual), comparable(expected));
    match first_difference(&actual, &expected, String::new()) {
        None => Comparison::Same,
        Some(place) => Comparison::Different(place),
    }
}

fn comparable(object: &Value) -> Value {
    let mut object = object.clone();
    let mut labels = Map::new();
    labels.insert("app.kubernetes.io/managed-by".into(), json!("kyverno"));
    for (key, value) in object.labels() {
        if !key.starts_with("generate.kyverno.io/") {
            labels.insert(key, Value::String(value));
        }
    }
    object.set_at(&["metadata", "labels"], Value::Object(labels));
    tidy(object)
}

/// Drops nulls, empty mappings and empty lists, recursively; the root stays.
#[must_use]
pub fn tidy(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept: Map<String, Value> =
                map.into_iter().map(|(key, value)| (key, tidy(value))).filter(|(_, value)| !value.is_null()).collect();
            if kept.is_empty() { Value::Null } else { Value::Object(kept) }
        }
        Value::Array(items) => {
            let kept: Vec<Value> = items.into_iter().map(tidy).filter(|value| !value.is_null()).collect();
            if kept.is_empty() { Value::Null } else { Value::Array(kept) }
        }
        other => other,
    }
}

/// Where two values differ first, with both values; numbers are compared as floats.
#[must_use]
pub fn first_difference(actual: &Value, expected: &Value, place: String) -> Option<String> {
    match (actual, expected) {
        (Value::Object(a), Value::Object(e)) => {
            let keys = e.keys().chain(a.keys().filter(|key| !e.contains_key(*key)));
            keys.into_iter().find_map(|key| {
                let place = format!("{place}.{key}");
                match (a.get(key), e.get(key)) {
                    (Some(a), Some(e)) => first_difference(a, e, place),
                    (Some(a), None) => Some(format!("{place}: not expected, found {a}")),
                    (None, Some(e)) => Some(format!("{place}: expected {e}, not found")),
                    (None, None) => None,
                }
            })
        }
        (Value::Array(a), Value::Array(e)) if a.len() == e.len() => {
            a.iter().zip(e).enumerate().find_map(|(index, (a, e))| first_difference(a, e, format!("{place}[{index}]")))
        }
        (Value::Number(a), Value::Number(e)) if a.as_f64() == e.as_f64() => None,
        (a, e) if a == e => None,
        (a, e) => Some(format!("{place}: expected {e}, found {a}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empties_labels_and_number_types_do_not_matter() {
        let actual = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"generate.kyverno.io/x": "1"}},
            "spec": {"a": 1.0, "b": [], "c": null}});
        let expected = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"a": 1}});
        assert_eq!(compare(&actual, &[expected]), Comparison::Same);
    }

    #[test]
    fn differences_name_their_place() {
        let actual = json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"a": [1, 2]}});
        let expected = json!({"kind": "Pod", "metadata": {"name": "p"}, "spec": {"a": [1, 3]}});
        assert_eq!(compare(&actual, &[expected]), Comparison::Different(".spec.a[1]: expected 3, found 2".into()));
        assert!(matches!(compare(&actual, &[]), Comparison::Missing(_)));
    }
}
