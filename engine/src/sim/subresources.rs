//! Requests to subresources that are no plain part of their object: `scale`, `binding`, `eviction`, and connections
//! such as `exec`.
//!
//! Follows `pkg/registry/{apps/*,core/pod}/storage` of Kubernetes.

use serde_json::{Value, json};

use super::Cluster;
use super::api_server::{ApiError, ApiRequest, Verb, qualified};
use crate::eval::request::Operation;
use crate::object::ObjectExt;
use crate::object::gvk::Gvr;

impl Cluster {
    /// Serves a request to one of these subresources; `None` for any other.
    pub(super) fn serve_subresource(
        &mut self,
        request: &ApiRequest,
        gvr: &Gvr,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Option<Result<Value, ApiError>> {
        let handler = match (request.subresource.as_str(), request.verb) {
            (_, Verb::Connect) => Self::connect,
            ("scale", Verb::Update | Verb::MergePatch | Verb::StrategicPatch | Verb::JsonPatch) => Self::scale,
            ("binding", Verb::Create) => Self::bind,
            ("eviction", Verb::Create) => Self::evict,
            _ => return None,
        };
        Some(match self.current(request) {
            Some(parent) => handler(self, request, gvr, &parent, asked, warnings),
            None => Err(ApiError::not_found(&qualified(gvr), &request.name)),
        })
    }

    /// Asks the webhooks about the object of a subresource and returns it as they leave it.
    fn admit(
        &mut self,
        request: &ApiRequest,
        gvr: &Gvr,
        operation: Operation,
        objects: (Value, Option<Value>),
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<Value, ApiError> {
        let (object, old) = objects;
        let mut review = self.review(request, gvr, operation, Some(object), old);
        self.mutating_phase(&mut review, asked, warnings)?;
        self.validating_phase(&review, asked, warnings)?;
        Ok(review.object.take().unwrap_or(Value::Null))
    }

    fn scale(
        &mut self,
        request: &ApiRequest,
        gvr: &Gvr,
        parent: &Value,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<Value, ApiError> {
        let old = scale_of(parent);
        let body = request.body.clone().unwrap_or(Value::Null);
        let new = match request.verb {
            Verb::Update => body,
            // A Scale has no lists: a strategic merge is a plain one.
            Verb::StrategicPatch => {
                super::patching::patched(&ApiRequest { verb: Verb::MergePatch, ..request.clone() }, &old, &body)?
            }
            _ => super::patching::patched(request, &old, &body)?,
        };
        let scale = self.admit(request, gvr, Operation::Update, (new, Some(old)), asked, warnings)?;
        let replicas = scale.at(&["spec", "replicas"]).cloned().unwrap_or_else(|| json!(0));
        let mut object = parent.clone();
        object.set_at(&["spec", "replicas"], replicas);
        if object == *parent || request.dry_run {
            return Ok(scale);
        }
        let generation = parent.at(&["metadata", "generation"]).and_then(Value::as_i64).unwrap_or(1);
        object.set_at(&["metadata", "generation"], json!(generation + 1));
        self.persist(request, object, asked);
        Ok(scale)
    }

    /// The scheduler's decision; annotations of the Binding become the Pod's (`assignPod`).
    fn bind(
        &mut self,
        request: &ApiRequest,
        gvr: &Gvr,
        parent: &Value,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<Value, ApiError> {
        let body = request.body.clone().unwrap_or(Value::Null);
        let binding = self.admit(request, gvr, Operation::Create, (body, None), asked, warnings)?;
        let mut pod = parent.clone();
        pod.set_at(&["spec", "nodeName"], Value::String(binding.str_at(&["target", "name"]).to_owned()));
        for (key, value) in binding.annotations() {
            pod.set_at(&["metadata", "annotations", &key], Value::String(value));
        }
        if !request.dry_run {
            self.persist(request, pod, asked);
        }
        Ok(binding)
    }

    fn evict(
        &mut self,
        request: &ApiRequest,
        gvr: &Gvr,
        parent: &Value,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<Value, ApiError> {
        let body = request.body.clone().unwrap_or(Value::Null);
        let eviction = self.admit(request, gvr, Operation::Create, (body, None), asked, warnings)?;
        if !request.dry_run {
            self.begin_deletion(request, parent, asked);
        }
        Ok(eviction)
    }

    /// The connection itself leads nowhere: no container runs here. Kyverno gives the options the namespace of the request
    /// (`pkg/utils/admission/resource.go`).
    fn connect(
        &mut self,
        request: &ApiRequest,
        gvr: &Gvr,
        _parent: &Value,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<Value, ApiError> {
        let mut body = request.body.clone().unwrap_or(Value::Null);
        if !request.namespace.is_empty() {
            body.set_at(&["metadata", "namespace"], Value::String(request.namespace.clone()));
        }
        self.admit(request, gvr, Operation::Connect, (body, None), asked, warnings)
    }
}

/// The `Scale` of a workload.
#[must_use]
pub fn scale_of(parent: &Value) -> Value {
    let mut metadata = json!({"name": parent.name(), "namespace": parent.namespace()});
    for field in ["uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = parent.at(&["metadata", field]) {
            metadata.set_at(&[field], value.clone());
        }
    }
    let labels = parent.at(&["spec", "selector", "matchLabels"]).or_else(|| parent.at(&["spec", "selector"]));
    let selector: Vec<String> =
        crate::object::string_map(labels).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    let number = |path: &[&str], default: i64| parent.at(path).cloned().unwrap_or_else(|| json!(default));
    json!({
        "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": metadata,
        "spec": {"replicas": number(&["spec", "replicas"], 1)},
        "status": {"replicas": number(&["status", "replicas"], 0), "selector": selector.join(",")},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_carries_the_selector() {
        let labels = json!({"type": "monitoring", "app": "busybox"});
        let parent = json!({"metadata": {"name": "d"}, "spec": {"replicas": 2, "selector": {"matchLabels": labels}}});
        assert_eq!(scale_of(&parent).str_at(&["status", "selector"]), "app=busybox,type=monitoring");
    }
}
