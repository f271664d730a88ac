//! What the API server refuses besides what a schema says: names, labels, Pods that cannot run, workloads that would not
//! find their Pods.
//!
//! Follows `k8s.io/apimachinery/pkg/api/validation/objectmeta.go` and `pkg/apis/{core,apps,batch}/validation/validation.go`
//! of Kubernetes, for the mistakes that manifests have most.

use std::collections::BTreeSet;

use serde_json::Value;

use super::api_server::ApiError;
use crate::object::ObjectExt;
use crate::object::gofmt::{marshal, quote};
use crate::object::names;
use crate::object::quantity::Quantity;
use crate::object::selector::LabelSelector;

/// Checks an object as it is about to be stored.
///
/// # Errors
/// 422 with every mistake.
pub(super) fn check(object: &Value) -> Result<(), ApiError> {
    let gvk = object.gvk();
    let mut found = metadata(object, "metadata");
    found.extend(name_errors(object).into_iter().map(|words| invalid("metadata.name", object.name(), &words)));
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("", "Pod") => pod(object.get("spec"), "spec", &mut found),
        ("", "ConfigMap" | "Secret") => keys(object, &mut found),
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet") => workload(object, &mut found),
        ("batch", "Job") => job(object.at(&["spec", "template"]), "spec.template", &mut found),
        ("batch", "CronJob") => {
            let template = object.at(&["spec", "jobTemplate", "spec", "template"]);
            job(template, "spec.jobTemplate.spec.template", &mut found);
        }
        _ => {}
    }
    let what = match found.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    let kind = if gvk.group.is_empty() { gvk.kind } else { format!("{}.{}", gvk.kind, gvk.group) };
    Err(ApiError::invalid(&kind, object.name(), &what))
}

fn invalid(path: &str, value: &str, words: &str) -> String {
    format!("{path}: Invalid value: {}: {words}", quote(value))
}

fn required(path: &str) -> String {
    format!("{path}: Required value")
}

/// What is wrong with the name of an object, by the rule of its kind.
fn name_errors(object: &Value) -> Vec<String> {
    let (group, name) = (object.gvk().group, object.name());
    match (group.as_str(), object.kind()) {
        ("rbac.authorization.k8s.io" | "apiregistration.k8s.io" | "apiextensions.k8s.io", _) => Vec::new(),
        ("", "Namespace") => names::dns_label_errors(name),
        ("", "Service") => names::dns_1035_errors(name),
        _ => names::dns_subdomain_errors(name),
    }
}

fn metadata(object: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in object.labels() {
        let path = format!("{path}.labels");
        found.extend(names::label_key_errors(&key).iter().map(|words| invalid(&path, &key, words)));
        found.extend(names::label_value_errors(&value).iter().map(|words| invalid(&path, &value, words)));
    }
    for key in object.annotations().keys() {
        let errors = names::label_key_errors(&key.to_lowercase());
        found.extend(errors.iter().map(|words| invalid(&format!("{path}.annotations"), key, words)));
    }
    found
}

fn keys(object: &Value, found: &mut Vec<String>) {
    for field in ["data", "binaryData"] {
        for key in object.get(field).and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys) {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
            if key.is_empty() || !key.bytes().all(plain) {
                let words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
                found.push(invalid(&format!("{field}[{key}]"), key, words));
            }
        }
    }
}

fn workload(object: &Value, found: &mut Vec<String>) {
    let template = object.at(&["spec", "template"]).unwrap_or(&Value::Null);
    match object.at(&["spec", "selector"]).filter(|selector| !selector.is_null()) {
        None => found.push(required("spec.selector")),
        Some(selector) => {
            let labels = template.labels();
            if LabelSelector::from_value(selector).is_ok_and(|selector| !selector.matches(&labels)) {
                let labels = template.at(&["metadata", "labels"]).map_or_else(|| "null".to_owned(), marshal);
                found.push(format!(
                    "spec.template.metadata.labels: Invalid value: {labels}: `selector` does not match template `labels`"
                ));
            }
        }
    }
    found.extend(metadata(template, "spec.template"));
    // Templates of a StatefulSet are looked at when their Pods are made.
    if object.kind() != "StatefulSet" {
        pod(template.get("spec"), "spec.template.spec", found);
    }
    let policy = template.str_at(&["spec", "restartPolicy"]);
    if !matches!(policy, "" | "Always") {
        let path = "spec.template.spec.restartPolicy";
        found.push(format!("{path}: Unsupported value: {}: supported values: \"Always\"", quote(policy)));
    }
}

fn job(template: Option<&Value>, path: &str, found: &mut Vec<String>) {
    let spec = template.and_then(|template| template.get("spec"));
    pod(spec, &format!("{path}.spec"), found);
    if spec.is_some_and(|spec| matches!(spec.str_at(&["restartPolicy"]), "" | "Always")) {
        found.push(format!("{path}.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""));
    }
}

fn pod(spec: Option<&Value>, path: &str, found: &mut Vec<String>) {
    let spec = spec.unwrap_or(&Value::Null);
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut volumes = BTreeSet::new();
    for (index, volume) in list(spec, "volumes").iter().enumerate() {
        named(volume, &format!("{path}.volumes[{index}]"), &mut volumes, found);
    }
    let containers = list(spec, "containers");
    if containers.is_empty() {
        found.push(required(&format!("{path}.containers")));
    }
    let mut known = BTreeSet::new();
    for (field, list_of) in [("containers", containers), ("initContainers", list(spec, "initContainers"))] {
        for (index, container) in list_of.iter().enumerate() {
            let path = format!("{path}.{field}[{index}]");
            named(container, &path, &mut known, found);
            if container.str_at(&["image"]).is_empty() {
                found.push(required(&format!("{path}.image")));
            }
            for (index, mount) in list(container, "volumeMounts").iter().enumerate() {
                let path = format!("{path}.volumeMounts[{index}]");
                let name = mount.str_at(&["name"]);
                if !name.is_empty() && !volumes.contains(name) {
                    found.push(format!("{path}.name: Not found: {}", quote(name)));
                }
                if mount.str_at(&["mountPath"]).is_empty() {
                    found.push(required(&format!("{path}.mountPath")));
                }
            }
            resources(container, &path, found);
        }
    }
}

/// The name of a container or a volume.
fn named(one: &Value, path: &str, known: &mut BTreeSet<String>, found: &mut Vec<String>) {
    let (name, path) = (one.str_at(&["name"]), format!("{path}.name"));
    if name.is_empty() {
        found.push(required(&path));
    } else if !known.insert(name.to_owned()) {
        found.push(format!("{path}: Duplicate value: {}", quote(name)));
    } else {
        found.extend(names::dns_label_errors(name).iter().map(|words| invalid(&path, name, words)));
    }
}

fn resources(container: &Value, path: &str, found: &mut Vec<String>) {
    let requests = container.at(&["resources", "requests"]).and_then(Value::as_object).into_iter().flatten();
    for (resource, request) in requests {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let Some(limit) = container.at(&["resources", "limits", resource]).map(text) else { continue };
        let request = text(request);
        if let (Ok(wanted), Ok(most)) = (Quantity::parse(&request), Quantity::parse(&limit))
            && wanted.compare(&most).is_gt()
        {
            let words = format!("must be less than or equal to {resource} limit of {limit}");
            found.push(invalid(&format!("{path}.resources.requests"), &request, &words));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(object: &Value) -> String {
        check(object).map_or_else(|error| error.message, |()| String::new())
    }

    #[test]
    fn names_and_labels() {
        let wrong = words(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "A_b"}}));
        assert!(
            wrong.starts_with(
                "ConfigMap \"A_b\" is invalid: metadata.name: Invalid value: \"A_b\": a lowercase RFC 1123 subdomain"
            ),
            "{wrong}"
        );
        let long = "x".repeat(64);
        let wrong =
            words(&json!({"apiVersion": "ex.io/v1", "kind": "Any", "metadata": {"name": "a", "labels": {"k": long}}}));
        assert!(wrong.starts_with("Any.ex.io \"a\" is invalid: metadata.labels: Invalid value: \"xxx"), "{wrong}");
        assert!(wrong.ends_with("must be no more than 63 bytes"), "{wrong}");
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "a:B"}});
        assert_eq!(words(&role), "");
    }

    #[test]
    fn pods_that_cannot_run() {
        let pod = |containers: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": containers}});
        assert_eq!(words(&pod(json!([]))), "Pod \"p\" is invalid: spec.containers: Required value");
        let two = pod(json!([{"name": "c", "image": "i"}, {"name": "c"}]));
        assert_eq!(
            words(&two),
            "Pod \"p\" is invalid: [spec.containers[1].name: Duplicate value: \"c\", spec.containers[1].image: Required value]"
        );
        let mount = pod(json!([{"name": "c", "image": "i", "volumeMounts": [{"name": "v", "mountPath": "/x"}]}]));
        assert_eq!(words(&mount), "Pod \"p\" is invalid: spec.containers[0].volumeMounts[0].name: Not found: \"v\"");
        let resources = json!({"requests": {"cpu": 2, "memory": "1Mi"}, "limits": {"cpu": "1500m", "memory": "1Mi"}});
        let greedy = pod(json!([{"name": "c", "image": "i", "resources": resources}]));
        assert_eq!(
            words(&greedy),
            "Pod \"p\" is invalid: spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1500m"
        );
    }

    #[test]
    fn workloads_find_their_pods() {
        let template =
            json!({"metadata": {"labels": {"a": "c"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}});
        assert_eq!(
            words(&deployment),
            "Deployment.apps \"d\" is invalid: spec.template.metadata.labels: Invalid value: {\"a\":\"c\"}: `selector` does not match template `labels`"
        );
        let job =
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": template}});
        assert!(
            words(&job)
                .ends_with("spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"")
        );
    }
}
