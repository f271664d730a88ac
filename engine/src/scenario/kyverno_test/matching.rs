//! Expectations against responses: `commands/test/output.go`, rule for rule.

use serde_json::Value;

use super::compare::{Comparison, compare};
use super::document::TestResult;
use super::response::{ByResource, EngineResponse, TestResponse, patched_target};
use crate::eval::verdict::{RuleResponse, RuleType, Status};
use crate::object::ObjectExt;
use crate::object::order;
use crate::scenario::report::Row;

/// Reads the documents of an expected file, relative to the test; an error in words.
pub type ReadExpected<'a> = dyn Fn(&str) -> Result<Vec<Value>, String> + 'a;

/// Rows of all expectations of a test, in their order.
#[must_use]
pub fn rows(results: &[TestResult], responses: &TestResponse, read: &ReadExpected<'_>) -> Vec<Row> {
    results.iter().flat_map(|entry| entry_rows(entry, responses, read)).collect()
}

fn entry_rows(entry: &TestResult, responses: &TestResponse, read: &ReadExpected<'_>) -> Vec<Row> {
    let empty = ByResource::default();
    let trigger = if entry.operation.is_empty() {
        &responses.trigger
    } else {
        responses.by_operation.get(&entry.operation).unwrap_or(&empty)
    };
    let mut keys = selected_keys(entry, &[&responses.target, trigger]);
    if keys.is_empty() {
        keys = responses.target.keys().chain(trigger.keys()).collect();
    }
    keys.into_iter().flat_map(|key| key_rows(entry, key, trigger, responses, read)).collect()
}

fn selected_keys<'a>(entry: &TestResult, maps: &[&'a ByResource]) -> Vec<&'a String> {
    let Some(resources) = &entry.resources else { return Vec::new() };
    let mut keys: Vec<&String> = Vec::new();
    for wanted in resources {
        keys.extend(maps.iter().flat_map(|map| map.keys()).filter(|key| selects(wanted, key)));
    }
    for spec in &entry.resource_specs {
        let version =
            if spec.group.is_empty() { spec.version.clone() } else { format!("{}/{}", spec.group, spec.version) };
        let wanted = |key: &&String| {
            let (name, namespace) = name_and_namespace(key);
            key.split(',').next() == Some(version.as_str()) && namespace == spec.namespace && name == spec.name
        };
        keys.extend(maps.iter().flat_map(|map| map.keys()).filter(wanted));
    }
    keys
}

fn selects(wanted: &str, key: &str) -> bool {
    let (name, namespace) = name_and_namespace(key);
    match wanted.split('/').collect::<Vec<_>>().as_slice() {
        [wanted] => *wanted == name,
        [wanted_namespace, wanted] => *wanted_namespace == namespace && *wanted == name,
        _ => false,
    }
}

fn name_and_namespace(key: &str) -> (&str, &str) {
    let mut parts = key.rsplit(',');
    (parts.next().unwrap_or(""), parts.next().unwrap_or(""))
}

fn key_rows(
    entry: &TestResult,
    key: &str,
    trigger: &ByResource,
    responses: &TestResponse,
    read: &ReadExpected<'_>,
) -> Vec<Row> {
    let policy = entry.policy.rsplit('/').next().unwrap_or("");
    let resource = key.replace(',', "/");
    let mut rows = Vec::new();
    let mut skipped = false;
    for response in trigger.get(key).into_iter().flatten().filter(|response| response.policy_name == policy) {
        for rule in rules_to_check(entry, response) {
            check_rule(entry, response, rule, &resource, read, &mut rows, &mut skipped);
        }
        if rows.is_empty() && !skipped {
            rows.push(row(entry, &entry.rule, &resource, "excluded", Ok("Excluded".into())));
        }
    }
    for response in responses.target.get(key).into_iter().flatten() {
        if let Some((object, rule)) = patched_target(response, key) {
            let outcome = check(entry, rule, object, read).map_err(|failure| failure.words);
            rows.push(row(entry, &rule.name, &resource, status_word(response, rule), outcome));
        }
    }
    if rows.is_empty() && !skipped {
        rows.push(match responses.skipped.get(policy) {
            Some(why) => row(entry, &entry.rule, &resource, "invalid policy", Ok(why.clone())),
            None => row(entry, &entry.rule, &resource, "not found", Err("Not found".into())),
        });
    }
    rows
}

fn rules_to_check<'a>(entry: &TestResult, response: &'a EngineResponse) -> Vec<&'a RuleResponse> {
    let all = entry.rule.is_empty() || response.is_ruleless();
    let named = |rule: &&RuleResponse| {
        let prefixes = ["", "autogen-", "autogen-cronjob-"];
        all || prefixes.iter().any(|prefix| rule.name.strip_prefix(prefix) == Some(entry.rule.as_str()))
    };
    response.rules.iter().filter(named).collect()
}

fn check_rule(
    entry: &TestResult,
    response: &EngineResponse,
    rule: &RuleResponse,
    resource: &str,
    read: &ReadExpected<'_>,
    rows: &mut Vec<Row>,
    skipped: &mut bool,
) {
    let word = status_word(response, rule);
    if rule.rule_type == RuleType::Generation {
        if rule.generated.is_empty() {
            rows.push(row(entry, &rule.name, resource, word, check_status(entry, word, rule)));
        }
        for object in &rule.generated {
            let outcome = check(entry, rule, object, read)
                .map_err(|failure| failure.words)
                .and_then(|_| check_status(entry, word, rule));
            rows.push(row(entry, &rule.name, resource, word, outcome));
        }
        return;
    }
    let object = if rule.rule_type == RuleType::Mutation { &response.patched } else { &response.resource };
    match check(entry, rule, object, read) {
        Err(failure) if failure.missing && !entry.fail_on_missing_resources => *skipped = true,
        Err(failure) => rows.push(row(entry, &rule.name, resource, word, Err(failure.words))),
        Ok(_) => rows.push(row(entry, &rule.name, resource, word, check_status(entry, word, rule))),
    }
}

struct Failure {
    missing: bool,
    words: String,
}

/// Compares the manifests that the expectation names; the status is compared by [`check_status`].
fn check(entry: &TestResult, rule: &RuleResponse, object: &Value, read: &ReadExpected<'_>) -> Result<String, Failure> {
    let failed = |words: String| Failure { missing: words.contains("not found in manifest"), words };
    let against = |path: &str, what: &str| match read(path) {
        Err(words) => Err(failed(format!("error: failed to load {what} resource ({words})"))),
        Ok(documents) => match compare(object, &documents) {
            Comparison::Same => Ok(()),
            Comparison::Missing(words) => Err(failed(format!("error: failed to load {what} resource ({words})"))),
            Comparison::Different(place) => {
                Err(Failure { missing: false, words: format!("{what} differs at {place}") })
            }
        },
    };
    if !entry.patched_resources.is_empty() {
        against(&entry.patched_resources, "PatchedResources")?;
    }
    if !entry.generated_resources.is_empty() {
        let outcomes: Vec<_> =
            entry.generated_resources.iter().map(|path| against(path, "GeneratedResources")).collect();
        if !outcomes.iter().any(Result::is_ok) {
            // A manifest with other content tells more than one that is missing.
            let mut failures: Vec<Failure> = outcomes.into_iter().filter_map(Result::err).collect();
            order::sort_by_key(&mut failures, |failure| failure.missing);
            if let Some(failure) = failures.into_iter().next() {
                return Err(failure);
            }
        }
    } else if !entry.generated_resource.is_empty() {
        against(&entry.generated_resource, "GeneratedResource")?;
    }
    Ok(rule.message.clone())
}

fn check_status(entry: &TestResult, actual: &str, rule: &RuleResponse) -> Result<String, String> {
    if entry.result == actual {
        return Ok(rule.message.clone());
    }
    Err(format!("Expected {}, got {actual}: {}", entry.result, rule.message))
}

/// The report word: a failure of an unscored policy is a warning.
#[must_use]
pub fn status_word(response: &EngineResponse, rule: &RuleResponse) -> &'static str {
    match rule.status {
        Status::Pass => "pass",
        Status::Fail if unscored(&response.policy) => "warn",
        Status::Fail => "fail",
        Status::Warn => "warn",
        Status::Error => "error",
        Status::Skip => "skip",
    }
}

fn unscored(policy: &Value) -> bool {
    policy.at(&["metadata", "annotations", "policies.kyverno.io/scored"]).and_then(Value::as_str) == Some("false")
}

fn row(entry: &TestResult, rule: &str, resource: &str, actual: &str, outcome: Result<String, String>) -> Row {
    Row {
        policy: entry.policy.clone(),
        rule: rule.to_owned(),
        resource: resource.to_owned(),
        expected: entry.result.clone(),
        actual: actual.to_owned(),
        ok: outcome.is_ok(),
        reason: outcome.unwrap_or_else(|words| words),
    }
}
