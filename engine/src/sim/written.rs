//! What a write sets off besides its own storage: policies take effect, schedules begin, namespaces get their contents.

use serde_json::Value;

use super::Cluster;
use super::api_server::ApiRequest;
use super::config::KYVERNO_NAMESPACE;
use crate::object::ObjectExt;

impl Cluster {
    /// Reacts to a write.
    pub(crate) fn written(&mut self, request: &ApiRequest, before: Option<&Value>, after: Option<&Value>, asked: u32) {
        let Some(object) = after.or(before) else { return };
        let gvk = object.gvk();
        self.plan_watch(before, after, asked);
        if let Some(after) = after {
            let expected = self.pending_reports.born(after);
            self.report(after, expected);
            self.write_status(after);
            self.plan_scan(after);
            self.plan_workload(after, asked);
            self.plan_ttl(after, asked);
            let respecified = before.is_none_or(|before| before.get("spec") != after.get("spec"));
            if respecified && super::cleanup::is_scheduled(after) {
                self.plan_cleanup(after, asked);
            }
        }
        let kyverno =
            gvk.kind.ends_with("Policy") && matches!(gvk.group.as_str(), "kyverno.io" | "policies.kyverno.io");
        let native = gvk.group == "admissionregistration.k8s.io" && gvk.kind.contains("AdmissionPolicy");
        if kyverno || native {
            self.policy_changes_reports(before, after);
        }
        let sources = ["ClusterPolicy", "MutatingPolicy", "ValidatingPolicy", "PolicyException"];
        if native || gvk.group.ends_with("kyverno.io") && sources.contains(&gvk.kind.as_str()) {
            self.refresh_native_policies();
        }
        match (gvk.group.as_str(), gvk.kind.as_str()) {
            ("kyverno.io", "ClusterPolicy" | "Policy") => self.policy_written(before, after, asked),
            ("policies.kyverno.io", "GeneratingPolicy" | "NamespacedGeneratingPolicy") => {
                self.gpol_written(before, after, asked);
            }
            ("policies.kyverno.io", "MutatingPolicy" | "NamespacedMutatingPolicy") => {
                if let Some(after) = after {
                    self.mpol_written(before, after, asked);
                }
            }
            ("kyverno.io", "PolicyException") => self.scan_all(),
            ("coordination.k8s.io", "Lease") => self.lease_written(before, after),
            ("", "ConfigMap") if object.name() == "kyverno" && object.namespace() == KYVERNO_NAMESPACE => {
                self.config.follow(after.unwrap_or(&Value::Null));
            }
            ("", "Secret") if before.is_none() => self.plan_token(object, asked),
            ("", "Namespace") if before.is_none() => self.plan_furniture(object.name(), asked),
            _ => {}
        }
        if let (None, Some(owner)) = (after, before) {
            self.plan_garbage(owner, request.propagation.as_deref() == Some("Orphan"), asked);
        }
    }
}
