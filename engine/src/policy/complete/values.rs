//! Values: enums, kinds, API versions, resources, operations, booleans.

use serde_json::Value;

use crate::object::catalog::Catalog;
use crate::object::order;
use crate::policy::schema::arena::Type;
use crate::policy::schema::table::table;

use super::place::{Place, Step};
use super::shape::schema_at;
use super::{Completion, Kind, words};

const OPERATIONS: [&str; 5] = ["CREATE", "UPDATE", "DELETE", "CONNECT", "*"];

/// The values that may stand at a place.
pub(super) fn complete(place: &Place) -> Vec<Completion> {
    let keys = place.keys();
    let value = |text: &str, detail: &str| Completion::new(text, Kind::Value, detail);
    match keys.as_slice() {
        ["kind"] => return kinds(place.root("apiVersion")),
        ["apiVersion"] => return api_versions(place.root("kind")),
        [.., "resources", "kinds"] | [.., "cloneList", "kinds"] => return matched_kinds(),
        [.., "resourceRules" | "excludeResourceRules", field] => match *field {
            "operations" => return OPERATIONS.iter().map(|name| value(name, "")).collect(),
            "resources" => return resources(),
            "apiGroups" => return groups(),
            _ => {}
        },
        _ => {}
    }
    let Some(schema) = schema_at(place, &place.path) else { return Vec::new() };
    let schema = schema.items().unwrap_or(schema);
    let node = schema.node();
    let note = |candidate: &Value| if node.default.as_ref() == Some(candidate) { "default" } else { "" };
    if !node.enumeration.is_empty() {
        return node.enumeration.iter().map(|candidate| value(&quoted(candidate), note(candidate))).collect();
    }
    if node.kind == Type::Boolean {
        return [true, false].map(|flag| value(&flag.to_string(), note(&Value::Bool(flag)))).into();
    }
    if matches!(keys.as_slice(), [.., "apiVersion"]) {
        return api_versions(&sibling(place, "kind"));
    }
    if matches!(keys.as_slice(), [.., "kind"]) && words::is_target(&keys) {
        return kinds(&sibling(place, "apiVersion"));
    }
    node.default.iter().map(|candidate| value(&quoted(candidate), "default")).collect()
}

/// A value of an enum or default as people read it.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The same as YAML text: quoted where YAML would read something else.
fn quoted(value: &Value) -> String {
    let text = plain(value);
    let other = value.is_string() && !serde_yaml::from_str::<Value>(&text).is_ok_and(|read| read == *value);
    if other { format!("{text:?}") } else { text }
}

fn sibling(place: &Place, key: &str) -> String {
    let mut path = place.path.clone();
    path.pop();
    path.push(Step::Key(key.to_owned()));
    place.scalars.iter().find(|scalar| scalar.path == path).map(|scalar| scalar.value.clone()).unwrap_or_default()
}

/// Kinds of an API version; every kind where none is given. Kyverno's come first.
fn kinds(api_version: &str) -> Vec<Completion> {
    let mut found: Vec<Completion> = Vec::new();
    let known = table().kinds().iter().filter(|kind| kind.served && !kind.deprecated);
    for kind in known.filter(|kind| api_version.is_empty() || kind.gvk.api_version() == api_version) {
        let completion = Completion::new(&kind.gvk.kind, Kind::Value, kind.gvk.api_version());
        if !found.iter().any(|other| other.label == completion.label && other.detail == completion.detail) {
            found.push(completion);
        }
    }
    order::sort_by_key(&mut found, |completion| (!completion.detail.contains("kyverno.io"), completion.label.clone()));
    found
}

fn api_versions(kind: &str) -> Vec<Completion> {
    let mut found: Vec<Completion> = Vec::new();
    for known in table().kinds().iter().filter(|known| known.served && (kind.is_empty() || known.gvk.kind == kind)) {
        let version = known.gvk.api_version();
        if !found.iter().any(|other| other.label == version) {
            found.push(Completion::new(&version, Kind::Value, if known.deprecated { "deprecated" } else { "" }));
        }
    }
    order::sort_by_key(&mut found, |completion| {
        (!completion.label.contains("kyverno.io"), !completion.detail.is_empty())
    });
    found
}

fn matched_kinds() -> Vec<Completion> {
    let catalog = Catalog::new();
    let mut found: Vec<Completion> = Vec::new();
    for resource in catalog.iter() {
        let group = if resource.group.is_empty() { "core" } else { &resource.group };
        found.push(Completion::new(&resource.kind, Kind::Value, group));
    }
    found
}

fn resources() -> Vec<Completion> {
    let catalog = Catalog::new();
    catalog.iter().map(|resource| Completion::new(&resource.plural, Kind::Value, resource.kind.as_str())).collect()
}

fn groups() -> Vec<Completion> {
    let catalog = Catalog::new();
    let mut found: Vec<Completion> =
        vec![Completion::new("\"\"", Kind::Value, "core"), Completion::new("\"*\"", Kind::Value, "any")];
    for resource in catalog.iter().filter(|resource| !resource.group.is_empty()) {
        if !found.iter().any(|other| other.label == resource.group) {
            found.push(Completion::new(&resource.group, Kind::Value, resource.kind.as_str()));
        }
    }
    found
}
