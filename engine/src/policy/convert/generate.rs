//! `generate` with data or a clone → `GeneratingPolicy`.

use serde_json::{Map, Value, json};

use super::cel::{literal, sole_variable, string, template, variable};
use super::{Cel, Draft, validate};
use crate::object::ObjectExt;
use crate::object::gvk::Gvk;

pub(super) fn rule(draft: &mut Draft<'_>) -> Result<(), String> {
    let rule = draft.rule;
    let body = rule.get("generate").ok_or("nothing to generate")?;
    let set = |path: &[&str]| body.at(path).is_some_and(|found| !found.is_null());
    if set(&["foreach"]) || set(&["cloneList", "kinds"]) {
        return Err("foreach and cloneList become resource.List and map(); they need a hand".into());
    }
    let namespace = text(body.str_at(&["namespace"]))?;
    let made = if set(&["clone", "name"]) {
        let gvk = Gvk::new(body.api_version(), body.kind());
        let resource = draft.catalog.gvr_of(&gvk).ok_or("the kind of the source is unknown here")?.resource;
        let clone = |field: &str| text(body.str_at(&["clone", field]));
        draft.note("a clone keeps its own name; give the copy another with a map of its own");
        format!(
            "resource.Get({}, {}, {}, {})",
            string(body.api_version()),
            string(&resource),
            clone("namespace")?,
            clone("name")?
        )
    } else {
        let mut object = Map::new();
        object.insert("apiVersion".to_owned(), json!(body.api_version()));
        object.insert("kind".to_owned(), json!(body.kind()));
        let mut metadata = body.at(&["data", "metadata"]).and_then(Value::as_object).cloned().unwrap_or_default();
        metadata.insert("name".to_owned(), json!(body.str_at(&["name"])));
        object.insert("metadata".to_owned(), Value::Object(metadata));
        for (key, value) in body.get("data").and_then(Value::as_object).into_iter().flatten() {
            object.entry(key.clone()).or_insert_with(|| value.clone());
        }
        data(&Value::Object(object), 0)?
    };
    draft.set(&["generate"], json!([{ "expression": format!("generator.Apply({namespace}, [{made}])") }]));
    let rows = [
        ("synchronize", "synchronize"),
        ("generateExisting", "generateExisting"),
        ("orphanDownstreamOnPolicyDelete", "orphanDownstreamOnPolicyDelete"),
    ];
    for (field, target) in rows {
        let old = if field == "generateExisting" { draft.in_spec(field) } else { None };
        if body.get(field).or(old) == Some(&Value::Bool(true)) {
            draft.set(&["evaluation", target, "enabled"], json!(true));
        }
    }
    if draft.in_spec("admission") == Some(&Value::Bool(false)) {
        draft.set(&["evaluation", "admission", "enabled"], json!(false));
    }
    validate::common(draft);
    Ok(())
}

fn text(text: &str) -> Cel {
    match sole_variable(text) {
        Some(inside) => variable(inside, "''"),
        None => template(text),
    }
}

/// A literal with variables in its strings.
fn data(value: &Value, depth: usize) -> Cel {
    if depth > crate::limits::MAX_DEPTH {
        return Err("the data is nested too deep".into());
    }
    match value {
        Value::String(found) if found.contains("{{") => text(found),
        Value::Array(items) => {
            let items: Result<Vec<String>, String> =
                items.iter().map(|item| Ok(format!("dyn({})", data(item, depth + 1)?))).collect();
            Ok(format!("[{}]", items?.join(", ")))
        }
        Value::Object(map) => {
            let fields: Result<Vec<String>, String> = map
                .iter()
                .map(|(key, value)| Ok(format!("{}: dyn({})", string(key), data(value, depth + 1)?)))
                .collect();
            Ok(format!("{{{}}}", fields?.join(", ")))
        }
        other => Ok(literal(other)),
    }
}
