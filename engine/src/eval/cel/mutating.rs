//! `MutatingPolicy` (`pkg/cel/policies/mpol`).

use serde_json::Value;

use super::compile::{self, Condition, Problem};
use super::conditions::hold;
use super::env::{self, KYVERNO_VARIABLES, Kind};
use super::exceptions::{self, Effect};
use super::outside::Seen;
use super::patch::{self, Typing};
use super::validating::{annotations, close, inputs_of};
use super::{autogen, inputs, matching};
use crate::eval::trace::{Outcome, Trace, TraceNode};
use crate::eval::verdict::{RuleResponse, RuleType, Status, Verdict};
use crate::eval::{EvalCx, Mode};
use crate::expr::cel::{Activation, Env, Program, Type, Val, from_json, to_json};
use crate::object::read::read;
use crate::policy::cel_exception::CelException;
use crate::policy::constraints::{Evaluation, MatchResources};
use crate::policy::mutating::{MutatingPolicy, MutatingSpec, Mutation};

/// A compiled mutating policy with its variants for pod controllers.
#[derive(Clone, Debug)]
pub struct Compiled {
    kind: String,
    name: String,
    namespace: String,
    variants: Vec<Variant>,
}

#[derive(Clone, Debug)]
struct Variant {
    name: &'static str,
    constraints: Option<MatchResources>,
    conditions: Vec<Condition>,
    target_constraints: Option<MatchResources>,
    target_expression: Option<Program>,
    target_conditions: Vec<Condition>,
    variables: Vec<(String, Program)>,
    patches: Vec<CompiledPatch>,
    audit_annotations: Vec<(String, Program)>,
    env: Env,
    existing: bool,
    allow_atomic: bool,
}

/// A compiled mutation.
#[derive(Clone, Debug)]
pub(super) enum CompiledPatch {
    Apply(String, Program),
    Json(String, Program),
}

/// Compiles mutations.
pub(super) fn patches(env: &Env, mutations: &[Mutation]) -> Result<Vec<CompiledPatch>, Problem> {
    let mut found = Vec::with_capacity(mutations.len());
    for (at, mutation) in mutations.iter().enumerate() {
        let path = format!("spec.mutations[{at}]");
        let pointer = format!("/spec/mutations/{at}");
        match (mutation.patch_type.as_str(), &mutation.apply_configuration, &mutation.json_patch) {
            ("ApplyConfiguration", Some(body), _) => {
                let path = format!("{path}.applyConfiguration.expression");
                let wanted = [Type::named("Object")];
                let program = compile::typed(env, &path, &body.expression, &wanted, "of type Object")?;
                found.push(CompiledPatch::Apply(format!("{pointer}/applyConfiguration/expression"), program));
            }
            ("JSONPatch", _, Some(body)) => {
                let path = format!("{path}.jsonPatch.expression");
                let wanted = [Type::list(Type::named("JSONPatch"))];
                let program = compile::typed(env, &path, &body.expression, &wanted, "of type list")?;
                found.push(CompiledPatch::Json(format!("{pointer}/jsonPatch/expression"), program));
            }
            _ => {}
        }
    }
    Ok(found)
}

impl CompiledPatch {
    /// Patches an object. `activation` sees it as `object`.
    pub(super) fn apply(
        &self,
        object: &Value,
        activation: &Activation<'_>,
        typing: Typing,
        cx: &EvalCx<'_>,
        trace: &mut Trace,
    ) -> Result<Value, String> {
        let (pointer, program) = match self {
            Self::Apply(pointer, program) | Self::Json(pointer, program) => (pointer, program),
        };
        let patched = program.eval(activation).map_err(|error| error.to_string()).and_then(|found| match self {
            Self::Apply(..) => patch::apply_configuration(&found, object, typing, cx.view),
            Self::Json(..) => patch::json_patch(&found, object),
        });
        trace.leaf(|| {
            let source = program.source().trim();
            let mut node = match &patched {
                Ok(after) if after == object => {
                    TraceNode::new("mutate", Outcome::Skip, format!("changes nothing: {source}"))
                }
                Ok(_) => TraceNode::new("mutate", Outcome::Yes, source),
                Err(words) => TraceNode::new("mutate", Outcome::Error, format!("{source}: {words}")),
            };
            node.found = program.eval(activation).ok().map(|found| crate::expr::cel::convert::to_shown(&found));
            node.at(pointer)
        });
        patched
    }
}

fn compile(spec: &MutatingSpec, namespace: &str, name: &'static str) -> Result<Variant, Problem> {
    let mut env = env::kyverno(Kind::Mutating, namespace);
    // Unlike in the other kinds, match conditions may use variables.
    let variables = compile::variables(&mut env, KYVERNO_VARIABLES, &spec.variables)?;
    let conditions = compile::conditions(&env, "spec.matchConditions", &spec.match_conditions)?;
    let target = spec.target_match_constraints.as_ref();
    let target_expression = match target.map(|target| target.expression.as_str()) {
        None | Some("") => None,
        Some(text) => {
            let path = "spec.targetMatchConstraints.expression";
            let program = compile::any(&env, path, text)?;
            if *program.output() != Type::map(Type::String, Type::Any) {
                return Err(Problem::new(path, text, "output type must be a map"));
            }
            Some(program)
        }
    };
    let evaluation = spec.evaluation.as_ref();
    Ok(Variant {
        name,
        constraints: spec.match_constraints.clone(),
        conditions,
        target_constraints: target.map(|target| target.resources.clone()),
        target_expression,
        target_conditions: compile::conditions(&env, "spec.targetMatchConditions", &spec.target_match_conditions)?,
        variables,
        patches: patches(&env, &spec.mutations)?,
        audit_annotations: compile::audit_annotations(&env, &spec.audit_annotations)?,
        env,
        existing: Evaluation::on(evaluation.and_then(|evaluation| evaluation.mutate_existing.as_ref()), false),
        allow_atomic: evaluation.and_then(|evaluation| evaluation.use_server_side_apply).unwrap_or(false),
    })
}

/// The spec of a variant: only match conditions and apply configurations are rewritten.
fn rewrite(spec: &MutatingSpec, variant: &str, constraints: &Value) -> MutatingSpec {
    let mut spec = spec.clone();
    spec.match_constraints = read(constraints).ok();
    for condition in &mut spec.match_conditions {
        condition.expression = autogen::rewrite_mutation(&condition.expression, variant);
    }
    for mutation in &mut spec.mutations {
        if let Some(body) = &mut mutation.apply_configuration {
            body.expression = autogen::rewrite_mutation(&body.expression, variant);
        }
    }
    spec
}

impl Compiled {
    /// Compiles a policy and its variants for pod controllers.
    ///
    /// # Errors
    /// What the policy webhook refuses.
    pub fn new(policy: &MutatingPolicy) -> Result<Self, Problem> {
        let spec = &policy.spec;
        let mut variants = vec![compile(spec, &policy.namespace, "")?];
        for (name, constraints) in autogen::variants(spec.match_constraints.as_ref(), spec.autogen.as_ref()) {
            variants.push(compile(&rewrite(spec, name, &constraints), &policy.namespace, name)?);
        }
        Ok(Self { kind: policy.kind.clone(), name: policy.name.clone(), namespace: policy.namespace.clone(), variants })
    }

    /// Whether the policy mutates existing resources.
    #[must_use]
    pub fn mutates_existing(&self) -> bool {
        self.variants.first().is_some_and(|variant| variant.existing)
    }

    /// What the targets of a policy that mutates existing resources are matched by; without it the trigger's constraints.
    #[must_use]
    pub fn target_constraints(&self) -> Option<&MatchResources> {
        let variant = self.variants.first()?;
        let target = variant.target_constraints.as_ref().filter(|target| !target.resource_rules.is_empty());
        target.or(variant.constraints.as_ref())
    }

    /// Whether a request triggers the mutation of existing resources: constraints and conditions of the trigger.
    #[must_use]
    pub fn triggers(&self, cx: &EvalCx<'_>) -> bool {
        let Some(variant) = self.variants.first().filter(|variant| variant.existing) else { return false };
        let mut trace = Trace::off();
        let matched = variant.constraints.as_ref().is_some_and(|constraints| {
            matching::handles(constraints, cx, "/spec/matchConstraints", &mut trace).unwrap_or(false)
        });
        let seen = Seen(cx.view);
        let mut activation = mutating_inputs(cx);
        activation.view = Some(&seen);
        activation.namespace.clone_from(&self.namespace);
        activation.set_variables(&variant.variables);
        matched && hold(&variant.conditions, &activation, "condition", &mut trace).unwrap_or(false)
    }

    /// What `targetMatchConstraints.expression` gives for a trigger: an object, or a list in `items`.
    #[must_use]
    pub fn target_of(&self, cx: &EvalCx<'_>) -> Option<Value> {
        let variant = self.variants.first()?;
        let program = variant.target_expression.as_ref()?;
        let seen = Seen(cx.view);
        let mut activation = mutating_inputs(cx);
        activation.view = Some(&seen);
        activation.set_variables(&variant.variables);
        Some(program.eval(&activation).ok().and_then(|found| to_json(&found).ok()).unwrap_or(Value::Null))
    }

    /// Mutates the object of a request. Where the policy does not match there is no answer, only a trace.
    #[must_use]
    pub fn evaluate(&self, cx: &EvalCx<'_>, exceptions: &[CelException]) -> Verdict {
        self.run(cx, exceptions, None)
    }

    /// Mutates a target with the conditions for targets. `request` is what triggered it, `object` the target.
    ///
    /// The constraints for targets are not looked at any more: the target was found by them or by an expression (an
    /// engine without a matcher).
    #[must_use]
    pub fn evaluate_target(&self, target: &Value, cx: &EvalCx<'_>, exceptions: &[CelException]) -> Verdict {
        self.run(cx, exceptions, Some(target))
    }

    fn run(&self, cx: &EvalCx<'_>, exceptions: &[CelException], target: Option<&Value>) -> Verdict {
        let mut verdict = Verdict::default();
        let found = target.is_some();
        if cx.mode != Mode::Cli && !found && !self.namespace.is_empty() && self.namespace != cx.request.namespace {
            return verdict;
        }
        for variant in self.variants.iter().filter(|variant| !found || variant.name.is_empty()) {
            let mut trace = if cx.trace { Trace::on() } else { Trace::off() };
            trace.open(|| {
                let words = if variant.name.is_empty() {
                    "the policy as written".to_owned()
                } else {
                    format!("autogen: {}", variant.name)
                };
                TraceNode::new("rule", Outcome::Info, words).at("/spec")
            });
            let pointer = "/spec/matchConstraints";
            let matched = match &variant.constraints {
                _ if found => Ok(true),
                Some(constraints) => matching::handles(constraints, cx, pointer, &mut trace),
                None => matching::handles(&MatchResources::default(), cx, pointer, &mut trace),
            };
            let response = match matched {
                Ok(false) => None,
                Err(words) => {
                    let words = format!("failed to execute matching: {words}");
                    Some(RuleResponse::new("match", RuleType::Validation, Status::Error, words))
                }
                Ok(true) => {
                    let asked = target.or(cx.request.object.as_ref());
                    let object = verdict.patched.as_ref().or(asked).unwrap_or(&Value::Null);
                    let is_target = target.is_some();
                    let (response, patched) = self.answer(variant, object, cx, exceptions, is_target, &mut trace);
                    verdict.patched = patched.or(verdict.patched.take());
                    Some(response)
                }
            };
            close(&mut trace, response.as_ref());
            verdict.trace.extend(trace.finish());
            verdict.rules.extend(response);
        }
        verdict
    }

    fn answer(
        &self,
        variant: &Variant,
        object: &Value,
        cx: &EvalCx<'_>,
        exceptions: &[CelException],
        target: bool,
        trace: &mut Trace,
    ) -> (RuleResponse, Option<Value>) {
        let failed = |words: &dyn std::fmt::Display| {
            let words = format!("failed to evaluate policy: {words}");
            (RuleResponse::new("evaluation", RuleType::Mutation, Status::Error, words), None)
        };
        let seen = Seen(cx.view);
        let mut activation = mutating_inputs(cx);
        activation.view = Some(&seen);
        activation.namespace.clone_from(&self.namespace);
        activation.set("object", from_json(object));
        if target {
            activation.set("oldObject", Val::Null);
            activation.set("namespaceObject", Val::Null);
        }
        let compiled = match exceptions::compile(exceptions, &self.kind, &self.name, &variant.env, cx) {
            Ok(compiled) => compiled,
            Err(problem) => return failed(&problem),
        };
        match exceptions::apply(&compiled, &activation, false, trace) {
            Ok(Effect::Lifted(matched)) => return (exceptions::response(&matched, RuleType::Mutation), None),
            Ok(Effect::Runs(allowed)) => activation.set("exceptions", allowed),
            Err(error) => return failed(&error),
        }
        activation.set_variables(&variant.variables);
        let conditions = if target { &variant.target_conditions } else { &variant.conditions };
        match hold(conditions, &activation, "condition", trace) {
            Ok(true) => {}
            Ok(false) => return (RuleResponse::new("", RuleType::Mutation, Status::Skip, "skip"), None),
            Err(error) => return failed(&error),
        }
        let typing = Typing::OfKind { allow_atomic: variant.allow_atomic };
        let mut current = object.clone();
        for compiled in &variant.patches {
            match compiled.apply(&current, &activation, typing, cx, trace) {
                Ok(patched) => current = patched,
                Err(words) => return failed(&words),
            }
            activation.set("object", from_json(&current));
        }
        match annotations(&variant.audit_annotations, &activation, '"') {
            Ok(properties) => {
                let mut response = RuleResponse::new("", RuleType::Mutation, Status::Pass, "success");
                response.properties = properties;
                (response, Some(current))
            }
            Err(error) => failed(&error),
        }
    }
}

fn mutating_inputs<'a>(cx: &EvalCx<'_>) -> Activation<'a> {
    let mut activation = inputs_of(cx);
    activation.set("request", inputs::kyverno_request(cx.request, &Value::Object(serde_json::Map::new())));
    activation
}
