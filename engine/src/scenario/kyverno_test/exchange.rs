//! `kyverno-test.yaml` folders ↔ scenarios.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::document::test;
use super::load::{documents, load};
use super::matching::status_word;
use super::process::evaluate;
use crate::object::ObjectExt;
use crate::parse;
use crate::scenario::files::{Files, MapFiles, join, parent};
use crate::scenario::plan::is_policy;
use crate::scenario::{API_VERSION, Mocks, Scenario, Step};

/// The first test of a folder as a scenario: its policies are applied, then its resources.
///
/// # Errors
/// The test cannot be read.
pub fn import(files: &dyn Files, path: &str) -> Result<Scenario, String> {
    let text = files.read(path).ok_or_else(|| format!("{path}: the file cannot be read"))?;
    let document = documents(path, &text)?.into_iter().next().ok_or_else(|| format!("{path} is empty"))?;
    let read = test(document)?;
    let mut scenario = Scenario {
        api_version: API_VERSION.into(),
        kind: "Scenario".into(),
        title: read.metadata.str_at(&["name"]).to_owned(),
        mocks: Mocks {
            api_calls: read
                .api_call_responses
                .iter()
                .map(|entry| {
                    json!({"url": entry.url, "urlPath": entry.url_path, "method": entry.method,
                    "response": {"statusCode": entry.response.status_code, "body": entry.response.body}})
                })
                .collect(),
            ..Mocks::default()
        },
        ..Scenario::default()
    };
    let dir = parent(path);
    for (paths, there) in
        [(&read.target_resources, true), (&read.policies, false), (&read.exceptions, false), (&read.resources, false)]
    {
        for relative in paths {
            let full = join(dir, relative);
            let text = files.read(&full).ok_or_else(|| format!("{full}: the file cannot be read"))?;
            let name = join("", relative).trim_start_matches("../").to_owned();
            if there {
                scenario.cluster.push(name.clone());
            } else {
                scenario.steps.push(Step { apply: Some(json!(name)), ..Step::default() });
            }
            scenario.files.insert(name, text);
        }
    }
    Ok(scenario)
}

/// A folder that `kyverno test` runs: the files of the scenario and what its policies say today.
///
/// # Errors
/// The policies cannot be evaluated offline, in words.
pub fn export(scenario: &Scenario) -> Result<IndexMap<String, String>, String> {
    let (mut policies, mut resources) = (Vec::new(), Vec::new());
    for (name, text) in &scenario.files {
        let found = documents(name, text)?;
        if found.iter().any(is_policy) {
            policies.push(name.clone());
        } else if !found.is_empty() {
            resources.push(name.clone());
        }
    }
    if policies.is_empty() || resources.is_empty() {
        return Err("kyverno test needs a policy and a resource".into());
    }
    let name = if scenario.title.is_empty() { "scenario" } else { &scenario.title };
    let mut document = json!({"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Test", "metadata": {"name": name},
        "policies": policies, "resources": resources, "results": []});
    let files: BTreeMap<String, String> = scenario.files.clone().into_iter().collect();
    let responses = evaluate(&load(&MapFiles(files), "", test(document.clone())?)?)?;
    let mut results: Vec<Value> = Vec::new();
    for answer in responses.trigger.values().flatten() {
        for rule in &answer.rules {
            let object = &answer.resource;
            let resource = if object.namespace().is_empty() {
                object.name().to_owned()
            } else {
                format!("{}/{}", object.namespace(), object.name())
            };
            let mut result = json!({"policy": answer.policy_name, "kind": object.kind(), "resources": [resource], "result": status_word(answer, rule)});
            if !answer.is_ruleless() {
                result.set_at(&["rule"], json!(rule.name));
            }
            results.push(result);
        }
    }
    document.set_at(&["results"], Value::Array(results));
    let mut folder = IndexMap::from([("kyverno-test.yaml".to_owned(), parse::emit(&document))]);
    folder.extend(scenario.files.clone());
    Ok(folder)
}
