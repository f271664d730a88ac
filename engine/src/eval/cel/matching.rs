//! `matchConstraints`: the rules of Kubernetes' webhooks (`pkg/cel/matching`, `plugin/webhook/predicates`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::eval::EvalCx;
use crate::eval::request::{AdmissionRequest, Operation};
use crate::eval::trace::{Outcome, Trace, TraceNode};
use crate::object::ObjectExt;
use crate::object::selector::LabelSelector;
use crate::policy::constraints::{MatchResources, NamedRule};

/// Whether constraints match the request of an evaluation; each part is recorded.
///
/// # Errors
/// A selector is invalid, and the rest matches.
pub fn matches(
    constraints: &MatchResources,
    cx: &EvalCx<'_>,
    pointer: &str,
    trace: &mut Trace,
) -> Result<bool, String> {
    recorded(constraints, cx, pointer, false, trace)
}

/// The same as Kyverno's engines ask for a request: they hand the object that is not there over as an empty one, which has
/// no labels, and a selector that only excludes takes it (`pkg/cel/policies/*/engine/engine.go`).
///
/// # Errors
/// As [`matches`].
pub fn handles(
    constraints: &MatchResources,
    cx: &EvalCx<'_>,
    pointer: &str,
    trace: &mut Trace,
) -> Result<bool, String> {
    recorded(constraints, cx, pointer, true, trace)
}

fn recorded(
    constraints: &MatchResources,
    cx: &EvalCx<'_>,
    pointer: &str,
    empty: bool,
    trace: &mut Trace,
) -> Result<bool, String> {
    trace.open(|| TraceNode::new("match", Outcome::Info, "match constraints").at(pointer));
    let found = decide(constraints, cx, pointer, empty, trace);
    trace.close(match &found {
        Ok(true) => Outcome::Yes,
        Ok(false) => Outcome::No,
        Err(_) => Outcome::Error,
    });
    found
}

fn decide(
    constraints: &MatchResources,
    cx: &EvalCx<'_>,
    pointer: &str,
    empty: bool,
    trace: &mut Trace,
) -> Result<bool, String> {
    let request = cx.request;
    let by_namespace = namespace_selector(constraints, cx);
    if let Some(selector) = &constraints.namespace_selector {
        leaf(
            trace,
            &by_namespace,
            "namespace selector",
            &format!("{pointer}/namespaceSelector"),
            selector,
            &json!(namespace_labels(cx)),
        );
    }
    if by_namespace == Ok(false) {
        return Ok(false);
    }
    let by_object = object_selector(constraints, request, empty);
    if let Some(selector) = &constraints.object_selector {
        leaf(
            trace,
            &by_object,
            "object selector",
            &format!("{pointer}/objectSelector"),
            selector,
            &json!(request.subject().labels()),
        );
    }
    if by_object == Ok(false) {
        return Ok(false);
    }
    let excluded = constraints.exclude_resource_rules.iter().position(|rule| rule_matches(rule, request));
    if let Some(at) = excluded {
        trace.leaf(|| {
            TraceNode::new("exclude", Outcome::No, "an exclude rule matches")
                .at(format!("{pointer}/excludeResourceRules/{at}"))
        });
        return Ok(false);
    }
    if !constraints.resource_rules.is_empty() {
        let found = constraints.resource_rules.iter().position(|rule| rule_matches(rule, request));
        trace.leaf(|| {
            let words = describe(request);
            match found {
                Some(at) => TraceNode::new("match", Outcome::Yes, format!("a resource rule covers {words}"))
                    .at(format!("{pointer}/resourceRules/{at}")),
                None => TraceNode::new("match", Outcome::No, format!("no resource rule covers {words}"))
                    .at(format!("{pointer}/resourceRules")),
            }
        });
        if found.is_none() {
            return Ok(false);
        }
    }
    by_namespace?;
    by_object
}

fn leaf(trace: &mut Trace, found: &Result<bool, String>, words: &str, pointer: &str, want: &Value, seen: &Value) {
    trace.leaf(|| {
        let outcome = match found {
            Ok(true) => Outcome::Yes,
            Ok(false) => Outcome::No,
            Err(_) => Outcome::Error,
        };
        let mut node = TraceNode::new("match", outcome, words).at(pointer);
        node.want = Some(want.clone());
        node.found = Some(seen.clone());
        node
    });
}

fn describe(request: &AdmissionRequest) -> String {
    let resource = &request.resource;
    let group = if resource.group.is_empty() { String::new() } else { format!(".{}", resource.group) };
    let sub = if request.subresource.is_empty() { String::new() } else { format!("/{}", request.subresource) };
    format!("{} of {}{sub}{group}/{}", request.operation.as_str(), resource.resource, resource.version)
}

fn is_namespace(request: &AdmissionRequest) -> bool {
    request.resource.group.is_empty() && request.resource.resource == "namespaces"
}

fn selects(selector: Option<&Value>, labels: impl FnOnce() -> Vec<BTreeMap<String, String>>) -> Result<bool, String> {
    let Some(selector) = selector else { return Ok(true) };
    let parsed = LabelSelector::from_value(selector)?;
    if parsed.requirements().is_empty() {
        return Ok(true);
    }
    Ok(labels().iter().any(|labels| parsed.matches(labels)))
}

fn namespace_labels(cx: &EvalCx<'_>) -> BTreeMap<String, String> {
    let request = cx.request;
    if is_namespace(request)
        && request.subresource.is_empty()
        && matches!(request.operation, Operation::Create | Operation::Update)
    {
        return request.object.as_ref().map(ObjectExt::labels).unwrap_or_default();
    }
    // A namespace that the run knows nothing of has the label that every namespace has.
    cx.view
        .namespace_labels(&request.namespace)
        .unwrap_or_else(|| BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), request.namespace.clone())]))
}

/// Cluster-scoped objects other than namespaces are never left out.
fn namespace_selector(constraints: &MatchResources, cx: &EvalCx<'_>) -> Result<bool, String> {
    if cx.request.namespace.is_empty() && !is_namespace(cx.request) {
        return Ok(true);
    }
    selects(constraints.namespace_selector.as_ref(), || vec![namespace_labels(cx)])
}

/// The new object or the old one; with `empty` one that is not there is one without labels.
fn object_selector(constraints: &MatchResources, request: &AdmissionRequest, empty: bool) -> Result<bool, String> {
    let labels = |object: &Option<Value>| match object {
        Some(object) => Some(object.labels()),
        None => empty.then(BTreeMap::new),
    };
    selects(constraints.object_selector.as_ref(), || {
        [&request.object, &request.old_object].into_iter().filter_map(labels).collect()
    })
}

/// Whether a rule covers a request.
#[must_use]
pub fn rule_matches(rule: &NamedRule, request: &AdmissionRequest) -> bool {
    let any = |wanted: &[String], found: &str| wanted.iter().any(|wanted| wanted == "*" || wanted == found);
    let resource = rule.resources.iter().any(|wanted| {
        let (resource, sub) = wanted.split_once('/').unwrap_or((wanted, ""));
        (resource == "*" || resource == request.resource.resource) && (sub == "*" || sub == request.subresource)
    });
    let cluster = is_namespace(request) || request.namespace.is_empty();
    let scope = match rule.scope.as_deref() {
        Some("Namespaced") => !cluster,
        Some("Cluster") => cluster,
        _ => true,
    };
    scope
        && any(&rule.operations, request.operation.as_str())
        && any(&rule.api_groups, &request.resource.group)
        && any(&rule.api_versions, &request.resource.version)
        && resource
        && named(rule, request)
}

fn named(rule: &NamedRule, request: &AdmissionRequest) -> bool {
    if rule.resource_names.is_empty() {
        return true;
    }
    if !request.name.is_empty() {
        return rule.resource_names.contains(&request.name);
    }
    let generated = request.object.as_ref().map_or("", |object| object.generate_name());
    rule.resource_names.iter().any(|name| generated.starts_with(name.as_str()))
}
