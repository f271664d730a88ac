//! The operations of a step: apply, create, update, patch, delete, assert, error, sleep, script, command, wait.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::document::{Test, bind_all, list};
use super::run::{label, search};
use crate::eval::view::View;
use crate::object::ObjectExt;
use crate::object::duration::Duration;
use crate::object::gvk::Gvk;
use crate::object::selector::LabelSelector;
use crate::scenario::assertion::{Bindings, bind, check, expand, expression};
use crate::scenario::files::{Files, join};
use crate::scenario::kubectl::filters::Output;
use crate::scenario::kubectl::kubeconfig;
use crate::scenario::kubectl::shell::{Shell, World};
use crate::scenario::kubectl::verbs::{Kubectl, events_in};
use crate::scenario::kyverno_test::load::documents;
use crate::scenario::report::Row;
use crate::sim::Cluster;
use crate::sim::api_server::{ApiError, ApiRequest, Verb};

/// How long an operation waits for what it wants, in milliseconds of virtual time.
const PATIENCE: u64 = 60_000;
/// Virtual time between two operations.
const BETWEEN: u64 = 500;

/// A test under way.
pub(super) struct Runner<'a> {
    pub(super) files: &'a dyn Files,
    pub(super) test: &'a Test,
    pub(super) cluster: &'a mut Cluster,
    pub(super) namespace: String,
    /// What its scripts wrote.
    pub(super) written: BTreeMap<String, String>,
    /// What the last operation adds to the bindings of its step.
    pub(super) outputs: Bindings,
}

impl Runner<'_> {
    /// Performs one operation of a step.
    pub(super) fn operation(&mut self, step: &str, operation: &Value, bindings: &Bindings) -> Row {
        let known = [
            "apply", "create", "update", "patch", "delete", "assert", "error", "sleep", "script", "command", "wait",
            "get", "describe", "events", "podLogs",
        ];
        let entry = operation.as_object().and_then(|map| map.iter().find(|(key, _)| known.contains(&key.as_str())));
        let Some((verb, body)) = entry else {
            let keys: Vec<&str> =
                operation.as_object().into_iter().flat_map(|map| map.keys()).map(String::as_str).collect();
            return row(step, "", "", Err(format!("operation {} is not simulated", keys.join(", "))));
        };
        let mut bindings = bindings.clone();
        let mut subject = String::new();
        let result = bind_all(&mut bindings, &list(body, "bindings"), &search).and_then(|()| match verb.as_str() {
            "sleep" => self.sleep(body),
            "script" => self.script(body, &bindings),
            "command" => self.command(body, &bindings),
            "assert" => self.assertions(body, &bindings, false, &mut subject),
            "error" => self.assertions(body, &bindings, true, &mut subject),
            "delete" => self.delete(body, &bindings, &mut subject),
            // They print something for the person who reads the log.
            "get" | "describe" | "events" | "podLogs" => Ok(()),
            "wait" => {
                self.cluster.advance(10_000);
                Ok(())
            }
            verb => self.write(verb, body, &bindings, &mut subject),
        });
        self.cluster.advance(BETWEEN);
        row(step, verb, &subject, result)
    }

    fn sleep(&mut self, body: &Value) -> Result<(), String> {
        let duration = Duration::parse(body.str_at(&["duration"]))?;
        self.cluster.advance(u64::try_from(duration.0 / 1_000_000).unwrap_or(0));
        Ok(())
    }

    /// The documents of `file` or `resource`, with the test's namespace where they have none.
    fn resources(&self, body: &Value, bindings: &Bindings, assertion: bool) -> Result<Vec<Value>, String> {
        let mut found = match body.get("resource") {
            Some(resource) => vec![resource.clone()],
            None => {
                let file = expand(body.get("file").unwrap_or(&Value::Null), bindings, &search)?;
                let file = file.as_str().ok_or("the operation names no file")?.to_owned();
                let path = join(&self.test.dir, &file);
                let text = self.files.read(&path).ok_or_else(|| format!("{path}: no such file"))?;
                documents(&path, &text)?
            }
        };
        let template = body.get("template").and_then(Value::as_bool).unwrap_or(self.test.template);
        for object in &mut found {
            if template && assertion {
                // Only the identity is a template; the rest is evaluated as a tree of assertions.
                for path in [
                    &["apiVersion"][..],
                    &["kind"],
                    &["metadata", "name"],
                    &["metadata", "namespace"],
                    &["metadata", "labels"],
                ] {
                    if let Some(value) = object.at(path).cloned() {
                        object.set_at(path, expand(&value, bindings, &search)?);
                    }
                }
            } else if template {
                *object = expand(object, bindings, &search)?;
            }
            let namespaced = self.cluster.catalog.is_namespaced(&object.gvk()).unwrap_or(true);
            if namespaced && object.namespace().is_empty() && !object.kind().is_empty() {
                object.set_at(&["metadata", "namespace"], json!(self.namespace));
            }
        }
        Ok(found)
    }

    fn write(&mut self, verb: &str, body: &Value, bindings: &Bindings, subject: &mut String) -> Result<(), String> {
        let expectations = list(body, "expect");
        for object in self.resources(body, bindings, false)? {
            *subject = label(&object);
            let start = self.cluster.clock.now();
            loop {
                let (result, last) = self.submit(verb, &object);
                let verdict = expected(&expectations, &object, &result, bindings);
                // `apply` and friends are tried again until the patience ends; what cannot change is not.
                let hopeless = verb == "create" || self.cluster.queue.next_at().is_none();
                if verdict.is_ok() || hopeless || self.cluster.clock.now() >= start + PATIENCE / 6 {
                    verdict?;
                    self.keep(body, result.as_ref().unwrap_or(&object), bindings.clone())?;
                    break;
                }
                drop(last);
                self.cluster.advance(1000);
            }
            self.cluster.advance(100);
        }
        Ok(())
    }

    fn submit(&mut self, verb: &str, object: &Value) -> (Result<Value, ApiError>, Option<Value>) {
        let old = self.cluster.get(&object.gvk(), object.namespace(), object.name());
        let missing = || ApiError {
            code: 404,
            reason: "NotFound".into(),
            message: format!("{} \"{}\" not found", object.kind(), object.name()),
        };
        let request = match (verb, &old) {
            ("apply" | "patch", Some(_)) => Verb::MergePatch,
            ("update", Some(_)) => Verb::Update,
            ("create", Some(_)) => {
                let message = "the resource already exists in the cluster".to_owned();
                return (Err(ApiError { code: 409, reason: "AlreadyExists".into(), message }), old);
            }
            ("apply" | "create", None) => Verb::Create,
            _ => return (Err(missing()), None),
        };
        let outcome = self.cluster.request(ApiRequest::about(request, object));
        (outcome.result, old)
    }

    fn delete(&mut self, body: &Value, bindings: &Bindings, subject: &mut String) -> Result<(), String> {
        let targets =
            match body.get("ref") {
                Some(reference) => {
                    let reference = expand(reference, bindings, &search)?;
                    let gvk = Gvk::new(reference.str_at(&["apiVersion"]), reference.str_at(&["kind"]));
                    let namespaced = self.cluster.catalog.is_namespaced(&gvk).unwrap_or(true);
                    let namespace = reference.str_at(&["namespace"]);
                    let namespace = if namespaced && namespace.is_empty() { &self.namespace } else { namespace };
                    let namespace = if namespaced { namespace } else { "" };
                    let name = reference.str_at(&["name"]);
                    *subject = format!("{}/{}", gvk.kind, name);
                    let labels = reference.get("labels").cloned().unwrap_or_else(|| json!({}));
                    let selector = LabelSelector::from_value(&json!({"matchLabels": labels}))?;
                    let all = self.cluster.list(&gvk, namespaced.then_some(namespace));
                    all.into_iter()
                        .filter(|object| {
                            if name.is_empty() { selector.matches(&object.labels()) } else { object.name() == name }
                        })
                        .collect()
                }
                None => self.resources(body, bindings, false)?,
            };
        for object in targets {
            *subject = label(&object);
            if self.cluster.get(&object.gvk(), object.namespace(), object.name()).is_none() {
                continue;
            }
            let mut request = ApiRequest::about(Verb::Delete, &object);
            request.propagation = body.get("deletionPropagationPolicy").and_then(Value::as_str).map(str::to_owned);
            let result = self.cluster.request(request).result;
            expected(&list(body, "expect"), &object, &result, bindings)?;
            let until = self.cluster.clock.now() + PATIENCE;
            while result.is_ok()
                && self.candidates(&object).iter().any(|found| found.uid() == object.uid())
                && !object.uid().is_empty()
            {
                if !self.wait(until) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Goes on to when something happens; `false` where nothing will, or patience has ended.
    fn wait(&mut self, until: u64) -> bool {
        let now = self.cluster.clock.now();
        match self.cluster.queue.next_at() {
            Some(at) if now < until => {
                self.cluster.advance(at.saturating_sub(now).clamp(100, until - now));
                true
            }
            _ => false,
        }
    }

    /// Stored objects that an assertion may be about: by name, or all of the namespace and labels.
    fn candidates(&self, wanted: &Value) -> Vec<Value> {
        let gvk = wanted.gvk();
        let namespace = wanted.namespace();
        let mut found = if gvk.kind == "Event" {
            events_in(self.cluster, wanted.api_version())
        } else {
            self.cluster.list(&gvk, None)
        };
        let labels = wanted.labels();
        found.retain(|object| {
            (namespace.is_empty() || object.namespace() == namespace)
                && if wanted.name().is_empty() {
                    labels.iter().all(|(key, value)| object.labels().get(key) == Some(value))
                } else {
                    object.name() == wanted.name()
                }
        });
        found
    }

    fn assertions(
        &mut self,
        body: &Value,
        bindings: &Bindings,
        absent: bool,
        subject: &mut String,
    ) -> Result<(), String> {
        for wanted in self.resources(body, bindings, true)? {
            *subject = label(&wanted);
            if !absent && wanted.kind() == "CustomResourceDefinition" && self.candidates(&wanted).is_empty() {
                // A CRD that no step applied belongs to the cluster that the suite prepares before its tests.
                self.cluster.place(wanted.clone(), true);
            }
            let until = self.cluster.clock.now() + PATIENCE;
            loop {
                let verdict = self.present(&wanted, bindings, absent);
                if verdict.is_ok() || !self.wait(until) {
                    verdict?;
                    break;
                }
            }
        }
        Ok(())
    }

    fn present(&self, wanted: &Value, bindings: &Bindings, absent: bool) -> Result<(), String> {
        if wanted.kind().is_empty() {
            let errors = check(wanted, &Value::Null, bindings, &search);
            return if errors.is_empty() != absent { Ok(()) } else { Err(errors.join("; ")) };
        }
        let candidates = self.candidates(wanted);
        let mut closest: Option<Vec<String>> = None;
        for object in &candidates {
            let errors = check(wanted, object, bindings, &search);
            if errors.is_empty() {
                return if absent { Err(format!("{} is there", label(object))) } else { Ok(()) };
            }
            if closest.as_ref().is_none_or(|known| known.len() > errors.len()) {
                closest = Some(errors);
            }
        }
        match (absent, closest) {
            (true, _) => Ok(()),
            (false, Some(errors)) => Err(errors.join("; ")),
            (false, None) => Err("actual resource not found".into()),
        }
    }

    fn script(&mut self, body: &Value, bindings: &Bindings) -> Result<(), String> {
        let content = body.str_at(&["content"]).to_owned();
        let output = self.shell(body, bindings, &content)?;
        self.finish(body, bindings, &output)
    }

    fn command(&mut self, body: &Value, bindings: &Bindings) -> Result<(), String> {
        let mut words = vec![body.str_at(&["entrypoint"]).to_owned()];
        words.extend(list(body, "args").iter().filter_map(Value::as_str).map(str::to_owned));
        let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
        let output = self.shell(body, bindings, &quoted.join(" "))?;
        self.finish(body, bindings, &output)
    }

    fn shell(&mut self, body: &Value, bindings: &Bindings, content: &str) -> Result<Output, String> {
        let mut vars = BTreeMap::from([("NAMESPACE".to_owned(), self.namespace.clone())]);
        for entry in list(body, "env") {
            let value = entry.str_at(&["value"]);
            let value = match value.strip_prefix('$').and_then(|name| bindings.get(name)) {
                Some(bound) => bound.clone(),
                None => expand(&json!(value), bindings, &search)?,
            };
            vars.insert(
                entry.str_at(&["name"]).to_owned(),
                value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            );
        }
        vars.insert("KUBECONFIG".to_owned(), kubeconfig::DEFAULT.to_owned());
        let mut written = std::mem::take(&mut self.written);
        // Each operation has a kubeconfig of its own.
        written.insert(kubeconfig::DEFAULT.to_owned(), kubeconfig::fresh());
        let mut dir = self.test.dir.clone();
        if let Some(own) = body.get("workDir").and_then(Value::as_str) {
            dir = join(&dir, own);
        }
        let mut world = World { files: self.files, dir, written, vars };
        let mut programs = Kubectl::new(self.cluster);
        let output = Shell::new(&mut programs, &mut world).run_text(content);
        self.written = world.written;
        Ok(output)
    }

    /// The checks of a script, or its status; then its `outputs`.
    fn finish(&mut self, body: &Value, bindings: &Bindings, output: &Output) -> Result<(), String> {
        let failed = (output.status != 0).then(|| format!("exit status {}", output.status));
        let mut bindings = bindings.clone();
        bindings.insert("error".into(), failed.clone().map_or(Value::Null, Value::from));
        bindings.insert("stdout".into(), json!(output.stdout));
        bindings.insert("stderr".into(), json!(output.stderr));
        match (body.get("check"), failed) {
            (Some(tree), _) => {
                let errors = check(tree, &Value::Null, &bindings, &search);
                if !errors.is_empty() {
                    return Err(format!("{} (stderr: {})", errors.join("; "), output.stderr.trim()));
                }
            }
            (None, Some(words)) => {
                let said = if output.stderr.trim().is_empty() { &output.stdout } else { &output.stderr };
                return Err(format!("{words}: {}", said.trim()));
            }
            (None, None) => {}
        }
        self.keep(body, &Value::Null, bindings)
    }

    /// Adds the `outputs` of an operation to the bindings of its step.
    fn keep(&mut self, body: &Value, subject: &Value, mut bindings: Bindings) -> Result<(), String> {
        for entry in list(body, "outputs") {
            let value = entry.get("value").unwrap_or(&Value::Null);
            let expression = value.as_str().and_then(expression);
            let value = match expression {
                Some(expression) => search(&bind(expression, &bindings), subject)?,
                None => expand(value, &bindings, &search)?,
            };
            let name = entry.str_at(&["name"]).to_owned();
            bindings.insert(name.clone(), value.clone());
            self.outputs.insert(name, value);
        }
        Ok(())
    }
}

/// Whether a result is as `expect` wants it: without a matching expectation an error is an error.
fn expected(
    expectations: &[Value],
    object: &Value,
    result: &Result<Value, ApiError>,
    bindings: &Bindings,
) -> Result<(), String> {
    let error = result.as_ref().err().map(|error| error.message.clone());
    let mut bindings = bindings.clone();
    bindings.insert("error".into(), error.clone().map_or(Value::Null, Value::from));
    let subject = result.as_ref().unwrap_or(object);
    let mut matched = false;
    for expectation in expectations {
        let fits = |tree: &Value| check(tree, subject, &bindings, &search);
        if expectation.get("match").is_some_and(|tree| !fits(tree).is_empty()) {
            continue;
        }
        matched = true;
        let errors = expectation.get("check").map(fits).unwrap_or_default();
        if !errors.is_empty() {
            let said = error.as_deref().unwrap_or("the request was allowed");
            return Err(format!("{} ({said})", errors.join("; ")));
        }
    }
    match error {
        Some(words) if !matched => Err(words),
        _ => Ok(()),
    }
}

fn row(step: &str, verb: &str, subject: &str, result: Result<(), String>) -> Row {
    Row {
        policy: step.to_owned(),
        rule: verb.to_owned(),
        resource: subject.to_owned(),
        expected: "pass".into(),
        actual: if result.is_ok() { "pass".into() } else { "fail".into() },
        ok: result.is_ok(),
        reason: result.err().unwrap_or_default(),
    }
}

/// What of a test only a real network could answer: registries and servers that its policies ask.
pub(super) fn network_need(files: &dyn Files, test: &Test) -> Option<String> {
    let entries = files.list(&test.dir)?;
    let texts = entries.iter().filter(|entry| !entry.dir).filter_map(|entry| files.read(&join(&test.dir, &entry.name)));
    let text: String = texts.collect();
    let has = |needle: &str| text.contains(needle);
    let needs = [
        (has("verifyImages:") && has("attestors:"), "signatures of images"),
        (has("kind: ImageValidatingPolicy") || has("kind: NamespacedImageValidatingPolicy"), "signatures of images"),
        (has("imageRegistry:") || has("image.GetMetadata(") || has("mutateDigest: true"), "image metadata"),
        (has("http.Get(") || has("http.Post(") || has("http.get(") || has("http.post("), "an HTTP server"),
        (has("service:\n") && has("apiCall:") && has("url: http"), "an HTTP server"),
    ];
    needs.into_iter().find(|(need, _)| *need).map(|(_, what)| what.to_owned())
}
