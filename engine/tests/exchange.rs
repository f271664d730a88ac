//! Every gallery entry goes out as a Chainsaw test and as a `kyverno-test.yaml` folder that our own runners pass, and comes
//! back with the same answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::path::Path;

use indexmap::IndexMap;
use stepgate_engine::api::call;
use stepgate_engine::scenario::exchange::import;
use stepgate_engine::scenario::files::MapFiles;
use stepgate_engine::scenario::report::{Outcome, TestReport};
use stepgate_engine::scenario::{Scenario, chainsaw, kyverno_test, simulate};

fn gallery() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/gallery");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        (path.file_stem().unwrap().to_string_lossy().into_owned(), Scenario::read("", &text).unwrap())
    };
    paths.iter().map(read).collect()
}

fn folder(files: &IndexMap<String, String>) -> MapFiles {
    MapFiles(files.clone().into_iter().collect())
}

fn failures(report: &TestReport) -> String {
    let rows =
        report.rows.iter().filter(|row| !row.ok).map(|row| format!("{} {}: {}", row.rule, row.resource, row.reason));
    format!("{}\n{}", report.reason, rows.collect::<Vec<_>>().join("\n"))
}

/// What the API server answered: request by request, without the words that name the time.
fn answers(scenario: &Scenario) -> Vec<(String, bool)> {
    let responses = simulate(scenario).responses;
    responses
        .into_iter()
        .map(|one| (one.subject.map(|subject| subject.to_string()).unwrap_or_default(), one.allowed))
        .collect()
}

#[test]
fn a_chainsaw_test_passes_and_comes_back() {
    let mut wrong = Vec::new();
    for (name, scenario) in gallery() {
        let exported = chainsaw::export(&scenario);
        let files = folder(&exported.files);
        // Our runner has the newest profile only, and no mocks.
        let newest = scenario.kyverno.is_empty() || scenario.kyverno == "1.19";
        // What a GitOps controller does by itself, a test does not.
        if newest && scenario.mocks.is_empty() && scenario.config.is_null() && scenario.gitops.is_none() {
            let report = chainsaw::run(&files, "chainsaw-test.yaml", &chainsaw::Settings::default());
            if report.status == Outcome::Failed {
                wrong.push(format!("{name} fails: {}\n{}", failures(&report), exported.files["chainsaw-test.yaml"]));
            }
        }
        let mut back = import(&exported.files).found.remove(0).scenario;
        if scenario.gitops.is_some() {
            continue;
        }
        back.kyverno.clone_from(&scenario.kyverno);
        back.mocks.clone_from(&scenario.mocks);
        back.config.clone_from(&scenario.config);
        back.now.clone_from(&scenario.now);
        back.steps.retain(|step| step.assert.is_none() && step.error.is_none());
        if answers(&back) != answers(&scenario) {
            wrong.push(format!("{name} came back with {:?} instead of {:?}", answers(&back), answers(&scenario)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_kyverno_test_passes_and_comes_back() {
    let (mut wrong, mut passed) = (Vec::new(), 0);
    for (name, scenario) in gallery() {
        let exported = match kyverno_test::export(&scenario) {
            Ok(exported) => exported,
            // Some scenarios have nothing for `kyverno test`; they say why.
            Err(words) => {
                assert!(words.contains("kyverno test"), "{name}: {words}");
                continue;
            }
        };
        for report in kyverno_test::run::run(&folder(&exported.files), "kyverno-test.yaml") {
            match report.status {
                Outcome::Failed => {
                    wrong.push(format!("{name} fails: {}\n{}", failures(&report), exported.files["kyverno-test.yaml"]))
                }
                _ => passed += 1,
            }
        }
        let back = import(&exported.files);
        if back.found.len() != 1 {
            wrong.push(format!("{name} does not come back: {:?}", back.wrong));
        }
    }
    assert!(wrong.is_empty() && passed > 0, "{passed} passed; {}", wrong.join("\n\n"));
}

#[test]
fn users_dry_runs_and_sleeps_survive_a_chainsaw_test() {
    let text = "apiVersion: stepgate.dev/v1\nkind: Scenario\ntitle: Everything, at once!\nfiles:\n  a.yaml: |\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: a}\n  \
        there.yaml: |\n    apiVersion: v1\n    kind: Namespace\n    metadata: {name: there}\ncluster: [there.yaml]\nsteps:\n\
        - {apply: a.yaml, as: {username: alice, groups: [devs, ops]}, name: as alice}\n- {create: a.yaml, dryRun: true}\n- {sleep: 90s}\n\
        - {delete: {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: default}}}\n";
    let scenario = Scenario::read("", text).unwrap();
    let exported = chainsaw::export(&scenario);
    let back = import(&exported.files).found.remove(0);
    assert_eq!(
        (back.left_out, back.scenario.files.clone(), back.scenario.cluster.clone()),
        (vec![], scenario.files.clone(), scenario.cluster.clone())
    );
    assert_eq!(back.scenario.steps[..2], scenario.steps[..2]);
    assert_eq!(answers(&back.scenario), answers(&scenario));
    assert_eq!(simulate(&back.scenario).steps.len(), 4);
    let report = chainsaw::run(&folder(&exported.files), "chainsaw-test.yaml", &chainsaw::Settings::default());
    assert_eq!(report.status, Outcome::Passed, "{}", failures(&report));
}

#[test]
fn the_door_answers() {
    let scenario = "{\"files\": {\"a.yaml\": \"kind: ConfigMap\\napiVersion: v1\\nmetadata: {name: a}\\n\"}}";
    let imported = call(r#"{"op": "import", "files": {"a.yaml": "kind: Pod\napiVersion: v1\n"}}"#);
    assert!(imported.starts_with(r#"{"found":[{"from":"YAML","scenario":{"#), "{imported}");
    let folder = call(&format!(r#"{{"op": "export", "format": "chainsaw", "scenario": {scenario}}}"#));
    assert!(folder.starts_with(r#"{"files":{"chainsaw-test.yaml":"#) && folder.contains("leftOut"), "{folder}");
    let refused = call(&format!(r#"{{"op": "export", "format": "kyverno-test", "scenario": {scenario}}}"#));
    assert!(refused.starts_with(r#"{"error":"kyverno test needs"#), "{refused}");
}
