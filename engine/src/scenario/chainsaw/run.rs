//! Runs a Chainsaw test: one cluster, steps in order, virtual time.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::{Test, bind_all, read};
use super::operations::Runner;
use super::{installation, kind};
use crate::eval::Profile;
use crate::expr::jmespath::{self, Env};
use crate::object::ObjectExt;
use crate::scenario::assertion::Bindings;
use crate::scenario::files::{Files, is_yaml, join, parent};
use crate::scenario::kubectl::verbs::configuration;
use crate::scenario::kyverno_test::load::documents;
use crate::scenario::report::{Outcome, Row, TestReport};
use crate::sim::Cluster;
use crate::sim::api_server::{ApiRequest, Verb};
use crate::sim::config::Config;
use crate::sim::profile::Behaviour;

/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;
const FORMAT: &str = "chainsaw";

/// The Kyverno that a test runs against.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its configuration.
    pub config: Config,
    /// Its version.
    pub behaviour: &'static Behaviour,
    /// Chainsaw's `templating.enabled`: resources are templates where a test does not say otherwise.
    pub templating: bool,
}

impl Settings {
    /// The `standard` configuration of Kyverno's own end-to-end tests: exceptions everywhere, every event, and no right
    /// that is not granted; with changes.
    ///
    /// # Errors
    /// A change is no field of the configuration.
    pub fn standard(changes: &serde_json::Map<String, Value>) -> Result<Self, String> {
        let mut config = json!({"policyExceptions": true, "omitEvents": [], "permissions": true});
        if let Some(config) = config.as_object_mut() {
            config.extend(changes.clone());
        }
        Ok(Self { config: Config::read(&config)?, behaviour: Behaviour::of(Profile::V1_19), templating: true })
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::standard(&serde_json::Map::new()).unwrap_or_else(|_| Self {
            config: Config::default(),
            behaviour: Behaviour::of(Profile::V1_19),
            templating: true,
        })
    }
}

/// Runs the test of a file.
#[must_use]
pub fn run(files: &dyn Files, path: &str, settings: &Settings) -> TestReport {
    let test = match read(files, path, settings.templating) {
        Ok(test) => test,
        Err(words) => return TestReport::failed(path, "", FORMAT, words),
    };
    if test.skip {
        return TestReport::failed(path, &test.name, FORMAT, "").skipped("the test says that it is not to be run");
    }
    let mut rows = Vec::new();
    if let Err(words) = perform(files, &test, settings, &mut rows) {
        return TestReport { rows, ..TestReport::failed(path, &test.name, FORMAT, words) };
    }
    let report = TestReport::of(path, &test.name, FORMAT, rows);
    if report.status == Outcome::Failed
        && let Some(what) = super::operations::network_need(files, &test)
    {
        let reason = format!("needs the network: {what}; {}", report.reason);
        return report.skipped(reason);
    }
    report
}

fn perform(files: &dyn Files, test: &Test, settings: &Settings, rows: &mut Vec<Row>) -> Result<(), String> {
    let mut cluster = cluster(settings);
    for crd in installed_crds(files, &test.dir) {
        cluster.place(crd, true);
    }
    let namespace =
        if test.namespace.is_empty() { "chainsaw-natural-otter".to_owned() } else { test.namespace.clone() };
    if crate::eval::view::View::get(&cluster, &crate::object::gvk::Gvk::new("v1", "Namespace"), "", &namespace)
        .is_none()
    {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        let outcome = cluster.request(ApiRequest::about(Verb::Create, &object));
        outcome.result.map_err(|error| error.message)?;
    }
    let mut bindings = Bindings::from([
        ("namespace".to_owned(), json!(namespace)),
        ("test".to_owned(), json!({"id": 1, "metadata": test.metadata})),
        ("config".to_owned(), json!({})),
        ("error".to_owned(), Value::Null),
    ]);
    bind_all(&mut bindings, &test.bindings, &search)?;
    let mut runner =
        Runner { files, test, cluster: &mut cluster, namespace, written: BTreeMap::new(), outputs: Bindings::new() };
    let mut cleanup = Vec::new();
    for step in &test.steps {
        let mut bindings = bindings.clone();
        bind_all(&mut bindings, &step.bindings, &search)?;
        let before = rows.len();
        for operation in &step.operations {
            let row = runner.operation(&step.name, operation, &bindings);
            bindings.extend(std::mem::take(&mut runner.outputs));
            let failed = !row.ok;
            rows.push(row);
            if failed {
                break;
            }
        }
        let failed = rows.iter().skip(before).any(|row| !row.ok);
        if failed {
            step.catch.iter().for_each(|operation| drop(runner.operation(&step.name, operation, &bindings)));
        }
        for operation in &step.finally {
            let row = runner.operation(&step.name, operation, &bindings);
            if !failed {
                rows.push(row);
            }
        }
        cleanup.push((step, bindings));
        if failed {
            break;
        }
    }
    for (step, bindings) in cleanup.iter().rev() {
        for operation in &step.cleanup {
            rows.push(runner.operation(&step.name, operation, bindings));
        }
    }
    Ok(())
}

fn cluster(settings: &Settings) -> Cluster {
    let mut cluster = Cluster::new(settings.behaviour, settings.config.clone(), NOW);
    cluster.place(configuration(&settings.config), true);
    kind::furnish(&mut cluster);
    installation::install(&mut cluster);
    cluster
}

/// CRDs of the nearest `.chainsaw/crds` above a test: what the suite installs before it starts.
fn installed_crds(files: &dyn Files, dir: &str) -> Vec<Value> {
    let mut above = dir;
    let found = loop {
        let crds = join(above, ".chainsaw/crds");
        if let Some(entries) = files.list(&crds) {
            break entries.into_iter().map(|entry| join(&crds, &entry.name)).collect::<Vec<_>>();
        }
        match parent(above) {
            "" | "/" => return Vec::new(),
            next => above = next,
        }
    };
    let read = |path: &String| files.read(path).and_then(|text| documents(path, &text).ok()).unwrap_or_default();
    let crds = found.iter().filter(|path| is_yaml(path)).flat_map(read);
    crds.filter(|object| object.kind() == "CustomResourceDefinition").map(established).collect()
}

/// A CRD with the status that the API server gives it.
fn established(mut crd: Value) -> Value {
    let condition = |kind: &str, reason: &str| json!({"type": kind, "status": "True", "reason": reason});
    let names = crd.at(&["spec", "names"]).cloned().unwrap_or_default();
    let versions = crd.at(&["spec", "versions"]).and_then(Value::as_array).cloned().unwrap_or_default();
    let stored = versions.iter().filter(|version| version.get("storage").and_then(Value::as_bool) == Some(true));
    let stored: Vec<&Value> = stored.filter_map(|version| version.get("name")).collect();
    let status = json!({"acceptedNames": names, "storedVersions": stored,
        "conditions": [condition("NamesAccepted", "NoConflicts"), condition("Established", "InitialNamesAccepted")]});
    crd.set_at(&["status"], status);
    crd
}

/// JMESPath as kyverno-json evaluates it: unknown keys are null, `trim_space` is known.
///
/// # Errors
/// The expression does not parse, or a function refuses its arguments.
pub fn search(expression: &str, value: &Value) -> Result<Value, String> {
    let expression = known(expression.trim());
    let expression = expression.as_str();
    if let Some((_, path)) = expression.strip_prefix("x_k8s_server_version(").and_then(|rest| rest.split_once(')')) {
        let version = json!({"major": "1", "minor": "34", "gitVersion": "v1.34.0"});
        return search(&format!("@{path}"), &version);
    }
    match jmespath::query(expression, value, &Env::new((NOW, 0), 1)) {
        Ok(found) => Ok(found),
        Err(error) if error.is_not_found() => Ok(Value::Null),
        Err(error) => Err(error.to_string()),
    }
}

/// An expression with the functions of Chainsaw that Kyverno has not: `trim_space`, `as_string`.
fn known(expression: &str) -> String {
    let mut text = expression.replace("as_string(", "to_string(");
    while let Some(at) = text.find("trim_space(") {
        let (before, rest) = text.split_at(at);
        let inner = rest.trim_start_matches("trim_space(");
        let (mut depth, mut quote, mut end) = (0, None, inner.len());
        for (place, c) in inner.char_indices() {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (None, '\'' | '"' | '`') => quote = Some(c),
                (None, '(') => depth += 1,
                (None, ')') if depth == 0 => {
                    end = place;
                    break;
                }
                (None, ')') => depth -= 1,
                _ => {}
            }
        }
        let (argument, after) = inner.split_at(end);
        text = format!("{before}trim({argument}, `\" \\t\\r\\n\"`{after}");
    }
    text
}

/// What a row calls an object.
pub(super) fn label(object: &Value) -> String {
    let parts = [object.api_version(), object.kind(), object.namespace(), object.name()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_know_the_functions_of_chainsaw() {
        for (expression, expected) in [
            ("trim_space(@)", json!("a (b")),
            ("contains(trim_space(@), '(b') && trim_space('x ') == 'x'", json!(true)),
            ("as_string(`1`)", json!("1")),
            ("x_k8s_server_version('').minor", json!("34")),
        ] {
            assert_eq!(search(expression, &json!(" a (b\n")), Ok(expected), "{expression}");
        }
    }
}
