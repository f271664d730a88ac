//! `DeletingPolicy` (`pkg/cel/policies/dpol`): whether an object is to be deleted; when is the controller's matter.

use serde_json::Value;

use super::compile::{self, Condition, Problem};
use super::conditions::hold;
use super::env::{self, KYVERNO_VARIABLES, Kind};
use super::exceptions;
use super::outside::Seen;
use super::{inputs, matching};
use crate::eval::trace::{Outcome, Trace, TraceNode};
use crate::eval::verdict::{RuleResponse, RuleType, Status, Verdict};
use crate::eval::{EvalCx, Mode};
use crate::expr::cel::{Activation, Env, Program};
use crate::object::ObjectExt;
use crate::policy::cel_exception::CelException;
use crate::policy::constraints::MatchResources;
use crate::policy::deleting::DeletingPolicy;

/// A compiled deleting policy.
#[derive(Clone, Debug)]
pub struct Compiled {
    kind: String,
    name: String,
    namespace: String,
    constraints: Option<MatchResources>,
    conditions: Vec<Condition>,
    variables: Vec<(String, Program)>,
    env: Env,
}

impl Compiled {
    /// Compiles a policy.
    ///
    /// # Errors
    /// What the policy webhook refuses.
    pub fn new(policy: &DeletingPolicy) -> Result<Self, Problem> {
        let spec = &policy.spec;
        let mut env = env::kyverno(Kind::Deleting, &policy.namespace);
        let variables = compile::variables(&mut env, KYVERNO_VARIABLES, &spec.variables)?;
        let conditions = compile::conditions(&env, "spec.conditions", &spec.conditions)?;
        let mut constraints = spec.match_constraints.clone();
        // Operations do not count: nothing is being done to the object.
        for rule in constraints.iter_mut().flat_map(|constraints| &mut constraints.resource_rules) {
            rule.operations = vec!["*".to_owned()];
        }
        Ok(Self {
            kind: policy.kind.clone(),
            name: policy.name.clone(),
            namespace: policy.namespace.clone(),
            constraints,
            conditions,
            variables,
            env,
        })
    }

    /// Whether the object of the request is to be deleted: `Pass` yes, `Fail` no, no answer where the policy does not
    /// match. The request is a CREATE of the stored object.
    #[must_use]
    pub fn evaluate(&self, cx: &EvalCx<'_>, exceptions: &[CelException]) -> Verdict {
        let mut verdict = Verdict::default();
        if cx.mode != Mode::Cli && !self.namespace.is_empty() && self.namespace != cx.request.namespace {
            return verdict;
        }
        let mut trace = if cx.trace { Trace::on() } else { Trace::off() };
        trace.open(|| TraceNode::new("rule", Outcome::Info, "the policy as written").at("/spec"));
        let matched = match &self.constraints {
            Some(constraints) => matching::matches(constraints, cx, "/spec/matchConstraints", &mut trace),
            None => Ok(false),
        };
        let found = match matched {
            Ok(true) => self.decide(cx, exceptions, &mut trace).map(Some),
            Ok(false) => Ok(None),
            Err(words) => Err(words),
        };
        let respond = |status: Status, words: &str| RuleResponse::new(&self.name, RuleType::Deletion, status, words);
        let response = match found {
            Ok(None) => None,
            Ok(Some(true)) => Some(respond(Status::Pass, "resource matched")),
            Ok(Some(false)) => Some(respond(Status::Fail, "resource did not match")),
            Err(words) => Some(respond(Status::Error, &words)),
        };
        super::validating::close(&mut trace, response.as_ref());
        verdict.trace = trace.finish();
        verdict.rules.extend(response);
        verdict
    }

    fn decide(&self, cx: &EvalCx<'_>, exceptions: &[CelException], trace: &mut Trace) -> Result<bool, String> {
        let seen = Seen(cx.view);
        let mut activation = Activation::default();
        activation.view = Some(&seen);
        activation.namespace.clone_from(&self.namespace);
        // `oldObject` and `request` are declared, but nothing stands behind them.
        let object = cx.request.object.as_ref().unwrap_or(&Value::Null);
        activation.set("object", inputs::object(Some(object)));
        let is_namespace = object.kind() == "Namespace" && object.gvk().group.is_empty();
        let namespace = match inputs::namespace_object(cx) {
            crate::expr::cel::Val::Null if is_namespace => inputs::object(Some(object)),
            found => found,
        };
        activation.set("namespaceObject", namespace);
        activation.set_variables(&self.variables);
        let compiled = exceptions::compile(exceptions, &self.kind, &self.name, &self.env, cx)
            .map_err(|problem| problem.to_string())?;
        // Any exception that matches lifts the policy, also one for images or values only.
        for one in &compiled {
            if one.matches(&activation, trace).map_err(|error| error.to_string())? {
                return Ok(false);
            }
        }
        hold(&self.conditions, &activation, "condition", trace).map_err(|error| error.to_string())
    }
}
