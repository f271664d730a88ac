//! Compiling the expressions of a policy, and what is said when one does not compile.

use super::env::KUBERNETES_VARIABLES;
use super::placed;
use crate::diagnostic::Diagnostic;
use crate::expr::cel::place::Place;
use crate::expr::cel::{Env, Program, Type};
use crate::object::gofmt::quote;
use crate::object::order;
use crate::parse::span::SpanTree;
use crate::policy::MatchCondition;
use crate::policy::constraints::{AuditAnnotation, Validation, Variable};

/// Why a policy does not compile, as the policy webhook says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// `spec.validations[0].expression`.
    pub path: String,
    /// The expression.
    pub value: String,
    /// What is wrong: cel-go's words, or `output is expected to be of type bool`.
    pub detail: String,
    /// The mistakes with their places in the expression.
    pub mistakes: Vec<(Place, String)>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: Invalid value: {}: {}", self.path, quote(&self.value), self.detail)
    }
}

impl Problem {
    /// A problem with words only.
    #[must_use]
    pub fn new(path: &str, value: &str, detail: impl Into<String>) -> Self {
        Self { path: path.to_owned(), value: value.to_owned(), detail: detail.into(), mistakes: Vec::new() }
    }

    /// The place in the policy document: `/spec/validations/0/expression`.
    #[must_use]
    pub fn pointer(&self) -> String {
        format!("/{}", self.path.replace(['.', '['], "/").replace(']', ""))
    }

    /// A message for the author at the line and column of the first mistake. `text` is the whole file.
    #[must_use]
    pub fn diagnostic(&self, file: &str, text: &str, spans: &SpanTree) -> Diagnostic {
        let node = spans.nearest(&self.pointer()).span;
        let (message, span) = match self.mistakes.first() {
            Some((place, words)) => (words.clone(), placed::within(text, node, &self.value, *place).unwrap_or(node)),
            None => (self.detail.clone(), node),
        };
        let shown = self.mistakes.first().map(|(place, _)| crate::expr::cel::place::message(&self.value, *place, ""));
        let diagnostic = Diagnostic::error(message).at(file, Some(span));
        match shown.as_deref().and_then(|shown| shown.split_once('\n')) {
            Some((_, lines)) => diagnostic.hint(lines),
            None => diagnostic,
        }
    }
}

/// Compiles an expression of any type.
///
/// # Errors
/// It does not compile.
pub fn any(env: &Env, path: &str, expression: &str) -> Result<Program, Problem> {
    Program::compile(expression, env).map_err(|error| Problem {
        path: path.to_owned(),
        value: expression.to_owned(),
        detail: error.text,
        mistakes: error.mistakes,
    })
}

/// Compiles an expression whose type must be exactly one of some.
///
/// # Errors
/// It does not compile, or has another type.
pub fn typed(env: &Env, path: &str, expression: &str, wanted: &[Type], words: &str) -> Result<Program, Problem> {
    let program = any(env, path, expression)?;
    if wanted.contains(program.output()) {
        return Ok(program);
    }
    Err(Problem::new(path, expression, format!("output is expected to be {words}")))
}

/// Compiles an expression of exactly type bool.
///
/// # Errors
/// It does not compile, or is no bool (`dyn` is none either).
pub fn boolean(env: &Env, path: &str, expression: &str) -> Result<Program, Problem> {
    typed(env, path, expression, &[Type::Bool], "of type bool")
}

/// A compiled condition with its name and place.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Its name.
    pub name: String,
    /// `/spec/matchConditions/0`.
    pub pointer: String,
    /// Of type bool.
    pub program: Program,
}

/// Compiles conditions.
///
/// # Errors
/// The first that does not compile.
pub fn conditions(env: &Env, path: &str, conditions: &[MatchCondition]) -> Result<Vec<Condition>, Problem> {
    let compiled = conditions.iter().enumerate().map(|(at, condition)| {
        let program = boolean(env, &format!("{path}[{at}].expression"), &condition.expression)?;
        let pointer = format!("/{}/{at}", path.replace('.', "/"));
        Ok(Condition { name: condition.name.clone(), pointer, program })
    });
    compiled.collect()
}

/// Compiles variables in order; each is declared for those behind it.
///
/// # Errors
/// The first that does not compile: an unknown name, or one that is declared later.
pub fn variables(env: &mut Env, message: &str, variables: &[Variable]) -> Result<Vec<(String, Program)>, Problem> {
    let mut compiled = Vec::with_capacity(variables.len());
    for (at, variable) in variables.iter().enumerate() {
        let program = any(env, &format!("spec.variables[{at}].expression"), &variable.expression)?;
        let kubernetes = message == KUBERNETES_VARIABLES;
        let output = if kubernetes { program.output().declared() } else { program.output().clone() };
        env.declare_field(message, &variable.name, output);
        compiled.push((variable.name.clone(), program));
    }
    Ok(compiled)
}

/// A compiled check.
#[derive(Clone, Debug)]
pub struct Check {
    /// Of type bool.
    pub program: Program,
    /// Message when it is false.
    pub message: String,
    /// Of type string.
    pub message_expression: Option<Program>,
    /// Machine-readable reason.
    pub reason: Option<String>,
}

/// Compiles validations.
///
/// # Errors
/// The first that does not compile.
pub fn validations(env: &Env, validations: &[Validation]) -> Result<Vec<Check>, Problem> {
    let compiled = validations.iter().enumerate().map(|(at, validation)| {
        let path = format!("spec.validations[{at}]");
        let program = boolean(env, &format!("{path}.expression"), &validation.expression)?;
        let message_expression = match validation.message_expression.as_str() {
            "" => None,
            text => Some(typed(env, &format!("{path}.messageExpression"), text, &[Type::String], "of type string")?),
        };
        let (message, reason) = (validation.message.clone(), validation.reason.clone());
        Ok(Check { program, message, message_expression, reason })
    });
    compiled.collect()
}

/// Compiles audit annotations, sorted by key.
///
/// # Errors
/// The first that does not compile.
pub fn audit_annotations(env: &Env, annotations: &[AuditAnnotation]) -> Result<Vec<(String, Program)>, Problem> {
    annotations_of(env, annotations, &[Type::String, Type::Null])
}

/// The same, where the value may be dynamic, too.
///
/// # Errors
/// The first that does not compile.
pub fn dynamic_annotations(env: &Env, annotations: &[AuditAnnotation]) -> Result<Vec<(String, Program)>, Problem> {
    annotations_of(env, annotations, &[Type::String, Type::Null, Type::Dyn])
}

fn annotations_of(
    env: &Env,
    annotations: &[AuditAnnotation],
    types: &[Type],
) -> Result<Vec<(String, Program)>, Problem> {
    let mut compiled = Vec::with_capacity(annotations.len());
    for (at, annotation) in annotations.iter().enumerate() {
        let path = format!("spec.auditAnnotations[{at}].valueExpression");
        let words = "either of type string or null_type";
        let program = typed(env, &path, &annotation.value_expression, types, words)?;
        compiled.push((annotation.key.clone(), program));
    }
    order::sort_by(&mut compiled, |(a, _), (b, _)| a.cmp(b));
    Ok(compiled)
}
