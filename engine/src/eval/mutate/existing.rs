//! `mutate.targets`: existing resources that a trigger changes (`pkg/engine/handlers/mutation/{mutate_existing,load_targets}.go`).

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{answer, run};
use crate::eval::conditions::{self, join_non_empty};
use crate::eval::trace::{Outcome, TraceNode};
use crate::eval::verdict::{RuleResponse, RuleType, Status};
use crate::eval::{Answer, RuleCx, context, view};
use crate::expr::vars;
use crate::object::gvk::Gvk;
use crate::object::read::read;
use crate::object::selector::LabelSelector;
use crate::object::{ObjectExt, wildcard};
use crate::policy::rule::ContextEntry;

/// `targets[]` beside its selection.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Extras {
    context: Vec<ContextEntry>,
    preconditions: Option<Value>,
}

/// `targets[]` with its variables substituted.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Selection {
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
    selector: Option<Value>,
}

/// Mutates the targets of a rule for the trigger of the request: one response for each, with
/// [`RuleResponse::patched_target`] where it passes. The trigger itself is not changed.
#[must_use]
pub fn existing(cx: &mut RuleCx<'_>) -> Answer {
    let written = cx.rule.mutate.as_ref().map(|mutate| mutate.targets.as_slice()).unwrap_or_default();
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for (index, target) in written.iter().enumerate() {
        match find(cx, index, target) {
            Ok(objects) => found.extend(objects.into_iter().map(|object| (index, target, object))),
            Err(error) => errors.push(error),
        }
    }
    let mut out = Vec::with_capacity(found.len() + 1);
    if !errors.is_empty() {
        // `RuleError` with an empty message.
        out.push(cx.error(RuleType::Mutation, "", errors.join("; ")));
    }
    for (index, written, object) in found {
        let at = format!("{}/mutate/targets/{index}", cx.pointer);
        cx.trace.open(|| {
            let text = format!("target {}/{}", object.kind(), object.name());
            TraceNode { found: Some(object.clone()), ..TraceNode::new("target", Outcome::Info, text).at(at.clone()) }
        });
        let response = one(cx, written, &object, &at);
        cx.trace.close(match response.status {
            Status::Pass => Outcome::Yes,
            Status::Skip => Outcome::Skip,
            _ => Outcome::Error,
        });
        out.push(response);
    }
    Answer { responses: out, patched: None }
}

fn one(cx: &mut RuleCx<'_>, written: &Value, object: &Value, at: &str) -> RuleResponse {
    let extras = read::<Extras>(written).unwrap_or_default();
    cx.json.set_target(object.clone());
    if let Err(error) = context::register(cx.cx, cx.policy, &cx.rule.name, &extras.context, &mut cx.json) {
        return cx.error(RuleType::Mutation, "failed to load context", error);
    }
    let preconditions = format!("{at}/preconditions");
    match conditions::evaluate(&mut cx.json, extras.preconditions.as_ref(), &preconditions, &mut cx.trace) {
        Err(error) => return cx.error(RuleType::Mutation, "failed to evaluate preconditions", error),
        Ok(decision) if !decision.holds => {
            let message = join_non_empty(&["preconditions not met", &decision.message], "; ");
            return cx.response(RuleType::Mutation, Status::Skip, message);
        }
        Ok(_) => {}
    }
    let response = run(cx, object);
    let mut answer = answer(cx, &response);
    if response.status == Status::Pass {
        answer.patched_target = Some(response.resource);
    }
    answer
}

/// The stored objects that a target selects. A namespaced policy reaches only its own namespace.
fn find(cx: &mut RuleCx<'_>, index: usize, target: &Value) -> Result<Vec<Value>, String> {
    let keys = ["apiVersion", "kind", "namespace", "name", "uid", "selector"].iter();
    let written: Map<String, Value> =
        keys.filter_map(|key| Some(((*key).to_owned(), target.get(*key)?.clone()))).collect();
    let failed = |error: String| format!("failed to substitute variables in target[{index}]: {error}");
    let substituted = vars::substitute_all(&mut cx.json, &Value::Object(written));
    let substituted = substituted.map_err(|error| failed(error.to_string()))?;
    let mut selection: Selection = read(&substituted).map_err(|error| failed(error.to_string()))?;
    if !cx.policy.namespace.is_empty() {
        selection.namespace.clone_from(&cx.policy.namespace);
    }
    // A subresource is stored with its object.
    let kind = selection.kind.split('/').next().unwrap_or_default();
    let gvk = Gvk::new(&selection.api_version, kind);
    let exact = |text: &str| !text.is_empty() && !wildcard::contains_wildcard(text);
    if exact(&selection.namespace) && exact(&selection.name) {
        return match cx.cx.view.get(&gvk, &selection.namespace, &selection.name) {
            Some(object) => Ok(vec![object]),
            None => Err(view::not_found(cx.cx.view, &gvk, &selection.name)),
        };
    }
    let selector = selection.selector.as_ref().map(LabelSelector::from_value).transpose()?;
    let mut objects = cx.cx.view.list(&gvk, None);
    objects.retain(|object| {
        let matches = |pattern: &str, text: &str| pattern.is_empty() || wildcard::matches(pattern, text);
        matches(&selection.namespace, object.namespace())
            && matches(&selection.name, object.name())
            && selector.as_ref().is_none_or(|selector| selector.matches(&object.labels()))
    });
    Ok(objects)
}
