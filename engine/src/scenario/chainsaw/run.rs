//! Runs a Chainsaw test: one cluster, steps in order, virtual time.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::{Test, bind_all, read};
use super::operations::Runner;
use crate::expr::jmespath::{self, Env};
use crate::object::ObjectExt;
use crate::scenario::assertion::Bindings;
use crate::scenario::files::{Files, is_yaml, join, parent};
use crate::scenario::kubectl::verbs::configuration;
use crate::scenario::kyverno_test::load::documents;
use crate::scenario::report::{Outcome, Row, TestReport};
use crate::sim::api_server::{ApiRequest, Verb};
use crate::sim::config::Config;
use crate::sim::{Cluster, profile};

/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;
const FORMAT: &str = "chainsaw";

/// The Kyverno that a test runs against.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its configuration.
    pub config: Config,
}

impl Default for Settings {
    /// The `standard` configuration of Kyverno's own end-to-end tests: exceptions everywhere, every event.
    fn default() -> Self {
        let config = Config { policy_exceptions: Some(true), omit_events: Vec::new(), ..Config::default() };
        Self { config }
    }
}

/// Runs the test of a file.
#[must_use]
pub fn run(files: &dyn Files, path: &str, settings: &Settings) -> TestReport {
    let test = match read(files, path) {
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
    let mut runner = Runner { files, test, cluster: &mut cluster, namespace, written: BTreeMap::new() };
    for step in &test.steps {
        let mut bindings = bindings.clone();
        bind_all(&mut bindings, &step.bindings, &search)?;
        let before = rows.len();
        for operation in &step.operations {
            let row = runner.operation(&step.name, operation, &bindings);
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
        if failed {
            break;
        }
    }
    Ok(())
}

fn cluster(settings: &Settings) -> Cluster {
    let newest = profile::ALL.last().copied().unwrap_or_else(|| profile::ALL[0]);
    let mut cluster = Cluster::new(newest, settings.config.clone(), NOW);
    cluster.place(configuration(&settings.config), true);
    cluster.place(json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "kind-control-plane", "labels": {
        "kubernetes.io/hostname": "kind-control-plane", "kubernetes.io/os": "linux", "node-role.kubernetes.io/control-plane": ""}}}), true);
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
    let expression = expression.trim();
    if let Some(inner) = expression.strip_prefix("trim_space(").and_then(|rest| rest.strip_suffix(')')) {
        let inner = search(inner, value)?;
        return Ok(Value::from(inner.as_str().unwrap_or("").trim()));
    }
    if expression.starts_with("x_k8s_server_version(") {
        return Ok(json!({"major": "1", "minor": "34", "gitVersion": "v1.34.0"}));
    }
    match jmespath::query(expression, value, &Env::new((NOW, 0), 1)) {
        Ok(found) => Ok(found),
        Err(error) if error.is_not_found() => Ok(Value::Null),
        Err(error) => Err(error.to_string()),
    }
}

/// What a row calls an object.
pub(super) fn label(object: &Value) -> String {
    let parts = [object.api_version(), object.kind(), object.namespace(), object.name()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}
