//! Scenarios → `kyverno-test.yaml` folders.

use crate::object::order;
use crate::object::read::read;
use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::document::{TestResult, test};
use super::load::{TestData, documents, load};
use super::matching::{rows, status_word};
use super::process::evaluate;
use crate::diagnostic::Diagnostic;
use crate::object::ObjectExt;
use crate::parse;
use crate::scenario::Scenario;
use crate::scenario::exchange::carried::{Exported, left_out};
use crate::scenario::files::MapFiles;
use crate::scenario::plan::is_policy;

const VERSION: &str = "cli.kyverno.io/v1alpha1";

/// A folder that `kyverno test` runs: the files of the scenario and what its policies say today.
///
/// # Errors
/// The policies cannot be evaluated offline, in words.
pub fn export(scenario: &Scenario) -> Result<Exported, String> {
    let mut left = Vec::new();
    let mut folder = Folder::of(scenario)?;
    if folder.policies.is_empty() || folder.resources.is_empty() {
        return Err("kyverno test needs a policy, and a resource that a step applies".into());
    }
    let name = if scenario.title.is_empty() { "scenario" } else { &scenario.title };
    let mut document = json!({"apiVersion": VERSION, "kind": "Test", "metadata": {"name": name},
        "policies": folder.policies, "resources": folder.resources});
    if !folder.exceptions.is_empty() {
        document.set_at(&["exceptions"], json!(folder.exceptions));
    }
    folder.cluster(&mut document);
    folder.user(scenario, &mut document, &mut left);
    mocks(scenario, &mut document, &mut left);
    unsaid(scenario, &mut left);
    document.set_at(&["results"], json!([]));
    let files: BTreeMap<String, String> = order::map(folder.files.clone());
    let results = results(&load(&MapFiles(files), "", test(document.clone())?)?, &mut left)?;
    if results.is_empty() {
        let words = "`kyverno test` would have nothing to compare: no rule says anything about these resources";
        return Err(words.into());
    }
    document.set_at(&["results"], Value::Array(results));
    let mut files = IndexMap::from([("kyverno-test.yaml".to_owned(), parse::emit(&document))]);
    files.extend(folder.files);
    Ok(Exported { files, left_out: left })
}

/// The files of a scenario by what they are to `kyverno test`.
#[derive(Default)]
struct Folder {
    files: IndexMap<String, String>,
    policies: Vec<String>,
    exceptions: Vec<String>,
    resources: Vec<String>,
    /// Objects that are there already.
    there: Vec<Value>,
}

impl Folder {
    fn of(scenario: &Scenario) -> Result<Self, String> {
        let mut folder = Self::default();
        let arguments = scenario.steps.iter().filter(|step| !step.off);
        let arguments: Vec<&Value> = arguments
            .filter_map(|step| step.apply.as_ref().or(step.create.as_ref()).or(step.update.as_ref()))
            .collect();
        let applied = |name: &String| {
            scenario.steps.is_empty() || arguments.iter().any(|argument| argument.as_str() == Some(name))
        };
        for (name, text) in &scenario.files {
            let (policies, rest): (Vec<Value>, Vec<Value>) = documents(name, text)?.into_iter().partition(is_policy);
            let (exceptions, policies): (Vec<Value>, Vec<Value>) =
                policies.into_iter().partition(|object| object.kind() == "PolicyException");
            let kinds = [&policies, &exceptions, &rest].iter().filter(|list| !list.is_empty()).count();
            // The loader of policies passes over what is none; the loaders of resources and exceptions do not.
            let own = |suffix: &str| match kinds {
                1 => name.clone(),
                _ => format!("{}-{suffix}.yaml", name.trim_end_matches(".yaml").trim_end_matches(".yml")),
            };
            let texts = |objects: &[Value]| {
                if kinds == 1 {
                    text.clone()
                } else {
                    objects.iter().map(parse::emit).collect::<Vec<_>>().join("---\n")
                }
            };
            if !policies.is_empty() {
                folder.files.insert(name.clone(), text.clone());
                folder.policies.push(name.clone());
            }
            if !exceptions.is_empty() {
                folder.files.insert(own("exceptions"), texts(&exceptions));
                folder.exceptions.push(own("exceptions"));
            }
            if rest.is_empty() {
                continue;
            } else if scenario.cluster.contains(name) {
                folder.there.extend(rest);
            } else if applied(name) {
                folder.files.insert(own("resources"), texts(&rest));
                folder.resources.push(own("resources"));
            }
        }
        let inline = arguments.into_iter().filter(|argument| argument.is_object()).map(parse::emit);
        let inline = inline.collect::<Vec<_>>().join("---\n");
        if !inline.is_empty() {
            folder.files.insert("steps.yaml".into(), inline);
            folder.resources.push("steps.yaml".into());
        }
        Ok(folder)
    }

    /// What is there already: CRDs by file, the rest in one `ClusterResource`.
    fn cluster(&mut self, document: &mut Value) {
        if self.there.is_empty() {
            return;
        }
        let (crds, objects): (Vec<Value>, Vec<Value>) =
            self.there.drain(..).partition(|object| object.kind() == "CustomResourceDefinition");
        let mut names = Vec::new();
        for crd in &crds {
            let name = format!("crd-{}.yaml", crd.name());
            self.files.insert(name.clone(), parse::emit(crd));
            names.push(name);
        }
        let mut spec = json!({});
        if !names.is_empty() {
            spec.set_at(&["crds"], json!(names));
        }
        if !objects.is_empty() {
            spec.set_at(&["resources"], json!(objects));
        }
        let file =
            json!({"apiVersion": VERSION, "kind": "ClusterResource", "metadata": {"name": "cluster"}, "spec": spec});
        self.files.insert("cluster-resources.yaml".into(), parse::emit(&file));
        document.set_at(&["clusterResources"], json!(["cluster-resources.yaml"]));
    }

    fn user(&mut self, scenario: &Scenario, document: &mut Value, left: &mut Vec<Diagnostic>) {
        let mut users = scenario.steps.iter().filter_map(|step| step.user.as_ref());
        let Some(user) = users.next() else { return };
        let file = json!({"apiVersion": VERSION, "kind": "UserInfo", "metadata": {"name": "user"}, "userInfo": user});
        self.files.insert("user.yaml".into(), parse::emit(&file));
        document.set_at(&["userinfo"], json!("user.yaml"));
        if users.any(|other| other != user) {
            left.push(left_out("all users but the first", "`kyverno test` has one user for all resources"));
        }
    }
}

fn mocks(scenario: &Scenario, document: &mut Value, left: &mut Vec<Diagnostic>) {
    let calls: Vec<&Value> = scenario.mocks.api_calls.iter().chain(&scenario.mocks.http).collect();
    if !calls.is_empty() {
        document.set_at(&["apiCallResponses"], json!(calls));
    }
    if !scenario.mocks.global_context.is_empty() {
        document.set_at(&["globalContextEntries"], json!(scenario.mocks.global_context));
    }
    if !scenario.mocks.images.is_empty() {
        left.push(left_out("mocks of images", "`kyverno test` asks the registry"));
    }
}

/// What `kyverno test` cannot say about a scenario.
fn unsaid(scenario: &Scenario, left: &mut Vec<Diagnostic>) {
    let steps = scenario.steps.iter().filter(|step| !step.off && step.apply.is_none() && step.create.is_none()).count();
    if steps > 0 {
        let hint = "`kyverno test` looks at each resource once, as created; a Chainsaw test keeps the steps";
        left.push(left_out(format!("{steps} steps that are neither apply nor create"), hint));
    }
    if !scenario.config.is_null() {
        left.push(left_out("the configuration of Kyverno", "`kyverno test` has none"));
    }
    if !scenario.expect.is_empty() {
        left.push(left_out("the expectations on the run", "the results say what each rule answers instead"));
    }
}

/// What each rule says today.
fn results(data: &TestData, left: &mut Vec<Diagnostic>) -> Result<Vec<Value>, String> {
    let responses = evaluate(data)?;
    let mut results: Vec<Value> = Vec::new();
    for answer in responses.trigger.values().flatten() {
        for rule in &answer.rules {
            let object = &answer.resource;
            let resource = if object.namespace().is_empty() {
                object.name().to_owned()
            } else {
                format!("{}/{}", object.namespace(), object.name())
            };
            let mut result = json!({"policy": answer.policy_name, "kind": object.kind(), "resources": [resource],
                "result": status_word(answer, rule)});
            if !answer.is_ruleless() {
                let plain = rule.name.strip_prefix("autogen-cronjob-").or(rule.name.strip_prefix("autogen-"));
                result.set_at(&["rule"], json!(plain.unwrap_or(&rule.name)));
            }
            if !results.contains(&result) {
                results.push(result);
            }
        }
    }
    let all = results.len();
    // An entry names a policy, a rule and a resource; where that is not enough to tell two answers apart, none of them holds.
    results.retain(|result| {
        let entry: Option<TestResult> = read(result).ok();
        entry.is_some_and(|entry| rows(&[entry], &responses, &|path| Err(path.to_owned())).iter().all(|row| row.ok))
    });
    if results.len() < all {
        let what = format!("{} answers that a result cannot name", all - results.len());
        left.push(left_out(what, "a result tells resources of one name and rules of one name not apart"));
    }
    Ok(results)
}
