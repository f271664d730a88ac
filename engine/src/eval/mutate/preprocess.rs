//! Turns a strategic merge patch with anchors into a plain one for a given resource
//! (`pkg/engine/mutate/patch/strategicPreprocessing.go`).
//!
//! `+(key)` is dropped where the key is there and becomes a plain key where it is not. `(key)` and `<(key)` are conditions
//! on the resource: one that fails in a map empties the whole patch, one that fails in a list of maps leaves out that
//! element. An element of a list with anchors becomes one plain element per matching resource element, bound by `name`.

use serde_json::{Map, Value};

use crate::eval::anchors::{Anchor, Modifier, parse};
use crate::object::gofmt;

/// Matches a resource value against a pattern, as validation does.
pub(super) type Matcher<'m> = &'m dyn Fn(&Value, &Value) -> bool;

/// Why a patch does not apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// A `(key)` condition.
    Condition(String),
    /// A `<(key)` condition.
    Global(String),
    /// The patch or the resource has another shape than the patch needs.
    Shape(String),
}

/// The patch without anchors.
///
/// # Errors
/// A condition does not hold, or the patch is no mapping.
pub(super) fn preprocess(patch: &Value, resource: &Value, matcher: Matcher<'_>) -> Result<Value, Mismatch> {
    let mut patch = patch.clone();
    walk(&mut patch, Some(resource), matcher)?;
    let Value::Object(map) = &mut patch else {
        return Err(Mismatch::Shape("wrong node kind: expected a mapping".to_owned()));
    };
    for key in keys(map) {
        let condition = is_condition(&key);
        if map.get_mut(&key).is_some_and(|value| delete_anchors(value, condition)) {
            map.shift_remove(&key);
        }
    }
    Ok(patch)
}

fn walk(pattern: &mut Value, resource: Option<&Value>, matcher: Matcher<'_>) -> Result<(), Mismatch> {
    match pattern {
        Value::Object(map) => walk_map(map, resource, matcher),
        Value::Array(items) if items.first().is_some_and(Value::is_object) => walk_list(items, resource, matcher),
        _ => Ok(()),
    }
}

fn walk_map(pattern: &mut Map<String, Value>, resource: Option<&Value>, matcher: Matcher<'_>) -> Result<(), Mismatch> {
    add_if_not_present(pattern, resource);
    check_conditions(pattern, resource, Modifier::Global, matcher).map_err(Mismatch::Global)?;
    check_conditions(pattern, resource, Modifier::Condition, matcher).map_err(Mismatch::Condition)?;
    for key in keys(pattern) {
        if parse(&key).is_some_and(|anchor| counts(&anchor)) {
            continue;
        }
        let below = resource.and_then(|resource| resource.get(&key));
        if let Some(value) = pattern.get_mut(&key) {
            walk(value, below, matcher)?;
        }
    }
    Ok(())
}

fn walk_list(items: &mut Vec<Value>, resource: Option<&Value>, matcher: Matcher<'_>) -> Result<(), Mismatch> {
    let elements: &[Value] = match resource {
        None | Some(Value::Null) => &[],
        Some(Value::Array(elements)) => elements,
        Some(other) => {
            return Err(Mismatch::Shape(format!("wrong node kind: expected a list, found {}", gofmt::marshal(other))));
        }
    };
    let mut bound = Vec::new();
    for item in items.iter() {
        if !has_anchor(item, &counts) {
            continue;
        }
        let global = has_anchor(item, &|anchor| anchor.modifier == Modifier::Global);
        let mut passed = false;
        let mut failed = None;
        // Shared by all elements: what `+(key)` did for one of them stays done for the next.
        let mut copy = item.clone();
        let alone = resource.is_none().then_some(None);
        for element in elements.iter().map(Some).chain(alone) {
            match walk(&mut copy, element, matcher) {
                Err(Mismatch::Condition(_)) => {}
                Err(Mismatch::Global(words)) if element.is_some() => failed = Some(Mismatch::Global(words)),
                Err(other) => return Err(other),
                Ok(()) if global => passed = true,
                Ok(()) => bound.extend(element.and_then(|element| bind_to(&copy, element))),
            }
        }
        if let Some(failed) = failed.filter(|_| !passed) {
            return Err(failed);
        }
    }
    items.append(&mut bound);
    Ok(())
}

/// The patch element for one resource element; an element without `name` cannot be addressed and is left out.
fn bind_to(pattern: &Value, element: &Value) -> Option<Value> {
    let name = element.get("name").filter(|name| !is_nil_or_empty(name))?;
    let mut out = pattern.clone();
    if delete_anchors(&mut out, true) {
        return None;
    }
    out.as_object_mut()?.insert("name".to_owned(), name.clone());
    Some(out)
}

/// How many `+(key)` there were.
fn add_if_not_present(pattern: &mut Map<String, Value>, resource: Option<&Value>) -> usize {
    let mut count = 0;
    for key in keys(pattern) {
        let Some(anchor) = parse(&key).filter(|anchor| anchor.modifier == Modifier::AddIfNotPresent) else { continue };
        count += 1;
        if resource.and_then(|resource| resource.get(anchor.key)).is_some() {
            pattern.shift_remove(&key);
        } else {
            rename(pattern, &key, anchor.key);
        }
    }
    count
}

fn check_conditions(
    pattern: &mut Map<String, Value>,
    resource: Option<&Value>,
    modifier: Modifier,
    matcher: Matcher<'_>,
) -> Result<(), String> {
    for key in keys(pattern) {
        let Some(anchor) = parse(&key).filter(|anchor| anchor.modifier == modifier) else { continue };
        let Some(found) = resource.and_then(|resource| resource.get(anchor.key)) else {
            return Err(format!("could not found \"{}\" key in the resource", anchor.key));
        };
        let Some(wanted) = pattern.get_mut(&key) else { continue };
        if let Value::Object(wanted) = wanted
            && add_if_not_present(wanted, Some(found)) > 0
        {
            continue;
        }
        if !matcher(&as_text(found), &as_text(wanted)) {
            return Err(format!("{key}: {} does not match {}", gofmt::marshal(found), gofmt::marshal(wanted)));
        }
    }
    Ok(())
}

/// Scalars are compared as the text they are written with.
fn as_text(value: &Value) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) | Value::String(_) => value.clone(),
        scalar => Value::String(gofmt::marshal(scalar)),
    }
}

/// Removes what is anchored, and says whether the node is to go, too: because nothing plain was in it.
fn delete_anchors(node: &mut Value, scalar: bool) -> bool {
    match node {
        Value::Object(map) => delete_in_map(map),
        Value::Array(items) => delete_in_list(items),
        _ => scalar,
    }
}

fn delete_in_map(map: &mut Map<String, Value>) -> bool {
    let conditions: Vec<String> = keys(map).into_iter().filter(|key| is_condition(key)).collect();
    let mut left = Vec::new();
    for key in conditions {
        if map.get_mut(&key).is_some_and(|value| delete_anchors(value, true)) {
            map.shift_remove(&key);
        } else {
            left.push(key);
        }
    }
    for key in left {
        if let Some(anchor) = parse(&key) {
            rename(map, &key, anchor.key);
        }
    }
    let mut nothing_left = true;
    for key in keys(map) {
        if map.get_mut(&key).is_some_and(|value| delete_anchors(value, false)) {
            map.shift_remove(&key);
        } else {
            nothing_left = false;
        }
    }
    nothing_left
}

/// Removes by the index the element had at the beginning, as Kyverno does: with several anchored elements in one list the
/// wrong neighbours go. Where that index is past the end (Kyverno panics there) the last element goes.
fn delete_in_list(items: &mut Vec<Value>) -> bool {
    let was_empty = items.is_empty();
    let mut snapshot = std::mem::take(items);
    let delete: Vec<bool> =
        snapshot.iter_mut().map(|item| has_anchor(item, &counts) || delete_anchors(item, false)).collect();
    *items = snapshot;
    for (index, _) in delete.iter().enumerate().filter(|(_, delete)| **delete) {
        if index < items.len() {
            items.remove(index);
        } else {
            items.pop();
        }
    }
    items.is_empty() && !was_empty
}

fn has_anchor(node: &Value, wanted: &dyn Fn(&Anchor<'_>) -> bool) -> bool {
    match node {
        Value::Object(map) => map.iter().any(|(key, value)| {
            parse(key).is_some_and(|anchor| wanted(&anchor)) || (!is_nil_or_empty(value) && has_anchor(value, wanted))
        }),
        Value::Array(items) => items.iter().any(|item| has_anchor(item, wanted)),
        // Whatever is looked for, a scalar written like a condition counts.
        Value::String(text) => is_condition(text),
        _ => false,
    }
}

fn counts(anchor: &Anchor<'_>) -> bool {
    matches!(anchor.modifier, Modifier::Condition | Modifier::Global | Modifier::AddIfNotPresent)
}

fn is_condition(key: &str) -> bool {
    parse(key).is_some_and(|anchor| matches!(anchor.modifier, Modifier::Condition | Modifier::Global))
}

fn is_nil_or_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Renames a key and keeps its place.
fn rename(map: &mut Map<String, Value>, from: &str, to: &str) {
    let entries = std::mem::take(map);
    for (key, value) in entries {
        let key = if key == from { to.to_owned() } else { key };
        map.insert(key, value);
    }
}

fn keys(map: &Map<String, Value>) -> Vec<String> {
    map.keys().cloned().collect()
}
