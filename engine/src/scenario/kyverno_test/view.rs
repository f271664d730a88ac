//! The cluster and the outside as a test sees them: its own objects, values and mocks, and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::api_path;
use super::document::{ApiCallResponse, ValuesSpec};
use crate::eval::view::{Answer, ApiCall, Source, View};
use crate::object::catalog::Catalog;
use crate::object::gvk::{Gvk, Gvr};
use crate::object::{ObjectExt, wildcard};

/// Virtual time of every test: 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;

/// What a test declares about the outside.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// Its values.
    pub values: ValuesSpec,
    /// `apiCallResponses`.
    pub api_calls: Vec<ApiCallResponse>,
    /// `globalContextEntries`, evaluated.
    pub global_context: IndexMap<String, Result<Value, String>>,
    /// `spec.resources` of the `Context` file: what CEL's `resource` library finds without a cluster.
    pub context_resources: Vec<Value>,
    /// `spec.images` of the `Context` file.
    pub context_images: Vec<Value>,
    /// Whether the test has `clusterResources`.
    pub cluster: bool,
    /// Whether API calls are answered from the objects even without them, as `kyverno apply` does.
    pub local_calls: bool,
    /// Built-in kinds and those of the CRDs of `clusterResources`.
    pub catalog: Catalog,
    /// What was asked of a registry, if anything was: a test that fails then needs the network.
    pub network: Arc<Mutex<Option<String>>>,
}

impl Outside {
    /// Notes that a registry was asked for something.
    pub fn ask_network(&self, what: &str) {
        if let Ok(mut network) = self.network.lock() {
            network.get_or_insert_with(|| what.to_owned());
        }
    }

    /// What a registry was asked for first.
    #[must_use]
    pub fn asked_network(&self) -> Option<String> {
        self.network.lock().ok().and_then(|network| network.clone())
    }
}

/// The eyes of one evaluation.
#[derive(Clone, Copy)]
pub struct TestView<'a> {
    /// What the test declares.
    pub outside: &'a Outside,
    /// Objects that can be read.
    pub objects: &'a [Value],
    /// The name of the resource evaluated, by which values are chosen.
    pub resource: &'a str,
    /// The operation that the expectation names, or `""`.
    pub operation: &'a str,
    /// Whether CEL policies look: `http` answers carry their status.
    pub cel: bool,
}

impl<'a> TestView<'a> {
    /// The same eyes over other objects.
    #[must_use]
    pub fn over(self, objects: &'a [Value]) -> Self {
        Self { objects, ..self }
    }

    fn mocked(&self, call: &ApiCall) -> Option<Answer> {
        let url = if call.url.is_empty() { &call.url_path } else { &call.url };
        let method = if call.method.is_empty() { "GET" } else { &call.method };
        let own_url =
            |entry: &&ApiCallResponse| entry.url.trim() == url || entry.url.is_empty() && entry.url_path.trim() == url;
        let of_method = |wanted: &str| {
            let same = |entry: &&ApiCallResponse| entry.method.trim().eq_ignore_ascii_case(wanted);
            self.outside.api_calls.iter().filter(own_url).find(same)
        };
        let entry = of_method(method).or_else(|| of_method(""))?;
        let status = if entry.response.status_code == 0 { 200 } else { entry.response.status_code };
        Some(if self.cel {
            Answer::Data(json!({"body": entry.response.body, "statusCode": status}))
        } else if (200..300).contains(&status) {
            Answer::Data(entry.response.body.clone())
        } else {
            Answer::Failed(format!("HTTP {status} from apiCall mock (v1 apiCall treats non-2xx as failure)"))
        })
    }
}

impl View for TestView<'_> {
    fn now(&self) -> (i64, u32) {
        (NOW, 0)
    }

    fn get(&self, gvk: &Gvk, namespace: &str, name: &str) -> Option<Value> {
        self.list(gvk, Some(namespace)).into_iter().find(|object| object.name() == name)
    }

    fn list(&self, gvk: &Gvk, namespace: Option<&str>) -> Vec<Value> {
        let fits = |object: &&Value| {
            let own = object.gvk();
            wildcard::matches(&gvk.group, &own.group)
                && (gvk.version.is_empty() || wildcard::matches(&gvk.version, &own.version))
                && wildcard::matches(&gvk.kind, &own.kind)
                && namespace.is_none_or(|namespace| wildcard::matches(namespace, object.namespace()))
        };
        self.objects.iter().filter(fits).cloned().collect()
    }

    fn resource_of(&self, gvk: &Gvk) -> Option<Gvr> {
        self.outside.catalog.gvr_of(gvk)
    }

    fn kind_of(&self, gvr: &Gvr) -> Option<Gvk> {
        self.outside.catalog.gvk_of(gvr)
    }

    fn namespaced(&self, gvk: &Gvk) -> Option<bool> {
        self.outside.catalog.is_namespaced(gvk)
    }

    fn namespace_labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        let declared = self.outside.values.namespace_labels(namespace);
        let missing = declared.as_ref().is_none_or(BTreeMap::is_empty);
        if missing && self.outside.cluster {
            return self.get(&Gvk::new("v1", "Namespace"), "", namespace).map(|object| object.labels());
        }
        declared
    }

    fn namespace_object(&self, namespace: &str) -> Option<Value> {
        self.outside.values.namespace(namespace)
    }

    fn config_map(&self, namespace: &str, name: &str) -> Answer {
        if !self.outside.cluster {
            return Answer::Unavailable;
        }
        match self.get(&Gvk::new("v1", "ConfigMap"), namespace, name) {
            Some(object) => Answer::Data(object),
            None => Answer::Failed(format!("configmaps \"{name}\" not found")),
        }
    }

    fn api_call(&self, call: &ApiCall) -> Answer {
        if let Some(answer) = self.mocked(call) {
            return answer;
        }
        if !self.serves(Source::ApiCall) || call.url_path.is_empty() {
            return Answer::Unavailable;
        }
        if call.method == "POST" {
            return Answer::Failed("method POST not supported for fake client".to_owned());
        }
        api_path::read(self, &call.url_path)
    }

    fn global_context(&self, name: &str) -> Answer {
        let (entry, projection) = name.split_once('.').unwrap_or((name, ""));
        let answer = |value: &Value| match value {
            _ if projection.is_empty() => Answer::Data(value.clone()),
            Value::Object(map) => match map.get(projection) {
                Some(value) => Answer::Data(value.clone()),
                None => Answer::Failed(format!("global context mock: projection {projection:?} not found")),
            },
            _ => Answer::Failed(format!(
                "global context mock: projection {projection:?} requested but value is not an object"
            )),
        };
        match self.outside.global_context.get(entry) {
            Some(Ok(value)) => answer(value),
            Some(Err(words)) => Answer::Failed(words.clone()),
            None if self.outside.global_context.is_empty() || self.cel => Answer::Unavailable,
            None => Answer::Failed(format!("failed to fetch entry key={entry}")),
        }
    }

    fn image_data(&self, image: &str) -> Answer {
        let found = self.outside.context_images.iter().find(|entry| entry.str_at(&["image"]) == image);
        match found {
            Some(data) => return Answer::Data(data.clone()),
            None => self.outside.ask_network(&format!("metadata of {image}")),
        }
        if !self.cel {
            return Answer::Unavailable;
        }
        Answer::Failed(format!("image data not found for {image}"))
    }

    fn image_verified(&self, image: &str, _attestor: &Value) -> Answer {
        self.outside.ask_network(&format!("signatures of {image}"));
        Answer::Unavailable
    }

    fn stand_in(&self) -> bool {
        self.cel && !self.outside.cluster
    }

    fn serves(&self, source: Source) -> bool {
        match source {
            Source::ConfigMap => self.outside.cluster,
            Source::ApiCall => self.outside.cluster || self.outside.local_calls,
            Source::GlobalContext => !self.outside.global_context.is_empty(),
            Source::Registry => false,
        }
    }

    fn has_canned_calls(&self) -> bool {
        !self.outside.api_calls.is_empty()
    }

    fn canned_call(&self, call: &ApiCall) -> Option<Answer> {
        self.mocked(call)
    }

    fn injected(&self, policy: &str) -> Vec<(String, Value)> {
        let mut values = self.outside.values.for_resource(policy, self.resource);
        if !self.operation.is_empty() {
            values.insert("request.operation".into(), json!(self.operation));
        }
        // The objects of the request were changed before the evaluation; a second time would undo mutations.
        let operation = values.get("request.operation").and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_old = |key: &str| key.starts_with("request.oldObject");
        let is_new = |key: &str| key.starts_with("request.object");
        values.retain(|key, _| match operation.as_str() {
            "UPDATE" => !is_old(key) && !is_new(key),
            "DELETE" => !is_old(key),
            _ => !is_new(key),
        });
        values.into_iter().collect()
    }

    fn injected_in_rule(&self, policy: &str, rule: &str) -> Vec<(String, Value)> {
        self.outside.values.for_rule(policy, rule)
    }
}
