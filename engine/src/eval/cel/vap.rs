//! `ValidatingAdmissionPolicy`: as the API server evaluates it, and as Kyverno's command line does.

use serde_json::Value;

use super::compile::{self, Check, Condition, Problem};
use super::conditions::hold;
use super::env::{self, KUBERNETES_VARIABLES, Kubernetes};
use super::explain::recorded;
use super::outside::Seen;
use super::params::{self, Params};
use super::validating::close;
use super::{inputs, matching};
use crate::eval::request::UserInfo;
use crate::eval::trace::{Outcome, Trace, TraceNode};
use crate::eval::verdict::{RuleResponse, RuleType, Status, Verdict};
use crate::eval::{EvalCx, Mode};
use crate::expr::cel::{Activation, Program, Val, from_json};
use crate::policy::admission_policies::{AdmissionBinding, ParamKind, ValidatingAdmissionPolicy};
use crate::policy::constraints::MatchResources;

/// Bytes that a message made by an expression may have.
const MAX_MESSAGE: usize = 5 * 1024;

/// Who asks where nobody does: fields that are empty would be missing.
const NOBODY: &str = "system:kyverno:background-scan";

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct Compiled {
    name: String,
    param_kind: Option<ParamKind>,
    constraints: Option<MatchResources>,
    conditions: Vec<Condition>,
    variables: Vec<(String, Program)>,
    checks: Vec<Check>,
    ignore_errors: bool,
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
        Ok(Self {
            name: policy.name.clone(),
            param_kind: spec.param_kind.clone(),
            constraints: spec.match_constraints.clone(),
            conditions,
            variables,
            checks,
            ignore_errors: spec.failure_policy.as_deref() == Some("Ignore"),
        })
    }

    /// Evaluates a request under the bindings of the policy. `given` are the parameters that the command line was given.
    ///
    /// On the command line a policy without bindings counts by itself, one with bindings only through them, and the
    /// last binding's answer stands; in a cluster each binding answers, and one without bindings says nothing.
    #[must_use]
    pub fn evaluate(&self, bindings: &[&AdmissionBinding], given: &[Value], cx: &EvalCx<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        let mut trace = if cx.trace { Trace::on() } else { Trace::off() };
        let cli = cx.mode == Mode::Cli;
        let own = |trace: &mut Trace| match &self.constraints {
            Some(constraints) => matching::matches(constraints, cx, "/spec/matchConstraints", trace).unwrap_or(false),
            None => true,
        };
        if bindings.is_empty() && cli {
            trace.open(|| TraceNode::new("rule", Outcome::Info, "the policy without bindings").at("/spec"));
            let response = own(&mut trace).then(|| self.answer(&Value::Null, cx, &mut trace));
            close(&mut trace, response.as_ref());
            verdict.rules.extend(response);
        }
        for binding in bindings {
            trace.open(|| TraceNode::new("binding", Outcome::Info, binding.name.as_str()).at("/spec"));
            let narrowed = match &binding.spec.match_resources {
                Some(resources) => {
                    matching::matches(resources, cx, "/spec/matchResources", &mut trace).unwrap_or(false)
                }
                None => true,
            };
            let answers = if narrowed && (cli || own(&mut trace)) {
                self.bound(binding, given, cx, &mut trace)
            } else {
                Vec::new()
            };
            close(&mut trace, answers.first());
            if cli && !answers.is_empty() {
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
        let params = params::find(self.param_kind.as_ref(), binding.spec.param_ref.as_ref(), given, cx);
        let mut answers: Vec<RuleResponse> = match params {
            Params::Each(all) => all.iter().map(|params| self.answer(params, cx, trace)).collect(),
            Params::Allowed => Vec::new(),
            Params::Missing(words) => {
                vec![RuleResponse::new(&self.name, RuleType::Validation, Status::Error, words)]
            }
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
        let respond = |status: Status, words: &str| RuleResponse::new(&self.name, RuleType::Validation, status, words);
        match hold(&self.conditions, &activation, "condition", trace) {
            Ok(true) => {}
            Ok(false) => return respond(Status::Skip, "match conditions aren't met"),
            Err(_) if self.ignore_errors => return respond(Status::Skip, "match conditions aren't met"),
            Err(error) => return respond(Status::Error, &error.to_string()),
        }
        activation.set_variables(&self.variables);
        let mut first = None;
        for (at, check) in self.checks.iter().enumerate() {
            let found = check.program.eval(&activation);
            let pointer = format!("/spec/validations/{at}/expression");
            recorded("cel", "", &pointer, &check.program, &found, &activation, trace);
            let answer = match found {
                Ok(Val::Bool(true)) => continue,
                Ok(_) => respond(Status::Fail, &message(check, &activation)),
                Err(error) => {
                    let source = check.program.source();
                    respond(Status::Error, &format!("expression '{source}' resulted in error: {error}"))
                }
            };
            first = first.or(Some(answer));
        }
        first.unwrap_or_else(|| respond(Status::Pass, ""))
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
