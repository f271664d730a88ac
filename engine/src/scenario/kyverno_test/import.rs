//! `kyverno-test.yaml` folders → scenarios.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::document::{Test, test, user_info, values};
use super::load::documents;
use crate::diagnostic::Diagnostic;
use crate::object::ObjectExt;
use crate::parse;
use crate::scenario::exchange::carried::{Imported, left_out, titled};
use crate::scenario::exchange::context_values::{Given, carry};
use crate::scenario::exchange::rbac::bindings;
use crate::scenario::files::{Files, is_yaml, join, parent};
use crate::scenario::{Scenario, Step};

/// The test of a file as a scenario: its policies are applied, then its resources.
///
/// # Errors
/// The test, or a file that it names, cannot be read.
pub fn import(files: &dyn Files, path: &str) -> Result<Imported, String> {
    let text = files.read(path).ok_or_else(|| format!("{path}: the file cannot be read"))?;
    let all = documents(path, &text)?;
    let tests = all.iter().filter(|document| document.kind() == "Test").count();
    let document =
        all.into_iter().find(|document| document.kind() == "Test").ok_or_else(|| format!("{path} is empty"))?;
    let test = test(document)?;
    let mut reader =
        Reader { files, dir: parent(path), scenario: titled(test.metadata.str_at(&["name"])), left: Vec::new() };
    if tests > 1 {
        reader.left.push(left_out(format!("{} more tests of the same file", tests - 1), ""));
    }
    reader.files(&test)?;
    reader.outside(&test)?;
    Ok(Imported { from: "kyverno-test.yaml".into(), scenario: reader.scenario, left_out: reader.left })
}

struct Reader<'a> {
    files: &'a dyn Files,
    dir: &'a str,
    scenario: Scenario,
    left: Vec<Diagnostic>,
}

impl Reader<'_> {
    /// Takes over the files that a path names, a folder's included; their names in the scenario.
    fn take(&mut self, relative: &str) -> Result<Vec<String>, String> {
        let full = join(self.dir, relative);
        if let Some(entries) = self.files.list(&full) {
            let inside = entries.iter().filter(|entry| entry.dir || is_yaml(&entry.name));
            let names = inside.map(|entry| self.take(&join(relative, &entry.name)));
            return Ok(names.collect::<Result<Vec<_>, _>>()?.concat());
        }
        let text = self.files.read(&full).ok_or_else(|| format!("{full}: the file cannot be read"))?;
        let mut name = join("", relative);
        while let Some(rest) = name.strip_prefix("../") {
            name = rest.to_owned();
        }
        self.scenario.files.insert(name.clone(), text);
        Ok(vec![name])
    }

    fn document(&self, relative: &str) -> Result<Value, String> {
        let path = join(self.dir, relative);
        let text = self.files.read(&path).ok_or_else(|| format!("{path}: the file cannot be read"))?;
        documents(&path, &text)?.into_iter().next().ok_or_else(|| format!("{path} is empty"))
    }

    fn files(&mut self, test: &Test) -> Result<(), String> {
        for relative in test.target_resources.iter().chain(&test.param_resources) {
            let there = self.take(relative)?;
            self.scenario.cluster.extend(there);
        }
        for relative in &test.cluster_resources {
            let spec = self.document(relative)?.get("spec").cloned().unwrap_or_default();
            let list = |name: &str| spec.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            for crd in list("crds").iter().filter_map(Value::as_str) {
                let there = self.take(crd)?;
                self.scenario.cluster.extend(there);
            }
            let objects = list("resources");
            self.place("cluster.yaml", &objects);
        }
        for relative in test.policies.iter().chain(&test.exceptions) {
            for name in self.take(relative)? {
                self.scenario.steps.push(Step { apply: Some(json!(name)), ..Step::default() });
            }
        }
        let mut given = Given::default();
        let spec = match (&test.values, test.variables.as_str()) {
            (Some(spec), _) => spec.clone(),
            (None, "") => Default::default(),
            (None, path) => values(self.document(path)?)?,
        };
        let per_policy = spec.policies.iter().flat_map(|policy| policy.resources.iter().chain(&policy.rules));
        let all = spec.global_values.iter().chain(per_policy.clone().filter_map(|named| named.values.as_ref()));
        all.flatten().for_each(|(key, value)| given.put(key, value));
        for key in per_policy.filter_map(|named| named.foreach_values.as_ref()).flat_map(IndexMap::keys) {
            self.left.push(left_out(format!("the values of `{key}` in foreach"), ""));
        }
        let named = spec.namespace_selector.iter().filter_map(|entry| spec.namespace(&entry.name));
        let mut namespaces: Vec<Value> = spec.namespaces.iter().cloned().chain(named).collect();
        namespaces.dedup_by_key(|namespace| namespace.name().to_owned());
        self.place("namespaces.yaml", &namespaces);
        if !spec.subresources.is_empty() {
            self.left.push(left_out("values.subresources", "apply the object of the parent"));
        }
        for relative in &test.resources {
            for name in self.take(relative)? {
                let file = Some(json!(name));
                let mut step = match given.operation() {
                    "DELETE" | "UPDATE" => {
                        self.scenario.cluster.push(name.clone());
                        if given.operation() == "DELETE" {
                            Step { delete: file, ..Step::default() }
                        } else {
                            Step { update: file, ..Step::default() }
                        }
                    }
                    _ => Step { apply: file, ..Step::default() },
                };
                step.user = self.user(test)?;
                self.scenario.steps.push(step);
            }
        }
        carry(&given, &mut self.scenario, &mut self.left);
        Ok(())
    }

    fn user(&mut self, test: &Test) -> Result<Option<crate::eval::request::UserInfo>, String> {
        if test.userinfo.is_empty() {
            return Ok(None);
        }
        let info = user_info(self.document(&test.userinfo)?)?;
        let mut user = info.user_info.unwrap_or_default();
        let bound = info.roles.len() + info.cluster_roles.len() > 0;
        if user.username.is_empty() && bound {
            "user".clone_into(&mut user.username);
        }
        if bound && !self.scenario.files.contains_key("roles.yaml") {
            let text = bindings(&user.username, &info.roles, &info.cluster_roles);
            self.scenario.add_cluster_file("roles.yaml", text);
        }
        Ok(Some(user).filter(|user| *user != Default::default()))
    }

    /// Mocks, and what a scenario has no place for.
    fn outside(&mut self, test: &Test) -> Result<(), String> {
        for entry in &test.api_call_responses {
            let mut mock = json!({"response": {"statusCode": entry.response.status_code, "body": entry.response.body}});
            for (key, text) in [("url", &entry.url), ("urlPath", &entry.url_path), ("method", &entry.method)] {
                if !text.is_empty() {
                    mock.set_at(&[key], json!(text));
                }
            }
            self.scenario.mocks.api_calls.push(mock);
        }
        for entry in &test.global_context_entries {
            let mut data = entry.data.clone().unwrap_or_else(|| json!(entry.resources.clone().unwrap_or_default()));
            for relative in entry.resource_files.iter().flatten() {
                let path = join(self.dir, relative);
                let text = self.files.read(&path).ok_or_else(|| format!("{path}: the file cannot be read"))?;
                if let Value::Array(items) = &mut data {
                    items.extend(documents(&path, &text)?);
                }
            }
            if !entry.field_path.is_empty() {
                self.left.push(left_out(format!("fieldPath of the global context entry {}", entry.name), ""));
            }
            let projections = entry.projections.iter().map(|one| json!({"name": one.name, "path": one.path}));
            let projections: Vec<Value> = projections.collect();
            let mut mock = json!({"name": entry.name, "data": data});
            if !projections.is_empty() {
                mock.set_at(&["projections"], json!(projections));
            }
            self.scenario.mocks.global_context.push(mock);
        }
        if !test.context.is_empty() {
            let spec = self.document(&test.context)?.get("spec").cloned().unwrap_or_default();
            let list = |name: &str| spec.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            let objects = list("resources");
            self.place("context.yaml", &objects);
            self.scenario.mocks.images.extend(list("images"));
        }
        let payloads = test.json_payloads.len() + test.http_payloads.len() + test.envoy_payloads.len();
        if payloads > 0 {
            self.left
                .push(left_out("payloads that are no Kubernetes objects", "run the test with `cargo stepgate test`"));
        }
        if !test.results.is_empty() {
            let what = format!("the results ({}): what each rule is expected to say", test.results.len());
            self.left.push(left_out(what, "open Why of the request to see what each rule says"));
        }
        Ok(())
    }

    fn place(&mut self, name: &str, objects: &[Value]) {
        if !objects.is_empty() {
            let text = objects.iter().map(parse::emit).collect::<Vec<_>>().join("---\n");
            self.scenario.add_cluster_file(name, text);
        }
    }
}
