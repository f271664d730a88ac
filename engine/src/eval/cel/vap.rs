//! `ValidatingAdmissionPolicy`: as the API server evaluates it, and as Kyverno's command line does.

use serde_json::Value;

use super::compile::{self, Check, Condition, Problem};
use super::env::{self, KUBERNETES_VARIABLES, Kubernetes};
use super::explain::recorded;
use super::inputs;
use super::native::Frame;
use super::outside::Seen;
use super::params::Params;
use super::stored;
use super::validating::close;
use crate::eval::request::UserInfo;
use crate::eval::trace::{Outcome, Trace, TraceNode};
use crate::eval::verdict::{RuleResponse, RuleType, Status, Verdict};
use crate::eval::{EvalCx, Mode};
use crate::expr::cel::{Activation, Program, Val, from_json};
use crate::policy::admission_policies::{AdmissionBinding, ValidatingAdmissionPolicy};

/// Bytes that a message made by an expression may have.
const MAX_MESSAGE: usize = 5 * 1024;

/// Who asks where nobody does: fields that are empty would be missing.
const NOBODY: &str = "system:kyverno:background-scan";

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct Compiled {
    frame: Frame,
    checks: Vec<Check>,
}

impl Compiled {
    /// Compiles a policy.
    ///
    /// # Errors
    /// What the API server refuses.
    pub fn new(policy: &ValidatingAdmissionPolicy) -> Result<Self, Problem> {
        let spec = &policy.spec;
        let has = Kubernetes { params: spec.param_kind.is_some(), authorizer: true, patches: false, variables: true };
        let mut env = env::kubernetes(has);
        let conditions = compile::conditions(&env, "spec.matchConditions", &spec.match_conditions)?;
        let variables = compile::variables(&mut env, KUBERNETES_VARIABLES, &spec.variables)?;
        let checks = compile::validations(&env, &spec.validations)?;
        compile::audit_annotations(&env, &spec.audit_annotations)?;
        Ok(Self { frame: frame(policy, conditions, variables), checks })
    }

    /// Compiles a policy as Kyverno does where it stands in for the API server: without an authorizer, and what does not
    /// compile is an error of the evaluation (`pkg/admissionpolicy/validate.go`).
    #[must_use]
    pub fn stored(policy: &ValidatingAdmissionPolicy) -> Self {
        let spec = &policy.spec;
        let has = Kubernetes { params: spec.param_kind.is_some(), authorizer: false, patches: false, variables: true };
        let mut env = env::kubernetes(has);
        env.or_value_compat = true;
        let variables = stored::variables(&mut env, &spec.variables);
        let conditions = stored::conditions(&env, "spec.matchConditions", &spec.match_conditions);
        Self { frame: frame(policy, conditions, variables), checks: stored::checks(&env, &spec.validations) }
    }

    /// Evaluates a request under the bindings of the policy. `given` are the parameters that the command line was given.
    ///
    /// On the command line and in the background scan a policy without bindings counts by itself, one with bindings only
    /// through them, and the last binding's answer stands (`pkg/admissionpolicy/validate.go`); at admission each binding
    /// answers, and a policy without bindings says nothing.
    #[must_use]
    pub fn evaluate(&self, bindings: &[&AdmissionBinding], given: &[Value], cx: &EvalCx<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        let mut trace = if cx.trace { Trace::on() } else { Trace::off() };
        let kyverno = cx.mode != Mode::Admission;
        if bindings.is_empty() && kyverno {
            trace.open(|| TraceNode::new("rule", Outcome::Info, "the policy without bindings").at("/spec"));
            let matches = self.frame.matches(cx, &mut trace);
            let response = matches.then(|| self.answer(&Value::Null, cx, &mut trace));
            close(&mut trace, response.as_ref());
            verdict.rules.extend(response);
        }
        for binding in bindings {
            trace.open(|| TraceNode::new("binding", Outcome::Info, binding.name.as_str()).at("/spec"));
            let answers = self.bound(binding, given, cx, &mut trace);
            close(&mut trace, answers.first());
            if kyverno && !answers.is_empty() {
                verdict.rules.clear();
            }
            verdict.rules.extend(answers);
        }
        verdict.trace = trace.finish();
        verdict
    }

    fn bound(
        &self,
        binding: &AdmissionBinding,
        given: &[Value],
        cx: &EvalCx<'_>,
        trace: &mut Trace,
    ) -> Vec<RuleResponse> {
        let mut answers: Vec<RuleResponse> = match self.frame.bound(binding, given, cx, trace) {
            Some(Params::Each(all)) => all.iter().map(|params| self.answer(params, cx, trace)).collect(),
            Some(Params::Missing(words)) => {
                vec![RuleResponse::new(&self.frame.name, RuleType::Validation, Status::Error, words)]
            }
            Some(Params::Allowed) | None => Vec::new(),
        };
        for answer in &mut answers {
            answer.properties.insert("binding".to_owned(), binding.name.clone());
        }
        answers
    }

    fn answer(&self, params: &Value, cx: &EvalCx<'_>, trace: &mut Trace) -> RuleResponse {
        let seen = Seen(cx.view);
        let mut activation = activation(cx, params);
        activation.view = Some(&seen);
        if cx.mode != Mode::Admission && cx.request.namespace.is_empty() {
            // Kyverno has an empty namespace for what is in none.
            let empty = serde_json::json!({"metadata": {}, "spec": {}, "status": {}});
            activation.set("namespaceObject", from_json(&empty));
        }
        let respond =
            |status: Status, words: &str| RuleResponse::new(&self.frame.name, RuleType::Validation, status, words);
        match self.frame.holds(&mut activation, trace) {
            Ok(true) => {}
            Ok(false) => return respond(Status::Skip, "match conditions aren't met"),
            Err(error) => return respond(Status::Error, &error.to_string()),
        }
        let mut first = None;
        for (at, check) in self.checks.iter().enumerate() {
            let found = check.program.eval(&activation);
            let pointer = format!("/spec/validations/{at}/expression");
            recorded("cel", "", &pointer, &check.program, &found, &activation, trace);
            let answer = match found {
                Ok(Val::Bool(true)) => continue,
                Ok(_) => respond(Status::Fail, &message(check, &activation)),
                Err(error) => respond(Status::Error, &stored::failed(&check.program, &error)),
            };
            first = first.or(Some(answer));
        }
        first.unwrap_or_else(|| respond(Status::Pass, ""))
    }
}

fn frame(policy: &ValidatingAdmissionPolicy, conditions: Vec<Condition>, variables: Vec<(String, Program)>) -> Frame {
    Frame {
        name: policy.name.clone(),
        param_kind: policy.spec.param_kind.clone(),
        constraints: policy.spec.match_constraints.clone(),
        conditions,
        variables,
        ignore_errors: policy.spec.failure_policy.as_deref() == Some("Ignore"),
    }
}

/// `object`, `oldObject`, `request`, `params`, `namespaceObject` and `authorizer` of the API server.
pub(super) fn activation<'a>(cx: &EvalCx<'_>, params: &Value) -> Activation<'a> {
    let mut activation = Activation::default();
    activation.kubernetes = true;
    let user = somebody(&cx.request.user, cx.mode);
    activation.set("object", inputs::object(cx.request.object.as_ref()));
    activation.set("oldObject", inputs::object(cx.request.old_object.as_ref()));
    activation.set("request", from_json(&inputs::request(cx.request, &user)));
    activation.set("params", from_json(params));
    let namespace = match inputs::namespace_object(cx) {
        Val::Null if !cx.request.namespace.is_empty() => from_json(&serde_json::json!({
            "metadata": {"name": cx.request.namespace}, "spec": {}, "status": {},
        })),
        found => found,
    };
    activation.set("namespaceObject", namespace);
    let resource = &cx.request.resource;
    activation.set(
        "authorizer",
        crate::expr::cel::lib::authorizer(
            &user.username,
            &user.groups,
            &[
                ("group", &resource.group),
                ("resource", &resource.resource),
                ("subresource", &cx.request.subresource),
                ("namespace", &cx.request.namespace),
                ("name", &cx.request.name),
            ],
        ),
    );
    activation
}

/// The user with the fields that would be missing filled in, where no real request is evaluated.
fn somebody(user: &UserInfo, mode: Mode) -> UserInfo {
    let mut user = user.clone();
    if mode != Mode::Admission {
        for field in [&mut user.username, &mut user.uid] {
            if field.is_empty() {
                NOBODY.clone_into(field);
            }
        }
        if user.groups.is_empty() {
            user.groups.push(NOBODY.to_owned());
        }
    }
    user
}

/// The made message if it is one line of reasonable size, else the written one, else the expression.
pub(super) fn message(check: &Check, activation: &Activation<'_>) -> String {
    if let Some(Ok(Val::String(words))) = check.message_expression.as_ref().map(|program| program.eval(activation)) {
        let words = words.trim();
        if !words.is_empty() && words.len() <= MAX_MESSAGE && !words.contains('\n') {
            return words.to_owned();
        }
    }
    match check.message.trim() {
        "" => format!("failed expression: {}", check.program.source().trim()),
        words => words.to_owned(),
    }
}
