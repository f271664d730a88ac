//! Reads the files that a test names: policies with the strictness of the CRDs, resources, exceptions, mocks.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::document::{GlobalContextEntry, RequestInfo, Test, TestResult, ValuesSpec, user_info, values};
use super::view::Outside;
use crate::expr::jmespath;
use crate::object::ObjectExt;
use crate::object::catalog::Catalog;
use crate::policy::schema::{self, FindingKind};
use crate::scenario::files::{Files, base_name, is_yaml, join};

/// Everything that a test needs, in memory.
#[derive(Clone, Debug, Default)]
pub struct TestData {
    /// Directory of the test file.
    pub dir: String,
    /// `metadata.name`.
    pub name: String,
    /// Policies and bindings of every kind, in order of the files.
    pub policies: Vec<Value>,
    /// Triggers without duplicates.
    pub resources: Vec<Value>,
    /// Mutate-existing targets.
    pub targets: Vec<Value>,
    /// Parameters.
    pub params: Vec<Value>,
    /// Objects and CRDs of `clusterResources`.
    pub cluster: Vec<Value>,
    /// JSON payloads by path.
    pub payloads: Vec<(String, Value)>,
    /// HTTP and Envoy payloads by path.
    pub http_payloads: Vec<(String, Value)>,
    /// The same for Envoy.
    pub envoy_payloads: Vec<(String, Value)>,
    /// Exceptions of kyverno.io.
    pub exceptions: Vec<Value>,
    /// Exceptions of policies.kyverno.io.
    pub cel_exceptions: Vec<Value>,
    /// Documents of each `cloneSourceResource`.
    pub clones: IndexMap<String, Vec<Value>>,
    /// Roles and user.
    pub user: Option<RequestInfo>,
    /// Values, mocks, kinds.
    pub outside: Outside,
    /// What is expected.
    pub results: Vec<TestResult>,
}

/// Documents of a YAML or JSON text; empty ones are left out.
///
/// # Errors
/// The first document that cannot be read, with line and column.
pub fn documents(path: &str, text: &str) -> Result<Vec<Value>, String> {
    let parsed = crate::parse::yaml::parse(path, text);
    if let Some(problem) =
        parsed.diagnostics.iter().find(|problem| problem.severity == crate::diagnostic::Severity::Error)
    {
        let place = problem.span.map(|span| format!(":{}:{}", span.line, span.column)).unwrap_or_default();
        return Err(format!("{path}{place}: {}", problem.message));
    }
    Ok(parsed.documents.into_iter().map(|document| document.value).collect())
}

impl TestData {
    /// The documents that a generate rule clones from.
    #[must_use]
    pub fn clone_sources(&self, path: &str) -> Vec<Value> {
        self.clones.get(path).cloned().unwrap_or_default()
    }
}

/// Reads everything that a test names.
///
/// # Errors
/// What `kyverno test` would stop with.
pub fn load(files: &dyn Files, dir: &str, test: Test) -> Result<TestData, String> {
    let reader = Reader { files, dir };
    let mut catalog = Catalog::new();
    let cluster = reader.cluster(&test, &mut catalog)?;
    let spec = match (&test.values, test.variables.as_str()) {
        (Some(values), _) => values.clone(),
        (None, "") => ValuesSpec::default(),
        (None, path) => values(reader.single(path)?)?,
    };
    let user = if test.userinfo.is_empty() { None } else { Some(user_info(reader.single(&test.userinfo)?)?) };
    let mut data =
        TestData { dir: dir.to_owned(), name: test.metadata.str_at(&["name"]).to_owned(), user, ..TestData::default() };
    data.policies = reader.policies(&test.policies)?;
    data.resources = unique(reader.resources(&test.resources, &catalog)?);
    data.targets = reader.resources(&test.target_resources, &catalog)?;
    data.params = reader.resources(&test.param_resources, &catalog)?;
    data.payloads = reader.payloads(&test.json_payloads)?;
    data.http_payloads = reader.payloads(&test.http_payloads)?;
    data.envoy_payloads = reader.payloads(&test.envoy_payloads)?;
    reader.exceptions(&test.exceptions, &mut data)?;
    check_operations(&test, &spec)?;
    data.outside = Outside {
        values: spec,
        api_calls: test.api_call_responses.clone(),
        global_context: reader.global_context(&test.global_context_entries)?,
        cluster: !test.cluster_resources.is_empty(),
        catalog,
        ..Outside::default()
    };
    if !test.context.is_empty() && test.cluster_resources.is_empty() {
        let context = reader.single(&test.context)?;
        let list = |name: &str| context.at(&["spec", name]).and_then(Value::as_array).cloned().unwrap_or_default();
        data.outside.context_resources = list("resources");
        data.outside.context_images = list("images");
    }
    data.cluster = cluster;
    for entry in test.results.iter().filter(|entry| !entry.clone_source_resource.is_empty()) {
        let path = join(dir, &entry.clone_source_resource);
        let sources = files.read(&path).map_or(Ok(Vec::new()), |text| manifests(&path, &text, &data.outside.catalog));
        data.clones.insert(entry.clone_source_resource.clone(), sources.unwrap_or_default());
    }
    data.results = test.results;
    Ok(data)
}

fn check_operations(test: &Test, spec: &ValuesSpec) -> Result<(), String> {
    let global = spec.global_operation();
    if !matches!(global, "" | "CREATE" | "UPDATE" | "DELETE" | "CONNECT") {
        return Err(format!(
            "invalid request.operation value {global:?}, must be one of CREATE, UPDATE, DELETE, CONNECT"
        ));
    }
    for entry in &test.results {
        if !matches!(entry.operation.as_str(), "" | "CREATE" | "UPDATE" | "DELETE") {
            return Err(format!(
                "invalid test result for policy {}: invalid operation {:?}, must be one of CREATE, UPDATE, DELETE",
                entry.policy, entry.operation
            ));
        }
        if !entry.operation.is_empty() && entry.is_deleting_policy {
            let words = "operation is not supported for deleting policies";
            return Err(format!("invalid test result for policy {}: {words}", entry.policy));
        }
    }
    Ok(())
}

struct Reader<'a> {
    files: &'a dyn Files,
    dir: &'a str,
}

impl Reader<'_> {
    fn documents(&self, path: &str) -> Result<Vec<Value>, String> {
        let text = self.files.read(path).ok_or_else(|| format!("open {path}: no such file"))?;
        documents(path, &text)
    }

    fn single(&self, path: &str) -> Result<Value, String> {
        let path = join(self.dir, path);
        self.documents(&path)?.into_iter().next().ok_or_else(|| format!("{path} is empty"))
    }

    /// Below a directory all YAML files that are not hidden.
    fn yaml_files(&self, path: &str, found: &mut Vec<String>) -> Result<(), String> {
        if base_name(path).starts_with('.') {
            return Ok(());
        }
        if let Some(entries) = self.files.list(path) {
            return entries.iter().try_for_each(|entry| self.yaml_files(&join(path, &entry.name), found));
        }
        if self.files.read(path).is_none() {
            return Err(format!("open {path}: no such file"));
        }
        if is_yaml(path) {
            found.push(path.to_owned());
        }
        Ok(())
    }

    fn policies(&self, paths: &[String]) -> Result<Vec<Value>, String> {
        let mut policies = Vec::new();
        for path in paths {
            let mut found = Vec::new();
            self.yaml_files(&join(self.dir, path), &mut found)?;
            for file in found {
                for document in self.documents(&file)? {
                    policy_document(document, &mut policies)?;
                }
            }
        }
        Ok(policies)
    }

    fn resources(&self, paths: &[String], catalog: &Catalog) -> Result<Vec<Value>, String> {
        let mut paths: Vec<String> = paths.iter().map(|path| join(self.dir, path)).collect();
        if let Some(entries) = paths.first().and_then(|first| self.files.list(first)) {
            let dir = paths.first().cloned().unwrap_or_default();
            let files = entries.iter().filter(|entry| !entry.dir && is_yaml(&entry.name));
            paths = files.map(|entry| join(&dir, &entry.name)).collect();
        }
        let mut resources = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            match self.files.read(path) {
                None if index == 0 => return Err(format!("open {path}: no such file")),
                // Kyverno warns about later ones and goes on.
                None => {}
                Some(text) => resources.extend(manifests(path, &text, catalog)?),
            }
        }
        Ok(resources)
    }

    fn payloads(&self, paths: &[String]) -> Result<Vec<(String, Value)>, String> {
        let read = |path: &String| {
            let value = self.single(path)?;
            if !value.is_object() {
                return Err(format!("error: JSON payload {path} must be a top-level object (map)"));
            }
            Ok((path.clone(), value))
        };
        paths.iter().map(read).collect()
    }

    fn exceptions(&self, paths: &[String], data: &mut TestData) -> Result<(), String> {
        for path in paths {
            for document in self.documents(&join(self.dir, path))? {
                let gvk = document.gvk();
                let loaded = schema::load(document);
                if let Some(finding) = loaded.findings.first() {
                    return Err(format!("unable to load exceptions ({})", finding.message));
                }
                match (gvk.group.as_str(), gvk.version.as_str(), gvk.kind.as_str()) {
                    ("kyverno.io", "v2" | "v2beta1", "PolicyException") => data.exceptions.push(loaded.value),
                    ("policies.kyverno.io", _, "PolicyException") => data.cel_exceptions.push(loaded.value),
                    _ => {
                        return Err(format!(
                            "unable to load exceptions (policy exception type not supported {}, Kind={})",
                            gvk.api_version(),
                            gvk.kind
                        ));
                    }
                }
            }
        }
        let vap = data.policies.iter().any(|policy| policy.kind() == "ValidatingAdmissionPolicy");
        if vap && !data.exceptions.is_empty() {
            return Err("error: use of exceptions with ValidatingAdmissionPolicies is not supported".into());
        }
        Ok(())
    }

    fn cluster(&self, test: &Test, catalog: &mut Catalog) -> Result<Vec<Value>, String> {
        let mut objects = Vec::new();
        for path in &test.cluster_resources {
            let document = self.single(path)?;
            let list = |name: &str| document.at(&["spec", name]).and_then(Value::as_array).cloned().unwrap_or_default();
            for crd in list("crds").iter().filter_map(Value::as_str) {
                let crd = self.single(crd)?;
                catalog.add_crd(&crd);
                objects.push(crd);
            }
            objects.extend(list("resources"));
        }
        Ok(objects)
    }

    fn global_context(
        &self,
        entries: &[GlobalContextEntry],
    ) -> Result<IndexMap<String, Result<Value, String>>, String> {
        let mut evaluated = IndexMap::new();
        for entry in entries {
            if entry.name.trim().is_empty() {
                return Err("globalContextEntries: name is required".into());
            }
            let sources = [entry.data.is_some(), entry.resources.is_some(), entry.resource_files.is_some()];
            match sources.iter().filter(|there| **there).count() {
                1 => {}
                0 => {
                    return Err(format!(
                        "globalContextEntries entry {:?}: one of data, resources, or resourceFiles is required",
                        entry.name
                    ));
                }
                _ => {
                    return Err(format!(
                        "globalContextEntries entry {:?}: data, resources, and resourceFiles are mutually exclusive",
                        entry.name
                    ));
                }
            }
            let mut root =
                entry.data.clone().unwrap_or_else(|| Value::Array(entry.resources.clone().unwrap_or_default()));
            for path in entry.resource_files.iter().flatten() {
                if let Value::Array(items) = &mut root {
                    items.extend(self.documents(&join(self.dir, path))?);
                }
            }
            let value = project(entry, root);
            if evaluated.insert(entry.name.clone(), value).is_some() {
                return Err(format!("globalContextEntries: duplicate name {:?}", entry.name));
            }
        }
        Ok(evaluated)
    }
}

fn project(entry: &GlobalContextEntry, root: Value) -> Result<Value, String> {
    let search = |path: &str, value: &Value| {
        jmespath::query(path, value, &jmespath::Env::default()).map_err(|error| error.to_string())
    };
    let root = if entry.field_path.is_empty() { root } else { search(&entry.field_path, &root)? };
    if entry.projections.is_empty() {
        return Ok(root);
    }
    let projected = entry.projections.iter().map(|part| Ok((part.name.clone(), search(&part.path, &root)?)));
    Ok(Value::Object(projected.collect::<Result<Map<_, _>, String>>()?))
}

/// What is no policy of a served version is left out, as Kyverno's loader does; an unknown field is an error.
fn policy_document(document: Value, policies: &mut Vec<Value>) -> Result<(), String> {
    if document.kind() == "List" && document.api_version() == "v1" {
        let items = document.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        return items.into_iter().try_for_each(|item| policy_document(item, policies));
    }
    let mut loaded = schema::load(document);
    if let Some(finding) = loaded.findings.iter().find(|finding| finding.kind == FindingKind::UnknownField) {
        return Err(format!("error: failed to load policies ({})", finding.message));
    }
    if loaded.refused() || !loaded.known {
        return Ok(());
    }
    let gvk = loaded.value.gvk();
    let known = matches!(
        (gvk.group.as_str(), gvk.kind.as_str()),
        ("kyverno.io" | "policies.kyverno.io" | "admissionregistration.k8s.io", _)
    );
    if !known {
        return Err(format!("policy type not supported {}, Kind={}", gvk.api_version(), gvk.kind));
    }
    let namespaced = gvk.kind == "Policy" || gvk.kind.starts_with("Namespaced");
    if namespaced && loaded.value.namespace().is_empty() {
        loaded.value.set_at(&["metadata", "namespace"], Value::from("default"));
    }
    policies.push(loaded.value);
    Ok(())
}

/// The manifests of a file as `kyverno test` reads them: a namespace for every kind that is not known as cluster-scoped,
/// and no null where a mapping belongs.
///
/// # Errors
/// A document cannot be read.
pub fn manifests(path: &str, text: &str, catalog: &Catalog) -> Result<Vec<Value>, String> {
    let prepare = |mut object: Value| {
        if object.namespace().is_empty() && catalog_scope(catalog, &object) {
            object.set_at(&["metadata", "namespace"], Value::from("default"));
        }
        fill_null_mappings(&mut object);
        object
    };
    Ok(documents(path, text)?.into_iter().map(prepare).collect())
}

fn catalog_scope(catalog: &Catalog, object: &Value) -> bool {
    let mut gvk = object.gvk();
    gvk.version.clear();
    catalog.is_namespaced(&gvk).unwrap_or(true)
}

fn fill_null_mappings(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let mapping = matches!(
                    key.as_str(),
                    "annotations" | "labels" | "matchLabels" | "nodeSelector" | "data" | "stringData"
                );
                if value.is_null() && mapping {
                    *value = Value::Object(Map::new());
                } else {
                    fill_null_mappings(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().filter(|item| item.is_object()).for_each(fill_null_mappings),
        _ => {}
    }
}

fn unique(resources: Vec<Value>) -> Vec<Value> {
    let mut seen = Vec::new();
    let key = |object: &Value| {
        let gvk = object.gvk();
        (gvk.group, gvk.kind, object.namespace().to_owned(), object.name().to_owned())
    };
    resources
        .into_iter()
        .filter(|object| {
            let key = key(object);
            let new = !seen.contains(&key);
            seen.push(key);
            new
        })
        .collect()
}
