//! JSON Patch (RFC 6902) as evanphx/json-patch v5 applies it, JSON Merge Patch (RFC 7386), and differences.

use serde_json::{Map, Value};

use super::gofmt::{marshal, quote};

/// What a patch may do beyond RFC 6902.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// `-1` is the last element of a list.
    pub negative_indices: bool,
    /// Removing what is not there is no error.
    pub allow_missing_path_on_remove: bool,
    /// Adding makes the parents that are missing.
    pub ensure_path_exists_on_add: bool,
}

impl Options {
    /// How Kyverno applies `patchesJson6902`.
    pub const KYVERNO: Self =
        Self { negative_indices: true, allow_missing_path_on_remove: true, ensure_path_exists_on_add: true };
    /// How the API server applies patches of clients, of webhooks and of CEL `JSONPatch`.
    pub const API_SERVER: Self =
        Self { negative_indices: true, allow_missing_path_on_remove: false, ensure_path_exists_on_add: false };
}

/// Elements that one operation may pad a list with.
const MAX_PADDING: i64 = 10_000;

/// Applies a list of operations in order.
///
/// # Errors
/// The first operation that does not apply, in the words of evanphx/json-patch.
pub fn apply(document: &Value, operations: &Value, options: Options) -> Result<Value, String> {
    let Value::Array(operations) = operations else {
        return Err("json: cannot unmarshal object into Go value of type jsonpatch.Patch".to_owned());
    };
    for operation in operations {
        validate(operation).map_err(|error| format!("invalid operation {}: {error}", marshal(operation)))?;
    }
    let mut document = document.clone();
    for operation in operations {
        apply_one(&mut document, operation, options)?;
    }
    Ok(document)
}

fn text<'a>(operation: &'a Value, field: &str) -> &'a str {
    operation.get(field).and_then(Value::as_str).unwrap_or("")
}

fn validate(operation: &Value) -> Result<(), String> {
    let missing = |field: &str, words: &str| {
        let absent = !operation.get(field).is_some_and(Value::is_string);
        if absent {
            Err(format!("failed to decode '{field}': operation{words} {field} field: missing value"))
        } else {
            Ok(())
        }
    };
    match text(operation, "op") {
        "add" | "replace" if operation.get("value").is_none() => {
            return Err("failed to decode 'value': operation, missing value field: missing value".to_owned());
        }
        "move" | "copy" => missing("from", ", missing")?,
        "add" | "replace" | "remove" | "test" => {}
        _ => return Err("unsupported operation".to_owned()),
    }
    missing("path", " missing")
}

fn apply_one(document: &mut Value, operation: &Value, options: Options) -> Result<(), String> {
    let path = text(operation, "path");
    let value = || operation.get("value").cloned().unwrap_or(Value::Null);
    match text(operation, "op") {
        "add" | "replace" if path.is_empty() => {
            let value = value();
            if !value.is_object() && !value.is_array() {
                return Err("replace operation value must be object or array: %!w(<nil>)".to_owned());
            }
            *document = value;
            Ok(())
        }
        "add" => {
            if options.ensure_path_exists_on_add {
                ensure_path(document, path)?;
            }
            let (parent, key) = find(document, path, options).ok_or_else(|| {
                format!("add operation does not apply: doc is missing path: {}: missing value", quoted(path))
            })?;
            add(parent, &key, value(), options).map_err(|error| format!("error in add for path: '{path}': {error}"))
        }
        "remove" => match find(document, path, options) {
            None if options.allow_missing_path_on_remove => Ok(()),
            None => {
                Err(format!("remove operation does not apply: doc is missing path: {}: missing value", quoted(path)))
            }
            Some((parent, key)) => remove(parent, &key, options)
                .map(|_| ())
                .map_err(|error| format!("error in remove for path: '{path}': {error}")),
        },
        "replace" => {
            let missing =
                |what: &str| format!("replace operation does not apply: doc is missing {what}: {path}: missing value");
            let (parent, key) = find(document, path, options).ok_or_else(|| missing("path"))?;
            let slot = get_mut(parent, &key, options).map_err(|_| missing("key"))?;
            *slot = value();
            Ok(())
        }
        "move" => move_value(document, text(operation, "from"), path, options),
        "copy" => copy_value(document, text(operation, "from"), path, options),
        _ => test(document, path, operation.get("value").unwrap_or(&Value::Null), options),
    }
}

fn move_value(document: &mut Value, from: &str, path: &str, options: Options) -> Result<(), String> {
    if from.is_empty() {
        return Err("unable to move entire document to another path: invalid state detected".to_owned());
    }
    let (parent, key) = find(document, from, options)
        .ok_or_else(|| format!("move operation does not apply: doc is missing from path: {from}: missing value"))?;
    let failed = |key: &str, error: String| format!("error in move for path: '{key}': {error}");
    let value = get_mut(parent, &key, options).map_err(|error| failed(&key, error))?.clone();
    remove(parent, &key, options).map_err(|error| failed(&key, error))?;
    let (parent, key) = find(document, path, options).ok_or_else(|| {
        format!("move operation does not apply: doc is missing destination path: {path}: missing value")
    })?;
    add(parent, &key, value, options).map_err(|error| failed(path, error))
}

fn copy_value(document: &mut Value, from: &str, path: &str, options: Options) -> Result<(), String> {
    let missing = |what: &str| format!("copy operation does not apply: doc is missing {what}: missing value");
    let (parent, key) =
        find(document, from, options).ok_or_else(|| missing(&format!("from path: {}", quoted(from))))?;
    let value = get_mut(parent, &key, options).map_err(|error| format!("error in copy for from: '{from}': {error}"))?;
    let value = value.clone();
    let (parent, key) = find(document, path, options).ok_or_else(|| missing(&format!("destination path: {path}")))?;
    add(parent, &key, value, options).map_err(|error| format!("error while adding value during copy: {error}"))
}

fn test(document: &mut Value, path: &str, wanted: &Value, options: Options) -> Result<(), String> {
    let failed = || format!("testing value {path} failed: test failed");
    if path.is_empty() {
        return if document == wanted { Ok(()) } else { Err(failed()) };
    }
    let (parent, key) = find(document, path, options)
        .ok_or_else(|| format!("test operation does not apply: is missing path: {path}: missing value"))?;
    let is_list = parent.is_array();
    match get_mut(parent, &key, options) {
        Ok(found) if found == wanted => Ok(()),
        Err(error) if is_list => Err(format!("error in test for path: '{path}': {error}")),
        Err(_) if wanted.is_null() => Ok(()),
        _ => Err(failed()),
    }
}

fn quoted(path: &str) -> String {
    format!("\"{path}\"")
}

fn decode(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// The container of the last part of a path, and that part. As in Go, what stands before the first slash is not read.
fn find<'a>(document: &'a mut Value, path: &str, options: Options) -> Option<(&'a mut Value, String)> {
    let mut parts: Vec<&str> = path.split('/').skip(1).collect();
    let last = parts.pop()?;
    let mut node = document;
    for part in parts {
        node = get_mut(node, &decode(part), options).ok().filter(|node| !node.is_null())?;
    }
    (node.is_object() || node.is_array()).then(|| (node, decode(last)))
}

fn index_error(index: i64) -> String {
    format!("Unable to access invalid index: {index}: invalid index referenced")
}

fn integer(key: &str) -> Result<i64, String> {
    key.parse().map_err(|_| format!("strconv.Atoi: parsing {}: invalid syntax", quote(key)))
}

/// An index into a list of `length` elements.
fn position(index: i64, length: usize, options: Options) -> Result<usize, String> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let counted = if index < 0 && options.negative_indices { index + length } else { index };
    match usize::try_from(counted) {
        Ok(position) if counted < length => Ok(position),
        _ => Err(index_error(index)),
    }
}

fn get_mut<'a>(container: &'a mut Value, key: &str, options: Options) -> Result<&'a mut Value, String> {
    match container {
        Value::Object(map) => {
            map.get_mut(key).ok_or_else(|| format!("unable to get nonexistent key: {key}: missing value"))
        }
        Value::Array(items) => {
            let index = integer(key)?;
            let at = position(index, items.len(), options)?;
            items.get_mut(at).ok_or_else(|| index_error(index))
        }
        _ => Err("invalid value, expected object".to_owned()),
    }
}

fn add(container: &mut Value, key: &str, value: Value, options: Options) -> Result<(), String> {
    match container {
        Value::Object(map) => {
            map.insert(key.to_owned(), value);
        }
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => {
            let index =
                integer(key).map_err(|error| format!("value was not a proper array index: '{key}': {error}"))?;
            let at = position(index, items.len() + 1, options)?;
            items.insert(at, value);
        }
        _ => return Err("invalid value, expected object".to_owned()),
    }
    Ok(())
}

fn remove(container: &mut Value, key: &str, options: Options) -> Result<Option<Value>, String> {
    match container {
        Value::Object(map) => match map.shift_remove(key) {
            None if !options.allow_missing_path_on_remove => {
                Err(format!("unable to remove nonexistent key: {key}: missing value"))
            }
            removed => Ok(removed),
        },
        Value::Array(items) => {
            let index = integer(key)?;
            match position(index, items.len(), options) {
                Ok(at) => Ok(Some(items.remove(at))),
                Err(_) if options.allow_missing_path_on_remove => Ok(None),
                Err(error) => Err(error),
            }
        }
        _ => Err("invalid value, expected object".to_owned()),
    }
}

/// Makes the parents of a path: a list where the next part is a number or `-`, else a mapping. Null counts as missing.
fn ensure_path(document: &mut Value, path: &str) -> Result<(), String> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let options = Options::KYVERNO;
    let mut node = document;
    for pair in parts.windows(2) {
        let [part, next] = pair else { break };
        if get_mut(node, &decode(part), options).is_ok_and(|found| !found.is_null()) {
            let Ok(found) = get_mut(node, &decode(part), options) else { break };
            node = found;
            continue;
        }
        if let (Value::Array(items), Ok(index)) = (&mut *node, integer(part)) {
            pad(items, index)?;
        }
        let mut made = if *next == "-" { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
        if let Ok(index) = integer(next) {
            if index < -1 {
                return Err(format!(
                    "Unable to ensure path for negative index other than -1: {index}: invalid index referenced"
                ));
            }
            let mut items = Vec::new();
            pad(&mut items, index)?;
            made = Value::Array(items);
        }
        // Go uses the part as it stands here, `~1` and all; and what cannot be added is found missing later.
        if add(node, part, made, options).is_err() {
            break;
        }
        let Ok(found) = get_mut(node, if *part == "-" { "-1" } else { part }, options) else { break };
        node = found;
    }
    Ok(())
}

fn pad(items: &mut Vec<Value>, index: i64) -> Result<(), String> {
    if index > MAX_PADDING {
        return Err(index_error(index));
    }
    let wanted = usize::try_from(index).unwrap_or(0);
    if items.len() < wanted {
        items.resize(wanted, Value::Null);
    }
    Ok(())
}

/// JSON Merge Patch: `null` removes, mappings merge, anything else replaces.
#[must_use]
pub fn merge(document: &Value, patch: &Value) -> Value {
    let mut document = document.clone();
    json_patch::merge(&mut document, patch);
    document
}

/// The JSON Merge Patch that makes `after` of `before`; `None` where they are the same.
#[must_use]
pub fn merge_diff(before: &Value, after: &Value) -> Option<Value> {
    if before == after {
        return None;
    }
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else { return Some(after.clone()) };
    let gone = old.keys().filter(|key| !new.contains_key(*key)).map(|key| (key.clone(), Value::Null));
    let changed = new.iter().filter_map(|(key, value)| {
        let change = match old.get(key) {
            Some(old) => merge_diff(old, value)?,
            None => value.clone(),
        };
        Some((key.clone(), change))
    });
    Some(Value::Object(changed.chain(gone).collect()))
}

/// The operations of a JSON Patch that makes `after` of `before`.
#[must_use]
pub fn diff(before: &Value, after: &Value) -> Vec<Value> {
    let operations = json_patch::diff(before, after);
    operations.iter().filter_map(|operation| serde_json::to_value(operation).ok()).collect()
}

#[cfg(test)]
mod tests;
