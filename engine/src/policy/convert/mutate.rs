//! `mutate.patchStrategicMerge` without anchors → `MutatingPolicy` with an apply configuration.

use serde_json::{Map, Value, json};

use super::cel::{is_identifier, literal, sole_variable, string, template, variable};
use super::pattern::anchor;
use super::{Cel, Draft, validate};
use crate::policy::schema::arena::{Schema, Type};
use crate::policy::schema::table::table;

pub(super) fn rule(draft: &mut Draft<'_>) -> Result<(), String> {
    let rule = draft.rule;
    let body = rule.get("mutate").ok_or("nothing to mutate")?;
    let set = |field: &str| body.get(field).is_some_and(|found| !found.is_null());
    if set("targets") {
        return Err("mutation of existing resources needs targetMatchConstraints and a trigger of its own".into());
    }
    if set("foreach") {
        return Err("foreach becomes map() over the list; its patches need a hand".into());
    }
    if let Some(text) = body.get("patchesJson6902").and_then(Value::as_str) {
        let expression = json_patch(text)?;
        draft.set(&["mutations"], json!([{ "patchType": "JSONPatch", "jsonPatch": { "expression": expression } }]));
        draft.note("a JSON patch here needs its parents to be there; a classic rule makes missing ones");
        finish(draft);
        return Ok(());
    }
    let patch = body.get("patchStrategicMerge").and_then(Value::as_object).ok_or("there is no patch")?;
    let expression = object(patch, "Object", matched_schema(draft), 0)?;
    draft.set(
        &["mutations"],
        json!([{ "patchType": "ApplyConfiguration", "applyConfiguration": { "expression": expression } }]),
    );
    finish(draft);
    Ok(())
}

fn finish(draft: &mut Draft<'_>) {
    if draft.in_spec("admission") == Some(&Value::Bool(false)) {
        draft.set(&["evaluation", "admission", "enabled"], json!(false));
    }
    validate::common(draft);
    validate::autogen(draft);
}

/// RFC 6902 operations as a list of `JSONPatch{…}`.
fn json_patch(text: &str) -> Cel {
    let operations: Vec<Value> =
        serde_yaml::from_str(text).map_err(|_| "the JSON patch is no plain list of operations")?;
    let each = operations.iter().map(|operation| {
        let mut fields = Vec::new();
        for field in ["op", "path", "from", "value"] {
            let Some(value) = operation.get(field) else { continue };
            let nested = !value.is_string() && value.to_string().contains("{{");
            if nested {
                return Err("the JSON patch has variables inside of a value".to_owned());
            }
            fields.push(format!("{field}: {}", scalar(value)?));
        }
        Ok(format!("JSONPatch{{{}}}", fields.join(", ")))
    });
    Ok(format!("[{}]", each.collect::<Result<Vec<_>, String>>()?.join(", ")))
}

fn matched_schema(draft: &Draft<'_>) -> Option<Schema<'static>> {
    let rule = draft.spec.get("matchConstraints")?.get("resourceRules")?.get(0)?;
    let resource = draft.catalog.find(rule.get("resources")?.get(0)?.as_str()?)?;
    table().schema(&resource.gvk(""))
}

/// `Object.path{ field: … }`; a map whose keys are free, such as labels, is a map literal.
fn object(patch: &Map<String, Value>, path: &str, schema: Option<Schema<'static>>, depth: usize) -> Cel {
    if depth > 16 {
        return Err("the patch is nested too deep".into());
    }
    let free = schema.is_some_and(|schema| schema.node().properties.is_empty() && schema.node().kind == Type::Object);
    let mut fields = Vec::new();
    for (key, value) in patch {
        if anchor(key).0.is_some() {
            return Err(format!("the anchor {key} makes the patch conditional"));
        }
        if key.contains("{{") || key.starts_with('$') {
            return Err(format!("the key {key} has no simple equivalent"));
        }
        if free || !is_identifier(key) {
            fields.push(format!("{}: {}", string(key), scalar(value)?));
        } else {
            let child = schema.and_then(|schema| schema.field(key));
            fields.push(format!("{key}: {}", element(value, &format!("{path}.{key}"), child, depth + 1)?));
        }
    }
    let map = free || patch.keys().any(|key| !is_identifier(key));
    if map && !free && patch.keys().any(|key| is_identifier(key)) && patch.values().any(Value::is_object) {
        return Err("a map of mixed keys has no simple equivalent".into());
    }
    if map {
        let fields: Result<Vec<String>, String> =
            patch.iter().map(|(key, value)| Ok(format!("{}: {}", string(key), scalar(value)?))).collect();
        return Ok(format!("{{{}}}", fields?.join(", ")));
    }
    Ok(format!("{path}{{{}}}", fields.join(", ")))
}

fn element(value: &Value, path: &str, schema: Option<Schema<'static>>, depth: usize) -> Cel {
    match value {
        Value::Object(map) => object(map, path, schema, depth),
        Value::Array(items) => {
            let child = schema.and_then(Schema::items);
            let items: Result<Vec<String>, String> =
                items.iter().map(|item| element(item, path, child, depth)).collect();
            Ok(format!("[{}]", items?.join(", ")))
        }
        Value::Null => Err("removing a field with null needs a JSON patch".into()),
        other => scalar(other),
    }
}

fn scalar(value: &Value) -> Cel {
    match value {
        Value::String(text) => match sole_variable(text) {
            Some(inside) => variable(inside, "''"),
            None if text.contains("{{") => template(text),
            None => Ok(string(text)),
        },
        Value::Null => Err("removing a field with null needs a JSON patch".into()),
        other => Ok(literal(other)),
    }
}
