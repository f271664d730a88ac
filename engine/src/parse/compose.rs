//! Events → JSON value and span tree: merge keys, aliases, duplicate keys, and limits.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::events::{Event, Kind, Mark, Parser, Problem};
use super::scalar::{self, Scalar};
use super::span::{Span, SpanTree};
use crate::diagnostic::Diagnostic;
use crate::limits::{MAX_DEPTH, MAX_NODES};

/// A part of a file that is parsed on its own; `text` starts at the start of a line.
#[derive(Clone, Copy)]
pub(super) struct Chunk<'a> {
    pub file: &'a str,
    pub text: &'a str,
    /// Byte offset of the chunk in the file.
    pub offset: usize,
    /// Line of its first line, from 0.
    pub line: usize,
}

/// A node of a document.
pub(super) struct Node {
    pub value: Value,
    pub spans: SpanTree,
}

/// The documents of a chunk; what was read before an error is kept.
pub(super) fn compose(chunk: Chunk<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Node> {
    let mut documents = Vec::new();
    let Some(mut parser) = Parser::new(chunk.text) else {
        diagnostics.push(Diagnostic::error("out of memory").at(chunk.file, None));
        return documents;
    };
    let breaks = chunk.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
    let lines = std::iter::once(0).chain(breaks).collect();
    let mut composer = Composer { chunk, lines, diagnostics, stack: Vec::new(), anchors: HashMap::new(), nodes: 0 };
    loop {
        let step = parser.next().map_err(|problem| composer.syntax_error(&problem)).and_then(|event| {
            let done = matches!(event.kind, Kind::StreamEnd);
            composer.event(event).map(|document| (done, document))
        });
        match step {
            Ok((done, document)) => {
                documents.extend(document);
                if done {
                    return documents;
                }
            }
            Err(diagnostic) => {
                composer.diagnostics.push(*diagnostic);
                return documents;
            }
        }
    }
}

/// A collection that is not closed yet.
struct Frame {
    start: Mark,
    end: Mark,
    flow: bool,
    anchor: Option<String>,
    depth: usize,
    nodes_before: usize,
    body: Body,
}

enum Body {
    Sequence { items: Vec<Value>, trees: Vec<SpanTree> },
    Mapping { map: Map<String, Value>, fields: Vec<(String, SpanTree)>, key: Option<Key>, merged: HashSet<String> },
}

enum Key {
    Named(String, Span),
    /// `<<`.
    Merge,
}

struct Anchor {
    value: Value,
    spans: SpanTree,
    nodes: usize,
    depth: usize,
}

type Fault = Box<Diagnostic>;

struct Composer<'a, 'd> {
    chunk: Chunk<'a>,
    /// Where each line starts.
    lines: Vec<usize>,
    diagnostics: &'d mut Vec<Diagnostic>,
    stack: Vec<Frame>,
    /// `None` while the anchored node is still open.
    anchors: HashMap<String, Option<Anchor>>,
    nodes: usize,
}

impl Composer<'_, '_> {
    /// Takes one event; gives the document that it completes.
    fn event(&mut self, event: Event) -> Result<Option<Node>, Fault> {
        let span = self.span(event.start, event.end);
        match event.kind {
            Kind::StreamStart | Kind::StreamEnd | Kind::DocumentEnd => Ok(None),
            Kind::DocumentStart(version) => {
                self.anchors.clear();
                match version {
                    None | Some(1) => Ok(None),
                    Some(_) => Err(self.fault("found incompatible YAML document", span)),
                }
            }
            Kind::Scalar { value, plain } => self.scalar(value, plain, event.tag.as_deref(), event.anchor, span),
            Kind::Alias(name) => self.alias(&name, span),
            Kind::SequenceStart { flow } => {
                let body = Body::Sequence { items: Vec::new(), trees: Vec::new() };
                self.open(body, flow, event.anchor, event.start, span)
            }
            Kind::MappingStart { flow } => {
                let (map, fields, key, merged) = (Map::new(), Vec::new(), None, HashSet::new());
                self.open(Body::Mapping { map, fields, key, merged }, flow, event.anchor, event.start, span)
            }
            Kind::SequenceEnd | Kind::MappingEnd => self.close(event.end),
        }
    }

    fn open(
        &mut self,
        body: Body,
        flow: bool,
        anchor: Option<String>,
        start: Mark,
        span: Span,
    ) -> Result<Option<Node>, Fault> {
        self.count(1, span)?;
        if self.stack.len() >= MAX_DEPTH {
            return Err(self.fault(&format!("exceeded max depth of {MAX_DEPTH}"), span));
        }
        if let Some(name) = &anchor {
            self.anchors.insert(name.clone(), None);
        }
        let nodes_before = self.nodes;
        self.stack.push(Frame { start, end: start, flow, anchor, depth: 0, nodes_before, body });
        Ok(None)
    }

    fn close(&mut self, end: Mark) -> Result<Option<Node>, Fault> {
        let Some(frame) = self.stack.pop() else { return Ok(None) };
        // The end of a block collection is where the next token starts: take that of its last child instead.
        let end = if frame.flow { end } else { frame.end };
        let span = self.span(frame.start, end);
        let (value, spans) = match frame.body {
            Body::Sequence { items, trees } => {
                (Value::Array(items), SpanTree { span, items: trees, ..SpanTree::default() })
            }
            Body::Mapping { map, fields, .. } => (Value::Object(map), SpanTree { span, fields, ..SpanTree::default() }),
        };
        let depth = frame.depth + 1;
        if let Some(name) = frame.anchor {
            let nodes = self.nodes - frame.nodes_before + 1;
            self.anchors.insert(name, Some(Anchor { value: value.clone(), spans: spans.clone(), nodes, depth }));
        }
        self.place(Node { value, spans }, depth, end)
    }

    fn scalar(
        &mut self,
        text: String,
        plain: bool,
        tag: Option<&str>,
        anchor: Option<String>,
        span: Span,
    ) -> Result<Option<Node>, Fault> {
        self.count(1, span)?;
        let merge = plain && text == "<<" && tag.is_none_or(|tag| tag == "tag:yaml.org,2002:merge");
        let end = self.mark_of(span);
        let scalar = scalar::resolve(tag, text, plain).map_err(|words| self.fault(&words, span))?;
        if let Some(Frame { body: Body::Mapping { key: key @ None, .. }, end: last, .. }) = self.stack.last_mut() {
            *last = end;
            if merge {
                *key = Some(Key::Merge);
                return Ok(None);
            }
            if let Some(name) = &anchor {
                let value = scalar.clone().into_value().unwrap_or(Value::Null);
                let spans = SpanTree { span, ..SpanTree::default() };
                self.anchors.insert(name.clone(), Some(Anchor { value, spans, nodes: 1, depth: 0 }));
            }
            return self.key(scalar, span);
        }
        let value = scalar.into_value().map_err(|words| self.fault(&words, span))?;
        let spans = SpanTree { span, ..SpanTree::default() };
        if let Some(name) = anchor {
            let kept = Anchor { value: value.clone(), spans: spans.clone(), nodes: 1, depth: 0 };
            self.anchors.insert(name, Some(kept));
        }
        self.place(Node { value, spans }, 0, end)
    }

    fn key(&mut self, scalar: Scalar, span: Span) -> Result<Option<Node>, Fault> {
        let Some(name) = scalar.into_key() else {
            return Err(self.fault("a key of a mapping is empty or null", span));
        };
        if let Some(Frame { body: Body::Mapping { key, .. }, .. }) = self.stack.last_mut() {
            *key = Some(Key::Named(name, span));
        }
        Ok(None)
    }

    fn alias(&mut self, name: &str, span: Span) -> Result<Option<Node>, Fault> {
        let (value, mut spans, nodes, depth) = match self.anchors.get(name) {
            None => return Err(self.fault(&format!("unknown anchor '{name}' referenced"), span)),
            Some(None) => return Err(self.fault(&format!("anchor '{name}' value contains itself"), span)),
            Some(Some(anchor)) if self.nodes + anchor.nodes > MAX_NODES => {
                return Err(self.fault("document contains excessive aliasing", span));
            }
            Some(Some(anchor)) => (anchor.value.clone(), anchor.spans.clone(), anchor.nodes, anchor.depth),
        };
        self.count(nodes, span)?;
        if self.stack.len() + depth > MAX_DEPTH {
            return Err(self.fault(&format!("exceeded max depth of {MAX_DEPTH}"), span));
        }
        let end = self.mark_of(span);
        if let Some(Frame { body: Body::Mapping { key: None, .. }, .. }) = self.stack.last() {
            return match value {
                Value::String(text) => self.key(Scalar::Text(text), span),
                Value::Bool(value) => self.key(Scalar::Bool(value), span),
                Value::Number(number) => self.key(Scalar::Text(number.to_string()), span),
                _ => Err(self.fault("a key of a mapping is not a scalar", span)),
            };
        }
        spans.span = span;
        spans.key = None;
        self.place(Node { value, spans }, depth, end)
    }

    /// Puts a finished node into the collection around it; without one it is the document.
    fn place(&mut self, mut node: Node, depth: usize, end: Mark) -> Result<Option<Node>, Fault> {
        let span = node.spans.span;
        let Some(frame) = self.stack.last_mut() else { return Ok(Some(node)) };
        frame.depth = frame.depth.max(depth);
        if end.index > frame.end.index {
            frame.end = end;
        }
        let fault = match &mut frame.body {
            Body::Sequence { items, trees } => {
                items.push(node.value);
                trees.push(node.spans);
                return Ok(None);
            }
            Body::Mapping { map, fields, key, merged } => match key.take() {
                Some(Key::Named(name, at)) => {
                    node.spans.key = Some(at);
                    let known = map.insert(name.clone(), node.value).is_some() && !merged.remove(&name);
                    let first = if known { fields.iter().find(|(field, _)| *field == name) } else { None };
                    let first = first.and_then(|(_, tree)| tree.key).map(|span| span.line);
                    if known {
                        self.diagnostics.push(duplicate_key(&name, first).at(self.chunk.file, Some(at)));
                    }
                    fields.push((name, node.spans));
                    return Ok(None);
                }
                Some(Key::Merge) => match merge(map, fields, merged, node) {
                    Ok(()) => return Ok(None),
                    Err(words) => words,
                },
                None => "a key of a mapping is not a scalar",
            },
        };
        Err(self.fault(fault, span))
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), Fault> {
        self.nodes += nodes;
        if self.nodes <= MAX_NODES { Ok(()) } else { Err(self.fault("the document is too large", span)) }
    }

    fn fault(&self, words: &str, span: Span) -> Fault {
        Box::new(Diagnostic::error(words).at(self.chunk.file, Some(span)))
    }

    fn syntax_error(&self, problem: &Problem) -> Fault {
        let words = match problem.context.as_str() {
            "" => problem.words.clone(),
            context => format!("{} {context}", problem.words),
        };
        let mut mark = problem.mark;
        if problem.offset_only {
            mark.line = usize::MAX;
        }
        let span = self.span(mark, mark);
        let mut diagnostic = *self.fault(&words, span);
        let line = self.chunk.text.lines().nth(span.line - self.chunk.line - 1).unwrap_or("");
        if problem.offset_only {
            diagnostic = diagnostic.hint("Remove the invisible control character.");
        } else if line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t') {
            diagnostic = diagnostic.hint("YAML does not allow tabs for indentation: use spaces.");
        } else if line.contains("{{") {
            diagnostic = diagnostic.hint("Put quotes around a value that starts with {{.");
        } else if problem.words.starts_with("mapping values are not allowed") {
            diagnostic = diagnostic.hint("Look for a colon in a value without quotes, or for wrong indentation.");
        }
        Box::new(diagnostic)
    }

    /// A place in the file; white space at its end is left out.
    fn span(&self, start: Mark, end: Mark) -> Span {
        let text = self.chunk.text.get(start.index..end.index.max(start.index)).unwrap_or("");
        let (line, column) = self.line_and_column(start);
        Span {
            start: self.chunk.offset + start.index,
            end: self.chunk.offset + start.index + text.trim_end().len(),
            line: self.chunk.line + line + 1,
            column: column + 1,
        }
    }

    /// libyaml counts a line too many at the end of the text, and U+2028 and its like as line breaks; editors do not.
    fn line_and_column(&self, mark: Mark) -> (usize, usize) {
        let starts_before = |line: usize| self.lines.get(line).is_some_and(|start| *start <= mark.index);
        if starts_before(mark.line) && !starts_before(mark.line.saturating_add(1)) {
            return (mark.line, mark.column);
        }
        let line = self.lines.partition_point(|start| *start <= mark.index).saturating_sub(1);
        let start = self.lines.get(line).copied().unwrap_or(0);
        // Counting in a very long line would take too long for each of its nodes.
        let near = self.chunk.text.get(start..mark.index).filter(|before| before.len() < 4096);
        (line, near.map_or(mark.column, |before| before.chars().count()))
    }

    fn mark_of(&self, span: Span) -> Mark {
        Mark { index: span.end.saturating_sub(self.chunk.offset), line: 0, column: 0 }
    }
}

/// `<<`: the keys of a mapping, or of several with the earlier ones before the later, over what is there already.
fn merge(
    map: &mut Map<String, Value>,
    fields: &mut Vec<(String, SpanTree)>,
    merged: &mut HashSet<String>,
    node: Node,
) -> Result<(), &'static str> {
    let Node { value, spans } = node;
    match value {
        Value::Object(entries) => {
            let mut trees = spans.fields;
            for (key, value) in entries {
                let at = trees.iter().rposition(|(field, _)| *field == key);
                let tree = at.map(|at| trees.swap_remove(at).1).unwrap_or_default();
                map.insert(key.clone(), value);
                fields.push((key.clone(), tree));
                merged.insert(key);
            }
            Ok(())
        }
        Value::Array(items) if items.iter().all(Value::is_object) => {
            for (value, spans) in items.into_iter().zip(spans.items).rev() {
                merge(map, fields, merged, Node { value, spans })?;
            }
            Ok(())
        }
        _ => Err("map merge requires map or sequence of maps as the value"),
    }
}

fn duplicate_key(name: &str, first: Option<usize>) -> Diagnostic {
    let words = format!("key {} already set in map", crate::object::gofmt::quote(name));
    let diagnostic = Diagnostic::warning(words);
    match first {
        Some(line) => diagnostic.hint(format!("Line {line} sets it first; the last one counts.")),
        None => diagnostic,
    }
}
