use serde_json::{Value, json};

use super::patch::resolved;
use crate::eval::fixture::{Cluster, at, create, policy};
use crate::eval::verdict::Verdict;
use crate::eval::{Mode, engine};

fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "x", "namespace": "ns", "labels": { "app": "a" } },
        "spec": { "hostNetwork": true, "containers": [{ "name": "a", "image": "nginx:latest" }, { "name": "b", "image": "busybox:1" }] },
    })
}

/// The plain patch for the pod, null where a condition does not hold.
fn plain(patch: Value) -> Value {
    resolved(&patch, &pod()).unwrap().unwrap_or_default()
}

#[test]
fn add_if_not_present() {
    assert_eq!(
        plain(json!({ "metadata": { "labels": { "+(app)": "b", "+(new)": "c" } } })),
        json!({ "metadata": { "labels": { "new": "c" } } })
    );
    assert_eq!(
        plain(json!({ "spec": { "+(volumes)": [{ "name": "v" }] } })),
        json!({ "spec": { "volumes": [{ "name": "v" }] } })
    );
    assert_eq!(plain(json!({ "spec": { "+(hostNetwork)": false } })), json!({}));
}

#[test]
fn conditions_in_maps() {
    assert_eq!(
        plain(json!({ "metadata": { "(name)": "x", "labels": { "l": "1" } } })),
        json!({ "metadata": { "labels": { "l": "1" } } })
    );
    assert_eq!(plain(json!({ "metadata": { "(name)": "y" }, "spec": { "a": 1 } })), Value::Null);
    assert_eq!(plain(json!({ "metadata": { "(nope)": "y" }, "spec": { "a": 1 } })), Value::Null);
    assert_eq!(plain(json!({ "spec": { "(hostNetwork)": true, "a": 1 } })), json!({ "spec": { "a": 1 } }));
    assert_eq!(plain(json!({ "spec": { "(hostNetwork)": "true", "a": 1 } })), json!({ "spec": { "a": 1 } }));
}

#[test]
fn conditions_in_lists() {
    let patch = json!({ "spec": { "containers": [{ "(image)": "*:latest", "imagePullPolicy": "Always" }] } });
    assert_eq!(plain(patch), json!({ "spec": { "containers": [{ "imagePullPolicy": "Always", "name": "a" }] } }));
    let every = json!({ "spec": { "containers": [{ "(name)": "*", "x": 1 }] } });
    assert_eq!(plain(every), json!({ "spec": { "containers": [{ "x": 1, "name": "a" }, { "x": 1, "name": "b" }] } }));
    assert_eq!(plain(json!({ "spec": { "containers": [{ "(image)": "z", "x": 1 }] } })), json!({}));
}

#[test]
fn global_conditions() {
    let patch = |image: &str| json!({ "metadata": { "labels": { "l": "1" } }, "spec": { "containers": [{ "<(image)": image }] } });
    assert_eq!(plain(patch("busybox*")), json!({ "metadata": { "labels": { "l": "1" } } }));
    assert_eq!(plain(patch("alpine*")), Value::Null);
}

#[test]
fn empty_maps_of_the_patch_are_lost() {
    assert_eq!(
        plain(json!({ "spec": { "volumes": [{ "name": "v", "emptyDir": {} }] } })),
        json!({ "spec": { "volumes": [{ "name": "v" }] } })
    );
}

fn evaluated(rule: Value) -> Verdict {
    let (cluster, request) = (Cluster::default(), create(pod()));
    engine::mutate(&policy(json!({ "mutate": rule })), &at(&request, &cluster))
}

fn says(verdict: &Verdict) -> String {
    verdict.rules.iter().map(|rule| format!("{:?} {}", rule.status, rule.message)).collect::<Vec<_>>().join(" | ")
}

#[test]
fn strategic_merge() {
    let verdict = evaluated(
        json!({ "patchStrategicMerge": { "metadata": { "labels": { "n": "{{ request.object.metadata.name }}" } } } }),
    );
    assert_eq!(says(&verdict), "Pass mutated Pod/x in namespace ns");
    assert_eq!(verdict.patched.unwrap()["metadata"]["labels"], json!({ "app": "a", "n": "x" }));
}

#[test]
fn nothing_to_do() {
    let verdict = evaluated(json!({ "patchStrategicMerge": { "metadata": { "labels": { "+(app)": "z" } } } }));
    assert_eq!(says(&verdict), "Skip no patches applied");
    assert!(verdict.patched.is_none());
}

#[test]
fn errors_leave_an_empty_object() {
    let verdict = evaluated(
        json!({ "patchStrategicMerge": { "metadata": { "labels": { "n": "{{ request.object.spec.nope }}" } } } }),
    );
    assert_eq!(
        says(&verdict),
        "Error variable substitution failed: failed to resolve request.object.spec.nope at path /mutate/patchStrategicMerge/metadata/labels/n: JMESPath query failed: Unknown key \"nope\" in path"
    );
    assert_eq!(verdict.patched, Some(Value::Null));
    assert_eq!(says(&evaluated(json!({ "mutateExistingOnPolicyUpdate": false }))), "Error empty mutate rule");
}

#[test]
fn json_patch() {
    let add = evaluated(
        json!({ "patchesJson6902": "- op: add\n  path: /spec/containers/-1/x\n  value: 1\n- op: remove\n  path: /spec/nope" }),
    );
    assert_eq!(says(&add), "Pass mutated Pod/x in namespace ns");
    assert_eq!(add.patched.unwrap()["spec"]["containers"][1]["x"], 1);
    let test = evaluated(json!({ "patchesJson6902": "[{\"op\": \"test\", \"path\": \"/kind\", \"value\": \"Job\"}]" }));
    assert!(says(&test).starts_with("Error failed to patch resource: "), "{}", says(&test));
}

#[test]
fn foreach() {
    let patch = json!({ "spec": { "containers": [{ "name": "{{ element.name }}", "index": "{{ elementIndex }}" }] } });
    let verdict =
        evaluated(json!({ "foreach": [{ "list": "request.object.spec.containers", "patchStrategicMerge": patch }] }));
    assert_eq!(says(&verdict), "Pass mutated Pod/x in namespace ns");
    let containers = verdict.patched.unwrap()["spec"]["containers"].clone();
    assert_eq!(
        [&containers[0]["name"], &containers[0]["index"], &containers[1]["index"]],
        [&json!("a"), &json!(0), &json!(1)]
    );
    let never = json!({ "all": [{ "key": "{{ element.name }}", "operator": "Equals", "value": "z" }] });
    let skipped = evaluated(
        json!({ "foreach": [{ "list": "request.object.spec.containers", "preconditions": never, "patchesJson6902": "- op: add" }] }),
    );
    assert_eq!(says(&skipped), "Skip 0 elements processed");
    let error = evaluated(json!({ "foreach": [{ "list": "request.object.nope", "patchesJson6902": "- op: add" }] }));
    let why = "Unknown key \"nope\" in path";
    assert!(says(&error).starts_with("Error failed to evaluate list request.object.nope: "), "{}", says(&error));
    assert_eq!(says(&error).matches(why).count(), 2);
}

#[test]
fn nested_foreach() {
    let inner = json!({ "list": "element.ports || `[1]`", "patchesJson6902": "- op: add\n  path: /metadata/labels/c{{ elementIndex0 }}-{{ elementIndex1 }}\n  value: x" });
    let verdict = evaluated(json!({ "foreach": [{ "list": "request.object.spec.containers", "foreach": [inner] }] }));
    assert_eq!(verdict.patched.unwrap()["metadata"]["labels"], json!({ "app": "a", "c0-0": "x", "c1-0": "x" }));
}

fn existing(target: Value, more: Value) -> Verdict {
    let config = |namespace: &str, name: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": namespace } });
    let cluster = Cluster {
        objects: vec![config("ns", "one"), config("ns", "two"), config("other", "one")],
        ..Cluster::default()
    };
    let request = create(pod());
    let mut rule = json!({ "targets": [target], "patchStrategicMerge": { "data": { "from": "{{ request.object.metadata.name }}", "was": "{{ target.metadata.name }}" } } });
    rule.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let cx = at(&request, &cluster);
    let cx = crate::eval::EvalCx { mode: Mode::Background, ..cx };
    engine::mutate(&policy(json!({ "mutate": rule })), &cx)
}

#[test]
fn targets() {
    let target = |namespace: &str, name: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "namespace": namespace, "name": name });
    let one = existing(target("{{ request.object.metadata.namespace }}", "one"), json!({}));
    assert_eq!(says(&one), "Pass mutated ConfigMap/one in namespace ns");
    assert_eq!(one.rules[0].patched_target.as_ref().unwrap()["data"], json!({ "from": "x", "was": "one" }));
    assert!(one.patched.is_none());
    assert_eq!(existing(target("*", "one"), json!({})).rules.len(), 2);
    assert_eq!(existing(target("n?", ""), json!({})).rules.len(), 2);
    assert_eq!(says(&existing(target("ns", "three"), json!({}))), "Error : configmaps \"three\" not found");
    let mut picky = target("*", "*");
    picky["preconditions"] =
        json!({ "all": [{ "key": "{{ target.metadata.namespace }}", "operator": "Equals", "value": "other" }] });
    assert_eq!(
        says(&existing(picky, json!({}))),
        "Skip preconditions not met | Skip preconditions not met | Pass mutated ConfigMap/one in namespace other"
    );
}

#[test]
fn targets_wait_at_admission() {
    let verdict = evaluated(
        json!({ "targets": [{ "apiVersion": "v1", "kind": "ConfigMap" }], "patchStrategicMerge": { "a": "b" } }),
    );
    assert!(verdict.rules.is_empty());
}

#[test]
fn the_trace_shows_the_change() {
    let verdict = evaluated(json!({ "patchStrategicMerge": { "metadata": { "labels": { "app": "b" } } } }));
    let nodes = &verdict.trace[0].children;
    let node = nodes.iter().find(|node| node.kind == "mutate").unwrap();
    assert_eq!(node.found, Some(json!([{ "op": "replace", "path": "/metadata/labels/app", "value": "b" }])));
    assert_eq!(node.at.as_deref(), Some("/spec/rules/0/mutate"));
}

/// One line per anchor and place: the plain patch, null where the whole rule does nothing.
#[test]
fn anchors_of_patches() {
    let containers = |items: Value| json!({ "spec": { "containers": items } });
    for (patch, wanted) in [
        // +(): absent, present, on a map, in each element of a list
        (
            json!({ "metadata": { "+(annotations)": { "a": "b" } } }),
            json!({ "metadata": { "annotations": { "a": "b" } } }),
        ),
        (json!({ "metadata": { "+(labels)": { "z": "1" } } }), json!({})),
        (
            containers(json!([{ "(name)": "*", "+(imagePullPolicy)": "Always" }])),
            containers(
                json!([{ "imagePullPolicy": "Always", "name": "a" }, { "imagePullPolicy": "Always", "name": "b" }]),
            ),
        ),
        (containers(json!([{ "(name)": "*", "+(image)": "z" }])), json!({})),
        // (): several must all hold; a wildcard; a missing key; a number is compared as text
        (
            json!({ "metadata": { "(name)": "x", "(namespace)": "ns", "labels": { "l": "1" } } }),
            json!({ "metadata": { "labels": { "l": "1" } } }),
        ),
        (json!({ "metadata": { "(name)": "x", "(namespace)": "other", "labels": { "l": "1" } } }), Value::Null),
        (
            json!({ "metadata": { "(name)": "?", "labels": { "l": "1" } } }),
            json!({ "metadata": { "labels": { "l": "1" } } }),
        ),
        (
            json!({ "metadata": { "(labels)": { "app": "a" }, "annotations": { "l": "1" } } }),
            json!({ "metadata": { "labels": { "app": "a" }, "annotations": { "l": "1" } } }),
        ),
        (json!({ "metadata": { "(labels)": { "app": "b" }, "annotations": { "l": "1" } } }), Value::Null),
        (
            json!({ "(kind)": "Pod", "metadata": { "labels": { "l": "1" } } }),
            json!({ "metadata": { "labels": { "l": "1" } } }),
        ),
        // <(): holds, fails, is missing
        (json!({ "metadata": { "<(name)": "x" }, "spec": { "a": 1 } }), json!({ "spec": { "a": 1 } })),
        (json!({ "metadata": { "<(name)": "y" }, "spec": { "a": 1 } }), Value::Null),
        (json!({ "metadata": { "<(nope)": "y" }, "spec": { "a": 1 } }), Value::Null),
        // in a list it only decides: the element with it is bound to nothing
        (containers(json!([{ "<(image)": "nginx*", "imagePullPolicy": "Always" }])), json!({})),
        // no anchor: the patch stays
        (containers(json!([{ "name": "c" }])), containers(json!([{ "name": "c" }]))),
        (json!({ "spec": { "hostNetwork": null } }), json!({ "spec": { "hostNetwork": null } })),
    ] {
        assert_eq!(plain(patch.clone()), wanted, "{patch}");
    }
}

#[test]
fn json_patches_of_each_kind() {
    for (operation, pointer, wanted) in [
        ("{op: add, path: /metadata/annotations/a, value: b}", "/metadata/annotations/a", json!("b")),
        ("{op: add, path: /spec/containers/0, value: {name: z}}", "/spec/containers/0/name", json!("z")),
        ("{op: add, path: /spec/containers/-, value: {name: z}}", "/spec/containers/2/name", json!("z")),
        ("{op: replace, path: /spec/hostNetwork, value: false}", "/spec/hostNetwork", json!(false)),
        ("{op: remove, path: /spec/containers/0}", "/spec/containers/0/name", json!("b")),
        ("{op: copy, from: /metadata/name, path: /metadata/labels/n}", "/metadata/labels/n", json!("x")),
        ("{op: move, from: /metadata/labels/app, path: /metadata/labels/b}", "/metadata/labels/b", json!("a")),
        ("{op: add, path: /metadata/labels/a.b~1c, value: d}", "/metadata/labels/a.b~1c", json!("d")),
        (
            "{op: add, path: '/metadata/labels/{{ request.object.metadata.name }}', value: d}",
            "/metadata/labels/x",
            json!("d"),
        ),
        ("{op: test, path: /kind, value: Pod}\n- {op: add, path: /spec/a, value: 1}", "/spec/a", json!(1)),
    ] {
        let verdict = evaluated(json!({ "patchesJson6902": format!("- {operation}") }));
        assert_eq!(verdict.patched.unwrap_or_default().pointer(pointer), Some(&wanted), "{operation}");
    }
}

#[test]
fn foreach_goes_backwards_unless_told() {
    let order = |order: Value| {
        let mut block = json!({ "list": "request.object.spec.containers", "patchStrategicMerge": { "metadata": { "labels": { "last": "{{ element.name }}" } } } });
        block.as_object_mut().unwrap().extend(order.as_object().unwrap().clone());
        evaluated(json!({ "foreach": [block] })).patched.unwrap()["metadata"]["labels"]["last"].clone()
    };
    assert_eq!(order(json!({})), "a");
    assert_eq!(order(json!({ "order": "Ascending" })), "b");
    assert_eq!(order(json!({ "order": "Descending" })), "a");
}
