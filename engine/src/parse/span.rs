//! Places in a text: byte ranges with lines and columns, and the place of every node of a document.

use serde::{Deserialize, Serialize};

/// A range of a file. Lines and columns count from 1, columns in Unicode code points; `start` and `end` are byte offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Line of `start`, from 1.
    pub line: usize,
    /// Column of `start`, from 1.
    pub column: usize,
}

/// One step of a path into a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// A key of a mapping.
    Key(String),
    /// An index of a sequence.
    Index(usize),
}

/// The places of one node and of everything below it; mirrors the value.
#[derive(Clone, Debug, Default)]
pub struct SpanTree {
    /// The node's own text.
    pub span: Span,
    /// The key in front of it, where the node is the value of a mapping entry.
    pub key: Option<Span>,
    /// Children of a mapping, in order of the text.
    pub fields: Vec<(String, SpanTree)>,
    /// Children of a sequence.
    pub items: Vec<SpanTree>,
}

impl SpanTree {
    /// The deepest node that exists along a JSON pointer (`/spec/rules/0/name`); the root for an empty one.
    #[must_use]
    pub fn nearest(&self, pointer: &str) -> &SpanTree {
        let mut node = self;
        for raw in pointer.split('/').skip(1) {
            match node.child(&raw.replace("~1", "/").replace("~0", "~")) {
                Some(next) => node = next,
                None => return node,
            }
        }
        node
    }

    /// The node at exactly this JSON pointer.
    #[must_use]
    pub fn find(&self, pointer: &str) -> Option<&SpanTree> {
        let mut node = self;
        for raw in pointer.split('/').skip(1) {
            node = node.child(&raw.replace("~1", "/").replace("~0", "~"))?;
        }
        Some(node)
    }

    /// The child behind a key or an index.
    #[must_use]
    pub fn child(&self, segment: &str) -> Option<&SpanTree> {
        if let Some((_, tree)) = self.fields.iter().rev().find(|(key, _)| key == segment) {
            return Some(tree);
        }
        self.items.get(segment.parse::<usize>().ok()?)
    }
}
