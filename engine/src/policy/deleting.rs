//! `DeletingPolicy` and `NamespacedDeletingPolicy` of policies.kyverno.io.

use serde::Deserialize;

use super::constraints::{CelPolicy, MatchConditions, MatchResources, Variable};

/// A deleting policy.
pub type DeletingPolicy = CelPolicy<DeletingSpec>;

/// `spec` of a [`DeletingPolicy`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeletingSpec {
    /// What it concerns; operations do not count.
    pub match_constraints: Option<MatchResources>,
    /// All must hold.
    pub conditions: MatchConditions,
    /// Evaluated when first used.
    pub variables: Vec<Variable>,
    /// Cron expression.
    pub schedule: String,
    /// `Foreground`, `Background` or `Orphan`.
    pub deletion_propagation_policy: Option<String>,
}
