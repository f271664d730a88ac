//! The bodies of rules: what may stand together and what must be there (`pkg/policy/{validate,mutate,generate}`).

use serde_json::Value;

use super::Problem;
use super::field::refused;
use super::generate::clone_selectors;
use super::shape::{Rule, filled, items, strings, there};
use crate::object::ObjectExt;
use crate::object::wildcard;

/// A path below the body and the words.
type Found = Option<(String, String)>;

pub(super) fn check(rule: Rule<'_>) -> Option<Problem> {
    for (body, found) in [("mutate", mutate(rule)), ("validate", validate(rule)), ("generate", generate(rule))] {
        let Some((path, words)) = found else { continue };
        let at = format!("{}.{body}", rule.path());
        return Some(refused(&at, &format!("path: spec.rules[{}].{body}.{path}.: {words}", rule.index)));
    }
    let kind = rule.value.str_at(&["generate", "kind"]);
    let same = rule.has("generate") && strings(rule.value.at(&["match", "resources", "kinds"])).contains(&kind);
    same.then(|| {
        let words = "generation kind and match resource kind should not be the same";
        refused(&format!("{}.generate.kind", rule.path()), words)
    })
}

fn here(words: impl Into<String>) -> Found {
    Some((String::new(), words.into()))
}

fn cel_preconditions(rule: Rule<'_>) -> Found {
    rule.get(&["celPreconditions"])?;
    here("celPrecondition can only be used with validate.cel")
}

fn mutate(rule: Rule<'_>) -> Found {
    if !rule.has("mutate") {
        return None;
    }
    let merge = there(rule.get(&["mutate", "patchStrategicMerge"])).is_some();
    let patch = filled(rule.get(&["mutate", "patchesJson6902"]));
    let foreach = rule.get(&["mutate", "foreach"]).filter(|list| filled(Some(list)));
    if let Some(list) = foreach {
        if merge || patch {
            let words = "only one of `foreach`, `patchStrategicMerge`, or `patchesJson6902` is allowed";
            return Some(("foreach".to_owned(), words.to_owned()));
        }
        return mutate_foreach(list, String::new(), 0);
    }
    if merge && patch {
        let words = "only one of `patchStrategicMerge` or `patchesJson6902` is allowed";
        return Some(("foreach".to_owned(), words.to_owned()));
    }
    cel_preconditions(rule)
}

fn mutate_foreach(list: &Value, mut tag: String, depth: usize) -> Found {
    for (index, item) in items(Some(list)).enumerate() {
        tag.push_str(&format!("foreach[{index}]"));
        let set = |field: &str| filled(item.get(field));
        if let Some(nested) = item.get("foreach").filter(|nested| filled(Some(nested))) {
            if ["context", "preconditions", "patchesJson6902", "patchStrategicMerge"].into_iter().any(set) {
                return Some((tag, "a nested foreach cannot contain other declarations".to_owned()));
            }
            return if depth < crate::limits::MAX_DEPTH { mutate_foreach(nested, tag, depth + 1) } else { None };
        }
        if set("patchesJson6902") == there(item.get("patchStrategicMerge")).is_some() {
            let words = "only one of `patchStrategicMerge` or `patchesJson6902` is allowed";
            return Some((tag, words.to_owned()));
        }
    }
    None
}

fn validate(rule: Rule<'_>) -> Found {
    if !rule.has("validate") {
        return None;
    }
    let body = rule.value.get("validate")?;
    let set = |field: &str| there(body.get(field)).is_some();
    let bodies =
        ["pattern", "anyPattern", "deny", "foreach", "podSecurity", "cel"].into_iter().filter(|field| set(field));
    let count = bodies.count() + usize::from(filled(body.at(&["manifests", "attestors"])));
    match count {
        0 => return here("one of pattern, anyPattern, deny, foreach, cel must be specified"),
        1 => {}
        _ => return here("only one of pattern, anyPattern, deny, foreach, cel can be specified"),
    }
    if let Some((path, words)) = body.get("pattern").and_then(|found| pattern(found, "/", true, 0)) {
        return Some((format!("pattern.{path}"), words));
    }
    if set("anyPattern") && !body.get("anyPattern").is_some_and(Value::is_array) {
        let words = "failed to deserialize anyPattern, expect array: json: cannot unmarshal object into Go value of type []interface {}";
        return Some(("anyPattern".to_owned(), words.to_owned()));
    }
    for (index, found) in items(body.get("anyPattern")).enumerate() {
        if let Some((path, words)) = pattern(found, "/", true, 0) {
            return Some((format!("anyPattern[{index}].{path}"), words));
        }
    }
    if let Some(words) = items(body.get("foreach")).find_map(foreach) {
        return here(words);
    }
    match there(body.get("cel")) {
        Some(cel) => self::cel(cel).and_then(here),
        None => cel_preconditions(rule),
    }
}

fn foreach(item: &Value) -> Option<&'static str> {
    if !filled(item.get("list")) {
        return Some("foreach.list is required");
    }
    let count = ["pattern", "anyPattern", "deny"].into_iter().filter(|field| there(item.get(field)).is_some()).count();
    match count + usize::from(filled(item.get("foreach"))) {
        0 => Some("one of pattern, anyPattern, deny, or a nested foreach must be specified"),
        1 => None,
        _ => Some("only one of pattern, anyPattern, deny, or a nested foreach can be specified"),
    }
}

fn cel(cel: &Value) -> Option<&'static str> {
    if items(cel.get("expressions")).any(|expression| !filled(expression.get("expression"))) {
        return Some("cel.expressions.expression is required");
    }
    let (kind, reference) = (there(cel.get("paramKind")), there(cel.get("paramRef")));
    if let Some(kind) = kind {
        if !filled(kind.get("apiVersion")) {
            return Some("cel.paramKind.apiVersion is required");
        }
        if !filled(kind.get("kind")) {
            return Some("cel.paramKind.kind is required");
        }
        if reference.is_none() {
            return Some("cel.paramRef is required");
        }
    }
    if let Some(reference) = reference {
        if filled(reference.get("name")) == there(reference.get("selector")).is_some() {
            return Some("one of cel.paramRef.name or cel.paramRef.selector must be set");
        }
        if there(reference.get("parameterNotFoundAction")).is_none() {
            return Some("cel.paramRef.parameterNotFoundAction is required");
        }
        if kind.is_none() {
            return Some("cel.paramKind is required");
        }
    }
    for annotation in items(cel.get("auditAnnotations")) {
        if !filled(annotation.get("key")) {
            return Some("cel.auditAnnotation.key is required");
        }
        if !filled(annotation.get("valueExpression")) {
            return Some("cel.auditAnnotation.valueExpression is required");
        }
    }
    None
}

/// Anchors of a pattern (`common.ValidatePattern`); `anchors` says whether any are allowed.
fn pattern(found: &Value, path: &str, anchors: bool, depth: usize) -> Found {
    if depth > crate::limits::MAX_DEPTH {
        return None;
    }
    match found {
        Value::Object(map) => map.iter().find_map(|(key, value)| {
            let at = format!("{path}/{key}");
            if let Some(modifier) = anchor(key) {
                if !anchors || modifier == "+" {
                    return Some((at, format!("unsupported anchor {key}")));
                }
                if modifier == "^" {
                    match value {
                        Value::Array(items) if !items.is_empty() => {}
                        Value::Array(_) => {
                            return Some((at, "existence anchor: should have at least one value".to_owned()));
                        }
                        _ => return Some((at, "existence anchor should have value of type list".to_owned())),
                    }
                }
            }
            pattern(value, &at, anchors, depth + 1)
        }),
        Value::Array(items) => {
            let mut each = items.iter().enumerate();
            each.find_map(|(index, item)| pattern(item, &format!("{path}{index}/"), anchors, depth + 1))
        }
        _ => None,
    }
}

/// The modifier of an anchor (`""` for a condition), `None` for a plain key.
fn anchor(key: &str) -> Option<&str> {
    let key = key.trim();
    let inside = key.strip_suffix(')')?;
    let (modifier, name) = inside.split_once('(')?;
    (matches!(modifier, "" | "+" | "<" | "=" | "X" | "^") && !name.is_empty()).then_some(modifier)
}

fn generate(rule: Rule<'_>) -> Found {
    if !rule.has("generate") {
        return None;
    }
    if clone_selectors(rule).any(|selector| wildcard::contains_wildcard(&selector.to_string())) {
        return Some(("selector".to_owned(), "wildcard characters `*/?` not supported".to_owned()));
    }
    if rule.get(&["celPreconditions"]).is_some() {
        return cel_preconditions(rule);
    }
    let (path, words) = pattern(rule.get(&["generate", "data"])?, "/", false, 0)?;
    Some((format!("data.{path}"), format!("anchors not supported on generate resources: {words}")))
}
