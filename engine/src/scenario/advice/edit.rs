//! Edits of a YAML text that keep its style and its comments: whole entries in, out, or changed in place.

use serde::{Deserialize, Serialize};

use crate::object::order;
use crate::parse::Document;
use crate::parse::span::{Span, SpanTree};

/// The text between two byte offsets is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The new text.
    pub text: String,
}

/// The text after some edits that do not overlap.
#[must_use]
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    order::sort_by_key(&mut sorted, |edit| edit.start);
    let mut out = String::new();
    let mut at = 0;
    for edit in sorted {
        out.push_str(text.get(at..edit.start).unwrap_or_default());
        out.push_str(&edit.text);
        at = edit.end;
    }
    out + text.get(at..).unwrap_or_default()
}

/// A document and the text of its file.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// The document.
    pub document: &'a Document,
    /// The whole file.
    pub text: &'a str,
}

impl<'a> Text<'a> {
    fn key(&self, pointer: &str) -> Option<Span> {
        self.document.spans.find(pointer)?.key
    }

    /// What stands before a key on its line; `None` in flow style, where lines mean nothing.
    fn lead(&self, key: Span) -> Option<&'a str> {
        let start = self.text.get(..key.start)?.rfind('\n').map_or(0, |at| at + 1);
        let lead = self.text.get(start..key.start)?;
        lead.chars().all(|c| c == ' ' || c == '-').then_some(lead)
    }

    /// Lines in front of the entry at a pointer, at its level.
    #[must_use]
    pub fn insert_before(&self, pointer: &str, lines: &[String]) -> Option<Edit> {
        let key = self.key(pointer)?;
        let indent = " ".repeat(self.lead(key)?.len());
        let text: String = lines.iter().map(|line| format!("{line}\n{indent}")).collect();
        Some(Edit { start: key.start, end: key.start, text })
    }

    /// Lines in front of the first entry of the mapping at a pointer.
    #[must_use]
    pub fn insert_first(&self, pointer: &str, lines: &[String]) -> Option<Edit> {
        let (first, _) = self.document.spans.find(pointer)?.fields.first()?;
        self.insert_before(&format!("{pointer}/{first}"), lines)
    }

    /// Takes an entry away, with its lines.
    #[must_use]
    pub fn remove(&self, pointer: &str) -> Option<Edit> {
        let node = self.document.spans.find(pointer)?;
        let key = node.key?;
        let lead = self.lead(key)?;
        let end = self.end_of_lines(node);
        let edit = |start, end| Edit { start, end, text: String::new() };
        if lead.trim().is_empty() {
            return Some(edit(key.start - lead.len(), end));
        }
        // The first entry of a list's item: the next one takes its place behind the dash.
        let next = self.text.get(end..)?;
        let indented = next.len() - next.trim_start_matches(' ').len() == lead.len();
        (indented && !next.trim_start_matches(' ').starts_with('-')).then(|| edit(key.start, end + lead.len()))
    }

    /// Other lines in place of an entry.
    #[must_use]
    pub fn rewrite(&self, pointer: &str, lines: &[String]) -> Option<Edit> {
        let node = self.document.spans.find(pointer)?;
        let key = node.key?;
        let newline = format!("\n{}", " ".repeat(self.lead(key)?.len()));
        Some(Edit { start: key.start, end: self.end_of_lines(node), text: lines.join(&newline) + "\n" })
    }

    /// Another scalar in its place.
    #[must_use]
    pub fn replace(&self, pointer: &str, text: &str) -> Option<Edit> {
        let node = self.document.spans.find(pointer)?;
        (node.span.end > node.span.start).then(|| Edit {
            start: node.span.start,
            end: node.span.end,
            text: text.to_owned(),
        })
    }

    /// Puts all entries of a mapping into the one item of a list under a new key: `resources: …` into `any: [resources: …]`.
    #[must_use]
    pub fn wrap(&self, pointer: &str, key: &str) -> Option<Edit> {
        let node = self.document.spans.find(pointer)?;
        let start = node.fields.first()?.1.key?;
        let indent = " ".repeat(self.lead(start)?.len());
        let end = node.fields.last().map(|(_, last)| self.end_of_lines(last))?;
        let body = self.text.get(start.start..end)?;
        let body = body.trim_end().replace(&format!("\n{indent}"), &format!("\n{indent}  "));
        let newline = if self.text.get(..end)?.ends_with('\n') { "\n" } else { "" };
        Some(Edit { start: start.start, end, text: format!("{key}:\n{indent}- {body}{newline}") })
    }

    /// The whole document.
    #[must_use]
    pub fn whole(&self, text: String) -> Option<Edit> {
        let first = self.document.spans.fields.first()?.1.key?;
        let end = self.document.spans.fields.iter().map(|(_, field)| self.end_of_lines(field)).max()?;
        Some(Edit { start: first.start, end, text })
    }

    /// Behind the last line of a node.
    fn end_of_lines(&self, node: &SpanTree) -> usize {
        let last = node.key.map_or(node.span.end, |key| node.span.end.max(key.end));
        let inside = self.text.get(..last).map_or(last, |text| text.trim_end().len());
        let rest = self.text.get(inside..).unwrap_or_default();
        inside + rest.find('\n').map_or(rest.len(), |at| at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(text: &str, edit: impl Fn(&Text<'_>) -> Option<Edit>) -> String {
        let parsed = crate::parse::yaml::parse("x.yaml", text);
        let edit = edit(&Text { document: &parsed.documents[0], text });
        edit.map_or_else(|| "no edit".to_owned(), |edit| apply(text, &[edit]))
    }

    #[test]
    fn takes_entries_away() {
        let text = "a: 1 # why\nb:\n- x: 1\n  w:\n  - 2\nc: 3\n";
        assert_eq!(edited(text, |t| t.remove("/a")), "b:\n- x: 1\n  w:\n  - 2\nc: 3\n");
        assert_eq!(edited(text, |t| t.remove("/b/0/w")), "a: 1 # why\nb:\n- x: 1\nc: 3\n");
        assert_eq!(edited(text, |t| t.remove("/b/0/x")), "a: 1 # why\nb:\n- w:\n  - 2\nc: 3\n");
        assert_eq!(edited("a: {b: 1, c: 2}\n", |t| t.remove("/a/b")), "no edit");
    }

    #[test]
    fn puts_entries_in() {
        let line = ["z: 0".to_owned()];
        assert_eq!(edited("a:\n  b: 1\n", |t| t.insert_first("/a", &line)), "a:\n  z: 0\n  b: 1\n");
        assert_eq!(edited("a:\n- b: 1\n", |t| t.insert_before("/a/0/b", &line)), "a:\n- z: 0\n  b: 1\n");
        assert_eq!(edited("a: {b: 1}\n", |t| t.insert_first("/a", &line)), "no edit");
    }

    #[test]
    fn wraps_entries_in_a_list() {
        let text = "match:\n  resources:\n    kinds:\n    - Pod\n  subjects: []\nz: 1\n";
        let want = "match:\n  any:\n  - resources:\n      kinds:\n      - Pod\n    subjects: []\nz: 1\n";
        assert_eq!(edited(text, |t| t.wrap("/match", "any")), want);
    }

    #[test]
    fn replaces_scalars_and_documents() {
        assert_eq!(edited("a: In # x\n", |t| t.replace("/a", "AnyIn")), "a: AnyIn # x\n");
        assert_eq!(edited("# head\na: 1\n---\nb: 2\n", |t| t.whole("c: 3\n".to_owned())), "# head\nc: 3\n---\nb: 2\n");
    }
}
