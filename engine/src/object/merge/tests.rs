use serde_json::json;

use super::*;

fn pod(spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
}

fn kyverno(object: Value, spec: Value) -> Value {
    kyaml::merge(&pod(object), &json!({"spec": spec})).unwrap().unwrap()["spec"].clone()
}

fn server(object: Value, spec: Value) -> Value {
    api_server::strategic(&pod(object), &json!({"spec": spec})).unwrap()["spec"].clone()
}

#[test]
fn kyaml_puts_new_items_first() {
    assert_eq!(
        kyverno(
            json!({"containers": [{"name": "a", "image": "x"}, {"name": "b"}]}),
            json!({"containers": [{"name": "c", "image": "z"}, {"name": "b", "image": "y"}]})
        ),
        json!({"containers": [{"name": "c", "image": "z"}, {"name": "b", "image": "y"}, {"name": "a", "image": "x"}]})
    );
    assert_eq!(
        kyverno(json!({"tolerations": [{"key": "a"}]}), json!({"tolerations": [{"key": "b"}]})),
        json!({"tolerations": [{"key": "b"}]})
    );
}

#[test]
fn kyaml_ports_have_two_keys() {
    let ports = |object: Value, patch: Value| {
        let container = |ports: Value| json!({"containers": [{"name": "a", "ports": ports}]});
        kyverno(container(object), container(patch))["containers"][0]["ports"].clone()
    };
    assert_eq!(
        ports(
            json!([{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 80, "protocol": "TCP"}]),
            json!([{"containerPort": 80, "protocol": "TCP", "name": "web"}])
        ),
        // With two keys in use kyaml takes every old item out and appends it again: the old order wins.
        json!([{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 80, "protocol": "TCP", "name": "web"}])
    );
    assert_eq!(
        ports(json!([{"containerPort": 80}, {"containerPort": 443}]), json!([{"containerPort": 443, "name": "tls"}])),
        json!([{"containerPort": 443, "name": "tls"}, {"containerPort": 80}])
    );
    assert_eq!(
        ports(json!([{"containerPort": 80}, {"containerPort": 443, "protocol": "TCP"}]), json!([])),
        json!([{"containerPort": 80}, {"containerPort": 443, "protocol": "TCP"}])
    );
}

#[test]
fn kyaml_directives_nulls_and_scalars() {
    let base = json!({"containers": [{"name": "a"}, {"name": "b"}], "hostNetwork": true, "nodeSelector": {"x": "1"}});
    assert_eq!(
        kyverno(base.clone(), json!({"containers": [{"name": "b", "$patch": "delete"}]}))["containers"],
        json!([{"name": "a"}])
    );
    assert_eq!(kyverno(base.clone(), json!({"hostNetwork": null})).get("hostNetwork"), None);
    assert_eq!(
        kyverno(base.clone(), json!({"nodeSelector": {"$patch": "replace", "y": "2"}}))["nodeSelector"],
        json!({"y": "2"})
    );
    assert_eq!(kyverno(base.clone(), json!({"nodeSelector": {"$patch": "delete"}})).get("nodeSelector"), None);
    assert_eq!(
        kyverno(base.clone(), json!({"affinity": {"a": null, "b": {"c": 1}}}))["affinity"],
        json!({"b": {"c": 1}})
    );
    let object =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"finalizers": ["a", "b"], "creationTimestamp": null}});
    assert_eq!(
        kyaml::merge(&object, &json!({"metadata": {"finalizers": ["c", "a"]}})).unwrap().unwrap()["metadata"],
        json!({"finalizers": ["c", "a", "b"], "creationTimestamp": null})
    );
    assert!(
        kyaml::merge(&pod(base), &json!({"spec": {"containers": "x"}})).unwrap_err().contains("expected SequenceNode")
    );
    let custom = json!({"apiVersion": "example.com/v1", "kind": "W", "spec": {"containers": [{"name": "a"}]}});
    assert_eq!(
        kyaml::merge(&custom, &json!({"spec": {"containers": [{"name": "b"}]}})).unwrap().unwrap()["spec"]["containers"],
        json!([{"name": "b"}])
    );
}

/// Each list that kyaml merges by a key, and some that it replaces: what a patch of one item leaves of another.
#[test]
fn kyaml_merges_these_lists() {
    let merged = |kind: &str, api: &str, path: &str, key: &str| {
        let item = |name: &str| if key.is_empty() { json!(name) } else { json!({ key: name }) };
        let around = |item: Value| {
            let list = path.split('.').rev().fold(json!([item]), |inner, part| match part.strip_suffix("[]") {
                Some(part) => json!({ part: [{ "name": "c", "others": inner }] }),
                None => json!({ part: inner }),
            });
            // A list inside of a list: `{name: c, others: {…}}` stands for the fields beside the name.
            fn open(value: Value) -> Value {
                match value {
                    Value::Object(mut map) => {
                        if let Some(Value::Object(more)) = map.shift_remove("others") {
                            map.extend(more);
                        }
                        Value::Object(map.into_iter().map(|(key, value)| (key, open(value))).collect())
                    }
                    Value::Array(items) => items.into_iter().map(open).collect(),
                    other => other,
                }
            }
            let mut object = open(list);
            object["apiVersion"] = json!(api);
            object["kind"] = json!(kind);
            object
        };
        let patched = kyaml::merge(&around(item("old")), &around(item("new"))).unwrap().unwrap();
        let list = path.split('.').fold(&patched, |at, part| match part.strip_suffix("[]") {
            Some(part) => &at[part][0],
            None => &at[part],
        });
        list.as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_str().or(one[key].as_str()).unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (kind, api, path, key, wanted) in [
        ("Pod", "v1", "spec.containers", "name", "new old"),
        ("Pod", "v1", "spec.initContainers", "name", "new old"),
        ("Pod", "v1", "spec.ephemeralContainers", "name", "new old"),
        ("Pod", "v1", "spec.volumes", "name", "new old"),
        ("Pod", "v1", "spec.imagePullSecrets", "name", "new old"),
        ("Pod", "v1", "spec.hostAliases", "ip", "new old"),
        ("Pod", "v1", "spec.containers[].env", "name", "new old"),
        ("Pod", "v1", "spec.containers[].volumeMounts", "mountPath", "new old"),
        ("Pod", "v1", "spec.containers[].volumeDevices", "devicePath", "new old"),
        ("Pod", "v1", "spec.containers[].envFrom", "prefix", "new"),
        ("Pod", "v1", "spec.containers[].args", "", "new"),
        ("Pod", "v1", "spec.tolerations", "key", "new"),
        ("Pod", "v1", "spec.readinessGates", "conditionType", "new"),
        ("Pod", "v1", "metadata.ownerReferences", "uid", "new old"),
        ("Pod", "v1", "metadata.finalizers", "", "new old"),
        ("Pod", "v1", "status.conditions", "type", "new old"),
        ("CronJob", "batch/v1", "spec.jobTemplate.spec.template.spec.containers", "name", "new old"),
        ("CronJob", "batch/v1beta1", "spec.jobTemplate.spec.template.spec.containers", "name", "new old"),
        ("Job", "batch/v1", "spec.template.spec.containers", "name", "new old"),
        ("Deployment", "apps/v1", "spec.template.spec.containers[].env", "name", "new old"),
        ("StatefulSet", "apps/v1", "spec.template.spec.volumes", "name", "new old"),
        ("StatefulSet", "apps/v1", "spec.volumeClaimTemplates", "name", "new"),
        ("DaemonSet", "apps/v1", "spec.template.spec.initContainers", "name", "new old"),
        ("ReplicaSet", "apps/v1", "spec.template.spec.containers", "name", "new old"),
        ("ReplicationController", "v1", "spec.template.spec.containers", "name", "new old"),
        ("ServiceAccount", "v1", "secrets", "name", "new old"),
        ("ServiceAccount", "v1", "imagePullSecrets", "name", "new"),
        ("Service", "v1", "spec.externalIPs", "", "new"),
        ("Ingress", "networking.k8s.io/v1", "spec.rules", "host", "new"),
        ("Ingress", "networking.k8s.io/v1", "spec.tls", "secretName", "new"),
        ("RoleBinding", "rbac.authorization.k8s.io/v1", "subjects", "name", "new"),
        ("ClusterRole", "rbac.authorization.k8s.io/v1", "rules", "x", "new"),
        ("Node", "v1", "spec.taints", "key", "new"),
        ("PersistentVolume", "v1", "spec.accessModes", "", "new"),
        ("HorizontalPodAutoscaler", "autoscaling/v2", "spec.metrics", "type", "new"),
        ("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", "webhooks", "name", "new old"),
        ("Certificate", "cert-manager.io/v1", "spec.dnsNames", "", "new"),
    ] {
        assert_eq!(merged(kind, api, path, key), wanted, "{kind} {path}");
    }
}

#[test]
fn the_api_server_puts_new_items_last() {
    assert_eq!(
        server(
            json!({"containers": [{"name": "a", "image": "x"}, {"name": "b"}]}),
            json!({"containers": [{"name": "c"}, {"name": "b", "image": "y"}]})
        ),
        json!({"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}, {"name": "c"}]})
    );
    assert_eq!(
        server(
            json!({"containers": [{"name": "a"}, {"name": "b"}]}),
            json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "a", "$patch": "delete"}, {"name": "c"}]})
        ),
        json!({"containers": [{"name": "b"}, {"name": "c"}]})
    );
    assert_eq!(
        server(json!({"dnsConfig": {"a": 1, "b": 2}}), json!({"dnsConfig": {"$retainKeys": ["b"], "b": 3}})),
        json!({"dnsConfig": {"b": 3}})
    );
    assert!(
        api_server::strategic(&pod(json!({})), &json!({"spec": {"containers": [{"image": "x"}]}}))
            .unwrap_err()
            .contains("merge key: name")
    );
}

#[test]
fn apply_in_three_ways() {
    let last =
        pod(json!({"containers": [{"name": "a", "image": "1", "tty": true}, {"name": "gone"}], "hostPID": true}));
    let modified = pod(json!({"containers": [{"name": "new"}, {"name": "a", "image": "2"}]}));
    let live = pod(
        json!({"containers": [{"name": "a", "image": "1", "tty": true, "stdin": true}, {"name": "gone"}, {"name": "sidecar"}], "hostPID": true, "nodeName": "n"}),
    );
    assert_eq!(
        api_server::three_way(&last, &modified, &live).unwrap()["spec"],
        json!({"containers": [{"name": "sidecar"}, {"name": "new"}, {"name": "a", "image": "2", "stdin": true}], "nodeName": "n"})
    );
}
