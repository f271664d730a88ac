//! Reads a Scenario from YAML or JSON text, with messages at the right line.

use indexmap::IndexMap;
use serde_json::Value;

use super::{API_VERSION, Scenario};
use crate::diagnostic::Diagnostic;
use crate::object::ObjectExt;
use crate::object::read;
use crate::parse;

const KEYS: &[&str] = &[
    "apiVersion",
    "kind",
    "title",
    "description",
    "tags",
    "kyverno",
    "kubernetes",
    "now",
    "files",
    "cluster",
    "mocks",
    "config",
    "gitops",
    "steps",
    "expect",
    "notes",
    "view",
];

const STEP_KEYS: &[&str] = &[
    "apply", "create", "update", "patch", "delete", "commit", "sleep", "assert", "error", "name", "as", "dryRun", "off",
];

const GITOPS_KEYS: &[&str] = &["name", "every", "files", "prune", "selfHeal", "as"];

impl Scenario {
    /// Reads a document. Older versions are accepted, newer ones refused.
    ///
    /// # Errors
    /// What is wrong, each with its place in the text.
    pub fn read(file: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let parsed = parse::yaml::parse(file, text);
        let mut wrong: Vec<Diagnostic> =
            parsed.diagnostics.into_iter().filter(|one| one.severity == crate::diagnostic::Severity::Error).collect();
        let Some(document) = parsed.documents.into_iter().next() else {
            if wrong.is_empty() {
                wrong.push(
                    Diagnostic::error("there is no document here")
                        .at(file, None)
                        .hint("a scenario starts with `apiVersion: stepgate.dev/v1`"),
                );
            }
            return Err(wrong);
        };
        let place = |pointer: &str| {
            let node = document.spans.nearest(pointer);
            Some(node.key.unwrap_or(node.span))
        };
        let version = document.value.api_version();
        if version != API_VERSION || document.value.kind() != "Scenario" {
            let message = match version.strip_prefix("stepgate.dev/v") {
                Some(number) => format!("this scenario has version {number}; this Stepgate reads version 1"),
                None => format!("expected `apiVersion: {API_VERSION}` and `kind: Scenario`"),
            };
            wrong.push(Diagnostic::error(message).at(file, place("/apiVersion")));
            return Err(wrong);
        }
        for key in document.value.as_object().into_iter().flat_map(|map| map.keys()) {
            if !KEYS.contains(&key.as_str()) {
                wrong.push(unknown(key, KEYS).at(file, place(&format!("/{key}"))));
            }
        }
        for key in document.value.get("gitops").and_then(Value::as_object).into_iter().flat_map(|map| map.keys()) {
            if !GITOPS_KEYS.contains(&key.as_str()) {
                wrong.push(unknown(key, GITOPS_KEYS).at(file, place(&format!("/gitops/{key}"))));
            }
        }
        let steps = document.value.get("steps").and_then(Value::as_array).into_iter().flatten();
        for (index, step) in steps.enumerate() {
            let here = format!("/steps/{index}");
            let Some(map) = step.as_object() else {
                wrong.push(
                    Diagnostic::error("a step is a mapping such as `apply: namespace.yaml`").at(file, place(&here)),
                );
                continue;
            };
            for key in map.keys() {
                if !STEP_KEYS.contains(&key.as_str()) {
                    wrong.push(unknown(key, STEP_KEYS).at(file, place(&format!("{here}/{key}"))));
                }
            }
        }
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let scenario: Self = read::read(&document.value)
            .map_err(|error| vec![Diagnostic::error(error.to_string()).at(file, Some(document.span))])?;
        if crate::sim::profile::find(&scenario.kyverno).is_none() {
            let message = format!("Kyverno {} is not simulated", scenario.kyverno);
            let hint = "the profiles are 1.15, 1.18 and 1.19";
            return Err(vec![Diagnostic::error(message).at(file, place("/kyverno")).hint(hint)]);
        }
        Ok(scenario)
    }

    /// A scenario of bare files: what a paste becomes.
    #[must_use]
    pub fn of_files(files: IndexMap<String, String>) -> Self {
        Self { api_version: API_VERSION.into(), kind: "Scenario".into(), files, ..Self::default() }
    }

    /// Adds a file of objects that are there already; where the name is taken, under another.
    pub(super) fn add_cluster_file(&mut self, name: &str, text: String) {
        let stem = name.trim_end_matches(".yaml");
        let names = std::iter::once(name.to_owned()).chain((2..).map(|n| format!("{stem}-{n}.yaml")));
        let free = names.into_iter().find(|name| !self.files.contains_key(name)).unwrap_or_default();
        self.files.insert(free.clone(), text);
        self.cluster.push(free);
    }

    /// The document as YAML.
    #[must_use]
    pub fn write(&self) -> String {
        parse::emit::emit(&serde_json::to_value(self).unwrap_or_default())
    }
}

fn unknown(key: &str, known: &[&str]) -> Diagnostic {
    Diagnostic::error(format!("unknown field `{key}`")).hint(format!("known here: {}", known.join(", ")))
}
