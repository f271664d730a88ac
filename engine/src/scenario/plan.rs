//! From a scenario's files and steps to the requests that will be made.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Scenario, Step};
use crate::diagnostic::Diagnostic;
use crate::eval::request::UserInfo;
use crate::object::ObjectExt;
use crate::object::duration::Duration;
use crate::object::order;
use crate::parse::{self, Document};
use crate::sim::webhooks::is_kyverno_kind;

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Create or merge.
    Apply,
    /// Create.
    Create,
    /// Replace.
    Update,
    /// Merge patch.
    Patch,
    /// Delete.
    Delete,
    /// Change the repository: add, or remove.
    Commit {
        /// Remove.
        remove: bool,
    },
    /// Let virtual time pass, in milliseconds.
    Sleep(u64),
    /// Must be there.
    Assert,
    /// Must not be there.
    Absent,
}

/// A step that is ready to run.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its place in the scenario's list, from 0.
    pub index: usize,
    /// What it does.
    pub action: Action,
    /// With which objects.
    pub objects: Vec<Value>,
    /// As a person would type it.
    pub text: String,
    /// The file that the objects come from.
    pub file: String,
    /// Who does it.
    pub user: Option<UserInfo>,
    /// Nothing is stored.
    pub dry_run: bool,
}

/// All documents of the scenario's files and what is wrong with them.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// In order of the files.
    pub all: Vec<Document>,
    /// Those that the scenario switches off.
    pub off: Vec<Document>,
    /// Messages.
    pub diagnostics: Vec<Diagnostic>,
}

impl Documents {
    /// Parses every file.
    #[must_use]
    pub fn read(scenario: &Scenario) -> Self {
        let mut documents = Self::default();
        for (file, text) in &scenario.files {
            let parsed = parse::yaml::parse(file, text);
            documents.diagnostics.extend(parsed.diagnostics);
            for document in parsed.documents {
                documents.add(document);
            }
        }
        if !scenario.off.is_empty() {
            let parted =
                documents.all.into_iter().partition(|document| scenario.off.contains(&identity(&document.value)));
            (documents.off, documents.all) = parted;
        }
        documents
    }

    fn add(&mut self, document: Document) {
        if document.value.kind() == "List"
            || (document.value.kind().ends_with("List") && document.value.get("items").is_some())
        {
            let items = document.value.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            for (index, value) in items.into_iter().enumerate() {
                let spans = document.spans.nearest(&format!("/items/{index}")).clone();
                let span = spans.span;
                self.add(Document { value, spans, span, ..document.clone() });
            }
            return;
        }
        let problem = if !document.value.is_object() {
            Some("a Kubernetes object is a mapping with `apiVersion`, `kind` and `metadata`")
        } else if document.value.kind().is_empty() {
            Some("`kind` is missing")
        } else if document.value.api_version().is_empty() {
            Some("`apiVersion` is missing")
        } else {
            None
        };
        match problem {
            Some(problem) => {
                let place = document.spans.fields.first().and_then(|(_, tree)| tree.key).unwrap_or(document.span);
                self.diagnostics.push(Diagnostic::error(problem).at(&document.file, Some(place)));
            }
            None => self.all.push(document),
        }
    }

    /// How many objects a text holds.
    #[must_use]
    pub fn count(file: &str, text: &str) -> usize {
        let mut documents = Self::default();
        parse::yaml::parse(file, text).documents.into_iter().for_each(|document| documents.add(document));
        documents.all.len()
    }

    /// The documents of one file.
    pub fn of_file<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a Document> + 'a {
        self.all.iter().filter(move |document| document.file == file)
    }
}

/// How [`Scenario::off`] names a document.
#[must_use]
pub fn identity(object: &Value) -> String {
    let parts = [object.kind(), object.namespace(), object.name()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// Whether an object decides about requests rather than being one.
#[must_use]
pub fn is_policy(object: &Value) -> bool {
    let gvk = object.gvk();
    let native = gvk.group == "admissionregistration.k8s.io" && gvk.kind.contains("AdmissionPolicy");
    native
        || (is_kyverno_kind(&gvk.group, &gvk.kind) && (gvk.kind.ends_with("Policy") || gvk.kind == "PolicyException"))
}

/// The steps to run, with messages about those that cannot be read.
#[must_use]
pub fn plan(scenario: &Scenario, documents: &Documents) -> (Vec<Planned>, Vec<Diagnostic>) {
    if scenario.steps.is_empty() {
        return (default_plan(scenario, documents), Vec::new());
    }
    let mut planned = Vec::new();
    let mut wrong = Vec::new();
    for (index, step) in scenario.steps.iter().enumerate().filter(|(_, step)| !step.off) {
        match plan_step(scenario, documents, step) {
            Ok(step) => planned.push(Planned { index, ..step }),
            Err(problem) => wrong.push(Diagnostic::error(format!("step {}: {problem}", index + 1))),
        }
    }
    (planned, wrong)
}

/// Without steps: apply every policy, then every other file, in order.
fn default_plan(scenario: &Scenario, documents: &Documents) -> Vec<Planned> {
    let committed = scenario.gitops.iter().flat_map(|gitops| &gitops.files);
    let there: BTreeSet<&str> = order::set(scenario.cluster.iter().chain(committed).map(String::as_str));
    let mut planned = Vec::new();
    for policies in [true, false] {
        for file in scenario.files.keys().filter(|file| !there.contains(file.as_str())) {
            let of_file: Vec<&Document> = documents.of_file(file).collect();
            let objects: Vec<Value> = of_file
                .iter()
                .map(|document| document.value.clone())
                .filter(|object| is_policy(object) == policies)
                .collect();
            if objects.is_empty() {
                continue;
            }
            let whole = objects.len() == of_file.len();
            let what = if whole {
                String::new()
            } else {
                format!("  # {}", if policies { "its policies" } else { "the rest" })
            };
            planned.push(Planned {
                index: planned.len(),
                action: Action::Apply,
                objects,
                text: format!("kubectl apply -f {file}{what}"),
                file: file.clone(),
                user: None,
                dry_run: false,
            });
        }
    }
    planned
}

fn plan_step(scenario: &Scenario, documents: &Documents, step: &Step) -> Result<Planned, String> {
    let verbs = [
        (&step.apply, Action::Apply, "apply"),
        (&step.create, Action::Create, "create"),
        (&step.update, Action::Update, "replace"),
        (&step.patch, Action::Patch, "patch"),
        (&step.delete, Action::Delete, "delete"),
        (&step.commit, Action::Commit { remove: false }, "commit"),
        (&step.assert, Action::Assert, "assert"),
        (&step.error, Action::Absent, "error"),
    ];
    let mut chosen =
        verbs.into_iter().filter_map(|(value, action, word)| value.as_ref().map(|value| (value, action, word)));
    let sleep = step.sleep.as_deref();
    let first = chosen.next();
    if chosen.next().is_some() || (first.is_some() && sleep.is_some()) {
        return Err("has more than one verb".to_owned());
    }
    let base = Planned {
        index: 0,
        action: Action::Apply,
        objects: Vec::new(),
        text: String::new(),
        file: String::new(),
        user: step.user.clone(),
        dry_run: step.dry_run,
    };
    if let Some(text) = sleep {
        let Duration(nanos) =
            Duration::parse(text).map_err(|_| format!("`{text}` is no duration; write 30s, 5m or 1h"))?;
        let millis = u64::try_from(nanos / 1_000_000).map_err(|_| "time runs forward only".to_owned())?;
        return Ok(Planned { action: Action::Sleep(millis), text: format!("sleep {text}"), ..base });
    }
    let Some((value, action, word)) = first else {
        return Err(
            "has no verb; the verbs are apply, create, update, patch, delete, commit, sleep, assert, error".to_owned()
        );
    };
    if matches!(action, Action::Commit { .. }) {
        return plan_commit(scenario, documents, value, base);
    }
    let (objects, file) = objects_of(scenario, documents, value)?;
    let user = step.user.as_ref().map(|user| format!(" --as {}", user.username)).unwrap_or_default();
    let dry = if step.dry_run { " --dry-run=server" } else { "" };
    let what = match &step.name {
        Some(name) => format!("{name}  # kubectl {word}"),
        None if file.is_empty() => {
            let named: Vec<String> =
                objects.iter().map(|object| format!("{}/{}", object.kind(), object.name())).collect();
            format!("kubectl {word} {}", named.join(" "))
        }
        None => format!("kubectl {word} -f {file}"),
    };
    let text = match action {
        Action::Assert | Action::Absent => what.replace("kubectl ", ""),
        _ => format!("{what}{user}{dry}"),
    };
    Ok(Planned { action, objects, text, file, ..base })
}

/// A file or an object for the repository, or `{remove: …}` one of them.
fn plan_commit(scenario: &Scenario, documents: &Documents, value: &Value, base: Planned) -> Result<Planned, String> {
    if scenario.gitops.is_none() {
        return Err("commits to no repository; say `gitops: {every: 3m}`".to_owned());
    }
    let removed = value.get("remove");
    let (objects, file) = objects_of(scenario, documents, removed.unwrap_or(value))?;
    let named: Vec<String> = objects.iter().map(|object| format!("{}/{}", object.kind(), object.name())).collect();
    let what = if file.is_empty() { named.join(" ") } else { file.clone() };
    let command = if removed.is_some() { "git rm" } else { "git commit" };
    let action = Action::Commit { remove: removed.is_some() };
    Ok(Planned { action, objects, text: format!("{command} {what}"), file, ..base })
}

/// The objects of a step's argument: a file name, an object, or a reference `{apiVersion, kind, name, namespace}`.
fn objects_of(scenario: &Scenario, documents: &Documents, value: &Value) -> Result<(Vec<Value>, String), String> {
    if let Some(file) = value.as_str() {
        if !scenario.files.contains_key(file) {
            let files: Vec<&str> = scenario.files.keys().map(String::as_str).collect();
            return Err(format!("there is no file `{file}`; the files are {}", files.join(", ")));
        }
        return Ok((documents.of_file(file).map(|document| document.value.clone()).collect(), file.to_owned()));
    }
    if let Some(list) = value.as_array() {
        return Ok((list.clone(), String::new()));
    }
    if value.kind().is_empty() {
        return Err("names neither a file nor an object with `apiVersion` and `kind`".to_owned());
    }
    let mut object = value.clone();
    for key in ["name", "namespace"] {
        if let Some(text) = value.get(key).filter(|_| value.at(&["metadata", key]).is_none()).cloned() {
            object.set_at(&["metadata", key], text);
            if let Some(map) = object.as_object_mut() {
                map.shift_remove(key);
            }
        }
    }
    Ok((vec![object], String::new()))
}
