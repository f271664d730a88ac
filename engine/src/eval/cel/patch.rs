//! Patches that expressions make: `Object{…}` merged, `[JSONPatch{…}]` applied.

use serde_json::{Map, Value};

use crate::eval::view::View;
use crate::expr::cel::{Val, to_json};
use crate::object::gvk::Gvk;
use crate::object::list_types::Type;
use crate::object::patch::{self, Options};
use crate::object::{ObjectExt, apply};

/// Which types an apply configuration is merged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Those of the kind, built-in or of a CustomResourceDefinition; atomic lists and mappings may be replaced or not.
    OfKind {
        /// `evaluation.useServerSideApply`.
        allow_atomic: bool,
    },
    /// None: every list is atomic.
    Deduced,
}

/// Merges the result of an `ApplyConfiguration` expression into an object.
///
/// # Errors
/// Kyverno's words, beginning with `type mismatch: ` or `error applying patch: `.
pub fn apply_configuration(found: &Val, object: &Value, typing: Typing, view: &dyn View) -> Result<Value, String> {
    let mut configuration = to_json(found).map_err(|error| error.to_string())?;
    let mut errors = Vec::new();
    check_names(found, &mut vec!["Object".to_owned()], &mut errors);
    if !errors.is_empty() {
        return Err(format!("type mismatch: {}", errors.join("\n")));
    }
    if let Value::Object(map) = &mut configuration {
        map.insert("apiVersion".to_owned(), Value::from(object.api_version()));
        map.insert("kind".to_owned(), Value::from(object.kind()));
    }
    let merged = match typing {
        Typing::Deduced => apply::merge_deduced(object, &configuration),
        Typing::OfKind { allow_atomic } => match type_of(&object.gvk(), view) {
            Some(root) => apply::merge_as(&root, object, &configuration, allow_atomic),
            None => apply::merge(&object.gvk(), object, &configuration),
        },
    };
    merged.map_err(|error| format!("error applying patch: {error}"))
}

/// The type of a built-in kind, or of a CustomResourceDefinition of the run.
fn type_of(gvk: &Gvk, view: &dyn View) -> Option<Type> {
    if let Some(found) = Type::of_kind(gvk) {
        return Some(found);
    }
    let definitions = view.list(&Gvk::new("apiextensions.k8s.io/v1", "CustomResourceDefinition"), None);
    let of_kind = |crd: &&Value| {
        crd.str_at(&["spec", "group"]) == gvk.group && crd.str_at(&["spec", "names", "kind"]) == gvk.kind
    };
    let versions = definitions.iter().find(of_kind)?.at(&["spec", "versions"])?.as_array()?;
    let version = versions.iter().find(|version| version.str_at(&["name"]) == gvk.version)?;
    Some(Type::of_schema(version.at(&["schema", "openAPIV3Schema"])?))
}

/// The names in `Object.spec{…}` must be the path of the field they stand in.
fn check_names(value: &Val, path: &mut Vec<String>, errors: &mut Vec<String>) {
    match value {
        Val::Struct(message) => {
            let wanted = path.join(".");
            if *message.type_name != *wanted {
                errors.push(format!(
                    "unexpected type name {:?}, expected {wanted:?}, which matches field name path from root Object type",
                    message.type_name
                ));
            }
            for (name, value) in &message.fields {
                path.push(name.to_string());
                check_names(value, path, errors);
                path.pop();
            }
        }
        Val::List(items) => items.iter().for_each(|item| check_names(item, path, errors)),
        Val::Map(entries) => entries.values().for_each(|value| check_names(value, path, errors)),
        _ => {}
    }
}

/// Applies the result of a `JSONPatch` expression. A failed `test` leaves the object as it is.
///
/// # Errors
/// Kyverno's words, such as `JSON Patch: …`.
pub fn json_patch(found: &Val, object: &Value) -> Result<Value, String> {
    let Val::List(items) = found else {
        return Err("type mismatch: JSONPatchType.expression should evaluate to array".to_owned());
    };
    let operations = items.iter().map(operation).collect::<Result<Vec<_>, _>>()?;
    match patch::apply(object, &Value::Array(operations), Options::API_SERVER) {
        Ok(patched) => Ok(patched),
        Err(words) if words.contains("test failed") => Ok(object.clone()),
        Err(words) => Err(format!("JSON Patch: {words}")),
    }
}

fn operation(item: &Val) -> Result<Value, String> {
    let Val::Struct(message) = item else {
        return Err("type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch".to_owned());
    };
    let mut operation = Map::new();
    for (name, value) in &message.fields {
        let json = to_json(value).map_err(|error| {
            format!("JSONPath valueExpression evaluated to a type that could not marshal to JSON: {error}")
        })?;
        if let Val::Struct(inner) = value {
            let mut errors = Vec::new();
            // Here the root is whatever type the value has.
            let root = inner.type_name.to_string();
            check_names(value, &mut vec![root], &mut errors);
            if !errors.is_empty() {
                return Err(format!("type mismatch: {}", errors.join("\n")));
            }
        }
        if &**name != "from" || json.as_str().is_some_and(|from| !from.is_empty()) {
            operation.insert(name.to_string(), json);
        }
    }
    Ok(Value::Object(operation))
}
