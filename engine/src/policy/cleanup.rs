//! `ClusterCleanupPolicy` and `CleanupPolicy` of kyverno.io (v2, v2beta1).

use serde::Deserialize;
use serde_json::Value;

use super::rule::ContextEntry;
use super::selection::MatchBlock;
use crate::diagnostic::Diagnostic;
use crate::object::ObjectExt;

/// A cleanup policy.
#[derive(Clone, Debug, Default)]
pub struct CleanupPolicy {
    /// `metadata.name`.
    pub name: String,
    /// `""` for a `ClusterCleanupPolicy`.
    pub namespace: String,
    /// `spec`.
    pub spec: CleanupSpec,
    /// The whole object.
    pub raw: Value,
}

/// `spec` of a [`CleanupPolicy`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CleanupSpec {
    /// Variables for the conditions.
    pub context: Vec<ContextEntry>,
    /// What is deleted: `any` or `all`.
    #[serde(rename = "match")]
    pub match_block: MatchBlock,
    /// What is kept, of what matched.
    #[serde(rename = "exclude")]
    pub exclude_block: Option<MatchBlock>,
    /// `any`/`all` conditions on `target`.
    pub conditions: Option<Value>,
    /// When, as a cron line in UTC.
    pub schedule: String,
    /// `Foreground`, `Background` or `Orphan`.
    pub deletion_propagation_policy: Option<String>,
}

impl CleanupPolicy {
    /// Whether the object is a cleanup policy of kyverno.io.
    #[must_use]
    pub fn is(value: &Value) -> bool {
        value.gvk().group == "kyverno.io" && matches!(value.kind(), "ClusterCleanupPolicy" | "CleanupPolicy")
    }

    /// Reads a cleanup policy.
    ///
    /// # Errors
    /// A field has the wrong type.
    pub fn read(raw: Value) -> Result<Self, Diagnostic> {
        let spec = raw.get("spec").map(CleanupSpec::deserialize).transpose();
        let spec = spec.map_err(|error| {
            Diagnostic::error(format!("{} {}: {error}", raw.kind(), raw.name())).hint("compare it with the CRD")
        })?;
        let namespace = match (raw.kind(), raw.namespace()) {
            ("ClusterCleanupPolicy", _) => "",
            (_, "") => "default",
            (_, namespace) => namespace,
        };
        let (name, namespace) = (raw.name().to_owned(), namespace.to_owned());
        Ok(Self { name, namespace, spec: spec.unwrap_or_default(), raw })
    }
}
