//! Match blocks without filters, and conditions: keys, values, operators (`validateResources`).

use serde_json::Value;

use super::Problem;
use super::field::refused;
use super::matching::users;
use super::shape::{Rule, filled, items, there};
use crate::object::ObjectExt;

/// The operators, in the order of `ConditionOperators`; Kyverno prints them in no fixed order.
const OPERATORS: [&str; 18] = [
    "Equal",
    "Equals",
    "NotEqual",
    "NotEquals",
    "In",
    "AnyIn",
    "AllIn",
    "NotIn",
    "AnyNotIn",
    "AllNotIn",
    "GreaterThanOrEquals",
    "GreaterThan",
    "LessThanOrEquals",
    "LessThan",
    "DurationGreaterThanOrEquals",
    "DurationGreaterThan",
    "DurationLessThanOrEquals",
    "DurationLessThan",
];

/// A path below the rule and the words.
type Found = Option<(String, String)>;

pub(super) fn check(rule: Rule<'_>) -> Option<Problem> {
    let (path, words) = blocks(rule).or_else(|| all_conditions(rule))?;
    let at = format!("{}.{}", rule.path(), path.trim_end_matches('.'));
    Some(refused(&at, &format!("path: spec.rules[{}].{path}: {words}", rule.index)))
}

fn blocks(rule: Rule<'_>) -> Found {
    let nothing = Value::Null;
    if let Some(exclude) = there(rule.value.get("exclude")) {
        let problems = users(exclude, &format!("{}.exclude", rule.path()));
        if !problems.is_empty() {
            let words = super::denial(&problems).unwrap_or_default();
            return Some(("exclude".to_owned(), words));
        }
        let (any, all) = (filled(exclude.get("any")), filled(exclude.get("all")));
        if (any || all) && filled(exclude.get("resources")) {
            return Some(("exclude.".to_owned(), "can't specify any/all together with exclude resources".to_owned()));
        }
        if any && all {
            return Some(("match.".to_owned(), "can't specify any and all together".to_owned()));
        }
    }
    let matched = rule.value.get("match").unwrap_or(&nothing);
    let filters = |list: &str| items(matched.get(list)).collect::<Vec<_>>();
    let (any, all) = (filters("any"), filters("all"));
    if !(any.is_empty() && all.is_empty()) && filled(matched.get("resources")) {
        return Some(("match.".to_owned(), "can't specify any/all together with match resources".to_owned()));
    }
    let chosen = match (any.is_empty(), all.is_empty()) {
        (false, _) => any,
        (true, false) => all,
        (true, true) => vec![matched],
    };
    let empty = chosen.iter().any(|filter| !filled(filter.get("resources")));
    empty.then(|| ("match.resources.".to_owned(), "match resources not specified".to_owned()))
}

fn all_conditions(rule: Rule<'_>) -> Found {
    let under = |prefix: &str, found: Found| found.map(|(path, words)| (format!("{prefix}{path}"), words));
    let full = |conditions: Option<&Value>, key: &str| {
        let conditions = there(conditions)?;
        values(conditions, key).or_else(|| operators(conditions, key, false))
    };
    under("validate.", full(rule.get(&["preconditions"]), "preconditions"))
        .or_else(|| under("validate.deny.", full(rule.get(&["validate", "deny", "conditions"]), "conditions")))
        .or_else(|| foreach(rule.get(&["validate", "foreach"]), "validate.foreach", 0))
        .or_else(|| foreach(rule.get(&["mutate", "foreach"]), "mutate.foreach", 0))
        .or_else(|| {
            items(rule.get(&["verifyImages"])).find_map(|image| {
                let attested =
                    items(image.get("attestations")).flat_map(|attestation| items(attestation.get("conditions")));
                let attested = attested.into_iter().find_map(|conditions| operators(conditions, "conditions", true));
                under("verifyImages.attestations.", attested).or_else(|| {
                    let denied = image.at(&["validate", "deny", "conditions"]);
                    under("imageVerify.validate.deny.", full(denied, "conditions"))
                })
            })
        })
}

fn foreach(list: Option<&Value>, path: &str, depth: usize) -> Found {
    if depth > crate::limits::MAX_DEPTH {
        return None;
    }
    for item in items(list) {
        let own = there(item.get("preconditions")).and_then(|found| operators(found, "conditions", true));
        if let Some((below, words)) = own {
            return Some((format!("{path}.{below}"), words));
        }
        let denied = there(item.at(&["deny", "conditions"])).and_then(|found| operators(found, "conditions", false));
        if let Some((below, words)) = denied {
            return Some((format!("{path}.deny.{below}"), words));
        }
        if let Some((below, words)) = foreach(item.get("foreach"), path, depth + 1) {
            return Some((format!("{path}.{below}"), words));
        }
    }
    None
}

/// The conditions of an `any`/`all` block or of a plain list, each with its place.
fn each<'a>(conditions: &'a Value, key: &str, any_for_all: bool) -> Vec<(String, &'a Value)> {
    let mut found = Vec::new();
    for list in ["any", "all"] {
        for (index, condition) in items(conditions.get(list)).enumerate() {
            // The operators of `all` are reported under `any`, too.
            let name = if any_for_all { "any" } else { list };
            found.push((format!("{key}.{name}[{index}]."), condition));
        }
    }
    found.extend(items(Some(conditions)).enumerate().map(|(index, condition)| (format!("{key}[{index}]."), condition)));
    found
}

fn values(conditions: &Value, key: &str) -> Found {
    each(conditions, key, false).into_iter().find_map(|(path, condition)| {
        let (below, words) = value(condition)?;
        Some((format!("{path}{below}"), words))
    })
}

fn value(condition: &Value) -> Found {
    let key = there(condition.get("key"));
    let (Some(key), Some(value), true) = (key, there(condition.get("value")), filled(condition.get("operator"))) else {
        let words = "entered value of `key`, `value` or `operator` is missing or misspelled";
        return Some((String::new(), words.to_owned()));
    };
    if key.as_str().is_none_or(|key| key.replace(' ', "") != "{{request.operation}}") {
        return None;
    }
    let known = |word: &str| ["CREATE", "UPDATE", "DELETE", "CONNECT"].contains(&word);
    let unknown = |word: &str| {
        format!(
            "unknown value '{word}' found under the 'value' field. Only the following values are allowed: [CREATE, UPDATE, DELETE, CONNECT]"
        )
    };
    match value {
        Value::String(word) if word.len() >= 4 && word.starts_with("{{") && word.ends_with("}}") => None,
        Value::String(word) => (!known(word)).then(|| (format!("value: {word}"), unknown(word))),
        Value::Array(words) => words.iter().enumerate().find_map(|(index, word)| match word {
            Value::String(word) => (!known(word)).then(|| (format!("value[{index}]"), unknown(word))),
            other => {
                let words = format!(
                    "'value[{index}]' found to be of the type {}. The provided values are expected to be strings",
                    go_type(other)
                );
                Some((format!("value[{index}]"), words))
            }
        }),
        other => {
            let words = format!(
                "'value' field found to be of the type {}. The provided value/values are expected to be either in the form of a string or list",
                go_kind(other)
            );
            Some(("value".to_owned(), words))
        }
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "map",
        Value::Array(_) => "slice",
        other => go_type(other),
    }
}

fn operators(conditions: &Value, key: &str, typed: bool) -> Found {
    let any_for_all = typed || conditions.is_object();
    each(conditions, key, any_for_all).into_iter().find_map(|(path, condition)| {
        let operator = condition.str_at(&["operator"]);
        (!OPERATORS.contains(&operator)).then(|| {
            let known: Vec<String> = OPERATORS.iter().map(|word| format!("{word:?}")).collect();
            (path, format!("entered value of `operator` is invalid. valid values: [{}]", known.join(" ")))
        })
    })
}
