//! What Kyverno and Kubernetes write into the status of policies and CRDs once these have taken effect.
//!
//! Follows `pkg/controllers/webhook/controller.go` (classic policies) and `pkg/controllers/policystatus` (CEL kinds).

use serde_json::{Map, Value, json};

use super::Cluster;
use super::cel_policies::{Common, Family};
use super::store::Key;
use crate::eval::cel::autogen;
use crate::object::ObjectExt;
use crate::policy::ClassicPolicy;
use crate::policy::constraints::CelPolicy;

impl Cluster {
    /// Writes the status of an object that others wait for.
    pub(crate) fn write_status(&mut self, object: &Value) {
        let gvk = object.gvk();
        let status = match (gvk.group.as_str(), gvk.kind.as_str()) {
            ("kyverno.io", "ClusterPolicy" | "Policy") => {
                crate::policy::load::classic(object.clone()).ok().map(|policy| self.classic_status(&policy))
            }
            ("policies.kyverno.io", kind) if kind.ends_with("Policy") => Some(self.cel_status(object)),
            ("kyverno.io", "GlobalContextEntry") => self.entry_status(object),
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
        // The generator looks at no policy that checks nothing.
        let native = self.config.generate_validating_admission_policy
            && policy.namespace.is_empty()
            && policy.spec.rules.iter().any(|rule| rule.validate.is_some());
        let (generated, message) = match native.then(|| self.native_of_classic(policy)) {
            Some(Ok(_)) => (true, String::new()),
            Some(Err(message)) => (false, message),
            None => (false, String::new()),
        };
        json!({
            "autogen": autogen,
            "conditions": [self.condition("Ready", "True", "Succeeded", "Ready")],
            "rulecount": {
                "generate": count(super::policies::is_generate),
                "mutate": count(|rule| rule.mutate.is_some()),
                "validate": count(super::policies::is_validate),
                "verifyimages": count(super::policies::is_verify_images),
            },
            "validatingadmissionpolicy": {"generated": generated, "message": message},
        })
    }

    fn cel_status(&self, policy: &Value) -> Value {
        let admission = policy.at(&["spec", "evaluation", "admission", "enabled"]) != Some(&Value::Bool(false));
        let mut conditions = Vec::new();
        if admission && !policy.kind().ends_with("DeletingPolicy") {
            conditions.push(self.condition("WebhookConfigured", "True", "Succeeded", "Webhook configured."));
        }
        conditions.push(self.permissions_condition(policy));
        let ready = conditions.iter().all(|condition| condition.str_at(&["status"]) == "True");
        let made = match policy.kind() {
            "ValidatingPolicy" if self.config.generate_validating_admission_policy => Some(self.native_of_cel(policy)),
            "MutatingPolicy" if self.generates_native(policy) => Some(self.native_of_mutating(policy)),
            _ => None,
        };
        let message = made.as_ref().and_then(|made| made.as_ref().err()).cloned().unwrap_or_default();
        let mut status = json!({"conditionStatus": {"conditions": conditions, "message": message, "ready": ready}});
        if matches!(policy.kind(), "ValidatingPolicy" | "MutatingPolicy") {
            status.set_at(&["generated"], Value::Bool(made.is_some_and(|made| made.is_ok())));
        }
        match Family::of(policy.kind()) {
            Some(Family::Validating | Family::Mutating | Family::Images) => {
                let configs = autogen_configs(policy);
                let autogen = if configs.is_empty() { json!({}) } else { json!({"configs": configs}) };
                status.set_at(&["autogen"], autogen);
            }
            Some(Family::Generating) | None => {}
        }
        status
    }

    /// Whether the reports controller may read what the policy concerns; generating policies have no switch for it.
    fn permissions_condition(&self, policy: &Value) -> Value {
        const KIND: &str = "RBACPermissionsGranted";
        let background = policy.at(&["spec", "evaluation", "background", "enabled"]) != Some(&Value::Bool(false));
        let family = Family::of(policy.kind());
        if !background && family != Some(Family::Generating) && self.behaviour.only_background_needs_permissions {
            let words = "Background scanning disabled; reporting permissions not required.";
            return self.condition(KIND, "True", "Succeeded", words);
        }
        let read = CelPolicy::<Common>::from_value(policy).ok().filter(|_| family.is_some());
        let constraints = read.as_ref().and_then(|policy| policy.spec.match_constraints.as_ref());
        let missing = self.missing_permissions(constraints);
        if missing.is_empty() {
            return self.condition(KIND, "True", "Succeeded", "Policy is ready for reporting.");
        }
        let words = format!("Policy is not ready for reporting, missing permissions: {}.", missing.join("; "));
        self.condition(KIND, "False", "Failed", &words)
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

/// `status.autogen.configs`: the variants of a policy for pod controllers.
fn autogen_configs(policy: &Value) -> Map<String, Value> {
    let family = Family::of(policy.kind());
    let read = CelPolicy::<Common>::from_value(policy).ok();
    let (Some(read), Some(spec)) = (read, policy.get("spec")) else { return Map::new() };
    let constraints = read.spec.match_constraints.as_ref();
    let mut configs = Map::new();
    for (variant, constraints) in autogen::variants(constraints, read.spec.autogen.as_ref()) {
        let targets: Vec<Value> = autogen::targets(&constraints)
            .into_iter()
            .map(|(group, resource, kind)| json!({"group": group, "kind": kind, "resource": resource, "version": "v1"}))
            .collect();
        let made = match family {
            Some(Family::Mutating) => {
                let mut made = spec.clone();
                made.set_at(&["matchConstraints"], constraints.clone());
                let places: [(&str, &[&str]); 2] =
                    [("matchConditions", &["expression"]), ("mutations", &["applyConfiguration", "expression"])];
                for (list, path) in places {
                    for item in made.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                        if let Some(text) = item.at(path).and_then(Value::as_str).map(str::to_owned) {
                            item.set_at(path, Value::String(autogen::rewrite_mutation(&text, variant)));
                        }
                    }
                }
                made
            }
            _ => autogen::rewrite(spec, variant, &constraints),
        };
        configs.insert(variant.to_owned(), json!({"spec": made, "targets": targets}));
    }
    configs
}
