//! The merge behind server-side apply, as `ApplyConfiguration` mutations use it: without owners of fields.
//!
//! Follows `k8s.io/apiserver/pkg/admission/plugin/policy/mutating/patch/smd.go` and structured-merge-diff v6. Fields that
//! a schema does not declare are not refused here.

use std::fmt;

use serde_json::{Map, Value};

use super::gofmt::{marshal_plain, quote, sprint};
use super::gvk::Gvk;
use super::list_types::{ListKind, Type};
use crate::object::order;

/// Why a patch was not applied; the words are those of the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(pub String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Merges an apply configuration into an object of a built-in kind.
///
/// # Errors
/// An unknown kind, a patch that sets something atomic, an element of a keyed list without its key or twice.
pub fn merge(kind: &Gvk, object: &Value, patch: &Value) -> Result<Value, Error> {
    let root = Type::of_kind(kind).ok_or_else(|| Error("type converter must not be nil".to_owned()))?;
    merge_as(&root, object, patch, false)
}

/// Merges without a schema, as the API server's deduced types do: mappings field by field, lists as one piece.
///
/// # Errors
/// None of its own; the signature is that of [`merge_as`].
pub fn merge_deduced(object: &Value, patch: &Value) -> Result<Value, Error> {
    merge_as(&Type::Deduced, object, patch, false)
}

/// Merges an apply configuration into an object of a type. The patch need not name `apiVersion` and `kind`.
///
/// # Errors
/// As [`merge`]; with `allow_atomic` (server-side apply proper) what is atomic is replaced instead of refused.
pub fn merge_as(root: &Type, object: &Value, patch: &Value, allow_atomic: bool) -> Result<Value, Error> {
    validate(root, patch, &mut String::new())
        .map_err(|error| Error(format!("failed to convert patch object to typed object: {error}")))?;
    let atomics = if allow_atomic { Vec::new() } else { atomics(root, patch) };
    if !atomics.is_empty() {
        let words = "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs";
        return Err(Error(format!("{words}: {}", atomics.join(", "))));
    }
    Ok(merge_values(root, object, patch))
}

/// Paths (`.spec.template.spec.tolerations`) of everything atomic that a patch sets.
#[must_use]
pub fn atomics(root: &Type, patch: &Value) -> Vec<String> {
    let mut found = Vec::new();
    find_atomics(root, patch, &mut String::new(), &mut found);
    found
}

/// Looks into declared fields and lists only, not into the values of maps: as the API server does.
fn find_atomics(at: &Type, value: &Value, path: &mut String, found: &mut Vec<String>) {
    let length = path.len();
    match (at.resolve(), value) {
        (Type::Atomic, Value::Object(_) | Value::Array(_)) => found.push(path.clone()),
        (Type::Map { atomic, fields, .. }, Value::Object(map)) => {
            if *atomic {
                found.push(path.clone());
            }
            for (key, value) in map {
                if let Some(field) = fields.get(key) {
                    path.push('.');
                    path.push_str(key);
                    find_atomics(field, value, path, found);
                    path.truncate(length);
                }
            }
        }
        (Type::List { kind, element }, Value::Array(items)) => {
            if *kind == ListKind::Atomic {
                found.push(path.clone());
            }
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                find_atomics(element, item, path, found);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

/// Mappings and lists are what they should be; every element of a keyed list has its keys, and no other element has the same.
fn validate(at: &Type, value: &Value, path: &mut String) -> Result<(), String> {
    let length = path.len();
    match (at.resolve(), value) {
        (Type::Map { fields, element, .. }, Value::Object(map)) => {
            for (key, value) in map {
                path.push('.');
                path.push_str(key);
                validate(fields.get(key).unwrap_or(element), value, path)?;
                path.truncate(length);
            }
        }
        (Type::List { kind, element }, Value::Array(items)) => {
            let mut seen = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let key = element_key(kind, item).map_err(|error| format!("{path}: element {index}: {error}"))?;
                if key.as_ref().is_some_and(|key| seen.contains(key)) {
                    return Err(format!("{path}: duplicate entries for key {}", shown_key(kind, item)));
                }
                seen.extend(key);
                path.push_str(&shown_key(kind, item));
                validate(element, item, path)?;
                path.truncate(length);
            }
        }
        (Type::Map { .. } | Type::List { .. }, Value::Null) => {}
        (Type::Map { .. }, other) => return Err(format!("{path}: expected map, got &{{{}}}", sprint(other))),
        (Type::List { .. }, other) => return Err(format!("{path}: expected list, got &{{{}}}", sprint(other))),
        _ => {}
    }
    Ok(())
}

fn shown_key(kind: &ListKind, item: &Value) -> String {
    let ListKind::Map(keys) = kind else { return format!("[{}]", marshal_plain(item)) };
    let mut pairs: Vec<String> = keys
        .iter()
        .filter_map(|(key, default)| Some((key, item.get(key).or(default.as_ref())?)))
        .map(|(key, value)| format!("{key}={}", marshal_plain(value)))
        .collect();
    order::sort(&mut pairs);
    format!("[{}]", pairs.join(","))
}

/// What tells an element from the others; `None` in an atomic list.
fn element_key(kind: &ListKind, item: &Value) -> Result<Option<Vec<Value>>, String> {
    match kind {
        ListKind::Atomic => Ok(None),
        ListKind::Set => Ok(Some(vec![item.clone()])),
        ListKind::Map(_) if !item.is_object() => {
            Err("associative list with keys may not have non-map elements".to_owned())
        }
        ListKind::Map(keys) => {
            let value = |(key, default): &(String, Option<Value>)| {
                let value = item.get(key).filter(|value| !value.is_null()).or(default.as_ref()).cloned();
                let words = "associative list with keys has an element that omits key field";
                value.ok_or_else(|| format!("{words} {} (and doesn't have default value)", quote(key)))
            };
            keys.iter().map(value).collect::<Result<_, _>>().map(Some)
        }
    }
}

/// Takes away what an earlier configuration set and the next one does not: the half of a three-way merge that comes
/// before [`merge_as`], for clients that remember what they applied last.
#[must_use]
pub fn withdraw(at: &Type, live: &Value, last: &Value, next: &Value) -> Value {
    let at = at.resolve();
    let (fields, element) = match at {
        Type::Atomic | Type::Map { atomic: true, .. } | Type::List { kind: ListKind::Atomic, .. } => {
            return live.clone();
        }
        Type::Map { fields, element, .. } => (Some(fields), element.as_ref()),
        _ => (None, at),
    };
    match (at, live, last, next) {
        (Type::List { kind, element }, Value::Array(live), Value::Array(last), Value::Array(next)) => {
            let of = |item: &Value| element_key(kind, item).ok().flatten();
            let find = |items: &'_ [Value], key: &Vec<Value>| {
                items.iter().find(|item| of(item).as_ref() == Some(key)).cloned()
            };
            let left = |item: &Value| match of(item).map(|key| (find(last, &key), find(next, &key))) {
                Some((Some(_), None)) => None,
                Some((Some(last), Some(next))) => Some(withdraw(element, item, &last, &next)),
                _ => Some(item.clone()),
            };
            Value::Array(live.iter().filter_map(left).collect())
        }
        (_, Value::Object(live), Value::Object(last), Value::Object(next)) => {
            let field = |key: &str| fields.and_then(|fields| fields.get(key)).unwrap_or(element);
            let left = |(key, value): (&String, &Value)| match (last.get(key), next.get(key)) {
                (Some(_), None) => None,
                (Some(last), Some(next)) => Some((key.clone(), withdraw(field(key), value, last, next))),
                _ => Some((key.clone(), value.clone())),
            };
            Value::Object(live.iter().filter_map(left).collect())
        }
        _ => live.clone(),
    }
}

fn merge_values(at: &Type, old: &Value, new: &Value) -> Value {
    let empty = |value: &Value| match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        other => other.is_null(),
    };
    let at = at.resolve();
    let (fields, element) = match at {
        Type::Atomic | Type::Map { atomic: true, .. } | Type::List { kind: ListKind::Atomic, .. } => {
            return new.clone();
        }
        Type::Map { fields, element, .. } => (Some(fields), element.as_ref()),
        _ => (None, at),
    };
    match (at, old, new) {
        // Null takes nothing away from a mapping or list that is merged.
        (Type::Map { .. } | Type::List { .. }, Value::Object(_) | Value::Array(_), Value::Null) if !empty(old) => {
            old.clone()
        }
        (Type::List { kind, element }, Value::Array(old), Value::Array(new)) => {
            Value::Array(merge_lists(kind, element, old, new))
        }
        (Type::List { .. }, _, _) => new.clone(),
        (_, Value::Object(old), Value::Object(new)) => {
            let field = |key: &str| fields.and_then(|fields| fields.get(key)).unwrap_or(element);
            Value::Object(merge_maps(field, old, new))
        }
        _ => new.clone(),
    }
}

fn merge_maps<'t>(
    field: impl Fn(&str) -> &'t Type,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
) -> Map<String, Value> {
    let mut merged = old.clone();
    for (key, value) in new {
        let value = match old.get(key) {
            Some(old) => merge_values(field(key), old, value),
            None => value.clone(),
        };
        merged.insert(key.clone(), value);
    }
    merged
}

/// Old elements keep their order among themselves as new ones do; shared elements follow the order of the new list,
/// and new elements behind the last shared one come last.
fn merge_lists(kind: &ListKind, element: &Type, old: &[Value], new: &[Value]) -> Vec<Value> {
    let keyed = |items: &[Value]| -> Vec<Vec<Value>> {
        items.iter().map(|item| element_key(kind, item).ok().flatten().unwrap_or_else(|| vec![item.clone()])).collect()
    };
    let (old_keys, new_keys) = (keyed(old), keyed(new));
    // An old element that is there twice is not merged with a new one but replaced by it.
    let old_of = |key: &Vec<Value>| {
        let mut same = old_keys.iter().zip(old).filter(|(known, _)| *known == key);
        same.next().filter(|_| same.next().is_none()).map(|(_, item)| item)
    };
    let merged = |key: &Vec<Value>, item: &Value| match old_of(key) {
        Some(old) => merge_values(element, old, item),
        None => item.clone(),
    };
    let mut shared = new_keys.iter().filter(|key| old_keys.contains(key)).peekable();
    let mut done: Vec<&Vec<Value>> = Vec::new();
    let mut result = Vec::with_capacity(old.len().max(new.len()));
    let mut left = old_keys.iter().zip(old).peekable();
    let mut right = new_keys.iter().zip(new).peekable();
    loop {
        if let (Some((old_key, _)), Some((new_key, item))) = (left.peek(), right.peek()) {
            if old_key == new_key {
                result.push(merged(new_key, item));
                done.push(new_key);
                left.next();
                right.next();
                shared.next();
                continue;
            }
            // A shared element, but not the one that is next in the new order.
            if new_keys.contains(old_key) && shared.peek().is_some_and(|next| next != old_key) {
                left.next();
                continue;
            }
        }
        if let Some((old_key, item)) = left.peek() {
            if !new_keys.contains(old_key) {
                result.push((*item).clone());
                left.next();
                continue;
            }
            if done.contains(old_key) {
                left.next();
            }
        }
        let Some((new_key, item)) = right.next() else {
            if left.peek().is_none() {
                return result;
            }
            continue;
        };
        result.push(merged(new_key, item));
        done.push(new_key);
        shared.next_if(|next| *next == new_key);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(spec: Value, patch: Value) -> Result<Value, String> {
        let merged = merge(&Gvk::new("v1", "Pod"), &json!({"spec": spec}), &json!({"spec": patch}));
        merged.map(|value| value["spec"].clone()).map_err(|error| error.0)
    }

    #[test]
    fn keyed_lists_merge_and_grow_at_the_end() {
        assert_eq!(
            pod(
                json!({"containers": [{"name": "a", "image": "x"}, {"name": "b"}], "hostPID": true}),
                json!({"containers": [{"name": "c"}, {"name": "b", "image": "y"}]})
            ),
            Ok(
                json!({"containers": [{"name": "a", "image": "x"}, {"name": "c"}, {"name": "b", "image": "y"}], "hostPID": true})
            )
        );
        assert_eq!(
            pod(json!({"containers": [{"name": "a"}]}), json!({"containers": [{"name": "c"}]})),
            Ok(json!({"containers": [{"name": "a"}, {"name": "c"}]}))
        );
        let port = |port: Value| json!({"containers": [{"name": "a", "ports": [port]}]});
        assert_eq!(
            pod(port(json!({"containerPort": 80})), port(json!({"containerPort": 80, "protocol": "TCP", "name": "w"}))),
            Ok(port(json!({"containerPort": 80, "protocol": "TCP", "name": "w"})))
        );
        assert_eq!(
            pod(
                json!({"containers": [{"name": "a"}, {"name": "b"}]}),
                json!({"containers": [{"name": "b"}, {"name": "a"}]})
            ),
            Ok(json!({"containers": [{"name": "b"}, {"name": "a"}]}))
        );
    }

    #[test]
    fn what_was_applied_and_is_no_longer_is_withdrawn() {
        let root = Type::of_kind(&Gvk::new("v1", "Pod")).unwrap();
        let pod = |names: &[&str], extra: Value| {
            let containers: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
            json!({"metadata": {"labels": extra}, "spec": {"containers": containers}})
        };
        let live = pod(&["a", "b", "sidecar"], json!({"x": "1", "y": "2", "z": "3"}));
        let last = pod(&["a", "b"], json!({"x": "1", "y": "2"}));
        let next = pod(&["a"], json!({"x": "1"}));
        assert_eq!(withdraw(&root, &live, &last, &next), pod(&["a", "sidecar"], json!({"x": "1", "z": "3"})));
    }

    #[test]
    fn what_is_refused() {
        let error = |patch: Value| pod(json!({}), patch).unwrap_err();
        assert_eq!(
            error(json!({"tolerations": [{"key": "a"}], "nodeSelector": {"a": "b"}})),
            "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.tolerations, .spec.nodeSelector"
        );
        assert_eq!(
            error(json!({"containers": [{"image": "x"}]})),
            "failed to convert patch object to typed object: .spec.containers: element 0: associative list with keys has an \
             element that omits key field \"name\" (and doesn't have default value)"
        );
        assert!(
            error(json!({"containers": [{"name": "a"}, {"name": "a"}]}))
                .ends_with(".spec.containers: duplicate entries for key [name=\"a\"]")
        );
        assert!(error(json!({"containers": [{"name": "a", "args": ["x"]}]})).ends_with(": .spec.containers[0].args"));
        assert!(error(json!({"containers": "x"})).ends_with("typed object: .spec.containers: expected list, got &{x}"));
        assert!(error(json!("x")).ends_with("typed object: .spec: expected map, got &{x}"));
        let unknown = merge(&Gvk::new("example.com/v1", "Widget"), &json!({}), &json!({})).unwrap_err();
        assert_eq!(unknown.0, "type converter must not be nil");
        let selector = merge(
            &Gvk::new("apps/v1", "Deployment"),
            &json!({}),
            &json!({"spec": {"selector": {"matchLabels": {"a": "b"}}}}),
        );
        assert!(selector.unwrap_err().0.ends_with(": .spec.selector"));
    }

    #[test]
    fn maps_sets_nulls_and_other_schemas() {
        let meta = |meta: Value| json!({"metadata": meta});
        let merged = merge(
            &Gvk::new("v1", "ConfigMap"),
            &meta(json!({"labels": {"a": "1"}, "finalizers": ["x"]})),
            &meta(json!({"labels": {"b": "2"}, "finalizers": ["y", "x"], "annotations": null})),
        );
        assert_eq!(
            merged,
            Ok(meta(json!({"labels": {"a": "1", "b": "2"}, "finalizers": ["y", "x"], "annotations": null})))
        );
        assert_eq!(
            merge_deduced(&json!({"a": {"l": [1], "b": 1}}), &json!({"a": {"l": [2]}})),
            Ok(json!({"a": {"l": [2], "b": 1}}))
        );
        let crd = Type::of_schema(&json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "parts": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"],
                      "items": {"type": "object", "properties": {"id": {"type": "string"}, "tags": {"type": "array"}}}}}}}}));
        let parts = |parts: Value| json!({"spec": {"parts": parts}});
        assert_eq!(
            merge_as(
                &crd,
                &parts(json!([{"id": "a", "v": 1}])),
                &parts(json!([{"id": "b"}, {"id": "a", "v": 2}])),
                false
            ),
            Ok(parts(json!([{"id": "b"}, {"id": "a", "v": 2}])))
        );
        let tags = parts(json!([{"id": "a", "tags": ["x"]}]));
        assert!(merge_as(&crd, &json!({}), &tags, false).is_err());
        assert_eq!(merge_as(&crd, &json!({}), &tags, true), Ok(tags));
    }
}
