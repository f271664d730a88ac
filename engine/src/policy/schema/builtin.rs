//! Defaults of built-in kinds that depend on other fields (pkg/apis/*/v1/defaults.go of Kubernetes).

use serde_json::{Value, json};

use crate::object::ObjectExt;
use crate::object::gvk::Gvk;

/// Defaults that must be decided before the unconditional ones are there.
pub(super) fn before(gvk: &Gvk, object: &mut Value) {
    match gvk.kind.as_str() {
        "Pod" => missing(object, &["spec", "enableServiceLinks"], || json!(true)),
        "Job" => job(object.get_mut("spec")),
        "CronJob" => job(object.get_mut("spec").and_then(|spec| spec.pointer_mut("/jobTemplate/spec"))),
        _ => {}
    }
}

/// Defaults that need the unconditional ones.
pub(super) fn after(gvk: &Gvk, object: &mut Value) {
    match gvk.kind.as_str() {
        "Pod" => pod_spec(object.get_mut("spec")),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController" => {
            workload(&gvk.kind, object);
        }
        "CronJob" => {
            written(object.pointer_mut("/spec/jobTemplate"));
            written(object.pointer_mut("/spec/jobTemplate/spec/template"));
            pod_spec(object.pointer_mut("/spec/jobTemplate/spec/template/spec"));
        }
        "Role" | "ClusterRole" => {
            if let Some(role) = object.as_object_mut() {
                role.entry("rules").or_insert(Value::Null);
            }
        }
        "Service" => service(object),
        "NetworkPolicy" => network_policy(object),
        "RoleBinding" | "ClusterRoleBinding" => subjects(object),
        "Namespace" => {
            missing(object, &["spec", "finalizers"], || json!(["kubernetes"]));
            missing(object, &["status", "phase"], || json!("Active"));
        }
        "PersistentVolumeClaim" => missing(object, &["status", "phase"], || json!("Pending")),
        _ => {}
    }
}

fn missing(object: &mut Value, path: &[&str], value: impl FnOnce() -> Value) {
    let parents_fit =
        (1..path.len()).all(|end| object.at(path.get(..end).unwrap_or_default()).is_none_or(Value::is_object));
    if parents_fit && object.at(path).is_none_or(Value::is_null) {
        object.set_at(path, value());
    }
}

/// Go writes the metadata of a template always: a struct is never left out.
fn written(template: Option<&mut Value>) {
    if let Some(template) = template.filter(|template| template.is_object()) {
        missing(template, &["metadata"], || json!({}));
    }
}

fn job(spec: Option<&mut Value>) {
    let Some(spec) = spec.filter(|spec| spec.is_object()) else { return };
    if spec.get("completions").is_none() && spec.get("parallelism").is_none() {
        spec.set_at(&["completions"], json!(1));
        spec.set_at(&["parallelism"], json!(1));
    }
    missing(spec, &["parallelism"], || json!(1));
    let failed = spec.get("podFailurePolicy").is_some();
    missing(spec, &["podReplacementPolicy"], || json!(if failed { "Failed" } else { "TerminatingOrFailed" }));
}

fn workload(kind: &str, object: &mut Value) {
    let Some(spec) = object.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    written(spec.get_mut("template"));
    pod_spec(spec.pointer_mut("/template/spec"));
    if kind == "Deployment" && spec.str_at(&["strategy", "type"]) == "RollingUpdate" {
        missing(spec, &["strategy", "rollingUpdate", "maxUnavailable"], || json!("25%"));
        missing(spec, &["strategy", "rollingUpdate", "maxSurge"], || json!("25%"));
    }
    let rolling = spec.str_at(&["updateStrategy", "type"]) == "RollingUpdate";
    if kind == "StatefulSet" && rolling {
        missing(spec, &["updateStrategy", "rollingUpdate", "partition"], || json!(0));
    }
    if kind == "DaemonSet" && rolling {
        missing(spec, &["updateStrategy", "rollingUpdate", "maxUnavailable"], || json!(1));
        missing(spec, &["updateStrategy", "rollingUpdate", "maxSurge"], || json!(0));
    }
}

fn pod_spec(spec: Option<&mut Value>) {
    let Some(spec) = spec.filter(|spec| spec.is_object()) else { return };
    if let Some(account) = spec.get("serviceAccountName").cloned().filter(Value::is_string) {
        missing(spec, &["serviceAccount"], || account);
    }
    let host_network = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if container.is_object() {
                container_defaults(container, host_network);
            }
        }
    }
}

fn container_defaults(container: &mut Value, host_network: bool) {
    let policy = pull_policy(container.str_at(&["image"]));
    missing(container, &["imagePullPolicy"], || json!(policy));
    if host_network {
        for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(number) = port.get("containerPort").cloned() {
                missing(port, &["hostPort"], || number);
            }
        }
    }
    // A limit without a request is the request, too.
    let limits = container.at(&["resources", "limits"]).and_then(Value::as_object).cloned().unwrap_or_default();
    for (name, quantity) in limits {
        missing(container, &["resources", "requests", &name], || quantity);
    }
}

/// `Always` for an image without a tag or with `latest`, and without a digest.
fn pull_policy(image: &str) -> &'static str {
    if image.contains('@') {
        return "IfNotPresent";
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once(':') {
        Some((_, tag)) if tag != "latest" => "IfNotPresent",
        _ => "Always",
    }
}

fn service(object: &mut Value) {
    let Some(spec) = object.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    let kind = spec.str_at(&["type"]).to_owned();
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(number) = port.get("port").cloned() {
            missing(port, &["targetPort"], || number);
        }
    }
    if kind != "ExternalName" {
        missing(spec, &["internalTrafficPolicy"], || json!("Cluster"));
    }
    if kind == "NodePort" || kind == "LoadBalancer" {
        missing(spec, &["externalTrafficPolicy"], || json!("Cluster"));
    }
    if kind == "LoadBalancer" {
        missing(spec, &["allocateLoadBalancerNodePorts"], || json!(true));
    }
    if spec.str_at(&["sessionAffinity"]) == "ClientIP" {
        missing(spec, &["sessionAffinityConfig", "clientIP", "timeoutSeconds"], || json!(10800));
    }
}

fn network_policy(object: &mut Value) {
    let Some(spec) = object.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    let egress = spec.get("egress").and_then(Value::as_array).is_some_and(|rules| !rules.is_empty());
    missing(spec, &["policyTypes"], || if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
}

fn subjects(object: &mut Value) {
    for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        if matches!(subject.kind(), "User" | "Group") {
            missing(subject, &["apiGroup"], || json!("rbac.authorization.k8s.io"));
        }
    }
}
