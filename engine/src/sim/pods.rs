//! What the API server itself does about Pods: the ServiceAccount admission plugin, and validation that policies meet.
//!
//! Follows `plugin/pkg/admission/serviceaccount/admission.go` and `pkg/apis/core/validation/validation.go` of Kubernetes.

use serde_json::{Value, json};

use super::Cluster;
use super::api_server::ApiError;
use crate::object::ObjectExt;
use crate::policy::schema;

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME_PREFIX: &str = "kube-api-access-";
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

impl Cluster {
    /// Gives a new Pod its service account, that account's pull secrets, and the volume with its token.
    ///
    /// An account that is not there counts as one with defaults; a real API server refuses the Pod.
    pub(super) fn admit_service_account(&mut self, pod: &mut Value) {
        if pod.kind() != "Pod" || pod.api_version() != "v1" || !pod.get("spec").is_some_and(Value::is_object) {
            return;
        }
        if pod.annotations().contains_key("kubernetes.io/config.mirror") {
            return;
        }
        if pod.str_at(&["spec", "serviceAccountName"]).is_empty() {
            let name = match pod.str_at(&["spec", "serviceAccount"]) {
                "" => "default",
                name => name,
            };
            let name = Value::String(name.to_owned());
            pod.set_at(&["spec", "serviceAccountName"], name.clone());
            pod.set_at(&["spec", "serviceAccount"], name);
        }
        let name = pod.str_at(&["spec", "serviceAccountName"]).to_owned();
        let account = self.store.find("", "ServiceAccount", pod.namespace(), &name).cloned().unwrap_or(Value::Null);
        let unset = |value: Option<&Value>| value.and_then(Value::as_array).is_none_or(Vec::is_empty);
        if unset(pod.at(&["spec", "imagePullSecrets"])) && !unset(account.get("imagePullSecrets")) {
            let secrets = account.get("imagePullSecrets").cloned().unwrap_or_default();
            pod.set_at(&["spec", "imagePullSecrets"], secrets);
        }
        let own = pod.at(&["spec", "automountServiceAccountToken"]).and_then(Value::as_bool);
        let of_account = account.get("automountServiceAccountToken").and_then(Value::as_bool);
        if own.or(of_account).unwrap_or(true) {
            self.mount_token(pod);
        }
    }

    fn mount_token(&mut self, pod: &mut Value) {
        let volumes = pod.at(&["spec", "volumes"]).and_then(Value::as_array);
        let there = volumes
            .into_iter()
            .flatten()
            .find(|volume| volume.str_at(&["name"]).starts_with(VOLUME_PREFIX) && volume.get("projected").is_some())
            .map(|volume| volume.str_at(&["name"]).to_owned());
        let name = there.clone().unwrap_or_else(|| format!("{VOLUME_PREFIX}{}", self.names.suffix(VOLUME_PREFIX)));
        let mount = json!({"name": name, "readOnly": true, "mountPath": TOKEN_PATH});
        let mut needed = false;
        for list in ["initContainers", "containers"] {
            let Some(containers) = pod.get_mut("spec").and_then(|spec| spec.get_mut(list)) else { continue };
            for container in containers.as_array_mut().into_iter().flatten().filter(|one| one.is_object()) {
                let mounts = container.get("volumeMounts").and_then(Value::as_array);
                if mounts.into_iter().flatten().any(|one| one.str_at(&["mountPath"]) == TOKEN_PATH) {
                    continue;
                }
                append(container, &["volumeMounts"], mount.clone());
                needed = true;
            }
        }
        if needed && there.is_none() {
            append(pod, &["spec", "volumes"], token_volume(&name));
        }
    }
}

/// Validation of an object before it is stored, beside what its schema says.
///
/// # Errors
/// 422.
pub(super) fn check_built_in(object: &Value, old: Option<&Value>, subresource: &str) -> Result<(), ApiError> {
    let invalid = |what: &str| Err(ApiError::invalid(object.kind(), object.name(), what));
    if let Some(what) = app_armor(object) {
        return invalid(&what);
    }
    let pod = object.kind() == "Pod" && object.api_version() == "v1" && subresource.is_empty();
    match old.filter(|_| pod) {
        Some(old) if !same_pod_spec(object, old) => invalid(POD_UPDATE),
        _ => Ok(()),
    }
}

const POD_UPDATE: &str = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

fn append(object: &mut Value, path: &[&str], item: Value) {
    let mut list = object.at(path).and_then(Value::as_array).cloned().unwrap_or_default();
    list.push(item);
    object.set_at(path, Value::Array(list));
}

fn token_volume(name: &str) -> Value {
    json!({"name": name, "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [
            {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
    ]}})
}

/// `ValidateAppArmorPodAnnotations` of a Pod or of the template of a workload.
fn app_armor(object: &Value) -> Option<String> {
    let gvk = object.gvk();
    let template: &[&str] = match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("", "Pod") => &[],
        ("apps", _) | ("batch", "Job") | ("", "ReplicationController") => &["spec", "template"],
        ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template"],
        _ => return None,
    };
    let pod = object.at(template)?;
    let place = template.iter().map(|part| format!("{part}.")).collect::<String>();
    let named = |name: &str| {
        let lists = CONTAINERS.iter().filter_map(|list| pod.at(&["spec", list])?.as_array());
        lists.flatten().any(|container| container.str_at(&["name"]) == name)
    };
    for (key, profile) in pod.annotations() {
        let Some(container) = key.strip_prefix(APP_ARMOR) else { continue };
        let at = format!("{place}metadata.annotations[{key}]: Invalid value");
        if !named(container) {
            return Some(format!("{at}: {container:?}: container not found"));
        }
        let known = matches!(profile.as_str(), "" | "runtime/default" | "unconfined");
        if !known && !profile.starts_with("localhost/") {
            return Some(format!("{at}: {profile:?}: invalid AppArmor profile name: {profile:?}"));
        }
    }
    None
}

/// Whether a Pod differs from the stored one only where an update may (`ValidatePodUpdate`).
fn same_pod_spec(new: &Value, old: &Value) -> bool {
    let spec = |pod: &Value| {
        let mut pod = pod.clone();
        schema::default(&pod.gvk(), &mut pod);
        pod.remove_at(&["spec"]).unwrap_or_default()
    };
    let (mut wanted, stored) = (spec(new), spec(old));
    for list in ["containers", "initContainers"] {
        let before = stored.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
        let after = wanted.get_mut(list).and_then(Value::as_array_mut);
        for (container, before) in after.into_iter().flatten().zip(before) {
            copy(container, &before, "image");
        }
    }
    let listed = |spec: &Value| spec.get("tolerations").and_then(Value::as_array).cloned().unwrap_or_default();
    if listed(&stored).iter().all(|one| listed(&wanted).contains(one)) {
        copy(&mut wanted, &stored, "tolerations");
    }
    copy(&mut wanted, &stored, "activeDeadlineSeconds");
    // Only removals are allowed; what is left is the scheduler's affair.
    copy(&mut wanted, &stored, "schedulingGates");
    wanted == stored
}

fn copy(to: &mut Value, from: &Value, field: &str) {
    match from.get(field) {
        Some(value) => to.set_at(&[field], value.clone()),
        None => drop(to.remove_at(&[field])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::api_server::{ApiRequest, Verb};
    use crate::sim::{config::Config, profile};

    fn pod(extra: &Value) -> Value {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
        });
        for (key, value) in extra.as_object().into_iter().flatten() {
            pod.set_at(&["spec", key], value.clone());
        }
        pod
    }

    fn answer(verb: Verb, change: &Value) -> Result<Value, String> {
        let mut cluster = Cluster::new(profile::ALL[2], Config::default(), 0);
        let created = cluster.request(ApiRequest::about(Verb::Create, &pod(&json!({})))).result;
        assert!(created.is_ok());
        let mut request = ApiRequest::about(verb, &pod(&json!({})));
        request.body = Some(change.clone());
        cluster.request(request).result.map_err(|error| error.message)
    }

    #[test]
    fn a_new_pod_gets_the_token_of_its_account() {
        for (spec, volumes) in [(json!({}), 1), (json!({"automountServiceAccountToken": false}), 0)] {
            let mut cluster = Cluster::new(profile::ALL[2], Config::default(), 0);
            let made = cluster.request(ApiRequest::about(Verb::Create, &pod(&spec))).result.expect("created");
            let found = made.at(&["spec", "volumes"]).and_then(Value::as_array).map_or(0, Vec::len);
            assert_eq!(found, volumes, "{spec}");
            assert_eq!(made.str_at(&["spec", "serviceAccountName"]), "default");
        }
    }

    #[test]
    fn most_of_a_pod_cannot_be_updated() {
        let merge = |containers: Value| answer(Verb::MergePatch, &json!({"spec": {"containers": containers}}));
        assert!(answer(Verb::MergePatch, &json!({"metadata": {"labels": {"a": "b"}}})).is_ok());
        // A merge patch replaces the list, and with it the mount of the token.
        assert!(merge(json!([{"name": "c", "image": "i"}])).is_err_and(|words| words.contains("spec: Forbidden")));
        let image = json!({"spec": {"containers": [{"name": "c", "image": "other"}]}});
        assert!(answer(Verb::StrategicPatch, &image).is_ok());
    }

    #[test]
    fn app_armor_profiles_have_a_form() {
        let mut wrong = pod(&json!({}));
        wrong.set_at(&["metadata", "annotations", &format!("{APP_ARMOR}c")], json!("foo/bar"));
        let words = app_armor(&wrong).expect("refused");
        assert!(words.ends_with("invalid AppArmor profile name: \"foo/bar\""), "{words}");
    }
}
