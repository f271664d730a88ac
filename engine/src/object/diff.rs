//! What changed between two objects, by path, for people to read.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use crate::object::order;

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// JSON pointer: of the new object, or of the old one where something was removed.
    pub path: String,
    /// Old value; `None` where something was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// New value; `None` where something was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Every difference, in the order of the new object's fields; what was removed comes after what is next to it.
///
/// Elements of a list are paired by `name` where every one has its own, else by position.
#[must_use]
pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare(&mut found, &mut String::new(), before, after);
    found
}

fn compare(found: &mut Vec<Change>, path: &mut String, before: &Value, after: &Value) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(old), Value::Object(new)) => {
            for (key, value) in new {
                let pair = (old.get(key), Some(value));
                enter(path, key, |path| pair_up(found, path, pair));
            }
            for (key, value) in old.iter().filter(|(key, _)| !new.contains_key(*key)) {
                enter(path, key, |path| pair_up(found, path, (Some(value), None)));
            }
        }
        (Value::Array(old), Value::Array(new)) => compare_lists(found, path, old, new),
        _ => found.push(Change { path: path.clone(), before: Some(before.clone()), after: Some(after.clone()) }),
    }
}

fn compare_lists(found: &mut Vec<Change>, path: &mut String, old: &[Value], new: &[Value]) {
    let Some((old_names, new_names)) = names(old).zip(names(new)) else {
        for index in 0..old.len().max(new.len()) {
            let pair = (old.get(index), new.get(index));
            enter(path, &index.to_string(), |path| pair_up(found, path, pair));
        }
        return;
    };
    let known: BTreeMap<&str, &Value> = order::map(old_names.iter().copied().zip(old));
    for (index, (name, value)) in new_names.iter().zip(new).enumerate() {
        let pair = (known.get(name).copied(), Some(value));
        enter(path, &index.to_string(), |path| pair_up(found, path, pair));
    }
    for (index, (name, value)) in old_names.iter().zip(old).enumerate() {
        if !new_names.contains(name) {
            enter(path, &index.to_string(), |path| pair_up(found, path, (Some(value), None)));
        }
    }
}

/// The names of all elements, where every one has one of its own.
fn names(items: &[Value]) -> Option<Vec<&str>> {
    let mut seen = HashSet::new();
    items.iter().map(|item| item.get("name")?.as_str().filter(|name| seen.insert(*name))).collect()
}

fn pair_up(found: &mut Vec<Change>, path: &mut String, pair: (Option<&Value>, Option<&Value>)) {
    match pair {
        (Some(old), Some(new)) => compare(found, path, old, new),
        (before, after) => {
            found.push(Change { path: path.clone(), before: before.cloned(), after: after.cloned() });
        }
    }
}

fn enter(path: &mut String, key: &str, inside: impl FnOnce(&mut String)) {
    let length = path.len();
    path.push('/');
    path.push_str(&key.replace('~', "~0").replace('/', "~1"));
    inside(path);
    path.truncate(length);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(before: Value, after: Value) -> Vec<String> {
        let side = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.to_string());
        let found = changes(&before, &after).into_iter();
        found.map(|c| format!("{} {} {}", c.path, side(c.before), side(c.after))).collect()
    }

    #[test]
    fn by_path() {
        assert_eq!(
            shown(json!({"a": 1, "b/c": {"d": [1, 2]}, "x": 0}), json!({"n": {}, "b/c": {"d": [1, 3, 4]}, "x": 0})),
            ["/n - {}", "/b~1c/d/1 2 3", "/b~1c/d/2 - 4", "/a 1 -"]
        );
        assert_eq!(
            shown(json!([{"name": "a", "v": 1}, {"name": "b"}]), json!([{"name": "c"}, {"name": "a", "v": 2}])),
            ["/0 - {\"name\":\"c\"}", "/1/v 1 2", "/1 {\"name\":\"b\"} -"]
        );
        assert_eq!(shown(json!(1), json!([1])), [" 1 [1]"]);
        assert!(shown(json!({"a": null}), json!({"a": null})).is_empty());
    }
}
