//! What is wrong with the documents of a scenario beyond their syntax: unknown fields, wrong types, what Kyverno's webhook
//! for policies refuses or warns about, what is deprecated.

use crate::diagnostic::{Diagnostic, Severity};
use crate::object::ObjectExt;
use crate::object::catalog::Catalog;
use crate::parse::Document;
use crate::parse::span::Span;
use crate::policy::{lint, schema};

/// Looks at every document; the catalog has the CRDs of the scenario.
#[must_use]
pub fn diagnose(documents: &[Document]) -> Vec<Diagnostic> {
    let mut catalog = Catalog::new();
    for document in documents.iter().filter(|document| document.value.kind() == "CustomResourceDefinition") {
        catalog.add_crd(&document.value);
    }
    documents.iter().flat_map(|document| of_document(document, &catalog)).collect()
}

fn of_document(document: &Document, catalog: &Catalog) -> Vec<Diagnostic> {
    let loaded = schema::load(document.value.clone());
    let mut found: Vec<Diagnostic> = Vec::new();
    for finding in &loaded.findings {
        let mut diagnostic =
            Diagnostic::error(finding.message.clone()).at(&document.file, place(document, &finding.pointer));
        diagnostic.hint.clone_from(&finding.hint);
        found.push(diagnostic);
    }
    if loaded.refused() {
        return found;
    }
    let options = lint::Options {
        catalog: Some(catalog),
        exceptions_enabled: true,
        exception_namespace: "*",
        ..lint::Options::default()
    };
    for problem in lint::check(&loaded.value, &options) {
        let severity = match problem.severity {
            lint::Severity::Refused => Severity::Error,
            lint::Severity::Warning => Severity::Warning,
        };
        let diagnostic = Diagnostic { severity, ..Diagnostic::error(problem.message) };
        found.push(diagnostic.at(&document.file, place(document, &problem.pointer)));
    }
    for deprecated in lint::deprecations(&loaded.value) {
        let message = format!("{} is deprecated since {}", deprecated.what, deprecated.since);
        let hint = format!("write {}", deprecated.instead);
        let diagnostic = Diagnostic { severity: Severity::Info, ..Diagnostic::error(message) };
        found.push(diagnostic.at(&document.file, place(document, &deprecated.pointer)).hint(hint));
    }
    found
}

/// The key of a field where it has one, else its value; the nearest parent of what is not there.
fn place(document: &Document, pointer: &str) -> Option<Span> {
    let node = document.spans.nearest(pointer);
    Some(node.key.unwrap_or(node.span))
}
