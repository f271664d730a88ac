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
    scenario.files.get_mut(&fix.file).unwrap().replace_range(fix.start..fix.end, &fix.text);
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
