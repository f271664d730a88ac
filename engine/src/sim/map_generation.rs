//! MutatingAdmissionPolicies that Kyverno makes of its MutatingPolicies, so that the API server evaluates them itself.
//!
//! Follows `pkg/controllers/admissionpolicygenerator/{generate-map,mpol}.go` and `pkg/admissionpolicy/builder.go`.

use serde_json::{Map, Value, json};

use super::Cluster;
use crate::eval::cel::autogen;
use crate::object::ObjectExt;
use crate::policy::mutating::MutatingPolicy;

const SKIP: &str = "skip generating MutatingAdmissionPolicy";

/// Whether a policy asks for it itself.
fn enabled(policy: &Value) -> bool {
    policy.at(&["spec", "autogen", "mutatingAdmissionPolicy", "enabled"]) == Some(&Value::Bool(true))
}

impl Cluster {
    /// Whether the generator looks at a MutatingPolicy at all: because of the flag, or because the policy asks for it.
    pub(super) fn generates_native(&self, policy: &Value) -> bool {
        self.config.generate_mutating_admission_policy || enabled(policy)
    }

    /// Specs of the policy and its binding for a MutatingPolicy.
    ///
    /// # Errors
    /// Why there are none.
    pub(super) fn native_of_mutating(&self, policy: &Value) -> Result<(Value, Value), String> {
        if !enabled(policy) {
            return Err(format!("{SKIP}: not enabled."));
        }
        if policy.at(&["spec", "evaluation", "useServerSideApply"]) == Some(&Value::Bool(true)) {
            return Err(format!(
                "{SKIP}: useServerSideApply is enabled, which mutates atomic fields that a native \
                 MutatingAdmissionPolicy rejects."
            ));
        }
        let read = MutatingPolicy::from_value(policy)?;
        if !autogen::variants(read.spec.match_constraints.as_ref(), read.spec.autogen.as_ref()).is_empty() {
            return Err(format!("{SKIP}: pod controllers autogen is enabled."));
        }
        let list = |key: &str| policy.at(&["spec", key]).and_then(Value::as_array).cloned().unwrap_or_default();
        let mut conditions: Vec<Value> = self
            .native_exceptions(policy.name())
            .flat_map(|exception| &exception.spec.match_conditions)
            .map(|condition| json!({"name": condition.name, "expression": format!("!({})", condition.expression)}))
            .collect();
        conditions.extend(list("matchConditions"));
        let rules = policy.at(&["spec", "matchConstraints", "resourceRules"]).cloned().unwrap_or_else(|| json!([]));
        let reinvocation = match policy.str_at(&["spec", "reinvocationPolicy"]) {
            "" => "Never",
            named => named,
        };
        let mut spec = Map::new();
        spec.insert("matchConstraints".to_owned(), json!({"resourceRules": rules}));
        spec.insert("mutations".to_owned(), Value::Array(list("mutations")));
        spec.insert("reinvocationPolicy".to_owned(), Value::from(reinvocation));
        for (key, items) in [("matchConditions", conditions), ("variables", list("variables"))] {
            if !items.is_empty() {
                spec.insert(key.to_owned(), Value::Array(items));
            }
        }
        if let Some(failure_policy) = policy.at(&["spec", "failurePolicy"]) {
            spec.insert("failurePolicy".to_owned(), failure_policy.clone());
        }
        Ok((Value::Object(spec), json!({"policyName": format!("mpol-{}", policy.name())})))
    }
}
