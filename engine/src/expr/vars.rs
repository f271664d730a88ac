//! Substitution of `{{ variables }}` and `$( references )` in whole JSON documents (`pkg/engine/variables/vars.go`).

mod pointer;
mod references;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::context::JsonContext;
use super::jmespath::Error;
use crate::object::gofmt;

/// A variable and the character in front of it, which must not be a backslash. One level of inner braces is allowed,
/// so that the innermost variable of `{{ a{{b}} }}` is found first.
static VARIABLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(^|[^\\])(\{\{(?:\{[^{}]*\}|[^{}])*\}\})").ok());

/// Substitutions within one string: a value that contains itself as a variable would go on for ever.
const MAX_SUBSTITUTIONS: usize = 2000;
/// Length that one string may grow to, in bytes.
const MAX_LENGTH: usize = 4 << 20;
/// Depth to which values that hold variables again are followed.
const MAX_DEPTH: usize = 300;

/// Substitutes the references and then the variables of a document, keys included.
///
/// A string that is one variable as a whole takes the variable's type.
///
/// # Errors
/// A reference or variable cannot be resolved: `failed to resolve <v> at path <p>: …`.
pub fn substitute_all(ctx: &mut JsonContext<'_>, document: &Value) -> Result<Value, Error> {
    let document = references::substitute(document)?;
    substitute_variables(ctx, document)
}

/// Substitutes the variables of a document but not its references.
///
/// # Errors
/// As [`substitute_all`].
pub fn substitute_variables(ctx: &mut JsonContext<'_>, document: Value) -> Result<Value, Error> {
    let delete = ctx.operation() == "DELETE";
    traverse(document, "", 0, &mut |text, path| substitute_text(ctx, text, path, delete))
}

/// Substitutes in one string and gives a string: other values as JSON.
///
/// # Errors
/// As [`substitute_all`].
pub fn substitute_string(ctx: &mut JsonContext<'_>, text: &str) -> Result<String, Error> {
    Ok(match substitute_all(ctx, &Value::String(text.to_owned()))? {
        Value::String(text) => text,
        other => gofmt::marshal(&other),
    })
}

/// Substitutes the references of a document but not its variables.
///
/// # Errors
/// A reference leads nowhere, or to what is no text.
pub fn substitute_references(document: &Value) -> Result<Value, Error> {
    references::substitute(document)
}

/// Whether a text holds a variable.
#[must_use]
pub fn is_variable(text: &str) -> bool {
    VARIABLE.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// Whether a text holds a reference.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    references::is_reference(text)
}

/// The expressions of the variables in a text, outermost ones of nested variables left out.
#[must_use]
pub fn variables(text: &str) -> Vec<String> {
    find(text).into_iter().map(|(_, variable)| strip_braces(&variable).0).collect()
}

/// Applies an action to every string, keys included, and to what it returns again if that is a mapping or list.
fn traverse(
    element: Value,
    path: &str,
    depth: usize,
    action: &mut dyn FnMut(&str, &str) -> Result<Value, Error>,
) -> Result<Value, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::Other(format!("variables nest deeper than {MAX_DEPTH} levels at path {path}")));
    }
    let element = match element {
        Value::String(text) => action(&text, path)?,
        element => element,
    };
    match element {
        Value::Array(items) => {
            let items = items.into_iter().enumerate();
            items.map(|(index, item)| traverse(item, &format!("{path}/{index}"), depth + 1, action)).collect()
        }
        Value::Object(map) => {
            let mut substituted = Map::with_capacity(map.len());
            for (key, value) in map {
                let renamed = match action(&key, path)? {
                    Value::String(renamed) => renamed,
                    Value::Null => key.clone(),
                    _ => {
                        let words = format!("expected string after substituting variables in key \"{key}\"");
                        return Err(Error::Other(words));
                    }
                };
                let path = format!("{path}/{}", key.replace('/', "\\/"));
                substituted.insert(renamed, traverse(value, &path, depth + 1, action)?);
            }
            Ok(Value::Object(substituted))
        }
        element => Ok(element),
    }
}

/// The variables of a text: the character in front (none at the start), and the variable with its braces.
fn find(text: &str) -> Vec<(String, String)> {
    let Some(regex) = VARIABLE.as_ref() else { return Vec::new() };
    let group = |captures: &regex::Captures<'_>, index| captures.get(index).map_or("", |m| m.as_str()).to_owned();
    regex.captures_iter(text).map(|captures| (group(&captures, 1), group(&captures, 2))).collect()
}

/// The expression of `{{ x }}`, and whether it is shallow: `{{- x }}`.
fn strip_braces(variable: &str) -> (String, bool) {
    let bare = variable.replace("{{", "").replace("}}", "");
    let bare = bare.trim();
    match bare.strip_prefix('-') {
        Some(rest) => (rest.trim().to_owned(), true),
        None => (bare.to_owned(), false),
    }
}

fn substitute_text(ctx: &mut JsonContext<'_>, text: &str, path: &str, delete: bool) -> Result<Value, Error> {
    if !text.contains("{{") {
        return Ok(Value::String(text.to_owned()));
    }
    let mut text = text.to_owned();
    let mut count = 0;
    let mut found = find(&text);
    while !found.is_empty() {
        let original = text.clone();
        let mut shallow = false;
        for (before, variable) in found {
            let (mut expression, is_shallow) = strip_braces(&variable);
            shallow = is_shallow;
            if before.len() > 1 {
                // Kyverno cuts one byte off the text in front, which breaks the variable after a longer character.
                expression = format!("\u{fffd}{expression}");
            }
            if expression == "@" {
                let root: &[&str] = if ctx.query("target").is_ok() { &["target"] } else { &["request", "object"] };
                expression = pointer::this(path, root);
            }
            if delete {
                expression = expression.replace("request.object", "request.oldObject");
            }
            let unresolved = |why: &str| Error::Other(format!("failed to resolve {expression} at path {path}: {why}"));
            let result = ctx.query(&expression);
            ctx.resolved(&expression, path, &result);
            let value = result.map_err(|error| unresolved(&error.to_string()))?;
            if original == variable {
                return Ok(value);
            }
            let mut value = match value {
                Value::String(value) => value,
                Value::Null if shallow => "null".to_owned(),
                _ if shallow => return Err(unresolved("the value of a shallow substitution must be a string")),
                value => gofmt::marshal(&value),
            };
            if shallow {
                value = value.replace("{{", "\\{{");
            }
            text = text.replacen(&format!("{before}{variable}"), &format!("{before}{value}"), 1);
            count += 1;
            if count > MAX_SUBSTITUTIONS || text.len() > MAX_LENGTH {
                return Err(unresolved("the text grows without end"));
            }
        }
        found = if shallow { Vec::new() } else { find(&text) };
    }
    Ok(Value::String(text.replace("\\{{", "{{")))
}
