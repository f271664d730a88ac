//! Just enough of the workload controllers: Deployments make ReplicaSets, those make Pods, Pods get a node and run.
//!
//! Every object is created through the API server by the controller's own service account, so that policies see it.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::api_server::{ApiRequest, Verb};
use super::journal::Lane;
use super::store::Key;
use super::{Cluster, Task};
use crate::eval::request::Operation;
use crate::object::ObjectExt;
use crate::object::gvk::Gvr;

/// How soon a controller acts on what it sees.
const REACTION: u64 = 40;
/// The most Pods that one owner gets here.
const MAX_PODS: i64 = 5;

/// Whether a controller acts on a kind.
#[must_use]
pub fn is_workload(object: &Value) -> bool {
    let gvk = object.gvk();
    match gvk.group.as_str() {
        "apps" => matches!(gvk.kind.as_str(), "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet"),
        "batch" => gvk.kind == "Job",
        "" => gvk.kind == "Pod",
        _ => false,
    }
}

impl Cluster {
    /// Plans what a controller does about a workload that was written.
    pub(crate) fn plan_workload(&mut self, object: &Value, cause: u32) {
        if is_workload(object) {
            let key = Key::of(object);
            let waiting =
                self.queue.iter().any(|(_, task)| matches!(task, Task::Workload { key: other, .. } if *other == key));
            if !waiting {
                self.queue.push(self.clock.now() + REACTION, Task::Workload { key, cause });
            }
        }
    }

    /// Brings a workload one step further.
    pub(crate) fn reconcile_workload(&mut self, key: &Key, cause: u32) {
        let Some(object) = self.store.get(key).cloned() else { return };
        if object.at(&["metadata", "deletionTimestamp"]).is_some() {
            return;
        }
        match object.kind() {
            "Deployment" => self.reconcile_deployment(&object, cause),
            "ReplicaSet" => self.reconcile_pods(&object, "replicaset-controller", cause),
            "StatefulSet" => self.reconcile_pods(&object, "statefulset-controller", cause),
            "DaemonSet" => self.reconcile_pods(&object, "daemon-set-controller", cause),
            "Job" => self.reconcile_pods(&object, "job-controller", cause),
            "Pod" => self.start_pod(object, cause),
            _ => {}
        }
    }

    fn reconcile_deployment(&mut self, deployment: &Value, cause: u32) {
        let template = deployment.at(&["spec", "template"]).cloned().unwrap_or_else(|| json!({}));
        let hash = template_hash(&template);
        let name = format!("{}-{hash}", deployment.name());
        let replicas = wanted(deployment);
        if let Some(current) = self.store.find("apps", "ReplicaSet", deployment.namespace(), &name).cloned() {
            if wanted(&current) != replicas {
                let mut scaled = current;
                scaled.set_at(&["spec", "replicas"], json!(replicas));
                self.act(Verb::Update, &scaled, "deployment-controller", cause);
            }
        } else {
            let mut template = template;
            template.set_at(&["metadata", "labels", "pod-template-hash"], Value::String(hash.clone()));
            let mut selector = deployment.at(&["spec", "selector"]).cloned().unwrap_or_else(|| json!({}));
            selector.set_at(&["matchLabels", "pod-template-hash"], Value::String(hash));
            let labels = template.at(&["metadata", "labels"]).cloned().unwrap_or_else(|| json!({}));
            let replica_set = json!({
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": name, "namespace": deployment.namespace(), "labels": labels,
                    "ownerReferences": [owner(deployment)],
                },
                "spec": {"replicas": replicas, "selector": selector, "template": template},
            });
            self.act(Verb::Create, &replica_set, "deployment-controller", cause);
        }
        let older: Vec<Value> =
            self.owned(deployment, "apps", "ReplicaSet").into_iter().filter(|set| set.name() != name).collect();
        for mut set in older {
            if wanted(&set) > 0 {
                set.set_at(&["spec", "replicas"], json!(0));
                self.act(Verb::Update, &set, "deployment-controller", cause);
            }
        }
        self.write_workload_status(deployment, replicas);
    }

    fn reconcile_pods(&mut self, parent: &Value, controller: &str, cause: u32) {
        let count = if parent.kind() == "DaemonSet" { 1 } else { wanted(parent) };
        let pods = self.owned(parent, "", "Pod");
        let have = i64::try_from(pods.len()).unwrap_or(MAX_PODS);
        for index in have..count.min(MAX_PODS) {
            let template = parent.at(&["spec", "template"]).cloned().unwrap_or_else(|| json!({}));
            let mut pod = json!({"apiVersion": "v1", "kind": "Pod"});
            pod.set_at(&["metadata"], template.get("metadata").cloned().unwrap_or_else(|| json!({})));
            pod.set_at(&["metadata", "namespace"], Value::String(parent.namespace().to_owned()));
            if parent.kind() == "StatefulSet" {
                pod.set_at(&["metadata", "name"], Value::String(format!("{}-{index}", parent.name())));
            } else {
                pod.set_at(&["metadata", "generateName"], Value::String(format!("{}-", parent.name())));
            }
            pod.set_at(&["metadata", "ownerReferences"], json!([owner(parent)]));
            pod.set_at(&["spec"], template.get("spec").cloned().unwrap_or_else(|| json!({})));
            if !self.act(Verb::Create, &pod, controller, cause) {
                break;
            }
        }
        let surplus = usize::try_from(count.max(0)).unwrap_or(0);
        for pod in pods.iter().skip(surplus) {
            self.act(Verb::Delete, pod, controller, cause);
        }
        self.write_workload_status(parent, count);
    }

    /// The scheduler binds a Pod to the first node; where a webhook sees the Binding, the request is simulated.
    fn start_pod(&mut self, mut pod: Value, cause: u32) {
        let node = self.store.of_kind("", "Node").next().map(|node| node.name().to_owned());
        let Some(node) = node.filter(|_| pod.str_at(&["spec", "nodeName"]).is_empty()) else {
            return self.run_pod(pod);
        };
        let mut request = ApiRequest::about(Verb::Create, &pod);
        request.subresource = "binding".to_owned();
        request.user.username = "system:kube-scheduler".to_owned();
        request.user.groups = vec!["system:authenticated".to_owned()];
        (request.from, request.cause) = (Lane::Controllers, (cause > 0).then_some(cause));
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding",
            "metadata": {"name": pod.name(), "namespace": pod.namespace(), "uid": pod.uid()},
            "target": {"kind": "Node", "name": node},
        });
        request.body = Some(binding.clone());
        let gvr = Gvr { group: String::new(), version: "v1".to_owned(), resource: "pods".to_owned() };
        let review = self.review(&request, &gvr, Operation::Create, Some(binding), None);
        if self.is_asked_about(&review) {
            // What is stored then brings the Pod here again, with its node.
            self.request(request);
            return;
        }
        pod.set_at(&["spec", "nodeName"], Value::String(node));
        self.run_pod(pod);
    }

    fn run_pod(&mut self, mut pod: Value) {
        if pod.at(&["status", "phase"]).is_some_and(|phase| phase == "Running") {
            return;
        }
        let time = self.clock.rfc3339();
        let containers = pod.at(&["spec", "containers"]).and_then(Value::as_array).cloned().unwrap_or_default();
        let statuses: Vec<Value> = containers
            .iter()
            .map(|container| {
                json!({
                    "name": container.str_at(&["name"]), "image": container.str_at(&["image"]), "ready": true, "started": true,
                    "restartCount": 0, "state": {"running": {"startedAt": time}},
                })
            })
            .collect();
        let condition = |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": time});
        let conditions = ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map(condition);
        pod.set_at(
            &["status"],
            json!({
                "phase": "Running",
                "conditions": conditions,
                "containerStatuses": statuses,
                "startTime": time,
            }),
        );
        self.store.put(pod.clone(), false);
        self.plan_restarts(&pod);
    }

    fn write_workload_status(&mut self, object: &Value, count: i64) {
        let Some(mut stored) = self.store.get(&Key::of(object)).cloned() else { return };
        let generation = stored.at(&["metadata", "generation"]).cloned().unwrap_or_else(|| json!(1));
        let pods = i64::try_from(self.pods_below(object)).unwrap_or(0).min(count);
        let time = self.clock.rfc3339();
        let status = match object.kind() {
            "Job" => json!({"active": pods, "ready": pods, "startTime": time}),
            "DaemonSet" => json!({
                "currentNumberScheduled": count, "desiredNumberScheduled": count, "numberReady": pods, "numberMisscheduled": 0,
                "observedGeneration": generation,
            }),
            "Deployment" => json!({
                "availableReplicas": pods, "readyReplicas": pods, "replicas": count, "updatedReplicas": count,
                "observedGeneration": generation,
                "conditions": [{
                    "type": "Available", "status": if pods >= count { "True" } else { "False" },
                    "reason": "MinimumReplicasAvailable", "lastTransitionTime": time, "lastUpdateTime": time,
                }],
            }),
            _ => {
                json!({"availableReplicas": pods, "readyReplicas": pods, "replicas": count, "observedGeneration": generation})
            }
        };
        let unchanged = stored.get("status").is_some_and(|old| old.get("readyReplicas") == status.get("readyReplicas"))
            && stored.at(&["status", "observedGeneration"]) == status.get("observedGeneration");
        if unchanged {
            return;
        }
        stored.set_at(&["status"], status);
        self.store.put(stored.clone(), false);
        // The owner's status depends on this one's.
        let owners = stored.at(&["metadata", "ownerReferences"]).and_then(Value::as_array).cloned().unwrap_or_default();
        for reference in owners {
            let gvk = reference.gvk();
            let key = Key {
                group: gvk.group,
                kind: gvk.kind,
                namespace: stored.namespace().to_owned(),
                name: reference.str_at(&["name"]).to_owned(),
            };
            self.queue.push(self.clock.now() + REACTION, Task::Workload { key, cause: 0 });
        }
    }

    fn pods_below(&self, object: &Value) -> usize {
        if object.kind() == "Deployment" {
            let sets = self.owned(object, "apps", "ReplicaSet");
            return sets.iter().filter(|set| wanted(set) > 0).map(|set| self.owned(set, "", "Pod").len()).sum();
        }
        self.owned(object, "", "Pod").len()
    }

    fn owned(&self, parent: &Value, group: &str, kind: &str) -> Vec<Value> {
        let mine = |object: &&Value| {
            let owners = object.at(&["metadata", "ownerReferences"]).and_then(Value::as_array);
            owners.into_iter().flatten().any(|reference| reference.str_at(&["uid"]) == parent.uid())
        };
        self.store.of_kind(group, kind).filter(mine).cloned().collect()
    }

    fn act(&mut self, verb: Verb, object: &Value, controller: &str, cause: u32) -> bool {
        let user = format!("system:serviceaccount:kube-system:{controller}");
        let cause = (cause > 0).then_some(cause);
        self.request(ApiRequest::about(verb, object).by(&user, Lane::Controllers, cause)).result.is_ok()
    }
}

fn wanted(object: &Value) -> i64 {
    let field = if object.kind() == "Job" { "parallelism" } else { "replicas" };
    object.at(&["spec", field]).and_then(Value::as_i64).unwrap_or(1)
}

fn owner(object: &Value) -> Value {
    json!({
        "apiVersion": object.api_version(), "kind": object.kind(), "name": object.name(), "uid": object.uid(),
        "controller": true, "blockOwnerDeletion": true,
    })
}

/// The name suffix of a ReplicaSet: a function of the template alone.
fn template_hash(template: &Value) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let digest = Sha256::digest(template.to_string().as_bytes());
    digest
        .iter()
        .take(10)
        .map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()).copied().map_or('b', char::from))
        .collect()
}
