//! The read-only eyes through which rules see the cluster and the outside.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::gvk::{Gvk, Gvr};

/// A call of a context entry `apiCall`, of a `GlobalContextEntry` or of CEL `http`.
#[derive(Clone, Debug, Default)]
pub struct ApiCall {
    /// `GET` or `POST`.
    pub method: String,
    /// A path on the API server (`/api/v1/…`), or `""`.
    pub url_path: String,
    /// The URL of a service outside the API server, or `""`.
    pub url: String,
    /// Body of a POST.
    pub data: Option<Value>,
}

/// What a source of context data answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The data.
    Data(Value),
    /// The source is there and says no; the words are Kyverno's.
    Failed(String),
    /// There is no such source in this run: the entry is not registered, as in `kyverno test` without a cluster.
    Unavailable,
}

/// Where context entries come from, besides variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `configMap`
    ConfigMap,
    /// `apiCall`
    ApiCall,
    /// `globalReference`
    GlobalContext,
    /// `imageRegistry`
    Registry,
}

/// What a run knows. Every answer is deterministic.
pub trait View {
    /// Seconds since the epoch, and nanoseconds, of the virtual clock.
    fn now(&self) -> (i64, u32);
    /// One stored object.
    fn get(&self, gvk: &Gvk, namespace: &str, name: &str) -> Option<Value>;
    /// Stored objects of a kind (wildcards allowed in every part), in one namespace or (`None`) in all, in stable order.
    fn list(&self, gvk: &Gvk, namespace: Option<&str>) -> Vec<Value>;
    /// The resource of a kind, from the built-in kinds and the CRDs of this run.
    fn resource_of(&self, gvk: &Gvk) -> Option<Gvr>;
    /// The kind of a resource; an empty version takes the preferred one.
    fn kind_of(&self, gvr: &Gvr) -> Option<Gvk>;
    /// Whether a kind is namespaced; `None` when it is unknown.
    fn namespaced(&self, gvk: &Gvk) -> Option<bool>;
    /// Labels of a namespace; `None` when the run knows nothing of it.
    fn namespace_labels(&self, namespace: &str) -> Option<BTreeMap<String, String>>;
    /// The Namespace object; `None` when the run knows nothing of it.
    fn namespace_object(&self, namespace: &str) -> Option<Value>;
    /// A ConfigMap for a context entry.
    fn config_map(&self, namespace: &str, name: &str) -> Answer;
    /// A call to the API server or to a service.
    fn api_call(&self, call: &ApiCall) -> Answer;
    /// The value of a `GlobalContextEntry` (`name` or `name.projection`).
    fn global_context(&self, name: &str) -> Answer;
    /// Facts about an image: `{image, resolvedImage, registry, repository, identifier, manifest, configData}`.
    fn image_data(&self, image: &str) -> Answer;
    /// Signature facts that the run declares: does `image` carry a signature or attestation by `attestor`?
    fn image_verified(&self, image: &str, attestor: &Value) -> Answer;
    /// Whether this is the command line's stand-in for a cluster (`pkg/cel/libs/fake_context.go`).
    fn stand_in(&self) -> bool {
        false
    }
    /// Whether the run has such a source; without one Kyverno does not register the entry, whatever is wrong with it.
    fn serves(&self, source: Source) -> bool {
        let _ = source;
        true
    }
    /// Whether the run has canned answers that stand in front of every API call.
    fn has_canned_calls(&self) -> bool {
        false
    }
    /// The canned answer to a call, where there is one.
    fn canned_call(&self, call: &ApiCall) -> Option<Answer> {
        let _ = call;
        None
    }
    /// Values that the run injects into the request (a values file), keys as dotted paths.
    fn injected(&self, policy: &str) -> Vec<(String, Value)> {
        let _ = policy;
        Vec::new()
    }
    /// The same for a rule; they are injected again with the context of each of its `foreach`.
    fn injected_in_rule(&self, policy: &str, rule: &str) -> Vec<(String, Value)> {
        let (_, _) = (policy, rule);
        Vec::new()
    }
}

/// The API server's words for a missing object: `secrets "x" not found`, `deployments.apps "x" not found`.
#[must_use]
pub fn not_found(view: &dyn View, gvk: &Gvk, name: &str) -> String {
    let resource = view.resource_of(gvk).map_or_else(|| gvk.kind.to_lowercase(), |gvr| gvr.resource);
    let group = if gvk.group.is_empty() { String::new() } else { format!(".{}", gvk.group) };
    format!("{resource}{group} \"{name}\" not found")
}
