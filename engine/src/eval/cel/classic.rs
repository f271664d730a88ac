//! `validate.cel` of classic rules and `matchConditions` of webhooks: the API server's environment.

use serde::Deserialize;
use serde_json::Value;

use super::compile::{self, Problem};
use super::conditions::hold;
use super::env::{self, KUBERNETES_VARIABLES, Kubernetes};
use super::explain::recorded;
use super::outside::Seen;
use super::params::{self, Params};
use super::vap::{activation, message};
use crate::eval::EvalCx;
use crate::eval::trace::Trace;
use crate::expr::cel::{Lib, Val};
use crate::policy::MatchCondition;
use crate::policy::admission_policies::{ParamKind, ParamRef};
use crate::policy::constraints::{AuditAnnotation, Validation, Variable};

/// `validate.cel`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CelBody {
    expressions: Vec<Validation>,
    variables: Vec<Variable>,
    audit_annotations: Vec<AuditAnnotation>,
    param_kind: Option<ParamKind>,
    param_ref: Option<ParamRef>,
}

/// How a `validate.cel` rule came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every expression is true.
    Pass,
    /// One is false, or fails to evaluate: the words are the whole message.
    Fail(String),
    /// The preconditions do not hold: `cel preconditions not met`.
    Skip,
    /// The rule cannot be evaluated: it does not compile, or its parameters are missing.
    Error(String),
}

/// Evaluates `validate.cel` of a rule. `cel` is the value of that field, `message` the message of the rule, which stands
/// where an expression has none; `pointer` is where `cel` is written.
#[must_use]
pub fn validate(
    cel: &Value,
    preconditions: &[MatchCondition],
    message_of_rule: &str,
    pointer: &str,
    cx: &EvalCx<'_>,
    trace: &mut Trace,
) -> Outcome {
    let body = match CelBody::deserialize(cel) {
        Ok(body) => body,
        Err(error) => return Outcome::Error(error.to_string()),
    };
    match evaluate(&body, preconditions, message_of_rule, pointer, cx, trace) {
        Ok(outcome) => outcome,
        Err(problem) => Outcome::Error(problem.to_string()),
    }
}

fn evaluate(
    body: &CelBody,
    preconditions: &[MatchCondition],
    message_of_rule: &str,
    pointer: &str,
    cx: &EvalCx<'_>,
    trace: &mut Trace,
) -> Result<Outcome, Problem> {
    let has = Kubernetes { params: body.param_kind.is_some(), authorizer: true, patches: false, variables: true };
    let mut env = env::kubernetes(has);
    env.or_value_compat = true;
    env.add_library(Lib::OrValueCompat);
    let mut variables_env = env.clone();
    let variables = compile::variables(&mut variables_env, KUBERNETES_VARIABLES, &body.variables)?;
    let conditions = compile::conditions(&variables_env, "celPreconditions", preconditions)?;
    let checks = compile::validations(&variables_env, &body.expressions)?;
    compile::audit_annotations(&variables_env, &body.audit_annotations)?;
    let all = match params::find(body.param_kind.as_ref(), body.param_ref.as_ref(), &[], cx) {
        Params::Each(all) => all,
        Params::Allowed => return Ok(Outcome::Pass),
        Params::Missing(words) => return Ok(Outcome::Error(words)),
    };
    let seen = Seen(cx.view);
    for params in all {
        let mut activation = activation(cx, &params);
        activation.view = Some(&seen);
        activation.set_variables(&variables);
        match hold(&conditions, &activation, "preconditions", trace) {
            Ok(true) => {}
            Ok(false) => return Ok(Outcome::Skip),
            Err(error) => return Ok(Outcome::Fail(error.to_string())),
        }
        for (at, check) in checks.iter().enumerate() {
            let found = check.program.eval(&activation);
            let place = format!("{pointer}/expressions/{at}/expression");
            recorded("cel", "", &place, &check.program, &found, &activation, trace);
            match found {
                Ok(Val::Bool(true)) => {}
                Ok(_) => {
                    let mut check = check.clone();
                    if check.message.trim().is_empty() && !message_of_rule.is_empty() {
                        message_of_rule.clone_into(&mut check.message);
                    }
                    return Ok(Outcome::Fail(message(&check, &activation)));
                }
                Err(error) => {
                    let source = check.program.source();
                    return Ok(Outcome::Fail(format!("expression '{source}' resulted in error: {error}")));
                }
            }
        }
    }
    Ok(Outcome::Pass)
}

/// Whether the match conditions of a webhook let a request through to it.
///
/// # Errors
/// A condition does not compile or fails to evaluate while none is false.
pub fn webhook_conditions(conditions: &[MatchCondition], cx: &EvalCx<'_>, trace: &mut Trace) -> Result<bool, String> {
    if conditions.is_empty() {
        return Ok(true);
    }
    let has = Kubernetes { authorizer: true, ..Kubernetes::default() };
    let path = "spec.webhookConfiguration.matchConditions";
    let compiled =
        compile::conditions(&env::kubernetes(has), path, conditions).map_err(|problem| problem.to_string())?;
    let seen = Seen(cx.view);
    let mut activation = activation(cx, &Value::Null);
    activation.view = Some(&seen);
    hold(&compiled, &activation, "condition", trace).map_err(|error| error.to_string())
}
