//! A cluster of a few objects, and short ways to a policy and a request, for the tests of rule bodies.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::request::AdmissionRequest;
use super::view::{Answer, ApiCall, View};
use super::{EvalCx, Mode, Profile};
use crate::object::gvk::{Gvk, Gvr};
use crate::object::{ObjectExt, wildcard};
use crate::policy::{ClassicPolicy, load};

/// What the tests' cluster holds and the tests' registry answers.
#[derive(Default)]
pub(crate) struct Cluster {
    pub(crate) objects: Vec<Value>,
    /// Image → what is known of it.
    pub(crate) images: BTreeMap<String, Value>,
    /// Image → what its attestors answer.
    pub(crate) signatures: BTreeMap<String, Value>,
}

fn matches(wanted: &Gvk, found: &Gvk) -> bool {
    wildcard::matches(&wanted.group, &found.group)
        && (wanted.version.is_empty() || wildcard::matches(&wanted.version, &found.version))
        && wildcard::matches(&wanted.kind, &found.kind)
}

fn answer(data: Option<&Value>) -> Answer {
    data.map_or(Answer::Unavailable, |data| Answer::Data(data.clone()))
}

impl View for Cluster {
    fn now(&self) -> (i64, u32) {
        (1_767_225_600, 0)
    }

    fn get(&self, gvk: &Gvk, namespace: &str, name: &str) -> Option<Value> {
        self.list(gvk, Some(namespace)).into_iter().find(|object| object.name() == name)
    }

    fn list(&self, gvk: &Gvk, namespace: Option<&str>) -> Vec<Value> {
        let wanted = |object: &&Value| {
            matches(gvk, &object.gvk()) && namespace.is_none_or(|namespace| object.namespace() == namespace)
        };
        self.objects.iter().filter(wanted).cloned().collect()
    }

    fn resource_of(&self, gvk: &Gvk) -> Option<Gvr> {
        let resource = format!("{}s", gvk.kind.to_lowercase());
        Some(Gvr { group: gvk.group.clone(), version: gvk.version.clone(), resource })
    }

    fn kind_of(&self, _: &Gvr) -> Option<Gvk> {
        None
    }

    fn namespaced(&self, gvk: &Gvk) -> Option<bool> {
        Some(gvk.kind != "Namespace")
    }

    fn namespace_labels(&self, _: &str) -> Option<BTreeMap<String, String>> {
        None
    }

    fn namespace_object(&self, _: &str) -> Option<Value> {
        None
    }

    fn config_map(&self, _: &str, _: &str) -> Answer {
        Answer::Unavailable
    }

    fn api_call(&self, _: &ApiCall) -> Answer {
        Answer::Unavailable
    }

    fn global_context(&self, _: &str) -> Answer {
        Answer::Unavailable
    }

    fn image_data(&self, image: &str) -> Answer {
        answer(self.images.get(image))
    }

    fn image_verified(&self, image: &str, _: &Value) -> Answer {
        answer(self.signatures.get(image))
    }
}

/// A `ClusterPolicy` named `p` of one rule named `r` for every kind.
pub(crate) fn policy(body: Value) -> ClassicPolicy {
    let mut rule = json!({ "name": "r", "match": { "any": [{ "resources": { "kinds": ["*"] } }] } });
    rule.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    let metadata = json!({ "name": "p" });
    load::classic(json!({
        "apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": metadata, "spec": { "rules": [rule] },
    }))
    .unwrap()
}

/// A CREATE of an object.
pub(crate) fn create(object: Value) -> AdmissionRequest {
    AdmissionRequest::create(object, Gvr::default())
}

/// An evaluation at admission with the newest profile.
pub(crate) fn at<'a>(request: &'a AdmissionRequest, view: &'a Cluster) -> EvalCx<'a> {
    EvalCx { request, view, exceptions: &[], profile: Profile::V1_19, mode: Mode::Admission, trace: true }
}
