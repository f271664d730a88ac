//! Cases for the vendored table, the checks and the defaults.

use serde_json::{Value, json};

use super::*;

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

fn findings(text: &str) -> Vec<String> {
    load(yaml(text)).findings.into_iter().map(|finding| finding.message).collect()
}

fn hint(text: &str) -> String {
    load(yaml(text)).findings.into_iter().next().and_then(|finding| finding.hint).unwrap_or_default()
}

fn policy(rule: &str) -> String {
    format!(
        "{{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {{name: p}}, spec: {{rules: [{{name: r, match: {{any: [{{resources: {{kinds: [Pod]}}}}]}}, {rule}}}]}}}}"
    )
}

fn refused(doc: &str, message: &str) {
    assert_eq!(findings(doc), [message], "{doc}");
}

fn fine(doc: &str) {
    assert_eq!(findings(doc), Vec::<String>::new(), "{doc}");
}

fn defaulted(doc: &str, pointer: &str, expected: Value) {
    let mut value = yaml(doc);
    default(&value.gvk(), &mut value);
    assert_eq!(value.pointer(pointer), Some(&expected), "{doc} {pointer}");
}

const POD: &str =
    "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: 'nginx:1.2'}]}}";
const VPOL: &str = "apiVersion: policies.kyverno.io/v1, kind: ValidatingPolicy, metadata: {name: p}";

#[test]
fn the_table_is_small_and_whole() {
    let kinds = table::table().kinds();
    assert!(kinds.len() > 100, "{}", kinds.len());
    assert!(include_bytes!("table.bin").len() < 60 * 1024);
    for (api, kind) in
        [("v1", "Pod"), ("kyverno.io/v2", "CleanupPolicy"), ("policies.kyverno.io/v1", "GeneratingPolicy")]
    {
        assert!(table::table().schema(&Gvk::new(api, kind)).is_some(), "{api} {kind}");
    }
}

#[test]
fn unknown_fields_are_named_as_strict_decoding_does() {
    refused(&policy("validat: {}"), r#"unknown field "spec.rules[0].validat""#);
    refused(
        &policy("validate: {pattern: {anything: {goes: here}}, mesage: x}"),
        r#"unknown field "spec.rules[0].validate.mesage""#,
    );
    refused(&POD.replace("image:", "imagee: x, image:"), r#"unknown field "spec.containers[0].imagee""#);
    fine(&policy("validate: {pattern: {spec: {'=(x)': 1}}}"));
    fine(POD);
}

#[test]
fn hints_name_the_field_that_was_meant() {
    assert_eq!(hint(&policy("validat: {}")), "did you mean `validate`?");
    assert_eq!(hint(&policy("validationFailureAction: Audit")), "there is a field `spec.validationFailureAction`");
}

#[test]
fn wrong_types_read_like_the_api_server() {
    refused(
        &policy("validate: {message: 5, pattern: {}}"),
        r#"spec.rules[0].validate.message: Invalid value: "integer": spec.rules[0].validate.message in body must be of type string: "integer""#,
    );
    refused(
        &POD.replace("spec: {", "spec: {hostNetwork: 'yes', "),
        "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool",
    );
    refused(
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: 5}}",
        "json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
    );
}

#[test]
fn enums_required_fields_and_limits() {
    let spec = |spec: &str| {
        format!(
            "{{apiVersion: kyverno.io/v1, kind: ClusterPolicy, metadata: {{name: p}}, spec: {{{spec}, rules: []}}}}"
        )
    };
    refused(
        &spec("validationFailureAction: enforced"),
        r#"spec.validationFailureAction: Unsupported value: "enforced": supported values: "audit", "enforce", "Audit", "Enforce""#,
    );
    refused(
        &policy("context: [{name: a, variable: {value: 1}, configMap: {name: c}}], validate: {pattern: {}}"),
        r#"<nil>: Invalid value: "": "spec.rules[0].context[0]" must validate one and only one schema (oneOf). Found 2 valid alternatives"#,
    );
    refused(
        "{apiVersion: kyverno.io/v2, kind: CleanupPolicy, metadata: {name: p}, spec: {schedule: '* * * * *'}}",
        "spec.match: Required value",
    );
    refused(
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: p}, spec: {template: {}}}",
        "spec.selector: Required value",
    );
}

#[test]
fn rules_of_cel_kinds() {
    fine(&format!("{{{VPOL}, spec: {{validations: [{{expression: 'true'}}]}}}}"));
    refused(
        &format!("{{{VPOL}, spec: {{validations: [{{message: x}}]}}}}"),
        "spec.validations[0].expression: Required value",
    );
    let gpol =
        "{apiVersion: policies.kyverno.io/v1, kind: GeneratingPolicy, metadata: {name: p}, spec: {generate: [{}]}}";
    refused(gpol, "spec.generate[0]: Invalid value: {}: exactly one of expression or template must be set");
}

#[test]
fn kyverno_defaults_that_change_behaviour() {
    let rule = policy("validate: {pattern: {}}, context: [{name: a, apiCall: {urlPath: /x}}]");
    defaulted(&rule, "/spec/background", json!(true));
    defaulted(&rule, "/spec/admission", json!(true));
    defaulted(&rule, "/spec/emitWarning", json!(false));
    defaulted(&rule, "/spec/validationFailureAction", json!("Audit"));
    defaulted(&rule, "/spec/rules/0/validate/allowExistingViolations", json!(true));
    defaulted(&rule, "/spec/rules/0/skipBackgroundRequests", json!(true));
    defaulted(&rule, "/spec/rules/0/context/0/apiCall/method", json!("GET"));
    let images = policy("verifyImages: [{imageReferences: ['*']}]");
    for field in ["mutateDigest", "verifyDigest", "required", "useCache"] {
        defaulted(&images, &format!("/spec/rules/0/verifyImages/0/{field}"), json!(true));
    }
    assert!(load(yaml(&policy("validate: null"))).value.pointer("/spec/rules/0/validate").is_none());
}

#[test]
fn built_in_defaults() {
    defaulted(POD, "/spec/restartPolicy", json!("Always"));
    defaulted(POD, "/spec/containers/0/imagePullPolicy", json!("IfNotPresent"));
    defaulted(&POD.replace(":1.2", ""), "/spec/containers/0/imagePullPolicy", json!("Always"));
    defaulted(
        &POD.replace("image:", "resources: {limits: {cpu: 1}}, image:"),
        "/spec/containers/0/resources/requests/cpu",
        json!(1),
    );
    let deployment = "{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {containers: [{name: c}]}}}}";
    defaulted(deployment, "/spec/replicas", json!(1));
    defaulted(deployment, "/spec/strategy/rollingUpdate/maxSurge", json!("25%"));
    defaulted(deployment, "/spec/template/spec/dnsPolicy", json!("ClusterFirst"));
    defaulted(deployment, "/spec/template/metadata", json!({}));
    defaulted("{apiVersion: rbac.authorization.k8s.io/v1, kind: Role}", "/rules", Value::Null);
    defaulted("{apiVersion: v1, kind: Service, spec: {ports: [{port: 80}]}}", "/spec/ports/0/targetPort", json!(80));
    defaulted(
        "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, spec: {podSelector: {}}}",
        "/spec/policyTypes",
        json!(["Ingress"]),
    );
}

#[test]
fn custom_resources_are_checked_defaulted_and_pruned() {
    let crd = "{kind: CustomResourceDefinition, spec: {group: x.io, scope: Namespaced, names: {kind: Thing, plural: things}, versions: [{name: v1, served: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, required: [size], properties: {size: {type: integer, minimum: 1}, color: {type: string, default: red}}}}}}}]}}";
    let kinds = crd::read(&yaml(crd));
    assert_eq!((kinds.len(), kinds[0].namespaced, kinds[0].gvk.api_version()), (1, true, "x.io/v1".to_owned()));
    let loaded =
        kinds[0].load(yaml("{apiVersion: x.io/v1, kind: Thing, metadata: {name: a}, spec: {size: 0, colour: blue}}"));
    let messages: Vec<_> = loaded.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
            r#"unknown field "spec.colour""#
        ]
    );
    assert_eq!(loaded.value["spec"], json!({"size": 0, "color": "red"}));
}

#[test]
fn rejections_are_whole_sentences() {
    let reject = |doc: &str| rejection(&yaml(doc).gvk(), "p", &load(yaml(doc)).findings).unwrap();
    assert_eq!(
        reject(&policy("validat: {}")),
        r#"ClusterPolicy in version "v1" cannot be handled as a ClusterPolicy: strict decoding error: unknown field "spec.rules[0].validat""#
    );
    assert_eq!(
        reject("{apiVersion: kyverno.io/v2, kind: CleanupPolicy, metadata: {name: p}, spec: {schedule: '* * * * *'}}"),
        r#"CleanupPolicy.kyverno.io "p" is invalid: spec.match: Required value"#
    );
}

#[test]
fn what_go_leaves_out_is_dropped() {
    for (spec, pointer, there) in [
        ("volumes: []", "/spec/volumes", false),
        ("nodeSelector: {}", "/spec/nodeSelector", false),
        ("securityContext: {}", "/spec/securityContext", true),
        ("hostNetwork: false", "/spec/hostNetwork", false),
        ("automountServiceAccountToken: false", "/spec/automountServiceAccountToken", true),
    ] {
        let mut value = yaml(&POD.replace("spec: {", &format!("spec: {{{spec}, ")));
        default(&value.gvk(), &mut value);
        assert_eq!(value.pointer(pointer).is_some(), there, "{spec}");
    }
}
