//! Every document in `tests/cases` is a scenario whose steps go as expected and whose expectations hold.
//!
//! A file may hold several scenarios. `CASE=text` runs only those whose title contains the text, and prints them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::path::Path;

use stepgate_engine::scenario::{Scenario, simulate};

fn cases() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        for part in text.split("\n---\n").filter(|part| !part.trim().is_empty()) {
            let scenario = Scenario::read(&name, part).unwrap_or_else(|wrong| panic!("{name}: {wrong:#?}"));
            cases.push((format!("{name}: {}", scenario.title), scenario));
        }
    }
    cases
}

#[test]
fn every_case_holds() {
    let only = std::env::var("CASE").unwrap_or_default();
    let mut wrong = Vec::new();
    for (name, scenario) in cases() {
        if !name.contains(&only) {
            continue;
        }
        assert!(!scenario.expect.is_empty(), "{name} expects nothing");
        let timeline = simulate(&scenario);
        if !only.is_empty() {
            println!("{name}\n{}", timeline.to_text());
        }
        let failed = timeline.checks.iter().filter(|check| !check.ok);
        let failures: Vec<String> = failed.map(|check| format!("{}: {}", check.text, check.reason)).collect();
        let steps = timeline
            .steps
            .iter()
            .filter(|step| !step.ok && (step.text.starts_with("assert") || step.text.starts_with("error")));
        let steps = steps.map(|step| format!("step fails: {}", step.text));
        let problems: Vec<String> = failures.into_iter().chain(steps).collect();
        if !problems.is_empty() {
            wrong.push(format!("{name}\n  {}", problems.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
