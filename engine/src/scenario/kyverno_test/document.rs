//! The documents of `kyverno test`: Test, Values, UserInfo, Context, ClusterResource, as `cli.kyverno.io` defines them.
//!
//! Decoding is strict, but keys are matched without regard to case, as Go's `encoding/json` does.

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::object::read::read;

/// A `Test`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Test {
    /// Any group; only its presence is checked.
    pub api_version: String,
    /// Any kind; only its presence is checked.
    pub kind: String,
    /// Only the name is used.
    pub metadata: Value,
    /// The legacy place of the name; refused.
    pub name: String,
    /// Files or directories of policies.
    pub policies: Vec<String>,
    /// Files or one directory of triggers.
    pub resources: Vec<String>,
    /// One more of `json_payloads`.
    pub json_payload: String,
    /// Files whose root is an object.
    pub json_payloads: Vec<String>,
    /// CheckRequests for HTTP policies.
    pub http_payloads: Vec<String>,
    /// CheckRequests for Envoy policies.
    pub envoy_payloads: Vec<String>,
    /// Files of mutate-existing targets.
    pub target_resources: Vec<String>,
    /// A `Values` file.
    pub variables: String,
    /// Files of parameters of admission policy bindings.
    pub param_resources: Vec<String>,
    /// A `UserInfo` file.
    pub userinfo: String,
    /// What is expected.
    pub results: Vec<TestResult>,
    /// Inline values; they win over `variables`.
    pub values: Option<ValuesSpec>,
    /// Files of exceptions.
    pub exceptions: Vec<String>,
    /// A `Context` file.
    pub context: String,
    /// `ClusterResource` files.
    pub cluster_resources: Vec<String>,
    /// Canned answers of services and of the API server.
    pub api_call_responses: Vec<ApiCallResponse>,
    /// Canned global context entries.
    pub global_context_entries: Vec<GlobalContextEntry>,
}

/// One entry of `results`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TestResult {
    /// `name` or `namespace/name`; only the name is compared.
    pub policy: String,
    /// The rule, without `autogen-`.
    pub rule: String,
    /// `pass`, `fail`, `skip`, `warn`, `error`.
    pub result: String,
    /// Documentation only.
    pub kind: String,
    /// `CREATE`, `UPDATE`, `DELETE`, or the default run.
    pub operation: String,
    /// `name` or `namespace/name`.
    pub resources: Option<Vec<String>>,
    /// Consulted together with `resources`.
    pub resource_specs: Vec<ResourceSpec>,
    /// File with the mutated resource.
    pub patched_resources: String,
    /// File with the generated resource.
    pub generated_resource: String,
    /// Files of which one has the generated resource.
    pub generated_resources: Vec<String>,
    /// File with what a generate rule clones.
    pub clone_source_resource: String,
    /// A resource missing in the file of expected resources is a failure.
    pub fail_on_missing_resources: bool,
    /// Documentation only.
    pub is_validating_admission_policy: bool,
    /// Documentation only.
    pub is_mutating_admission_policy: bool,
    /// Documentation only.
    pub is_validating_policy: bool,
    /// Documentation only, but it excludes `operation`.
    pub is_deleting_policy: bool,
    /// Documentation only.
    pub is_image_validating_policy: bool,
    /// Documentation only.
    pub is_generating_policy: bool,
    /// Documentation only.
    pub is_mutating_policy: bool,
}

/// One entry of `resourceSpecs`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ResourceSpec {
    /// API group.
    pub group: String,
    /// Version.
    pub version: String,
    /// Not compared.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Not compared.
    pub subresource: String,
    /// Name.
    pub name: String,
}

/// One entry of `apiCallResponses`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ApiCallResponse {
    /// Absolute URL of a service.
    pub url: String,
    /// Path on the API server.
    pub url_path: String,
    /// `""`, `GET` or `POST`.
    pub method: String,
    /// What it answers.
    pub response: CannedResponse,
}

/// `response` of an [`ApiCallResponse`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct CannedResponse {
    /// 0 is 200.
    pub status_code: i64,
    /// An object.
    pub body: Value,
}

/// One entry of `globalContextEntries`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct GlobalContextEntry {
    /// Name of the entry.
    pub name: String,
    /// An object.
    pub data: Option<Value>,
    /// Manifests; the root is then a list.
    pub resources: Option<Vec<Value>>,
    /// Files of manifests, below the directory of the test.
    pub resource_files: Option<Vec<String>>,
    /// JMESPath on the root.
    pub field_path: String,
    /// Where there are any, the value is an object of them.
    pub projections: Vec<Projection>,
}

/// `projections[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Projection {
    /// Key of the result.
    pub name: String,
    /// JMESPath on the root.
    pub path: String,
}

/// What a `Values` file gives.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct ValuesSpec {
    /// For every policy and resource.
    pub global_values: Option<IndexMap<String, Value>>,
    /// By policy.
    pub policies: Vec<PolicyValues>,
    /// Labels of namespaces.
    pub namespace_selector: Vec<NamespaceLabels>,
    /// Namespace objects; they win over the labels.
    pub namespaces: Vec<Value>,
    /// Subresources and their parents.
    pub subresources: Vec<Subresource>,
}

/// `policies[]` of values.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct PolicyValues {
    /// Name without namespace.
    pub name: String,
    /// By resource name.
    pub resources: Vec<NamedValues>,
    /// By rule name.
    pub rules: Vec<NamedValues>,
}

/// Values of a resource or of a rule.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct NamedValues {
    /// Of the resource or rule.
    pub name: String,
    /// Dotted key to value.
    pub values: Option<IndexMap<String, Value>>,
    /// Dotted key to a list, of which the first element is used.
    pub foreach_values: Option<IndexMap<String, Vec<Value>>>,
}

/// `namespaceSelector[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct NamespaceLabels {
    /// Of the namespace.
    pub name: String,
    /// Its labels.
    pub labels: Option<IndexMap<String, Value>>,
}

/// `subresources[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Subresource {
    /// The APIResource whose kind the manifest has.
    pub subresource: Value,
    /// The APIResource above it.
    pub parent_resource: Value,
}

/// `roles`, `clusterRoles` and `userInfo` of a `UserInfo` file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RequestInfo {
    /// Present.
    pub api_version: String,
    /// Present.
    pub kind: String,
    /// Unused.
    pub metadata: Value,
    /// Bound roles, `namespace:name`.
    pub roles: Vec<String>,
    /// Bound cluster roles.
    pub cluster_roles: Vec<String>,
    /// The authenticated user.
    pub user_info: Option<crate::eval::request::UserInfo>,
    /// Asks for a dry run.
    pub synchronize: bool,
}

/// Known keys, for matching without regard to case: a path of parents and the keys below it.
type Keys = [(&'static str, &'static [&'static str])];

const TEST_KEYS: &Keys = &[
    (
        "",
        &[
            "apiVersion",
            "kind",
            "metadata",
            "name",
            "policies",
            "resources",
            "jsonPayload",
            "jsonPayloads",
            "httpPayloads",
            "envoyPayloads",
            "targetResources",
            "variables",
            "paramResources",
            "userinfo",
            "results",
            "values",
            "exceptions",
            "context",
            "clusterResources",
            "apiCallResponses",
            "globalContextEntries",
        ],
    ),
    (
        "results",
        &[
            "policy",
            "rule",
            "result",
            "kind",
            "operation",
            "resources",
            "resourceSpecs",
            "patchedResources",
            "generatedResource",
            "generatedResources",
            "cloneSourceResource",
            "failOnMissingResources",
            "isValidatingAdmissionPolicy",
            "isMutatingAdmissionPolicy",
            "isValidatingPolicy",
            "isDeletingPolicy",
            "isImageValidatingPolicy",
            "isGeneratingPolicy",
            "isMutatingPolicy",
        ],
    ),
];

const VALUES_KEYS: &Keys = &[("", &["globalValues", "policies", "namespaceSelector", "namespaces", "subresources"])];

/// A Test from its document.
///
/// # Errors
/// What is wrong with it, in words.
pub fn test(mut document: Value) -> Result<Test, String> {
    fold_keys(&mut document, TEST_KEYS);
    if let Some(values) = document.get_mut("values") {
        fold_keys(values, VALUES_KEYS);
    }
    let mut test: Test = decode(document)?;
    if test.api_version.is_empty() || test.kind.is_empty() || !test.name.is_empty() {
        return Err(
            "test file uses a deprecated schema: apiVersion and kind are required, and the name belongs below metadata"
                .into(),
        );
    }
    dedupe(&mut test.policies);
    dedupe(&mut test.resources);
    let payload = std::mem::take(&mut test.json_payload);
    if test.json_payloads.is_empty() && !payload.is_empty() {
        test.json_payloads.push(payload);
    }
    test.json_payloads.retain(|path| !path.trim().is_empty());
    for path in &mut test.json_payloads {
        *path = crate::scenario::files::join("", path);
    }
    dedupe(&mut test.json_payloads);
    Ok(test)
}

/// Values from a `Values` document.
///
/// # Errors
/// What is wrong with it, in words.
pub fn values(mut document: Value) -> Result<ValuesSpec, String> {
    if !has_type(&document) {
        return Err("values file uses a deprecated schema: apiVersion and kind are required".into());
    }
    if let Value::Object(map) = &mut document {
        for key in ["apiVersion", "kind", "metadata"] {
            map.shift_remove(key);
        }
    }
    fold_keys(&mut document, VALUES_KEYS);
    decode(document)
}

/// Roles and user from a `UserInfo` document.
///
/// # Errors
/// What is wrong with it, in words.
pub fn user_info(document: Value) -> Result<RequestInfo, String> {
    if !has_type(&document) {
        return Err("userInfo file uses a deprecated schema: apiVersion and kind are required".into());
    }
    decode(document)
}

fn has_type(document: &Value) -> bool {
    ["apiVersion", "kind"]
        .iter()
        .all(|key| document.get(key).and_then(Value::as_str).is_some_and(|word| !word.is_empty()))
}

fn decode<T: DeserializeOwned>(mut document: Value) -> Result<T, String> {
    drop_nulls(&mut document);
    read(&document).map_err(|error| format!("error decoding: {error}"))
}

/// Go reads `null` as the zero value of a field.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            for key in ["metadata", "results", "values", "userInfo"] {
                if let Some(child) = map.get_mut(key) {
                    drop_nulls(child);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn fold_keys(document: &mut Value, keys: &Keys) {
    for (parent, known) in keys {
        let nodes: Vec<&mut Value> = match (*parent, &mut *document) {
            ("", root) => vec![root],
            (parent, root) => match root.get_mut(parent) {
                Some(Value::Array(items)) => items.iter_mut().collect(),
                Some(node) => vec![node],
                None => Vec::new(),
            },
        };
        for map in nodes.into_iter().filter_map(Value::as_object_mut) {
            let renamed = std::mem::take(map).into_iter().map(|(key, value)| {
                let name = known.iter().find(|name| name.eq_ignore_ascii_case(&key));
                (name.map_or(key.clone(), |name| (*name).to_owned()), value)
            });
            *map = renamed.collect();
        }
    }
}

fn dedupe(items: &mut Vec<String>) {
    let mut seen: Vec<String> = Vec::new();
    items.retain(|item| {
        let new = !seen.contains(item);
        if new {
            seen.push(item.clone());
        }
        new
    });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_fold_their_case_and_unknown_ones_are_refused() {
        let doc = json!({"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Test", "Policies": ["a", "a"],
            "results": [{"policy": "p", "isMUtatingPolicy": true, "result": "pass"}]});
        let test = test(doc).expect("decodes");
        assert_eq!(test.policies, ["a"]);
        assert!(test.results.first().is_some_and(|entry| entry.is_mutating_policy));
        let error = super::test(json!({"apiVersion": "x", "kind": "Test", "polices": []})).expect_err("refused");
        assert!(error.contains("unknown field `polices`"), "{error}");
    }

    #[test]
    fn the_old_schema_is_refused() {
        assert!(test(json!({"name": "x", "apiVersion": "v", "kind": "Test"})).is_err());
        assert!(values(json!({"policies": []})).is_err());
    }
}
