//! A cluster small enough to understand: virtual clock, API server, Kyverno's controllers.
//!
//! [`Cluster`] holds the state; each file beside this one is one actor that works on it. Asynchronous work sits in a queue
//! and is taken later, by virtual time; nothing happens that is not caused by a request or by time passing.

mod access_reviews;
pub mod admission;
mod admission_events;
pub mod api_server;
mod authorization;
pub mod background;
mod cel_admission;
pub mod cel_policies;
pub mod cel_webhooks;
mod cleanup;
pub mod clock;
pub mod config;
mod decoding;
mod garbage;
mod generate_log;
pub mod gitops;
mod global_context;
mod gpol;
mod gpol_watches;
pub mod journal;
pub mod k8s_events;
mod kubelet;
mod map_generation;
mod mpol_existing;
mod mutate_existing;
pub mod names;
mod namespaces;
mod native_generation;
pub mod native_policies;
pub mod patching;
mod permissions;
mod pods;
pub mod policies;
mod policy_admission;
mod policy_events;
mod policy_status;
pub mod profile;
pub mod rbac;
pub mod recorder;
pub mod reports;
pub mod store;
mod subresources;
pub mod tokens;
mod ttl;
pub mod update_requests;
mod validation;
pub mod view;
mod webhook_configurations;
pub mod webhooks;
pub mod workloads;
mod written;

use serde_json::Value;

use crate::object::catalog::Catalog;
use clock::{Clock, Queue};
use config::Config;
use names::Names;
use policies::PolicyCache;
use profile::Behaviour;
use recorder::Recorder;
use store::Store;
use view::Mocks;

/// How long a message takes, in milliseconds of virtual time.
pub(crate) const HOP: u64 = 2;
/// How long after its creation an UpdateRequest reaches the background controller through its informer.
pub(crate) const INFORMER: u64 = 10;

/// The version of Kubernetes where nothing says another.
const KUBERNETES: &str = "1.34";

/// How often everything is gone through again.
const HOUR: u64 = 3_600_000;

/// Work that is due later.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// The background controller takes an UpdateRequest from its queue.
    UpdateRequest {
        /// Its name.
        name: String,
        /// The event that put it there.
        cause: u32,
    },
    /// The reports controller looks at a stored object.
    Scan {
        /// Which.
        key: store::Key,
    },
    /// A workload controller looks at its object.
    Workload {
        /// Which.
        key: store::Key,
        /// The event of the write; 0 for none.
        cause: u32,
    },
    /// Controllers of the cluster put into a new namespace what every namespace has.
    Furnish {
        /// Its name.
        namespace: String,
        /// The event of its creation.
        cause: u32,
    },
    /// A Secret waits for the token of a service account.
    Token {
        /// Which.
        key: store::Key,
        /// The event of its creation.
        cause: u32,
    },
    /// A container has ended; the kubelet starts it again.
    Restart {
        /// Its Pod.
        key: store::Key,
        /// Its name.
        container: String,
        /// The lease that the process in it takes afterwards.
        lease: Option<store::Key>,
    },
    /// A cleanup policy's time has come.
    Cleanup {
        /// The policy.
        key: store::Key,
        /// How often it failed before.
        retries: u32,
    },
    /// An object's time to live may be over.
    Ttl {
        /// Which.
        key: store::Key,
        /// The event of its write.
        cause: u32,
    },
    /// An object is terminating.
    Finalize {
        /// Which.
        key: store::Key,
        /// The event that led to it.
        cause: u32,
    },
    /// An owner is gone.
    Garbage {
        /// It, as it was.
        owner: Value,
        /// Its dependents stay.
        orphan: bool,
        /// The event of its removal.
        cause: u32,
    },
    /// A watch of the background controller hears of something.
    Watch {
        /// The object as it is, or as it was.
        object: Value,
        /// It was deleted.
        gone: bool,
        /// The event of the write.
        cause: u32,
    },
    /// The GitOps controller looks at its repository.
    GitOps,
    /// The policy and reports controllers go through everything.
    Hourly,
    /// The reports controller merges what is known about an object.
    Aggregate {
        /// Its uid.
        uid: String,
    },
}

/// A simulated cluster with Kyverno in it.
pub struct Cluster {
    /// The version that is followed.
    pub behaviour: &'static Behaviour,
    /// Settings of Kyverno.
    pub config: Config,
    /// Virtual time.
    pub clock: Clock,
    /// Waiting work.
    pub queue: Queue<Task>,
    /// What is stored.
    pub store: Store,
    /// Kinds that the API server knows.
    pub catalog: Catalog,
    /// Schemas of the custom resources that CRDs of this run define.
    pub(crate) custom_kinds: decoding::CustomKinds,
    /// Policies as Kyverno's informers see them.
    pub policies: PolicyCache,
    /// The user who reads, while policies are evaluated.
    pub(crate) reader: &'static str,
    /// What is recorded.
    pub journal: Recorder,
    /// Answers of the outside.
    pub mocks: Mocks,
    /// Report rows that wait.
    pub pending_reports: reports::PendingReports,
    /// What GeneratingPolicies keep synchronized.
    pub(crate) watches: gpol_watches::Watches,
    /// A repository that is kept in sync with the cluster.
    pub(crate) gitops: Option<gitops::Application>,
    /// The version of Kubernetes, as `1.34`.
    pub kubernetes: String,
    /// Made-up names.
    pub names: Names,
    /// Decides the order of concurrent work where it is free: taken from the front, `0` (the usual order) when empty.
    pub choices: std::collections::VecDeque<u8>,
    /// Where an order was free, and what was chosen.
    pub choice_points: Vec<ChoicePoint>,
}

/// A place where the order of concurrent work is not given.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChoicePoint {
    /// The event before it.
    pub seq: u32,
    /// What could come next.
    pub options: Vec<String>,
    /// Which came.
    pub chosen: u8,
}

impl Cluster {
    /// An empty cluster at a Unix time, with the namespaces that every cluster has.
    #[must_use]
    pub fn new(behaviour: &'static Behaviour, config: Config, start: i64) -> Self {
        let mut cluster = Self {
            behaviour,
            config,
            clock: Clock::new(start),
            queue: Queue::default(),
            store: Store::default(),
            catalog: Catalog::new(),
            custom_kinds: decoding::CustomKinds::new(),
            policies: PolicyCache::default(),
            reader: config::ADMISSION_USER,
            journal: Recorder::default(),
            mocks: Mocks::default(),
            pending_reports: reports::PendingReports::default(),
            watches: gpol_watches::Watches::default(),
            gitops: None,
            kubernetes: KUBERNETES.to_owned(),
            names: Names::default(),
            choices: std::collections::VecDeque::new(),
            choice_points: Vec::new(),
        };
        for name in ["default", "kube-system", "kube-public", "kube-node-lease", config::KYVERNO_NAMESPACE] {
            cluster
                .place(serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}), true);
        }
        if cluster.config.permissions {
            cluster.place_roles();
        }
        cluster.queue.push(HOUR, Task::Hourly);
        cluster.refresh_webhooks();
        cluster
    }

    /// Puts an object into the cluster as though it had always been there: no admission, no events.
    pub fn place(&mut self, object: Value, system: bool) {
        use crate::object::ObjectExt;
        let mut object = self.complete(object);
        self.set_defaults(&object.gvk(), &mut object);
        object = self.in_storage_version(object);
        if object.uid().is_empty() {
            let uid = self.names.uid(&format!("{}/{}", object.kind(), object.name()));
            object.set_at(&["metadata", "uid"], Value::String(uid));
        }
        if object.str_at(&["metadata", "creationTimestamp"]).is_empty() {
            object.set_at(&["metadata", "creationTimestamp"], Value::String(self.clock.rfc3339()));
        }
        if object.kind() == "Namespace" && object.api_version() == "v1" {
            self.furnish_silently(object.name());
        }
        self.put(object.clone(), system);
        self.plan_ttl(&object, 0);
        if cleanup::is_scheduled(&object) {
            self.plan_cleanup(&object, 0);
        }
    }

    /// Writes an object and tells those who watch.
    pub(crate) fn put(&mut self, object: Value, system: bool) -> Option<Value> {
        let before = self.store.put(object.clone(), system);
        self.observe(&object, false);
        before
    }

    /// Keeps what the actors derive from stored objects up to date.
    pub(crate) fn observe(&mut self, object: &Value, gone: bool) {
        use crate::object::ObjectExt;
        if object.kind() == "CustomResourceDefinition" {
            if !gone {
                self.catalog.add_crd(object);
            }
            self.learn_kind(object, gone);
        }
        if PolicyCache::concerns(object) {
            self.policies = PolicyCache::read(&self.store, &self.policies, &self.config);
            self.refresh_webhooks();
        }
    }

    /// Runs the waiting work that falls due while nothing else happens: everything within `window` milliseconds of the
    /// last thing that happened.
    pub fn settle(&mut self, window: u64) {
        while let Some((at, task)) = self.queue.pop_due(self.clock.now().saturating_add(window)) {
            if self.journal.exhausted() {
                self.journal.cut = true;
                return;
            }
            self.clock.advance_to(at);
            self.perform(task);
        }
    }

    /// Lets virtual time pass and runs what falls due.
    pub fn advance(&mut self, millis: u64) {
        let until = self.clock.now().saturating_add(millis);
        while let Some((at, task)) = self.queue.pop_due(until) {
            if self.journal.exhausted() {
                self.journal.cut = true;
                return;
            }
            self.clock.advance_to(at);
            self.perform(task);
        }
        self.clock.advance_to(until);
    }

    pub(crate) fn perform(&mut self, task: Task) {
        let before = std::mem::replace(&mut self.reader, reader_of(&task));
        self.perform_as_reader(task);
        self.reader = before;
    }

    fn perform_as_reader(&mut self, task: Task) {
        match task {
            Task::UpdateRequest { name, cause } => self.process_update_request(&name, cause),
            Task::Workload { key, cause } => self.reconcile_workload(&key, cause),
            Task::Furnish { namespace, cause } => self.furnish_namespace(&namespace, cause),
            Task::Token { key, cause } => self.issue_token(&key, cause),
            Task::Restart { key, container, lease } => self.restart(&key, &container, lease.as_ref()),
            Task::Scan { key } => self.scan(&key),
            Task::Aggregate { uid } => self.aggregate(&uid),
            Task::Cleanup { key, retries } => self.cleanup(&key, retries),
            Task::Ttl { key, cause } => self.expire(&key, cause),
            Task::Finalize { key, cause } => self.finalize(&key, cause),
            Task::Garbage { owner, orphan, cause } => self.collect_garbage(&owner, orphan, cause),
            Task::Watch { object, gone, cause } => self.watch(&object, gone, cause),
            Task::GitOps => self.reconcile_gitops(),
            Task::Hourly => {
                self.queue.push(self.clock.now() + HOUR, Task::Hourly);
                self.hourly();
            }
        }
    }

    /// One hop later.
    pub(crate) fn hop(&mut self) -> u64 {
        self.clock.advance(HOP);
        self.clock.now()
    }

    /// Records an event now.
    pub(crate) fn record(&mut self, note: recorder::Note) -> u32 {
        self.journal.push(self.clock.now(), note)
    }

    /// Which of several orders is followed here.
    pub(crate) fn choose(&mut self, seq: u32, options: &[&str]) -> u8 {
        let most = u8::try_from(options.len().saturating_sub(1)).unwrap_or(0);
        let chosen = self.choices.pop_front().unwrap_or(0).min(most);
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        self.choice_points.push(ChoicePoint { seq, options, chosen });
        chosen
    }
}

/// The user that a controller reads as.
fn reader_of(task: &Task) -> &'static str {
    match task {
        Task::UpdateRequest { .. } | Task::Watch { .. } | Task::Hourly => config::BACKGROUND_USER,
        Task::Scan { .. } | Task::Aggregate { .. } => config::REPORTS_USER,
        Task::Cleanup { .. } | Task::Ttl { .. } => config::CLEANUP_USER,
        Task::GitOps
        | Task::Restart { .. }
        | Task::Workload { .. }
        | Task::Furnish { .. }
        | Task::Token { .. }
        | Task::Finalize { .. }
        | Task::Garbage { .. } => config::ADMISSION_USER,
    }
}
