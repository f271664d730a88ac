//! Reading rules the way Kyverno's Go structs do: what counts as set, and what a rule does.

use serde_json::Value;

use crate::object::ObjectExt;

/// One rule with its field path.
#[derive(Clone, Copy)]
pub(super) struct Rule<'a> {
    pub(super) index: usize,
    pub(super) value: &'a Value,
}

impl<'a> Rule<'a> {
    pub(super) fn name(self) -> &'a str {
        self.value.str_at(&["name"])
    }

    pub(super) fn path(self) -> String {
        format!("spec.rules[{}]", self.index)
    }

    pub(super) fn get(self, path: &[&str]) -> Option<&'a Value> {
        there(self.value.at(path))
    }

    pub(super) fn has(self, body: &str) -> bool {
        match body {
            "verifyImages" => items(self.value.get(body)).any(|image| filled(Some(image))),
            _ => filled(self.value.get(body)),
        }
    }
}

/// The rules of a policy.
pub(super) fn rules(policy: &Value) -> impl Iterator<Item = Rule<'_>> {
    items(policy.at(&["spec", "rules"])).enumerate().map(|(index, value)| Rule { index, value })
}

/// A value that is there and no null.
pub(super) fn there(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

/// A value that is not Go's zero value.
pub(super) fn filled(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Object(map)) => !map.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Bool(flag)) => *flag,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
    }
}

/// The elements of a list; none for anything else.
pub(super) fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

/// The strings of a list.
pub(super) fn strings(value: Option<&Value>) -> Vec<&str> {
    items(value).filter_map(Value::as_str).collect()
}

/// A flag that is true unless it says false.
pub(super) fn unless_false(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool).unwrap_or(true)
}

/// Every kind of a `match` or `exclude` block: the direct ones, those of `all`, those of `any`.
pub(super) fn kinds_of(block: Option<&Value>) -> Vec<&str> {
    let Some(block) = block else { return Vec::new() };
    let mut kinds = strings(block.at(&["resources", "kinds"]));
    for list in ["all", "any"] {
        for filter in items(block.get(list)) {
            kinds.extend(strings(filter.at(&["resources", "kinds"])));
        }
    }
    kinds
}

/// Calls `visit` with every string of a document, keys and values, and its path as Kyverno's traversal writes it.
pub(super) fn each_string(value: &Value, path: &str, visit: &mut dyn FnMut(&str, &str)) {
    each_string_at(value, path, visit, 0);
}

fn each_string_at(value: &Value, path: &str, visit: &mut dyn FnMut(&str, &str), depth: usize) {
    if depth > crate::limits::MAX_DEPTH {
        return;
    }
    match value {
        Value::String(text) => visit(text, path),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_string_at(item, &format!("{path}/{index}"), visit, depth + 1);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                visit(key, path);
                each_string_at(value, &format!("{path}/{}", key.replace('/', "\\/")), visit, depth + 1);
            }
        }
        _ => {}
    }
}
