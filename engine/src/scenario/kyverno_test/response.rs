//! What the processor hands to the comparison: one response per policy and resource, as Kyverno's EngineResponse.

use indexmap::IndexMap;
use serde_json::Value;

use crate::eval::verdict::RuleResponse;
use crate::object::ObjectExt;

/// The answer of one policy to one resource.
#[derive(Clone, Debug, Default)]
pub struct EngineResponse {
    /// Kind of the policy, such as `ClusterPolicy`.
    pub policy_kind: String,
    /// Its namespace.
    pub policy_namespace: String,
    /// Its name.
    pub policy_name: String,
    /// The whole policy, for reports.
    pub policy: Value,
    /// The resource evaluated.
    pub resource: Value,
    /// The resource after mutation; the same where nothing changed.
    pub patched: Value,
    /// Answers of the rules that matched.
    pub rules: Vec<RuleResponse>,
}

impl EngineResponse {
    /// A response of this policy, without rules.
    #[must_use]
    pub fn new(policy: &Value, resource: &Value) -> Self {
        Self {
            policy_kind: policy.kind().to_owned(),
            policy_namespace: policy.namespace().to_owned(),
            policy_name: policy.name().to_owned(),
            policy: policy.clone(),
            resource: resource.clone(),
            patched: resource.clone(),
            rules: Vec::new(),
        }
    }

    /// Kinds whose policies have one nameless rule: the `rule` of an expectation is ignored for them.
    #[must_use]
    pub fn is_ruleless(&self) -> bool {
        let kind = self.policy_kind.strip_prefix("Namespaced").unwrap_or(&self.policy_kind);
        matches!(
            kind,
            "ValidatingAdmissionPolicy"
                | "MutatingAdmissionPolicy"
                | "ValidatingPolicy"
                | "MutatingPolicy"
                | "ImageValidatingPolicy"
                | "GeneratingPolicy"
                | "DeletingPolicy"
        )
    }
}

/// Responses by resource key.
pub type ByResource = IndexMap<String, Vec<EngineResponse>>;

/// The responses of a test: `TestResponse` of `commands/test/test.go`.
#[derive(Clone, Debug, Default)]
pub struct TestResponse {
    /// The default run.
    pub trigger: ByResource,
    /// The runs for operations that expectations name.
    pub by_operation: IndexMap<String, ByResource>,
    /// Responses that patched a target resource.
    pub target: ByResource,
    /// Policies that the policy webhook would refuse, with its words.
    pub skipped: IndexMap<String, String>,
}

/// `apiVersion,kind,namespace,name`.
#[must_use]
pub fn resource_key(resource: &Value) -> String {
    format!("{},{},{},{}", resource.api_version(), resource.kind(), resource.namespace(), resource.name())
}

/// The first rule that patched this target, with the patched object.
#[must_use]
pub fn patched_target<'a>(response: &'a EngineResponse, key: &str) -> Option<(&'a Value, &'a RuleResponse)> {
    let mut parts = key.rsplitn(4, ',');
    let (name, namespace, kind) = (parts.next()?, parts.next()?, parts.next()?);
    let api_version = parts.next()?;
    response.rules.iter().find_map(|rule| {
        let target = rule.patched_target.as_ref()?;
        let same = target.api_version() == api_version
            && target.kind() == kind
            && target.name() == name
            && (namespace.is_empty() || target.namespace() == namespace);
        same.then_some((target, rule))
    })
}
