//! `context` entries of a rule (`validateRuleContext`).

use serde_json::Value;

use super::Problem;
use super::field::refused;
use super::placeholders::{is_variable, replaced};
use super::shape::{Rule, filled, items, there};
use crate::expr::jmespath::Expression;
use crate::object::ObjectExt;
use crate::object::image;

const PREDEFINED: [&str; 6] =
    ["images", "request", "serviceAccountName", "serviceAccountNamespace", "element", "elementIndex"];
const SOURCES: [&str; 5] = ["configMap", "apiCall", "globalReference", "imageRegistry", "variable"];

pub(super) fn check(rule: Rule<'_>) -> Option<Problem> {
    let entries: Vec<&Value> = items(rule.value.get("context")).collect();
    if entries.is_empty() {
        return None;
    }
    let path = rule.path();
    let refuse = |at: String, words: &str| Some(refused(&at, &format!("path: {path}: {words}")));
    if filled(rule.get(&["validate", "cel"])) {
        let words = "context variables are not supported for CEL expressions in validate rules";
        return refuse(format!("{path}.context"), words);
    }
    entries
        .into_iter()
        .enumerate()
        .find_map(|(index, found)| refuse(format!("{path}.context[{index}]"), &entry(found)?))
}

/// What is wrong with an entry, if anything.
fn entry(entry: &Value) -> Option<String> {
    let name = entry.str_at(&["name"]);
    if name.is_empty() {
        return Some("a name is required for context entries".to_owned());
    }
    let taken = |word: &&str| name == *word || name.strip_prefix(*word).is_some_and(|rest| rest.starts_with('.'));
    if let Some(word) = PREDEFINED.iter().find(|word| taken(word)) {
        return Some(format!("entry name {name} is invalid as it conflicts with a pre-defined variable {word}"));
    }
    let sources: Vec<&str> = SOURCES.into_iter().filter(|source| there(entry.get(source)).is_some()).collect();
    let [source] = sources.as_slice() else {
        return Some(
            "exactly one of configMap or apiCall or imageRegistry or variable is required for context entries"
                .to_owned(),
        );
    };
    let body = entry.get(source)?;
    let text = |field: &str| body.str_at(&[field]);
    match *source {
        "configMap" => {
            let field = ["name", "namespace"].into_iter().find(|field| text(field).is_empty())?;
            Some(format!("a {field} is required for configMap context entry"))
        }
        "apiCall" if !text("urlPath").is_empty() && there(body.get("service")).is_some() => {
            Some("a URLPath cannot be used for service API calls".to_owned())
        }
        "globalReference" if text("name").is_empty() => {
            Some("a name is required for globalReference context entry".to_owned())
        }
        "imageRegistry" if text("reference").is_empty() => {
            Some("a ref is required for imageRegistry context entry".to_owned())
        }
        "imageRegistry" => bad_image(text("reference")).or_else(|| unparsable(text("jmesPath"))),
        _ => unparsable(text("jmesPath")).or_else(|| if *source == "variable" { variable(body) } else { None }),
    }
}

/// An image without variables that is none.
fn bad_image(reference: &str) -> Option<String> {
    let error = image::check(reference).err().filter(|_| !is_variable(reference))?;
    Some(format!("bad image: {reference}: {error}"))
}

/// A JMESPath expression without variables that does not parse.
fn unparsable(expression: &str) -> Option<String> {
    if expression.is_empty() || replaced(expression, "") != expression {
        return None;
    }
    let error = Expression::cached(expression).err()?;
    Some(format!("failed to parse JMESPath {expression}: {error}"))
}

fn variable(body: &Value) -> Option<String> {
    if filled(body.get("jmesPath")) {
        return None;
    }
    if there(body.get("value")).is_none() {
        return Some("a variable must define a value or a jmesPath expression".to_owned());
    }
    there(body.get("default"))
        .map(|_| "a variable must define a default value only when a jmesPath expression is defined".to_owned())
}
