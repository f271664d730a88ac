//! JMESPath as Kyverno evaluates it: the crate parses, an own interpreter follows Kyverno's fork.
//!
//! The fork differs from the specification in one thing that policies rely on: an unknown key of a mapping is an
//! error, not `null` (`interpreter.go`). The error is swallowed in comparisons, function arguments, multi-selects,
//! projections, pipes, around `||` and left of `&&`; it surfaces everywhere else.

mod ast;
pub mod functions;
mod interpreter;
pub mod path;
mod syntax;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use serde_json::{Number, Value};

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It does not parse.
    Syntax(String),
    /// `Unknown key "x" in path`: the fork's NotFoundError.
    NotFound(String),
    /// A query of the JSON context failed; says `JMESPath query failed:` in front of the reason.
    Query(Box<Error>),
    /// Anything else: types, arity, functions, loaders.
    Other(String),
}

impl Error {
    /// Whether an unknown key is the reason.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::NotFound(_) => true,
            Self::Query(inner) => inner.is_not_found(),
            Self::Syntax(_) | Self::Other(_) => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(words) | Self::Other(words) => f.write_str(words),
            Self::NotFound(key) => write!(f, "Unknown key \"{key}\" in path"),
            Self::Query(inner) => write!(f, "JMESPath query failed: {inner}"),
        }
    }
}

impl std::error::Error for Error {}

/// What functions may know besides their arguments. Nothing here is a real clock or real randomness.
#[derive(Clone, Debug, Default)]
pub struct Env {
    /// Seconds since the epoch, and nanoseconds, of the virtual clock.
    pub now: (i64, u32),
    /// What `random()` starts from.
    pub seed: u64,
    /// How often `random()` was called; part of what makes each call differ.
    pub calls: Cell<u64>,
}

impl Env {
    /// An environment at a moment, with the seed of `random()`.
    #[must_use]
    pub fn new(now: (i64, u32), seed: u64) -> Self {
        Self { now, seed, calls: Cell::new(0) }
    }
}

/// A parsed expression.
#[derive(Debug)]
pub struct Expression {
    node: ast::Node,
}

/// Parsed expressions that a thread keeps; beyond this many it starts anew.
const CACHED_EXPRESSIONS: usize = 4096;

thread_local! {
    static CACHE: RefCell<BTreeMap<String, Rc<Expression>>> = const { RefCell::new(BTreeMap::new()) };
}

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// [`Error::Syntax`], in the fork's words (`SyntaxError: …`) where they are known.
    pub fn parse(expression: &str) -> Result<Self, Error> {
        Ok(Self { node: syntax::parse(expression)? })
    }

    /// Parses an expression, or returns the one that this thread parsed before.
    ///
    /// # Errors
    /// As [`Expression::parse`].
    pub fn cached(expression: &str) -> Result<Rc<Self>, Error> {
        if let Some(found) = CACHE.with_borrow(|cache| cache.get(expression).cloned()) {
            return Ok(found);
        }
        let parsed = Rc::new(Self::parse(expression)?);
        CACHE.with_borrow_mut(|cache| {
            if cache.len() >= CACHED_EXPRESSIONS {
                cache.clear();
            }
            cache.insert(expression.to_owned(), Rc::clone(&parsed));
        });
        Ok(parsed)
    }

    /// Evaluates the expression against a document.
    ///
    /// # Errors
    /// An unknown key that nothing swallows, wrong types or arity, an unknown function, or what a function refuses.
    pub fn search(&self, data: &Value, env: &Env) -> Result<Value, Error> {
        interpreter::evaluate(&self.node, data, env)
    }
}

/// Evaluates an expression against an input, as `kyverno jp query` does.
///
/// # Errors
/// The expression does not parse or fails.
pub fn query(expression: &str, input: &Value, env: &Env) -> Result<Value, Error> {
    Expression::cached(expression.trim())?.search(input, env)
}

/// A number as JSON: whole numbers without a fraction, as Go prints a float64. What is no number becomes `null`.
#[must_use]
pub fn number(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// Equality over one domain of numbers: `1` equals `1.0`.
#[must_use]
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| equal(value, other)))
        }
        _ => left == right,
    }
}
