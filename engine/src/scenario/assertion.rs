//! Assertion trees of Chainsaw and kyverno-json: a partial object whose keys and values may be JMESPath in parentheses.
//!
//! Follows `pkg/core/assertion` of kyverno-json: mappings are compared as subsets, lists element by element and in full.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::limits::MAX_DEPTH;

/// Named values that expressions see as `$name`.
pub type Bindings = BTreeMap<String, Value>;

/// Evaluates a JMESPath expression on a value; unknown keys are null.
pub type Search<'a> = &'a dyn Fn(&str, &Value) -> Result<Value, String>;

/// Checks a value against a tree and says where it does not fit; empty where it does.
#[must_use]
pub fn check(tree: &Value, actual: &Value, bindings: &Bindings, search: Search<'_>) -> Vec<String> {
    let mut errors = Vec::new();
    Checker { search, errors: &mut errors }.node(tree, actual, bindings, "", 0);
    errors
}

/// Replaces `($name)` and other expressions in the strings of a template by their values.
///
/// # Errors
/// An expression cannot be evaluated.
pub fn expand(template: &Value, bindings: &Bindings, search: Search<'_>) -> Result<Value, String> {
    Ok(match template {
        Value::String(text) => match expression(text) {
            Some(expression) => search(&bind(expression, bindings), &Value::Null)?,
            None => template.clone(),
        },
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| expand(item, bindings, search)).collect::<Result<_, _>>()?)
        }
        Value::Object(map) => {
            let entries = map.iter().map(|(key, value)| Ok((key.clone(), expand(value, bindings, search)?)));
            Value::Object(entries.collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

/// The expression of a text that is wholly in parentheses, and of one line (kyverno-json `pkg/core/expression`, whose `.`
/// stops at a line's end): a block of CEL that happens to begin and end with them is none.
#[must_use]
pub fn expression(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('(')?.strip_suffix(')')?;
    (!inner.is_empty() && !inner.contains('\n')).then_some(inner)
}

/// Writes bound values into an expression as literals, because the parser has no variables.
#[must_use]
pub fn bind(expression: &str, bindings: &Bindings) -> String {
    let mut bound = String::new();
    let mut chars = expression.char_indices().peekable();
    let mut quote = None;
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), '\\') => {
                bound.push(c);
                if let Some((_, next)) = chars.next() {
                    bound.push(next);
                }
                continue;
            }
            (None, '\'' | '"' | '`') => quote = Some(c),
            // In community JMESPath a bare `null` is the field of that name, which is not there.
            (None, 'n') if is_bare_null(expression, at) => {
                bound.push_str("`null`");
                chars.nth(2);
                continue;
            }
            (None, '$') => {
                let rest = expression.get(at + 1..).unwrap_or("");
                let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                let (name, _) = rest.split_at_checked(length).unwrap_or((rest, ""));
                if !name.is_empty() {
                    let value = bindings.get(name).unwrap_or(&Value::Null);
                    bound.push_str(&format!("`{}`", value.to_string().replace('`', "\\`")));
                    for _ in 0..name.len() {
                        chars.next();
                    }
                    continue;
                }
            }
            _ => {}
        }
        bound.push(c);
    }
    bound
}

fn is_bare_null(expression: &str, at: usize) -> bool {
    let (before, rest) = expression.split_at_checked(at).unwrap_or((expression, ""));
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    rest.strip_prefix("null").is_some_and(|after| !after.starts_with(word)) && !before.ends_with(word)
}

struct Checker<'a> {
    search: Search<'a>,
    errors: &'a mut Vec<String>,
}

/// A key of a tree, taken apart: `~index.(expression)->binding` or a plain name.
struct Key<'a> {
    each: Option<&'a str>,
    statement: &'a str,
    is_expression: bool,
    binding: Option<&'a str>,
}

impl Checker<'_> {
    fn node(&mut self, tree: &Value, actual: &Value, bindings: &Bindings, place: &str, depth: usize) {
        if depth > MAX_DEPTH {
            return self.fail(place, "nested too deeply");
        }
        match tree {
            Value::Object(map) => {
                for (key, below) in map {
                    self.entry(key, below, actual, bindings, place, depth);
                }
            }
            Value::Array(items) => self.list(items, actual, bindings, place, depth),
            Value::String(text) if expression(text).is_some() => {
                let wanted = (self.search)(&bind(expression(text).unwrap_or(""), bindings), actual);
                match wanted {
                    Ok(wanted) => self.scalar(&wanted, actual, place),
                    Err(words) => self.fail(place, &words),
                }
            }
            Value::String(text) => self.scalar(&Value::String(unescape(text).to_owned()), actual, place),
            scalar => self.scalar(scalar, actual, place),
        }
    }

    fn entry(&mut self, key: &str, below: &Value, actual: &Value, bindings: &Bindings, place: &str, depth: usize) {
        let parsed = parse_key(key);
        let inner = if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
        let found = if parsed.is_expression {
            match (self.search)(&bind(parsed.statement, bindings), actual) {
                Ok(value) => value,
                Err(words) => return self.fail(&inner, &words),
            }
        } else {
            match actual.get(parsed.statement) {
                Some(value) => value.clone(),
                None if actual.is_object() && below.is_null() => return,
                None => return self.fail(&inner, "Required value: field not found in the input object"),
            }
        };
        let mut bindings = bindings.clone();
        if let Some(name) = parsed.binding {
            bindings.insert(name.to_owned(), found.clone());
        }
        let Some(index) = parsed.each else { return self.node(below, &found, &bindings, &inner, depth + 1) };
        let elements: Vec<(Value, Value)> = match found {
            Value::Array(items) => items.into_iter().enumerate().map(|(at, item)| (Value::from(at), item)).collect(),
            Value::Object(map) => map.into_iter().map(|(key, item)| (Value::from(key), item)).collect(),
            _ => return self.fail(&inner, "value is neither a list nor a mapping"),
        };
        for (at, item) in elements {
            if !index.is_empty() {
                bindings.insert(index.to_owned(), at);
            }
            self.node(below, &item, &bindings, &inner, depth + 1);
        }
    }

    fn list(&mut self, items: &[Value], actual: &Value, bindings: &Bindings, place: &str, depth: usize) {
        let Some(found) = actual.as_array() else {
            return self.fail(place, "Invalid value: expected a list");
        };
        if found.len() != items.len() {
            let words = format!(
                "Invalid value: lengths of slices don't match: expected {}, found {}",
                items.len(),
                found.len()
            );
            return self.fail(place, &words);
        }
        for (at, (item, found)) in items.iter().zip(found).enumerate() {
            self.node(item, found, bindings, &format!("{place}[{at}]"), depth + 1);
        }
    }

    fn scalar(&mut self, wanted: &Value, actual: &Value, place: &str) {
        if !equal(wanted, actual) {
            self.fail(place, &format!("Invalid value: {actual}: Expected value: {wanted}"));
        }
    }

    fn fail(&mut self, place: &str, words: &str) {
        self.errors.push(if place.is_empty() { words.to_owned() } else { format!("{place}: {words}") });
    }
}

fn parse_key(key: &str) -> Key<'_> {
    let (rest, binding) = match key.rsplit_once("->") {
        Some((rest, name)) if name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.is_empty() => {
            (rest, Some(name))
        }
        _ => (key, None),
    };
    let (each, rest) = match rest.strip_prefix('~').and_then(|rest| rest.split_once('.')) {
        Some((index, rest)) => (Some(index), rest),
        None => (None, rest),
    };
    match expression(rest) {
        Some(statement) => Key { each, statement, is_expression: true, binding },
        None => Key { each, statement: unescape(rest), is_expression: false, binding },
    }
}

/// `\text\` is the text itself, whatever it looks like.
fn unescape(text: &str) -> &str {
    text.strip_prefix('\\').and_then(|text| text.strip_suffix('\\')).unwrap_or(text)
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(expression: &str, value: &Value) -> Result<Value, String> {
        if let Some(literal) = expression.strip_prefix('`').and_then(|text| text.strip_suffix('`')) {
            return serde_json::from_str(literal).map_err(|error| error.to_string());
        }
        Ok(value.get(expression).cloned().unwrap_or(Value::Null))
    }

    fn fits(tree: Value, actual: Value) -> bool {
        check(&tree, &actual, &Bindings::from([("x".to_owned(), json!(1))]), &field).is_empty()
    }

    #[test]
    fn mappings_are_subsets_and_lists_are_not() {
        assert!(fits(json!({"a": 1}), json!({"a": 1.0, "b": 2})));
        assert!(!fits(json!({"a": [1]}), json!({"a": [1, 2]})));
        assert!(!fits(json!({"a": 1}), json!({})));
    }

    #[test]
    fn keys_and_values_are_expressions() {
        assert!(fits(json!({"(a)": {"b": "($x)"}}), json!({"a": {"b": 1}})));
        assert!(fits(json!({"~.(a)": {"b": 1}}), json!({"a": [{"b": 1}, {"b": 1}]})));
        assert!(!fits(json!({"~.a": {"b": 1}}), json!({"a": [{"b": 1}, {"b": 2}]})));
    }

    #[test]
    fn expressions_have_one_line() {
        let cases =
            [("(a)", Some("a")), ("()", None), ("(a)\n", None), ("(a\n || b)", None), (" (a)", None), ("a", None)];
        cases.iter().for_each(|(text, found)| assert_eq!(expression(text), *found, "{text}"));
    }

    #[test]
    fn bound_values_become_literals() {
        let bindings = Bindings::from([("error".to_owned(), json!("it's `x`"))]);
        assert_eq!(bind("$error != null && '$error'", &bindings), "`\"it's \\`x\\`\"` != `null` && '$error'");
        assert_eq!(
            expand(&json!({"a": ["($x)"]}), &Bindings::from([("x".into(), json!(2))]), &field),
            Ok(json!({"a": [2]}))
        );
    }
}
