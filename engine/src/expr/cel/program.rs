//! An expression, parsed, checked and ready to be evaluated any number of times.

use std::sync::Arc;

use super::activation::Activation;
use super::ast::{Expr, Node};
use super::env::Env;
use super::ops::Res;
use super::place::{self, Place};
use super::types::Type;
use super::{check, eval, guard, lower};

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Program {
    source: Arc<str>,
    root: Arc<Node>,
    output: Type,
}

/// Why an expression does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// Every mistake as cel-go prints them: place, words, line, caret.
    pub text: String,
    /// The mistakes with their places in the expression.
    pub mistakes: Vec<(Place, String)>,
}

impl Program {
    /// Parses and checks an expression.
    ///
    /// # Errors
    /// What cel-go's `env.Compile` finds wrong.
    pub fn compile(source: &str, env: &Env) -> Result<Self, CompileError> {
        if let Err(words) = guard::check(source) {
            return Err(failed(source, vec![(Place { line: 1, column: 0 }, words)]));
        }
        let parsed = place::parser().parse(source).map_err(|errors| {
            let mistakes = errors
                .errors
                .into_iter()
                .map(|error| {
                    let line = usize::try_from(error.pos.0).unwrap_or(1).max(1);
                    let column = usize::try_from(error.pos.1).unwrap_or(1).saturating_sub(1);
                    let place = Place { line, column };
                    (place, worded(source, place, error.msg))
                })
                .collect();
            failed(source, mistakes)
        })?;
        let mistaken = |mistakes: &[lower::Mistake]| {
            let (text, mistakes) = place::describe(source, mistakes);
            CompileError { text, mistakes }
        };
        let root = lower::lower(env, parsed).map_err(|mistake| mistaken(&[mistake]))?;
        let (output, mistakes) = check::check(env, &root);
        if !mistakes.is_empty() {
            return Err(mistaken(&mistakes));
        }
        Ok(Self { source: Arc::from(source), root: Arc::new(root), output })
    }

    /// An expression that does not compile, where that is an error of every evaluation.
    #[must_use]
    pub fn broken(source: &str, words: &str) -> Self {
        let root = Node { id: 0, expr: Expr::Broken(Arc::from(words)) };
        Self { source: Arc::from(source), root: Arc::new(root), output: Type::Dyn }
    }

    /// Whether it is one that does not compile.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self.root.expr, Expr::Broken(_))
    }

    /// The static type of the result.
    #[must_use]
    pub fn output(&self) -> &Type {
        &self.output
    }

    /// The text.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The tree.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Evaluates the expression.
    ///
    /// # Errors
    /// Whatever it runs into, in cel-go's words.
    pub fn eval(&self, activation: &Activation<'_>) -> Res {
        eval::evaluate(&self.root, activation)
    }
}

/// What the parser says, with what it met.
fn worded(source: &str, place: Place, words: String) -> String {
    let rest = source.split('\n').nth(place.line.saturating_sub(1)).unwrap_or("").chars().skip(place.column);
    let mut rest = rest.peekable();
    let word = rest.peek().is_some_and(|c| c.is_alphanumeric());
    let met: String =
        rest.enumerate().take_while(|(at, c)| *at == 0 || word && c.is_alphanumeric()).map(|(_, c)| c).collect();
    match words.as_str() {
        "unexpected token" => format!("Syntax error: mismatched input '{met}' expecting expression"),
        "unexpected character" => format!("Syntax error: token recognition error at: '{met}'"),
        _ => words,
    }
}

fn failed(source: &str, mistakes: Vec<(Place, String)>) -> CompileError {
    let text: Vec<String> = mistakes.iter().map(|(place, words)| place::message(source, *place, words)).collect();
    CompileError { text: text.join("\n"), mistakes }
}
