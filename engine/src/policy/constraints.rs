//! What the CEL policies have in common: metadata, match constraints, variables, validations.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::MatchCondition;
use crate::object::ObjectExt;
use crate::object::read::read;

/// A policy object whose body is `spec`.
#[derive(Clone, Debug, Default)]
pub struct CelPolicy<S> {
    /// Kind such as `ValidatingPolicy` or `NamespacedValidatingPolicy`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `""` for cluster-wide policies.
    pub namespace: String,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `spec`.
    pub spec: S,
    /// The whole object as it was written (with CRD defaults).
    pub raw: Value,
}

impl<S: DeserializeOwned + Default> CelPolicy<S> {
    /// Reads a policy object. A namespaced kind without a namespace is in `default`.
    ///
    /// # Errors
    /// A field has the wrong type; the words say which.
    pub fn from_value(value: &Value) -> Result<Self, String> {
        let spec = match value.get("spec") {
            Some(spec) => read::<S>(spec).map_err(|error| format!("spec: {error}"))?,
            None => S::default(),
        };
        let namespaced = value.kind().starts_with("Namespaced") || value.kind() == "PolicyException";
        let namespace = match value.namespace() {
            "" if namespaced => "default",
            namespace if namespaced => namespace,
            _ => "",
        };
        Ok(Self {
            kind: value.kind().to_owned(),
            name: value.name().to_owned(),
            namespace: namespace.to_owned(),
            annotations: value.annotations(),
            labels: value.labels(),
            spec,
            raw: value.clone(),
        })
    }
}

impl<S> CelPolicy<S> {
    /// `name`, or `namespace/name` for a namespaced policy.
    #[must_use]
    pub fn key(&self) -> String {
        if self.namespace.is_empty() { self.name.clone() } else { format!("{}/{}", self.namespace, self.name) }
    }
}

/// `MatchResources` of admissionregistration.k8s.io.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct MatchResources {
    /// Label selector on the namespace.
    pub namespace_selector: Option<Value>,
    /// Label selector on the object, new or old.
    pub object_selector: Option<Value>,
    /// One must match; empty matches everything.
    pub resource_rules: Vec<NamedRule>,
    /// None may match.
    pub exclude_resource_rules: Vec<NamedRule>,
    /// `Equivalent` (default) or `Exact`.
    pub match_policy: Option<String>,
}

/// `NamedRuleWithOperations`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct NamedRule {
    /// Exact names; empty is any.
    #[serde(deserialize_with = "or_default")]
    pub resource_names: Vec<String>,
    /// Groups or `*`.
    #[serde(deserialize_with = "or_default")]
    pub api_groups: Vec<String>,
    /// Versions or `*`.
    #[serde(deserialize_with = "or_default")]
    pub api_versions: Vec<String>,
    /// `pods`, `pods/status`, `pods/*`, `*`, `*/scale`, `*/*`.
    #[serde(deserialize_with = "or_default")]
    pub resources: Vec<String>,
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT`, `*`.
    #[serde(deserialize_with = "or_default")]
    pub operations: Vec<String>,
    /// `Cluster`, `Namespaced` or `*` (default).
    pub scope: Option<String>,
}

/// A `null` list is an empty one.
fn or_default<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// `variables[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Variable {
    /// Name behind `variables.`.
    pub name: String,
    /// Expression of any type; may use the variables before it.
    pub expression: String,
}

/// `validations[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Validation {
    /// Expression of type bool.
    pub expression: String,
    /// Message when it is false.
    pub message: String,
    /// Expression of type string that makes the message.
    pub message_expression: String,
    /// Machine-readable reason, for the API server's answer.
    pub reason: Option<String>,
}

/// `auditAnnotations[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuditAnnotation {
    /// Key of the annotation.
    pub key: String,
    /// Expression of type string or null.
    pub value_expression: String,
}

/// `spec.autogen` of the policies that have it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Autogen {
    /// Which pod controllers.
    pub pod_controllers: Option<PodControllers>,
    /// Whether the API server's own policy is made of this one.
    pub validating_admission_policy: Option<Enabled>,
    /// The same for mutating policies.
    pub mutating_admission_policy: Option<Enabled>,
}

/// `autogen.podControllers`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodControllers {
    /// Resource names such as `deployments`; absent is all, an empty list none.
    pub controllers: Option<Vec<String>>,
}

/// `{enabled: bool}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Enabled {
    /// The switch.
    pub enabled: Option<bool>,
}

/// `spec.evaluation`, the fields of all kinds together.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Evaluation {
    /// `Kubernetes` (default), `JSON`, `Envoy` or `HTTP`.
    pub mode: Option<String>,
    /// At admission; default true.
    pub admission: Option<Enabled>,
    /// By the background scan; default true.
    pub background: Option<Enabled>,
    /// Existing resources are mutated.
    pub mutate_existing: Option<Enabled>,
    /// Generated resources are kept as the policy says.
    pub synchronize: Option<Enabled>,
    /// Existing triggers count.
    pub generate_existing: Option<Enabled>,
    /// What was generated stays when the policy goes.
    pub orphan_downstream_on_policy_delete: Option<Enabled>,
    /// Requests of the background controller are left alone.
    pub skip_background_requests: Option<bool>,
    /// Patches may change atomic lists and maps.
    pub use_server_side_apply: Option<bool>,
}

impl Evaluation {
    /// A switch with its default.
    #[must_use]
    pub fn on(switch: Option<&Enabled>, default: bool) -> bool {
        switch.and_then(|switch| switch.enabled).unwrap_or(default)
    }

    /// The mode, `Kubernetes` unless it is given.
    #[must_use]
    pub fn mode(&self) -> &str {
        self.mode.as_deref().filter(|mode| !mode.is_empty()).unwrap_or("Kubernetes")
    }
}

/// `spec.webhookConfiguration` of the Kyverno kinds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebhookTimeout {
    /// Seconds.
    pub timeout_seconds: Option<i64>,
}

/// Conditions under which a policy is looked at.
pub type MatchConditions = Vec<MatchCondition>;
