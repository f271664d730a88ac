//! `mutate`: the resource of the request (`pkg/engine/mutate/mutation.go`, `pkg/engine/handlers/mutation/mutate_resource.go`),
//! or existing `targets`.

mod existing;
mod foreach;
mod patch;
mod preprocess;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::trace::{Outcome, TraceNode};
use super::verdict::{RuleResponse, RuleType, Status};
use super::{Answer, RuleCx};
use crate::expr::vars;
use crate::object::ObjectExt;
use crate::policy::rule::Rule;
pub use existing::existing;
use patch::Patch;

/// What a patch, or all patches of a `foreach`, did.
struct Response {
    status: Status,
    /// Null after an error: Kyverno goes on with an empty object.
    resource: Value,
    message: String,
}

impl Response {
    fn error(message: impl Into<String>) -> Self {
        Self { status: Status::Error, resource: Value::Null, message: message.into() }
    }

    fn skip(resource: Value, message: impl Into<String>) -> Self {
        Self { status: Status::Skip, resource, message: message.into() }
    }

    fn pass(resource: Value, message: impl Into<String>) -> Self {
        Self { status: Status::Pass, resource, message: message.into() }
    }
}

/// Mutates the resource of the request. After an error the following rules see nothing (null).
#[must_use]
pub fn rule(cx: &mut RuleCx<'_>) -> Answer {
    let resource = cx.object.unwrap_or(&Value::Null);
    let response = run(cx, resource);
    let answer = answer(cx, &response);
    Answer { responses: vec![answer], patched: (response.resource != *resource).then_some(response.resource) }
}

/// Applies the patches of the rule to a resource, and records what they change.
fn run(cx: &mut RuleCx<'_>, resource: &Value) -> Response {
    let at = format!("{}/mutate", cx.pointer);
    cx.trace.open(|| TraceNode::new("mutate", Outcome::Info, "").at(at));
    let foreach = cx.rule.mutate.as_ref().map(|mutate| mutate.foreach.as_slice()).unwrap_or_default();
    let response = if foreach.is_empty() { whole(cx, resource) } else { foreach::run(cx, foreach, resource) };
    cx.trace.amend(|node| {
        node.text.clone_from(&response.message);
        if response.status == Status::Pass {
            node.text = success(&response.resource);
            node.found = Some(changes(resource, &response.resource));
        }
    });
    cx.trace.close(match response.status {
        Status::Pass => Outcome::Yes,
        Status::Skip => Outcome::Skip,
        _ => Outcome::Error,
    });
    response
}

/// The one patch of a rule. Variables of the whole rule are substituted, so one that cannot be resolved anywhere is an error.
fn whole(cx: &mut RuleCx<'_>, resource: &Value) -> Response {
    let document = document(cx.rule);
    let substituted = match vars::substitute_all(&mut cx.json, &document) {
        Ok(substituted) => substituted,
        Err(error) => return Response::error(format!("variable substitution failed: {error}")),
    };
    let response = patched(substituted.get("mutate").unwrap_or(&Value::Null), resource);
    let existing = cx.rule.mutate.as_ref().is_some_and(|mutate| !mutate.targets.is_empty());
    if response.status == Status::Pass && existing {
        cx.json.set_target(response.resource.clone());
    }
    response
}

/// Applies the patch of a substituted block.
fn patched(block: &Value, resource: &Value) -> Response {
    let Some(patch) = Patch::of(block) else { return Response::error("empty mutate rule") };
    match patch.apply(resource) {
        Err(error) => Response::error(format!("failed to patch resource: {error}")),
        Ok(patched) if patched == *resource => Response::skip(patched, "no patches applied"),
        Ok(patched) => Response::pass(patched, "resource patched"),
    }
}

/// The parts of a rule that hold variables, at the paths that messages name.
fn document(rule: &Rule) -> Value {
    let context = rule.context.iter().map(|entry| {
        let sources = [
            ("configMap", &entry.config_map),
            ("apiCall", &entry.api_call),
            ("imageRegistry", &entry.image_registry),
            ("variable", &entry.variable),
            ("globalReference", &entry.global_reference),
        ];
        let sources = sources.into_iter().filter_map(|(key, source)| Some((key.to_owned(), source.clone()?)));
        Value::Object(std::iter::once(("name".to_owned(), json!(entry.name))).chain(sources).collect::<Map<_, _>>())
    });
    let mut mutate = Map::new();
    if let Some(body) = &rule.mutate {
        if !body.targets.is_empty() {
            mutate.insert("targets".to_owned(), json!(body.targets));
        }
        if let Some(patch) = &body.patch_strategic_merge {
            mutate.insert("patchStrategicMerge".to_owned(), patch.clone());
        }
        if let Some(patch) = &body.patches_json6902 {
            mutate.insert("patchesJson6902".to_owned(), json!(patch));
        }
    }
    json!({
        "name": rule.name,
        "context": context.collect::<Vec<_>>(),
        "preconditions": rule.preconditions,
        "mutate": mutate,
    })
}

fn answer(cx: &RuleCx<'_>, response: &Response) -> RuleResponse {
    let message = match response.status {
        Status::Pass => success(&response.resource),
        _ => response.message.clone(),
    };
    cx.response(RuleType::Mutation, response.status, message)
}

fn success(resource: &Value) -> String {
    let (kind, name, namespace) = (resource.kind(), resource.name(), resource.namespace());
    match (resource, namespace) {
        (Value::Null, _) => "mutated resource".to_owned(),
        (_, "") => format!("mutated {kind}/{name}"),
        _ => format!("mutated {kind}/{name} in namespace {namespace}"),
    }
}

/// The difference as JSON patch operations.
fn changes(before: &Value, after: &Value) -> Value {
    Value::Array(crate::object::patch::diff(before, after))
}
