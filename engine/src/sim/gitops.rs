//! A GitOps controller: makes the cluster what a repository of manifests says, every few minutes, as a user of its own.
//!
//! What Argo CD and Flux have in common. A commit is applied at the next interval, and again at the one after it while
//! something of it fails. Once a commit is applied, drift is corrected only with `selfHeal`; what left the repository is
//! deleted only with `prune`, and only where it carries the application's tracking label. What a manifest does not set is
//! not compared: the defaults of the API server and of mutating policies are no drift.

use std::collections::BTreeMap;

use serde_json::Value;

use super::api_server::{ApiRequest, Verb, service_account};
use super::journal::{Lane, Tone};
use super::recorder::note;
use super::store::{Key, reference};
use super::{Cluster, Task};
use crate::eval::request::UserInfo;
use crate::object::list_types::Type;
use crate::object::order;
use crate::object::{ObjectExt, apply, patch};

/// By this label an application knows its own: Argo CD's `application.instanceLabelKey`.
pub const TRACKING_LABEL: &str = "app.kubernetes.io/instance";
/// The user of an application that names none.
const USER: &str = "system:serviceaccount:argocd:argocd-application-controller";
/// Annotations, and a word in their value, of what is never pruned.
const KEPT: [(&str, &str); 3] = [
    ("argocd.argoproj.io/compare-options", "IgnoreExtraneous"),
    ("argocd.argoproj.io/sync-options", "Prune=false"),
    ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
];
/// What the API server writes, and no manifest sets.
const SYSTEM_FIELDS: [&str; 5] = ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"];

/// A repository and how it is reconciled.
#[derive(Clone, Debug)]
pub struct Application {
    /// The value of the tracking label.
    pub name: String,
    /// Milliseconds between two looks at the repository.
    pub every: u64,
    /// Delete what left the repository.
    pub prune: bool,
    /// Correct drift of what is applied already.
    pub self_heal: bool,
    /// Who asks the API server.
    pub user: UserInfo,
    repository: Vec<Value>,
    /// What was applied last, by object: the difference to the next commit is taken away.
    applied: BTreeMap<Key, Value>,
    revision: u32,
    synced: Option<u32>,
    /// What was said last; the same is not said twice.
    said: String,
}

/// One thing to do.
enum Change {
    Create(Value),
    /// The object of the repository, and the patch of the live one.
    Patch(Value, Value),
    /// The object of the repository cannot be merged: the API server says why.
    Apply(Value),
    Prune(Value),
}

impl Application {
    /// A repository that holds nothing yet.
    #[must_use]
    pub fn new(name: &str, every: u64) -> Self {
        Self {
            name: name.to_owned(),
            every,
            prune: false,
            self_heal: false,
            user: service_account(USER),
            repository: Vec::new(),
            applied: BTreeMap::new(),
            revision: 0,
            synced: None,
            said: String::new(),
        }
    }

    /// A commit that adds objects, in place of those of the same name.
    pub fn add(&mut self, objects: Vec<Value>) {
        self.revision += 1;
        for object in objects {
            let key = Key::of(&object);
            match self.repository.iter_mut().find(|other| Key::of(other) == key) {
                Some(known) => *known = object,
                None => self.repository.push(object),
            }
        }
    }

    /// A commit that removes objects.
    pub fn remove(&mut self, objects: &[Value]) {
        self.revision += 1;
        let gone: Vec<Key> = objects.iter().map(Key::of).collect();
        self.repository.retain(|object| !gone.contains(&Key::of(object)));
    }

    /// Whether an object is this application's and not one that a controller made from its objects.
    fn tracks(&self, object: &Value) -> bool {
        object.labels().get(TRACKING_LABEL) == Some(&self.name)
            && object.at(&["metadata", "ownerReferences"]).and_then(Value::as_array).is_none_or(Vec::is_empty)
    }

    /// A manifest as it is sent: with the tracking label, without what only the API server writes.
    fn manifest(&self, mut object: Value) -> Value {
        object.remove_at(&["status"]);
        for field in SYSTEM_FIELDS {
            object.remove_at(&["metadata", field]);
        }
        object.set_at(&["metadata", "labels", TRACKING_LABEL], Value::String(self.name.clone()));
        object
    }
}

impl Cluster {
    /// Starts to reconcile an application.
    pub fn install_gitops(&mut self, application: Application) {
        self.gitops = Some(application);
        self.queue.push(self.clock.now(), Task::GitOps);
    }

    /// A user changes the repository; the controller learns of it when it looks next.
    pub fn commit(&mut self, what: &str, objects: Vec<Value>, removes: bool) {
        let Some(application) = &mut self.gitops else { return };
        let subject = objects.first().map(reference);
        if removes {
            application.remove(&objects);
        } else {
            application.add(objects);
        }
        let verb = if removes { "remove" } else { "commit" };
        let text = format!("{verb} {what}: revision {} of {}", application.revision, application.name);
        let mut commit = note(Lane::You, "commit", text).to(Lane::Gitops).anchor(format!("commit:{what}"));
        if let Some(subject) = subject {
            commit = commit.subject(subject);
        }
        self.record(
            commit.remark(
                "A commit changes nothing in the cluster. The GitOps controller applies it at its next interval.",
            ),
        );
    }

    /// Looks at the repository and at the cluster, and makes the second like the first.
    pub(crate) fn reconcile_gitops(&mut self) {
        let Some(mut application) = self.gitops.take() else { return };
        self.queue.push(self.clock.now().saturating_add(application.every), Task::GitOps);
        self.synchronize(&mut application);
        self.gitops = Some(application);
    }

    fn synchronize(&mut self, application: &mut Application) {
        let changes = self.changes(application);
        let fresh = application.synced != Some(application.revision);
        if changes.is_empty() {
            application.synced = Some(application.revision);
            let text = format!("{} is in sync with revision {}", application.name, application.revision);
            self.say(application, note(Lane::Gitops, "in-sync", text.clone()).tone(Tone::Allow), &text);
            return;
        }
        let wanted = |change: &Change| (fresh || application.self_heal) && (application.prune || !is_prune(change));
        let (now, later): (Vec<Change>, Vec<Change>) = changes.into_iter().partition(wanted);
        if !later.is_empty() {
            let words: Vec<String> = later.iter().map(words).collect();
            let why = if later.iter().all(is_prune) && !application.prune { "prune is off" } else { "selfHeal is off" };
            let text = format!("{} is out of sync and stays so ({why}): {}", application.name, words.join(", "));
            self.say(application, note(Lane::Gitops, "out-of-sync", text.clone()).tone(Tone::Warn), &text);
        }
        if now.is_empty() {
            application.synced = Some(application.revision);
            return;
        }
        let words: Vec<String> = now.iter().map(words).collect();
        let text =
            format!("{} is out of sync with revision {}: {}", application.name, application.revision, words.join(", "));
        let seq = self.record(note(Lane::Gitops, "sync", text).tone(Tone::Warn));
        let failures: Vec<String> =
            now.into_iter().filter_map(|change| self.carry_out(application, change, seq)).collect();
        let done = if failures.is_empty() {
            application.synced = Some(application.revision);
            note(Lane::Gitops, "synced", format!("{} synced to revision {}", application.name, application.revision))
                .tone(Tone::Allow)
        } else {
            let every = application.every / 1000;
            let text = format!("sync of {} failed; it is tried again in {every} s", application.name);
            note(Lane::Gitops, "sync-failed", text).tone(Tone::Deny).message(failures.join("\n"))
        };
        application.said.clear();
        self.record(done.cause(Some(seq)));
    }

    /// Records a state once, however often it is found.
    fn say(&mut self, application: &mut Application, note: super::recorder::Note, text: &str) {
        if application.said != text {
            text.clone_into(&mut application.said);
            self.record(note);
        }
    }

    fn changes(&mut self, application: &Application) -> Vec<Change> {
        let mut manifests: Vec<Value> =
            application.repository.iter().map(|object| application.manifest(object.clone())).collect();
        // What others need comes first: `pkg/sync/sync_tasks.go` of the GitOps engine.
        order::sort_by_key(&mut manifests, |object| !matches!(object.kind(), "Namespace" | "CustomResourceDefinition"));
        let mut changes = Vec::new();
        let mut kept = Vec::new();
        for manifest in manifests {
            let key = Key::of(&manifest);
            let change = self.change(application, manifest, &key);
            kept.push(key);
            changes.extend(change);
        }
        let extra = |object: &&Value| {
            application.tracks(object)
                && !kept.contains(&Key::of(object))
                && object.at(&["metadata", "deletionTimestamp"]).is_none()
                && !is_kept(object)
        };
        changes.extend(self.store.iter().map(|(_, entry)| &entry.object).filter(extra).cloned().map(Change::Prune));
        changes
    }

    fn change(&mut self, application: &Application, manifest: Value, key: &Key) -> Option<Change> {
        let Some(live) = self.store.get(key).cloned() else { return Some(Change::Create(manifest)) };
        let wanted = self.complete(manifest.clone());
        let root = Type::of_kind(&manifest.gvk()).unwrap_or(Type::Deduced);
        let base = match application.applied.get(key) {
            Some(last) => apply::withdraw(&root, &live, last, &wanted),
            None => live.clone(),
        };
        match apply::merge_as(&root, &base, &wanted, true) {
            Ok(target) => patch::merge_diff(&live, &target).map(|patch| Change::Patch(wanted, patch)),
            Err(_) => Some(Change::Apply(manifest)),
        }
    }

    /// Does one thing; what went wrong, if anything.
    fn carry_out(&mut self, application: &mut Application, change: Change, cause: u32) -> Option<String> {
        let (verb, object, body) = match change {
            Change::Create(object) => (Verb::Create, object.clone(), Some(object)),
            Change::Patch(object, patch) => (Verb::MergePatch, object, Some(patch)),
            Change::Apply(object) => (Verb::ServerSideApply, object.clone(), Some(object)),
            Change::Prune(object) => (Verb::Delete, object, None),
        };
        let mut request = ApiRequest::about(verb, &object).by(USER, Lane::Gitops, Some(cause));
        request.user = application.user.clone();
        request.body = body;
        if verb == Verb::Delete {
            // Argo CD's default `PrunePropagationPolicy`.
            request.propagation = Some("Foreground".to_owned());
        }
        let result = self.request(request).result;
        let key = Key::of(&object);
        match result {
            Ok(_) if verb == Verb::Delete => drop(application.applied.remove(&key)),
            Ok(_) => {
                let applied = self.complete(object);
                application.applied.insert(key, applied);
            }
            Err(error) => return Some(format!("{} {}: {}", object.kind(), object.name(), error.message)),
        }
        None
    }
}

fn is_prune(change: &Change) -> bool {
    matches!(change, Change::Prune(_))
}

fn is_kept(object: &Value) -> bool {
    let annotations = object.annotations();
    KEPT.iter().any(|(key, word)| annotations.get(*key).is_some_and(|value| value.contains(word)))
}

fn words(change: &Change) -> String {
    let (object, word) = match change {
        Change::Create(object) => (object, "is missing".to_owned()),
        Change::Patch(object, patch) => (object, format!("differs in {}", fields(patch).join(", "))),
        Change::Apply(object) => (object, "differs".to_owned()),
        Change::Prune(object) => (object, "is not in the repository".to_owned()),
    };
    format!("{} {} {word}", object.kind(), object.name())
}

/// The fields that a merge patch changes: `spec.replicas`.
fn fields(patch: &Value) -> Vec<String> {
    match patch.as_object().filter(|map| !map.is_empty()) {
        None => vec![String::new()],
        Some(map) => map
            .iter()
            .flat_map(|(key, value)| {
                let join = move |rest: String| if rest.is_empty() { key.clone() } else { format!("{key}.{rest}") };
                fields(value).into_iter().map(join)
            })
            .collect(),
    }
}

/// The user that a scenario names, in the groups that every authenticated user has.
#[must_use]
pub fn user_of(user: Option<&UserInfo>) -> UserInfo {
    let Some(mut user) = user.cloned() else { return service_account(USER) };
    if user.groups.is_empty() && user.username.starts_with("system:serviceaccount:") {
        user.groups = service_account(&user.username).groups;
    }
    if user.groups.iter().all(|group| group != "system:authenticated") {
        user.groups.push("system:authenticated".to_owned());
    }
    user
}
