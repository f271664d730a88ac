//! `ValidatingPolicy` (`pkg/cel/policies/vpol`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::compile::{self, Check, Condition, Problem};
use super::conditions::hold;
use super::env::{self, KYVERNO_VARIABLES, Kind};
use super::exceptions::{self, Effect};
use super::explain::recorded;
use super::outside::Seen;
use super::{autogen, inputs, matching};
use crate::eval::trace::{Outcome, Trace, TraceNode};
use crate::eval::verdict::{RuleResponse, RuleType, Status, Verdict};
use crate::eval::{EvalCx, Mode};
use crate::expr::cel::{Activation, Env, Error, Program, Val, from_json};
use crate::object::read::read;
use crate::policy::cel_exception::CelException;
use crate::policy::constraints::{Evaluation, MatchResources};
use crate::policy::validating::{ValidatingPolicy, ValidatingSpec};

/// A compiled validating policy with its variants for pod controllers.
#[derive(Clone, Debug)]
pub struct Compiled {
    kind: String,
    name: String,
    namespace: String,
    variants: Vec<Variant>,
}

#[derive(Clone, Debug)]
struct Variant {
    /// `""`, `defaults` or `cronjobs`.
    name: &'static str,
    constraints: Option<MatchResources>,
    conditions: Vec<Condition>,
    variables: Vec<(String, Program)>,
    checks: Vec<Check>,
    audit_annotations: Vec<(String, Program)>,
    env: Env,
    json: bool,
    ignore_errors: bool,
}

/// Compiles a `spec`.
fn compile(spec: &ValidatingSpec, namespace: &str, name: &'static str) -> Result<Variant, Problem> {
    let mut env = env::kyverno(Kind::Validating, namespace);
    // Match conditions are compiled first: they cannot use variables.
    let conditions = compile::conditions(&env, "spec.matchConditions", &spec.match_conditions)?;
    let variables = compile::variables(&mut env, KYVERNO_VARIABLES, &spec.variables)?;
    let checks = compile::validations(&env, &spec.validations)?;
    let json = spec.evaluation.as_ref().map_or("Kubernetes", Evaluation::mode) == "JSON";
    let audit_annotations = match json {
        true => Vec::new(),
        false => compile::audit_annotations(&env, &spec.audit_annotations)?,
    };
    Ok(Variant {
        name,
        constraints: spec.match_constraints.clone(),
        conditions,
        variables,
        checks,
        audit_annotations,
        env,
        json,
        ignore_errors: spec.failure_policy.as_deref() == Some("Ignore"),
    })
}

impl Compiled {
    /// Compiles a policy and its variants for pod controllers.
    ///
    /// # Errors
    /// What the policy webhook refuses.
    pub fn new(policy: &ValidatingPolicy) -> Result<Self, Problem> {
        let spec = &policy.spec;
        let mut variants = vec![compile(spec, &policy.namespace, "")?];
        let raw = policy.raw.get("spec").unwrap_or(&Value::Null);
        for (name, constraints) in autogen::variants(spec.match_constraints.as_ref(), spec.autogen.as_ref()) {
            let made = autogen::rewrite(raw, name, &constraints);
            let Ok(made) = read::<ValidatingSpec>(&made) else { continue };
            variants.push(compile(&made, &policy.namespace, name)?);
        }
        Ok(Self { kind: policy.kind.clone(), name: policy.name.clone(), namespace: policy.namespace.clone(), variants })
    }

    /// Evaluates a request. Where the policy does not match there is no answer, only a trace.
    #[must_use]
    pub fn evaluate(&self, cx: &EvalCx<'_>, exceptions: &[CelException]) -> Verdict {
        let mut verdict = Verdict::default();
        if cx.mode != Mode::Cli && !self.namespace.is_empty() && self.namespace != cx.request.namespace {
            return verdict;
        }
        for variant in self.variants.iter().filter(|variant| !variant.json) {
            let mut trace = if cx.trace { Trace::on() } else { Trace::off() };
            trace.open(|| rule_node(variant.name));
            let matched = match &variant.constraints {
                Some(constraints) => matching::handles(constraints, cx, "/spec/matchConstraints", &mut trace),
                None => Ok(false),
            };
            let response = match matched {
                Ok(false) => None,
                Err(words) => {
                    let words = format!("failed to execute matching: {words}");
                    Some(RuleResponse::new("match", RuleType::Validation, Status::Error, words))
                }
                Ok(true) => {
                    let mut activation = inputs_of(cx);
                    let seen = Seen(cx.view);
                    activation.view = Some(&seen);
                    Some(self.answer(variant, cx, exceptions, activation, &mut trace))
                }
            };
            close(&mut trace, response.as_ref());
            verdict.trace.extend(trace.finish());
            verdict.rules.extend(response);
        }
        verdict
    }

    /// Whether the policy is of mode JSON: then [`Compiled::evaluate_json`] is its door.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.variants.first().is_some_and(|variant| variant.json)
    }

    /// Evaluates any JSON payload; match constraints do not count.
    #[must_use]
    pub fn evaluate_json(&self, payload: &Value, cx: &EvalCx<'_>, exceptions: &[CelException]) -> Verdict {
        let mut verdict = Verdict::default();
        let Some(variant) = self.variants.first() else { return verdict };
        let mut trace = if cx.trace { Trace::on() } else { Trace::off() };
        trace.open(|| rule_node(""));
        let seen = Seen(cx.view);
        let mut activation = Activation::default();
        activation.view = Some(&seen);
        activation.set("object", from_json(payload));
        for absent in ["oldObject", "request", "namespaceObject"] {
            activation.set(absent, Val::Null);
        }
        let response = self.answer(variant, cx, exceptions, activation, &mut trace);
        close(&mut trace, Some(&response));
        verdict.trace.extend(trace.finish());
        verdict.rules.push(response);
        verdict
    }

    fn answer<'a>(
        &'a self,
        variant: &'a Variant,
        cx: &EvalCx<'_>,
        exceptions: &[CelException],
        mut activation: Activation<'a>,
        trace: &mut Trace,
    ) -> RuleResponse {
        activation.namespace.clone_from(&self.namespace);
        let failed = |error: &dyn std::fmt::Display| {
            let words = format!("failed to load context: {error}");
            RuleResponse::new("evaluation", RuleType::Validation, Status::Error, words)
        };
        let skipped = || RuleResponse::new("", RuleType::Validation, Status::Skip, "skip");
        let compiled = match exceptions::compile(exceptions, &self.kind, &self.name, &variant.env, cx) {
            Ok(compiled) => compiled,
            Err(problem) => return failed(&problem),
        };
        match exceptions::apply(&compiled, &activation, variant.ignore_errors, trace) {
            Ok(Effect::Lifted(matched)) => return exceptions::response(&matched, RuleType::Validation),
            Ok(Effect::Runs(allowed)) => activation.set("exceptions", allowed),
            Err(error) => return failed(&error),
        }
        match hold(&variant.conditions, &activation, "condition", trace) {
            Ok(true) => {}
            Ok(false) => return skipped(),
            Err(_) if variant.ignore_errors => return skipped(),
            Err(error) => return failed(&error),
        }
        activation.set_variables(&variant.variables);
        check(variant, &activation, trace)
    }
}

fn rule_node(variant: &str) -> TraceNode {
    let words = match variant {
        "" => "the policy as written".to_owned(),
        other => format!("autogen: {other}"),
    };
    TraceNode::new("rule", Outcome::Info, words).at("/spec")
}

pub(super) fn close(trace: &mut Trace, response: Option<&RuleResponse>) {
    trace.close(match response.map(|response| response.status) {
        None => Outcome::Skip,
        Some(Status::Pass) => Outcome::Yes,
        Some(Status::Fail | Status::Warn) => Outcome::No,
        Some(Status::Error) => Outcome::Error,
        Some(Status::Skip) => Outcome::Skip,
    });
}

/// `object`, `oldObject`, `request`, `namespaceObject` of Kyverno's kinds.
pub(super) fn inputs_of<'a>(cx: &EvalCx<'_>) -> Activation<'a> {
    let mut activation = Activation::default();
    activation.set("object", inputs::content(cx.request.object.as_ref()));
    activation.set("oldObject", inputs::content(cx.request.old_object.as_ref()));
    activation.set("request", inputs::kyverno_request(cx.request, &Value::Null));
    activation.set("namespaceObject", inputs::namespace_object(cx));
    activation
}

/// The checks in order: the first that is false or fails decides.
fn check(variant: &Variant, activation: &Activation<'_>, trace: &mut Trace) -> RuleResponse {
    let indexed = |mut response: RuleResponse, at: usize| {
        response.properties.entry("cel.validationIndex".to_owned()).or_insert_with(|| at.to_string());
        response
    };
    let error = |words: &dyn std::fmt::Display| {
        RuleResponse::new("", RuleType::Validation, Status::Error, format!("error: {words}"))
    };
    for (at, check) in variant.checks.iter().enumerate() {
        let found = check.program.eval(activation);
        recorded("cel", "", &format!("/spec/validations/{at}/expression"), &check.program, &found, activation, trace);
        match found {
            Ok(Val::Bool(true)) => {}
            Ok(Val::Bool(false)) => {
                let words = message(check, at, activation);
                let mut response = RuleResponse::new("", RuleType::Validation, Status::Fail, words);
                match annotations(&variant.audit_annotations, activation, '\'') {
                    Ok(found) => response.properties = found,
                    Err(words) => return indexed(error(&words), at),
                }
                return indexed(response, at);
            }
            Ok(other) => {
                let words = format!("type conversion error from '{}' to 'bool'", other.type_name());
                return indexed(error(&words), at);
            }
            Err(words) => return indexed(error(&words), at),
        }
    }
    match annotations(&variant.audit_annotations, activation, '\'') {
        Ok(found) => {
            let mut response = RuleResponse::new("", RuleType::Validation, Status::Pass, "success");
            response.properties = found;
            response
        }
        Err(words) => {
            let words = format!("failed to load context: {words}");
            RuleResponse::new("evaluation", RuleType::Validation, Status::Error, words)
        }
    }
}

/// The made message, the written one, or the index of the check.
pub(super) fn message(check: &Check, at: usize, activation: &Activation<'_>) -> String {
    let words = match check.message_expression.as_ref().map(|program| program.eval(activation)) {
        None => check.message.clone(),
        Some(Ok(Val::String(words))) => words.to_string(),
        Some(Ok(other)) => format!(
            "failed to convert message expression to string: type conversion error from '{}' to 'string'",
            other.type_name()
        ),
        Some(Err(error)) => format!("failed to evaluate message expression: {error}"),
    };
    if words.is_empty() { format!("CEL expression validation failed at index {at}") } else { words }
}

/// The values of audit annotations; empty ones are left out. An error names the annotation in quotes of the kind.
///
/// # Errors
/// One fails.
pub(super) fn annotations(
    annotations: &[(String, Program)],
    activation: &Activation<'_>,
    quote: char,
) -> Result<BTreeMap<String, String>, Error> {
    let mut found = BTreeMap::new();
    for (key, program) in annotations {
        match program.eval(activation) {
            Ok(Val::String(text)) if !text.is_empty() => {
                found.insert(key.clone(), text.to_string());
            }
            Ok(Val::String(_)) => {}
            Ok(other) => {
                return Err(Error::new(format!(
                    "failed to convert auditAnnotation {quote}{key}{quote} expression: type conversion error from '{}' to 'string'",
                    other.type_name()
                )));
            }
            Err(error) => {
                return Err(Error::new(format!("failed to evaluate auditAnnotation {quote}{key}{quote}: {error}")));
            }
        }
    }
    Ok(found)
}
