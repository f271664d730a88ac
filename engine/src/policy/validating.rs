//! `ValidatingPolicy` and `NamespacedValidatingPolicy` of policies.kyverno.io.

use serde::Deserialize;

use super::constraints::{
    AuditAnnotation, Autogen, CelPolicy, Evaluation, MatchConditions, MatchResources, Validation, Variable,
    WebhookTimeout,
};

/// A validating policy.
pub type ValidatingPolicy = CelPolicy<ValidatingSpec>;

/// `spec` of a [`ValidatingPolicy`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValidatingSpec {
    /// What it concerns; without it nothing.
    pub match_constraints: Option<MatchResources>,
    /// All must hold.
    pub match_conditions: MatchConditions,
    /// Evaluated when first used.
    pub variables: Vec<Variable>,
    /// The checks, in order; the first false one decides.
    pub validations: Vec<Validation>,
    /// They become properties of the result.
    pub audit_annotations: Vec<AuditAnnotation>,
    /// `Deny` (default), `Audit`, `Warn`.
    pub validation_actions: Vec<String>,
    /// `Fail` (default) or `Ignore`.
    pub failure_policy: Option<String>,
    /// Pod controllers and the API server's policies.
    pub autogen: Option<Autogen>,
    /// Mode and switches.
    pub evaluation: Option<Evaluation>,
    /// How the webhook is registered.
    pub webhook_configuration: Option<WebhookTimeout>,
}
