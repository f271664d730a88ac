//! Scenarios → Chainsaw tests that run on a real cluster.

use indexmap::IndexMap;
use serde_json::{Value, json};

use crate::diagnostic::Diagnostic;
use crate::object::ObjectExt;
use crate::object::duration::Duration;
use crate::object::order;
use crate::parse;
use crate::policy::service_accounts::{ADMISSION_USER, BACKGROUND_USER, CLEANUP_USER, REPORTS_USER};
use crate::scenario::exchange::carried::{Exported, left_out};
use crate::scenario::plan::{Action, Documents, Planned, is_policy, plan};
use crate::scenario::{Scenario, simulate};
use crate::timeline::Timeline;

/// The step that makes what a scenario takes for given; an import knows it again.
pub(super) const THERE: &str = "already-in-the-cluster";

/// The step that lets the scenario's users and Kyverno do everything, as they may where permissions are not simulated; an
/// import knows it again.
pub(super) const PERMITTED: &str = "everything-is-permitted";

/// A folder that `chainsaw test` runs on a real cluster. Steps of other users become `kubectl --as`; what the simulation
/// refuses is expected to be refused.
#[must_use]
pub fn export(scenario: &Scenario) -> Exported {
    let mut left = Vec::new();
    let documents = Documents::read(scenario);
    let (planned, wrong) = plan(scenario, &documents);
    left.extend(wrong);
    let timeline = simulate(scenario);
    let mut files = scenario.files.clone();
    let mut steps: Vec<Value> = permissions(scenario, &planned).into_iter().collect();
    // What is there already was not admitted: policies come after the rest.
    for policies in [false, true] {
        for file in &scenario.cluster {
            if documents.of_file(file).any(|document| is_policy(&document.value)) == policies {
                steps.push(json!({"name": THERE, "try": [{"apply": {"file": file}}]}));
            }
        }
    }
    for step in &planned {
        let mut made = json!({"try": operations(step, &timeline, &mut files)});
        let name = scenario.steps.get(step.index).and_then(|step| step.name.as_ref());
        if let Some(name) = name {
            made.set_at(&["name"], json!(name));
        }
        steps.push(made);
    }
    let mut last = Vec::new();
    for expectation in &scenario.expect {
        let entry = expectation.as_object().and_then(|map| map.iter().next());
        match entry {
            Some((verb, object)) if verb == "exists" && named(object) => {
                last.push(json!({"assert": {"resource": object}}))
            }
            Some((verb, object)) if verb == "absent" && named(object) => {
                last.push(json!({"error": {"resource": object}}))
            }
            Some((verb, _)) if verb == "denied" || verb == "admitted" => {}
            _ => left.push(left_out(
                format!("the expectation {expectation}"),
                "Chainsaw sees only what is stored and refused",
            )),
        }
    }
    if !last.is_empty() {
        steps.push(json!({"try": last}));
    }
    unsaid(scenario, &mut left);
    let title = scenario.title.to_lowercase();
    let name: String = title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
    let parts: Vec<&str> = name.split('-').filter(|part| !part.is_empty()).collect();
    let name = if parts.is_empty() { "scenario".to_owned() } else { parts.join("-") };
    // Names without a namespace mean `default` in a scenario.
    let document = json!({"apiVersion": "chainsaw.kyverno.io/v1alpha1", "kind": "Test", "metadata": {"name": name},
        "spec": {"description": scenario.title, "namespace": "default", "template": false, "steps": steps}});
    let mut folder = IndexMap::from([("chainsaw-test.yaml".to_owned(), parse::emit(&document))]);
    folder.extend(files);
    Exported { files: folder, left_out: left }
}

fn permissions(scenario: &Scenario, planned: &[Planned]) -> Option<Value> {
    let simulated = scenario.config.get("permissions").and_then(Value::as_bool).unwrap_or(false);
    let users = planned.iter().filter_map(|step| step.user.as_ref()).map(|user| user.username.as_str());
    let users = order::set([ADMISSION_USER, BACKGROUND_USER, CLEANUP_USER, REPORTS_USER].into_iter().chain(users));
    let subject = |name| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name});
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": PERMITTED},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": users.into_iter().map(subject).collect::<Vec<_>>()});
    (!simulated).then(|| json!({"name": PERMITTED, "try": [{"apply": {"resource": binding}}]}))
}

/// Whether an object says what kind it is: without that, Chainsaw looks for nothing.
fn named(object: &Value) -> bool {
    !object.api_version().is_empty() && !object.kind().is_empty()
}

fn operations(step: &Planned, timeline: &Timeline, files: &mut IndexMap<String, String>) -> Vec<Value> {
    let verb = match step.action {
        Action::Apply | Action::Commit { remove: false } => "apply",
        Action::Create => "create",
        Action::Update => "update",
        Action::Patch => "patch",
        Action::Delete | Action::Commit { remove: true } => "delete",
        Action::Assert => "assert",
        Action::Absent => "error",
        Action::Sleep(millis) => {
            let nanos = i64::try_from(millis).unwrap_or(0).saturating_mul(1_000_000);
            return vec![json!({"sleep": {"duration": Duration(nanos).to_string()}})];
        }
    };
    let of_step = timeline.responses.iter().filter(|response| response.step == step.index && !response.allowed);
    let refused: Vec<Value> = of_step
        .filter_map(|response| response.subject.as_ref())
        .map(|subject| {
            let mut tree = json!({"apiVersion": subject.api_version, "kind": subject.kind});
            if !subject.name.is_empty() {
                tree.set_at(&["metadata", "name"], json!(subject.name));
            }
            // Where a document names its namespace, another of the same name may lie in another one.
            let own = |object: &&Value| object.kind() == subject.kind && object.name() == subject.name;
            let named = |object: &Value| !object.namespace().is_empty() && object.namespace() == subject.namespace;
            if step.objects.iter().filter(own).any(named) {
                tree.set_at(&["metadata", "namespace"], json!(subject.namespace));
            }
            json!({"match": tree, "check": {"($error != null)": true}})
        })
        .collect();
    let as_kubectl = step.user.is_some() || step.dry_run;
    if as_kubectl && verb == "patch" {
        // kubectl patches one object at a time.
        let one = |(n, object): (usize, &Value)| {
            let file = if step.objects.len() == 1 {
                file_of(step, files)
            } else {
                format!("step-{}-{}.yaml", step.index + 1, n + 1)
            };
            files.entry(file.clone()).or_insert_with(|| parse::emit(object));
            script(step, &format!("patch -f {file} --type=merge --patch-file={file}"), &refused)
        };
        return step.objects.iter().enumerate().map(one).collect();
    }
    if as_kubectl {
        let verb = if verb == "update" { "replace" } else { verb };
        let file = file_of(step, files);
        return vec![script(step, &format!("{verb} -f {file}"), &refused)];
    }
    let mut body = match (step.file.is_empty(), step.objects.as_slice()) {
        (true, [object]) if verb == "delete" => {
            let mut target = json!({"apiVersion": object.api_version(), "kind": object.kind(), "name": object.name()});
            if !object.namespace().is_empty() {
                target.set_at(&["namespace"], json!(object.namespace()));
            }
            json!({"ref": target})
        }
        (true, [object]) => json!({"resource": object}),
        _ => json!({"file": file_of(step, files)}),
    };
    if !refused.is_empty() {
        body.set_at(&["expect"], json!(refused));
    }
    vec![json!({verb: body})]
}

/// A kubectl command as the user of the step.
fn script(step: &Planned, command: &str, refused: &[Value]) -> Value {
    let user = step.user.as_ref().map(|user| {
        let groups: String = user.groups.iter().map(|group| format!(" --as-group='{group}'")).collect();
        format!(" --as='{}'{groups}", user.username)
    });
    let dry = if step.dry_run { " --dry-run=server" } else { "" };
    let mut script = json!({"content": format!("kubectl {command}{}{dry}", user.unwrap_or_default())});
    if !refused.is_empty() {
        script.set_at(&["check"], json!({"($error != null)": true}));
    }
    json!({"script": script})
}

/// The file of a step; objects that have none, or are a part of one, get a file of their own.
fn file_of(step: &Planned, files: &mut IndexMap<String, String>) -> String {
    let whole = files.get(&step.file).is_some_and(|all| Documents::count(&step.file, all) == step.objects.len());
    if whole {
        return step.file.clone();
    }
    let name = format!("step-{}.yaml", step.index + 1);
    files.insert(name.clone(), step.objects.iter().map(parse::emit).collect::<Vec<_>>().join("---\n"));
    name
}

fn unsaid(scenario: &Scenario, left: &mut Vec<Diagnostic>) {
    let off = scenario.steps.iter().filter(|step| step.off).count();
    if off > 0 {
        left.push(left_out(format!("{off} steps that are switched off"), ""));
    }
    if !scenario.mocks.is_empty() {
        left.push(left_out("mocks", "a real cluster asks the real services and registries"));
    }
    if !scenario.config.is_null() {
        left.push(left_out("the configuration of Kyverno", "set it where Kyverno is installed"));
    }
    if scenario.gitops.is_some() {
        left.push(left_out("the GitOps controller", "what is committed is applied at once"));
    }
    if !scenario.notes.is_empty() {
        left.push(left_out("the notes", ""));
    }
    let users = scenario.steps.iter().filter_map(|step| step.user.as_ref());
    if users.into_iter().any(|user| !user.extra.is_empty() || !user.uid.is_empty()) {
        left.push(left_out("uid and extra attributes of users", "kubectl --as has no such options for all versions"));
    }
}
