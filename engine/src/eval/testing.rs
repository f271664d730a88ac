//! For tests: a view of nothing but what a test puts in, and one-line evaluation.

use std::collections::BTreeMap;

use serde_json::Value;

use super::request::{AdmissionRequest, Operation};
use super::verdict::Verdict;
use super::view::{Answer, ApiCall, Source, View};
use super::{EvalCx, Mode, Profile, engine};
use crate::object::gvk::{Gvk, Gvr};
use crate::policy::ClassicPolicy;
use crate::policy::exception::PolicyException;
use crate::policy::load;

/// Knows what it is given, and nothing else.
#[derive(Default)]
pub(crate) struct TestView {
    pub(crate) namespace_labels: BTreeMap<String, String>,
    pub(crate) config_maps: BTreeMap<String, Value>,
    pub(crate) api_calls: BTreeMap<String, Value>,
    pub(crate) injected: Vec<(String, Value)>,
}

impl View for TestView {
    fn now(&self) -> (i64, u32) {
        (1_767_225_600, 0)
    }
    fn get(&self, _gvk: &Gvk, _namespace: &str, _name: &str) -> Option<Value> {
        None
    }
    fn list(&self, _gvk: &Gvk, _namespace: Option<&str>) -> Vec<Value> {
        Vec::new()
    }
    fn resource_of(&self, _gvk: &Gvk) -> Option<Gvr> {
        None
    }
    fn kind_of(&self, gvr: &Gvr) -> Option<Gvk> {
        (gvr.resource == "pods").then(|| Gvk::new("v1", "Pod"))
    }
    fn namespaced(&self, _gvk: &Gvk) -> Option<bool> {
        None
    }
    fn namespace_labels(&self, _namespace: &str) -> Option<BTreeMap<String, String>> {
        Some(self.namespace_labels.clone())
    }
    fn namespace_object(&self, _namespace: &str) -> Option<Value> {
        None
    }
    fn config_map(&self, namespace: &str, name: &str) -> Answer {
        self.config_maps.get(&format!("{namespace}/{name}")).cloned().map_or(Answer::Unavailable, Answer::Data)
    }
    fn api_call(&self, call: &ApiCall) -> Answer {
        self.api_calls.get(&call.url_path).cloned().map_or(Answer::Unavailable, Answer::Data)
    }
    fn global_context(&self, _name: &str) -> Answer {
        Answer::Unavailable
    }
    fn image_data(&self, _image: &str) -> Answer {
        Answer::Unavailable
    }
    fn image_verified(&self, _image: &str, _attestor: &Value) -> Answer {
        Answer::Unavailable
    }
    fn serves(&self, source: Source) -> bool {
        source != Source::ConfigMap || self.injected.is_empty()
    }
    fn injected(&self, _policy: &str) -> Vec<(String, Value)> {
        self.injected.clone()
    }
}

/// YAML → value.
pub(crate) fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// A ClusterPolicy `p` with one rule `r`, whose other fields are given as YAML.
pub(crate) fn policy(rule: &str) -> ClassicPolicy {
    let mut rule = yaml(rule);
    rule["name"] = "r".into();
    if rule.get("match").is_none() {
        rule["match"] = yaml("any: [{ resources: { kinds: [Pod, ConfigMap, Deployment, Namespace] } }]");
    }
    let spec = serde_json::json!({ "validationFailureAction": "Enforce", "rules": [rule] });
    load::classic(serde_json::json!({ "apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": { "name": "p" }, "spec": spec })).unwrap()
}

/// A CREATE at admission by a user with groups and roles.
pub(crate) fn create(object: &str) -> AdmissionRequest {
    let mut request = AdmissionRequest::create(yaml(object), Gvr::default());
    request.has_user = true;
    request.user.username = "alice".to_owned();
    request.user.groups = vec!["devs".to_owned()];
    request.roles = vec!["default:editor".to_owned()];
    request
}

/// An UPDATE of `old` to `new`.
pub(crate) fn update(old: &str, new: &str) -> AdmissionRequest {
    AdmissionRequest { operation: Operation::Update, old_object: Some(yaml(old)), ..create(new) }
}

/// A DELETE.
pub(crate) fn delete(old: &str) -> AdmissionRequest {
    let request = create(old);
    AdmissionRequest { operation: Operation::Delete, old_object: request.object, object: None, ..request }
}

/// Validates at admission, with a trace.
pub(crate) fn validated(
    policy: &ClassicPolicy,
    request: &AdmissionRequest,
    view: &TestView,
    exceptions: &[PolicyException],
) -> Verdict {
    engine::validate(policy, &cx(request, view, exceptions))
}

/// The surroundings of an evaluation at admission.
pub(crate) fn cx<'a>(
    request: &'a AdmissionRequest,
    view: &'a TestView,
    exceptions: &'a [PolicyException],
) -> EvalCx<'a> {
    EvalCx { request, view, exceptions, profile: Profile::V1_19, mode: Mode::Admission, trace: true }
}
