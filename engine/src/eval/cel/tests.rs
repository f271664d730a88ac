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

fn compiles(spec: Value) -> Result<(), String> {
    validating::Compiled::new(&policy(spec)).map(|_| ()).map_err(|problem| problem.detail)
}

fn checks(expression: &str) -> Value {
    json!({"matchConstraints": rules("pods"), "validations": [{"expression": expression}]})
}

/// `pkg/cel/policies/vpol/compiler/compiler.go`: the API server's environment for stored expressions lies below.
#[test]
fn validating_policies_have_what_stored_expressions_have() {
    assert_eq!(compiles(checks("object.spec.containers.all(i, c, i < 5 && c.name != '')")), Ok(()));
    let words = compiles(checks("duration(object.a) < duration('1d')")).expect_err("a literal that cannot be read");
    assert!(words.starts_with("ERROR: <input>:1:31: invalid duration argument"), "{words}");
}

/// `sdk/extensions/cel/libs/resource/lib.go`: the values of what it returns are of type `any`.
#[test]
fn any_is_no_range() {
    let words = compiles(checks("resource.List('v1', 'pods', '').items.exists(i, i.x == 1)")).expect_err("any");
    let said = "expression of type 'any' cannot be range of a comprehension (must be list, map, or dynamic)";
    assert!(words.starts_with(&format!("ERROR: <input>:1:32: {said}")), "{words}");
    assert_eq!(compiles(checks("resource.List('v1', 'pods', '').items.orValue([]).exists(i, i.x == 1)")), Ok(()));
    assert_eq!(compiles(checks("dyn(resource.List('v1', 'pods', '').items).exists(i, i.x == 1)")), Ok(()));
}

/// `pkg/cel/policies/vpol/compiler/policy.go`, match: an exception whose condition fails does not count then.
#[test]
fn broken_exceptions_do_not_count_where_errors_are_ignored() {
    let exception = CelException::from_value(&json!({
        "kind": "PolicyException", "metadata": {"name": "e", "namespace": "ns"},
        "spec": {
            "policyRefs": [{"name": "p", "kind": "ValidatingPolicy"}],
            "matchConditions": [{"name": "m", "expression": "object.nope.nope"}],
        },
    }));
    let mut exception = exception.expect("an exception");
    exception.spec.match_conditions[0].expression.push_str(" == 1");
    let mut spec = tagged("");
    spec["failurePolicy"] = json!("Ignore");
    assert_eq!(only(&run(spec, &request(pod(), "", "pods"), &[exception])).0, Status::Fail);
}

/// `pkg/cel/policies/vpol/engine/engine.go`: the object that is not there is an empty one.
#[test]
fn what_is_not_there_is_an_empty_object() {
    let mut spec = checks(
        "oldObject != null && oldObject == {} && !has(oldObject.metadata) && request.oldObject == null && has(request.options) && !request.dryRun",
    );
    assert_eq!(only(&run(spec.clone(), &request(pod(), "", "pods"), &[])).0, Status::Pass);
    // It has no labels, so a selector that only excludes takes it.
    spec["matchConstraints"]["objectSelector"] =
        json!({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]});
    assert_eq!(run(spec.clone(), &request(pod(), "", "pods"), &[]).rules.len(), 1);
    spec["matchConstraints"]["objectSelector"] = json!({"matchLabels": {"app": "other"}});
    assert_eq!(run(spec, &request(pod(), "", "pods"), &[]).rules.len(), 0);
}

/// `pkg/cel/policies/mpol/engine/engine.go`, Evaluate: a target has no old object, its request is the trigger's.
#[test]
fn a_target_is_seen_beside_the_request_of_its_trigger() {
    let object = json!({
        "kind": "MutatingPolicy", "metadata": {"name": "m"},
        "spec": {
            "matchConstraints": rules("pods"), "evaluation": {"mutateExisting": {"enabled": true}},
            "targetMatchConstraints": {"resourceRules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"], "operations": ["UPDATE"]},
            ]},
            "targetMatchConditions": [{"name": "m", "expression": "oldObject == null && object.kind == 'ConfigMap' && request.oldObject == {}"}],
            "mutations": [apply("Object{data: Object.data{by: request.name}}")],
        },
    });
    let policy = crate::policy::mutating::MutatingPolicy::from_value(&object).expect("a policy");
    let (request, cluster) = (request(pod(), "", "pods"), Cluster::default());
    let target = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}});
    let compiled = super::mutating::Compiled::new(&policy).expect("compiles");
    let verdict = compiled.evaluate_target(&target, &cx(&request, &cluster), &[]);
    assert_eq!(
        verdict.patched.map(|patched| patched["data"].clone()),
        Some(json!({"by": "web"})),
        "{:?}",
        verdict.rules
    );
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

/// `k8s.io/apiserver/pkg/admission/plugin/cel`: what does not compile fails where it is evaluated.
#[test]
fn stored_expressions_that_do_not_compile_fail_when_they_are_evaluated() {
    let request = request(pod(), "", "pods");
    let cluster = Cluster::default();
    let classic = |cel: Value| {
        classic::validate(&cel, &[], "", "/spec/rules/0/validate/cel", &cx(&request, &cluster), &mut Trace::off())
    };
    let words = "compilation error: compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^";
    assert_eq!(classic(json!({"expressions": [{"expression": "nope"}]})), classic::Outcome::Fail(words.to_owned()));
    let both = json!({"expressions": [{"expression": "false", "message": "first"}, {"expression": "nope"}]});
    assert_eq!(classic(both), classic::Outcome::Fail("first".to_owned()));
    let dynamic = json!({"expressions": [{"expression": "object.spec.hostNetwork"}]});
    let words = "compilation error: must evaluate to bool but got dyn";
    assert_eq!(classic(dynamic), classic::Outcome::Fail(words.to_owned()));
    let variable = json!({
        "variables": [{"name": "x", "expression": "1 + 'a'"}], "expressions": [{"expression": "variables.x == 1"}],
    });
    let classic::Outcome::Fail(words) = classic(variable) else { panic!("a failure") };
    let said = "expression 'variables.x == 1' resulted in error: composited variable \"x\" fails to compile: compilation failed: ERROR:";
    assert!(words.starts_with(said), "{words}");
}

/// `pkg/admissionpolicy/validate.go`: without an authorizer, and with Kyverno's `orValue`.
#[test]
fn native_policies_stand_for_themselves_on_the_command_line() {
    let request = request(pod(), "", "pods");
    let cluster = Cluster::default();
    let run = |spec: Value| {
        let object = json!({"kind": "ValidatingAdmissionPolicy", "metadata": {"name": "v"}, "spec": spec});
        let policy = crate::policy::admission_policies::ValidatingAdmissionPolicy::from_value(&object);
        vap::Compiled::stored(&policy.expect("a policy")).evaluate(&[], &[], &cx(&request, &cluster))
    };
    let verdict = run(checks("authorizer.path('/x').check('get').allowed()"));
    assert_eq!(only(&verdict).0, Status::Error);
    assert!(only(&verdict).1.contains("undeclared reference to 'authorizer'"), "{verdict:?}");
    assert_eq!(only(&run(checks("object.metadata.name.orValue('x') == 'web'"))).0, Status::Pass);
    let mut spec = checks("true");
    spec["variables"] = json!([{"name": "x", "expression": "object.metadata.name == 'other'"}]);
    spec["matchConditions"] = json!([{"name": "m", "expression": "variables.x"}]);
    assert_eq!(only(&run(spec.clone())), (Status::Skip, "match conditions aren't met"));
    spec["matchConditions"] = json!([{"name": "m", "expression": "namespaceObject.metadata.name == 'default'"}]);
    let words = "expression 'namespaceObject.metadata.name == 'default'' resulted in error: no such key: metadata";
    assert_eq!(only(&run(spec)), (Status::Error, words));
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

/// `pkg/cel/libs/context.go`, GenerateResources: a namespaced policy makes nothing that is in no namespace.
#[test]
fn namespaced_policies_stay_in_their_namespace() {
    let made = |object: &str| {
        let expression = format!("generator.Apply([{{'apiVersion': dyn('v1'), {object}}}])");
        let policy = json!({
            "kind": "NamespacedGeneratingPolicy", "metadata": {"name": "g", "namespace": "default"},
            "spec": {"matchConstraints": rules("pods"), "generate": [{"expression": expression}]},
        });
        let policy = crate::policy::generating::GeneratingPolicy::from_value(&policy).expect("a policy");
        let (request, cluster) = (request(pod(), "", "pods"), Cluster::default());
        super::generating::Compiled::new(&policy).expect("compiles").evaluate(&cx(&request, &cluster), &[])
    };
    let verdict = made("'kind': 'ConfigMap', 'metadata': {'name': 'c', 'annotations': {'a': 'b'}}");
    let metadata = json!({"name": "c", "namespace": "default"});
    assert_eq!(verdict.rules[0].generated[0]["metadata"], metadata, "{verdict:?}");
    let words = "failed to evaluate policy: failed to generate resources: cross-scope generation denied: a policy scoped to \
                 namespace \"default\" cannot generate cluster-scoped resource v1/Namespace";
    assert_eq!(only(&made("'kind': 'Namespace', 'metadata': {'name': 'n'}")), (Status::Error, words));
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
    let run = |digest| images_policy(spec(digest)).expect("compiles");
    assert_eq!(only(&run(true)), (Status::Fail, "image busybox:1 does not have a digest"));
    assert_eq!(only(&run(false)), (Status::Fail, "tag 2"));
}

fn images_policy(spec: Value) -> Result<Verdict, String> {
    let object = json!({"kind": "ImageValidatingPolicy", "metadata": {"name": "i"}, "spec": spec});
    let policy = crate::policy::image_validating::ImageValidatingPolicy::from_value(&object).expect("a policy");
    let request = request(pod(), "", "pods");
    let cluster = Cluster::default();
    let compiled = super::images::Compiled::new(&policy).map_err(|problem| problem.detail)?;
    Ok(compiled.evaluate(&cx(&request, &cluster), &[]))
}

/// `pkg/image/verification/evaluator`: no answer where the conditions do not hold, and images come before variables.
#[test]
fn image_policies_are_compiled_in_kyvernos_order() {
    let mut spec = json!({
        "matchConstraints": rules("pods"), "matchConditions": [{"name": "m", "expression": "false"}],
        "variables": [{"name": "x", "expression": "['a']"}],
    });
    assert_eq!(images_policy(spec.clone()).map(|verdict| verdict.rules.len()), Ok(0));
    spec["images"] = json!([{"name": "x", "expression": "variables.x"}]);
    let words = images_policy(spec).expect_err("images come first");
    assert!(words.contains("undefined field 'x'"), "{words}");
}

#[test]
fn conditions_of_a_webhook_hold_for_other_kinds() {
    let label = crate::policy::MatchCondition { name: "prod".into(), expression: "has(object.metadata.labels)".into() };
    let kinds = [("batch/v1", "Job"), ("apps/v1", "Deployment")];
    let rewritten = super::autogen::rewrite_condition(&label.expression, "defaults");
    let conditions = [crate::policy::MatchCondition { expression: rewritten, ..label }];
    let made = super::autogen::webhook_conditions("defaults", &kinds, &conditions);
    let expression = "!((object.apiVersion == 'apps/v1' && object.kind =='Deployment') || (object.apiVersion == \
                      'batch/v1' && object.kind =='Job')) || (has(object.spec.template.metadata.labels))";
    assert_eq!(
        made.first().map(|one| (one.name.as_str(), one.expression.as_str())),
        Some(("autogen-defaults-prod", expression))
    );
}
