//! `MutatingAdmissionPolicy`: as the API server evaluates it, and as Kyverno's command line does.

use serde_json::Value;

use super::compile::{self, Condition, Problem};
use super::env::{self, KUBERNETES_VARIABLES, Kubernetes};
use super::mutating::{CompiledPatch, patches};
use super::native::Frame;
use super::outside::Seen;
use super::params::Params;
use super::patch::Typing;
use super::stored;
use super::validating::close;
use super::vap::activation;
use crate::eval::trace::{Outcome, Trace, TraceNode};
use crate::eval::verdict::{RuleResponse, RuleType, Status, Verdict};
use crate::eval::{EvalCx, Mode};
use crate::expr::cel::{Program, from_json};
use crate::policy::admission_policies::{AdmissionBinding, MutatingAdmissionPolicy};

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct Compiled {
    frame: Frame,
    patches: Vec<CompiledPatch>,
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
        Ok(Self { frame: frame(policy, conditions, variables), patches: patches(&env, &spec.mutations)? })
    }

    /// Compiles a policy as Kyverno does where it stands in for the API server: without an authorizer, and what does not
    /// compile is an error of the evaluation (`pkg/admissionpolicy/mutate.go`).
    #[must_use]
    pub fn stored(policy: &MutatingAdmissionPolicy) -> Self {
        let spec = &policy.spec;
        let has = Kubernetes { params: spec.param_kind.is_some(), authorizer: false, patches: true, variables: true };
        let mut env = env::kubernetes(has);
        env.or_value_compat = true;
        let variables = stored::variables(&mut env, &spec.variables);
        let patches = patches(&env, &spec.mutations).unwrap_or_else(|problem| {
            vec![CompiledPatch::Apply(problem.pointer(), Program::broken(&problem.value, &problem.detail))]
        });
        let conditions = stored::conditions(&env, "spec.matchConditions", &spec.match_conditions);
        Self { frame: frame(policy, conditions, variables), patches }
    }

    /// Evaluates a request under the bindings of the policy; each works on what the one before has left.
    ///
    /// A patch that cannot be applied gives no answer on the command line, and an error in a cluster.
    #[must_use]
    pub fn evaluate(&self, bindings: &[&AdmissionBinding], given: &[Value], cx: &EvalCx<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        let mut trace = if cx.trace { Trace::on() } else { Trace::off() };
        if bindings.is_empty() && cx.mode != Mode::Admission && self.frame.matches(cx, &mut trace) {
            self.once(None, &Value::Null, cx, &mut verdict, &mut trace);
        }
        for binding in bindings {
            trace.open(|| TraceNode::new("binding", Outcome::Info, binding.name.as_str()).at("/spec"));
            match self.frame.bound(binding, given, cx, &mut trace) {
                Some(Params::Each(all)) => {
                    for params in &all {
                        self.once(Some(binding), params, cx, &mut verdict, &mut trace);
                    }
                }
                Some(Params::Missing(words)) => verdict.rules.push(self.response(Status::Error, &words)),
                Some(Params::Allowed) | None => {}
            }
            close(&mut trace, verdict.rules.last());
        }
        verdict.trace = trace.finish();
        verdict
    }

    /// One evaluation; where Kyverno evaluates, its answer takes the place of the one before.
    fn once(
        &self,
        binding: Option<&AdmissionBinding>,
        params: &Value,
        cx: &EvalCx<'_>,
        verdict: &mut Verdict,
        trace: &mut Trace,
    ) {
        // Kyverno hands every binding the object as it came.
        let object = match (cx.mode, verdict.patched.as_ref()) {
            (Mode::Admission, Some(patched)) => patched.clone(),
            _ => cx.request.object.clone().unwrap_or(Value::Null),
        };
        let kyverno = cx.mode != Mode::Admission;
        match self.answer(object, params, cx, trace) {
            Ok((mut response, patched)) => {
                if let Some(binding) = binding {
                    response.properties.insert("mapBinding".to_owned(), binding.name.clone());
                }
                if kyverno {
                    verdict.rules.clear();
                }
                verdict.rules.push(response);
                verdict.patched = patched.or(verdict.patched.take());
            }
            Err(_) if kyverno => verdict.rules.clear(),
            Err(_) if self.frame.ignore_errors => {}
            Err(words) => verdict.rules.push(self.response(Status::Error, &words)),
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
        if !self.frame.holds(&mut activation, trace).map_err(|error| error.to_string())? {
            return Ok((self.response(Status::Skip, "match conditions aren't met"), None));
        }
        // The API server knows the types of its kinds; Kyverno deduces them.
        let typing = if cx.mode == Mode::Admission { Typing::OfKind { allow_atomic: false } } else { Typing::Deduced };
        let mut current = object.clone();
        for compiled in &self.patches {
            current = compiled.apply(&current, &activation, typing, cx, trace)?;
            activation.set("object", from_json(&current));
            activation.forget();
        }
        if cx.mode == Mode::Background && current != object {
            return Ok((self.response(Status::Fail, "mutation is not applied"), None));
        }
        Ok((self.response(Status::Pass, "mutation is successfully applied"), Some(current)))
    }

    fn response(&self, status: Status, words: &str) -> RuleResponse {
        RuleResponse::new(&self.frame.name, RuleType::Mutation, status, words)
    }
}

fn frame(policy: &MutatingAdmissionPolicy, conditions: Vec<Condition>, variables: Vec<(String, Program)>) -> Frame {
    Frame {
        name: policy.name.clone(),
        param_kind: policy.spec.param_kind.clone(),
        constraints: policy.spec.match_constraints.clone(),
        conditions,
        variables,
        ignore_errors: policy.spec.failure_policy.as_deref() == Some("Ignore"),
    }
}
