//! Text of a file → documents with the place of every node; a broken document never sinks its neighbours.

mod compose;
pub mod emit;
mod events;
mod scalar;
pub mod span;
pub mod yaml;

use serde_json::Value;

use crate::diagnostic::Diagnostic;
pub use emit::emit;
use span::{Span, SpanTree};
pub use yaml::{one, parse, utf16_range};

/// One YAML or JSON document of a file.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file, as the scenario names it.
    pub file: String,
    /// Its position among the documents of the file, from 0.
    pub index: usize,
    /// The document as sigs.k8s.io/yaml would hand it to Kubernetes.
    pub value: Value,
    /// The place of every node.
    pub spans: SpanTree,
    /// The whole document's text.
    pub span: Span,
}

/// The documents of a file and what is wrong with the rest of it.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// Documents that could be read; empty ones are left out.
    pub documents: Vec<Document>,
    /// Messages about the others, with their places.
    pub diagnostics: Vec<Diagnostic>,
}
