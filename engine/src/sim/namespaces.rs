//! What controllers of the cluster put into every new namespace: its default ServiceAccount and the CA bundle.
//!
//! Where a webhook of Kyverno's sees such an object, the controller's request is simulated; else the object is just there.

use serde_json::{Value, json};

use super::api_server::{ApiRequest, Verb};
use super::journal::Lane;
use super::store::Key;
use super::{Cluster, Task};
use crate::eval::request::AdmissionRequest;
use crate::object::ObjectExt;

/// How soon these controllers act on what they see.
const REACTION: u64 = 40;

impl Cluster {
    /// Puts it there without anybody being asked.
    pub(super) fn furnish_silently(&mut self, namespace: &str) {
        for (_, mut object) in furniture(namespace) {
            if self.store.get(&Key::of(&object)).is_some() {
                continue;
            }
            let uid = self.names.uid(&format!("{}/{namespace}/{}", object.kind(), object.name()));
            object.set_at(&["metadata", "uid"], Value::String(uid));
            object.set_at(&["metadata", "creationTimestamp"], Value::String(self.clock.rfc3339()));
            self.store.put(object, true);
        }
    }

    /// Plans it for a namespace that was created.
    pub(super) fn plan_furniture(&mut self, namespace: &str, cause: u32) {
        let asked = furniture(namespace).iter().any(|(_, object)| self.is_asked_about(&self.existing_review(object)));
        if asked {
            let task = Task::Furnish { namespace: namespace.to_owned(), cause };
            self.queue.push(self.clock.now() + REACTION, task);
        } else {
            self.furnish_silently(namespace);
        }
    }

    /// The controllers create it.
    pub(super) fn furnish_namespace(&mut self, namespace: &str, cause: u32) {
        for (controller, object) in furniture(namespace) {
            if self.store.get(&Key::of(&object)).is_none() {
                let user = format!("system:serviceaccount:kube-system:{controller}");
                self.request(ApiRequest::about(Verb::Create, &object).by(&user, Lane::Controllers, Some(cause)));
            }
        }
    }

    /// Whether a webhook of Kyverno's would be called for a request.
    pub(super) fn is_asked_about(&self, review: &AdmissionRequest) -> bool {
        if self.unseen(review).is_some() {
            return false;
        }
        let classic = self
            .classic_calls(review)
            .is_ok_and(|calls| calls.iter().any(|call| call.called.mutating() || call.called.validating()));
        let calls = |mutating| {
            let webhooks = self.cel_webhooks(mutating);
            webhooks.iter().any(|webhook| self.calls(webhook, review).unwrap_or(true))
        };
        classic || calls(true) || calls(false)
    }
}

/// The objects, each with the controller that makes it.
fn furniture(namespace: &str) -> [(&'static str, Value); 2] {
    let certificate = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n";
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace},
    });
    let bundle = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": "kube-root-ca.crt", "namespace": namespace,
            "annotations": {"kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."},
        },
        "data": {"ca.crt": certificate},
    });
    [("service-account-controller", account), ("root-ca-cert-publisher", bundle)]
}
