//! Bad input: a message at the right line, the neighbours untouched, never a panic.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use stepgate_engine::diagnostic::Severity;
use stepgate_engine::scenario::{Scenario, simulate};
use stepgate_engine::timeline::Timeline;

const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: dev\n";

fn run(text: &str) -> Timeline {
    let files = [("a.yaml".to_owned(), text.to_owned()), ("ns.yaml".to_owned(), NAMESPACE.to_owned())];
    simulate(&Scenario::of_files(files.into_iter().collect()))
}

fn says(text: &str, line: usize, words: &str) {
    let timeline = run(text);
    let said: Vec<String> = timeline
        .diagnostics
        .iter()
        .map(|one| format!("{}:{} {}", one.file, one.span.map_or(0, |span| span.line), one.message))
        .collect();
    let found = timeline.diagnostics.iter().any(|one| {
        one.file == "a.yaml" && one.span.is_some_and(|span| span.line == line) && one.message.contains(words)
    });
    assert!(found, "no message with `{words}` at line {line}; there are:\n{}", said.join("\n"));
    assert!(timeline.responses.iter().any(|response| response.allowed), "the other file still runs");
}

#[test]
fn broken_yaml() {
    says("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n data: {\n", 5, "");
}

#[test]
fn a_broken_document_does_not_sink_its_neighbours() {
    let timeline = run("a: [\n---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: other\n");
    assert!(timeline.cluster.iter().any(|object| object["metadata"]["name"] == "other"));
}

#[test]
fn an_unknown_kind() {
    says("apiVersion: v1\nkind: Podd\nmetadata:\n  name: a\n", 2, "Podd");
}

#[test]
fn a_typo_in_a_policy() {
    let policy = "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata:\n  name: p\nspec:\n  rules:\n  - name: r\n    match:\n      any:\n      - resources:\n          kinds: [Pod]\n    validat:\n      message: m\n";
    says(policy, 12, "validat");
}

#[test]
fn a_missing_kind() {
    says("apiVersion: v1\nmetadata:\n  name: a\n", 1, "`kind` is missing");
}

#[test]
fn a_nul_byte() {
    says("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: \"a\u{0}b\"\n", 4, "");
}

#[test]
fn an_empty_file_is_fine() {
    let timeline = run("");
    assert!(timeline.diagnostics.iter().all(|one| one.severity != Severity::Error), "{:?}", timeline.diagnostics);
    assert_eq!(timeline.responses.len(), 1);
}

#[test]
fn two_megabytes() {
    let line = "  key: \"some text that goes on for a while\"\n";
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: big\ndata:\n{}",
        (0..45_000).map(|n| line.replace("key", &format!("key{n}"))).collect::<String>()
    );
    assert!(text.len() > 2_000_000);
    let timeline = run(&text);
    assert!(timeline.responses.iter().any(|response| response.allowed));
}

#[test]
fn advice_aligns_the_generate_rule_and_its_fix_works() {
    let story =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../static/gallery/bad-namespace.yaml")).unwrap();
    let mut scenario = Scenario::read("story.yaml", &story).unwrap();
    let advice = stepgate_engine::scenario::advice::advise(&scenario, &simulate(&scenario));
    let advice = advice.iter().find(|advice| advice.id == "aligned-match").expect("advice");
    let fix = advice.fix.as_ref().expect("a fix");
    let text = scenario.files.get_mut(&fix.file).unwrap();
    *text = stepgate_engine::scenario::advice::edit::apply(text, &fix.edits);
    let timeline = simulate(&scenario);
    assert!(timeline.diagnostics.iter().all(|one| one.severity != Severity::Error), "{:?}", timeline.diagnostics);
    assert!(timeline.update_requests.is_empty());
    assert!(!timeline.responses[0].allowed);
}

#[test]
fn races_are_found_and_grouped() {
    let story =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../static/gallery/good-namespace-sync.yaml"))
            .unwrap();
    let scenario = Scenario::read("story.yaml", &story).unwrap();
    let races = stepgate_engine::scenario::races::explore(&scenario);
    assert!(races.complete && races.runs > 1 && races.groups.len() > 1, "{races:?}");
}

#[test]
fn a_missing_namespace_is_advised_and_its_fix_works() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: shop\nspec:\n  containers:\n  - {name: c, image: nginx}\n";
    let mut scenario = Scenario::default();
    scenario.files.insert("pod.yaml".to_owned(), format!("# mine\n{pod}---\n{}", pod.replace("name: a", "name: b")));
    let advice = stepgate_engine::scenario::advice::advise(&scenario, &simulate(&scenario));
    let [advice] = advice.as_slice() else { panic!("{advice:?}") };
    assert_eq!((advice.title.as_str(), advice.id.as_str()), ("Namespace shop does not exist", "namespace"));
    let fix = advice.fix.clone().unwrap();
    let text = scenario.files.get_mut(&fix.file).unwrap();
    *text = stepgate_engine::scenario::advice::edit::apply(text, &fix.edits);
    let timeline = simulate(&scenario);
    assert!(timeline.responses.iter().all(|response| response.allowed), "{:?}", timeline.responses);
    assert_eq!(timeline.responses.len(), 3);
}

const OLD: &str = "apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: old
spec:
  validationFailureAction: enforce # for all
  rules:
  - name: team
    match:
      resources:
        kinds:
        - ConfigMap
    validate:
      message: not this one
      deny:
        conditions:
        - key: \"{{ request.object.metadata.name }}\"
          operator: In
          value: [bad]
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: bad
";

#[test]
fn every_fix_for_deprecated_fields_works_and_changes_nothing_else() {
    use stepgate_engine::scenario::advice::{advise, edit::apply};
    let mut scenario = Scenario::of_files([("old.yaml".into(), OLD.into())].into());
    let fixed: Vec<String> = std::iter::from_fn(|| {
        let advice = advise(&scenario, &simulate(&scenario));
        let next = advice.into_iter().find(|one| one.id == "deprecated" && one.fix.is_some())?;
        let fix = next.fix?;
        let text = scenario.files.get_mut(&fix.file).unwrap();
        *text = apply(text, &fix.edits);
        Some(next.title)
    })
    .take(9)
    .collect();
    assert_eq!(fixed.len(), 3, "{fixed:?}");
    let timeline = simulate(&scenario);
    assert!(timeline.diagnostics.iter().all(|one| one.severity != Severity::Error), "{:?}", timeline.diagnostics);
    assert!(!timeline.responses.last().unwrap().allowed);
}

#[test]
fn an_equivalent_policy_takes_the_place_of_a_classic_one_and_still_refuses() {
    use stepgate_engine::scenario::advice::{advise, edit::apply};
    let text = OLD
        .replace("validationFailureAction: enforce # for all", "background: false")
        .replace("message: not this one\n", "failureAction: Enforce\n      message: not this one\n");
    let mut scenario = Scenario::of_files([("old.yaml".into(), text)].into());
    let advice = advise(&scenario, &simulate(&scenario));
    let advice = advice.into_iter().find(|one| one.id == "equivalent").expect("an equivalent");
    let fix = advice.fix.expect("it is whole");
    let text = scenario.files.get_mut(&fix.file).unwrap();
    *text = apply(text, &fix.edits);
    let timeline = simulate(&scenario);
    assert!(text_of(&scenario).contains("kind: ValidatingPolicy"));
    assert!(!timeline.responses.last().unwrap().allowed, "{}", text_of(&scenario));
}

fn text_of(scenario: &Scenario) -> &str {
    scenario.files.values().next().map_or("", String::as_str)
}

#[test]
fn what_is_switched_off_is_left_out_and_still_listed() {
    let mut scenario = Scenario::of_files([("old.yaml".into(), OLD.into())].into());
    assert!(!simulate(&scenario).responses.last().unwrap().allowed);
    scenario.off = vec!["ClusterPolicy/old".into()];
    let timeline = simulate(&scenario);
    assert!(timeline.responses.iter().all(|response| response.allowed));
    let listed: Vec<(&str, bool)> = timeline.policies.iter().map(|line| (line.id.as_str(), line.off)).collect();
    assert_eq!(listed, [("ClusterPolicy/old", true)]);
}

#[test]
fn a_review_tells_what_every_policy_said() {
    let other = OLD.replace("name: old", "name: other").replace("- ConfigMap", "- Secret");
    let files = [("a.yaml".into(), OLD.into()), ("b.yaml".into(), other.split("---").next().unwrap().into())];
    let timeline = simulate(&Scenario::of_files(files.into()));
    let told = |event: &stepgate_engine::timeline::Event| {
        let nodes = event.detail.trace.iter().filter(|node| node.kind == "policy");
        nodes.map(|node| node.text.clone()).collect::<Vec<_>>()
    };
    let reviews: Vec<Vec<String>> = timeline.events.iter().filter(|e| e.kind == "admission-review").map(told).collect();
    assert!(reviews.iter().any(|told| *told == ["old", "other"]), "{reviews:?}");
}

#[test]
fn policies_that_feed_each_other_are_stopped_and_named() {
    let gallery = include_str!("../../static/gallery/feeding-each-other.yaml");
    let endless = gallery
        .replace("skipBackgroundRequests: true", "skipBackgroundRequests: false")
        .replace("{{ request.object.metadata.name }}-", "{{ sha256(request.object.metadata.name) }}-");
    let timeline = simulate(&Scenario::read("loop.yaml", &endless).unwrap());
    let said = timeline.stopped.clone().unwrap();
    assert!(said.ends_with("these policies keep triggering each other"), "{said}");
}

#[test]
fn more_requests_than_a_timeline_holds_are_no_loop() {
    let many = |count: usize| {
        let one = |index| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{index}\n");
        run(&(0..count).map(one).collect::<Vec<_>>().join("---\n"))
    };
    assert_eq!(many(1_000).stopped, None);
    let said = many(8_000).stopped.unwrap();
    assert!(said.ends_with("what comes after was not done"), "{said}");
}
