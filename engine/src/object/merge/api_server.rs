//! Strategic merge patches as the API server applies them, and the three-way merge of `kubectl apply`.
//!
//! Follows `k8s.io/apimachinery/pkg/util/strategicpatch`. Kinds whose schema is not known are merged as JSON Merge
//! Patch would: the API server refuses strategic patches for them, and kubectl falls back to that.

use serde_json::{Map, Value};

use super::{DIRECTIVE, Directive};
use crate::object::ObjectExt;
use crate::object::merge_keys::{Place, Release};
use crate::object::order;

const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_PRIMITIVES: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

/// `kubectl patch --type strategic`.
///
/// # Errors
/// Unknown directives, and elements without the merge key of their list.
pub fn strategic(object: &Value, patch: &Value) -> Result<Value, String> {
    let place = Place::of(&object.gvk(), Release::ApiServer);
    let (Value::Object(object), Value::Object(patch)) = (object, patch) else { return Ok(patch.clone()) };
    merge_maps(object.clone(), patch, place).map(Value::Object)
}

fn directive(patch: &Map<String, Value>) -> Result<Directive, String> {
    let Some(value) = patch.get(DIRECTIVE) else { return Ok(Directive::Merge) };
    let words = || format!("Unknown patch type found: {}", crate::object::gofmt::sprint(value));
    Directive::parse(value).ok_or_else(words)
}

fn merge_maps(
    mut object: Map<String, Value>,
    patch: &Map<String, Value>,
    place: Option<Place>,
) -> Result<Map<String, Value>, String> {
    match directive(patch)? {
        Directive::Replace => {
            let kept = patch.iter().filter(|(key, _)| *key != DIRECTIVE);
            return Ok(kept.map(|(key, value)| (key.clone(), value.clone())).collect());
        }
        Directive::Delete => return Ok(Map::new()),
        Directive::Merge => {}
    }
    if let Some(Value::Array(retained)) = patch.get(RETAIN_KEYS) {
        object.retain(|key, _| retained.iter().any(|name| name.as_str() == Some(key)));
    }
    for (key, value) in patch {
        if key == DIRECTIVE || key == RETAIN_KEYS || key.starts_with(ORDER) {
            continue;
        }
        if let Some(list) = key.strip_prefix(DELETE_PRIMITIVES) {
            if let (Some(Value::Array(items)), Value::Array(gone)) = (object.get_mut(list), value) {
                items.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if value.is_null() {
            object.shift_remove(key);
            continue;
        }
        let below = place.and_then(|place| place.field(key));
        let merged = match (object.get(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => Value::Object(merge_maps(old.clone(), new, below)?),
            (None, Value::Object(new)) => Value::Object(merge_maps(Map::new(), new, below)?),
            (old, Value::Array(new)) => {
                let old = old.and_then(Value::as_array).cloned().unwrap_or_default();
                merge_lists(old, new, below)?
            }
            _ => value.clone(),
        };
        object.insert(key.clone(), merged);
    }
    for (key, order) in patch {
        if let (Some(list), Value::Array(order)) = (key.strip_prefix(ORDER), order) {
            let below = place.and_then(|place| place.field(list));
            if let Some(Value::Array(items)) = object.get_mut(list) {
                *items = ordered(std::mem::take(items), order, below);
            }
        }
    }
    Ok(object)
}

/// The merge key of a list: its first one, as strategic merge patches know but one. `None` for a list that is replaced.
fn merge_key(place: Option<Place>) -> Option<Option<&'static str>> {
    Some(place?.merge_keys()?.first().copied())
}

fn merge_lists(mut old: Vec<Value>, new: &[Value], place: Option<Place>) -> Result<Value, String> {
    let Some(key) = merge_key(place) else { return Ok(Value::Array(new.to_vec())) };
    let Some(key) = key else {
        for item in new {
            if !old.contains(item) {
                old.push(item.clone());
            }
        }
        return Ok(Value::Array(old));
    };
    if new.iter().any(|item| item.str_at(&[DIRECTIVE]) == "replace" && item.get(key).is_none()) {
        let kept = new.iter().filter(|item| item.get(DIRECTIVE).is_none()).cloned();
        return Ok(Value::Array(kept.collect()));
    }
    let below = place.map(|place| place.elements());
    for item in new {
        let Value::Object(patch) = item else {
            return Err("invalid typed patch: an element of a merged list is no mapping".to_owned());
        };
        let Some(name) = item.get(key) else {
            let shown = crate::object::gofmt::sprint(item);
            return Err(format!("map: {shown} does not contain declared merge key: {key}"));
        };
        let at = old.iter().position(|known| known.get(key) == Some(name));
        match (directive(patch)?, at) {
            (Directive::Delete, _) => old.retain(|known| known.get(key) != Some(name)),
            (_, Some(at)) => {
                if let Some(Value::Object(known)) = old.get_mut(at) {
                    *known = merge_maps(std::mem::take(known), patch, below)?;
                }
            }
            (_, None) => old.push(Value::Object(merge_maps(Map::new(), patch, below)?)),
        }
    }
    Ok(Value::Array(old))
}

/// Elements in the order that the client asks for; those it does not name keep their place among their neighbours.
fn ordered(items: Vec<Value>, order: &[Value], place: Option<Place>) -> Vec<Value> {
    let key = merge_key(place).flatten();
    let name = |item: &Value| key.map_or_else(|| item.clone(), |key| item.get(key).cloned().unwrap_or(Value::Null));
    let rank = |item: &Value| order.iter().position(|wanted| name(wanted) == name(item));
    let (mut named, others): (Vec<_>, Vec<_>) =
        items.into_iter().enumerate().partition(|(_, item)| rank(item).is_some());
    order::sort_by_key(&mut named, |(_, item)| rank(item));
    let mut others = others.into_iter().peekable();
    let mut result = Vec::new();
    for (at, item) in named {
        while let Some((_, other)) = others.next_if(|(other_at, _)| *other_at < at) {
            result.push(other);
        }
        result.push(item);
    }
    result.extend(others.map(|(_, other)| other));
    result
}

/// What `kubectl apply` (client side) makes of the live object: what `last_applied` had and `modified` has no more is
/// removed, what `modified` has is set, everything else stays.
///
/// # Errors
/// Elements without the merge key of their list.
pub fn three_way(last_applied: &Value, modified: &Value, live: &Value) -> Result<Value, String> {
    let place = Place::of(&live.gvk(), Release::ApiServer);
    let patch = removals(last_applied, modified, place);
    let mut merged = strategic(live, &patch)?;
    merged = strategic(&merged, modified)?;
    Ok(reordered(merged, modified, place))
}

/// A patch that takes away what `last_applied` has and `modified` has not.
fn removals(last_applied: &Value, modified: &Value, place: Option<Place>) -> Value {
    let (Value::Object(last), Value::Object(now)) = (last_applied, modified) else { return Value::Object(Map::new()) };
    let mut patch = Map::new();
    for (key, old) in last {
        let below = place.and_then(|place| place.field(key));
        match (old, now.get(key)) {
            (_, None | Some(Value::Null)) => {
                patch.insert(key.clone(), Value::Null);
            }
            (Value::Object(_), Some(new @ Value::Object(_))) => {
                let inner = removals(old, new, below);
                if inner.as_object().is_some_and(|inner| !inner.is_empty()) {
                    patch.insert(key.clone(), inner);
                }
            }
            (Value::Array(old), Some(Value::Array(new))) => match merge_key(below) {
                Some(Some(name)) => {
                    let gone = list_removals(old, new, name, below);
                    if !gone.is_empty() {
                        patch.insert(key.clone(), Value::Array(gone));
                    }
                }
                Some(None) => {
                    let gone: Vec<Value> = old.iter().filter(|item| !new.contains(item)).cloned().collect();
                    patch.insert(format!("{DELETE_PRIMITIVES}{key}"), Value::Array(gone));
                }
                None => {}
            },
            _ => {}
        }
    }
    Value::Object(patch)
}

fn list_removals(old: &[Value], new: &[Value], key: &str, place: Option<Place>) -> Vec<Value> {
    let mut patch = Vec::new();
    for item in old {
        let Some(name) = item.get(key) else { continue };
        let mut inner = Map::from_iter([(key.to_owned(), name.clone())]);
        match new.iter().find(|known| known.get(key) == Some(name)) {
            None => {
                inner.insert(DIRECTIVE.to_owned(), Value::from("delete"));
            }
            Some(known) => {
                let below = place.map(|place| place.elements());
                let Value::Object(gone) = removals(item, known, below) else { continue };
                if gone.is_empty() {
                    continue;
                }
                inner.extend(gone);
            }
        }
        patch.push(Value::Object(inner));
    }
    patch
}

/// Puts the elements of merged lists into the order of the applied object.
fn reordered(merged: Value, modified: &Value, place: Option<Place>) -> Value {
    let (Value::Object(mut merged), Value::Object(modified)) = (merged.clone(), modified) else { return merged };
    for (key, wanted) in modified {
        let below = place.and_then(|place| place.field(key));
        let Some(slot) = merged.get_mut(key) else { continue };
        let value = std::mem::take(slot);
        *slot = match (value, wanted) {
            (Value::Array(items), Value::Array(order)) if merge_key(below).is_some() => {
                let inner = below.map(|place| place.elements());
                let key = merge_key(below).flatten().unwrap_or("");
                let items = ordered(items, order, below).into_iter();
                let find = |item: &Value| order.iter().find(|wanted| wanted.get(key) == item.get(key)).cloned();
                Value::Array(
                    items
                        .map(|item| if let Some(wanted) = find(&item) { reordered(item, &wanted, inner) } else { item })
                        .collect(),
                )
            }
            (value @ Value::Object(_), wanted @ Value::Object(_)) => reordered(value, wanted, below),
            (value, _) => value,
        };
    }
    Value::Object(merged)
}
