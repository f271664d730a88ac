//! `ImageValidatingPolicy` (`pkg/image/verification/evaluator`): what can be decided without a registry, and signatures
//! as far as the run declares them.

use crate::object::order;
use crate::object::read::read;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::attestors::{self, Attestor};
use super::compile::{self, Check, Condition, Problem};
use super::conditions::hold;
use super::env::{self, KYVERNO_VARIABLES, Kind};
use super::explain::recorded;
use super::outside::Seen;
use super::validating::{annotations, close, inputs_of, message};
use super::{autogen, exceptions, matching};
use crate::eval::EvalCx;
use crate::eval::images::digest_of;
use crate::eval::trace::{Outcome, Trace, TraceNode};
use crate::eval::verdict::{RuleResponse, RuleType, Status, Verdict};
use crate::expr::cel::lib::{Image, compile_regex};
use crate::expr::cel::value::Key;
use crate::expr::cel::{Activation, Env, Program, Type, Val, from_json};
use crate::object::ObjectExt;
use crate::object::gvk::Gvr;
use crate::object::image::{RegistryConfig, extract, standard_extractors};
use crate::policy::cel_exception::CelException;
use crate::policy::constraints::{Evaluation, MatchResources};
use crate::policy::image_validating::{ImageValidatingPolicy, ImageValidatingSpec, MatchImageReference};

/// A compiled policy with its variants for pod controllers.
#[derive(Clone, Debug)]
pub struct Compiled {
    kind: String,
    name: String,
    namespace: String,
    variants: Vec<Variant>,
}

#[derive(Clone, Debug)]
struct Variant {
    constraints: Option<MatchResources>,
    conditions: Vec<Condition>,
    references: Vec<Reference>,
    extractors: Vec<(String, Program)>,
    variables: Vec<(String, Program)>,
    checks: Vec<Check>,
    audit_annotations: Vec<(String, Program)>,
    attestors: Vec<Attestor>,
    attestations: Val,
    env: Env,
    json: bool,
    ignore_errors: bool,
    verify_digest: bool,
    required: bool,
}

#[derive(Clone, Debug)]
enum Reference {
    Glob(String),
    Program(Program),
}

/// The names of attestations, by themselves.
fn named(items: &[Value]) -> Val {
    let names = items.iter().map(|item| item.str_at(&["name"]));
    Val::map(names.map(|name| (Key::String(Arc::from(name)), Val::str(name))).collect())
}

fn references(list: &[MatchImageReference]) -> Result<Vec<Reference>, Problem> {
    let env = env::image_reference();
    let compiled = list.iter().enumerate().map(|(at, reference)| {
        let path = format!("spec.matchImageReferences[{at}]");
        match (reference.glob.as_str(), reference.expression.as_str()) {
            ("", "") => Err(Problem::new(&path, "", "either glob or expression must be set")),
            ("", expression) => {
                Ok(Reference::Program(compile::boolean(&env, &format!("{path}.expression"), expression)?))
            }
            (glob, _) => Ok(Reference::Glob(glob_pattern(glob))),
        }
    });
    compiled.collect()
}

/// A gobwas glob without separators as a regular expression: `*`, `?`, `[…]`, `{a,b}`.
fn glob_pattern(glob: &str) -> String {
    let mut out = String::from("^(?s:");
    let mut braces = 0_usize;
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '{' => {
                braces += 1;
                out.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                out.push(')');
            }
            ',' if braces > 0 => out.push('|'),
            '[' => {
                out.push('[');
                for inner in chars.by_ref() {
                    out.push(if inner == '!' { '^' } else { inner });
                    if inner == ']' {
                        break;
                    }
                }
            }
            '\\' => out.extend(chars.next().into_iter().flat_map(|c| ['\\', c])),
            c if c.is_alphanumeric() => out.push(c),
            c => out.extend(['\\', c]),
        }
    }
    out.push_str(")$");
    out
}

fn compile(spec: &ImageValidatingSpec, namespace: &str) -> Result<Variant, Problem> {
    let json = spec.evaluation.as_ref().map_or("Kubernetes", Evaluation::mode) == "JSON";
    let mut env = env::kyverno(if json { Kind::ImagesOfJson } else { Kind::Images }, namespace);
    let conditions = compile::conditions(&env, "spec.matchConditions", &spec.match_conditions)?;
    let references = references(&spec.match_image_references)?;
    // The images come before the variables: they cannot use them.
    let mut extractors = Vec::with_capacity(spec.images.len());
    for (at, extractor) in spec.images.iter().enumerate() {
        let wanted = [Type::list(Type::String), Type::Dyn, Type::list(Type::Dyn)];
        let path = format!("spec.images[{at}].expression");
        let program = compile::typed(&env, &path, &extractor.expression, &wanted, "of type list")?;
        extractors.push((extractor.name.clone(), program));
    }
    let variables = compile::variables(&mut env, KYVERNO_VARIABLES, &spec.variables)?;
    let settings = &spec.validation_configurations;
    Ok(Variant {
        constraints: spec.match_constraints.clone(),
        conditions,
        references,
        extractors,
        variables,
        checks: compile::validations(&env, &spec.validations)?,
        audit_annotations: compile::audit_annotations(&env, &spec.audit_annotations)?,
        attestors: attestors::compile(&env, &spec.attestors)?,
        attestations: named(&spec.attestations),
        env,
        json,
        ignore_errors: spec.failure_policy.as_deref() == Some("Ignore"),
        verify_digest: settings.verify_digest.unwrap_or(true),
        required: settings.required.unwrap_or(true),
    })
}

impl Compiled {
    /// Compiles a policy and its variants for pod controllers.
    ///
    /// # Errors
    /// What the policy webhook refuses.
    pub fn new(policy: &ImageValidatingPolicy) -> Result<Self, Problem> {
        let spec = &policy.spec;
        let mut variants = vec![compile(spec, &policy.namespace)?];
        let raw = policy.raw.get("spec").unwrap_or(&Value::Null);
        for (name, constraints) in autogen::variants(spec.match_constraints.as_ref(), spec.autogen.as_ref()) {
            let made = autogen::rewrite(raw, name, &constraints);
            let Ok(made) = read::<ImageValidatingSpec>(&made) else { continue };
            variants.push(compile(&made, &policy.namespace)?);
        }
        Ok(Self { kind: policy.kind.clone(), name: policy.name.clone(), namespace: policy.namespace.clone(), variants })
    }

    /// Evaluates a request. Where the policy does not match there is no answer, only a trace.
    #[must_use]
    pub fn evaluate(&self, cx: &EvalCx<'_>, exceptions: &[CelException]) -> Verdict {
        self.evaluate_beside(cx, exceptions, &BTreeMap::new())
    }

    /// The same where other policies of the request looked at images, too: what is required to be verified may be verified
    /// by any of them.
    #[must_use]
    pub fn evaluate_beside(
        &self,
        cx: &EvalCx<'_>,
        exceptions: &[CelException],
        verified: &BTreeMap<String, bool>,
    ) -> Verdict {
        let mut verdict = Verdict { verified: verified.clone(), ..Verdict::default() };
        for variant in self.variants.iter().filter(|variant| !variant.json) {
            let mut trace = if cx.trace { Trace::on() } else { Trace::off() };
            trace.open(|| TraceNode::new("rule", Outcome::Info, "images").at("/spec"));
            let matched = match &variant.constraints {
                Some(constraints) => matching::handles(constraints, cx, "/spec/matchConstraints", &mut trace),
                None => Ok(true),
            };
            let response = match matched {
                Ok(false) => None,
                Err(words) => Some(self.error("match", &format!("failed to execute matching: {words}"))),
                Ok(true) => {
                    let seen = Seen(cx.view);
                    let mut activation = inputs_of(cx);
                    activation.view = Some(&seen);
                    activation.verified.borrow_mut().clone_from(&verdict.verified);
                    let built_in = built_in(&cx.request.resource, cx.request.subject());
                    let response = self.answer(variant, cx, exceptions, &mut activation, built_in, &mut trace);
                    verdict.verified = activation.verified.take();
                    response
                }
            };
            close(&mut trace, response.as_ref());
            verdict.trace.extend(trace.finish());
            verdict.rules.extend(response);
        }
        verdict
    }

    /// Replaces the tags of a request's images by their digests (`MutateDigest`): the object where it changed, and the
    /// images whose digest is not to be had.
    #[must_use]
    pub fn pin_digests(&self, cx: &EvalCx<'_>, exceptions: &[CelException]) -> (Option<Value>, Vec<String>) {
        let nothing = (None, Vec::new());
        let mut trace = Trace::off();
        let matched = self.variants.iter().find(|variant| {
            variant.constraints.as_ref().is_none_or(|constraints| {
                matching::handles(constraints, cx, "/spec/matchConstraints", &mut trace).unwrap_or(false)
            })
        });
        let (Some(variant), Some(object)) = (matched, cx.request.object.as_ref()) else { return nothing };
        let seen = Seen(cx.view);
        let mut activation = inputs_of(cx);
        activation.view = Some(&seen);
        let concerned = hold(&variant.conditions, &activation, "condition", &mut trace).unwrap_or(false)
            && self.exempt(variant, cx, exceptions, &activation, &mut trace).is_ok_and(|lifted| lifted.is_empty());
        let extractors = standard_extractors(object.kind());
        let found = extract(object, &extractors, &RegistryConfig::default(), &|_, text| Ok(text.to_owned()));
        let (true, Ok(found)) = (concerned, found) else { return nothing };
        let (mut patched, mut failed) = (object.clone(), Vec::new());
        for image in found.values().flat_map(|found| found.values()).filter(|image| image.info.digest.is_empty()) {
            let name = image.info.to_string();
            if !selected(&variant.references, &name).unwrap_or(false) {
                continue;
            }
            match (digest_of(cx.view, &name), patched.pointer_mut(&image.pointer)) {
                (Ok(digest), Some(place)) => *place = Value::String(format!("{name}@{digest}")),
                (Ok(_), None) => {}
                (Err(words), _) => failed.push(format!("failed to resolve digest for image {name}: {words}")),
            }
        }
        ((patched != *object).then_some(patched), failed)
    }

    /// Evaluates any JSON payload, where the policy is of mode JSON.
    #[must_use]
    pub fn evaluate_json(&self, payload: &Value, cx: &EvalCx<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        let Some(variant) = self.variants.first().filter(|variant| variant.json) else { return verdict };
        let mut trace = if cx.trace { Trace::on() } else { Trace::off() };
        let seen = Seen(cx.view);
        let mut activation = Activation::default();
        activation.view = Some(&seen);
        activation.set("object", from_json(payload));
        let response = self.answer(variant, cx, &[], &mut activation, Vec::new(), &mut trace);
        verdict.trace = trace.finish();
        verdict.rules.extend(response);
        verdict
    }

    fn error(&self, rule: &str, words: &str) -> RuleResponse {
        RuleResponse::new(rule, RuleType::ImageVerify, Status::Error, words)
    }

    /// `None` where the match conditions do not hold.
    fn answer<'a>(
        &'a self,
        variant: &'a Variant,
        cx: &EvalCx<'_>,
        exceptions: &[CelException],
        activation: &mut Activation<'a>,
        built_in: Vec<(String, Vec<String>)>,
        trace: &mut Trace,
    ) -> Option<RuleResponse> {
        activation.namespace.clone_from(&self.namespace);
        let failed = |words: &dyn std::fmt::Display| {
            Some(self.error("evaluation", &format!("failed to evaluate policy: {words}")))
        };
        match hold(&variant.conditions, activation, "condition", trace) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(_) if variant.ignore_errors => return None,
            Err(error) => return failed(&error),
        }
        match self.exempt(variant, cx, exceptions, activation, trace) {
            Ok(matched) if matched.is_empty() => {}
            Ok(matched) => return Some(exceptions::skipped(&matched, RuleType::Validation)),
            Err(words) => return failed(&words),
        }
        activation.set_variables(&variant.variables);
        let images = match images(variant, activation, built_in) {
            Ok(images) => images,
            Err(words) => return failed(&words),
        };
        trace.leaf(|| {
            let mut node = TraceNode::new("images", Outcome::Info, "images of the object that the policy concerns");
            node.found = Some(serde_json::json!(images));
            node
        });
        let all: Vec<&String> = images.values().flatten().collect();
        if variant.verify_digest
            && let Some(image) = all.iter().find(|image| Image::parse(image).is_ok_and(|image| image.digest.is_empty()))
        {
            let words = format!("image {image} does not have a digest");
            return Some(RuleResponse::new(&self.name, RuleType::ImageVerify, Status::Fail, words));
        }
        let list = |images: &Vec<String>| Val::list(images.iter().map(Val::str).collect());
        let entries = images.iter().map(|(name, found)| (Key::String(Arc::from(name.as_str())), list(found)));
        activation.set("images", Val::map(entries.collect()));
        activation.set("attestations", variant.attestations.clone());
        match attestors::evaluate(&variant.attestors, activation) {
            Ok(found) => activation.set("attestors", found),
            Err(words) => return failed(&words),
        }
        Some(self.check(variant, activation, &all, trace))
    }

    /// Any exception that matches lifts the policy.
    fn exempt<'e>(
        &self,
        variant: &Variant,
        cx: &EvalCx<'_>,
        exceptions: &'e [CelException],
        activation: &Activation<'_>,
        trace: &mut Trace,
    ) -> Result<Vec<&'e CelException>, String> {
        let compiled = exceptions::compile(exceptions, &self.kind, &self.name, &variant.env, cx)
            .map_err(|problem| problem.to_string())?;
        let mut matched = Vec::new();
        for one in &compiled {
            match one.matches(activation, trace) {
                Ok(true) => matched.push(one.exception()),
                Ok(false) => {}
                Err(_) if variant.ignore_errors => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(matched)
    }

    fn check(
        &self,
        variant: &Variant,
        activation: &Activation<'_>,
        images: &[&String],
        trace: &mut Trace,
    ) -> RuleResponse {
        let failed =
            |words: &dyn std::fmt::Display| self.error("evaluation", &format!("failed to evaluate policy: {words}"));
        let respond = |status, words: &str| RuleResponse::new(&self.name, RuleType::ImageVerify, status, words);
        let mut answer = respond(Status::Pass, "success");
        for (at, check) in variant.checks.iter().enumerate() {
            let found = check.program.eval(activation);
            recorded(
                "cel",
                "",
                &format!("/spec/validations/{at}/expression"),
                &check.program,
                &found,
                activation,
                trace,
            );
            match found {
                Ok(Val::Bool(true)) => {}
                Ok(_) => {
                    answer = respond(Status::Fail, &message(check, at, activation));
                    break;
                }
                Err(error) => return failed(&error),
            }
        }
        if answer.status == Status::Pass && variant.required {
            let verified = activation.verified.borrow();
            if let Some(image) = images.iter().find(|image| verified.get(image.as_str()) != Some(&true)) {
                let words = match verified.contains_key(image.as_str()) {
                    true => format!("image {image} failed signature or attestation verification"),
                    false => format!(
                        "image {image} is not verified: no policy performed a signature or attestation check on it"
                    ),
                };
                answer = respond(Status::Fail, &words);
            }
        }
        match annotations(&variant.audit_annotations, activation, '\'') {
            Ok(found) => answer.properties = found,
            Err(error) => return failed(&error),
        }
        answer
    }
}

/// Images by category, those that the policy's references select.
fn images(
    variant: &Variant,
    activation: &Activation<'_>,
    built_in: Vec<(String, Vec<String>)>,
) -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut found: BTreeMap<String, Vec<String>> = order::map(built_in);
    for (name, program) in &variant.extractors {
        let value = program.eval(activation).map_err(|error| error.to_string())?;
        let items = value.as_list().ok_or("images must be a list of strings")?;
        let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        found.insert(name.clone(), texts.ok_or("images must be a list of strings")?);
    }
    for images in found.values_mut() {
        let mut kept = Vec::with_capacity(images.len());
        for image in images.drain(..) {
            if selected(&variant.references, &image)? {
                kept.push(image);
            }
        }
        *images = kept;
    }
    Ok(found)
}

fn selected(references: &[Reference], image: &str) -> Result<bool, String> {
    if references.is_empty() {
        return Ok(true);
    }
    for reference in references {
        let matches = match reference {
            Reference::Glob(pattern) => compile_regex(pattern).map_err(|error| error.to_string())?.is_match(image),
            Reference::Program(program) => {
                let mut activation = Activation::default();
                activation.set("ref", Val::str(image));
                program.eval(&activation).map_err(|error| error.to_string())? == Val::Bool(true)
            }
        };
        if matches {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The images of Pods and pod controllers.
fn built_in(resource: &Gvr, object: &Value) -> Vec<(String, Vec<String>)> {
    let path: &[&str] = match (resource.group.as_str(), resource.version.as_str(), resource.resource.as_str()) {
        ("", "v1", "pods") => &["spec"],
        ("apps", "v1", "deployments" | "statefulsets" | "daemonsets" | "replicasets") | ("batch", "v1", "jobs") => {
            &["spec", "template", "spec"]
        }
        ("batch", "v1", "cronjobs") => &["spec", "jobTemplate", "spec", "template", "spec"],
        _ => return Vec::new(),
    };
    let spec = object.at(path).unwrap_or(&Value::Null);
    let of = |field: &str| {
        let containers = spec.get(field).and_then(Value::as_array).into_iter().flatten();
        containers.filter_map(|container| container.get("image")?.as_str().map(str::to_owned)).collect()
    };
    ["containers", "initContainers", "ephemeralContainers"].map(|field| (field.to_owned(), of(field))).into()
}
