//! Global context entries: data that Kyverno keeps ready for all policies. Follows `pkg/globalcontext`.

use serde_json::{Value, json};

use super::Cluster;
use super::k8s_events::{Fact, Subject};
use crate::eval::view::{Answer, ApiCall, View as _};
use crate::object::ObjectExt;
use crate::object::gvk::Gvr;

/// The data of an entry and its projections as `{name, path}`.
pub(super) type Entry = (Value, Vec<Value>);

impl Cluster {
    /// The data of a `GlobalContextEntry` that is stored; `None` where there is none.
    pub(super) fn stored_entry(&self, name: &str) -> Option<Result<Entry, String>> {
        let entry = self.store.find("kyverno.io", "GlobalContextEntry", "", name)?;
        let written = entry.at(&["spec", "projections"]).and_then(Value::as_array).into_iter().flatten();
        let projection = |one: &Value| json!({"name": one.str_at(&["name"]), "path": one.str_at(&["jmesPath"])});
        let projections = written.map(projection).collect();
        let data = match (entry.at(&["spec", "kubernetesResource"]), entry.at(&["spec", "apiCall"])) {
            (Some(resource), _) => self.resources_of(resource),
            (None, Some(call)) => self.answer_of(call),
            (None, None) => Err(format!("global context entry {name} names no data")),
        };
        Some(data.map(|data| (data, projections)))
    }

    /// What the controller writes about an entry once it has been loaded: the time of a call that went well, or an Event.
    pub(super) fn entry_status(&mut self, entry: &Value) -> Option<Value> {
        match self.stored_entry(entry.name())? {
            Ok(_) => entry.at(&["spec", "apiCall"]).map(|_| json!({"lastRefreshTime": self.clock.rfc3339()})),
            Err(message) => {
                let (source, reason) = ("globalcontext-controller", "PolicyError");
                let fact = Fact { source, reason, action: "Retrying", message };
                self.emit(fact, &Subject::Object(entry), None);
                None
            }
        }
    }

    fn resources_of(&self, resource: &Value) -> Result<Value, String> {
        let part = |key: &str| resource.str_at(&[key]).to_owned();
        let gvr = Gvr { group: part("group"), version: part("version"), resource: part("resource") };
        let gvk = self.kind_of(&gvr).ok_or_else(|| format!("{} is not a resource of this cluster", gvr.resource))?;
        let namespace = Some(resource.str_at(&["namespace"])).filter(|namespace| !namespace.is_empty());
        Ok(json!(self.list(&gvk, namespace)))
    }

    fn answer_of(&self, call: &Value) -> Result<Value, String> {
        let method = match call.str_at(&["method"]) {
            "" => "GET",
            method => method,
        };
        let asked = ApiCall {
            method: method.to_owned(),
            url_path: call.str_at(&["urlPath"]).to_owned(),
            url: call.str_at(&["service", "url"]).to_owned(),
            ..ApiCall::default()
        };
        match self.api_call(&asked) {
            Answer::Data(data) => Ok(data),
            Answer::Failed(words) => Err(words),
            Answer::Unavailable => Err("nothing answers this call".to_owned()),
        }
    }
}
