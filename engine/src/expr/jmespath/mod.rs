//! JMESPath as Kyverno evaluates it: the crate parses, an own interpreter follows Kyverno's fork.

use std::fmt;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It does not parse.
    Syntax(String),
    /// `Unknown key "x" in path`: the fork's NotFoundError.
    NotFound(String),
    /// Anything else: types, arity, functions, loaders.
    Other(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(words) | Self::Other(words) => f.write_str(words),
            Self::NotFound(key) => write!(f, "Unknown key \"{key}\" in path"),
        }
    }
}
