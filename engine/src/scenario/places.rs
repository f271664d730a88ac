//! Puts the places of the scenario's files to events: the rule, the line that decided, the resource.

use super::plan::{Documents, is_policy};
use crate::eval::trace::TraceNode;
use crate::object::ObjectExt;
use crate::object::gvk::ObjectRef;
use crate::parse::Document;
use crate::timeline::{Event, Source, Timeline};

/// Fills `detail.sources` of every event.
pub fn fill(timeline: &mut Timeline, documents: &Documents) {
    for event in &mut timeline.events {
        let sources = sources_of(event, documents);
        event.detail.sources = sources;
    }
}

fn sources_of(event: &Event, documents: &Documents) -> Vec<Source> {
    let mut sources = Vec::new();
    let resource = event.subject.as_ref().and_then(|subject| find(documents, subject));
    if let Some(policy) = event.detail.policy.as_deref().and_then(|key| find_policy(documents, key)) {
        let decisive = event.detail.trace.iter().find_map(TraceNode::placed_failure);
        let looked_at = decisive.and_then(|node| node.looked_at.as_deref());
        if let Some(at) = decisive.and_then(|node| node.at.as_deref()) {
            sources.push(source(policy, at, "cause"));
        }
        let rule = event.detail.trace.first().and_then(|node| node.at.clone());
        let rule = rule.or_else(|| event.detail.rule.as_deref().and_then(|name| rule_pointer(policy, name)));
        sources.push(source(policy, rule.as_deref().unwrap_or("/metadata/name"), "rule"));
        if let (Some(resource), Some(looked_at)) = (resource, looked_at) {
            sources.push(source(resource, looked_at, "looked-at"));
        }
    }
    if let Some(resource) = resource {
        sources.push(source(resource, "/metadata/name", "resource"));
    }
    sources
}

fn source(document: &Document, pointer: &str, role: &str) -> Source {
    let node = document.spans.nearest(pointer);
    let mut span = node.span;
    if let Some(key) = node.key {
        span.start = key.start;
        span.line = key.line;
        span.column = key.column;
    }
    Source { file: document.file.clone(), span, role: role.to_owned() }
}

fn find<'a>(documents: &'a Documents, subject: &ObjectRef) -> Option<&'a Document> {
    documents.all.iter().find(|document| {
        let object = &document.value;
        let name = if object.name().is_empty() { object.generate_name() } else { object.name() };
        let namespace =
            if object.namespace().is_empty() && !subject.namespace.is_empty() { "default" } else { object.namespace() };
        object.kind() == subject.kind
            && subject.name.starts_with(name)
            && name.len() + 5 >= subject.name.len()
            && namespace == subject.namespace
    })
}

fn find_policy<'a>(documents: &'a Documents, key: &str) -> Option<&'a Document> {
    let (namespace, name) = key.split_once('/').unwrap_or(("", key));
    let fits = |object: &serde_json::Value| {
        object.name() == name
            && (object.namespace() == namespace || (namespace == "default" && object.namespace().is_empty()))
    };
    documents.all.iter().find(|document| is_policy(&document.value) && fits(&document.value))
}

fn rule_pointer(policy: &Document, name: &str) -> Option<String> {
    let name = name.strip_prefix("autogen-cronjob-").or_else(|| name.strip_prefix("autogen-")).unwrap_or(name);
    let rules = policy.value.at(&["spec", "rules"])?.as_array()?;
    let index = rules.iter().position(|rule| rule.str_at(&["name"]) == name)?;
    Some(format!("/spec/rules/{index}"))
}
