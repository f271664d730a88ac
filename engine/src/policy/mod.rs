//! Policies as data: every kind that Kyverno and the API server evaluate, read from an unstructured object.
//!
//! Nothing here decides anything. Field names and defaults are those of the CRDs (`config/crds`, Kyverno 1.19).

pub mod admission_policies;
pub mod cel_exception;
pub mod cleanup;
pub mod complete;
pub mod constraints;
pub mod convert;
pub mod deleting;
pub mod exception;
pub mod generating;
pub mod image_validating;
pub mod lint;
pub mod load;
pub mod mutating;
pub mod rule;
pub mod schema;
pub mod selection;
pub mod service_accounts;
pub mod validating;

use std::cell::OnceCell;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::object::ObjectExt;
use crate::object::read;
use rule::Rule;

/// A `ClusterPolicy` or a namespaced `Policy` (kyverno.io/v1, v2beta1).
#[derive(Clone, Debug, Default)]
pub struct ClassicPolicy {
    /// `metadata.name`.
    pub name: String,
    /// `""` for a `ClusterPolicy`.
    pub namespace: String,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `spec`.
    pub spec: Spec,
    /// The whole object as it was written (with CRD defaults).
    pub raw: Value,
    /// What autogen has made of the rules, once that was asked: the index of the written rule, and the rule, where it can be read.
    pub generated: OnceCell<Vec<(usize, Option<Rule>)>>,
}

impl ClassicPolicy {
    /// Reads a policy from its object, which has its CRD's defaults.
    ///
    /// # Errors
    /// The object has not the shape of its CRD; serde's words.
    pub fn read(object: &Value) -> Result<Self, String> {
        Ok(Self {
            name: object.name().to_owned(),
            namespace: object.namespace().to_owned(),
            annotations: object.annotations(),
            labels: object.labels(),
            spec: read_spec(object)?,
            raw: object.clone(),
            generated: OnceCell::new(),
        })
    }

    /// `name`, or `namespace/name` for a namespaced policy: what `UpdateRequest.spec.policy` and reports use.
    #[must_use]
    pub fn key(&self) -> String {
        if self.namespace.is_empty() { self.name.clone() } else { format!("{}/{}", self.namespace, self.name) }
    }
}

/// `spec`, where an explicit `null` is as good as nothing.
pub(crate) fn read_spec<T: serde::de::DeserializeOwned + Default>(object: &Value) -> Result<T, String> {
    let Some(spec) = object.get("spec").filter(|spec| !spec.is_null()) else { return Ok(T::default()) };
    read::read(spec).or_else(|error| {
        let mut spec = spec.clone();
        drop_nulls(&mut spec);
        read::read(&spec).map_err(|_| error.to_string())
    })
}

/// Drops nulls of fields that have a type; below patterns and patches a null means something.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            let open = |key: &str| {
                matches!(
                    key,
                    "pattern" | "anyPattern" | "patchStrategicMerge" | "data" | "conditions" | "preconditions"
                )
            };
            map.iter_mut().filter(|(key, _)| !open(key)).for_each(|(_, value)| drop_nulls(value));
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// `spec` of a [`ClassicPolicy`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spec {
    /// The rules as written; autogen adds more at evaluation.
    pub rules: Vec<Rule>,
    /// `All` (default) or `One`.
    pub apply_rules: Option<String>,
    /// `Fail` (default) or `Ignore`.
    pub failure_policy: Option<String>,
    /// Older place of `failureAction`: `Audit` (default) or `Enforce`, any casing.
    pub validation_failure_action: Option<String>,
    /// Overrides of the above by namespace.
    pub validation_failure_action_overrides: Vec<FailureActionOverride>,
    /// Audit failures become admission warnings.
    pub emit_warning: Option<bool>,
    /// Evaluated at admission; default true.
    pub admission: Option<bool>,
    /// Evaluated by the background scan; default true.
    pub background: Option<bool>,
    /// Older place of `mutate.mutateExistingOnPolicyUpdate`.
    pub mutate_existing_on_policy_update: Option<bool>,
    /// Older place of `generate.generateExisting`.
    pub generate_existing: Option<bool>,
    /// The same, older still.
    pub generate_existing_on_policy_update: Option<bool>,
    /// Deprecated; no effect.
    pub schema_validation: Option<bool>,
    /// Older place of `webhookConfiguration.timeoutSeconds`.
    pub webhook_timeout_seconds: Option<i64>,
    /// Server-side apply for generated resources.
    pub use_server_side_apply: Option<bool>,
    /// How the webhook for this policy is registered.
    pub webhook_configuration: Option<WebhookConfiguration>,
}

/// `failureActionOverrides[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FailureActionOverride {
    /// `Audit` or `Enforce`.
    pub action: String,
    /// Namespace names with wildcards.
    pub namespaces: Vec<String>,
    /// Label selector on the namespace.
    pub namespace_selector: Option<Value>,
}

/// `spec.webhookConfiguration`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebhookConfiguration {
    /// `Fail` or `Ignore`.
    pub failure_policy: Option<String>,
    /// 1 to 30.
    pub timeout_seconds: Option<i64>,
    /// CEL conditions evaluated by the API server before it calls the webhook.
    pub match_conditions: Vec<MatchCondition>,
}

/// A named CEL condition.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MatchCondition {
    /// Name, for messages.
    pub name: String,
    /// A CEL expression of type bool.
    pub expression: String,
}
