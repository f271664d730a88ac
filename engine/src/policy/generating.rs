//! `GeneratingPolicy` and `NamespacedGeneratingPolicy` of policies.kyverno.io.

use serde::Deserialize;
use serde_json::Value;

use super::constraints::{
    AuditAnnotation, CelPolicy, Evaluation, MatchConditions, MatchResources, Variable, WebhookTimeout,
};

/// A generating policy.
pub type GeneratingPolicy = CelPolicy<GeneratingSpec>;

/// `spec` of a [`GeneratingPolicy`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GeneratingSpec {
    /// What triggers it.
    pub match_constraints: Option<MatchResources>,
    /// All must hold.
    pub match_conditions: MatchConditions,
    /// Evaluated when first used.
    pub variables: Vec<Variable>,
    /// What is generated, in order.
    pub generate: Vec<Generation>,
    /// They become properties of the result.
    pub audit_annotations: Vec<AuditAnnotation>,
    /// Mode and switches.
    pub evaluation: Option<Evaluation>,
    /// Server-side apply for generated resources.
    pub use_server_side_apply: Option<bool>,
    /// How the webhook is registered.
    pub webhook_configuration: Option<WebhookTimeout>,
}

/// `generate[]`: an expression or a template.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Generation {
    /// Expression of type bool that calls `generator.Apply`.
    pub expression: String,
    /// A manifest with placeholders.
    pub template: Option<Template>,
}

/// `generate[].template`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Template {
    /// `none` (default) or `cel`: whether `(( … ))` is evaluated.
    pub interpolate: Option<String>,
    /// YAML text of one or more manifests, or a manifest written directly.
    pub value: Value,
}
