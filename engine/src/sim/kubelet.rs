//! The kubelet as far as policies see it: containers that end are started again, and the status of their Pod says so.
//!
//! A container ends where its program does so by itself, and where a process of Kyverno's has lost its lease
//! (`pkg/leaderelection/leaderelection.go`). Endless restarts are only simulated where a policy looks at `Pod/status`.

use serde_json::{Value, json};

use super::api_server::{ApiRequest, Verb};
use super::config::KYVERNO_NAMESPACE;
use super::journal::Lane;
use super::store::Key;
use super::{Cluster, Task};
use crate::eval::request::Operation;
use crate::object::ObjectExt;
use crate::object::gvk::Gvr;
use crate::object::image::ImageInfo;

/// How long after its start a program that ends at once is started again, by the number of restarts before: a back-off that
/// doubles from ten seconds to five minutes.
const BACK_OFF: [u64; 6] = [1_000, 12_000, 22_000, 42_000, 82_000, 162_000];
const MOST: u64 = 302_000;
/// How long a process tries to renew a lease that somebody else has (`RenewDeadline`).
const RENEW_DEADLINE: u64 = 10_000;
/// Images whose default program is a shell, which ends without a terminal.
const SHELLS: [&str; 7] = ["alpine", "bash", "busybox", "centos", "debian", "fedora", "ubuntu"];

impl Cluster {
    /// Plans the restarts of the containers of a Pod that just started.
    pub(super) fn plan_restarts(&mut self, pod: &Value) {
        let policy = pod.str_at(&["spec", "restartPolicy"]);
        if !matches!(policy, "" | "Always") || !self.is_asked_about(&self.status_review(pod)) {
            return;
        }
        let containers = pod.at(&["spec", "containers"]).and_then(Value::as_array).cloned().unwrap_or_default();
        for container in containers.iter().filter(|container| ends_at_once(container)) {
            let container = container.str_at(&["name"]).to_owned();
            let task = Task::Restart { key: Key::of(pod), container, lease: None };
            self.queue.push(self.clock.now() + BACK_OFF.first().copied().unwrap_or(MOST), task);
        }
    }

    /// Starts a container again.
    pub(super) fn restart(&mut self, key: &Key, container: &str, lease: Option<&Key>) {
        let Some(mut pod) = self.store.get(key).cloned() else { return };
        let time = self.clock.rfc3339();
        let statuses = pod.get_mut("status").and_then(|status| status.get_mut("containerStatuses"));
        let statuses = statuses.and_then(Value::as_array_mut).into_iter().flatten();
        let Some(status) = statuses.into_iter().find(|status| status.str_at(&["name"]) == container) else { return };
        let count = status.get("restartCount").and_then(Value::as_u64).unwrap_or(0) + 1;
        status.set_at(&["restartCount"], json!(count));
        status
            .set_at(&["lastState"], json!({"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": time}}));
        status.set_at(&["state"], json!({"running": {"startedAt": time}}));
        self.write_pod_status(&pod);
        match lease {
            Some(lease) => self.take_lease(lease, key),
            None => {
                let wait = usize::try_from(count).ok().and_then(|count| BACK_OFF.get(count)).copied().unwrap_or(MOST);
                let task = Task::Restart { key: key.clone(), container: container.to_owned(), lease: None };
                self.queue.push(self.clock.now() + wait, task);
            }
        }
    }

    /// Through the API server where a webhook sees it.
    fn write_pod_status(&mut self, pod: &Value) {
        if !self.is_asked_about(&self.status_review(pod)) {
            self.store.put(pod.clone(), false);
            return;
        }
        let request = self.status_request(pod);
        self.request(request);
    }

    fn status_request(&self, pod: &Value) -> ApiRequest {
        let mut request = ApiRequest::about(Verb::Update, pod);
        request.subresource = "status".to_owned();
        request.user.username = format!("system:node:{}", pod.str_at(&["spec", "nodeName"]));
        request.user.groups = vec!["system:nodes".to_owned(), "system:authenticated".to_owned()];
        request.from = Lane::Controllers;
        request
    }

    fn status_review(&self, pod: &Value) -> crate::eval::request::AdmissionRequest {
        let gvr = Gvr { group: String::new(), version: "v1".to_owned(), resource: "pods".to_owned() };
        let request = self.status_request(pod);
        self.review(&request, &gvr, Operation::Update, Some(pod.clone()), Some(pod.clone()))
    }

    /// A lease of Kyverno's has another holder: the process that held it gives up and ends.
    pub(super) fn lease_written(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let (Some(before), Some(after)) = (before, after) else { return };
        let holder = before.str_at(&["spec", "holderIdentity"]);
        if before.namespace() != KYVERNO_NAMESPACE || holder == after.str_at(&["spec", "holderIdentity"]) {
            return;
        }
        let Some(pod) = self.store.find("", "Pod", KYVERNO_NAMESPACE, holder).cloned() else { return };
        let container = pod.pointer("/spec/containers/0/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let task = Task::Restart { key: Key::of(&pod), container, lease: Some(Key::of(after)) };
        self.queue.push(self.clock.now() + RENEW_DEADLINE, task);
    }

    /// The process that was started again becomes the leader: nobody renewed the lease meanwhile.
    fn take_lease(&mut self, lease: &Key, pod: &Key) {
        let Some(mut lease) = self.store.get(lease).cloned() else { return };
        let transitions = lease.at(&["spec", "leaseTransitions"]).and_then(Value::as_i64).unwrap_or(0) + 1;
        lease.set_at(&["spec", "holderIdentity"], Value::String(pod.name.clone()));
        lease.set_at(&["spec", "leaseTransitions"], json!(transitions));
        self.store.put(lease, true);
    }
}

/// Whether the program of a container ends by itself: a shell without a command, or nginx where it cannot write its cache.
fn ends_at_once(container: &Value) -> bool {
    if container.get("command").is_some() || container.get("args").is_some() {
        return false;
    }
    let image = ImageInfo::parse(container.str_at(&["image"])).map(|image| image.name).unwrap_or_default();
    let name = image.strip_prefix("test-").unwrap_or(&image);
    let mounts = container.get("volumeMounts").and_then(Value::as_array);
    let cache = mounts.into_iter().flatten().any(|mount| mount.str_at(&["mountPath"]).starts_with("/var/cache"));
    let sealed = container.at(&["securityContext", "readOnlyRootFilesystem"]) == Some(&Value::Bool(true)) && !cache;
    SHELLS.contains(&name) || (name == "nginx" && sealed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_end_by_themselves() {
        for (container, wanted) in [
            (json!({"image": "busybox:1.35"}), true),
            (json!({"image": "busybox:1.35", "command": ["sleep", "1d"]}), false),
            (json!({"image": "ghcr.io/kyverno/test-nginx", "securityContext": {"readOnlyRootFilesystem": true}}), true),
            (json!({"image": "nginx"}), false),
        ] {
            assert_eq!(ends_at_once(&container), wanted, "{container}");
        }
    }
}
