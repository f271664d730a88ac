//! The kinds end to end: a policy, a request, an answer.

use serde_json::{Value, json};

use super::{classic, validating, vap};
use crate::eval::fixture::Cluster;
use crate::eval::request::{AdmissionRequest, Operation};
use crate::eval::trace::{Outcome, Trace, TraceNode};
use crate::eval::verdict::{Status, Verdict};
use crate::eval::{EvalCx, Mode, Profile};
use crate::object::gvk::Gvr;
use crate::policy::cel_exception::CelException;
use crate::policy::validating::ValidatingPolicy;

pub(super) fn cx<'a>(request: &'a AdmissionRequest, cluster: &'a Cluster) -> EvalCx<'a> {
    EvalCx { request, view: cluster, exceptions: &[], profile: Profile::V1_19, mode: Mode::Cli, trace: true }
}

pub(super) fn request(object: Value, group: &str, resource: &str) -> AdmissionRequest {
    let gvr = Gvr { group: group.to_owned(), version: "v1".to_owned(), resource: resource.to_owned() };
    AdmissionRequest::create(object, gvr)
}

pub(super) fn pod() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "a", "image": "nginx"}, {"name": "b", "image": "busybox:1"}]},
    })
}

fn rules(resources: &str) -> Value {
    json!({"resourceRules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "resources": [resources], "operations": ["CREATE"]},
    ]})
}

fn policy(spec: Value) -> ValidatingPolicy {
    let object = json!({
        "apiVersion": "policies.kyverno.io/v1", "kind": "ValidatingPolicy", "metadata": {"name": "p"}, "spec": spec,
    });
    ValidatingPolicy::from_value(&object).expect("a policy")
}

fn tagged(message: &str) -> Value {
    json!({
        "matchConstraints": rules("pods"),
        "variables": [{"name": "images", "expression": "object.spec.containers.map(c, c.image)"}],
        "validations": [{
            "expression": "variables.images.all(i, i.contains(':'))", "message": message,
            "messageExpression": "'untagged: ' + variables.images.filter(i, !i.contains(':')).join(', ')",
        }],
    })
}

fn run(spec: Value, request: &AdmissionRequest, exceptions: &[CelException]) -> Verdict {
    let cluster = Cluster::default();
    validating::Compiled::new(&policy(spec)).expect("compiles").evaluate(&cx(request, &cluster), exceptions)
}

fn only(verdict: &Verdict) -> (Status, &str) {
    let [rule] = verdict.rules.as_slice() else { panic!("{:?}", verdict.rules) };
    (rule.status, &rule.message)
}

#[test]
fn a_false_check_fails_with_the_message_that_its_expression_makes() {
    let verdict = run(tagged("no"), &request(pod(), "", "pods"), &[]);
    assert_eq!(only(&verdict), (Status::Fail, "untagged: nginx"));
    assert_eq!(verdict.rules[0].properties["cel.validationIndex"], "0");
}

fn find<'t>(nodes: &'t [TraceNode], wanted: &dyn Fn(&TraceNode) -> bool) -> Option<&'t TraceNode> {
    nodes.iter().find_map(|node| if wanted(node) { Some(node) } else { find(&node.children, wanted) })
}

#[test]
fn the_trace_names_the_element_that_failed() {
    let verdict = run(tagged("no"), &request(pod(), "", "pods"), &[]);
    let found = find(&verdict.trace, &|node| node.text == "[0] i = \"nginx\": i.contains(':')");
    assert_eq!(found.map(|node| node.outcome), Some(Outcome::No), "{:#?}", verdict.trace);
}

#[test]
fn autogen_points_into_the_pod_template() {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "default"},
        "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "nginx"}]}}},
    });
    assert_eq!(only(&run(tagged(""), &request(deployment, "apps", "deployments"), &[])).1, "untagged: nginx");
}

#[test]
fn conditions_that_do_not_hold_skip() {
    let mut spec = tagged("");
    spec["matchConditions"] = json!([{"name": "never", "expression": "object.metadata.name == 'other'"}]);
    assert_eq!(only(&run(spec, &request(pod(), "", "pods"), &[])), (Status::Skip, "skip"));
}

#[test]
fn errors_are_errors_unless_they_are_ignored() {
    let mut spec = tagged("");
    spec["matchConditions"] = json!([{"name": "broken", "expression": "object.nope.nope == 1"}]);
    let request = request(pod(), "", "pods");
    assert_eq!(only(&run(spec.clone(), &request, &[])), (Status::Error, "failed to load context: no such key: nope"));
    spec["failurePolicy"] = json!("Ignore");
    assert_eq!(only(&run(spec, &request, &[])), (Status::Skip, "skip"));
}

#[test]
fn exceptions_lift_the_policy() {
    let exception = CelException::from_value(&json!({
        "apiVersion": "policies.kyverno.io/v1", "kind": "PolicyException", "metadata": {"name": "e", "namespace": "ns"},
        "spec": {
            "policyRefs": [{"name": "p", "kind": "ValidatingPolicy"}],
            "matchConditions": [{"name": "m", "expression": "object.metadata.name == 'web'"}],
        },
    }));
    let verdict = run(tagged(""), &request(pod(), "", "pods"), &[exception.expect("an exception")]);
    assert_eq!(only(&verdict), (Status::Skip, "rule is skipped due to policy exception: ns/e"));
}

#[test]
fn a_check_must_be_exactly_bool() {
    let spec = json!({"matchConstraints": rules("pods"), "validations": [{"expression": "object.spec.hostNetwork"}]});
    let problem = validating::Compiled::new(&policy(spec)).expect_err("dyn");
    assert_eq!(
        problem.to_string(),
        "spec.validations[0].expression: Invalid value: \"object.spec.hostNetwork\": output is expected to be of type bool"
    );
}

#[test]
fn variables_are_unknown_in_match_conditions() {
    let mut spec = tagged("");
    spec["matchConditions"] = json!([{"name": "m", "expression": "variables.images.size() > 0"}]);
    let problem = validating::Compiled::new(&policy(spec)).expect_err("undeclared");
    assert!(problem.detail.starts_with("ERROR: <input>:1:10: undefined field 'images'"), "{}", problem.detail);
}

#[test]
fn mistakes_are_placed_in_the_file() {
    let text = "spec:\n  validations:\n    - expression: |-\n        has(object.a) &&\n          objekt.b == 1\n";
    let document = crate::parse::yaml::parse("p.yaml", text).documents.remove(0);
    let spec = policy(document.value["spec"].clone());
    let problem = validating::Compiled::new(&spec).expect_err("undeclared");
    let found = problem.diagnostic("p.yaml", text, &document.spans);
    let span = found.span.expect("a place");
    assert_eq!((span.line, span.column), (5, 11));
    assert_eq!(text.get(span.start..span.end), Some("objekt"));
    assert_eq!(found.message, "undeclared reference to 'objekt' (in container '')");
}

#[test]
fn json_mode_takes_any_payload() {
    let spec = json!({
        "evaluation": {"mode": "JSON"}, "matchConstraints": rules("pods"),
        "validations": [{"expression": "object.port > 1024", "message": "privileged port"}],
    });
    let request = AdmissionRequest::default();
    let cluster = Cluster::default();
    let compiled = validating::Compiled::new(&policy(spec)).expect("compiles");
    let verdict = compiled.evaluate_json(&json!({"port": 80}), &cx(&request, &cluster), &[]);
    assert_eq!(only(&verdict), (Status::Fail, "privileged port"));
}

#[test]
fn the_api_servers_policy_collects_and_names_the_expression() {
    let object = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "v"},
        "spec": {"matchConstraints": rules("pods"), "validations": [{"expression": "object.spec.containers.size() < 2"}]},
    });
    let policy = crate::policy::admission_policies::ValidatingAdmissionPolicy::from_value(&object).expect("a policy");
    let request = request(pod(), "", "pods");
    let cluster = Cluster::default();
    let verdict = vap::Compiled::new(&policy).expect("compiles").evaluate(&[], &[], &cx(&request, &cluster));
    assert_eq!(only(&verdict), (Status::Fail, "failed expression: object.spec.containers.size() < 2"));
}

#[test]
fn classic_rules_use_the_rules_message() {
    let request = request(pod(), "", "pods");
    let cluster = Cluster::default();
    let cel = json!({"expressions": [{"expression": "object.metadata.name == 'x'"}]});
    let found = classic::validate(
        &cel,
        &[],
        "name it x",
        "/spec/rules/0/validate/cel",
        &cx(&request, &cluster),
        &mut Trace::off(),
    );
    assert_eq!(found, classic::Outcome::Fail("name it x".to_owned()));
}

#[test]
fn deletions_carry_the_old_object() {
    let mut request = request(pod(), "", "pods");
    request.operation = Operation::Delete;
    request.old_object = request.object.take();
    let mut constraints = rules("pods");
    constraints["resourceRules"][0]["operations"] = json!(["DELETE"]);
    let spec = json!({
        "matchConstraints": constraints,
        "validations": [{"expression": "request.operation != 'DELETE' || oldObject.metadata.name != 'web'", "message": "kept"}],
    });
    assert_eq!(only(&run(spec, &request, &[])), (Status::Fail, "kept"));
}

fn mutate(mutation: Value) -> (Verdict, Value) {
    let object = json!({
        "apiVersion": "policies.kyverno.io/v1", "kind": "MutatingPolicy", "metadata": {"name": "m"},
        "spec": {"matchConstraints": rules("pods"), "mutations": [mutation]},
    });
    let policy = crate::policy::mutating::MutatingPolicy::from_value(&object).expect("a policy");
    let request = request(pod(), "", "pods");
    let cluster = Cluster::default();
    let verdict = super::mutating::Compiled::new(&policy).expect("compiles").evaluate(&cx(&request, &cluster), &[]);
    let patched = verdict.patched.clone().unwrap_or_default();
    (verdict, patched)
}

fn apply(expression: &str) -> Value {
    json!({"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}})
}

#[test]
fn apply_configurations_merge_lists_by_their_keys() {
    let expression = "Object{metadata: Object.metadata{labels: {'a': 'b'}}, spec: Object.spec{containers: \
                      [Object.spec.containers{name: 'b', image: 'busybox:2'}]}}";
    let (_, patched) = mutate(apply(expression));
    assert_eq!(patched["metadata"]["labels"], json!({"app": "web", "a": "b"}));
    assert_eq!(patched["spec"]["containers"][1], json!({"name": "b", "image": "busybox:2"}));
}

#[test]
fn type_names_must_be_the_path() {
    let (verdict, _) = mutate(apply("Object{spec: Object.metadata{}}"));
    let words = "failed to evaluate policy: type mismatch: unexpected type name \"Object.metadata\", expected \"Object.spec\", \
                 which matches field name path from root Object type";
    assert_eq!(only(&verdict), (Status::Error, words));
}

#[test]
fn json_patches_are_applied_in_order() {
    let expression = "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('x/y'), value: '1'}, \
                      JSONPatch{op: 'remove', path: '/metadata/labels/app'}]";
    let (_, patched) = mutate(json!({"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}));
    assert_eq!(patched["metadata"]["labels"], json!({"x/y": "1"}));
}

#[test]
fn generators_collect_what_they_are_given() {
    let object = json!({
        "apiVersion": "policies.kyverno.io/v1", "kind": "GeneratingPolicy", "metadata": {"name": "g"},
        "spec": {
            "matchConstraints": rules("pods"),
            "variables": [{"name": "ns", "expression": "object.metadata.namespace"}],
            "generate": [
                {"expression": "generator.Apply(variables.ns, [{'apiVersion': dyn('v1'), 'kind': 'ConfigMap', 'metadata': {'name': 'c'}}])"},
                {"template": {"interpolate": "cel", "value":
                    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s-(( object.metadata.name ))\n  namespace: (( variables.ns ))\n"}},
            ],
        },
    });
    let policy = crate::policy::generating::GeneratingPolicy::from_value(&object).expect("a policy");
    let request = request(pod(), "", "pods");
    let cluster = Cluster::default();
    let verdict = super::generating::Compiled::new(&policy).expect("compiles").evaluate(&cx(&request, &cluster), &[]);
    assert_eq!(only(&verdict), (Status::Pass, "policy evaluated successfully"));
    let names: Vec<&str> =
        verdict.rules[0].generated.iter().filter_map(|made| made["metadata"]["name"].as_str()).collect();
    assert_eq!(names, ["c", "s-web"]);
    assert_eq!(verdict.rules[0].generated[1]["metadata"]["namespace"], "default");
}

#[test]
fn deleting_policies_ignore_operations() {
    let mut constraints = rules("pods");
    constraints["resourceRules"][0]["operations"] = json!(["DELETE"]);
    let object = json!({
        "apiVersion": "policies.kyverno.io/v1", "kind": "DeletingPolicy", "metadata": {"name": "d"},
        "spec": {
            "matchConstraints": constraints, "schedule": "* * * * *",
            "conditions": [{"name": "old", "expression": "object.metadata.name == 'web'"}],
        },
    });
    let policy = crate::policy::deleting::DeletingPolicy::from_value(&object).expect("a policy");
    let request = request(pod(), "", "pods");
    let cluster = Cluster::default();
    let verdict = super::deleting::Compiled::new(&policy).expect("compiles").evaluate(&cx(&request, &cluster), &[]);
    assert_eq!(only(&verdict), (Status::Pass, "resource matched"));
}

#[test]
fn images_need_a_digest_unless_that_is_turned_off() {
    let spec = |digest: bool| {
        json!({
            "matchConstraints": rules("pods"), "matchImageReferences": [{"glob": "busy*"}],
            "validationConfigurations": {"verifyDigest": digest, "required": false},
            "validations": [{"expression": "images.containers.all(i, image(i).tag() == '2')", "message": "tag 2"}],
        })
    };
    let run = |digest| {
        let object = json!({
            "apiVersion": "policies.kyverno.io/v1", "kind": "ImageValidatingPolicy", "metadata": {"name": "i"}, "spec": spec(digest),
        });
        let policy = crate::policy::image_validating::ImageValidatingPolicy::from_value(&object).expect("a policy");
        let request = request(pod(), "", "pods");
        let cluster = Cluster::default();
        super::images::Compiled::new(&policy).expect("compiles").evaluate(&cx(&request, &cluster), &[])
    };
    assert_eq!(only(&run(true)), (Status::Fail, "image busybox:1 does not have a digest"));
    assert_eq!(only(&run(false)), (Status::Fail, "tag 2"));
}
