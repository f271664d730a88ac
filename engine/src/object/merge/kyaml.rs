//! kyaml's `merge2` with new list items before the old ones and the schema of Kubernetes 1.21.2, as Kyverno calls it.
//!
//! Anchors are not known here. Surprising but upstream's: an element that lacks the merge key of its list takes the
//! others with it, elements of equal keys collapse, and `$patch: replace` in an element that exists has no effect.

use serde_json::{Map, Value};

use super::{DIRECTIVE, Directive};
use crate::object::ObjectExt;
use crate::object::gofmt;
use crate::object::merge_keys::{Place, Release};
use crate::object::order;

/// Merges a patch into an object; `None` when the patch deletes the object.
///
/// # Errors
/// A patch whose node kinds differ from the object's, or an unknown `$patch` directive.
pub fn merge(object: &Value, patch: &Value) -> Result<Option<Value>, String> {
    walk(Some(object.clone()), Some(patch.clone()), None)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "MappingNode",
        Value::Array(_) => "SequenceNode",
        _ => "ScalarNode",
    }
}

fn schema_of(dest: Option<&Value>, patch: Option<&Value>) -> Option<Place> {
    let typed = |value: &&Value| !value.api_version().is_empty() && !value.kind().is_empty();
    let mut typed = dest.into_iter().chain(patch).filter(typed);
    typed.find_map(|value| Place::of(&value.gvk(), Release::Kyaml))
}

/// The merged value; `None` removes it. A missing value is `None`, an explicit null is not.
fn walk(dest: Option<Value>, patch: Option<Value>, place: Option<Place>) -> Result<Option<Value>, String> {
    let place = place.or_else(|| schema_of(dest.as_ref(), patch.as_ref()));
    let Some(first) = dest.iter().chain(&patch).find(|value| !value.is_null()) else {
        // Null in the object is kept where the patch says nothing.
        return Ok(if patch.is_none() { dest } else { None });
    };
    let wanted = kind_of(first);
    if let Some(odd) = dest.iter().chain(&patch).find(|value| !value.is_null() && kind_of(value) != wanted) {
        let text = crate::parse::emit(odd);
        return Err(format!("wrong node kind: expected {wanted} but got {}: node contents:\n{text}", kind_of(odd)));
    }
    match wanted {
        "MappingNode" => walk_map(dest, patch, place),
        "SequenceNode" => match place.and_then(|place| Some((place, place.merge_keys()?))) {
            Some((place, keys)) => walk_list(dest, patch, place.elements(), keys),
            None => Ok(patch.or(dest)),
        },
        _ => Ok(patch.or(dest)),
    }
}

fn walk_map(dest: Option<Value>, patch: Option<Value>, place: Option<Place>) -> Result<Option<Value>, String> {
    let (dest, patch) = match (dest, patch) {
        (Some(Value::Object(mut dest)), Some(Value::Object(mut patch))) => match take_directive(&mut patch)? {
            Directive::Delete => return Ok(None),
            Directive::Replace => (patch.clone(), Some(patch)),
            Directive::Merge => {
                dest.shift_remove(DIRECTIVE);
                (dest, Some(patch))
            }
        },
        (Some(Value::Object(dest)), None) => (dest, None),
        (Some(Value::Object(_)), Some(_)) => return Ok(None),
        // What is added is walked over itself: that takes out its nulls and directives.
        (_, Some(Value::Object(mut patch))) => match take_directive(&mut patch) {
            Ok(Directive::Delete) => return Ok(None),
            _ => (patch.clone(), Some(patch)),
        },
        (dest, _) => return Ok(dest),
    };
    let mut result = dest;
    let mut names: Vec<String> = result.keys().chain(patch.iter().flat_map(Map::keys)).cloned().collect();
    order::sort(&mut names);
    names.dedup();
    for name in names {
        let from = patch.as_ref().and_then(|patch| patch.get(&name)).cloned();
        let old = result.get(&name).cloned();
        let kept_null = from.is_none() && old.as_ref().is_some_and(Value::is_null);
        match walk(old, from, place.and_then(|place| place.field(&name)))? {
            Some(value) if !value.is_null() || kept_null => {
                result.insert(name, value);
            }
            _ => {
                result.shift_remove(&name);
            }
        }
    }
    Ok(Some(Value::Object(result)))
}

fn take_directive(patch: &mut Map<String, Value>) -> Result<Directive, String> {
    let Some(value) = patch.get(DIRECTIVE) else { return Ok(Directive::Merge) };
    let directive =
        Directive::parse(value).ok_or_else(|| format!("unknown patch strategy '{}'", gofmt::sprint(value)))?;
    patch.shift_remove(DIRECTIVE);
    Ok(directive)
}

/// A directive for a list is an element of nothing but `$patch`.
fn take_list_directive(patch: &mut Vec<Value>) -> Result<Directive, String> {
    let at = patch.iter().position(|item| item.get(DIRECTIVE).is_some());
    let Some((at, Value::Object(item))) = at.and_then(|at| Some((at, patch.get(at)?))) else {
        return Ok(Directive::Merge);
    };
    if item.len() != 1 {
        return Ok(Directive::Merge);
    }
    let directive = take_directive(&mut item.clone())?;
    patch.remove(at);
    Ok(directive)
}

fn walk_list(dest: Option<Value>, patch: Option<Value>, place: Place, keys: &[&str]) -> Result<Option<Value>, String> {
    let (mut dest, patch) = match (dest, patch) {
        (Some(Value::Array(dest)), Some(Value::Array(mut patch))) => match take_list_directive(&mut patch)? {
            Directive::Delete => return Ok(None),
            Directive::Replace => (patch.clone(), patch),
            Directive::Merge => (dest, patch),
        },
        (Some(Value::Array(dest)), None) => (dest, Vec::new()),
        (Some(Value::Array(_)), Some(_)) => return Ok(None),
        (_, Some(Value::Array(patch))) => (patch.clone(), patch),
        (dest, _) => return Ok(dest),
    };
    // A list of scalars has one nameless key.
    let keys = if keys.is_empty() { &[""] } else { keys };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for item in patch.iter().chain(&dest) {
        let row: Vec<String> = keys.iter().map(|key| field_text(item, key)).collect();
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    if keys.len() > 1 {
        merge_rows(&mut rows);
    }
    let mut added: Vec<Value> = Vec::new();
    let mut last_keys: Vec<&str> = Vec::new();
    for row in &rows {
        let (valid_keys, values) = valid_keys(&rows, row, keys);
        add_element(&mut dest, &patch, &mut added, (&valid_keys, &values), place)?;
        last_keys = valid_keys;
    }
    if rows.is_empty() {
        return Ok(Some(Value::Array(dest)));
    }
    Ok(Some(Value::Array(append_list(added, &dest, &last_keys))))
}

/// Walks the elements of both lists that have these values and puts the result into `added`.
fn add_element(
    dest: &mut Vec<Value>,
    patch: &[Value],
    added: &mut Vec<Value>,
    (keys, values): (&[&str], &[String]),
    place: Place,
) -> Result<(), String> {
    let (find_keys, find_values) = valid_keys(&[values.to_vec()], values, keys);
    let old = dest.iter().position(|item| has_fields(item, &find_keys, &find_values));
    let new = patch.iter().find(|item| has_fields(item, &find_keys, &find_values)).cloned();
    let replaces = new.as_ref().is_some_and(|item| item.str_at(&[DIRECTIVE]) == "replace");
    let merged = walk(old.and_then(|at| dest.get(at)).cloned(), new, Some(place))?;
    let empty = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
    let Some(mut merged) = merged.filter(|value| !empty(value)) else {
        set_element(dest, None, keys, values);
        return Ok(());
    };
    if let Value::Object(map) = &mut merged {
        for (key, value) in keys.iter().zip(values).filter(|(_, value)| !value.is_empty()) {
            if !map.contains_key(*key) {
                let value = value.parse::<i64>().map_or_else(|_| Value::from(value.as_str()), Value::from);
                map.insert((*key).to_owned(), value);
            }
        }
    }
    // The element is merged in its place too, but for one that is replaced: there the old one comes back below.
    if let Some(slot) = old.filter(|_| !replaces).and_then(|at| dest.get_mut(at)) {
        *slot = merged.clone();
    }
    set_element(added, Some(&merged), keys, values);
    Ok(())
}

/// kyaml's `appendListNode`: elements of `source` replace those of equal keys, or come last.
fn append_list(mut list: Vec<Value>, source: &[Value], keys: &[&str]) -> Vec<Value> {
    for item in source {
        if keys.first().is_none_or(|key| key.is_empty()) {
            set_element(&mut list, Some(item), &[""], &[scalar_text(item)]);
            continue;
        }
        let mut values = Vec::new();
        for key in keys {
            match item.get(*key).filter(|value| !value.is_null()) {
                Some(value) => values.push(scalar_text(value)),
                None => list.push(item.clone()),
            }
        }
        if keys.len() > 1 {
            set_element(&mut list, None, keys, &values);
        }
        set_element(&mut list, Some(item), keys, &values);
    }
    list
}

/// kyaml's `ElementSetter`: replaces, appends, or (with no element) removes. Without values it drops all the others.
fn set_element(list: &mut Vec<Value>, element: Option<&Value>, keys: &[&str], values: &[String]) {
    let for_maps = keys.first().is_some_and(|key| !key.is_empty()) && values.first().is_some_and(|v| !v.is_empty());
    let mut matched = false;
    let mut kept = Vec::with_capacity(list.len() + 1);
    for item in list.drain(..) {
        if item.is_null() || item.as_object().is_some_and(Map::is_empty) {
            continue;
        }
        if !item.is_object() && for_maps {
            kept.push(item);
            continue;
        }
        let mut found = false;
        for (index, key) in keys.iter().enumerate() {
            // A key without a value repeats the outcome of the one before it.
            if let Some(value) = values.get(index) {
                found = has_field(&item, key, value);
            }
            if !found {
                break;
            }
        }
        if found {
            matched = true;
            kept.extend(element.cloned());
        } else if !values.is_empty() {
            kept.push(item);
        }
    }
    if let Some(element) = element.filter(|element| !matched && !element.is_null()) {
        kept.push(element.clone());
    }
    *list = kept;
}

/// kyaml's `FieldMatcher`: an empty value asks only that the field is there.
fn has_field(item: &Value, key: &str, value: &str) -> bool {
    if key.is_empty() {
        return scalar_text(item) == value;
    }
    item.get(key).is_some_and(|found| value.is_empty() || scalar_text(found) == value)
}

/// kyaml's `ElementMatcher`: every field is there and has the value, be it empty.
fn has_fields(item: &Value, keys: &[&str], values: &[String]) -> bool {
    if keys.first().is_none_or(|key| key.is_empty()) {
        return values.first().is_some_and(|value| scalar_text(item) == *value);
    }
    keys.iter().zip(values).all(|(key, value)| item.get(*key).is_some_and(|found| scalar_text(found) == *value))
}

fn field_text(item: &Value, key: &str) -> String {
    if key.is_empty() { scalar_text(item) } else { item.get(key).map(scalar_text).unwrap_or_default() }
}

/// The text of a scalar node; mappings, lists and null have none.
fn scalar_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => gofmt::marshal(value),
        _ => String::new(),
    }
}

/// Keys that some element of the list has a value for, with the values of this one.
fn valid_keys<'k>(rows: &[Vec<String>], values: &[String], keys: &[&'k str]) -> (Vec<&'k str>, Vec<String>) {
    let used = |index: usize| rows.iter().any(|row| row.get(index).is_some_and(|value| !value.is_empty()));
    let pairs: Vec<_> = keys.iter().zip(values).enumerate().filter(|(index, _)| used(*index)).collect();
    if pairs.is_empty() {
        return (keys.to_vec(), values.to_vec());
    }
    pairs.into_iter().map(|(_, (key, value))| (*key, value.clone())).unzip()
}

/// Rows that agree but for values that one of them lacks become one: the same port with and without its protocol.
fn merge_rows(rows: &mut [Vec<String>]) {
    for i in 0..rows.len() {
        for j in 0..rows.len() {
            let merged = rows.get(i).zip(rows.get(j)).and_then(|(a, b)| merged_row(a, b));
            if let Some(merged) = merged {
                for at in [i, j] {
                    if let Some(row) = rows.get_mut(at) {
                        row.clone_from(&merged);
                    }
                }
            }
        }
    }
}

fn merged_row(a: &[String], b: &[String]) -> Option<Vec<String>> {
    let fits = a.iter().zip(b).all(|(a, b)| a == b || a.is_empty() || b.is_empty());
    let common = a.iter().zip(b).any(|(a, b)| a == b);
    (fits && common && a.len() == b.len())
        .then(|| a.iter().zip(b).map(|(a, b)| if a.is_empty() { b } else { a }.clone()).collect())
}
