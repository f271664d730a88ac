//! Wildcards in the keys of `metadata.labels` and `metadata.annotations` of a pattern.
//!
//! Follows `ExpandInMetadata` of `pkg/engine/wildcards/wildcards.go`. Where a resource has several keys that fit, Go takes any; here it is
//! the first in order.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::anchors;
use crate::object::string_map;
use crate::object::wildcard;

/// The pattern with such keys replaced by the keys that the resource has. Anchors around them are kept.
///
/// Values of such a map that are no strings are dropped, whether or not a key has a wildcard.
#[must_use]
pub fn expand<'p>(pattern: &'p Map<String, Value>, resource: &Map<String, Value>) -> Cow<'p, Map<String, Value>> {
    let Some((metadata_key, Value::Object(wanted))) = tagged("metadata", pattern) else {
        return Cow::Borrowed(pattern);
    };
    let Some(Value::Object(found)) = resource.get("metadata") else { return Cow::Borrowed(pattern) };
    let expanded: Vec<_> =
        ["labels", "annotations"].into_iter().filter_map(|tag| expand_tag(tag, wanted, found)).collect();
    if expanded.is_empty() {
        return Cow::Borrowed(pattern);
    }
    let mut metadata = wanted.clone();
    metadata.extend(expanded);
    let mut pattern = pattern.clone();
    pattern.insert(metadata_key.to_owned(), Value::Object(metadata));
    Cow::Owned(pattern)
}

fn expand_tag(tag: &str, wanted: &Map<String, Value>, found: &Map<String, Value>) -> Option<(String, Value)> {
    let (key, labels) = tagged(tag, wanted)?;
    let labels = labels.is_object().then(|| string_map(Some(labels)))?;
    let (_, actual) = tagged(tag, found)?;
    let actual = actual.is_object().then(|| string_map(Some(actual)))?;
    let expanded = labels.into_iter().map(|(label, value)| (expand_key(&label, &actual), Value::String(value)));
    Some((key.to_owned(), Value::Object(expanded.collect())))
}

fn expand_key(label: &str, actual: &BTreeMap<String, String>) -> String {
    if !wildcard::contains_wildcard(label) {
        return label.to_owned();
    }
    let anchor = anchors::parse(label);
    let name = anchor.map_or(label, |anchor| anchor.key);
    let fitting = actual.keys().find(|key| wildcard::matches(name, key)).map_or(name, String::as_str);
    anchor.map_or_else(|| fitting.to_owned(), |anchor| anchor.around(fitting))
}

/// The entry of a key, plain or with an anchor around it.
fn tagged<'m>(tag: &str, map: &'m Map<String, Value>) -> Option<(&'m str, &'m Value)> {
    if let Some((key, value)) = map.get_key_value(tag) {
        return Some((key, value));
    }
    map.iter()
        .find(|(key, _)| anchors::parse(key).is_some_and(|anchor| anchor.key == tag))
        .map(|(key, value)| (key.as_str(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expanded(pattern: Value, resource: Value) -> Value {
        Value::Object(expand(pattern.as_object().unwrap(), resource.as_object().unwrap()).into_owned())
    }

    #[test]
    fn a_key_becomes_the_one_that_is_there() {
        let resource = json!({ "metadata": { "labels": { "app/x": "1" } } });
        assert_eq!(
            expanded(json!({ "metadata": { "=(labels)": { "=(app/*)": "?*" } } }), resource),
            json!({ "metadata": { "=(labels)": { "=(app/x)": "?*" } } })
        );
    }

    #[test]
    fn values_that_are_no_strings_are_dropped() {
        let resource = json!({ "metadata": { "labels": {} } });
        assert_eq!(
            expanded(json!({ "metadata": { "labels": { "a": null, "b": "x" } } }), resource),
            json!({ "metadata": { "labels": { "b": "x" } } })
        );
    }

    #[test]
    fn nothing_happens_without_metadata() {
        assert_eq!(
            expanded(json!({ "metadata": { "labels": { "*": "x" } } }), json!({})),
            json!({ "metadata": { "labels": { "*": "x" } } })
        );
    }
}
