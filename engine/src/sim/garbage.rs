//! Finalizers, owners and namespaces: the garbage collector and the namespace controller of Kubernetes.

use serde_json::{Value, json};

use super::api_server::{ApiRequest, Verb};
use super::journal::Lane;
use super::recorder::note;
use super::store::{Key, reference};
use super::{Cluster, Task};
use crate::object::ObjectExt;

const COLLECTOR: &str = "system:serviceaccount:kube-system:generic-garbage-collector";
const NAMESPACES: &str = "system:serviceaccount:kube-system:namespace-controller";
const FOREGROUND: &str = "foregroundDeletion";
/// How soon these controllers act on what they see.
const REACTION: u64 = 30;

impl Cluster {
    /// Removes an object, or begins to where a finalizer, its kind or the propagation holds it.
    pub(super) fn begin_deletion(&mut self, request: &ApiRequest, old: &Value, asked: u32) {
        let namespace = is_namespace(old);
        let mut object = old.clone();
        let mut finalizers = finalizers(old);
        if request.propagation.as_deref() == Some("Foreground") && !self.dependents(old).is_empty() {
            finalizers.push(FOREGROUND.to_owned());
            object.set_at(&["metadata", "finalizers"], json!(finalizers));
        }
        if finalizers.is_empty() && !namespace {
            self.erase(request, old, asked);
            return;
        }
        if old.at(&["metadata", "deletionTimestamp"]).is_some() {
            return;
        }
        object.set_at(&["metadata", "deletionTimestamp"], Value::String(self.clock.rfc3339()));
        object.set_at(&["metadata", "deletionGracePeriodSeconds"], json!(0));
        if namespace {
            object.set_at(&["status", "phase"], json!("Terminating"));
        }
        self.hop();
        self.put(object, false);
        let stored = self.store.get(&Key::of(old)).cloned();
        let revision = self.store.revision();
        let why = if namespace { "its contents go first".to_owned() } else { finalizers.join(", ") };
        let seq = self.record(
            note(Lane::ApiServer, "terminating", format!("{} {} is terminating: {why}", old.kind(), old.name()))
                .to(Lane::Etcd)
                .cause(Some(asked))
                .subject(reference(old))
                .change(Some(old.clone()), stored)
                .detail(|detail| detail.revision = Some(revision)),
        );
        self.queue.push(self.clock.now() + REACTION, Task::Finalize { key: Key::of(old), cause: seq });
    }

    /// Goes on with an object that is terminating.
    pub(super) fn finalize(&mut self, key: &Key, cause: u32) {
        let Some(object) = self.store.get(key).cloned() else { return };
        if object.at(&["metadata", "deletionTimestamp"]).is_none() {
            return;
        }
        if is_namespace(&object) {
            self.empty_namespace(object.name(), cause);
        }
        let mut finalizers = finalizers(&object);
        if let Some(at) = finalizers.iter().position(|one| one == FOREGROUND) {
            for dependent in self.dependents(&object) {
                let mut request = ApiRequest::about(Verb::Delete, &dependent);
                request.propagation = Some("Foreground".to_owned());
                self.request(request.by(COLLECTOR, Lane::Controllers, Some(cause)));
            }
            if self.dependents(&object).is_empty() {
                finalizers.remove(at);
            }
        }
        let Some(mut object) = self.store.get(key).cloned() else { return };
        object.set_at(&["metadata", "finalizers"], json!(finalizers));
        let contents = is_namespace(&object) && self.store.iter().any(|(other, _)| other.namespace == key.name);
        if finalizers.is_empty() && !contents {
            object.remove_at(&["metadata", "finalizers"]);
            let request = ApiRequest::about(Verb::Delete, &object).by(NAMESPACES, Lane::Controllers, Some(cause));
            self.erase(&request, &object, cause);
            // What waited for this object goes on.
            let waiting = self.store.find("", "Namespace", "", &key.namespace).cloned();
            if let Some(namespace) = waiting {
                self.queue.push(self.clock.now() + REACTION, Task::Finalize { key: Key::of(&namespace), cause });
            }
        }
    }

    /// Finalizers of a terminating object were taken away.
    pub(super) fn plan_finalize(&mut self, object: &Value, cause: u32) {
        if object.at(&["metadata", "deletionTimestamp"]).is_some() {
            self.queue.push(self.clock.now() + REACTION, Task::Finalize { key: Key::of(object), cause });
        }
    }

    fn erase(&mut self, request: &ApiRequest, old: &Value, asked: u32) {
        self.hop();
        self.store.remove(&Key::of(old));
        self.observe(old, true);
        let revision = self.store.revision();
        self.record(
            note(Lane::ApiServer, "removed", format!("{} {} removed, revision {revision}", old.kind(), old.name()))
                .to(Lane::Etcd)
                .cause(Some(asked))
                .subject(reference(old))
                .change(Some(old.clone()), None)
                .detail(|detail| detail.revision = Some(revision)),
        );
        self.written(request, Some(old), None, asked);
    }

    /// The namespace controller deletes what is in a namespace that goes.
    fn empty_namespace(&mut self, namespace: &str, cause: u32) {
        let inside: Vec<(Key, Value, bool)> = self
            .store
            .iter()
            .filter(|(key, _)| key.namespace == namespace)
            .map(|(key, entry)| (key.clone(), entry.object.clone(), entry.system))
            .collect();
        for (key, object, system) in inside {
            if system {
                self.store.remove(&key);
            } else if self.store.get(&key).is_some() {
                self.request(ApiRequest::about(Verb::Delete, &object).by(NAMESPACES, Lane::Controllers, Some(cause)));
            }
        }
    }

    /// Plans what the garbage collector does about the dependents of an object that is gone.
    pub(super) fn plan_garbage(&mut self, owner: &Value, orphan: bool, cause: u32) {
        if !owner.uid().is_empty() && !self.dependents(owner).is_empty() {
            let task = Task::Garbage { owner: owner.clone(), orphan, cause };
            self.queue.push(self.clock.now() + REACTION, task);
        }
    }

    /// Deletes what a deleted object owned; what has another owner, or is orphaned, loses the reference only.
    pub(super) fn collect_garbage(&mut self, owner: &Value, orphan: bool, cause: u32) {
        for mut object in self.dependents(owner) {
            let Some(stored) = self.store.get(&Key::of(&object)) else { continue };
            if stored.uid() != object.uid() {
                continue;
            }
            let others: Vec<Value> =
                owners(&object).filter(|reference| reference.str_at(&["uid"]) != owner.uid()).cloned().collect();
            let alive = |reference: &Value| {
                self.store.iter().any(|(_, entry)| entry.object.uid() == reference.str_at(&["uid"]))
            };
            let keep = orphan || others.iter().any(alive);
            if keep {
                object.set_at(&["metadata", "ownerReferences"], Value::Array(others));
                if orphan && owners(&object).next().is_none() {
                    object.remove_at(&["metadata", "ownerReferences"]);
                }
            }
            let verb = if keep { Verb::Update } else { Verb::Delete };
            self.request(ApiRequest::about(verb, &object).by(COLLECTOR, Lane::Controllers, Some(cause)));
        }
    }

    fn dependents(&self, owner: &Value) -> Vec<Value> {
        let uid = owner.uid();
        let owned = |object: &&Value| !uid.is_empty() && owners(object).any(|one| one.str_at(&["uid"]) == uid);
        self.store.iter().map(|(_, entry)| &entry.object).filter(owned).cloned().collect()
    }
}

fn is_namespace(object: &Value) -> bool {
    object.kind() == "Namespace" && object.api_version() == "v1"
}

fn finalizers(object: &Value) -> Vec<String> {
    let listed = object.at(&["metadata", "finalizers"]).and_then(Value::as_array).into_iter().flatten();
    listed.filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object.at(&["metadata", "ownerReferences"]).and_then(Value::as_array).into_iter().flatten()
}
