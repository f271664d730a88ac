//! Why an expression has no value.

use std::fmt;
use std::sync::Arc;

/// An error of an evaluation, in cel-go's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    words: Arc<str>,
    /// The budget is spent: nothing absorbs such an error, not even `||`.
    pub fatal: bool,
}

impl Error {
    /// An error with words.
    pub fn new(words: impl AsRef<str>) -> Self {
        Self { words: Arc::from(words.as_ref()), fatal: false }
    }

    /// `no such overload`.
    #[must_use]
    pub fn no_overload() -> Self {
        Self::new("no such overload")
    }

    /// The evaluation has cost too much.
    #[must_use]
    pub fn over_budget() -> Self {
        Self { words: Arc::from("operation cancelled: actual cost limit exceeded"), fatal: true }
    }

    /// The words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.words
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for Error {}
