//! `PolicyException` of policies.kyverno.io.

use serde::Deserialize;
use serde_json::Value;

use super::constraints::{CelPolicy, MatchConditions};

/// An exception from CEL policies.
pub type CelException = CelPolicy<CelExceptionSpec>;

/// `spec` of a [`CelException`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CelExceptionSpec {
    /// The policies it is from.
    pub policy_refs: Vec<PolicyRef>,
    /// All must hold; none matches everything.
    pub match_conditions: MatchConditions,
    /// Images that are allowed; with images or values the policy still runs.
    pub images: Vec<String>,
    /// Values that are allowed.
    pub allowed_values: Vec<String>,
    /// `skip` (default) or `pass`.
    pub report_result: Option<String>,
    /// RFC 3339; afterwards it is as if it were not there.
    pub expires_at: Option<String>,
    /// Properties of the result.
    pub properties: Option<Value>,
}

/// `policyRefs[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct PolicyRef {
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: String,
}

impl CelException {
    /// Whether the exception names a policy.
    #[must_use]
    pub fn is_for(&self, kind: &str, name: &str) -> bool {
        self.spec.policy_refs.iter().any(|policy| policy.name == name && policy.kind == kind)
    }

    /// Whether it has expired at a Unix time.
    #[must_use]
    pub fn expired(&self, now: i64) -> bool {
        let expires = self.spec.expires_at.as_deref().and_then(|at| chrono::DateTime::parse_from_rfc3339(at).ok());
        expires.is_some_and(|at| at.timestamp() <= now)
    }

    /// Whether it lifts the policy as a whole.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.spec.images.is_empty() && self.spec.allowed_values.is_empty()
    }
}
