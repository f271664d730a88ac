//! A Namespace that the user's objects need and nobody made: the API server refused them before any policy was asked.

use std::collections::BTreeSet;

use super::edit::Edit;
use super::{Advice, Fix};
use crate::scenario::plan::Documents;
use crate::sim::journal::Lane;
use crate::timeline::{Event, Timeline};

/// One piece of advice per missing Namespace, with a fix that creates it before the first object that needs it.
pub(super) fn missing(timeline: &Timeline, documents: &Documents) -> Vec<Advice> {
    let mut seen = BTreeSet::new();
    let refused = timeline.events.iter().filter(|event| event.kind == "refused" && event.to == Some(Lane::You));
    refused
        .filter_map(|event| {
            let namespace = &event.subject.as_ref()?.namespace;
            let missing = event.text == format!("404 namespaces \"{namespace}\" not found");
            (missing && seen.insert(namespace.clone())).then(|| advice(event, namespace, documents))
        })
        .collect()
}

fn advice(event: &Event, namespace: &str, documents: &Documents) -> Advice {
    let source = event.detail.sources.iter().find(|source| source.role == "resource");
    let file = source.map(|source| source.file.clone()).unwrap_or_default();
    let span = source.map(|source| source.span);
    let start = span.and_then(|span| {
        let holds = |document: &&crate::parse::Document| {
            let whole = document.spans.span;
            document.file == file && whole.start <= span.start && span.end <= whole.end
        };
        documents.all.iter().find(holds).map(|document| document.spans.span.start)
    });
    let fix = start.map(|start| Fix {
        title: format!("Create Namespace {namespace} first"),
        file: file.clone(),
        edits: vec![Edit {
            start,
            end: start,
            text: format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {namespace}\n---\n"),
        }],
    });
    Advice {
        id: "namespace".to_owned(),
        title: format!("Namespace {namespace} does not exist"),
        text: "The API server refuses what is to live in it before any policy is asked.".to_owned(),
        anchor: Some(event.anchor.clone()),
        file,
        span,
        fix,
        ..Advice::default()
    }
}
