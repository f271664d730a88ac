//! Structural defaulting and pruning (apiextensions `structural/defaulting` and `structural/pruning`).

use serde_json::Value;

use super::arena::Schema;
use crate::limits::MAX_DEPTH;

/// Sets the defaults of missing fields and drops nulls that the schema does not allow.
pub(super) fn fill(schema: Schema<'_>, value: &mut Value) {
    fill_at(schema, value, 0);
}

fn fill_at(schema: Schema<'_>, value: &mut Value, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            for (name, child) in schema.fields() {
                let missing = map.get(name).is_none_or(|value| value.is_null() && !child.node().nullable);
                match &child.node().default {
                    Some(default) if missing => {
                        map.insert(name.to_owned(), default.clone());
                    }
                    None if missing => {
                        map.shift_remove(name);
                    }
                    _ => {}
                }
            }
            if let Some(child) = schema.additional() {
                let kept = |value: &Value| !value.is_null() || child.node().nullable || child.node().default.is_some();
                map.retain(|key, value| schema.known(key).is_some() || kept(value));
            }
            for (key, value) in map.iter_mut() {
                if let Some(child) = schema.field(key) {
                    replace_null(child, value);
                    fill_at(child, value, depth + 1);
                }
            }
        }
        Value::Array(items) => {
            let Some(child) = schema.items() else { return };
            for item in items {
                replace_null(child, item);
                fill_at(child, item, depth + 1);
            }
        }
        _ => {}
    }
}

fn replace_null(schema: Schema<'_>, value: &mut Value) {
    if value.is_null()
        && !schema.node().nullable
        && let Some(default) = &schema.node().default
    {
        *value = default.clone();
    }
}

/// Drops every field that the schema does not know.
pub(super) fn prune(schema: Schema<'_>, value: &mut Value) {
    prune_at(schema, value, 0);
}

fn prune_at(schema: Schema<'_>, value: &mut Value, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            map.retain(|key, _| schema.open() || schema.field(key).is_some());
            for (key, value) in map.iter_mut() {
                if let Some(child) = schema.field(key) {
                    prune_at(child, value, depth + 1);
                }
            }
        }
        Value::Array(items) => {
            let Some(child) = schema.items() else { return };
            items.iter_mut().for_each(|item| prune_at(child, item, depth + 1));
        }
        _ => {}
    }
}
