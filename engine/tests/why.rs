//! What a run says about its decisions: the reason of a refusal is the decision that made it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails panics")]

use stepgate_engine::eval::trace::{Outcome, TraceNode};
use stepgate_engine::scenario::{Scenario, simulate};
use stepgate_engine::timeline::{Event, Timeline};

const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default}, spec: {hostNetwork: true, containers: [{name: c, image: 'nginx:latest'}]}}";
const PODS: &str = "match: {any: [{resources: {kinds: [Pod]}}]}";

/// Applies documents, in order.
fn run(files: &[&str]) -> Timeline {
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let mut text = "apiVersion: stepgate.dev/v1\nkind: Scenario\ntitle: t\nfiles:\n".to_owned();
    for (at, file) in files.iter().enumerate() {
        text += &format!("  f{at}.yaml: |\n{}", indented(file));
    }
    text += "steps:\n";
    for at in 0..files.len() {
        text += &format!("- apply: f{at}.yaml\n");
    }
    simulate(&Scenario::read("t.yaml", &text).unwrap())
}

/// A ClusterPolicy `p` with one enforcing rule `r` for Pods.
fn rule(body: &str) -> String {
    format!(
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: p}}\nspec:\n  background: false\n  rules:\n  - name: r\n    {PODS}\n    {body}\n"
    )
}

fn event<'t>(run: &'t Timeline, kind: &str) -> &'t Event {
    let found = run.events.iter().find(|event| event.kind == kind);
    found.unwrap_or_else(|| panic!("no {kind}:\n{}", run.to_text()))
}

fn nodes(trace: &[TraceNode]) -> Vec<&TraceNode> {
    trace.iter().flat_map(|node| std::iter::once(node).chain(nodes(&node.children))).collect()
}

#[test]
fn an_exclude_that_does_not_apply_is_no_failure() {
    let policy = rule(
        "exclude: {any: [{resources: {namespaces: [kube-system]}}]}\n    validate: {failureAction: Enforce, message: m, pattern: {spec: {containers: [{image: '!*:latest'}]}}}",
    );
    let run = run(&[&policy, POD]);
    let failed = event(&run, "rule-fail");
    assert!(failed.text.contains("!*:latest"), "{}", failed.text);
    let decided = failed.detail.trace.first().and_then(TraceNode::placed_failure).and_then(|node| node.at.as_deref());
    assert_eq!(decided, Some("/spec/rules/0/validate/pattern/spec/containers/0/image"));
    let excluded = nodes(&failed.detail.trace).into_iter().find(|node| node.kind == "exclude").unwrap();
    assert!(nodes(std::slice::from_ref(excluded)).iter().all(|node| node.outcome == Outcome::Idle), "{excluded:#?}");
}

#[test]
fn a_deny_names_the_condition_that_is_true() {
    let conditions = "conditions: {any: [{key: '{{ request.object.spec.hostPID || `false` }}', operator: Equals, value: true}, {key: '{{ request.object.spec.hostNetwork }}', operator: Equals, value: true}]}";
    let policy = rule(&format!("validate: {{failureAction: Enforce, message: m, deny: {{{conditions}}}}}"));
    let run = run(&[&policy, POD]);
    let failed = event(&run, "rule-fail");
    assert_eq!(failed.text, "rule r: {{ request.object.spec.hostNetwork }} Equals true, found true");
    let outcomes: Vec<Outcome> = nodes(&failed.detail.trace)
        .into_iter()
        .filter(|node| matches!(node.kind.as_str(), "deny" | "condition"))
        .map(|node| node.outcome)
        .collect();
    assert_eq!(outcomes, [Outcome::Denies, Outcome::Idle, Outcome::Denies]);
    let cause = failed.detail.trace.first().and_then(TraceNode::placed_failure).and_then(|node| node.at.as_deref());
    assert_eq!(cause, Some("/spec/rules/0/validate/deny/conditions/any/1"));
}

#[test]
fn a_deny_of_an_element_names_its_condition_and_not_its_preconditions() {
    let body = "validate: {failureAction: Enforce, message: m, foreach: [{list: request.object.spec.containers, preconditions: {any: [{key: a, operator: Equals, value: b}, {key: a, operator: Equals, value: a}]}, deny: {conditions: {all: [{key: '{{ element.image }}', operator: Equals, value: '*:latest'}]}}}]}";
    let run = run(&[&rule(body), POD]);
    assert_eq!(event(&run, "rule-fail").text, "rule r: {{ element.image }} Equals *:latest, found nginx:latest");
}

#[test]
fn a_deny_that_does_not_apply_is_no_failure() {
    let conditions = "conditions: {all: [{key: '{{ request.object.metadata.name }}', operator: Equals, value: other}]}";
    let policy = rule(&format!("validate: {{failureAction: Enforce, message: m, deny: {{{conditions}}}}}"));
    let run = run(&[&policy, POD]);
    let passed = event(&run, "rule-pass");
    assert!(nodes(&passed.detail.trace).iter().all(|node| !node.outcome.failed()), "{:#?}", passed.detail.trace);
}

fn actions(trace: &[TraceNode]) -> Vec<&str> {
    nodes(trace).into_iter().filter(|node| node.kind == "action").map(|node| node.text.as_str()).collect()
}

#[test]
fn a_failure_says_what_its_action_makes_of_it() {
    let policy = |action: &str| {
        rule(&format!("validate: {{failureAction: {action}, message: m, pattern: {{metadata: {{name: x}}}}}}"))
    };
    let audit = run(&[&policy("Audit"), POD]);
    let told = actions(&event(&audit, "rule-fail").detail.trace);
    assert_eq!(told, ["failureAction Audit, so a failing rule is only reported"]);
    let enforce = run(&[&policy("Enforce"), POD]);
    let told = actions(&event(&enforce, "rule-fail").detail.trace);
    assert_eq!(told, ["failureAction Enforce, so a failing rule blocks the request"]);
}

fn cel(kind: &str, resources: &str, rest: &str) -> String {
    format!(
        "apiVersion: policies.kyverno.io/v1alpha1\nkind: {kind}\nmetadata: {{name: p}}\nspec:\n  matchConstraints: {{resourceRules: [{{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [{resources}]}}]}}\n  {rest}\n"
    )
}

#[test]
fn a_variable_of_an_expression_shows_its_own_expression() {
    let rest = "validationActions: [Audit, Warn]\n  variables: [{name: cnt, expression: size(object.spec.containers)}]\n  validations: [{expression: variables.cnt > 1, message: m}]";
    let run = run(&[&cel("ValidatingPolicy", "pods", rest), POD]);
    let trace = &event(&run, "rule-fail").detail.trace;
    assert!(nodes(trace).iter().all(|node| node.outcome != Outcome::Error), "{trace:#?}");
    let variable = nodes(trace).into_iter().find(|node| node.text == "variables.cnt").unwrap();
    assert_eq!(variable.children.first().map(|node| node.text.as_str()), Some("size(object.spec.containers)"));
    assert_eq!(actions(trace), ["validationActions Audit, Warn: a failing policy only warns"]);
}

#[test]
fn a_generating_policy_tells_at_admission_whether_it_matches() {
    let rest = "generate: [{expression: 'true'}]";
    let reviewed = |resources: &str| {
        let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}";
        let run = run(&[&cel("GeneratingPolicy", resources, rest), namespace]);
        let about = |event: &&Event| event.subject.as_ref().is_some_and(|subject| subject.name == "shop");
        let told =
            run.events.iter().filter(about).find(|event| nodes(&event.detail.trace).iter().any(|n| n.text == "p"));
        let told = told.unwrap_or_else(|| panic!("{}", run.to_text()));
        let queued = nodes(&told.detail.trace).iter().any(|node| node.text.contains("UpdateRequest"));
        (told.kind.clone(), queued)
    };
    assert_eq!(reviewed("namespaces"), ("admission-review".to_owned(), true));
    assert_eq!(reviewed("pods"), ("not-reviewed".to_owned(), false));
}

#[test]
fn what_is_generated_comes_from_its_own_rule() {
    let rule = |name: &str, made: &str| {
        format!(
            "  - name: {name}\n    match: {{any: [{{resources: {{kinds: [Namespace]}}}}]}}\n    generate: {{apiVersion: v1, kind: ConfigMap, name: {made}, namespace: '{{{{request.object.metadata.name}}}}', data: {{data: {{a: b}}}}}}\n"
        )
    };
    let policy = format!(
        "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {{name: p}}\nspec:\n  rules:\n{}{}",
        rule("first", "aa"),
        rule("second", "bb")
    );
    let run = run(&[&policy, "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}"]);
    let asked = |name: &str| {
        let about = |event: &&Event| event.subject.as_ref().is_some_and(|subject| subject.name == name);
        run.events.iter().filter(about).find(|event| event.kind == "request").unwrap().detail.rule.clone()
    };
    assert_eq!((asked("aa").as_deref(), asked("bb").as_deref()), (Some("first"), Some("second")));
}

#[test]
fn a_webhook_that_is_not_called_is_not_all_of_kyverno() {
    let policy = rule("mutate: {patchStrategicMerge: {metadata: {labels: {a: b}}}}");
    let run = run(&[&policy, POD]);
    let text = &event(&run, "not-reviewed").text;
    assert!(text.starts_with("no validating webhook of Kyverno is called"), "{text}");
}

#[test]
fn a_scan_that_skips_every_rule_says_so() {
    let body = "preconditions: {all: [{key: a, operator: Equals, value: b}]}\n    validate: {failureAction: Audit, message: m, pattern: {metadata: {name: x}}}";
    let policy = rule(body).replace("background: false", "background: true");
    let run = run(&[&policy, POD]);
    assert_eq!(event(&run, "scan").text, "background scan of Pod web: every rule is skipped");
}

#[test]
fn an_unknown_kind_of_a_known_group_is_refused_as_kubectl_does() {
    let policy = rule("validate: {message: m, deny: {}}");
    let run = run(&[
        &policy.replace("ClusterPolicy", "Clusterpolicy"),
        "{apiVersion: example.com/v1, kind: Thing, metadata: {name: t}}",
    ]);
    let words = "error: resource mapping not found for name: \"p\" namespace: \"\" from \"f0.yaml\": no matches for kind \"Clusterpolicy\" in version \"kyverno.io/v1\"\nensure CRDs are installed first";
    let answers: Vec<(bool, &str)> = run.responses.iter().map(|one| (one.allowed, one.message.as_str())).collect();
    assert_eq!(answers, [(false, words), (true, "")]);
    let hint =
        run.diagnostics.iter().find(|one| one.message.starts_with("no matches")).and_then(|one| one.hint.as_deref());
    assert_eq!(hint, Some("did you mean `ClusterPolicy`?"));
}
