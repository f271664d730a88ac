//! A message for the author of a document: how bad, where, what, and what to do.

use serde::{Deserialize, Serialize};

use crate::parse::span::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document cannot be used.
    Error,
    /// It can be used, but probably does not do what was meant.
    Warning,
    /// Worth knowing.
    Info,
}

/// One message. User mistakes are data, never an `Err` that stops the neighbours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The file it is in, as the scenario names it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Where in that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error with words only; add the place with [`Diagnostic::at`].
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Severity::Error, message)
    }

    /// A warning with words only.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, message)
    }

    fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self { severity, message: message.into(), file: String::new(), span: None, hint: None }
    }

    /// The same message with its place.
    #[must_use]
    pub fn at(mut self, file: &str, span: Option<Span>) -> Self {
        self.file = file.to_owned();
        self.span = span;
        self
    }

    /// The same message with a way out.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
