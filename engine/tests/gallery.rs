//! Every gallery entry is a test: its expectations hold, it opens without an error, and two runs are the same bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::path::Path;

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
