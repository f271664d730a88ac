//! What is wrong with the documents of a scenario beyond their syntax: unknown fields, wrong types, what Kyverno's webhook
//! for policies refuses or warns about, what is deprecated.

use super::expressions;
use crate::diagnostic::{Diagnostic, Severity};
use crate::object::ObjectExt;
use crate::object::catalog::Catalog;
use crate::parse::Document;
use crate::parse::span::Span;
use crate::policy::{lint, schema};
use crate::sim::profile::Behaviour;

/// Looks at every document as one version of Kyverno does; the catalog has the CRDs of the scenario, `text_of` the text of a file.
#[must_use]
pub fn diagnose<'t>(
    documents: &[Document],
    text_of: &dyn Fn(&str) -> Option<&'t str>,
    behaviour: &Behaviour,
) -> Vec<Diagnostic> {
    let mut catalog = Catalog::new();
    for document in documents.iter().filter(|document| document.value.kind() == "CustomResourceDefinition") {
        catalog.add_crd(&document.value);
    }
    let one = |document: &Document| {
        let mut found = of_schema(document);
        if found.is_empty() {
            found = of_webhook(document, &catalog, behaviour);
        }
        if found.iter().all(|one| one.severity != Severity::Error) {
            found.extend(text_of(&document.file).map(|text| expressions::diagnose(document, text)).unwrap_or_default());
        }
        found
    };
    documents.iter().flat_map(one).collect()
}

/// What no version of Kyverno reads: fields that do not exist, wrong types, expressions that do not compile.
#[must_use]
pub fn unreadable(documents: &[Document], text: &str) -> Vec<Diagnostic> {
    let one = |document: &Document| {
        let found = of_schema(document);
        if found.is_empty() { expressions::diagnose(document, text) } else { found }
    };
    documents.iter().flat_map(one).collect()
}

/// What the command line refuses of policies of kyverno.io, each at its place: such a policy is skipped.
#[must_use]
pub fn refused(documents: &[Document]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for document in documents.iter().filter(|document| matches!(document.value.kind(), "ClusterPolicy" | "Policy")) {
        let loaded = schema::load(document.value.clone());
        if loaded.refused() {
            continue;
        }
        let problems = lint::check(&loaded.value, &lint::Options::default());
        let refusals = || problems.iter().filter(|problem| problem.severity == lint::Severity::Refused);
        let first = refusals().map(|problem| problem.phase).min();
        for problem in refusals().filter(|problem| Some(problem.phase) == first) {
            let message = format!("policy {} is invalid: {}", document.value.name(), problem.message);
            let mut one = Diagnostic::error(message).at(&document.file, place(document, &problem.pointer));
            if problem.message.contains("must match regex") {
                one = one.hint("declare the variable under `context`, or take it from `request`");
            }
            found.push(one);
        }
    }
    found
}

fn of_schema(document: &Document) -> Vec<Diagnostic> {
    let loaded = schema::load(document.value.clone());
    let one = |finding: &schema::Finding| Diagnostic {
        hint: finding.hint.clone(),
        ..Diagnostic::error(finding.message.clone()).at(&document.file, place(document, &finding.pointer))
    };
    loaded.findings.iter().map(one).collect()
}

fn of_webhook(document: &Document, catalog: &Catalog, behaviour: &Behaviour) -> Vec<Diagnostic> {
    let loaded = schema::load(document.value.clone());
    let mut found: Vec<Diagnostic> = Vec::new();
    let options = lint::Options {
        catalog: Some(catalog),
        exceptions_enabled: true,
        exception_namespace: "*",
        legacy_kinds_deprecated: behaviour.legacy_kinds_deprecated,
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
    // What is written counts, not what the schema fills in.
    for deprecated in lint::deprecations(&document.value) {
        let said = deprecated.pointer == "/kind" && behaviour.legacy_kinds_deprecated;
        if said || later(&deprecated.since, behaviour.release) {
            continue;
        }
        let message = format!("{} is deprecated since {}", deprecated.what, deprecated.since);
        let hint = format!("write {}", deprecated.instead);
        let diagnostic = Diagnostic { severity: Severity::Info, ..Diagnostic::error(message) };
        found.push(diagnostic.at(&document.file, place(document, &deprecated.pointer)).hint(hint));
    }
    found
}

/// Whether a version such as `1.17` comes after a release such as `v1.15.3`.
fn later(since: &str, release: &str) -> bool {
    let minor = |version: &str| version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    minor(since) > minor(release)
}

/// The key of a field where it has one, else its value; the nearest parent of what is not there.
fn place(document: &Document, pointer: &str) -> Option<Span> {
    let node = document.spans.nearest(pointer);
    Some(node.key.unwrap_or(node.span))
}

#[cfg(test)]
mod tests {
    use crate::parse;
    use crate::sim::profile;

    const OLDER: &str = "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: p}\nspec:\n  validationFailureAction: Audit\n  rules:\n  - name: r\n    match: {any: [{resources: {kinds: [Pod]}}]}\n    validate: {message: m, pattern: {a: b}}\n";

    fn said(text: &str, version: &str) -> Vec<String> {
        let documents = parse::parse("p.yaml", text).documents;
        let behaviour = profile::find(version).unwrap();
        super::diagnose(&documents, &|_| Some(text), behaviour).into_iter().map(|one| one.message).collect()
    }

    #[test]
    fn a_kind_is_deprecated_when_its_version_says_so() {
        assert_eq!(said(OLDER, "1.15"), ["spec.validationFailureAction is deprecated since 1.13"]);
        assert!(said(OLDER, "1.18").iter().any(|text| text == "ClusterPolicy (kyverno.io) is deprecated since 1.17"));
        assert!(!said(OLDER, "1.18").iter().any(|text| text.contains("will be removed in a future release")));
        assert!(said(OLDER, "1.19").iter().any(|text| text.contains("will be removed in a future release")));
    }

    #[test]
    fn what_nobody_wrote_is_not_called_deprecated() {
        let text = OLDER.replace("  validationFailureAction: Audit\n", "");
        assert!(said(&text, "1.15").is_empty());
    }
}
