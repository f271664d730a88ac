//! Runs a scenario: the whole of it at once, purely, into a Timeline.

use serde_json::Value;

use super::mapping::{Unmapped, unmapped};
use super::plan::{Action, Documents, Planned, identity, is_policy, plan};
use super::{GitOps, Scenario, expect, places};
use crate::diagnostic::Diagnostic;
use crate::object::ObjectExt;
use crate::object::catalog::Catalog;
use crate::object::duration::Duration;
use crate::object::gvk::Gvk;
use crate::parse::Document;
use crate::parse::span::Span;
use crate::sim::api_server::{ApiRequest, Verb};
use crate::sim::config::Config;
use crate::sim::gitops::{Application, user_of};
use crate::sim::journal::{Lane, Response, Tone};
use crate::sim::recorder::note;
use crate::sim::store::reference;
use crate::sim::view::Mocks;
use crate::sim::{Cluster, profile};
use crate::timeline::{PolicyLine, Source, StepLine, Timeline, VERSION};

/// Virtual time between two steps: how fast a person types.
const BETWEEN_STEPS: u64 = 1000;
/// After the last step, what falls due within this time of the last event still runs.
const TAIL: u64 = 30_000;
/// How long an `assert` waits.
const ASSERT_TIMEOUT: u64 = 30_000;
/// Between two looks of the GitOps controller at its repository: Argo CD's `timeout.reconciliation`.
const GITOPS_INTERVAL: &str = "3m";
/// Shorter than this, a run would not come to rest.
const SHORTEST_INTERVAL: u64 = 60_000;
/// The start of virtual time of a scenario that names none.
const NOW: i64 = 1_767_225_600;

/// Runs a scenario. The same scenario gives the same timeline, byte for byte.
///
/// ```
/// # use stepgate_engine::scenario::{Scenario, simulate};
/// let scenario = Scenario::of_files([("ns.yaml".into(), "apiVersion: v1\nkind: Namespace\nmetadata: {name: dev}".into())].into());
/// assert!(simulate(&scenario).responses[0].allowed);
/// ```
#[must_use]
pub fn simulate(scenario: &Scenario) -> Timeline {
    simulate_with(scenario, &[]).0
}

/// Runs a scenario with choices for the places where the order of concurrent work is free; also returns those places.
#[must_use]
pub fn simulate_with(scenario: &Scenario, choices: &[u8]) -> (Timeline, Vec<crate::sim::ChoicePoint>) {
    let mut run = Run::new(scenario);
    run.cluster.choices.extend(choices);
    run.load();
    if let Some(gitops) = &scenario.gitops {
        run.install_gitops(gitops);
    }
    let (planned, wrong) = plan(scenario, &run.documents);
    run.diagnostics.extend(wrong);
    for step in &planned {
        if run.cluster.journal.exhausted() {
            run.cluster.journal.cut = true;
            break;
        }
        run.step(step.index, step);
    }
    run.cluster.settle(TAIL);
    run.finish(scenario)
}

struct Run {
    cluster: Cluster,
    documents: Documents,
    diagnostics: Vec<Diagnostic>,
    cluster_files: Vec<String>,
    steps: Vec<StepLine>,
    start: i64,
}

impl Run {
    fn new(scenario: &Scenario) -> Self {
        let documents = Documents::read(scenario);
        let mut diagnostics = documents.diagnostics.clone();
        let behaviour = profile::find(&scenario.kyverno).unwrap_or(profile::ALL[2]);
        diagnostics.extend(super::diagnose::diagnose(
            &documents.all,
            &|file| scenario.files.get(file).map(String::as_str),
            behaviour,
        ));
        let config = Config::read(&scenario.config).unwrap_or_else(|problem| {
            diagnostics.push(Diagnostic::error(format!("config: {problem}")));
            Config::default()
        });
        let start = if scenario.now.is_empty() {
            NOW
        } else {
            chrono::DateTime::parse_from_rfc3339(&scenario.now).map(|time| time.timestamp()).unwrap_or_else(|_| {
                let message = format!("now: `{}` is no RFC 3339 time such as 2026-01-01T00:00:00Z", scenario.now);
                diagnostics.push(Diagnostic::error(message));
                NOW
            })
        };
        let mut cluster = Cluster::new(behaviour, config, start);
        if !scenario.kubernetes.is_empty() {
            cluster.kubernetes.clone_from(&scenario.kubernetes);
        }
        let mut api_calls = scenario.mocks.api_calls.clone();
        api_calls.extend(scenario.mocks.http.iter().cloned());
        cluster.mocks = Mocks {
            api_calls,
            global_context: scenario.mocks.global_context.clone(),
            images: scenario.mocks.images.clone(),
        };
        Self { cluster, documents, diagnostics, cluster_files: scenario.cluster.clone(), steps: Vec::new(), start }
    }

    /// Puts what is there already into the cluster.
    fn load(&mut self) {
        for file in &self.cluster_files {
            let objects: Vec<Value> = self.documents.of_file(file).map(|document| document.value.clone()).collect();
            let off = self.documents.off.iter().any(|document| document.file == *file);
            if objects.is_empty() && !off && !self.diagnostics.iter().any(|one| one.file == *file) {
                self.diagnostics.push(Diagnostic::warning(format!("cluster: `{file}` has no objects")));
            }
            for object in objects {
                let object = self.placed(object);
                self.cluster.place(object, false);
            }
        }
    }

    /// Starts the GitOps controller with what the repository holds at the start.
    fn install_gitops(&mut self, gitops: &GitOps) {
        let text = if gitops.every.is_empty() { GITOPS_INTERVAL } else { &gitops.every };
        let millis = Duration::parse(text).ok().and_then(|Duration(nanos)| u64::try_from(nanos / 1_000_000).ok());
        let Some(every) = millis.filter(|millis| *millis >= SHORTEST_INTERVAL) else {
            let message = format!("gitops: every: `{text}` is no duration of a minute or more, such as 3m");
            self.diagnostics.push(Diagnostic::error(message));
            return;
        };
        let name = if gitops.name.is_empty() { "app" } else { &gitops.name };
        let mut application = Application::new(name, every);
        application.prune = gitops.prune;
        application.self_heal = gitops.self_heal;
        application.user = user_of(gitops.user.as_ref());
        let mut objects = Vec::new();
        for file in &gitops.files {
            let of_file: Vec<Value> = self.documents.of_file(file).map(|document| document.value.clone()).collect();
            if of_file.is_empty() && !self.diagnostics.iter().any(|one| one.file == *file) {
                self.diagnostics.push(Diagnostic::error(format!("gitops: `{file}` has no objects")));
            }
            objects.extend(of_file.into_iter().map(|object| self.placed(object)));
        }
        application.add(objects);
        self.cluster.install_gitops(application);
    }

    /// The object with the namespace that kubectl would give it.
    fn placed(&self, mut object: Value) -> Value {
        let namespaced = self.cluster.catalog.is_namespaced(&object.gvk()).unwrap_or(true);
        if namespaced && object.namespace().is_empty() {
            object.set_at(&["metadata", "namespace"], Value::String("default".into()));
        }
        object
    }

    fn step(&mut self, index: usize, step: &Planned) {
        if index > 0 {
            self.cluster.settle(BETWEEN_STEPS);
            self.cluster.clock.advance(BETWEEN_STEPS);
        }
        self.cluster.journal.step = index;
        let first = next_seq(&self.cluster);
        let mut ok = true;
        match &step.action {
            Action::Sleep(millis) => {
                let text = step.text.clone();
                self.cluster.record(note(Lane::You, "sleep", text).anchor(format!("step:{}", index + 1)));
                self.cluster.advance(*millis);
            }
            Action::Commit { remove } => {
                let objects: Vec<Value> = step.objects.iter().map(|object| self.placed(object.clone())).collect();
                let named: Vec<String> =
                    objects.iter().map(|object| format!("{}/{}", object.kind(), object.name())).collect();
                let what = if step.file.is_empty() { named.join(" ") } else { step.file.clone() };
                self.cluster.commit(&what, objects, *remove);
            }
            Action::Assert | Action::Absent => {
                for object in &step.objects {
                    ok &= self.assertion(object, step.action == Action::Absent);
                }
            }
            _ => {
                for object in &step.objects {
                    if self.cluster.journal.exhausted() {
                        self.cluster.journal.cut = true;
                        break;
                    }
                    ok &= self.submit(index, step, object);
                }
            }
        }
        self.cluster.settle(BETWEEN_STEPS);
        let last = next_seq(&self.cluster).saturating_sub(1);
        self.steps.push(StepLine { index, text: step.text.clone(), first, last, ok });
    }

    /// Says that kubectl refuses an object before it asks the API server.
    fn refuse_unmapped(&mut self, index: usize, step: &Planned, object: &Value, unmapped: Unmapped) {
        let seq = self.cluster.record(
            note(Lane::You, "refused", unmapped.message.clone())
                .subject(reference(object))
                .tone(Tone::Deny)
                .message(unmapped.printed.clone()),
        );
        let mut diagnostic = Diagnostic::error(unmapped.message).at(&step.file, self.place_of_kind(object, &step.file));
        if let Some(kind) = unmapped.meant {
            diagnostic = diagnostic.hint(format!("did you mean `{kind}`?"));
        }
        if !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
        self.cluster.journal.responses.push(Response {
            step: index,
            seq,
            request: step.text.clone(),
            subject: Some(reference(object)),
            allowed: false,
            message: unmapped.printed,
            warnings: Vec::new(),
        });
    }

    fn place_of_kind(&self, object: &Value, file: &str) -> Option<Span> {
        let same =
            |document: &&Document| document.value.gvk() == object.gvk() && document.value.name() == object.name();
        self.documents.of_file(file).find(same).map(|document| document.spans.nearest("/kind").span)
    }

    fn submit(&mut self, index: usize, step: &Planned, object: &Value) -> bool {
        if let Some(unmapped) = unmapped(&self.cluster.catalog, object, &step.file) {
            self.refuse_unmapped(index, step, object, unmapped);
            return false;
        }
        let object = self.placed(object.clone());
        self.warn_of_unknown_kind(&object, &step.file);
        let exists = self.cluster.store.get(&crate::sim::store::Key::of(&object)).is_some();
        let verb = match step.action {
            // The API server has completed the lists of a Pod, and lets almost nothing of it be changed.
            Action::Apply if exists && object.kind() == "Pod" => Verb::StrategicPatch,
            Action::Apply if exists => Verb::MergePatch,
            Action::Apply | Action::Create => Verb::Create,
            Action::Update => Verb::Update,
            Action::Patch => Verb::MergePatch,
            _ => Verb::Delete,
        };
        let mut request = ApiRequest::about(verb, &object);
        request.dry_run = step.dry_run;
        request.strict = true;
        if let Some(user) = &step.user {
            request.user = user.clone();
            if !request.user.groups.iter().any(|group| group == "system:authenticated") {
                request.user.groups.push("system:authenticated".to_owned());
            }
        }
        let outcome = self.cluster.request(request);
        let doing = match (&step.action, step.file.as_str()) {
            (_, "") => String::new(),
            (Action::Delete, file) => format!("error when deleting \"{file}\": "),
            (Action::Apply, file) if exists => format!("error when applying patch to \"{file}\": "),
            (Action::Update, file) => format!("error when replacing \"{file}\": "),
            (_, file) => format!("error when creating \"{file}\": "),
        };
        let (allowed, message) = match &outcome.result {
            Ok(_) => (true, String::new()),
            Err(error) => {
                let words = error.kubectl(&doing);
                if let Some(event) = self.cluster.journal.event_mut(outcome.seq) {
                    event.detail.message = Some(words);
                }
                (false, error.message.clone())
            }
        };
        self.cluster.journal.responses.push(Response {
            step: index,
            seq: outcome.seq,
            request: step.text.clone(),
            subject: Some(reference(&object)),
            allowed,
            message,
            warnings: outcome.warnings,
        });
        allowed
    }

    fn assertion(&mut self, wanted: &Value, absent: bool) -> bool {
        let until = self.cluster.clock.now() + ASSERT_TIMEOUT;
        let mut holds = self.present(wanted) != absent;
        while !holds && self.cluster.clock.now() < until {
            self.cluster.advance(500);
            holds = self.present(wanted) != absent;
        }
        let (verb, mark) = (if absent { "error" } else { "assert" }, if holds { "holds" } else { "does not hold" });
        self.cluster.record(
            note(Lane::You, verb, format!("{verb} {} {}: {mark}", wanted.kind(), wanted.name()))
                .subject(reference(wanted))
                .tone(if holds { Tone::Allow } else { Tone::Deny })
                .change(None, Some(wanted.clone())),
        );
        holds
    }

    fn present(&self, wanted: &Value) -> bool {
        use crate::eval::view::View;
        let wanted = self.placed(wanted.clone());
        let gvk: Gvk = wanted.gvk();
        let namespace = wanted.namespace();
        let found = if gvk.kind == "Event" {
            self.cluster.events()
        } else {
            self.cluster.list(&gvk, (!namespace.is_empty()).then_some(namespace))
        };
        found.iter().any(|object| expect::subset(&wanted, object))
    }

    fn warn_of_unknown_kind(&mut self, object: &Value, file: &str) {
        let gvk = object.gvk();
        if self.cluster.catalog.gvr_of(&gvk).is_some() {
            return;
        }
        let message = format!("{} {} is not a kind that this cluster knows", gvk.api_version(), gvk.kind);
        let span = self.place_of_kind(object, file);
        if self.diagnostics.iter().any(|one| one.message == message && one.span == span) {
            return;
        }
        let hint =
            "it is taken as a custom resource; add its CustomResourceDefinition to the cluster to have it checked";
        self.diagnostics.push(Diagnostic::warning(message).at(file, span).hint(hint));
    }

    fn finish(self, scenario: &Scenario) -> (Timeline, Vec<crate::sim::ChoicePoint>) {
        let k8s_events = self.cluster.events();
        let policies = policies(&self.documents, &self.cluster.catalog);
        let cluster = self.cluster;
        let mut timeline = Timeline {
            version: VERSION,
            title: scenario.title.clone(),
            kyverno: cluster.behaviour.name.to_owned(),
            kubernetes: cluster.kubernetes,
            now: crate::sim::clock::Clock::new(self.start).rfc3339(),
            steps: self.steps,
            events: cluster.journal.events,
            responses: cluster.journal.responses,
            logs: cluster.journal.logs,
            k8s_events,
            update_requests: cluster.journal.update_requests,
            cluster: cluster.store.listing(),
            checks: Vec::new(),
            diagnostics: self.diagnostics,
            policies,
            choices: cluster.choice_points.clone(),
            stopped: None,
        };
        timeline.stopped = cluster.journal.cut.then(|| {
            let count = timeline.events.len();
            if timeline.loops() {
                format!("stopped after {count} events: these policies keep triggering each other")
            } else {
                format!("stopped after {count} events, as many as one timeline holds: what comes after was not done")
            }
        });
        places::fill(&mut timeline, &self.documents);
        timeline.checks = expect::check(&scenario.expect, &timeline);
        (timeline, cluster.choice_points)
    }
}

/// The policies of the files, with their places.
fn policies(documents: &Documents, catalog: &Catalog) -> Vec<PolicyLine> {
    let all = documents.all.iter().map(|document| (document, false));
    let off = documents.off.iter().map(|document| (document, true));
    let line = |(document, off): (&Document, bool)| {
        let object = &document.value;
        let namespace = match (object.namespace(), catalog.is_namespaced(&object.gvk())) {
            ("", Some(true)) => "default",
            (namespace, _) => namespace,
        };
        let name = object.name();
        let key = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
        let source = Source { file: document.file.clone(), span: document.span, role: "policy".to_owned() };
        PolicyLine { kind: object.kind().to_owned(), key, id: identity(object), source, off }
    };
    all.chain(off).filter(|(document, _)| is_policy(&document.value)).map(line).collect()
}

fn next_seq(cluster: &Cluster) -> u32 {
    u32::try_from(cluster.journal.events.len()).unwrap_or(u32::MAX).saturating_add(1)
}
