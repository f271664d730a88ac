//! `MutatingAdmissionPolicy`: as the API server evaluates it, and as Kyverno's command line does.

use serde_json::Value;

use super::compile::{self, Condition, Problem};
use super::conditions::hold;
use super::env::{self, KUBERNETES_VARIABLES, Kubernetes};
use super::matching;
use super::mutating::{CompiledPatch, patches};
use super::outside::Seen;
use super::params::{self, Params};
use super::patch::Typing;
use super::validating::close;
use super::vap::activation;
use crate::eval::trace::{Outcome, Trace, TraceNode};
use crate::eval::verdict::{RuleResponse, RuleType, Status, Verdict};
use crate::eval::{EvalCx, Mode};
use crate::expr::cel::{Program, from_json};
use crate::policy::admission_policies::{AdmissionBinding, MutatingAdmissionPolicy, ParamKind};
use crate::policy::constraints::MatchResources;

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct Compiled {
    name: String,
    param_kind: Option<ParamKind>,
    constraints: Option<MatchResources>,
    conditions: Vec<Condition>,
    variables: Vec<(String, Program)>,
    patches: Vec<CompiledPatch>,
    ignore_errors: bool,
}

impl Compiled {
    /// Compiles a policy.
    ///
    /// # Errors
    /// What the API server refuses.
    pub fn new(policy: &MutatingAdmissionPolicy) -> Result<Self, Problem> {
        let spec = &policy.spec;
        let has = Kubernetes { params: spec.param_kind.is_some(), authorizer: true, patches: true, variables: true };
        let mut env = env::kubernetes(has);
        let conditions = compile::conditions(&env, "spec.matchConditions", &spec.match_conditions)?;
        let variables = compile::variables(&mut env, KUBERNETES_VARIABLES, &spec.variables)?;
        Ok(Self {
            name: policy.name.clone(),
            param_kind: spec.param_kind.clone(),
            constraints: spec.match_constraints.clone(),
            conditions,
            variables,
            patches: patches(&env, &spec.mutations)?,
            ignore_errors: spec.failure_policy.as_deref() == Some("Ignore"),
        })
    }

    /// Evaluates a request under the bindings of the policy; each works on what the one before has left.
    ///
    /// A patch that cannot be applied gives no answer on the command line, and an error in a cluster.
    #[must_use]
    pub fn evaluate(&self, bindings: &[&AdmissionBinding], given: &[Value], cx: &EvalCx<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        let mut trace = if cx.trace { Trace::on() } else { Trace::off() };
        let cli = cx.mode == Mode::Cli;
        let own = |trace: &mut Trace| match &self.constraints {
            Some(constraints) => matching::matches(constraints, cx, "/spec/matchConstraints", trace).unwrap_or(false),
            None => true,
        };
        if bindings.is_empty() && cli && own(&mut trace) {
            self.once(None, &Value::Null, cx, &mut verdict, &mut trace);
        }
        for binding in bindings {
            trace.open(|| TraceNode::new("binding", Outcome::Info, binding.name.as_str()).at("/spec"));
            let narrowed = match &binding.spec.match_resources {
                Some(resources) => {
                    matching::matches(resources, cx, "/spec/matchResources", &mut trace).unwrap_or(false)
                }
                None => true,
            };
            if narrowed && (cli || own(&mut trace)) {
                match params::find(self.param_kind.as_ref(), binding.spec.param_ref.as_ref(), given, cx) {
                    Params::Each(all) => {
                        for params in &all {
                            self.once(Some(binding), params, cx, &mut verdict, &mut trace);
                        }
                    }
                    Params::Allowed => {}
                    Params::Missing(words) => {
                        verdict.rules.push(RuleResponse::new(&self.name, RuleType::Mutation, Status::Error, words));
                    }
                }
            }
            close(&mut trace, verdict.rules.last());
        }
        verdict.trace = trace.finish();
        verdict
    }

    /// One evaluation; on the command line its answer takes the place of the one before.
    fn once(
        &self,
        binding: Option<&AdmissionBinding>,
        params: &Value,
        cx: &EvalCx<'_>,
        verdict: &mut Verdict,
        trace: &mut Trace,
    ) {
        // The command line hands every binding the object as it came.
        let object = match (cx.mode, verdict.patched.as_ref()) {
            (Mode::Cli, _) | (_, None) => cx.request.object.clone().unwrap_or(Value::Null),
            (_, Some(patched)) => patched.clone(),
        };
        let cli = cx.mode == Mode::Cli;
        match self.answer(object, params, cx, trace) {
            Ok((mut response, patched)) => {
                if let Some(binding) = binding {
                    response.properties.insert("mapBinding".to_owned(), binding.name.clone());
                }
                if cli {
                    verdict.rules.clear();
                }
                verdict.rules.push(response);
                verdict.patched = patched.or(verdict.patched.take());
            }
            Err(_) if cli => verdict.rules.clear(),
            Err(_) if self.ignore_errors => {}
            Err(words) => verdict.rules.push(RuleResponse::new(&self.name, RuleType::Mutation, Status::Error, words)),
        }
    }

    fn answer(
        &self,
        object: Value,
        params: &Value,
        cx: &EvalCx<'_>,
        trace: &mut Trace,
    ) -> Result<(RuleResponse, Option<Value>), String> {
        let seen = Seen(cx.view);
        let mut activation = activation(cx, params);
        activation.view = Some(&seen);
        activation.set("object", from_json(&object));
        let skipped = || {
            let words = "match conditions aren't met";
            (RuleResponse::new(&self.name, RuleType::Mutation, Status::Skip, words), None)
        };
        match hold(&self.conditions, &activation, "condition", trace) {
            Ok(true) => {}
            Ok(false) => return Ok(skipped()),
            Err(_) if self.ignore_errors => return Ok(skipped()),
            Err(error) => return Err(error.to_string()),
        }
        activation.set_variables(&self.variables);
        // The API server knows the types of its kinds; the command line deduces them.
        let typing = if cx.mode == Mode::Cli { Typing::Deduced } else { Typing::OfKind { allow_atomic: false } };
        let mut current = object.clone();
        for compiled in &self.patches {
            current = compiled.apply(&current, &activation, typing, cx, trace)?;
            activation.set("object", from_json(&current));
            activation.forget();
        }
        if cx.mode == Mode::Background && current != object {
            let words = "mutation is not applied";
            return Ok((RuleResponse::new(&self.name, RuleType::Mutation, Status::Fail, words), None));
        }
        let words = "mutation is successfully applied";
        Ok((RuleResponse::new(&self.name, RuleType::Mutation, Status::Pass, words), Some(current)))
    }
}
