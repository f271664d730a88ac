//! How what GeneratingPolicies made stays as it was made: a watch for each kind, with a cache by uid.
//! Follows `pkg/background/gpol/dynamic_watcher.go`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::api_server::{ApiRequest, Verb};
use super::background::{LABEL_POLICY, LABEL_TRIGGER_PREFIX};
use super::cel_admission::managed;
use super::config::BACKGROUND_USER;
use super::journal::{Lane, Tone};
use super::recorder::note;
use super::store::{Key, reference};
use super::{Cluster, INFORMER, Task};
use crate::eval::view::View as _;
use crate::object::ObjectExt;
use crate::object::order;

const SOURCE_UID: &str = "generate.kyverno.io/source-uid";

/// Group and kind.
type Kind = (String, String);

/// The watches of the background controller.
#[derive(Clone, Debug, Default)]
pub struct Watches {
    /// The kinds that each policy makes.
    policies: BTreeMap<String, BTreeSet<Kind>>,
    /// By kind and uid what was made.
    cache: BTreeMap<Kind, BTreeMap<String, Value>>,
}

fn kind_of(object: &Value) -> Kind {
    let gvk = object.gvk();
    (gvk.group, gvk.kind)
}

impl Watches {
    fn uids(&self, policy: &str, trigger: Option<&str>) -> Vec<(Kind, String)> {
        let label = format!("{LABEL_TRIGGER_PREFIX}uid");
        let kinds = self.policies.get(policy).into_iter().flatten();
        let mut found = Vec::new();
        for kind in kinds {
            for (uid, object) in self.cache.get(kind).into_iter().flatten() {
                let labels = object.labels();
                let of_policy = labels.get(LABEL_POLICY).is_some_and(|name| name == policy);
                let of_trigger =
                    trigger.is_none_or(|trigger| labels.get(&label).map(String::as_str).unwrap_or("") == trigger);
                if of_policy && of_trigger {
                    found.push((kind.clone(), uid.clone()));
                }
            }
        }
        found
    }

    fn get(&self, kind: &Kind, uid: &str) -> Option<&Value> {
        self.cache.get(kind)?.get(uid)
    }

    fn forget(&mut self, kind: &Kind, uid: &str) {
        if let Some(cache) = self.cache.get_mut(kind) {
            cache.remove(uid);
        }
    }

    /// Ends the watches that no policy needs any more.
    fn prune(&mut self) {
        let needed: BTreeSet<&Kind> = order::set(self.policies.values().flatten());
        self.cache.retain(|kind, _| needed.contains(kind));
    }
}

impl Cluster {
    /// Watches what a policy made for a trigger; what it makes no longer for it, of other kinds, is deleted.
    pub(super) fn sync_watches(&mut self, policy: &str, trigger: &str, made: &[Value], cause: u32) {
        let mut kinds = BTreeSet::new();
        for object in made {
            let kind = kind_of(object);
            self.watches.cache.entry(kind.clone()).or_default().insert(object.uid().to_owned(), object.clone());
            kinds.insert(kind);
        }
        if made.is_empty() {
            return;
        }
        let old = self.watches.policies.get(policy).cloned().unwrap_or_default();
        for kind in old.difference(&kinds.clone()) {
            for (found, uid) in self.watches.uids(policy, Some(trigger)) {
                if found == *kind {
                    self.delete_cached(&found, &uid, cause);
                }
            }
            if self.watches.uids(policy, None).iter().any(|(found, _)| found == kind) {
                kinds.insert(kind.clone());
            }
        }
        self.watches.policies.insert(policy.to_owned(), kinds);
        self.watches.prune();
    }

    /// What a policy made and watches.
    pub(super) fn watched(&self, policy: &str) -> Vec<Value> {
        let uids = self.watches.uids(policy, None);
        uids.iter().filter_map(|(kind, uid)| self.watches.get(kind, uid).cloned()).collect()
    }

    /// Deletes what a policy made, for one trigger or for all.
    pub(super) fn delete_watched(&mut self, policy: &str, trigger: Option<&str>, cause: u32) {
        for (kind, uid) in self.watches.uids(policy, trigger) {
            self.delete_cached(&kind, &uid, cause);
        }
    }

    /// Deletes what a policy made for a trigger and no longer makes.
    pub(super) fn delete_stale(&mut self, policy: &str, trigger: &str, made: &[Value], cause: u32) {
        let wanted: BTreeSet<Key> = order::set(made.iter().map(Key::of));
        for (kind, uid) in self.watches.uids(policy, Some(trigger)) {
            if self.watches.get(&kind, &uid).is_some_and(|object| !wanted.contains(&Key::of(object))) {
                self.delete_cached(&kind, &uid, cause);
            }
        }
    }

    /// Ends the watches of a policy. Clones stay even where the rest is deleted.
    pub(super) fn remove_watches(&mut self, policy: &str, delete: bool, cause: u32) {
        for (kind, uid) in self.watches.uids(policy, None) {
            let clone = self.watches.get(&kind, &uid).is_some_and(|object| object.labels().contains_key(SOURCE_UID));
            if delete && !clone {
                self.delete_cached(&kind, &uid, cause);
            }
            self.watches.forget(&kind, &uid);
        }
        self.watches.policies.remove(policy);
        self.watches.prune();
    }

    /// It is forgotten before it is deleted, so that the watch does not bring it back.
    fn delete_cached(&mut self, kind: &Kind, uid: &str, cause: u32) {
        let Some(object) = self.watches.get(kind, uid).cloned() else { return };
        let request = ApiRequest::about(Verb::Delete, &object).by(BACKGROUND_USER, Lane::Background, Some(cause));
        if self.request(request).result.is_ok() {
            self.watches.forget(kind, uid);
        }
    }

    /// Tells the watch of a kind about a write.
    pub(super) fn plan_watch(&mut self, before: Option<&Value>, after: Option<&Value>, cause: u32) {
        let Some(object) = after.or(before) else { return };
        if before.is_some() && self.watches.cache.contains_key(&kind_of(object)) {
            let task = Task::Watch { object: object.clone(), gone: after.is_none(), cause };
            self.queue.push(self.clock.now() + INFORMER, task);
        }
    }

    /// The watch of a kind hears of a change or a deletion.
    pub(super) fn watch(&mut self, object: &Value, gone: bool, cause: u32) {
        let kind = kind_of(object);
        if !self.watches.cache.contains_key(&kind) {
            return;
        }
        let cached = self.watches.get(&kind, object.uid()).cloned();
        let managed = managed(object);
        match cached {
            Some(made) if gone && managed => self.bring_back(Verb::Create, &made, "recreates", cause),
            Some(made) if !gone && content(&made) != content(object) => {
                self.bring_back(Verb::Update, &made, "reverts", cause);
            }
            None if gone && !managed => self.source_gone(object, &kind, cause),
            None if !gone => self.source_changed(object, &kind, cause),
            _ => {}
        }
    }

    fn bring_back(&mut self, verb: Verb, made: &Value, word: &str, cause: u32) {
        let seq = self.record(
            note(Lane::Background, "watch", format!("the watch {word} {} {}", made.kind(), made.name()))
                .cause(Some(cause))
                .subject(reference(made))
                .tone(Tone::Generate)
                .remark("A recreated object has another uid than the one in the watch's cache.")
                .upstream("pkg/background/gpol/dynamic_watcher.go"),
        );
        let mut body = made.clone();
        strip(&mut body);
        self.request(ApiRequest::about(verb, &body).by(BACKGROUND_USER, Lane::Background, Some(seq)));
    }

    fn clones_of_source(&self, source: &Value, kind: &Kind) -> Vec<Value> {
        let mut found = self.list(&source.gvk(), None);
        found.retain(|object| {
            object.labels().get(SOURCE_UID).is_some_and(|uid| uid == source.uid())
                && self.watches.get(kind, object.uid()).is_some()
        });
        found
    }

    fn source_gone(&mut self, source: &Value, kind: &Kind, cause: u32) {
        for object in self.clones_of_source(source, kind) {
            self.delete_cached(kind, object.uid(), cause);
        }
    }

    fn source_changed(&mut self, source: &Value, kind: &Kind, cause: u32) {
        for object in self.clones_of_source(source, kind) {
            let mut copy = source.clone();
            strip(&mut copy);
            for field in ["name", "namespace", "labels"] {
                match object.at(&["metadata", field]) {
                    Some(value) => copy.set_at(&["metadata", field], value.clone()),
                    None => drop(copy.remove_at(&["metadata", field])),
                }
            }
            let request = ApiRequest::about(Verb::Update, &copy).by(BACKGROUND_USER, Lane::Background, Some(cause));
            if self.request(request).result.is_ok()
                && let Some(cache) = self.watches.cache.get_mut(kind)
            {
                cache.insert(object.uid().to_owned(), copy);
            }
        }
    }
}

fn strip(object: &mut Value) {
    for field in ["uid", "selfLink", "creationTimestamp", "managedFields", "resourceVersion"] {
        object.remove_at(&["metadata", field]);
    }
}

/// What a change is noticed by: labels, annotations, and everything but metadata and status.
fn content(object: &Value) -> Value {
    let mut content = object.clone();
    if let Some(map) = content.as_object_mut() {
        map.shift_remove("status");
        map.shift_remove("metadata");
    }
    serde_json::json!([object.labels(), object.annotations(), sorted(&content)])
}

/// Without the order of keys.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<&String, Value> = order::map(map.iter().map(|(key, value)| (key, sorted(value))));
            Value::Object(ordered.into_iter().map(|(key, value)| (key.clone(), value)).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}
