//! `ValidatingAdmissionPolicy`, `MutatingAdmissionPolicy` and their bindings of admissionregistration.k8s.io.

use serde::Deserialize;
use serde_json::Value;

use super::constraints::{AuditAnnotation, CelPolicy, MatchConditions, MatchResources, Validation, Variable};
use super::mutating::Mutation;

/// The API server's validating policy.
pub type ValidatingAdmissionPolicy = CelPolicy<ValidatingAdmissionSpec>;

/// The API server's mutating policy.
pub type MutatingAdmissionPolicy = CelPolicy<MutatingAdmissionSpec>;

/// A binding of either; without one the policy has no effect in a cluster.
pub type AdmissionBinding = CelPolicy<BindingSpec>;

/// `spec` of a [`ValidatingAdmissionPolicy`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValidatingAdmissionSpec {
    /// The kind of the parameters; without it there is no `params`.
    pub param_kind: Option<ParamKind>,
    /// What it concerns.
    pub match_constraints: Option<MatchResources>,
    /// All must hold.
    pub match_conditions: MatchConditions,
    /// Evaluated when first used.
    pub variables: Vec<Variable>,
    /// The checks; all are evaluated.
    pub validations: Vec<Validation>,
    /// Annotations of the audit event.
    pub audit_annotations: Vec<AuditAnnotation>,
    /// `Fail` (default) or `Ignore`.
    pub failure_policy: Option<String>,
}

/// `spec` of a [`MutatingAdmissionPolicy`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MutatingAdmissionSpec {
    /// The kind of the parameters.
    pub param_kind: Option<ParamKind>,
    /// What it concerns.
    pub match_constraints: Option<MatchResources>,
    /// All must hold.
    pub match_conditions: MatchConditions,
    /// Evaluated when first used.
    pub variables: Vec<Variable>,
    /// The patches, in order.
    pub mutations: Vec<Mutation>,
    /// `Fail` (default) or `Ignore`.
    pub failure_policy: Option<String>,
    /// `Never` (default) or `IfNeeded`.
    pub reinvocation_policy: Option<String>,
}

/// `paramKind`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ParamKind {
    /// Group and version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
}

/// `spec` of an [`AdmissionBinding`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BindingSpec {
    /// The policy.
    pub policy_name: String,
    /// Narrows what the policy concerns.
    pub match_resources: Option<MatchResources>,
    /// Which parameters.
    pub param_ref: Option<ParamRef>,
    /// `Deny`, `Warn`, `Audit`.
    pub validation_actions: Vec<String>,
}

/// `paramRef`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ParamRef {
    /// Exact name.
    pub name: String,
    /// Namespace; for namespaced parameters without it, the object's own.
    pub namespace: String,
    /// Label selector instead of a name.
    pub selector: Option<Value>,
    /// `Deny` (default) or `Allow`.
    pub parameter_not_found_action: Option<String>,
}
