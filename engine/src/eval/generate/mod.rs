//! `generate`: what a rule would make for a trigger (`pkg/background/generate/generator.go`).
//!
//! Whether an object is created, updated or left alone is decided where the cluster is known.

pub mod labels;
mod make;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::trace::{Outcome, TraceNode};
use super::{RuleCx, conditions, context};
use crate::expr::vars;
use crate::object::gvk::ObjectRef;
use crate::object::read::{field, read};
use crate::object::{ObjectExt, gofmt};
use crate::policy::rule::{ContextEntry, GeneratePattern};

/// An object that a rule makes.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The object with the labels of the rule.
    pub object: Value,
    /// What it is a copy of. Kyverno labels that object [`labels::CLONE_SOURCE`] before it makes the copy.
    pub source: Option<ObjectRef>,
    /// Made by `clone` or `cloneList`.
    pub clone: bool,
    /// The `foreach` and the element that it is made for: an error of one does not end the others.
    pub element: Option<(usize, usize)>,
}

/// What a rule makes, and the error that ended it: objects made before an error stay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Generated {
    /// In order.
    pub targets: Vec<Target>,
    /// Kyverno's words.
    pub error: Option<String>,
    /// Targets that could not be made, `apiVersion/kind/namespace/name`, each with why.
    pub refused: Vec<(String, String)>,
}

/// `foreach[]`.
#[derive(Clone, Debug, Default)]
struct ForEach {
    list: String,
    context: Vec<ContextEntry>,
    preconditions: Option<Value>,
    pattern: GeneratePattern,
}

impl ForEach {
    fn read(block: &Value) -> Result<Self, serde_json::Error> {
        Ok(Self {
            list: field(block, "list")?,
            context: field(block, "context")?,
            preconditions: field(block, "preconditions")?,
            pattern: read(block)?,
        })
    }
}

/// What the rule makes for a trigger. The variables of the request are in the context already; the entries of the rule's
/// `context` are registered here, and its preconditions are evaluated again, as the background controller does.
pub fn targets(cx: &mut RuleCx<'_>, trigger: &Value) -> Generated {
    let at = format!("{}/generate", cx.pointer);
    cx.trace.open(|| TraceNode::new("generate", Outcome::Info, "").at(at.clone()));
    let out = made(cx, trigger, &at);
    cx.trace.amend(|node| {
        node.text = match &out.error {
            Some(error) => error.clone(),
            None if out.targets.is_empty() => "makes nothing".to_owned(),
            None => format!("makes {}", out.targets.iter().map(words).collect::<Vec<_>>().join(", ")),
        };
        node.found = Some(out.targets.iter().map(|target| target.object.clone()).collect());
    });
    cx.trace.close(match (&out.error, out.targets.is_empty()) {
        (Some(_), _) => Outcome::Error,
        (None, true) => Outcome::Skip,
        (None, false) => Outcome::Yes,
    });
    out
}

fn words(target: &Target) -> String {
    let object = &target.object;
    let place = [object.kind(), object.namespace(), object.name()].into_iter().filter(|part| !part.is_empty());
    place.collect::<Vec<_>>().join("/")
}

fn made(cx: &mut RuleCx<'_>, trigger: &Value, at: &str) -> Generated {
    let Some(generate) = &cx.rule.generate else { return Generated::default() };
    let rule = cx.rule;
    if let Err(error) = register(cx, &rule.context) {
        return failed(format!("failed to load rule level context: {error}"));
    }
    if !generate.foreach.is_empty() {
        return for_each(cx, &generate.foreach, trigger, at);
    }
    let preconditions = (rule.preconditions.as_ref(), format!("{}/preconditions", cx.pointer));
    one(cx, &generate.pattern, preconditions, trigger)
}

fn register(cx: &mut RuleCx<'_>, entries: &[ContextEntry]) -> Result<(), String> {
    context::register(cx.cx, cx.policy, &cx.rule.name, entries, &mut cx.json)
}

fn failed(error: String) -> Generated {
    Generated { error: Some(error), ..Generated::default() }
}

fn one(
    cx: &mut RuleCx<'_>,
    pattern: &GeneratePattern,
    (preconditions, at): (Option<&Value>, String),
    trigger: &Value,
) -> Generated {
    match conditions::evaluate(&mut cx.json, preconditions, &at, &mut cx.trace) {
        Err(error) => return failed(format!("failed to evaluate preconditions: {error}")),
        Ok(decision) if !decision.holds => return Generated::default(),
        Ok(_) => {}
    }
    let substituted = match vars::substitute_all(&mut cx.json, &document(pattern)) {
        Ok(substituted) => substituted,
        Err(error) => return failed(error.to_string()),
    };
    let pattern: GeneratePattern = match read(&substituted) {
        Ok(pattern) => pattern,
        Err(error) => return failed(error.to_string()),
    };
    let mut out = make::make(cx.cx.view, &pattern);
    for target in &mut out.targets {
        labels::manage(&mut target.object, cx.policy, &cx.rule.name, trigger);
    }
    out
}

/// Every list and element is tried; the errors are joined.
fn for_each(cx: &mut RuleCx<'_>, blocks: &[Value], trigger: &Value, at: &str) -> Generated {
    let mut out = Generated::default();
    let mut errors = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        let at = format!("{at}/foreach/{index}");
        let block = match ForEach::read(block) {
            Ok(block) => block,
            Err(error) => {
                errors.push(format!("failed to parse {index} foreach: {error}"));
                continue;
            }
        };
        let elements = match cx.json.query(&block.list) {
            Ok(Value::Array(elements)) => elements,
            Ok(element) => vec![element],
            Err(error) => {
                errors.push(format!("failed to evaluate {index} foreach list: {error}"));
                continue;
            }
        };
        cx.json.checkpoint();
        let made = each(cx, &block, &elements, trigger, &at);
        cx.json.restore();
        out.refused.extend(made.refused);
        out.targets.extend(made.targets.into_iter().map(|mut target| {
            target.element = target.element.map(|(_, element)| (index, element));
            target
        }));
        if let Some(error) = made.error {
            errors.push(format!("failed to process {index} foreach in rule {}: {error}", cx.rule.name));
        }
    }
    Generated { error: joined(&errors), ..out }
}

fn each(cx: &mut RuleCx<'_>, block: &ForEach, elements: &[Value], trigger: &Value, at: &str) -> Generated {
    let mut out = Generated::default();
    let mut errors = Vec::new();
    for (index, element) in elements.iter().enumerate().filter(|(_, element)| !element.is_null()) {
        cx.json.reset();
        cx.json.set_element(element, index, 0);
        cx.trace.open(|| {
            let text = format!("element {index}: {}", gofmt::marshal_plain(element));
            TraceNode::new("foreach", Outcome::Info, text).at(at)
        });
        let made = match register(cx, &block.context) {
            Ok(()) => one(cx, &block.pattern, (block.preconditions.as_ref(), format!("{at}/preconditions")), trigger),
            Err(error) => failed(format!("failed to load context: {error}")),
        };
        cx.trace.close(match (&made.error, made.targets.is_empty()) {
            (Some(_), _) => Outcome::Error,
            (None, true) => Outcome::Skip,
            (None, false) => Outcome::Yes,
        });
        out.refused.extend(made.refused);
        out.targets.extend(made.targets.into_iter().map(|target| Target { element: Some((0, index)), ..target }));
        if let Some(error) = made.error {
            errors.push(format!("failed to process {index} element: {error}"));
        }
    }
    Generated { error: joined(&errors), ..out }
}

fn joined(errors: &[String]) -> Option<String> {
    (!errors.is_empty()).then(|| errors.join("; "))
}

/// A pattern as the JSON whose variables are substituted.
fn document(pattern: &GeneratePattern) -> Value {
    let mut out = Map::new();
    let texts = [
        ("apiVersion", &pattern.api_version),
        ("kind", &pattern.kind),
        ("namespace", &pattern.namespace),
        ("name", &pattern.name),
    ];
    for (key, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        out.insert(key.to_owned(), json!(text));
    }
    if let Some(data) = &pattern.data {
        out.insert("data".to_owned(), data.clone());
    }
    if let Some(source) = &pattern.clone {
        out.insert("clone".to_owned(), json!({ "namespace": source.namespace, "name": source.name }));
    }
    if let Some(list) = &pattern.clone_list {
        let mut written = json!({ "namespace": list.namespace, "kinds": list.kinds });
        if let Some(selector) = &list.selector {
            written.set_at(&["selector"], selector.clone());
        }
        out.insert("cloneList".to_owned(), written);
    }
    Value::Object(out)
}
