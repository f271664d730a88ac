//! What Kyverno and Kubernetes write into the status of policies and CRDs once these have taken effect.
//!
//! Follows `pkg/controllers/webhook/controller.go` (classic policies) and `pkg/controllers/policystatus` (CEL kinds).

use serde_json::{Value, json};

use super::Cluster;
use super::store::Key;
use crate::object::ObjectExt;
use crate::policy::ClassicPolicy;

impl Cluster {
    /// Writes the status of an object that others wait for.
    pub(crate) fn write_status(&mut self, object: &Value) {
        let gvk = object.gvk();
        let status = match (gvk.group.as_str(), gvk.kind.as_str()) {
            ("kyverno.io", "ClusterPolicy" | "Policy") => {
                crate::policy::load::classic(object.clone()).ok().map(|policy| self.classic_status(&policy))
            }
            ("policies.kyverno.io", kind) if kind.ends_with("Policy") => Some(self.cel_status(object)),
            ("kyverno.io", "GlobalContextEntry") => Some(json!({
                "conditions": [self.condition("Ready", "True", "Succeeded", "GlobalContextEntry is ready")], "ready": true,
            })),
            ("apiextensions.k8s.io", "CustomResourceDefinition") => Some(self.crd_status(object)),
            _ => None,
        };
        let Some(status) = status else { return };
        let Some(mut stored) = self.store.get(&Key::of(object)).cloned() else { return };
        if stored.get("status") != Some(&status) {
            stored.set_at(&["status"], status);
            self.store.put(stored, false);
        }
    }

    fn condition(&self, kind: &str, status: &str, reason: &str, message: &str) -> Value {
        json!({
            "lastTransitionTime": self.clock.rfc3339(), "message": message, "reason": reason, "status": status, "type": kind,
        })
    }

    fn classic_status(&self, policy: &ClassicPolicy) -> Value {
        let count =
            |which: fn(&crate::policy::rule::Rule) -> bool| policy.spec.rules.iter().filter(|rule| which(rule)).count();
        let rules = crate::eval::autogen::status_rules(policy);
        let autogen = if rules.is_empty() { json!({}) } else { json!({"rules": rules}) };
        json!({
            "autogen": autogen,
            "conditions": [self.condition("Ready", "True", "Succeeded", "Ready")],
            "rulecount": {
                "generate": count(super::policies::is_generate),
                "mutate": count(|rule| rule.mutate.is_some()),
                "validate": count(super::policies::is_validate),
                "verifyimages": count(super::policies::is_verify_images),
            },
            "validatingadmissionpolicy": {"generated": false, "message": ""},
        })
    }

    fn cel_status(&self, policy: &Value) -> Value {
        let admission = policy.at(&["spec", "evaluation", "admission", "enabled"]) != Some(&Value::Bool(false));
        let background = policy.at(&["spec", "evaluation", "background", "enabled"]) != Some(&Value::Bool(false));
        let mut conditions = Vec::new();
        if admission && !policy.kind().ends_with("DeletingPolicy") {
            conditions.push(self.condition("WebhookConfigured", "True", "Succeeded", "Webhook configured."));
        }
        let words = if background {
            "Policy is ready for reporting."
        } else {
            "Background scanning disabled; reporting permissions not required."
        };
        conditions.push(self.condition("RBACPermissionsGranted", "True", "Succeeded", words));
        json!({"conditionStatus": {"conditions": conditions, "message": "", "ready": true}})
    }

    fn crd_status(&self, crd: &Value) -> Value {
        let mut names = crd.at(&["spec", "names"]).cloned().unwrap_or_else(|| json!({}));
        let kind = names.str_at(&["kind"]).to_owned();
        if names.str_at(&["singular"]).is_empty() {
            names.set_at(&["singular"], Value::String(kind.to_lowercase()));
        }
        if names.str_at(&["listKind"]).is_empty() {
            names.set_at(&["listKind"], Value::String(format!("{kind}List")));
        }
        let versions = crd.at(&["spec", "versions"]).and_then(Value::as_array).into_iter().flatten();
        let stored: Vec<&Value> = versions
            .into_iter()
            .filter(|version| version.get("storage") == Some(&Value::Bool(true)))
            .filter_map(|version| version.get("name"))
            .collect();
        json!({
            "acceptedNames": names,
            "conditions": [
                self.condition("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
                self.condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted"),
            ],
            "storedVersions": stored,
        })
    }
}
