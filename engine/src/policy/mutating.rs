//! `MutatingPolicy` and `NamespacedMutatingPolicy` of policies.kyverno.io.

use serde::{Deserialize, Deserializer};

use crate::object::read::{field, read, whole};

use super::constraints::{
    AuditAnnotation, Autogen, CelPolicy, Evaluation, MatchConditions, MatchResources, Variable, WebhookTimeout,
};

/// A mutating policy.
pub type MutatingPolicy = CelPolicy<MutatingSpec>;

/// `spec` of a [`MutatingPolicy`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MutatingSpec {
    /// What it concerns.
    pub match_constraints: Option<MatchResources>,
    /// All must hold; may use variables.
    pub match_conditions: MatchConditions,
    /// What is changed instead of the trigger (`mutateExisting`).
    pub target_match_constraints: Option<TargetMatchConstraints>,
    /// All must hold for a target.
    pub target_match_conditions: MatchConditions,
    /// Evaluated when first used.
    pub variables: Vec<Variable>,
    /// The patches, in order, each on the result of the one before.
    pub mutations: Vec<Mutation>,
    /// They become properties of the result.
    pub audit_annotations: Vec<AuditAnnotation>,
    /// `Fail` (default) or `Ignore`.
    pub failure_policy: Option<String>,
    /// `Never` (default) or `IfNeeded`.
    pub reinvocation_policy: Option<String>,
    /// Pod controllers and the API server's policies.
    pub autogen: Option<Autogen>,
    /// Mode and switches.
    pub evaluation: Option<Evaluation>,
    /// How the webhook is registered.
    pub webhook_configuration: Option<WebhookTimeout>,
}

/// `targetMatchConstraints`: the constraints, or an expression that gives `{group, version, resource, …}`.
#[derive(Clone, Debug, Default)]
pub struct TargetMatchConstraints {
    /// Expression of type map.
    pub expression: String,
    /// The constraints.
    pub resources: MatchResources,
}

impl<'de> Deserialize<'de> for TargetMatchConstraints {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        whole(from, |block| Ok(Self { expression: field(block, "expression")?, resources: read(block)? }))
    }
}

/// `mutations[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mutation {
    /// `ApplyConfiguration` or `JSONPatch`.
    pub patch_type: String,
    /// `Object{…}`.
    pub apply_configuration: Option<Patch>,
    /// `[JSONPatch{…}]`.
    pub json_patch: Option<Patch>,
}

/// The expression of a patch.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Patch {
    /// Of type `Object` or `list(JSONPatch)`.
    pub expression: String,
}
