//! The TTL controller: deletes objects by their label `cleanup.kyverno.io/ttl`. Follows `pkg/controllers/ttl/controller.go`.

use serde_json::Value;

use super::api_server::{ApiRequest, Verb};
use super::config::CLEANUP_USER;
use super::journal::{Lane, Tone};
use super::recorder::note;
use super::store::{Key, reference};
use super::{Cluster, INFORMER, Task};
use crate::eval::cleanup::{TTL_LABEL, deletion_time};
use crate::object::ObjectExt;

const PROPAGATION: &str = "cleanup.kyverno.io/propagation-policy";
const COMPONENT: &str = "kyverno-cleanup-controller";
const PLACE: &str = "github.com/kyverno/kyverno/pkg/controllers/ttl/controller.go";

/// Lines of `controller.go` that log `failed to parse label` and `resource has been deleted`.
fn lines(cluster: &Cluster) -> (u32, u32) {
    if cluster.behaviour.name == "1.15" { (185, 200) } else { (149, 164) }
}

impl Cluster {
    /// Plans the deletion of an object with a TTL label.
    pub(super) fn plan_ttl(&mut self, object: &Value, cause: u32) {
        let Some(time) = deletion_time(object) else { return };
        if object.at(&["metadata", "deletionTimestamp"]).is_some() {
            return;
        }
        match time {
            Ok(time) => {
                let at = self.clock.at_unix(time.seconds).max(self.clock.now() + INFORMER);
                let key = Key::of(object);
                self.queue.take_if(|task| matches!(task, Task::Ttl { key: other, .. } if *other == key));
                self.queue.push(at, Task::Ttl { key, cause });
            }
            Err(error) => {
                let value = object.labels().get(TTL_LABEL).cloned().unwrap_or_default();
                let error = serde_json::to_string(&error).unwrap_or_default();
                let text = format!("failed to parse label error={error} logger=ttl-controller value={value}");
                self.log_line(COMPONENT, "ERR", PLACE, lines(self).0, &text, cause, false);
            }
        }
    }

    /// The time of an object has come.
    pub(super) fn expire(&mut self, key: &Key, cause: u32) {
        let Some(object) = self.store.get(key).cloned() else { return };
        let Some(Ok(time)) = deletion_time(&object) else { return };
        if object.at(&["metadata", "deletionTimestamp"]).is_some() {
            return;
        }
        if time.seconds > self.clock.unix().0 {
            return self.plan_ttl(&object, cause);
        }
        let seq = self.record(
            note(Lane::Cleanup, "expired", format!("the time of {} {} is over", object.kind(), object.name()))
                .cause((cause > 0).then_some(cause))
                .subject(reference(&object))
                .tone(Tone::Info)
                .upstream("pkg/controllers/ttl/controller.go"),
        );
        let mut request = ApiRequest::about(Verb::Delete, &object).by(CLEANUP_USER, Lane::Cleanup, Some(seq));
        let annotation = object.annotations().get(PROPAGATION).cloned();
        request.propagation = annotation.filter(|word| matches!(word.as_str(), "Foreground" | "Background" | "Orphan"));
        let outcome = self.request(request);
        match outcome.result {
            Ok(_) => {
                let text = "resource has been deleted logger=ttl-controller v=2";
                self.log_line(COMPONENT, "TRC", PLACE, lines(self).1, text, outcome.seq, false);
            }
            Err(error) => {
                let error = serde_json::to_string(&error.message).unwrap_or_default();
                let text = format!("failed to delete resource error={error} logger=ttl-controller");
                self.log_line(COMPONENT, "ERR", PLACE, lines(self).1 - 5, &text, outcome.seq, false);
            }
        }
    }
}
