//! `ImageValidatingPolicy` and `NamespacedImageValidatingPolicy` of policies.kyverno.io.

use serde::Deserialize;
use serde_json::Value;

use super::constraints::{
    AuditAnnotation, Autogen, CelPolicy, Evaluation, MatchConditions, MatchResources, Validation, Variable,
    WebhookTimeout,
};

/// An image validating policy.
pub type ImageValidatingPolicy = CelPolicy<ImageValidatingSpec>;

/// `spec` of an [`ImageValidatingPolicy`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ImageValidatingSpec {
    /// What it concerns.
    pub match_constraints: Option<MatchResources>,
    /// All must hold.
    pub match_conditions: MatchConditions,
    /// Which images; empty is all.
    pub match_image_references: Vec<MatchImageReference>,
    /// Where images are, for kinds that Kyverno does not know.
    pub images: Vec<ImageExtractor>,
    /// Who may sign.
    pub attestors: Vec<Value>,
    /// What may be attested.
    pub attestations: Vec<Value>,
    /// Evaluated when first used.
    pub variables: Vec<Variable>,
    /// The checks, in order.
    pub validations: Vec<Validation>,
    /// They become properties of the result.
    pub audit_annotations: Vec<AuditAnnotation>,
    /// `Deny` (default), `Audit`, `Warn`.
    pub validation_actions: Vec<String>,
    /// `mutateDigest`, `verifyDigest`, `required`.
    pub validation_configurations: ValidationConfigurations,
    /// Registry credentials; of no use here.
    pub credentials: Option<Value>,
    /// `Fail` (default) or `Ignore`.
    pub failure_policy: Option<String>,
    /// Pod controllers.
    pub autogen: Option<Autogen>,
    /// Mode and switches.
    pub evaluation: Option<Evaluation>,
    /// How the webhook is registered.
    pub webhook_configuration: Option<WebhookTimeout>,
}

/// `matchImageReferences[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct MatchImageReference {
    /// With `*`, `?`, `[…]` and `{a,b}`.
    pub glob: String,
    /// Expression of type bool over `ref`.
    pub expression: String,
}

/// `images[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ImageExtractor {
    /// Name behind `images.`.
    pub name: String,
    /// Expression of type list(string).
    pub expression: String,
}

/// `validationConfigurations`; every switch is on by default.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValidationConfigurations {
    /// Tags are replaced by digests.
    pub mutate_digest: Option<bool>,
    /// Images must have a digest.
    pub verify_digest: Option<bool>,
    /// Images must be verified by a policy.
    pub required: Option<bool>,
}
