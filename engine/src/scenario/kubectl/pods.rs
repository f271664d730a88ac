//! kubectl commands that go to subresources of Pods: `exec`, `attach`, `cp`, `port-forward`, `debug`, `evict`.
//!
//! No container runs here: a connection that is admitted gives no output.

use serde_json::{Value, json};

use super::args::Args;
use super::verbs::{Kubectl, Report};
use crate::object::ObjectExt;
use crate::object::gvk::Gvk;
use crate::sim::api_server::{ApiRequest, Verb};

impl Kubectl<'_> {
    /// `exec`, `attach` and `port-forward`: a connection, with the options of its kind.
    pub(super) fn connect(&mut self, verb: &str, args: &Args, report: &mut Report) {
        let Some(pod) = self.pod_of(args, report) else { return };
        let (subresource, kind) = match verb {
            "attach" => ("attach", "PodAttachOptions"),
            "port-forward" => ("portforward", "PodPortForwardOptions"),
            _ => ("exec", "PodExecOptions"),
        };
        let mut options = json!({"apiVersion": "v1", "kind": kind});
        if verb != "port-forward" {
            let flag = |name: &str| args.on(name) || args.on("it") || args.on("ti");
            let (stdin, tty) = (flag("i") || flag("stdin"), flag("t") || flag("tty"));
            for (field, on) in [("stdin", stdin), ("stdout", true), ("stderr", !tty), ("tty", tty)] {
                if on {
                    options.set_at(&[field], json!(true));
                }
            }
            let container = args.flag("container").map_or_else(|| first_container(&pod), str::to_owned);
            options.set_at(&["container"], json!(container));
        }
        if verb == "exec" {
            let old: Vec<String> = args.operands.iter().skip(2).cloned().collect();
            options.set_at(&["command"], json!(if args.rest.is_empty() { &old } else { &args.rest }));
        }
        self.connected(&pod, subresource, options, args, report);
    }

    /// `cp`: an `exec` of `tar` in the container.
    pub(super) fn copy(&mut self, args: &Args, report: &mut Report) {
        let place = |word: &&String| word.contains(':');
        let Some(remote) = args.operands.iter().skip(1).find(place) else {
            return report.fail("error: one of src or dest must be a remote file specification");
        };
        let from = args.operands.get(1) == Some(remote);
        let (pod, path) = remote.split_once(':').unwrap_or((remote, ""));
        let (space, name) = pod.split_once('/').unwrap_or(("", pod));
        let space = if space.is_empty() { self.space(args) } else { space.to_owned() };
        let Some(pod) = self.pod_named(&space, name, report) else { return };
        let command = if from { json!(["tar", "cf", "-", path]) } else { json!(["tar", "-xmf", "-", "-C", path]) };
        let container = args.flag("container").map_or_else(|| first_container(&pod), str::to_owned);
        let mut options = json!({"apiVersion": "v1", "kind": "PodExecOptions", "stdout": true, "stderr": true,
            "container": container, "command": command});
        if !from {
            options.set_at(&["stdin"], json!(true));
        }
        self.connected(&pod, "exec", options, args, report);
    }

    fn connected(&mut self, pod: &Value, subresource: &str, options: Value, args: &Args, report: &mut Report) {
        let mut request = ApiRequest::about(Verb::Connect, pod);
        request.subresource = subresource.to_owned();
        request.body = Some(options);
        request.user = self.user(args);
        self.request(request, "", report);
    }

    /// `debug`: adds an ephemeral container.
    pub(super) fn debug(&mut self, args: &Args, report: &mut Report) {
        let Some(pod) = self.pod_of(args, report) else { return };
        let name = args.flag("container").map_or_else(|| format!("debugger-{}", suffix(&pod)), str::to_owned);
        let mut container = json!({"name": name, "image": args.flag("image").unwrap_or(""),
            "terminationMessagePolicy": "File"});
        let on = |names: [&str; 4]| names.iter().any(|name| args.on(name));
        for (field, set) in [("stdin", on(["i", "stdin", "it", "ti"])), ("tty", on(["t", "tty", "it", "ti"]))] {
            if set {
                container.set_at(&[field], json!(true));
            }
        }
        if let Some(target) = args.flag("target") {
            container.set_at(&["targetContainerName"], json!(target));
        }
        if !args.rest.is_empty() {
            container.set_at(&["command"], json!(args.rest));
        }
        let mut request = ApiRequest::about(Verb::StrategicPatch, &pod);
        request.subresource = "ephemeralcontainers".to_owned();
        request.body = Some(json!({"spec": {"ephemeralContainers": [container]}}));
        request.user = self.user(args);
        if self.request(request, "", report).is_some() {
            report.complain(format!("Defaulting debug container name to {name}."));
        }
    }

    /// `evict`, a plugin of kubectl's.
    pub(super) fn evict(&mut self, args: &Args, report: &mut Report) {
        if let Some(pod) = self.pod_of(args, report) {
            self.evict_pod(&pod, args, report);
        }
    }

    /// `drain NODE…`: cordons the nodes and evicts their Pods, but for those of DaemonSets.
    pub(super) fn drain(&mut self, args: &Args, report: &mut Report) {
        self.cordon("cordon", args, report);
        let nodes = args.operands.get(1..).unwrap_or_default();
        for pod in self.objects(&Gvk::new("v1", "Pod"), None) {
            let owners = pod.at(&["metadata", "ownerReferences"]).and_then(Value::as_array).into_iter().flatten();
            let stays = owners.into_iter().any(|owner| owner.kind() == "DaemonSet");
            if !stays && nodes.iter().any(|node| node == pod.str_at(&["spec", "nodeName"])) {
                self.evict_pod(&pod, args, report);
            }
        }
        if report.output.status == 0 {
            nodes.iter().for_each(|node| report.say(format!("node/{node} drained")));
        }
    }

    fn evict_pod(&mut self, pod: &Value, args: &Args, report: &mut Report) {
        let mut request = ApiRequest::about(Verb::Create, pod);
        request.subresource = "eviction".to_owned();
        request.body = Some(json!({"apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": {"name": pod.name(), "namespace": pod.namespace()}}));
        request.user = self.user(args);
        if self.request(request, "", report).is_some() {
            report.say(format!("pod/{} evicted", pod.name()));
        }
    }

    /// The Pod that `NAME`, `pod/NAME` or a workload such as `deploy/NAME` means.
    pub(super) fn pod_of(&self, args: &Args, report: &mut Report) -> Option<Value> {
        let word = args.operands.get(1).map(String::as_str).unwrap_or_default();
        let space = self.space(args);
        let (kind, name) = word.split_once('/').unwrap_or(("pod", word));
        if matches!(kind, "pod" | "pods" | "po") {
            return self.pod_named(&space, name, report);
        }
        let owned = |pod: &Value| pod.name().starts_with(&format!("{name}-"));
        let pods = self.objects(&Gvk::new("v1", "Pod"), Some(&space));
        let found = pods.into_iter().find(owned);
        if found.is_none() {
            report.fail(format!("error: unable to find a pod of {word}"));
        }
        found
    }

    fn pod_named(&self, space: &str, name: &str, report: &mut Report) -> Option<Value> {
        let pods = self.objects(&Gvk::new("v1", "Pod"), Some(space));
        let found = pods.into_iter().find(|pod| pod.name() == name);
        if found.is_none() {
            report.fail(format!("Error from server (NotFound): pods {name:?} not found"));
        }
        found
    }
}

fn first_container(pod: &Value) -> String {
    let first = pod.at(&["spec", "containers"]).and_then(|list| list.get(0));
    first.map(|container| container.str_at(&["name"]).to_owned()).unwrap_or_default()
}

/// Five letters, the same in every run.
fn suffix(pod: &Value) -> String {
    let count = pod.at(&["spec", "ephemeralContainers"]).and_then(Value::as_array).map_or(0, Vec::len);
    pod.uid().chars().filter(char::is_ascii_alphanumeric).skip(count).take(5).collect()
}
