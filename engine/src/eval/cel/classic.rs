//! `validate.cel` of classic rules and `matchConditions` of webhooks: the API server's environment.

use serde::Deserialize;
use serde_json::Value;

use super::compile::{self, Problem};
use super::conditions::hold_without_namespace;
use super::env::{self, KUBERNETES_VARIABLES, Kubernetes};
use super::explain::recorded;
use super::outside::Seen;
use super::params::{self, Params};
use super::stored;
use super::vap::{activation, message};
use crate::eval::EvalCx;
use crate::eval::trace::Trace;
use crate::expr::cel::{Env, Val};
use crate::object::read::read;
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
    let body = match read::<CelBody>(cel) {
        Ok(body) => body,
        Err(error) => return Outcome::Error(error.to_string()),
    };
    evaluate(&body, preconditions, message_of_rule, pointer, cx, trace)
}

fn evaluate(
    body: &CelBody,
    preconditions: &[MatchCondition],
    message_of_rule: &str,
    pointer: &str,
    cx: &EvalCx<'_>,
    trace: &mut Trace,
) -> Outcome {
    let mut env = environment(body);
    let variables = stored::variables(&mut env, &body.variables);
    let conditions = stored::conditions(&env, "celPreconditions", preconditions);
    let checks = stored::checks(&env, &body.expressions);
    let all = match params::find(body.param_kind.as_ref(), body.param_ref.as_ref(), &[], cx) {
        Params::Each(all) => all,
        Params::Allowed => return Outcome::Pass,
        Params::Missing(words) => return Outcome::Error(words),
    };
    let seen = Seen(cx.view);
    for params in all {
        let mut activation = activation(cx, &params);
        activation.view = Some(&seen);
        activation.set_variables(&variables);
        match hold_without_namespace(&conditions, &mut activation, "preconditions", trace) {
            Ok(true) => {}
            Ok(false) => return Outcome::Skip,
            Err(error) => return Outcome::Fail(error.to_string()),
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
                    return Outcome::Fail(message(&check, &activation));
                }
                Err(error) => return Outcome::Fail(stored::failed(&check.program, &error)),
            }
        }
    }
    Outcome::Pass
}

fn environment(body: &CelBody) -> Env {
    let has = Kubernetes { params: body.param_kind.is_some(), authorizer: true, patches: false, variables: true };
    let mut env = env::kubernetes(has);
    env.or_value_compat = true;
    env
}

fn compiled(body: &CelBody, preconditions: &[MatchCondition]) -> Result<(), Problem> {
    let mut env = environment(body);
    compile::variables(&mut env, KUBERNETES_VARIABLES, &body.variables)?;
    compile::conditions(&env, "celPreconditions", preconditions)?;
    compile::validations(&env, &body.expressions)?;
    compile::audit_annotations(&env, &body.audit_annotations)?;
    Ok(())
}

/// The first expression of a rule's `validate.cel` or `celPreconditions` that does not compile; `at` is the rule: `spec.rules[0]`.
/// Kyverno stores such a policy, and the rule fails for every object.
#[must_use]
pub fn problem(rule: &Value, at: &str) -> Option<Problem> {
    let body = read::<CelBody>(rule.get("validate")?.get("cel")?).ok()?;
    let preconditions = rule.get("celPreconditions").and_then(|list| read::<Vec<_>>(list).ok()).unwrap_or_default();
    let mut problem = compiled(&body, &preconditions).err()?;
    problem.path = match (problem.path.strip_prefix("spec.validations"), problem.path.strip_prefix("spec.")) {
        (Some(rest), _) => format!("{at}.validate.cel.expressions{rest}"),
        (None, Some(rest)) => format!("{at}.validate.cel.{rest}"),
        (None, None) => format!("{at}.{}", problem.path),
    };
    Some(problem)
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
    hold_without_namespace(&compiled, &mut activation, "condition", trace).map_err(|error| error.to_string())
}
