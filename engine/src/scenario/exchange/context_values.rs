//! Values that a test gives for variables → what the rules' context entries would have read: ConfigMaps, answers, global entries.

use serde_json::{Map, Value, json};

use super::carried::left_out;
use super::rbac::manifests;
use crate::diagnostic::Diagnostic;
use crate::object::ObjectExt;
use crate::scenario::Scenario;
use crate::scenario::kyverno_test::load::documents;
use crate::scenario::kyverno_test::values::merge_at;

const HINT: &str = "a scenario has no variables: put what the rule reads into the cluster or under `mocks`";

/// Values by dotted name.
#[derive(Clone, Debug, Default)]
pub struct Given {
    seen: Map<String, Value>,
    tree: Value,
    /// Names that have more than one value.
    torn: Vec<String>,
}

impl Given {
    /// Adds a value.
    pub fn put(&mut self, key: &str, value: &Value) {
        match self.seen.get(key) {
            Some(old) if old != value => self.torn.push(key.to_owned()),
            Some(_) => {}
            None => {
                self.seen.insert(key.to_owned(), value.clone());
                if self.tree.is_null() {
                    self.tree = json!({});
                }
                merge_at(&mut self.tree, key, value);
            }
        }
    }

    /// `request.operation`, or an empty text.
    pub fn operation(&self) -> &str {
        self.tree.str_at(&["request", "operation"])
    }
}

/// Puts what the values stand for where the rules of the scenario read it, and says what has no such place.
pub fn carry(given: &Given, scenario: &mut Scenario, left: &mut Vec<Diagnostic>) {
    let parsed = scenario.files.iter().filter_map(|(name, text)| documents(name, text).ok());
    let policies: Vec<Value> = parsed.flatten().collect();
    let mut maps: Vec<Value> = Vec::new();
    for key in &given.torn {
        left.push(left_out(format!("`{key}` has different values for different resources; the first is taken"), ""));
    }
    for (name, value) in given.tree.as_object().into_iter().flatten() {
        if name == "request" {
            let keys = given.seen.keys().filter(|key| key.starts_with("request.") && *key != "request.operation");
            left.extend(keys.map(|key| left_out(format!("the value of `{key}`"), "change the resource itself")));
            continue;
        }
        let mut entries = Vec::new();
        policies.iter().for_each(|policy| find(policy, name, &mut entries));
        entries.dedup();
        let placed = entries.iter().filter(|entry| place(entry, value, scenario, &mut maps)).count();
        if entries.is_empty() || placed < entries.len() {
            left.push(left_out(format!("the value of the variable `{name}`"), HINT));
        }
    }
    if !maps.is_empty() {
        scenario.add_cluster_file("configmaps.yaml", manifests(&maps));
    }
}

/// Context entries of this name, wherever they are in a policy.
fn find<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                if key == "context" {
                    let entries = child.as_array().into_iter().flatten();
                    found.extend(entries.filter(|entry| entry.str_at(&["name"]) == name));
                }
                find(child, name, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| find(item, name, found)),
        _ => {}
    }
}

/// Puts a value where a context entry reads it; `false` where that place is computed, or what was read is transformed.
fn place(entry: &Value, value: &Value, scenario: &mut Scenario, maps: &mut Vec<Value>) -> bool {
    let text = |path: &[&str]| Some(entry.str_at(path)).filter(|text| !text.is_empty() && !text.contains("{{"));
    let whole = |source: &str| entry.str_at(&[source, "jmesPath"]).is_empty();
    if let (Some(name), Some(namespace)) = (text(&["configMap", "name"]), text(&["configMap", "namespace"])) {
        let Some(data) = value.get("data") else { return false };
        let metadata = json!({"name": name, "namespace": namespace});
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
        if !maps.contains(&map) {
            maps.push(map);
        }
        true
    } else if let Some(path) = text(&["apiCall", "urlPath"]).filter(|_| whole("apiCall")) {
        scenario.mocks.api_calls.push(json!({"urlPath": path, "response": {"body": value}}));
        true
    } else if let Some(url) = text(&["apiCall", "service", "url"]).filter(|_| whole("apiCall")) {
        scenario.mocks.api_calls.push(json!({"url": url, "response": {"body": value}}));
        true
    } else if let Some(global) = text(&["globalReference", "name"]).filter(|_| whole("globalReference")) {
        scenario.mocks.global_context.push(json!({"name": global, "data": value}));
        true
    } else {
        false
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;

    fn carried(context: &str, key: &str, value: Value) -> (Scenario, Vec<Diagnostic>) {
        let policy = format!("kind: ClusterPolicy\nspec: {{rules: [{{context: [{context}]}}]}}\n");
        let mut scenario = Scenario::of_files(IndexMap::from([("p.yaml".to_owned(), policy)]));
        let (mut given, mut left) = (Given::default(), Vec::new());
        given.put(key, &value);
        carry(&given, &mut scenario, &mut left);
        (scenario, left)
    }

    #[test]
    fn a_config_map_is_in_the_cluster() {
        let entry = "{name: dict, configMap: {name: d, namespace: dev}}";
        let (scenario, left) = carried(entry, "dict.data.env", json!("prod"));
        assert_eq!((scenario.cluster.as_slice(), left), (["configmaps.yaml".to_owned()].as_slice(), vec![]));
        assert!(scenario.files["configmaps.yaml"].ends_with("data:\n  env: prod\n"));
    }

    #[test]
    fn answers_and_global_entries_are_mocks() {
        let (scenario, left) = carried("{name: a, apiCall: {urlPath: /api/v1/pods}}", "a", json!({"items": []}));
        assert_eq!((scenario.mocks.api_calls.len(), left.len()), (1, 0));
        let (scenario, left) = carried("{name: a, globalReference: {name: g}}", "a", json!([1]));
        assert_eq!((scenario.mocks.global_context, left), (vec![json!({"name": "g", "data": [1]})], vec![]));
    }

    #[test]
    fn the_rest_is_said() {
        for (context, key) in [
            ("{name: a, apiCall: {urlPath: /x, jmesPath: length(@)}}", "a"),
            ("{name: a, configMap: {name: '{{ request.namespace }}', namespace: dev}}", "a.data.x"),
            ("{name: b}", "a"),
            ("{name: b}", "request.object.metadata.name"),
        ] {
            assert_eq!(carried(context, key, json!(1)).1.len(), 1, "{context}");
        }
        assert!(carried("{name: b}", "request.operation", json!("DELETE")).1.is_empty());
    }
}
