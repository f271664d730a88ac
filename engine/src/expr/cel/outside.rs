//! What expressions may ask about the cluster and the world; the evaluation layer answers from its view.

use serde_json::Value;

use crate::object::gvk::{Gvk, Gvr};

/// A call to the API server or to a service.
#[derive(Clone, Debug, Default)]
pub struct ApiCall {
    /// `GET` or `POST`.
    pub method: String,
    /// A path on the API server, or `""`.
    pub url_path: String,
    /// A URL outside it, or `""`.
    pub url: String,
    /// Body of a POST.
    pub data: Option<Value>,
}

/// An answer from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The data.
    Data(Value),
    /// The source is there and says no.
    Failed(String),
    /// There is no such source in this run.
    Unavailable,
}

/// The world outside an expression. Every answer is deterministic.
pub trait Outside {
    /// Seconds since the epoch, and nanoseconds.
    fn now(&self) -> (i64, u32);
    /// One stored object.
    fn get(&self, gvk: &Gvk, namespace: &str, name: &str) -> Option<Value>;
    /// Stored objects of a kind in one namespace or in all.
    fn list(&self, gvk: &Gvk, namespace: Option<&str>) -> Vec<Value>;
    /// The resource of a kind.
    fn resource_of(&self, gvk: &Gvk) -> Option<Gvr>;
    /// The kind of a resource.
    fn kind_of(&self, gvr: &Gvr) -> Option<Gvk>;
    /// A call.
    fn api_call(&self, call: &ApiCall) -> Answer;
    /// A `GlobalContextEntry` (`name` or `name.projection`).
    fn global_context(&self, name: &str) -> Answer;
    /// Facts about an image.
    fn image_data(&self, image: &str) -> Answer;
    /// Whether this is the command line's stand-in for a cluster.
    fn stand_in(&self) -> bool {
        false
    }
    /// Whether an image carries a signature or attestation.
    fn image_verified(&self, image: &str, attestor: &Value) -> Answer;
}
