//! Cases for the conversion.

use serde_json::{Value, json};

use super::*;
use crate::policy::schema;

fn converted(rule: &str) -> Conversion {
    let text = format!(
        "{{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {{name: p}}, spec: {{rules: [{{name: r, {rule}}}]}}}}"
    );
    let policy: Value = serde_yaml::from_str(&text).unwrap();
    convert(&schema::load(policy).value, &Catalog::new())
}

fn pods(rule: &str) -> String {
    format!("match: {{any: [{{resources: {{kinds: [Pod], operations: [CREATE]}}}}]}}, {rule}")
}

fn gives(rule: &str, pointer: &str, expected: Value) {
    let outcome = converted(rule);
    let found = outcome.policies.first().and_then(|policy| policy.pointer(pointer));
    assert_eq!(found, Some(&expected), "{rule}\n{outcome:#?}");
}

/// A pattern as CEL.
fn pattern(pattern: &str, expression: &str) {
    gives(&pods(&format!("validate: {{pattern: {pattern}}}")), "/spec/validations/0/expression", json!(expression));
}

/// A deny condition as CEL.
fn deny(condition: &str, expression: &str) {
    let rule = pods(&format!("validate: {{deny: {{conditions: {{any: [{condition}]}}}}}}"));
    gives(&rule, "/spec/validations/0/expression", json!(expression));
}

fn leaves_out(rule: &str, why: &str) {
    let outcome = converted(rule);
    let texts: Vec<&str> = outcome.left_out.iter().map(|remark| remark.text.as_str()).collect();
    assert!(texts.iter().any(|text| text.contains(why)), "{rule}\n{outcome:#?}");
}

#[test]
fn patterns() {
    pattern(
        "{metadata: {labels: {team: '?*'}}}",
        "has(object.metadata) && has(object.metadata.labels) && has(object.metadata.labels.team) && string(object.metadata.labels.team) != ''",
    );
    pattern(
        "{metadata: {labels: {a/b: x}}}",
        "has(object.metadata) && has(object.metadata.labels) && 'a/b' in object.metadata.labels && object.metadata.labels['a/b'] == 'x'",
    );
    pattern(
        "{spec: {=(hostNetwork): false}}",
        "has(object.spec) && (!has(object.spec.hostNetwork) || object.spec.hostNetwork == false)",
    );
    pattern("{spec: {X(hostPID): 'null'}}", "has(object.spec) && !has(object.spec.hostPID)");
    pattern(
        "{spec: {containers: [{image: '!*:latest'}]}}",
        "has(object.spec) && has(object.spec.containers) && object.spec.containers.all(e0, has(e0.image) && !(e0.image.matches('^.*:latest$')))",
    );
    pattern(
        "{spec: {replicas: '>1 & <=5'}}",
        "has(object.spec) && has(object.spec.replicas) && int(object.spec.replicas) > 1 && int(object.spec.replicas) <= 5",
    );
    pattern(
        "{spec: {size: '<=1Gi'}}",
        "has(object.spec) && has(object.spec.size) && !quantity(string(object.spec.size)).isGreaterThan(quantity('1Gi'))",
    );
    pattern(
        "{spec: {kind: a | b}}",
        "has(object.spec) && has(object.spec.kind) && (object.spec.kind == 'a' || object.spec.kind == 'b')",
    );
    pattern(
        "{spec: {(a): x, b: y}}",
        "has(object.spec) && (!(has(object.spec.a) && object.spec.a == 'x') || has(object.spec.b) && object.spec.b == 'y')",
    );
}

#[test]
fn deny_conditions() {
    deny("{key: '{{ request.operation }}', operator: Equals, value: CREATE}", "!(request.operation == 'CREATE')");
    deny(
        "{key: \"{{ request.object.spec.x || '' }}\", operator: AnyNotIn, value: [a, b]}",
        "!(!(object.?spec.?x.orValue('') in ['a', 'b']))",
    );
    deny(
        "{key: '{{ request.object.spec.replicas }}', operator: GreaterThan, value: 3}",
        "!(object.?spec.?replicas.orValue(0) > 3)",
    );
    deny(
        "{key: '{{ length(request.object.spec.containers) }}', operator: GreaterThan, value: 3}",
        "!(size(object.?spec.?containers.orValue([])) > 3)",
    );
    deny(
        "{key: '{{ request.object.spec.containers[].image }}', operator: AnyIn, value: ['a*']}",
        "!(object.?spec.?containers.orValue([]).filter(e, has(e.image)).map(e, e.image).exists(k, k.matches('^a.*$')))",
    );
}

#[test]
fn selections() {
    let rule = "match: {any: [{resources: {kinds: [Deployment, StatefulSet], namespaces: [a, b], operations: [CREATE]}}]}, exclude: {any: [{subjects: [{kind: Group, name: g}]}]}, validate: {pattern: {a: 1}}";
    gives(
        rule,
        "/spec/matchConstraints/resourceRules",
        json!([{ "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments", "statefulsets"] }]),
    );
    gives(rule, "/spec/matchConditions/0/expression", json!("object.metadata.?namespace.orValue('') in ['a', 'b']"));
    gives(rule, "/spec/matchConditions/1/expression", json!("!('g' in request.userInfo.groups)"));
    leaves_out("match: {any: [{resources: {kinds: [Pod]}, clusterRoles: [a]}]}, validate: {pattern: {a: 1}}", "roles");
    leaves_out("match: {any: [{resources: {kinds: ['*']}}]}, validate: {pattern: {a: 1}}", "wildcards");
}

#[test]
fn actions_and_messages() {
    let rule = |rest: &str| pods(&format!("validate: {{pattern: {{a: 1}}, {rest}}}"));
    gives(&rule("failureAction: Enforce"), "/spec/validationActions", json!(["Deny"]));
    gives(&rule("message: plain"), "/spec/validations/0/message", json!("plain"));
    gives(
        &rule("message: 'no {{request.object.metadata.name}}!'"),
        "/spec/validations/0/messageExpression",
        json!("'no ' + string(object.?metadata.?name.orValue('')) + '!'"),
    );
    gives(&rule("message: a"), "/kind", json!("ValidatingPolicy"));
}

#[test]
fn cel_rules_stay_as_they_are() {
    let rule = pods(
        "celPreconditions: [{name: c, expression: 'has(object.a)'}], validate: {cel: {expressions: [{expression: 'object.a == 1', message: m}], variables: [{name: v, expression: '1'}]}}",
    );
    gives(&rule, "/spec/validations", json!([{ "expression": "object.a == 1", "message": "m" }]));
    gives(&rule, "/spec/variables/0/name", json!("v"));
    gives(&rule, "/spec/matchConditions/0/name", json!("c"));
}

#[test]
fn mutations_and_generations() {
    gives(
        &pods("mutate: {patchStrategicMerge: {metadata: {labels: {a/b: c}}, spec: {hostNetwork: false}}}"),
        "/spec/mutations/0/applyConfiguration/expression",
        json!("Object{metadata: Object.metadata{labels: {'a/b': 'c'}}, spec: Object.spec{hostNetwork: false}}"),
    );
    gives(
        &pods("mutate: {patchesJson6902: '- {op: add, path: /metadata/labels/a, value: b}'}"),
        "/spec/mutations/0/jsonPatch/expression",
        json!("[JSONPatch{op: 'add', path: '/metadata/labels/a', value: 'b'}]"),
    );
    leaves_out(&pods("mutate: {patchStrategicMerge: {metadata: {'+(labels)': {a: b}}}}"), "the anchor +(labels)");
    let rule = "match: {any: [{resources: {kinds: [Namespace], operations: [CREATE]}}]}, generate: {synchronize: true, apiVersion: v1, kind: ConfigMap, name: c, namespace: '{{request.object.metadata.name}}', data: {data: {a: b}}}";
    gives(
        rule,
        "/spec/generate/0/expression",
        json!(
            "generator.Apply(object.?metadata.?name.orValue(''), [{'apiVersion': dyn('v1'), 'kind': dyn('ConfigMap'), 'metadata': dyn({'name': dyn('c')}), 'data': dyn({'a': dyn('b')})}])"
        ),
    );
    gives(rule, "/spec/evaluation/synchronize/enabled", json!(true));
}

#[test]
fn what_is_left_out_says_why() {
    leaves_out(&pods("validate: {podSecurity: {level: baseline}}"), "Pod Security");
    leaves_out(&pods("context: [{name: a, variable: {value: 1}}], validate: {pattern: {a: 1}}"), "context");
    leaves_out(&pods("verifyImages: [{imageReferences: ['*']}]"), "ImageValidatingPolicy");
}
