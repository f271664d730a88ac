//! The simulated cluster and the scenario's mocks, as rules see them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Cluster;
use super::k8s_events::in_group;
use super::store::storage_group;
use crate::eval::view::{Answer, ApiCall, View};
use crate::object::access::Access;
use crate::object::gvk::{Gvk, Gvr};
use crate::object::{ObjectExt, selector, wildcard};

/// What the outside would answer; the shapes are those of `kyverno test`.
#[derive(Clone, Debug, Default)]
pub struct Mocks {
    /// `{method, urlPath|url, response: {statusCode, body}}`.
    pub api_calls: Vec<Value>,
    /// `{name, data|resources, projections: [{name, path}]}`.
    pub global_context: Vec<Value>,
    /// `{image, digest, manifest, configData, signedBy: […]}`.
    pub images: Vec<Value>,
}

impl View for Cluster {
    fn now(&self) -> (i64, u32) {
        self.clock.unix()
    }

    fn get(&self, gvk: &Gvk, namespace: &str, name: &str) -> Option<Value> {
        self.store.find(&gvk.group, &gvk.kind, namespace, name).map(|object| in_version(object, gvk))
    }

    fn list(&self, gvk: &Gvk, namespace: Option<&str>) -> Vec<Value> {
        let fits = |pattern: &str, text: &str| pattern == text || wildcard::matches(pattern, text);
        let mut found: Vec<Value> = Vec::new();
        for (key, entry) in self.store.iter() {
            let here = namespace.is_none_or(|namespace| fits(namespace, &key.namespace));
            let group = storage_group(&gvk.group, &gvk.kind);
            if here && fits(group, &key.group) && fits(&gvk.kind, &key.kind) {
                found.push(in_version(&entry.object, gvk));
            }
        }
        found
    }

    fn resource_of(&self, gvk: &Gvk) -> Option<Gvr> {
        self.catalog.gvr_of(gvk)
    }

    fn kind_of(&self, gvr: &Gvr) -> Option<Gvk> {
        self.catalog.gvk_of(gvr)
    }

    fn namespaced(&self, gvk: &Gvk) -> Option<bool> {
        self.catalog.is_namespaced(gvk)
    }

    fn namespace_labels(&self, namespace: &str) -> Option<BTreeMap<String, String>> {
        self.store.find("", "Namespace", "", namespace).map(ObjectExt::labels)
    }

    fn namespace_object(&self, namespace: &str) -> Option<Value> {
        self.store.find("", "Namespace", "", namespace).cloned()
    }

    fn config_map(&self, namespace: &str, name: &str) -> Answer {
        match self.store.find("", "ConfigMap", namespace, name) {
            Some(object) => Answer::Data(object.clone()),
            None => {
                Answer::Failed(format!("failed to get configmap {namespace}/{name} : configmaps \"{name}\" not found"))
            }
        }
    }

    fn api_call(&self, call: &ApiCall) -> Answer {
        if let Some(answer) = self.mocked(call) {
            return answer;
        }
        if call.url_path.is_empty() {
            return Answer::Failed(format!(
                "nothing answers {} {}: a simulation has no network; add the answer under `mocks: apiCalls:`",
                call.method, call.url
            ));
        }
        let answer = self.reviewed(call).unwrap_or_else(|| self.served(&call.url_path));
        answer.map_or_else(Answer::Failed, Answer::Data)
    }

    fn global_context(&self, name: &str) -> Answer {
        let (entry, projection) = name.split_once('.').unwrap_or((name, ""));
        let mock = self.mocks.global_context.iter().find(|mock| mock.str_at(&["name"]) == entry);
        let (data, projections) = match (mock, self.stored_entry(entry)) {
            (Some(mock), _) => {
                let data = mock.get("data").or_else(|| mock.get("resources")).cloned().unwrap_or(Value::Null);
                (data, mock.get("projections").and_then(Value::as_array).cloned().unwrap_or_default())
            }
            (None, Some(Ok(found))) => found,
            (None, Some(Err(words))) => return Answer::Failed(words),
            (None, None) => {
                return Answer::Failed(format!(
                    "failed to get global context entry {entry}: add its data under `mocks: globalContext:`"
                ));
            }
        };
        if projection.is_empty() {
            return Answer::Data(data);
        }
        let path = projections.iter().find(|one| one.str_at(&["name"]) == projection);
        match path.map(|one| {
            crate::expr::jmespath::query(
                one.str_at(&["path"]),
                &data,
                &crate::expr::jmespath::Env::new(self.clock.unix(), 0),
            )
        }) {
            Some(Ok(value)) => Answer::Data(value),
            Some(Err(error)) => Answer::Failed(error.to_string()),
            None => Answer::Failed(format!("global context entry {entry} has no projection {projection}")),
        }
    }

    fn image_data(&self, image: &str) -> Answer {
        match self.mock_image(image) {
            Some(mock) => Answer::Data(mock.clone()),
            None => Answer::Failed(format!(
                "failed to fetch image descriptor: {image}: a simulation has no registry; declare the image under `mocks: images:`"
            )),
        }
    }

    fn image_verified(&self, image: &str, attestor: &Value) -> Answer {
        let Some(mock) = self.mock_image(image) else {
            return Answer::Failed(format!(
                "{image}: nothing is declared about this image; add it under `mocks: images:` with `signedBy`"
            ));
        };
        let signers = mock.get("signedBy").and_then(Value::as_array).into_iter().flatten();
        let signed = signers.into_iter().any(|signer| mentions(attestor, signer));
        Answer::Data(Value::Bool(signed))
    }
}

/// Whether an attestor carries the declared signer: a key, a subject or an issuer, as text anywhere in it.
fn mentions(attestor: &Value, signer: &Value) -> bool {
    match attestor {
        Value::String(text) => {
            signer.as_str().is_some_and(|signer| text.trim() == signer.trim() || wildcard::matches(text.trim(), signer))
        }
        Value::Array(items) => items.iter().any(|item| mentions(item, signer)),
        Value::Object(map) => map.values().any(|item| mentions(item, signer)),
        _ => false,
    }
}

/// The object under the version it was asked for; schemas of two versions are taken to agree.
fn in_version(object: &Value, gvk: &Gvk) -> Value {
    if gvk.kind == "Event" {
        return in_group(object, &gvk.group);
    }
    let mut object = object.clone();
    if !gvk.version.is_empty() && !wildcard::contains_wildcard(&gvk.version) && !wildcard::contains_wildcard(&gvk.group)
    {
        object.set_at(&["apiVersion"], Value::String(gvk.api_version()));
    }
    object
}

impl Cluster {
    fn mock_image(&self, image: &str) -> Option<&Value> {
        let canonical = |text: &str| {
            crate::object::image::ImageInfo::parse(text).map_or_else(|_| text.to_owned(), |image| image.to_string())
        };
        let wanted = canonical(image);
        self.mocks.images.iter().find(|mock| canonical(mock.str_at(&["image"])) == wanted)
    }

    fn mocked(&self, call: &ApiCall) -> Option<Answer> {
        let same = |mock: &&Value| {
            let method = mock.str_at(&["method"]);
            let method_fits = method.is_empty() || method.eq_ignore_ascii_case(&call.method);
            let place = if call.url_path.is_empty() { ("url", &call.url) } else { ("urlPath", &call.url_path) };
            method_fits && mock.str_at(&[place.0]) == place.1
        };
        let mock = self.mocks.api_calls.iter().find(same)?;
        let status = mock.at(&["response", "statusCode"]).and_then(Value::as_i64).unwrap_or(200);
        let body = mock.at(&["response", "body"]).cloned().unwrap_or(Value::Null);
        if (200..300).contains(&status) {
            return Some(Answer::Data(body));
        }
        Some(Answer::Failed(format!("HTTP {status}: {body}")))
    }

    /// The kind of stored objects that no CRD of this run defines, by the resource that it most likely has.
    fn custom_kind_of(&self, gvr: &Gvr) -> Option<Gvk> {
        let (key, _) = self.store.iter().find(|(key, _)| {
            let gvk = Gvk { group: key.group.clone(), version: String::new(), kind: key.kind.clone() };
            key.group == gvr.group && crate::object::catalog::guess_resource(&gvk).resource == gvr.resource
        })?;
        Some(Gvk { group: gvr.group.clone(), version: gvr.version.clone(), kind: key.kind.clone() })
    }

    /// What the API server answers to a GET of a path; `apiCall` entries and global context entries read so.
    /// What the API server says about itself (`k8s.io/apimachinery/pkg/version.Info`), as far as a policy can use it.
    pub(crate) fn version_info(&self) -> Value {
        let (major, minor) = self.kubernetes.split_once('.').unwrap_or((&self.kubernetes, "0"));
        let minor = minor.split('.').next().unwrap_or(minor);
        json!({
            "major": major, "minor": minor, "gitVersion": format!("v{major}.{minor}.0"), "gitTreeState": "clean",
            "compiler": "gc", "platform": "linux/amd64",
        })
    }

    fn served(&self, url_path: &str) -> Result<Value, String> {
        let (path, query) = url_path.split_once('?').unwrap_or((url_path, ""));
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            ["version"] => return Ok(self.version_info()),
            _ => return Err(format!("the server could not find the requested resource: {url_path}")),
        };
        let (namespace, resource, name) = match rest {
            ["namespaces", namespace, resource, name, ..] => (Some(*namespace), *resource, Some(*name)),
            ["namespaces", namespace, resource] => (Some(*namespace), *resource, None),
            [resource, name, ..] => (None, *resource, Some(*name)),
            [resource] => (None, *resource, None),
            [] => return Err(format!("the server could not find the requested resource: {url_path}")),
        };
        let gvr = Gvr { group: group.to_owned(), version: version.to_owned(), resource: resource.to_owned() };
        let access = Access {
            verb: if name.is_some() { "get" } else { "list" },
            group,
            resource,
            namespace: namespace.unwrap_or(""),
            name: name.unwrap_or(""),
            ..Access::default()
        };
        if !self.allows(&super::api_server::service_account(self.reader), &access) {
            return Err(format!("permission denied: {}", access.forbidden(self.reader)));
        }
        let gvk = match self.catalog.gvk_of(&gvr).or_else(|| self.custom_kind_of(&gvr)) {
            Some(gvk) => gvk,
            // A custom kind that nothing was made of yet.
            None if self.config.accept_unknown_kinds && group.contains('.') && name.is_none() => {
                return Ok(
                    json!({"apiVersion": format!("{group}/{version}"), "kind": "List", "metadata": {}, "items": []}),
                );
            }
            None => return Err("the server could not find the requested resource".to_owned()),
        };
        if let Some(name) = name {
            let found = self.get(&gvk, namespace.unwrap_or(""), name);
            return found.ok_or_else(|| format!("{resource} \"{name}\" not found"));
        }
        let labels = query.split('&').find_map(|pair| pair.strip_prefix("labelSelector=")).unwrap_or("");
        let wanted = selector::LabelSelector::parse(&labels.replace("%3D", "=").replace("%2C", ","))?;
        let items: Vec<Value> =
            self.list(&gvk, namespace).into_iter().filter(|object| wanted.matches(&object.labels())).collect();
        Ok(
            json!({"apiVersion": gvk.api_version(), "kind": format!("{}List", gvk.kind), "metadata": {}, "items": items}),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Config;
    use super::super::profile;
    use super::*;

    #[test]
    fn the_api_server_tells_its_version() {
        let mut cluster = Cluster::new(profile::ALL[2], Config::default(), 0);
        cluster.kubernetes = "1.31.4".to_owned();
        let call = ApiCall { url_path: "/version".to_owned(), ..ApiCall::default() };
        let Answer::Data(version) = cluster.api_call(&call) else { panic!("no data") };
        assert_eq!((version.str_at(&["major"]), version.str_at(&["minor"])), ("1", "31"));
        let call = ApiCall { url_path: "/versions".to_owned(), ..ApiCall::default() };
        assert!(matches!(cluster.api_call(&call), Answer::Failed(_)));
    }
}
