//! `ValidatingPolicy` of mode Envoy or HTTP: the first expression that gives a response decides.

use serde_json::Value;

use super::compile::{self, Problem};
use super::env::{self, KYVERNO_VARIABLES};
use super::outside::Seen;
use crate::eval::verdict::{RuleResponse, RuleType, Status};
use crate::eval::view::View;
use crate::expr::cel::text::display;
use crate::expr::cel::{Activation, Program, Val, from_json};
use crate::policy::validating::ValidatingPolicy;

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct Compiled {
    name: String,
    envoy: bool,
    conditions: Vec<compile::Condition>,
    variables: Vec<(String, Program)>,
    checks: Vec<Program>,
}

impl Compiled {
    /// Compiles a policy of mode `Envoy` or `HTTP`.
    ///
    /// # Errors
    /// An expression does not compile.
    pub fn new(policy: &ValidatingPolicy, mode: &str) -> Result<Self, Problem> {
        let mut env = env::authorization();
        let conditions = compile::conditions(&env, "spec.matchConditions", &policy.spec.match_conditions)?;
        let variables = compile::variables(&mut env, KYVERNO_VARIABLES, &policy.spec.variables)?;
        let checks = policy.spec.validations.iter().enumerate().map(|(at, validation)| {
            compile::any(&env, &format!("spec.validations[{at}].expression"), &validation.expression)
        });
        let checks = checks.collect::<Result<_, _>>()?;
        Ok(Self { name: policy.name.clone(), envoy: mode == "Envoy", conditions, variables, checks })
    }

    /// Evaluates a request of a proxy.
    #[must_use]
    pub fn evaluate(&self, payload: &Value, view: &dyn View) -> RuleResponse {
        let respond = |status, words: &str| RuleResponse::new(&self.name, RuleType::Validation, status, words);
        let seen = Seen(view);
        let mut activation = Activation::default();
        activation.view = Some(&seen);
        activation.set("object", from_json(payload));
        activation.set_variables(&self.variables);
        let mut trace = crate::eval::trace::Trace::off();
        match super::conditions::hold(&self.conditions, &activation, "condition", &mut trace) {
            Ok(true) => {}
            Ok(false) => return respond(Status::Skip, "request does not match"),
            Err(error) => return respond(Status::Error, &error.to_string()),
        }
        for check in &self.checks {
            match check.eval(&activation) {
                Ok(Val::Null) => {}
                Ok(found) if found.field("allowed") == Some(&Val::Bool(true)) => {
                    return respond(Status::Pass, "request allowed");
                }
                Ok(found) => {
                    let reason = found.field("reason").map(display).unwrap_or_default();
                    let words = match self.envoy {
                        true => format!("request denied with status code {reason}"),
                        false => format!("request denied, reason: {reason}"),
                    };
                    return respond(Status::Fail, &words);
                }
                Err(error) => return respond(Status::Error, &error.to_string()),
            }
        }
        respond(Status::Skip, "request does not match")
    }
}
