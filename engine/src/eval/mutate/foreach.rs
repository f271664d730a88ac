//! `mutate.foreach`: a patch for each element of lists (`pkg/engine/handlers/mutation/common.go`).

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Response, patched};
use crate::eval::trace::{Outcome, TraceNode};
use crate::eval::verdict::Status;
use crate::eval::{RuleCx, conditions, context};
use crate::expr::vars;
use crate::object::gofmt;
use crate::object::read::read;
use crate::policy::rule::ContextEntry;

/// How deep `foreach` may nest; Kyverno has no bound.
const MAX_NESTING: usize = 32;

/// `foreach[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ForEach {
    list: String,
    /// `Ascending` or `Descending`; a strategic merge patch goes backwards by default.
    order: Option<String>,
    context: Vec<ContextEntry>,
    preconditions: Option<Value>,
    patch_strategic_merge: Option<Value>,
    #[serde(rename = "patchesJson6902")]
    patches_json6902: String,
    foreach: Vec<Value>,
}

/// Patches a resource with every list of a rule.
pub(super) fn run(cx: &mut RuleCx<'_>, blocks: &[Value], resource: &Value) -> Response {
    let at = format!("{}/mutate/foreach", cx.pointer);
    lists(cx, blocks, resource.clone(), 0, &at)
}

fn lists(cx: &mut RuleCx<'_>, blocks: &[Value], mut resource: Value, nesting: usize, at: &str) -> Response {
    let mut applied = 0;
    for (index, block) in blocks.iter().enumerate() {
        let block: ForEach = match read(block) {
            Ok(block) => block,
            Err(error) => return Response::error(format!("failed to parse foreach: {error}")),
        };
        let elements = match cx.json.query(&block.list) {
            Ok(Value::Array(elements)) => elements,
            Ok(element) => vec![element],
            // The words come twice, as in Kyverno.
            Err(error) => {
                return Response::error(format!("failed to evaluate list {}: {error}: {error}", block.list));
            }
        };
        let at = format!("{at}/{index}");
        cx.json.checkpoint();
        let response = each(cx, &block, &elements, &resource, nesting, &at);
        cx.json.restore();
        match response.status {
            Status::Error => return Response::error(format!("failed to mutate elements: {}", response.message)),
            Status::Skip => {}
            _ => {
                applied += 1;
                resource = response.resource;
                cx.json.set_object(resource.clone());
            }
        }
    }
    let message = format!("{applied} elements processed");
    if applied == 0 { Response::skip(resource, message) } else { Response::pass(resource, message) }
}

fn each(
    cx: &mut RuleCx<'_>,
    block: &ForEach,
    elements: &[Value],
    before: &Value,
    nesting: usize,
    at: &str,
) -> Response {
    let descending = match &block.order {
        Some(order) => order == "Descending",
        None => block.patch_strategic_merge.is_some(),
    };
    let mut indexed: Vec<(usize, &Value)> = elements.iter().enumerate().collect();
    if descending {
        indexed.reverse();
    }
    let mut resource = before.clone();
    for (index, element) in indexed {
        if element.is_null() {
            continue;
        }
        cx.json.reset();
        cx.trace.open(|| {
            let text = format!("element {index}: {}", gofmt::marshal_plain(element));
            TraceNode::new("foreach", Outcome::Info, text).at(at)
        });
        let response = one(cx, block, (index, element), &resource, nesting, at);
        cx.trace.close(match response.status {
            Status::Pass => Outcome::Yes,
            Status::Skip => Outcome::Skip,
            _ => Outcome::Error,
        });
        match response.status {
            Status::Fail | Status::Error => return response,
            Status::Pass => resource = response.resource,
            _ => {}
        }
    }
    if resource == *before { Response::skip(resource, "no patches applied") } else { Response::pass(resource, "") }
}

fn one(
    cx: &mut RuleCx<'_>,
    block: &ForEach,
    (index, element): (usize, &Value),
    resource: &Value,
    nesting: usize,
    at: &str,
) -> Response {
    cx.json.set_element(element, index, nesting);
    if let Err(error) = context::register(cx.cx, cx.policy, &cx.rule.name, &block.context, &mut cx.json) {
        return Response::error(format!("failed to load to mutate.foreach[{index}].context: {error}"));
    }
    let preconditions = format!("{at}/preconditions");
    match conditions::preconditions(&mut cx.json, block.preconditions.as_ref(), &preconditions, &mut cx.trace) {
        Err(error) => {
            return Response::error(format!("failed to evaluate mutate.foreach[{index}].preconditions: {error}"));
        }
        Ok(decision) if !decision.holds => return Response::skip(resource.clone(), "preconditions not met"),
        Ok(_) => {}
    }
    if !block.foreach.is_empty() {
        if nesting >= MAX_NESTING {
            return Response::error(format!("foreach nests deeper than {MAX_NESTING} levels"));
        }
        return lists(cx, &block.foreach, resource.clone(), nesting + 1, &format!("{at}/foreach"));
    }
    let document = json!({
        "patchStrategicMerge": block.patch_strategic_merge,
        "patchesJson6902": block.patches_json6902,
    });
    match vars::substitute_all(&mut cx.json, &document) {
        Ok(substituted) => patched(&substituted, resource),
        Err(error) => Response::error(format!("variable substitution failed: {error}")),
    }
}
