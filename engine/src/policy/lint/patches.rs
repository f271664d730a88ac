//! JSON patches, and labels and annotations that are no strings.

use serde_json::Value;

use super::Problem;
use super::field::refused;
use super::placeholders::replaced;
use super::shape::{Rule, items, there};
use crate::object::ObjectExt;

/// The operations of `patchesJson6902`, or why they cannot be read.
fn operations(rule: Rule<'_>, variables: bool) -> Result<Vec<Value>, String> {
    let text = rule.value.str_at(&["mutate", "patchesJson6902"]);
    let text = if variables { text.to_owned() } else { replaced(text, "kyvernojsonpatchvariable") };
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let value: Value = serde_yaml::from_str(&text).map_err(|error| error.to_string())?;
    match value {
        Value::Array(operations) => Ok(operations),
        Value::Null => Ok(Vec::new()),
        other => Err(format!(
            "json: cannot unmarshal {} into Go value of type jsonpatch.Patch",
            if other.is_object() { "object" } else { "string" }
        )),
    }
}

/// The paths of the JSON patch of a rule, variables and all.
pub(super) fn paths(rule: Rule<'_>) -> Vec<String> {
    let operations = operations(rule, true).unwrap_or_default();
    operations.iter().map(|operation| operation.str_at(&["path"]).to_owned()).collect()
}

/// `validateJSONPatchPathForForwardSlash` and `validateJSONPatch`.
pub(super) fn json(rule: Rule<'_>) -> Option<Problem> {
    there(rule.value.get("mutate"))?;
    let (path, index) = (format!("{}.mutate.patchesJson6902", rule.path()), rule.index);
    let slash = |words: &str| {
        Some(refused(&path, &format!("path must begin with a forward slash: spec.rules[{index}]: {words}")))
    };
    let operations = match operations(rule, false) {
        Ok(operations) => operations,
        Err(words) => return slash(&words),
    };
    for operation in &operations {
        match operation.get("path").and_then(Value::as_str) {
            Some(found) if found.starts_with('/') => {}
            Some(found) => return slash(found),
            None => return slash("operation missing path field: missing value"),
        }
    }
    for operation in &operations {
        let op = operation.get("op").and_then(Value::as_str).unwrap_or("unknown");
        match op {
            "remove" | "move" | "copy" => {}
            "add" | "replace" | "test" if operation.get("value").is_some() => {}
            "add" | "replace" | "test" => {
                let words = format!("invalid value: spec.rules[{index}]: operation missing value field: missing value");
                return Some(refused(&path, &words));
            }
            _ => return Some(refused(&path, &format!("unexpected kind: spec.rules[{index}]: {op}"))),
        }
    }
    None
}

/// Labels and annotations of patterns and patches (`isLabelAndAnnotationsString`).
pub(super) fn labels(rule: Rule<'_>) -> Option<Problem> {
    let wrong = ["validate", "mutate"].into_iter().any(|body| {
        let field = if body == "validate" { "pattern" } else { "patchStrategicMerge" };
        let first = |list: &Value| {
            items(Some(list)).find_map(|item| item.get(field).filter(|found| found.is_object())).cloned()
        };
        let documents: Vec<Value> = match there(rule.value.at(&[body, "foreach"])) {
            Some(list) => first(list).into_iter().collect(),
            None => match rule.value.at(&[body, field]).filter(|found| found.is_object()) {
                Some(found) => vec![found.clone()],
                None => items(rule.value.at(&[body, "anyPattern"])).cloned().collect(),
            },
        };
        rule.has(body) && documents.iter().any(|document| !only_strings(document))
    });
    let words =
        "labels and annotations supports only string values, \"use double quotes around the non string values\"";
    wrong.then(|| refused(&rule.path(), words))
}

fn only_strings(document: &Value) -> bool {
    let metadata = match document.get("metadata").filter(|found| found.is_object()) {
        Some(metadata) => Some(metadata),
        None => document.at(&["spec", "template", "metadata"]),
    };
    ["labels", "annotations"].into_iter().all(|field| {
        let map = metadata.and_then(|metadata| metadata.get(field)).and_then(Value::as_object);
        map.is_none_or(|map| map.values().all(Value::is_string))
    })
}
