use serde_json::{Value, json};

use super::{contains_kind, controllers, kind_and_api_version, rules, status_rules};
use crate::policy::ClassicPolicy;

fn policy(rules: Value) -> ClassicPolicy {
    let raw = json!({ "spec": { "rules": rules } });
    ClassicPolicy { spec: serde_json::from_value(raw["spec"].clone()).unwrap(), raw, ..Default::default() }
}

fn pod_rule(body: Value) -> Value {
    let mut rule = json!({ "name": "r", "match": { "any": [{ "resources": { "kinds": ["Pod"] } }] } });
    rule.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    rule
}

fn names(policy: &ClassicPolicy, kind: Option<&str>) -> String {
    rules(policy, kind).into_iter().map(|rule| rule.rule.name.clone()).collect::<Vec<_>>().join(" ")
}

fn one(body: Value) -> ClassicPolicy {
    policy(json!([pod_rule(body)]))
}

fn deny() -> Value {
    json!({ "validate": { "deny": {} } })
}

#[test]
fn names_and_phases() {
    let written = one(deny());
    assert_eq!(names(&written, None), "r autogen-r autogen-cronjob-r");
    assert_eq!(names(&written, Some("Deployment")), "r autogen-r");
    assert_eq!(names(&written, Some("CronJob")), "r autogen-cronjob-r");
    assert_eq!(names(&written, Some("Pod")), "r");
    assert_eq!(names(&written, Some("ConfigMap")), "r");
    assert_eq!(rules(&written, None)[2].pointer, "/spec/rules/0");
}

#[test]
fn annotation() {
    let with = |value: &str| {
        let mut policy = one(deny());
        policy.annotations.insert(super::CONTROLLERS_ANNOTATION.into(), value.into());
        policy
    };
    assert_eq!(names(&with("none"), None), "r");
    assert_eq!(names(&with("Deployment"), None), "r autogen-r");
    assert_eq!(names(&with("CronJob"), None), "r autogen-cronjob-r");
    assert_eq!(names(&with("Deployment"), Some("Job")), "r");
    assert_eq!(
        rules(&with("Deployment,Job"), None)[1].rule.match_block.any[0].resources.kinds,
        ["apps/v1/Deployment", "batch/v1/Job"]
    );
    assert!(controllers(&with("none")).is_empty());
    assert_eq!(controllers(&one(deny())).len(), 7);
}

#[test]
fn not_eligible() {
    let alone = |rule: Value| rules(&policy(json!([rule])), None).len();
    let matching = |resources: Value| {
        alone(json!({ "name": "r", "match": { "any": [{ "resources": resources }] }, "validate": { "deny": {} } }))
    };
    assert_eq!(matching(json!({ "kinds": ["Pod"] })), 3);
    assert_eq!(matching(json!({ "kinds": ["v1/Pod"] })), 1);
    assert_eq!(matching(json!({ "kinds": ["Pod", "Deployment"] })), 1);
    assert_eq!(matching(json!({ "kinds": ["Pod"], "name": "x" })), 1);
    assert_eq!(matching(json!({ "kinds": ["Pod"], "names": ["x"] })), 1);
    assert_eq!(matching(json!({ "kinds": ["Pod"], "selector": {} })), 1);
    assert_eq!(matching(json!({ "kinds": ["Pod"], "annotations": {} })), 1);
    assert_eq!(matching(json!({ "kinds": ["Pod"], "namespaces": ["x"] })), 3);
    assert_eq!(matching(json!({ "kinds": ["Deployment"] })), 1);
    assert_eq!(alone(pod_rule(json!({ "mutate": { "patchesJson6902": "- op: add" } }))), 1);
    assert_eq!(
        alone(pod_rule(json!({ "mutate": { "foreach": [{ "list": "x", "patchesJson6902": "- op: add" }] } }))),
        1
    );
    assert_eq!(alone(pod_rule(json!({ "generate": { "kind": "ConfigMap" } }))), 1);
    assert_eq!(
        alone(pod_rule(
            json!({ "exclude": { "any": [{ "resources": { "kinds": ["Job"] } }] }, "validate": { "deny": {} } })
        )),
        1
    );
    assert_eq!(alone(pod_rule(json!({ "validate": { "manifests": {} } }))), 1);
}

fn generated(body: Value) -> (Value, Value) {
    let mut rules = status_rules(&one(body)).into_iter();
    (rules.next().unwrap(), rules.next().unwrap())
}

#[test]
fn bodies() {
    let (pod, cron) = generated(json!({ "validate": { "message": "at $(./x/pattern/y)", "pattern": { "spec": 1 } } }));
    assert_eq!(
        pod["validate"],
        json!({ "message": "at $(./x/pattern/spec/template/y)", "pattern": { "spec": { "template": { "spec": 1 } } } })
    );
    assert_eq!(
        cron["validate"]["pattern"],
        json!({ "spec": { "jobTemplate": { "spec": { "template": { "spec": 1 } } } } })
    );
    let (pod, _) = generated(json!({ "validate": { "anyPattern": [{ "a": 1 }, { "b": 2 }] } }));
    assert_eq!(pod["validate"]["anyPattern"][1], json!({ "spec": { "template": { "b": 2 } } }));
    let (pod, cron) =
        generated(json!({ "mutate": { "targets": [{ "kind": "Pod" }], "patchStrategicMerge": { "x": 1 } } }));
    assert_eq!(pod["mutate"], json!({ "patchStrategicMerge": { "spec": { "template": { "x": 1 } } } }));
    assert_eq!(cron["match"]["any"][0]["resources"]["kinds"], json!(["batch/v1/CronJob"]));
    let (pod, _) = generated(
        json!({ "mutate": { "foreach": [{ "list": "l", "order": "Ascending", "patchStrategicMerge": { "x": 1 } }] } }),
    );
    assert_eq!(
        pod["mutate"]["foreach"][0],
        json!({ "list": "l", "patchStrategicMerge": { "spec": { "template": { "x": 1 } } } })
    );
}

#[test]
fn text() {
    let body = |text: &str| json!({ "validate": { "message": text, "deny": {} } });
    let (pod, cron) = generated(body("{{ request.object.spec.x }} {{request.oldObject.metadata.name}}"));
    assert_eq!(
        pod["validate"]["message"],
        "{{ request.object.spec.template.spec.x }} {{request.oldObject.spec.template.metadata.name}}"
    );
    assert_eq!(
        cron["validate"]["message"],
        "{{ request.object.spec.jobTemplate.spec.template.spec.x }} {{request.oldObject.spec.jobTemplate.spec.template.metadata.name}}"
    );
    let (pod, _) = generated(
        json!({ "validate": { "cel": { "expressions": [{ "expression": "object.spec.x == oldObject.spec.y" }] } } }),
    );
    assert_eq!(
        pod["validate"]["cel"]["expressions"][0]["expression"],
        "object.spec.template.spec.x == oldObject.spec.template.spec.y"
    );
}

#[test]
fn long_names_are_cut() {
    let mut rule = pod_rule(deny());
    rule["name"] = json!("n".repeat(60));
    let policy = policy(json!([rule]));
    assert!(rules(&policy, None).iter().all(|rule| rule.rule.name.len() <= 63));
}

#[test]
fn own_autogen_rules_give_way() {
    let mut own = pod_rule(deny());
    own["name"] = json!("autogen-r");
    assert_eq!(names(&policy(json!([pod_rule(deny()), own])), None), "r autogen-r autogen-cronjob-r");
}

#[test]
fn selectors() {
    let split = |selector: &str| kind_and_api_version(selector);
    assert_eq!(split("Pod"), (String::new(), "Pod".into()));
    assert_eq!(split("v1/Secret"), ("v1".into(), "Secret".into()));
    assert_eq!(split("apps/v1/Deployment"), ("apps/v1".into(), "Deployment".into()));
    assert_eq!(split("Pod/exec"), (String::new(), "Pod/exec".into()));
    assert_eq!(split("v1beta1/Pod.status"), ("v1beta1".into(), "Pod/status".into()));
    assert!(contains_kind(["v1/Pod"], "Pod"));
    assert!(!contains_kind(["Pods"], "Pod"));
}

/// What keeps a whole policy from autogen, wherever it stands.
#[test]
fn each_reason_in_each_block() {
    let count = |blocks: Value| {
        let mut rule = json!({ "name": "r", "validate": { "deny": {} } });
        rule.as_object_mut().unwrap().extend(blocks.as_object().unwrap().clone());
        rules(&policy(json!([rule])), None).len()
    };
    let pod = json!({ "any": [{ "resources": { "kinds": ["Pod"] } }] });
    for reason in [
        json!({ "kinds": ["Pod"], "name": "x" }),
        json!({ "kinds": ["Pod"], "names": ["x"] }),
        json!({ "kinds": ["Pod"], "selector": { "matchLabels": { "a": "b" } } }),
        json!({ "kinds": ["Pod"], "annotations": { "a": "b" } }),
        json!({ "kinds": ["Pod", "Deployment"] }),
        json!({ "kinds": ["Pod", "Service"] }),
    ] {
        let filter = json!({ "resources": reason });
        assert_eq!(count(json!({ "match": { "any": [filter] } })), 1, "match.any {reason}");
        assert_eq!(count(json!({ "match": { "all": [filter] } })), 1, "match.all {reason}");
        assert_eq!(count(json!({ "match": filter })), 1, "match {reason}");
        assert_eq!(count(json!({ "match": pod, "exclude": { "any": [filter] } })), 1, "exclude.any {reason}");
        assert_eq!(count(json!({ "match": pod, "exclude": { "all": [filter] } })), 1, "exclude.all {reason}");
        assert_eq!(count(json!({ "match": pod, "exclude": filter })), 1, "exclude {reason}");
    }
    for fine in [
        json!({ "kinds": ["Pod"] }),
        json!({ "kinds": ["Pod"], "namespaces": ["x"] }),
        json!({ "kinds": ["Pod"], "namespaceSelector": { "matchLabels": { "a": "b" } } }),
        json!({ "kinds": ["Pod"], "operations": ["CREATE"] }),
        json!({ "namespaces": ["kube-system"] }),
    ] {
        let filter = json!({ "resources": fine });
        assert_eq!(count(json!({ "match": pod, "exclude": { "any": [filter] } })), 3, "exclude.any {fine}");
    }
    assert_eq!(count(json!({ "match": { "all": [{ "resources": { "kinds": ["Pod"] } }] } })), 3);
    assert_eq!(count(json!({ "match": { "resources": { "kinds": ["Pod"] } } })), 3);
    let user = json!({ "subjects": [{ "kind": "User", "name": "x" }] });
    assert_eq!(count(json!({ "match": pod, "exclude": { "any": [user] } })), 3);
    // One rule decides for all of them.
    let named = json!({ "name": "s", "match": { "any": [{ "resources": { "kinds": ["Secret"], "names": ["x"] } }] }, "validate": { "deny": {} } });
    assert_eq!(rules(&policy(json!([pod_rule(deny()), named])), None).len(), 2);
    let other = json!({ "name": "s", "match": { "any": [{ "resources": { "kinds": ["Secret"] } }] }, "validate": { "deny": {} } });
    assert_eq!(names(&policy(json!([pod_rule(deny()), other])), None), "r s autogen-r autogen-cronjob-r");
}

#[test]
fn each_controller_has_its_rule() {
    for (kind, name) in [
        ("DaemonSet", "autogen-r"),
        ("Deployment", "autogen-r"),
        ("Job", "autogen-r"),
        ("ReplicaSet", "autogen-r"),
        ("ReplicationController", "autogen-r"),
        ("StatefulSet", "autogen-r"),
        ("CronJob", "autogen-cronjob-r"),
    ] {
        assert_eq!(names(&one(deny()), Some(kind)), format!("r {name}"), "{kind}");
        let mut limited = one(deny());
        limited.annotations.insert(super::CONTROLLERS_ANNOTATION.into(), kind.into());
        assert_eq!(names(&limited, None), format!("r {name}"), "{kind}");
    }
}
