//! Help for an editor: what may stand at a cursor, and what the thing under it means.
//!
//! Works on text that need not parse; knows Kyverno's kinds and the built-in ones from the vendored schemas.

mod expressions;
mod place;
mod shape;
mod values;
mod words;

use serde::Serialize;

use super::lint::deprecated_field;
use super::schema::arena::{Schema, Type};
use crate::object::order;
use place::{Place, Role, Step};

/// What a [`Completion`] is, for its icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A field of a mapping.
    Field,
    /// A value.
    Value,
    /// A variable of an expression.
    Variable,
    /// A function of an expression.
    Function,
}

/// Something that may stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Completion {
    /// What to show.
    pub label: String,
    /// What to put in place of the word before the cursor.
    pub insert: String,
    /// Type, signature or description.
    pub detail: String,
    /// For its icon.
    pub kind: Kind,
}

impl Completion {
    fn new(label: &str, kind: Kind, detail: impl Into<String>) -> Self {
        Self { label: label.to_owned(), insert: label.to_owned(), detail: detail.into(), kind }
    }

    fn inserting(mut self, insert: String) -> Self {
        self.insert = insert;
        self
    }
}

/// The completions at a cursor, and the text that they replace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Completions {
    /// Byte offset where the replaced text starts; it ends at the cursor.
    pub from: usize,
    /// Sorted: required fields first, then by name.
    pub items: Vec<Completion>,
}

/// What the thing under the cursor means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hover {
    /// A field path or a function's signature.
    pub title: String,
    /// Description, type, allowed values, default; one per line.
    pub text: String,
}

/// What may stand at a byte offset of a file of YAML documents.
#[must_use]
pub fn complete(text: &str, offset: usize) -> Completions {
    let Some(place) = place::find(text, offset) else { return Completions::default() };
    if let Some(language) = expressions::language(&place) {
        let last = place.word.rsplit('.').next().map_or(0, str::len);
        let items = expressions::complete(&place, language);
        return filtered(offset - last, place.word.rsplit('.').next().unwrap_or_default(), items);
    }
    let items = match place.role {
        Role::Key => keys(&place),
        Role::Value => values::complete(&place),
    };
    filtered(place.from, &place.word, items)
}

/// Keeps what has the word in it, what starts with it first.
fn filtered(from: usize, word: &str, mut items: Vec<Completion>) -> Completions {
    let word = word.to_lowercase();
    items.retain(|item| item.label.to_lowercase().contains(&word));
    order::sort_by_key(&mut items, |item| !item.label.to_lowercase().starts_with(&word));
    Completions { from, items }
}

/// The fields that a mapping may still have, or the elements of a list.
fn keys(place: &Place) -> Vec<Completion> {
    if place.path.is_empty() && shape::document_kind(place).is_none() {
        let root = ["apiVersion", "kind", "metadata", "spec"].into_iter();
        let open = root.filter(|name| !place.siblings.iter().any(|sibling| sibling == name));
        return open.map(|name| Completion::new(name, Kind::Field, "").inserting(format!("{name}: "))).collect();
    }
    let Some(schema) = shape::schema_at(place, &place.path) else { return Vec::new() };
    if let Some(item) = schema.items() {
        // The dash is still missing, or the element is a scalar.
        return if item.node().properties.is_empty() { values::complete(place) } else { Vec::new() };
    }
    if schema.node().properties.is_empty() {
        return values::complete(place);
    }
    let required = &schema.node().required;
    let mut found: Vec<(bool, Completion)> = Vec::new();
    for (name, child) in schema.fields() {
        if place.siblings.iter().any(|sibling| shape::bare(sibling) == name) {
            continue;
        }
        let needed = required.iter().any(|field| field.as_ref() == name);
        let mut path = place.path.clone();
        path.push(Step::Key(name.to_owned()));
        let words = words::of(place, &path).map(|words| format!(" · {words}")).unwrap_or_default();
        let old = if deprecation(place, &path).is_some() { " · deprecated" } else { "" };
        let must = if needed { ", required" } else { "" };
        let detail = format!("{}{must}{old}{words}", type_words(child));
        let insert = snippet(name, child, place.column);
        found.push((!needed, Completion::new(name, Kind::Field, detail).inserting(insert)));
    }
    order::sort_by_key(&mut found, |(optional, _)| *optional);
    found.into_iter().map(|(_, completion)| completion).collect()
}

/// A key with the start of its value, on lines of their own for mappings and lists.
fn snippet(name: &str, schema: Schema<'_>, column: usize) -> String {
    let indent = " ".repeat(column + 2);
    match schema.node().kind {
        Type::Object => format!("{name}:\n{indent}"),
        Type::Array => format!("{name}:\n{indent}- "),
        _ => format!("{name}: "),
    }
}

/// The type in words: `string`, `list of object`, `map of string`.
fn type_words(schema: Schema<'_>) -> String {
    let node = schema.node();
    match (node.kind, schema.items(), schema.additional()) {
        (Type::Array, Some(item), _) => format!("list of {}", type_words(item)),
        (Type::Object, _, Some(value)) => format!("map of {}", type_words(value)),
        (Type::Any, ..) => "any".to_owned(),
        (kind, ..) => kind.word().to_owned(),
    }
}

/// What the thing at a byte offset means: a field, or a function of an expression.
#[must_use]
pub fn hover(text: &str, offset: usize) -> Option<Hover> {
    let place = place::find(text, offset)?;
    if let Some(language) = expressions::language(&place) {
        let (title, text) = expressions::describe(&place.whole, language)?;
        return Some(Hover { title, text });
    }
    let mut path = place.path.clone();
    if place.role == Role::Key {
        path.push(Step::Key(place.whole.trim_end_matches(':').to_owned()));
    }
    describe(&place, &path)
}

fn describe(place: &Place, path: &[Step]) -> Option<Hover> {
    let schema = shape::schema_at(place, path)?;
    let node = schema.node();
    let mut lines: Vec<String> = words::of(place, path).map(str::to_owned).into_iter().collect();
    let kind = type_words(schema);
    let (parent, last) = path.split_last().map(|(last, parent)| (parent, last))?;
    let required = matches!(last, Step::Key(key) if shape::schema_at(place, parent)
        .is_some_and(|parent| parent.node().required.iter().any(|name| name.as_ref() == key)));
    lines.push(if required { format!("{kind}, required") } else { kind });
    if !node.enumeration.is_empty() {
        let known: Vec<String> = node.enumeration.iter().map(values::plain).collect();
        lines.push(format!("One of {}", known.join(", ")));
    }
    if let Some(default) = &node.default {
        lines.push(format!("Default: {}", values::plain(default)));
    }
    lines.extend(deprecation(place, path).map(|(since, instead)| format!("Deprecated since {since}: use {instead}")));
    Some(Hover { title: title(path), text: lines.join("\n") })
}

fn deprecation(place: &Place, path: &[Step]) -> Option<(&'static str, &'static str)> {
    let keys = path.iter().filter_map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None });
    deprecated_field(place.root("kind"), &keys.collect::<Vec<_>>())
}

/// `spec.rules[0].match`.
fn title(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Key(key) if out.is_empty() => out.push_str(key),
            Step::Key(key) => {
                out.push('.');
                out.push_str(key);
            }
            Step::Item(index) => out.push_str(&format!("[{index}]")),
        }
    }
    out
}

#[cfg(test)]
mod tests;
