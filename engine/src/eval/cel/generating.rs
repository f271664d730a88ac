//! `GeneratingPolicy` (`pkg/cel/policies/gpol`): which objects a trigger makes; making them is the controller's work.

use serde_json::{Map, Value};

use super::compile::{self, Condition, Problem};
use super::conditions::hold;
use super::env::{self, KYVERNO_VARIABLES, Kind};
use super::exceptions::{self, Effect};
use super::explain::recorded;
use super::matching;
use super::outside::Seen;
use super::template::Template;
use super::validating::{annotations, close, inputs_of};
use crate::eval::trace::{Outcome, Trace, TraceNode};
use crate::eval::verdict::{RuleResponse, RuleType, Status, Verdict};
use crate::eval::{EvalCx, Mode};
use crate::expr::cel::{Activation, Env, Program, to_json};
use crate::object::ObjectExt;
use crate::policy::cel_exception::{CelException, PolicyRef};
use crate::policy::constraints::MatchResources;
use crate::policy::generating::GeneratingPolicy;

/// A compiled generating policy.
#[derive(Clone, Debug)]
pub struct Compiled {
    kind: String,
    name: String,
    namespace: String,
    constraints: Option<MatchResources>,
    conditions: Vec<Condition>,
    variables: Vec<(String, Program)>,
    generations: Vec<Generation>,
    audit_annotations: Vec<(String, Program)>,
    env: Env,
}

#[derive(Clone, Debug)]
enum Generation {
    Expression(Program),
    Template(Template),
}

impl Compiled {
    /// Compiles a policy.
    ///
    /// # Errors
    /// What the policy webhook refuses.
    pub fn new(policy: &GeneratingPolicy) -> Result<Self, Problem> {
        let spec = &policy.spec;
        let mut env = env::kyverno(Kind::Generating, &policy.namespace);
        let conditions = compile::conditions(&env, "spec.matchConditions", &spec.match_conditions)?;
        let variables = compile::variables(&mut env, KYVERNO_VARIABLES, &spec.variables)?;
        let mut generations = Vec::with_capacity(spec.generate.len());
        for (at, generation) in spec.generate.iter().enumerate() {
            let path = format!("spec.generate[{at}]");
            if generation.template.is_some() && !generation.expression.is_empty() {
                let words = "only one of expression or template may be set";
                return Err(Problem::new(&path, &generation.expression, words));
            }
            generations.push(match &generation.template {
                Some(template) => {
                    let interpolate = template.interpolate.as_deref() == Some("cel");
                    let path = format!("{path}.template");
                    Generation::Template(Template::compile(&env, &path, &template.value, interpolate)?)
                }
                None => {
                    let path = format!("{path}.expression");
                    Generation::Expression(compile::boolean(&env, &path, &generation.expression)?)
                }
            });
        }
        Ok(Self {
            kind: policy.kind.clone(),
            name: policy.name.clone(),
            namespace: policy.namespace.clone(),
            constraints: spec.match_constraints.clone(),
            conditions,
            variables,
            generations,
            // `object` is dyn here; Kyverno's own test annotates with plain fields of it.
            audit_annotations: compile::dynamic_annotations(&env, &spec.audit_annotations)?,
            env,
        })
    }

    /// Evaluates a trigger. The answer carries the objects as they would be made, without Kyverno's labels.
    ///
    /// The command line puts every object into the namespace it was given; a cluster strips what the source of a copy
    /// brings along, and leaves cluster-scoped objects without a namespace.
    #[must_use]
    pub fn evaluate(&self, cx: &EvalCx<'_>, exceptions: &[CelException]) -> Verdict {
        let mut verdict = Verdict::default();
        if cx.mode != Mode::Cli && !self.namespace.is_empty() && self.namespace != cx.request.namespace {
            return verdict;
        }
        let mut trace = if cx.trace { Trace::on() } else { Trace::off() };
        trace.open(|| TraceNode::new("rule", Outcome::Info, "the policy as written").at("/spec"));
        let matched = match &self.constraints {
            Some(constraints) => matching::handles(constraints, cx, "/spec/matchConstraints", &mut trace),
            None => Ok(false),
        };
        let respond =
            |status: Status, words: String| RuleResponse::new(&self.name, RuleType::Generation, status, words);
        let response = match matched {
            Ok(false) => None,
            Err(words) => Some(respond(Status::Error, format!("failed to execute matching: {words}"))),
            Ok(true) => match self.answer(cx, exceptions, &mut trace) {
                Ok(response) => response,
                Err(words) => Some(respond(Status::Error, format!("failed to evaluate policy: {words}"))),
            },
        };
        close(&mut trace, response.as_ref());
        verdict.trace = trace.finish();
        verdict.rules.extend(response);
        verdict
    }

    /// Why a request does or does not trigger the policy: constraints and conditions. Kyverno does not ask at admission.
    #[must_use]
    pub fn explain(&self, cx: &EvalCx<'_>) -> Vec<TraceNode> {
        let mut trace = Trace::on();
        trace.open(|| TraceNode::new("rule", Outcome::Info, "the policy as written").at("/spec"));
        let matched = self
            .constraints
            .as_ref()
            .map_or(Ok(false), |constraints| matching::handles(constraints, cx, "/spec/matchConstraints", &mut trace));
        let seen = Seen(cx.view);
        let mut activation = inputs_of(cx);
        activation.view = Some(&seen);
        activation.namespace.clone_from(&self.namespace);
        let outcome = match matched {
            Ok(false) => Outcome::Skip,
            Err(_) => Outcome::Error,
            Ok(true) => match hold(&self.conditions, &activation, "condition", &mut trace) {
                Ok(true) => Outcome::Yes,
                Ok(false) => Outcome::Skip,
                Err(_) => Outcome::Error,
            },
        };
        trace.close(outcome);
        trace.finish()
    }

    fn answer(
        &self,
        cx: &EvalCx<'_>,
        exceptions: &[CelException],
        trace: &mut Trace,
    ) -> Result<Option<RuleResponse>, String> {
        let seen = Seen(cx.view);
        let mut activation = inputs_of(cx);
        activation.view = Some(&seen);
        activation.namespace.clone_from(&self.namespace);
        let exceptions = self.exceptions(exceptions, cx.mode);
        let compiled = exceptions::compile(&exceptions, &self.kind, &self.name, &self.env, cx)
            .map_err(|problem| problem.to_string())?;
        match exceptions::apply(&compiled, &activation, false, trace).map_err(|error| error.to_string())? {
            Effect::Lifted(matched) => return Ok(Some(exceptions::response(&matched, RuleType::Generation))),
            Effect::Runs(allowed) => activation.set("exceptions", allowed),
        }
        if !hold(&self.conditions, &activation, "condition", trace).map_err(|error| error.to_string())? {
            return Ok(None);
        }
        activation.set_variables(&self.variables);
        let mut generated = Vec::new();
        for (at, generation) in self.generations.iter().enumerate() {
            self.generate(at, generation, &activation, cx, &mut generated, trace)?;
        }
        trace.leaf(|| {
            let names: Vec<String> =
                generated.iter().map(|object| format!("{}/{}", object.kind(), object.name())).collect();
            TraceNode::new("generate", Outcome::Info, names.join(", ")).at("/spec/generate")
        });
        let words = "policy evaluated successfully";
        let mut response = RuleResponse::new(&self.name, RuleType::Generation, Status::Pass, words);
        response.properties =
            annotations(&self.audit_annotations, &activation, '"').map_err(|error| error.to_string())?;
        response.generated = generated;
        Ok(Some(response))
    }

    /// The command line gives every exception to every generating policy.
    fn exceptions(&self, exceptions: &[CelException], mode: Mode) -> Vec<CelException> {
        let mut exceptions = exceptions.to_vec();
        if mode == Mode::Cli {
            for exception in &mut exceptions {
                exception.spec.policy_refs = vec![PolicyRef { name: self.name.clone(), kind: self.kind.clone() }];
            }
        }
        exceptions
    }

    fn generate(
        &self,
        at: usize,
        generation: &Generation,
        activation: &Activation<'_>,
        cx: &EvalCx<'_>,
        generated: &mut Vec<Value>,
        trace: &mut Trace,
    ) -> Result<(), String> {
        match generation {
            Generation::Expression(program) => {
                let found = program.eval(activation);
                let applied = activation.generated.take();
                let pointer = format!("/spec/generate/{at}/expression");
                recorded("generate", "", &pointer, program, &found, activation, trace);
                activation.generated.take();
                found.map_err(|error| error.to_string())?;
                for (namespace, value) in applied {
                    let object = to_json(&value).map_err(|error| error.to_string())?;
                    self.place(object, &namespace, cx, generated)?;
                }
            }
            Generation::Template(template) => {
                let objects = template
                    .render(activation)
                    .map_err(|words| format!("failed to render generation template: {words}"))?;
                for object in objects {
                    let namespace = match (object.namespace(), self.namespace.as_str()) {
                        ("", own) => own.to_owned(),
                        (other, own) if !own.is_empty() && other != own => {
                            return Err(format!(
                                "cross-namespace generation denied: a policy in namespace {own:?} cannot generate \
                                 resources into namespace {other:?}"
                            ));
                        }
                        (namespace, _) => namespace.to_owned(),
                    };
                    self.place(object, &namespace, cx, generated)?;
                }
            }
        }
        Ok(())
    }

    /// Puts an object, or each item of a list, into its namespace (`pkg/cel/libs/context.go`; without a cluster
    /// `fake_context.go`).
    fn place(&self, object: Value, namespace: &str, cx: &EvalCx<'_>, generated: &mut Vec<Value>) -> Result<(), String> {
        if let Some(Value::Array(items)) = object.get("items") {
            return items.iter().try_for_each(|item| self.place(item.clone(), namespace, cx, generated));
        }
        let mut object = object;
        let alone = cx.mode == Mode::Cli && cx.view.stand_in();
        let mut namespace = namespace;
        if !alone && cx.view.namespaced(&object.gvk()) == Some(false) {
            if !namespace.is_empty() && !self.namespace.is_empty() {
                return Err(format!(
                    "failed to generate resources: cross-scope generation denied: a policy scoped to namespace \
                     {namespace:?} cannot generate cluster-scoped resource {}/{}",
                    object.api_version(),
                    object.kind()
                ));
            }
            namespace = "";
        }
        if !alone {
            strip(&mut object, namespace, cx.mode == Mode::Cli);
        }
        if namespace.is_empty() {
            object.remove_at(&["metadata", "namespace"]);
        } else {
            object.set_at(&["metadata", "namespace"], Value::from(namespace));
        }
        generated.push(object);
        Ok(())
    }
}

/// What a copy does not take along from its source; what is `shown` only has no annotations and no label of the source.
fn strip(object: &mut Value, namespace: &str, shown: bool) {
    let moved = !object.namespace().is_empty() && object.namespace() != namespace;
    // What came from the cluster is a source.
    if !shown && !object.str_at(&["metadata", "resourceVersion"]).is_empty() {
        let uid = Value::from(object.uid());
        object.set_at(&["metadata", "labels", "generate.kyverno.io/source-uid"], uid);
    }
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else { return };
    let metadata: &mut Map<String, Value> = metadata;
    for field in ["uid", "managedFields", "resourceVersion", "creationTimestamp", "generation", "selfLink"] {
        metadata.shift_remove(field);
    }
    if shown {
        metadata.shift_remove("annotations");
    }
    if moved {
        metadata.shift_remove("ownerReferences");
    }
}
