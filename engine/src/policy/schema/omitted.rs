//! What Go leaves out when it writes an object of a built-in kind again (`omitempty`): empty lists and maps that are not
//! required, and the zero values of fields that are no pointers.

use serde_json::Value;

use super::arena::Schema;
use crate::limits::MAX_DEPTH;

/// Fields of numbers and flags that are no pointers, by the name of their Go type.
const PLAIN: [(&str, &[&str]); 9] = [
    ("PodSpec", &["hostNetwork", "hostPID", "hostIPC"]),
    ("Container", &["stdin", "stdinOnce", "tty"]),
    ("ContainerPort", &["hostPort"]),
    ("VolumeMount", &["readOnly"]),
    ("Probe", &["initialDelaySeconds"]),
    ("ServicePort", &["nodePort"]),
    ("ServiceSpec", &["publishNotReadyAddresses", "healthCheckNodePort"]),
    ("DeploymentSpec", &["minReadySeconds", "paused"]),
    ("StatefulSetSpec", &["minReadySeconds"]),
];

/// Drops it.
pub(super) fn drop(schema: Schema<'_>, value: &mut Value) {
    drop_at(schema, value, 0);
}

fn drop_at(schema: Schema<'_>, value: &mut Value, depth: usize) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            let node = schema.node();
            let plain = PLAIN.iter().find(|(name, _)| node.name.as_deref() == Some(name)).map(|(_, fields)| *fields);
            for (key, value) in map.iter_mut() {
                if let Some(child) = schema.field(key) {
                    drop_at(child, value, depth + 1);
                }
            }
            map.retain(|key, value| {
                let required = node.required.iter().any(|name| **name == **key);
                let Some(child) = schema.known(key).filter(|_| !required) else { return true };
                let zero = plain.is_some_and(|fields| fields.contains(&key.as_str())) && is_zero(value);
                !(zero || is_empty(child, value))
            });
        }
        Value::Array(items) => {
            let Some(child) = schema.items() else { return };
            items.iter_mut().for_each(|item| drop_at(child, item, depth + 1));
        }
        _ => {}
    }
}

/// An empty list, or an empty map; an empty struct stays, as it is a pointer or always written.
fn is_empty(schema: Schema<'_>, value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty() && schema.additional().is_some() && schema.fields().next().is_none(),
        _ => false,
    }
}

fn is_zero(value: &Value) -> bool {
    value == &Value::Bool(false) || value.as_i64() == Some(0)
}
