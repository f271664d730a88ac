//! Every gallery entry is a test: its expectations hold, it opens without an error, and two runs are the same bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::path::Path;

use std::collections::BTreeSet;

use stepgate_engine::scenario::{Scenario, simulate};
use stepgate_engine::timeline::Timeline;

fn gallery() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/gallery");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let read = |path: &Path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).unwrap();
        let scenario = Scenario::read(&name, &text).unwrap_or_else(|wrong| panic!("{name}: {wrong:#?}"));
        (name, scenario)
    };
    files.iter().map(|path| read(path)).collect()
}

/// The first tag of an entry is its theme; the list of examples is ordered by these.
const THEMES: [&str; 10] =
    ["generate", "gitops", "validate", "context", "mutate", "images", "exceptions", "reports", "cleanup", "operations"];

#[test]
fn every_entry_can_be_found() {
    let mut titles = BTreeSet::new();
    for (name, scenario) in gallery() {
        assert!(titles.insert(scenario.title.clone()), "{name}: another entry has the title {}", scenario.title);
        assert!(scenario.title.len() <= 90, "{name}: the title is too long for a list");
        assert!((40..=330).contains(&scenario.description.len()), "{name}: a sentence or two on what to look at");
        let theme = scenario.tags.first().map(String::as_str).unwrap_or_default();
        assert!(THEMES.contains(&theme), "{name}: the first tag is one of {THEMES:?}");
        assert!(scenario.tags.len() > 2, "{name}: words to search for");
        let distinct: BTreeSet<&String> = scenario.tags.iter().collect();
        assert_eq!(distinct.len(), scenario.tags.len(), "{name}: a tag twice");
    }
    assert!(titles.len() >= 42);
}

#[test]
fn every_kind_of_policy_is_shown() {
    let kinds = [
        "kind: ClusterPolicy\n",
        "kind: Policy\n",
        "apiVersion: kyverno.io/v2\nkind: PolicyException",
        "kind: ClusterCleanupPolicy",
        "kind: CleanupPolicy",
        "kind: ValidatingPolicy",
        "kind: NamespacedValidatingPolicy",
        "kind: MutatingPolicy",
        "kind: GeneratingPolicy",
        "kind: DeletingPolicy",
        "kind: ImageValidatingPolicy",
        "apiVersion: policies.kyverno.io/v1\nkind: PolicyException",
        "kind: ValidatingAdmissionPolicy\n",
        "kind: MutatingAdmissionPolicy\n",
        "kind: GlobalContextEntry",
        "cleanup.kyverno.io/ttl",
    ];
    let all = gallery();
    let shown = |kind: &&str| all.iter().any(|(_, one)| one.files.values().any(|text| text.contains(*kind)));
    let missing: Vec<&str> = kinds.into_iter().filter(|kind| !shown(kind)).collect();
    assert!(missing.is_empty(), "no entry has {missing:?}");
}

#[test]
fn every_lane_is_shown() {
    let drawn: BTreeSet<String> = gallery()
        .iter()
        .flat_map(|(_, scenario)| simulate(scenario).lanes())
        .map(|lane| lane.title().to_owned())
        .collect();
    assert_eq!(drawn.len(), 11, "{drawn:?}");
}

fn failures(timeline: &Timeline) -> Vec<String> {
    timeline.checks.iter().filter(|check| !check.ok).map(|check| format!("{}: {}", check.text, check.reason)).collect()
}

#[test]
fn every_expectation_holds() {
    let mut wrong = Vec::new();
    for (name, scenario) in gallery() {
        assert!(!scenario.expect.is_empty(), "{name} expects nothing");
        let timeline = simulate(&scenario);
        let failures = failures(&timeline);
        if !failures.is_empty() {
            wrong.push(format!("{name}\n  {}\n{}", failures.join("\n  "), timeline.to_text()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn two_runs_are_the_same_bytes() {
    for (name, scenario) in gallery() {
        let once = serde_json::to_string(&simulate(&scenario)).unwrap();
        assert_eq!(once, serde_json::to_string(&simulate(&scenario)).unwrap(), "{name}");
    }
}

#[test]
fn notes_and_views_name_events_that_happen() {
    for (name, scenario) in gallery() {
        let timeline = simulate(&scenario);
        for note in &scenario.notes {
            assert!(timeline.at_anchor(&note.at).is_some(), "{name}: no event {}\n{}", note.at, timeline.to_text());
        }
        if let Some(view) = scenario.view.filter(|view| !view.at.is_empty()) {
            assert!(timeline.at_anchor(&view.at).is_some(), "{name}: no event {}", view.at);
        }
    }
}
