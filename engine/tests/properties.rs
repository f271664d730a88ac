//! What holds for any scenario: it ends, twice the same; the API server keeps its promises; synchronized rules converge.
//!
//! Scenarios are made of the gallery's policies and objects in any order, with fixed seeds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};
use stepgate_engine::limits::MAX_EVENTS;
use stepgate_engine::object::ObjectExt;
use stepgate_engine::scenario::chainsaw::{export, import};
use stepgate_engine::scenario::files::MapFiles;
use stepgate_engine::scenario::{GitOps, Scenario, Step, races, simulate};
use stepgate_engine::timeline::{Event, Timeline};

/// Events that a burst of one task may still add behind the limit.
const SLACK: usize = 1000;

fn gallery() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../static/gallery");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let scenario = Scenario::read(&name, &std::fs::read_to_string(path).unwrap()).unwrap();
        (name, scenario)
    };
    files.iter().map(read).collect()
}

/// The same cases in every run; nothing is written beside the tests.
fn check<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 64, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, rng).run(&strategy, test).unwrap_or_else(|failure| panic!("{failure}"));
}

/// One move: a verb, which file, and a detail of the verb.
type Move = (u8, prop::sample::Index, u8);

/// Files of several gallery entries in one cluster, and moves over them.
fn mixture(pool: &[(String, Scenario)], picked: &[prop::sample::Index], moves: &[Move], profile: &str) -> Scenario {
    let mut scenario = Scenario { kyverno: profile.to_owned(), ..Scenario::of_files(Default::default()) };
    for index in picked {
        let (name, source) = &pool[index.index(pool.len())];
        for (file, text) in &source.files {
            scenario.files.insert(format!("{name}/{file}"), text.clone());
        }
        scenario.cluster.extend(source.cluster.iter().map(|file| format!("{name}/{file}")));
        scenario.mocks.images.extend(source.mocks.images.iter().cloned());
        scenario.mocks.api_calls.extend(source.mocks.api_calls.iter().cloned());
    }
    scenario.cluster.dedup();
    let files: Vec<String> = scenario.files.keys().cloned().collect();
    if moves.len() > 5 {
        let first = moves[0].1.index(files.len());
        scenario.gitops = Some(GitOps {
            files: vec![files[first].clone()],
            prune: moves[1].2.is_multiple_of(2),
            self_heal: moves[2].2.is_multiple_of(2),
            ..GitOps::default()
        });
    }
    let commits = scenario.gitops.is_some();
    for (verb, file, detail) in moves {
        let file = json!(files[file.index(files.len())]);
        let mut step = Step::default();
        match verb % 9 {
            0 | 1 => step.create = Some(file),
            2 => step.apply = Some(file),
            3 => step.delete = Some(file),
            4 => step.update = Some(file),
            5 => {
                step.apply = Some(file);
                step.dry_run = true;
            }
            6 if commits => step.commit = Some(if detail % 2 == 0 { file } else { json!({"remove": file}) }),
            7 => {
                let namespace = ["default", "shop", "vault", "team-a"][usize::from(detail % 4)];
                step.patch = Some(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace,
                    "labels": {"team": if detail % 3 == 0 { Value::Null } else { json!("x") }}}}));
            }
            _ => step.sleep = Some(format!("{}m", 1 + u32::from(*detail % 90))),
        }
        scenario.steps.push(step);
    }
    scenario
}

/// The request that led to an event.
fn request_of(timeline: &Timeline, event: &Event) -> Option<u32> {
    let mut at = event;
    for _ in 0..timeline.events.len() {
        if at.kind == "request" {
            return Some(at.seq);
        }
        at = &timeline.events[usize::try_from(at.cause?).unwrap() - 1];
    }
    None
}

fn is_write(event: &Event) -> bool {
    matches!(event.kind.as_str(), "stored" | "updated" | "removed" | "terminating")
}

/// Revisions only grow, time too; causes come first; what is refused is not written.
fn keeps_the_promises_of_the_api_server(timeline: &Timeline) -> Result<(), TestCaseError> {
    let (mut revision, mut now) = (0, 0);
    for (index, event) in timeline.events.iter().enumerate() {
        prop_assert_eq!(usize::try_from(event.seq).unwrap(), index + 1);
        prop_assert!(event.cause.is_none_or(|cause| cause < event.seq), "{} is caused by the future", event.text);
        prop_assert!(event.at >= now, "time runs back at {}", event.text);
        now = event.at;
        if let Some(written) = event.detail.revision {
            prop_assert!(written > revision, "revision {} after {}: {}", written, revision, event.text);
            revision = written;
        }
        if matches!(event.kind.as_str(), "denied" | "refused") {
            let request = request_of(timeline, event);
            prop_assert!(request.is_some(), "{} answers no request", event.text);
            let written = timeline.events.iter().find(|other| is_write(other) && other.cause == request);
            prop_assert!(written.is_none(), "{} was refused and {:?}", event.text, written.map(|w| &w.text));
        }
    }
    for response in timeline.responses.iter().filter(|response| !response.allowed) {
        prop_assert!(!response.message.is_empty(), "{} is refused without a word", response.request);
    }
    for object in &timeline.cluster {
        prop_assert!(!object.name().is_empty() && !object.uid().is_empty(), "{} has no name or uid", object.kind());
    }
    Ok(())
}

#[test]
fn any_mixture_ends_twice_the_same_and_keeps_promises() {
    let pool = gallery();
    let picked = prop::collection::vec(any::<prop::sample::Index>(), 1..4);
    let moves = prop::collection::vec((any::<u8>(), any::<prop::sample::Index>(), any::<u8>()), 1..9);
    let profile = prop::sample::select(vec!["1.15", "1.18", "1.19"]);
    check(48, (picked, moves, profile), |(picked, moves, profile)| {
        let scenario = mixture(&pool, &picked, &moves, profile);
        let timeline = simulate(&scenario);
        prop_assert!(timeline.events.len() < MAX_EVENTS + SLACK);
        keeps_the_promises_of_the_api_server(&timeline)?;
        let once = serde_json::to_string(&timeline).unwrap();
        prop_assert!(once == serde_json::to_string(&simulate(&scenario)).unwrap(), "two runs differ");
        let read = Scenario::read("again", &scenario.write());
        prop_assert_eq!(read.as_ref().ok(), Some(&scenario), "what is written is read back");
        Ok(())
    });
}

const SYNCHRONIZED: &str = r#"
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: made}
spec:
  rules:
  - name: made
    match: {any: [{resources: {kinds: [Namespace], selector: {matchLabels: {team: "?*"}}}}]}
    generate:
      synchronize: true
      apiVersion: v1
      kind: ConfigMap
      name: made
      namespace: "{{ request.object.metadata.name }}"
      data: {data: {team: "{{ request.object.metadata.labels.team }}"}}
  - name: copied
    match: {any: [{resources: {kinds: [Namespace], selector: {matchLabels: {team: "?*"}}}}]}
    generate:
      synchronize: true
      apiVersion: v1
      kind: Secret
      name: copied
      namespace: "{{ request.object.metadata.name }}"
      clone: {namespace: default, name: copied}
"#;
const SOURCE: &str = "{apiVersion: v1, kind: Secret, metadata: {name: copied, namespace: default}, data: {k: djA=}}";
const NAMESPACE: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: dev, labels: {team: a}}}";

/// What users do to a trigger, to its downstreams and to the source of a clone.
fn meddle(kind: u8) -> Step {
    let object = |kind: &str, namespace: &str, name: &str| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}});
    let namespace = |team: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "dev", "labels": {"team": team}}});
    let mut step = Step::default();
    match kind % 9 {
        0 => step.create = Some(json!("namespace.yaml")),
        1 => step.patch = Some(namespace(Value::Null)),
        2 => step.patch = Some(namespace(json!("b"))),
        3 => step.delete = Some(namespace(Value::Null)),
        4 => step.delete = Some(object("ConfigMap", "dev", "made")),
        5 => {
            let mut edit = object("ConfigMap", "dev", "made");
            edit.set_at(&["data"], json!({"team": "drift", "more": "1"}));
            step.patch = Some(edit);
        }
        6 => step.delete = Some(object("Secret", "dev", "copied")),
        7 => {
            let mut edit = object("Secret", "default", "copied");
            edit.set_at(&["data"], json!({"k": "djE="}));
            step.patch = Some(edit);
        }
        _ => {
            let mut edit = object("Secret", "dev", "copied");
            edit.set_at(&["data"], json!({"k": "ZHJpZnQ="}));
            step.patch = Some(edit);
        }
    }
    step
}

/// The data of a stored object.
fn data(timeline: &Timeline, kind: &str, namespace: &str, name: &str) -> Option<Value> {
    let fits = |one: &&Value| one.kind() == kind && one.namespace() == namespace && one.name() == name;
    timeline.cluster.iter().find(fits).map(|one| one.get("data").cloned().unwrap_or(Value::Null))
}

#[test]
fn synchronized_rules_converge() {
    let profile = prop::sample::select(vec!["1.15", "1.18", "1.19"]);
    let (runs, failures) = (Cell::new(0), Cell::new(0));
    check(96, (prop::collection::vec(any::<u8>(), 1..8), profile), |(kinds, profile)| {
        let files = [("policy.yaml", SYNCHRONIZED), ("source.yaml", SOURCE), ("namespace.yaml", NAMESPACE)];
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let mut scenario = Scenario { kyverno: profile.to_owned(), ..Scenario::of_files(files) };
        scenario.cluster = vec!["policy.yaml".to_owned(), "source.yaml".to_owned()];
        scenario.steps = kinds.into_iter().map(meddle).collect();
        let timeline = simulate(&scenario);
        let trigger = timeline.cluster.iter().find(|one| one.kind() == "Namespace" && one.name() == "dev");
        let team = trigger.and_then(|one| one.labels().get("team").cloned());
        let wanted = team.as_ref().map(|team| json!({"team": team}));
        let excused =
            timeline.update_requests.iter().any(|request| request.state == "Failed" && !request.message.is_empty());
        runs.set(runs.get() + 1);
        failures.set(failures.get() + u32::from(excused));
        let made = data(&timeline, "ConfigMap", "dev", "made");
        prop_assert!(made == wanted || excused, "{:?} instead of {:?}\n{}", made, wanted, timeline.to_text());
        let source = data(&timeline, "Secret", "default", "copied");
        let copied = data(&timeline, "Secret", "dev", "copied");
        let wanted = team.and(source);
        prop_assert!(copied == wanted || excused, "{:?} instead of {:?}\n{}", copied, wanted, timeline.to_text());
        Ok(())
    });
    // An UpdateRequest that says why it failed excuses a run, but not most of them.
    assert!(failures.get() * 3 < runs.get(), "{} of {} runs failed", failures.get(), runs.get());
}

#[test]
fn the_order_of_concurrent_work_matters_where_the_gallery_says_so() {
    let (_, scenario) = gallery().into_iter().find(|(name, _)| name == "race-drift").unwrap();
    let races = races::explore(&scenario);
    assert!(races.complete);
    assert!(races.groups.len() > 1, "{races:#?}");
}

/// What is stored and was answered, without what the cluster itself made of it.
fn outcome(timeline: &Timeline) -> (BTreeSet<String>, Vec<bool>) {
    let owned = |one: &&Value| one.at(&["metadata", "ownerReferences"]).is_none() && !one.kind().ends_with("Report");
    let reference = |one: &Value| format!("{}/{}/{}", one.kind(), one.namespace(), one.name());
    let stored = timeline.cluster.iter().filter(owned).map(reference).collect();
    (stored, timeline.responses.iter().map(|response| response.allowed).collect())
}

#[test]
fn a_scenario_that_went_through_chainsaw_comes_to_the_same() {
    // Chainsaw has no word for a repository, for answers of the outside, for Kyverno's settings.
    let pool = gallery();
    let plain = |one: &&(String, Scenario)| one.1.gitops.is_none() && one.1.mocks.is_empty() && one.1.config.is_null();
    let plain: Vec<_> = pool.iter().filter(plain).collect();
    assert!(plain.len() > 40, "{}", plain.len());
    for (name, scenario) in pool.iter().filter(|one| !plain.contains(one)) {
        let said = export(scenario);
        assert!(!said.left_out.is_empty(), "{name} loses something without a word");
        let folder: BTreeMap<String, String> = said.files.into_iter().collect();
        let again = import(&MapFiles(folder), "chainsaw-test.yaml");
        assert!(again.is_ok(), "{name}: {:?}", again.err());
    }
    for (name, scenario) in plain {
        let folder: BTreeMap<String, String> = export(scenario).files.into_iter().collect();
        let again = import(&MapFiles(folder), "chainsaw-test.yaml").unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        let again = Scenario { kyverno: scenario.kyverno.clone(), now: scenario.now.clone(), ..again.scenario };
        let timeline = simulate(&again);
        assert_eq!(outcome(&timeline), outcome(&simulate(scenario)), "{name}\n{}", timeline.to_text());
        let asserted =
            timeline.steps.iter().filter(|step| step.text.starts_with("assert") || step.text.starts_with("error"));
        let wrong: Vec<&str> = asserted.filter(|step| !step.ok).map(|step| step.text.as_str()).collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?}\n{}", timeline.to_text());
    }
}
