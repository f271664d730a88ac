//! `{{ variables }}` as they stand in a text, before anybody knows their values.

use std::sync::OnceLock;

use regex::Regex;
use serde_json::Value;

use super::shape::each_string;

/// `{{…}}` not behind a backslash, without another `{{` in it.
pub(super) fn variable() -> Option<&'static Regex> {
    static VARIABLE: OnceLock<Option<Regex>> = OnceLock::new();
    VARIABLE.get_or_init(|| Regex::new(r"(^|[^\\])(\{\{(?:\{[^{}]*\}|[^{}])*\}\})").ok()).as_ref()
}

/// The variables of a text, with their braces.
pub(super) fn found(text: &str) -> Vec<&str> {
    let Some(pattern) = variable() else { return Vec::new() };
    pattern.captures_iter(text).filter_map(|captures| captures.get(2)).map(|hit| hit.as_str()).collect()
}

/// A text with every variable replaced; for checks that cannot know their values.
pub(super) fn replaced(text: &str, by: &str) -> String {
    let Some(pattern) = variable() else { return text.to_owned() };
    pattern
        .replace_all(text, |captures: &regex::Captures<'_>| {
            format!("{}{by}", captures.get(1).map_or("", |m| m.as_str()))
        })
        .into_owned()
}

/// A text that holds a variable.
pub(super) fn is_variable(text: &str) -> bool {
    !found(text).is_empty()
}

/// A document with a variable anywhere, in keys or values.
pub(super) fn has_any(value: &Value) -> bool {
    let mut any = false;
    each_string(value, "", &mut |text, _| any = any || is_variable(text));
    any
}
