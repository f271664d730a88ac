//! Checks a value against a schema: unknown fields as strict decoding reports them, the rest as the API server does
//! (apiextensions `validation.go` over kube-openapi's validators).

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::arena::{Schema, Type};
use super::nearest::nearest;
use super::{Finding, FindingKind};
use crate::limits::MAX_DEPTH;

/// Findings of one value; more are not collected.
const MAX_FINDINGS: usize = 200;

/// Where the walk is: as a JSON pointer and as a field path.
#[derive(Clone, Default)]
struct Place {
    pointer: String,
    path: String,
    /// Struct fields only, as Go's JSON decoder names a place.
    fields: String,
}

impl Place {
    fn key(&self, key: &str) -> Self {
        let joined = |before: &str| if before.is_empty() { key.to_owned() } else { format!("{before}.{key}") };
        Self { fields: joined(&self.fields), ..self.map_key(key) }
    }

    fn map_key(&self, key: &str) -> Self {
        let pointer = format!("{}/{}", self.pointer, key.replace('~', "~0").replace('/', "~1"));
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { pointer, path, fields: self.fields.clone() }
    }

    fn index(&self, index: usize) -> Self {
        let (pointer, path) = (format!("{}/{index}", self.pointer), format!("{}[{index}]", self.path));
        Self { pointer, path, fields: self.fields.clone() }
    }
}

/// Checks `value`; `builtin` kinds are decoded into Go structs, whose type errors read differently.
pub(super) fn check(schema: Schema<'_>, value: &Value, builtin: bool) -> Vec<Finding> {
    let mut checker = Checker { root: schema, builtin, findings: Vec::new() };
    checker.value(schema, value, &Place::default(), "", 0);
    checker.findings
}

struct Checker<'a> {
    root: Schema<'a>,
    builtin: bool,
    findings: Vec<Finding>,
}

impl<'a> Checker<'a> {
    fn value(&mut self, schema: Schema<'a>, value: &Value, place: &Place, owner: &str, depth: usize) {
        if depth > MAX_DEPTH || self.findings.len() >= MAX_FINDINGS {
            return;
        }
        let node = schema.node();
        if value.is_null() && (node.nullable || schema.open()) {
            return;
        }
        if !fits(node.kind, value) {
            self.wrong_type(schema, value, place, owner);
            return;
        }
        match value {
            Value::Object(map) => self.object(schema, map, place, owner, depth),
            Value::Array(items) => self.array(schema, items, place, owner, depth),
            Value::String(text) => self.string(schema, text, place),
            Value::Number(_) => self.number(schema, value, place),
            _ => {}
        }
        if !node.enumeration.is_empty() && !node.enumeration.contains(value) {
            let known: Vec<String> = node.enumeration.iter().map(ToString::to_string).collect();
            let hint = value.as_str().and_then(|text| nearest(text, node.enumeration.iter().filter_map(Value::as_str)));
            let body = format!("Unsupported value: {value}: supported values: {}", known.join(", "));
            self.add(FindingKind::Enum, place, &body, hint.map(|word| format!("did you mean {word:?}?")));
        }
    }

    fn object(&mut self, schema: Schema<'a>, map: &Map<String, Value>, place: &Place, owner: &str, depth: usize) {
        let node = schema.node();
        for (key, value) in map {
            let below = place.key(key);
            match schema.known(key) {
                // A null for a field that is not nullable is dropped before validation.
                Some(child) if value.is_null() && !child.node().nullable => {}
                Some(child) => self.value(child, value, &below, node.name.as_deref().unwrap_or(""), depth + 1),
                None => match schema.additional() {
                    Some(child) => self.value(child, value, &place.map_key(key), owner, depth + 1),
                    None if schema.open() => {}
                    None => self.unknown(schema, key, &below),
                },
            }
        }
        let there = |name: &str| map.get(name).is_some_and(|value| !value.is_null());
        for name in node.required.iter().filter(|name| !there(name)) {
            self.add(FindingKind::Required, &place.key(name), "Required value", None);
        }
        if !node.not.is_empty() && node.not.iter().all(|name| there(name)) {
            let body = invalid(map, &format!("{:?} must not validate the schema (not)", place.path));
            self.add(FindingKind::OneOf, place, &body, Some(format!("use only one of {}", node.not.join(" and "))));
        }
        let chosen = node.one_of.iter().filter(|names| names.iter().all(|name| there(name))).count();
        if !node.one_of.is_empty() && chosen != 1 {
            let found =
                if chosen == 0 { "Found none valid".to_owned() } else { format!("Found {chosen} valid alternatives") };
            let words = match &node.message {
                Some(message) => message.to_string(),
                None => format!("{:?} must validate one and only one schema (oneOf). {found}", place.path),
            };
            let rule = node.message.is_some();
            let names: Vec<String> = node.one_of.iter().map(|names| names.join(" with ")).collect();
            let hint = format!("set exactly one of {}", names.join(", "));
            if rule {
                self.add(FindingKind::OneOf, place, &invalid(map, &words), Some(hint));
                return;
            }
            // kube-openapi names neither field nor value, and goes on with what the first alternative lacks.
            let message = format!("<nil>: Invalid value: \"\": {words}");
            let (pointer, path) = (place.pointer.clone(), place.path.clone());
            self.findings.push(Finding { pointer, path, message, kind: FindingKind::OneOf, hint: Some(hint) });
            let lacking = node.one_of.first().filter(|_| chosen == 0).into_iter().flatten();
            for name in lacking.filter(|name| !there(name)) {
                self.add(FindingKind::Required, &place.key(name), "Required value", None);
            }
        }
    }

    fn array(&mut self, schema: Schema<'a>, items: &[Value], place: &Place, owner: &str, depth: usize) {
        let node = schema.node();
        if let Some(child) = schema.items() {
            for (index, item) in items.iter().enumerate() {
                self.value(child, item, &place.index(index), owner, depth + 1);
            }
        }
        if node.set {
            for (index, item) in items.iter().enumerate() {
                if items.iter().take(index).any(|before| before == item) {
                    self.add(FindingKind::Limit, &place.index(index), &format!("Duplicate value: {item}"), None);
                }
            }
        }
        if let Some(least) = node.min_items.filter(|least| items.len() < *least) {
            let body =
                format!("Invalid value: {}: {} in body should have at least {least} items", items.len(), place.path);
            self.add(FindingKind::Limit, place, &body, None);
        }
        if let Some(most) = node.max_items.filter(|most| items.len() > *most) {
            self.add(
                FindingKind::Limit,
                place,
                &format!("Too many: {}: must have at most {most} items", items.len()),
                None,
            );
        }
    }

    fn string(&mut self, schema: Schema<'a>, text: &str, place: &Place) {
        let node = schema.node();
        let length = text.chars().count();
        if let Some(most) = node.max_length.filter(|most| length > *most) {
            self.add(FindingKind::Limit, place, &format!("Too long: may not be more than {most} bytes"), None);
        }
        if let Some(least) = node.min_length.filter(|least| length < *least) {
            let body = format!("Invalid value: {text:?}: {} in body should be at least {least} chars long", place.path);
            self.add(FindingKind::Limit, place, &body, None);
        }
        if let Some(pattern) = &node.pattern
            && regex::Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text))
        {
            let body = format!("Invalid value: {text:?}: {} in body should match '{pattern}'", place.path);
            self.add(FindingKind::Limit, place, &body, None);
        }
        if let Some(format) = node.format.as_deref().filter(|format| !formatted(format, text)) {
            let body = format!("Invalid value: {text:?}: {} in body must be of type {format}: {text:?}", place.path);
            self.add(FindingKind::Type, place, &body, None);
        }
        if node.kind == Type::Quantity && !quantity(text) {
            let body = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
            self.findings.push(Finding {
                pointer: place.pointer.clone(),
                path: place.path.clone(),
                message: body.to_owned(),
                kind: FindingKind::Decode,
                hint: None,
            });
        }
    }

    fn number(&mut self, schema: Schema<'a>, value: &Value, place: &Place) {
        let (node, number) = (schema.node(), value.as_f64().unwrap_or_default());
        if let Some(least) = node.minimum.filter(|least| number < *least) {
            let body =
                format!("Invalid value: {value}: {} in body should be greater than or equal to {least}", place.path);
            self.add(FindingKind::Limit, place, &body, None);
        }
        if let Some(most) = node.maximum.filter(|most| number > *most) {
            let body = format!("Invalid value: {value}: {} in body should be less than or equal to {most}", place.path);
            self.add(FindingKind::Limit, place, &body, None);
        }
    }

    fn wrong_type(&mut self, schema: Schema<'a>, value: &Value, place: &Place, owner: &str) {
        let node = schema.node();
        let hint = match (node.kind, value) {
            (Type::String, Value::Number(_) | Value::Bool(_)) => Some(format!("put it in quotes: \"{value}\"")),
            (Type::Array, _) => Some("a list: start each element with `- `".to_owned()),
            (Type::Integer | Type::Number | Type::Boolean, Value::String(_)) => {
                Some("leave the quotes away".to_owned())
            }
            _ => None,
        };
        if self.builtin {
            let field = format!("{owner}.{}", place.fields);
            let message = format!(
                "json: cannot unmarshal {} into Go struct field {field} of type {}",
                go_json(value),
                go_type(schema)
            );
            let (pointer, path) = (place.pointer.clone(), place.path.clone());
            self.findings.push(Finding { pointer, path, message, kind: FindingKind::Decode, hint });
            return;
        }
        let (got, want) = (type_word(value), node.kind.word());
        let body = format!("Invalid value: {got:?}: {} in body must be of type {want}: {got:?}", place.path);
        self.add(FindingKind::Type, place, &body, hint);
    }

    fn unknown(&mut self, schema: Schema<'a>, key: &str, place: &Place) {
        let hint = match nearest(key, schema.fields().map(|(name, _)| name)) {
            Some(name) => Some(format!("did you mean `{name}`?")),
            None => elsewhere(self.root, key).map(|path| format!("there is a field `{path}`")),
        };
        self.findings.push(Finding {
            pointer: place.pointer.clone(),
            path: place.path.clone(),
            message: format!("unknown field {:?}", place.path),
            kind: FindingKind::UnknownField,
            hint,
        });
    }

    fn add(&mut self, kind: FindingKind, place: &Place, body: &str, hint: Option<String>) {
        let path = if place.path.is_empty() { "<nil>" } else { &place.path };
        let message = format!("{path}: {body}");
        self.findings.push(Finding { pointer: place.pointer.clone(), path: place.path.clone(), message, kind, hint });
    }
}

fn invalid(map: &Map<String, Value>, words: &str) -> String {
    format!("Invalid value: {}: {words}", Value::Object(map.clone()))
}

fn fits(kind: Type, value: &Value) -> bool {
    match kind {
        Type::Any => true,
        Type::Object => value.is_object(),
        Type::Array => value.is_array(),
        Type::String => value.is_string(),
        Type::Integer => whole(value),
        Type::Number => value.is_number(),
        Type::Boolean => value.is_boolean(),
        Type::IntOrString => whole(value) || value.is_string(),
        Type::Quantity => value.is_number() || value.is_string(),
    }
}

fn whole(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

/// The word that kube-openapi has for the type of a value.
fn type_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) if whole(value) => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The word that Go's JSON decoder has for it.
fn go_json(value: &Value) -> String {
    match value {
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if !whole(value) => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        _ => type_word(value).to_owned(),
    }
}

fn go_type(schema: Schema<'_>) -> String {
    let node = schema.node();
    match node.kind {
        Type::Object => match (&node.name, schema.additional()) {
            (Some(name), _) => format!("v1.{name}"),
            (None, Some(values)) => format!("map[string]{}", go_type(values)),
            (None, None) => "map[string]interface {}".to_owned(),
        },
        Type::Array => format!("[]{}", schema.items().map_or_else(|| "interface {}".to_owned(), go_type)),
        Type::String => "string".to_owned(),
        Type::Integer => node.format.as_deref().unwrap_or("int64").to_owned(),
        Type::Number => "float64".to_owned(),
        Type::Boolean => "bool".to_owned(),
        Type::IntOrString => "intstr.IntOrString".to_owned(),
        Type::Quantity => "resource.Quantity".to_owned(),
        Type::Any => "interface {}".to_owned(),
    }
}

fn formatted(format: &str, text: &str) -> bool {
    let matches = |pattern: &str| regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(text));
    match format {
        "date-time" => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        "duration" => {
            matches(r"^[+-]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$")
                || matches(
                    r"^[0-9]+ ?(d|w|day|days|week|weeks|hour|hours|hr|hrs|min|mins|minute|minutes|sec|secs|second|seconds|milli|millis)$",
                )
        }
        _ => true,
    }
}

fn quantity(text: &str) -> bool {
    static QUANTITY: LazyLock<Option<regex::Regex>> = LazyLock::new(|| {
        regex::Regex::new(r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|[eE][-+]?[0-9]+)?$").ok()
    });
    QUANTITY.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// The shortest path to a field of this name anywhere else in the schema.
fn elsewhere(root: Schema<'_>, key: &str) -> Option<String> {
    let mut level = vec![(root, String::new())];
    for _ in 0..6 {
        let mut next = Vec::new();
        for (schema, path) in level {
            for (name, child) in schema.fields() {
                let below = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                if name == key {
                    return Some(below);
                }
                if name == "metadata" || name == "status" {
                    continue;
                }
                match child.items() {
                    Some(item) => next.push((item, format!("{below}[]"))),
                    None => next.push((child, below)),
                }
            }
        }
        next.truncate(2000);
        level = next;
    }
    None
}
