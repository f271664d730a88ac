use serde_json::{Value, json};

use super::Generated;
use crate::eval::engine;
use crate::eval::fixture::{Cluster, at, create, policy};

fn namespace() -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "ns", "uid": "u1", "labels": { "team": "a" } } })
}

fn made_in(objects: Vec<Value>, generate: Value) -> Generated {
    let cluster = Cluster { objects, ..Cluster::default() };
    let request = create(namespace());
    engine::generate(&policy(json!({ "generate": generate })), "r", &at(&request, &cluster)).0
}

fn made(generate: Value) -> Generated {
    made_in(Vec::new(), generate)
}

fn error(generate: Value) -> String {
    made(generate).error.unwrap()
}

fn target(kind: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": kind, "name": "x", "namespace": "{{ request.object.metadata.name }}" })
}

fn with(mut target: Value, more: Value) -> Value {
    target.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    target
}

#[test]
fn data() {
    let data = json!({ "data": { "kind": "ConfigMap", "metadata": { "labels": { "l": "{{ request.object.metadata.labels.team }}" } }, "data": { "k": "v" } } });
    let made = made(with(target("ConfigMap"), data));
    assert_eq!(made.error, None);
    let labels = json!({
        "app.kubernetes.io/managed-by": "kyverno",
        "generate.kyverno.io/policy-name": "p",
        "generate.kyverno.io/policy-namespace": "",
        "generate.kyverno.io/rule-name": "r",
        "generate.kyverno.io/trigger-group": "",
        "generate.kyverno.io/trigger-kind": "Namespace",
        "generate.kyverno.io/trigger-namespace": "",
        "generate.kyverno.io/trigger-uid": "u1",
        "generate.kyverno.io/trigger-version": "v1",
        "l": "a",
    });
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "x", "namespace": "ns", "labels": labels }, "data": { "k": "v" } });
    assert_eq!(made.targets[0].object, object);
    assert!(!made.targets[0].clone);
}

#[test]
fn name_and_namespace_of_the_rule_win() {
    let made =
        made(with(target("ConfigMap"), json!({ "data": { "metadata": { "name": "other", "namespace": "other" } } })));
    assert_eq!(made.targets[0].object["metadata"]["name"], "x");
    assert_eq!(made.targets[0].object["metadata"]["namespace"], "ns");
    assert_eq!(made.targets[0].object["kind"], "ConfigMap");
}

#[test]
fn without_data_there_is_a_name_and_labels() {
    let made = made(target("ConfigMap"));
    assert_eq!((made.error, made.targets[0].object["metadata"]["name"].as_str()), (None, Some("x")));
}

#[test]
fn an_unknown_variable_is_an_error() {
    let words = error(with(target("ConfigMap"), json!({ "data": { "k": "{{ request.object.spec.x }}" } })));
    assert_eq!(
        words,
        "failed to resolve request.object.spec.x at path /data/k: JMESPath query failed: Unknown key \"spec\" in path"
    );
}

fn secret(namespace: &str, name: &str) -> Value {
    let metadata = json!({
        "name": name, "namespace": namespace, "uid": "s1", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z",
        "ownerReferences": [{ "name": "o" }], "labels": { "app": "a" },
    });
    json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": { "k": "dg==" } })
}

#[test]
fn clone() {
    let source = json!({ "clone": { "namespace": "default", "name": "source" } });
    let made = made_in(vec![secret("default", "source")], with(target("Secret"), source));
    let object = &made.targets[0].object;
    assert_eq!(object["data"], json!({ "k": "dg==" }));
    let metadata = object["metadata"].as_object().unwrap();
    assert_eq!(metadata.keys().collect::<Vec<_>>(), ["name", "namespace", "labels"]);
    assert_eq!(metadata["name"], "x");
    assert_eq!(metadata["labels"]["generate.kyverno.io/source-uid"], "s1");
    assert_eq!(metadata["labels"]["generate.kyverno.io/clone-source"], "");
    assert_eq!(made.targets[0].source.as_ref().unwrap().to_string(), "Secret/default/source");
}

#[test]
fn a_missing_source_is_an_error() {
    let words = error(with(target("Secret"), json!({ "clone": { "namespace": "default", "name": "source" } })));
    assert_eq!(words, "source resource v1/Secret/ns/x not found: secrets \"source\" not found");
}

#[test]
fn nothing_is_cloned_onto_itself() {
    let itself = with(target("Secret"), json!({ "clone": { "namespace": "ns", "name": "x" } }));
    assert_eq!(made_in(vec![secret("ns", "x")], itself), Generated::default());
}

#[test]
fn clone_list() {
    let list = json!({ "namespace": "{{ request.object.metadata.name }}", "cloneList": { "namespace": "default", "kinds": ["v1/Secret", "v1/ConfigMap"], "selector": { "matchLabels": { "app": "a" } } } });
    let mut other = secret("default", "other");
    other["metadata"]["labels"] = json!({});
    let made = made_in(vec![secret("default", "one"), other, secret("elsewhere", "two")], list);
    assert_eq!(
        made.targets.iter().map(|target| target.object["metadata"]["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["one"]
    );
    assert_eq!(made.targets[0].object["metadata"]["namespace"], "ns");
}

#[test]
fn foreach_goes_on_after_an_error() {
    let each = json!({ "list": "['a', '', 'b']", "apiVersion": "v1", "kind": "ConfigMap", "namespace": "ns", "name": "c-{{ element }}{{ elementIndex }}",
        "preconditions": { "all": [{ "key": "{{ element }}", "operator": "NotEquals", "value": "b" }] }, "data": { "k": "{{ elementIndex }}" } });
    let broken = json!({ "list": "['a']", "apiVersion": "v1", "kind": "ConfigMap", "namespace": "ns", "name": "d", "data": { "k": "{{ nope }}" } });
    let made = made(json!({ "foreach": [broken, each] }));
    let names: Vec<_> = made.targets.iter().map(|target| target.object["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["c-a0", "c-1"]);
    assert_eq!(made.targets[1].object["k"], json!(1));
    let words = made.error.unwrap();
    assert!(
        words.starts_with(
            "failed to process 0 foreach in rule r: failed to process 0 element: failed to resolve nope at path"
        ),
        "{words}"
    );
}
