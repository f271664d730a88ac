//! YAML as sigs.k8s.io/yaml reads it: documents of a file, each on its own, and embedded texts.

use serde_json::Value;

use super::compose::{Chunk, compose};
use super::{Document, Parsed, Span};
use crate::diagnostic::{Diagnostic, Severity};
use crate::limits::MAX_FILE_BYTES;

/// Reads every document of a file. What is wrong with one is told by a diagnostic; the others are read all the same.
///
/// Empty documents and those of comments only are left out. A `kind: List` is one document. JSON is YAML.
#[must_use]
pub fn parse(file: &str, text: &str) -> Parsed {
    let mut parsed = Parsed::default();
    if text.len() > MAX_FILE_BYTES {
        let words = format!("the file has {} bytes; at most {MAX_FILE_BYTES} are read", text.len());
        parsed.diagnostics.push(Diagnostic::error(words).at(file, None));
        return parsed;
    }
    for chunk in split(file, text) {
        for node in compose(chunk, &mut parsed.diagnostics) {
            if node.value.is_null() {
                continue;
            }
            let index = parsed.documents.len();
            let span = node.spans.span;
            parsed.documents.push(Document {
                file: file.to_owned(),
                index,
                value: node.value,
                spans: node.spans,
                span,
            });
        }
    }
    parsed
}

/// Reads a text of one document, such as a `patchesJson6902` string; an empty one is null.
///
/// # Errors
/// What is wrong with it, with its place in `text`. Warnings are not told.
pub fn one(text: &str) -> Result<Value, Diagnostic> {
    let mut diagnostics = Vec::new();
    if text.len() > MAX_FILE_BYTES {
        return Err(Diagnostic::error(format!("the text has {} bytes; at most {MAX_FILE_BYTES} are read", text.len())));
    }
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    let chunk = Chunk { file: "", text: bare, offset: text.len() - bare.len(), line: 0 };
    let first = compose(chunk, &mut diagnostics).into_iter().next();
    match diagnostics.into_iter().find(|diagnostic| diagnostic.severity == Severity::Error) {
        Some(error) => Err(error),
        None => Ok(first.map_or(Value::Null, |node| node.value)),
    }
}

/// Cuts a file at its `---` lines; each part starts with its own.
fn split<'a>(file: &'a str, text: &'a str) -> Vec<Chunk<'a>> {
    let mut chunks = Vec::new();
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut offset = text.len() - bare.len();
    let (mut start, mut start_line, mut line) = (offset, 0, 0);
    let mut directives = false;
    let mut push = |start: usize, end: usize, line: usize| {
        if let Some(text) = text.get(start..end).filter(|text| !is_blank(text)) {
            chunks.push(Chunk { file, text, offset: start, line });
        }
    };
    for row in bare.split_inclusive('\n') {
        let separates =
            row.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if separates && offset > start && !directives {
            push(start, offset, start_line);
            (start, start_line) = (offset, line);
        }
        // A `%` line belongs to the document behind the next separator.
        directives = if row.starts_with('%') {
            directives || text.get(start..offset).is_none_or(is_blank)
        } else {
            directives && (row.trim().is_empty() || row.starts_with('#'))
        };
        offset += row.len();
        line += 1;
    }
    push(start, offset, start_line);
    chunks
}

/// Nothing but white space, comments and separators.
fn is_blank(text: &str) -> bool {
    text.lines().all(|row| {
        let row = row.strip_prefix("---").unwrap_or(row).trim_start_matches([' ', '\t', '\r']);
        row.is_empty() || row.starts_with('#')
    })
}

/// Offsets of an editor: UTF-16 code units from the start of the text.
#[must_use]
pub fn utf16_range(text: &str, span: Span) -> (usize, usize) {
    let units = |end: usize| {
        let mut end = end.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.get(..end).map_or(0, |before| before.chars().map(char::len_utf16).sum())
    };
    (units(span.start), units(span.end))
}

#[cfg(test)]
mod tests;
