//! The API server's expressions as they are stored: one that does not compile is an error where it is evaluated.
//!
//! Follows `k8s.io/apiserver/pkg/admission/plugin/cel`, `compile.go`, `composition.go` and `activation.go`, by which Kyverno
//! evaluates `validate.cel` and, without an API server, the native policies.

use super::compile::{Check, Condition};
use super::env::KUBERNETES_VARIABLES;
use crate::expr::cel::{Env, Program, Type};
use crate::policy::MatchCondition;
use crate::policy::constraints::{Validation, Variable};

/// Compiles an expression; `Err` is why it does not.
fn compile(env: &Env, expression: &str, wanted: Option<&Type>) -> Result<Program, String> {
    let program = Program::compile(expression, env).map_err(|error| format!("compilation failed: {}", error.text))?;
    match wanted {
        Some(wanted) if program.output() != wanted => {
            Err(format!("must evaluate to {wanted} but got {}", program.output()))
        }
        _ => Ok(program),
    }
}

fn program(env: &Env, expression: &str, wanted: &Type) -> Program {
    compile(env, expression, Some(wanted))
        .unwrap_or_else(|words| Program::broken(expression, &format!("compilation error: {words}")))
}

/// Variables; each is declared for those behind it, a broken one as `dyn`.
pub fn variables(env: &mut Env, variables: &[Variable]) -> Vec<(String, Program)> {
    let mut compiled = Vec::with_capacity(variables.len());
    for Variable { name, expression } in variables {
        let program = compile(env, expression, None).unwrap_or_else(|words| {
            Program::broken(expression, &format!("composited variable \"{name}\" fails to compile: {words}"))
        });
        env.declare_field(KUBERNETES_VARIABLES, name, program.output().declared());
        compiled.push((name.clone(), program));
    }
    compiled
}

/// Match conditions; `path` is `spec.matchConditions`.
pub fn conditions(env: &Env, path: &str, conditions: &[MatchCondition]) -> Vec<Condition> {
    let one = |(at, condition): (usize, &MatchCondition)| Condition {
        name: condition.name.clone(),
        pointer: format!("/{}/{at}", path.replace('.', "/")),
        program: program(env, &condition.expression, &Type::Bool),
    };
    conditions.iter().enumerate().map(one).collect()
}

/// Validations.
pub fn checks(env: &Env, validations: &[Validation]) -> Vec<Check> {
    let one = |validation: &Validation| Check {
        program: program(env, &validation.expression, &Type::Bool),
        message: validation.message.clone(),
        message_expression: Some(validation.message_expression.as_str())
            .filter(|text| !text.is_empty())
            .map(|text| program(env, text, &Type::String)),
        reason: validation.reason.clone(),
    };
    validations.iter().map(one).collect()
}

/// The words of an expression that failed.
#[must_use]
pub fn failed(program: &Program, error: &dyn std::fmt::Display) -> String {
    match program.is_broken() {
        true => error.to_string(),
        false => format!("expression '{}' resulted in error: {error}", program.source()),
    }
}
