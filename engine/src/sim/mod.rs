//! A cluster small enough to understand: virtual clock, API server, Kyverno's controllers.
//!
//! [`Cluster`] holds the state; each file beside this one is one actor that works on it. Asynchronous work sits in a queue
//! and is taken later, by virtual time; nothing happens that is not caused by a request or by time passing.

pub mod admission;
pub mod api_server;
pub mod background;
mod cel_admission;
pub mod cel_policies;
pub mod cel_webhooks;
mod cleanup;
pub mod clock;
pub mod config;
mod decoding;
mod garbage;
mod global_context;
mod gpol;
mod gpol_watches;
pub mod journal;
pub mod k8s_events;
mod mpol_existing;
mod mutate_existing;
pub mod names;
mod native_generation;
pub mod native_policies;
pub mod patching;
pub mod policies;
mod policy_admission;
mod policy_events;
mod policy_status;
pub mod profile;
pub mod rbac;
pub mod recorder;
pub mod reports;
pub mod store;
mod ttl;
pub mod update_requests;
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
    /// What is recorded.
    pub journal: Recorder,
    /// Answers of the outside.
    pub mocks: Mocks,
    /// Report rows that wait.
    pub pending_reports: reports::PendingReports,
    /// What GeneratingPolicies keep synchronized.
    pub(crate) watches: gpol_watches::Watches,
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
            journal: Recorder::default(),
            mocks: Mocks::default(),
            pending_reports: reports::PendingReports::default(),
            watches: gpol_watches::Watches::default(),
            names: Names::default(),
            choices: std::collections::VecDeque::new(),
            choice_points: Vec::new(),
        };
        for name in ["default", "kube-system", "kube-public", "kube-node-lease", config::KYVERNO_NAMESPACE] {
            cluster
                .place(serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}), true);
        }
        cluster.queue.push(HOUR, Task::Hourly);
        cluster.refresh_webhooks();
        cluster
    }

    /// Puts an object into the cluster as though it had always been there: no admission, no events.
    pub fn place(&mut self, object: Value, system: bool) {
        use crate::object::ObjectExt;
        let mut object = self.complete(object);
        if object.uid().is_empty() {
            let uid = self.names.uid(&format!("{}/{}", object.kind(), object.name()));
            object.set_at(&["metadata", "uid"], Value::String(uid));
        }
        if object.str_at(&["metadata", "creationTimestamp"]).is_empty() {
            object.set_at(&["metadata", "creationTimestamp"], Value::String(self.clock.rfc3339()));
        }
        if object.kind() == "Namespace" && object.api_version() == "v1" {
            self.furnish_namespace(object.name());
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
            self.clock.advance_to(at);
            self.perform(task);
            if self.journal.exhausted() {
                break;
            }
        }
    }

    /// Lets virtual time pass and runs what falls due.
    pub fn advance(&mut self, millis: u64) {
        let until = self.clock.now().saturating_add(millis);
        while let Some((at, task)) = self.queue.pop_due(until) {
            self.clock.advance_to(at);
            self.perform(task);
            if self.journal.exhausted() {
                return;
            }
        }
        self.clock.advance_to(until);
    }

    pub(crate) fn perform(&mut self, task: Task) {
        match task {
            Task::UpdateRequest { name, cause } => self.process_update_request(&name, cause),
            Task::Workload { key, cause } => self.reconcile_workload(&key, cause),
            Task::Scan { key } => self.scan(&key),
            Task::Aggregate { uid } => self.aggregate(&uid),
            Task::Cleanup { key, retries } => self.cleanup(&key, retries),
            Task::Ttl { key, cause } => self.expire(&key, cause),
            Task::Finalize { key, cause } => self.finalize(&key, cause),
            Task::Garbage { owner, orphan, cause } => self.collect_garbage(&owner, orphan, cause),
            Task::Watch { object, gone, cause } => self.watch(&object, gone, cause),
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
