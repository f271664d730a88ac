//! Reads the files that a test names: policies with the strictness of the CRDs, resources, exceptions, mocks.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::document::{RequestInfo, Test, TestResult, ValuesSpec, user_info, values};
use super::mocks;
use super::view::Outside;
use crate::diagnostic::Severity;
use crate::object::ObjectExt;
use crate::object::catalog::Catalog;
use crate::parse::Document;
use crate::parse::span::{Span, SpanTree};
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
    Ok(parsed(path, text)?.into_iter().map(|document| document.value).collect())
}

/// The same with the places of their nodes.
///
/// # Errors
/// As [`documents`].
pub fn parsed(path: &str, text: &str) -> Result<Vec<Document>, String> {
    // Go's readers of documents (apimachinery `YAMLReader`) end every line, the last one too: a block at the end of a file
    // keeps its line break.
    let ended = if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
    let parsed = crate::parse::yaml::parse(path, &ended);
    let wrong = parsed.diagnostics.iter().find(|problem| problem.severity == Severity::Error);
    match wrong {
        Some(problem) => Err(placed(path, problem.span, &problem.message)),
        None => Ok(parsed.documents),
    }
}

/// `path:line:column: words`
fn placed(path: &str, span: Option<Span>, words: &str) -> String {
    let place = span.map(|span| format!(":{}:{}", span.line, span.column)).unwrap_or_default();
    format!("{path}{place}: {words}")
}

/// The words of a decoder, at the field that they name (`unknown field \`x\``) where the document has it.
#[must_use]
pub fn at_field(document: &Document, words: &str) -> String {
    fn find<'t>(tree: &'t SpanTree, name: &str) -> Option<&'t SpanTree> {
        let own = tree.fields.iter().find(|(key, _)| key == name).map(|(_, field)| field);
        own.or_else(|| tree.fields.iter().map(|(_, field)| field).chain(&tree.items).find_map(|tree| find(tree, name)))
    }
    let named = words.split('`').nth(1).and_then(|name| find(&document.spans, name));
    let node = named.unwrap_or(&document.spans);
    placed(&document.file, Some(node.key.unwrap_or(node.span)), words)
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
        (None, path) => reader.decoded(path, values)?,
    };
    let user = if test.userinfo.is_empty() { None } else { Some(reader.decoded(&test.userinfo, user_info)?) };
    let mut data =
        TestData { dir: dir.to_owned(), name: test.metadata.str_at(&["name"]).to_owned(), user, ..TestData::default() };
    data.policies = reader.policies(&test.policies)?;
    data.resources = unique(reader.resources(&test.resources, &catalog)?);
    data.targets = reader.resources(&test.target_resources, &catalog)?;
    data.params = reader.resources(&test.param_resources, &catalog)?;
    data.payloads = reader.payloads(&test.json_payloads)?;
    // Go's `encoding/json` makes every number a float; YAML keeps whole ones.
    for (_, payload) in data.payloads.iter_mut().filter(|(path, _)| path.ends_with(".json")) {
        *payload = floats(std::mem::take(payload));
    }
    data.http_payloads = reader.payloads(&test.http_payloads)?;
    data.envoy_payloads = reader.payloads(&test.envoy_payloads)?;
    reader.exceptions(&test.exceptions, &mut data)?;
    check_operations(&test, &spec)?;
    mocks::check_api_calls(&test.api_call_responses)?;
    data.outside = Outside {
        values: spec,
        api_calls: test.api_call_responses.clone(),
        global_context: mocks::global_context(&test.global_context_entries, |path| reader.documents(&join(dir, path)))?,
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
    fn text(&self, path: &str) -> Result<String, String> {
        self.files.read(path).ok_or_else(|| match self.files.is_dir(path) {
            true => format!("read {path}: is a directory"),
            false => format!("open {path}: no such file or directory"),
        })
    }

    fn documents(&self, path: &str) -> Result<Vec<Value>, String> {
        documents(path, &self.text(path)?)
    }

    fn single(&self, path: &str) -> Result<Value, String> {
        self.decoded(path, Ok)
    }

    /// The first document of a file as what it is; mistakes with their place.
    fn decoded<T>(&self, path: &str, decode: fn(Value) -> Result<T, String>) -> Result<T, String> {
        let path = join(self.dir, path);
        let first = parsed(&path, &self.text(&path)?)?.into_iter().next();
        let document = first.ok_or_else(|| format!("{path} is empty"))?;
        decode(document.value.clone()).map_err(|words| at_field(&document, &words))
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
            return Err(format!("open {path}: no such file or directory"));
        }
        if is_yaml(path) || path == "-" {
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
                None if index == 0 => return Err(format!("open {path}: no such file or directory")),
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
            let path = join(self.dir, path);
            for document in parsed(&path, &self.text(&path)?)? {
                let gvk = document.value.gvk();
                let loaded = schema::load(document.value);
                if let Some(finding) = loaded.findings.first() {
                    let node = document.spans.nearest(&finding.pointer);
                    let words = format!("unable to load exceptions ({})", finding.message);
                    return Err(placed(&path, Some(node.key.unwrap_or(node.span)), &words));
                }
                match (gvk.group.as_str(), gvk.version.as_str(), gvk.kind.as_str()) {
                    ("kyverno.io", "v2" | "v2beta1", "PolicyException") => data.exceptions.push(loaded.value),
                    ("policies.kyverno.io", _, "PolicyException") => data.cel_exceptions.push(loaded.value),
                    _ => {
                        let (version, kind) = (gvk.api_version(), gvk.kind);
                        let words = format!("policy exception type not supported {version}, Kind={kind}");
                        let words = format!("unable to load exceptions ({words})");
                        return Err(placed(&path, Some(document.spans.span), &words));
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
}

/// What is no policy of a served version is left out, as Kyverno's loader does; an unknown field is an error. The items of a
/// List are taken as they are: neither checked nor completed with defaults.
fn policy_document(document: Value, policies: &mut Vec<Value>) -> Result<(), String> {
    if document.kind() == "List" && document.api_version() == "v1" {
        let items = document.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        policies.extend(
            items
                .into_iter()
                .filter(|item| schema::table::table().kind(&item.gvk()).is_some() && is_policy(item))
                .map(housed),
        );
        return Ok(());
    }
    let loaded = schema::load(document);
    if let Some(finding) = loaded.findings.iter().find(|finding| finding.kind == FindingKind::UnknownField) {
        return Err(format!("error: failed to load policies ({})", finding.message));
    }
    if loaded.refused() || !loaded.known {
        return Ok(());
    }
    if !is_policy(&loaded.value) {
        let gvk = loaded.value.gvk();
        return Err(format!("policy type not supported {}, Kind={}", gvk.api_version(), gvk.kind));
    }
    policies.push(housed(loaded.value));
    Ok(())
}

fn is_policy(object: &Value) -> bool {
    matches!(object.gvk().group.as_str(), "kyverno.io" | "policies.kyverno.io" | "admissionregistration.k8s.io")
}

/// A namespaced policy without a namespace is one of `default`.
fn housed(mut policy: Value) -> Value {
    let namespaced = policy.kind() == "Policy" || policy.kind().starts_with("Namespaced");
    if namespaced && policy.namespace().is_empty() {
        policy.set_at(&["metadata", "namespace"], Value::from("default"));
    }
    policy
}

/// The manifests of a file as `kyverno test` reads them: a namespace for every kind that is not known as cluster-scoped,
/// and no null where a mapping belongs.
///
/// # Errors
/// A document cannot be read.
pub fn manifests(path: &str, text: &str, catalog: &Catalog) -> Result<Vec<Value>, String> {
    let prepare = |document: Document| {
        let mut object = document.value;
        for field in ["kind", "apiVersion"] {
            if object.str_at(&[field]).is_empty() {
                let words = format!("Object '{field}' is missing (a manifest has apiVersion, kind and metadata.name)");
                return Err(placed(path, Some(document.spans.span), &words));
            }
        }
        if object.namespace().is_empty() && catalog_scope(catalog, &object) {
            object.set_at(&["metadata", "namespace"], Value::from("default"));
        }
        fill_null_mappings(&mut object);
        Ok(object)
    };
    parsed(path, text)?.into_iter().map(prepare).collect()
}

/// Whether the command line takes the kind for a namespaced one: its list of kinds (`data/api-group-resources.json`) has neither
/// Kyverno's own nor those of reports, and what it does not have is namespaced.
fn catalog_scope(catalog: &Catalog, object: &Value) -> bool {
    let mut gvk = object.gvk();
    gvk.version.clear();
    let unlisted = ["kyverno.io", "openreports.io", "wgpolicyk8s.io", "metrics.k8s.io"]
        .iter()
        .any(|group| gvk.group == *group || gvk.group.strip_suffix(group).is_some_and(|rest| rest.ends_with('.')))
        || gvk.kind.starts_with("MutatingAdmissionPolicy");
    unlisted || catalog.is_namespaced(&gvk).unwrap_or(true)
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

/// The value with whole numbers as floats.
fn floats(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Number(number), Value::from),
        Value::Array(items) => Value::Array(items.into_iter().map(floats).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, value)| (key, floats(value))).collect()),
        other => other,
    }
}
