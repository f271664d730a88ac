//! GeneratingPolicies in the background controller: UpdateRequests of type `cel-generate` and the events of the policies.
//! Follows `pkg/background/gpol/generate_controller.go`, `pkg/cel/libs/context.go` and `pkg/policy/gpol.go`.

use serde_json::{Value, json};

use super::Cluster;
use super::api_server::{ApiRequest, Verb};
use super::background::{Attempt, LABEL_POLICY, LABEL_TRIGGER_PREFIX, background_review};
use super::config::BACKGROUND_USER;
use super::journal::{Lane, Tone};
use super::k8s_events::{Fact, Subject};
use super::policy_events::key_of;
use super::recorder::note;
use super::reports::{Reporter, generation_row};
use super::store::{Key, reference};
use super::update_requests::{Wish, trigger_from_labels, trigger_spec};
use crate::eval::cel::{generating, matching};
use crate::eval::request::{AdmissionRequest, Operation};
use crate::eval::trace::Trace;
use crate::eval::verdict::{RuleResponse, Status};
use crate::eval::{EvalCx, Mode};
use crate::object::ObjectExt;
use crate::policy::constraints::{Evaluation, MatchResources};
use crate::policy::generating::{GeneratingPolicy, GeneratingSpec};

const BATCH: usize = 100;
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// A switch of `evaluation`.
fn on(spec: &GeneratingSpec, which: fn(&Evaluation) -> Option<&crate::policy::constraints::Enabled>) -> bool {
    spec.evaluation.as_ref().is_some_and(|evaluation| Evaluation::on(which(evaluation), false))
}

fn synchronizes(spec: &GeneratingSpec) -> bool {
    on(spec, |evaluation| evaluation.synchronize.as_ref())
}

impl Cluster {
    /// A background evaluation.
    pub(super) fn cel_background<'a>(&'a self, review: &'a AdmissionRequest) -> EvalCx<'a> {
        EvalCx { mode: Mode::Background, ..self.cel_context(review, &[]) }
    }

    /// The object of a policy of policies.kyverno.io by `name` or `namespace/name`.
    pub(super) fn cel_policy(&self, kind: &str, key: &str) -> Option<Value> {
        let found = match key.split_once('/') {
            Some((namespace, name)) => {
                self.store.find("policies.kyverno.io", &format!("Namespaced{kind}"), namespace, name)
            }
            None => self.store.find("policies.kyverno.io", kind, "", key),
        };
        found.cloned()
    }

    /// Performs an UpdateRequest of type `cel-generate`.
    pub(super) fn cel_generate_request(&mut self, attempt: &Attempt) {
        let contexts =
            attempt.request.at(&["spec", "ruleContext"]).and_then(Value::as_array).cloned().unwrap_or_default();
        let key = &attempt.policy_key;
        let mut failures = Vec::new();
        for context in &contexts {
            let spec = context.get("trigger").cloned().unwrap_or(Value::Null);
            if context.get("deleteDownstream") == Some(&Value::Bool(true)) {
                self.delete_watched(key, Some(spec.str_at(&["uid"])), attempt.seq);
                continue;
            }
            match self.trigger(attempt, context) {
                Ok(trigger) => failures.extend(self.cel_generate(attempt, context, &trigger)),
                Err(error) => failures.push(format!("gpol {key} failed: failed to fetch trigger resource: {error}")),
            }
        }
        let last = u32::try_from(self.journal.events.len()).unwrap_or(attempt.seq);
        if failures.is_empty() {
            self.complete_request(&attempt.name, last);
        } else {
            self.fail_request(&attempt.name, &failures.join("; "), last);
        }
    }

    /// Evaluates the policy for one trigger and writes what it makes; returns the failure, if any.
    fn cel_generate(&mut self, attempt: &Attempt, context: &Value, trigger: &Value) -> Option<String> {
        let key = attempt.policy_key.clone();
        let admission = attempt.request.at(&["spec", "context", "admissionRequestInfo", "admissionRequest"]);
        let payload = admission.and_then(|request| request.get("object")).filter(|object| !object.is_null()).cloned();
        let mut review = background_review(attempt, &payload.unwrap_or_else(|| trigger.clone()), self);
        if review.operation == Operation::Delete {
            review.object = None;
        }
        if self.filtered(&review).is_some() {
            return None;
        }
        let Some(raw) = self.cel_policy("GeneratingPolicy", &key) else {
            return Some(format!("gpol {key} failed: generatingpolicies.policies.kyverno.io \"{key}\" not found"));
        };
        let compiled = GeneratingPolicy::from_value(&raw).and_then(|policy| {
            Ok((generating::Compiled::new(&policy).map_err(|problem| problem.to_string())?, policy))
        });
        let (compiled, policy) = match compiled {
            Ok(found) => found,
            Err(problem) => return Some(format!("gpol {key} failed: {problem}")),
        };
        let verdict = compiled.evaluate(&self.cel_background(&review), &self.policies.cel_exceptions);
        let spec = context.get("trigger").cloned().unwrap_or(Value::Null);
        let uid = spec.str_at(&["uid"]).to_owned();
        let synchronize = context.get("synchronize") == Some(&Value::Bool(true));
        let words = match verdict.rules.first() {
            None => "does not match".to_owned(),
            Some(rule) => format!("makes {}", names(&rule.generated)),
        };
        let seq = self.record(
            note(Lane::Background, "rule-generate", format!("{key} {words}"))
                .cause(Some(attempt.seq))
                .subject(reference(trigger))
                .policy(&key, "")
                .tone(Tone::Generate)
                .trace(verdict.trace)
                .upstream("pkg/background/gpol/generate_controller.go"),
        );
        let Some(mut response) = verdict.rules.into_iter().next() else {
            if synchronize {
                self.delete_watched(&key, Some(&uid), seq);
            }
            return None;
        };
        let restore = context.get("cacheRestore") == Some(&Value::Bool(true));
        if response.status == Status::Pass {
            let wanted = std::mem::take(&mut response.generated);
            match self.write_cel_targets(&policy, &raw, &review, wanted, restore, seq) {
                Ok(written) => response.generated = written,
                Err(error) => {
                    response.status = Status::Error;
                    response.message = format!("failed to evaluate policy: {error}");
                }
            }
        }
        self.tell_cel_generated(&raw, trigger, &response);
        match response.status {
            Status::Error | Status::Fail => {
                let status = if response.status == Status::Error { "error" } else { "fail" };
                let place = [spec.api_version(), spec.kind(), spec.str_at(&["namespace"]), spec.str_at(&["name"])];
                let error = format!(
                    "gpol {key} rule {} {status} for trigger {}: {}",
                    response.name,
                    place.join("/"),
                    response.message
                );
                return (self.behaviour.name == "1.19").then_some(error);
            }
            Status::Pass if synchronizes(&policy.spec) && (!restore || !response.generated.is_empty()) => {
                self.sync_watches(&key, &uid, &response.generated, seq);
                if synchronize {
                    self.delete_stale(&key, &uid, &response.generated, seq);
                }
            }
            _ => {}
        }
        None
    }

    /// Creates what is missing, updates what this policy made for this trigger, leaves everything else alone.
    fn write_cel_targets(
        &mut self,
        policy: &GeneratingPolicy,
        raw: &Value,
        review: &AdmissionRequest,
        wanted: Vec<Value>,
        restore: bool,
        seq: u32,
    ) -> Result<Vec<Value>, String> {
        let server_side = policy.spec.use_server_side_apply == Some(true);
        let uid = review.subject().uid().to_owned();
        let mut written = Vec::new();
        for mut object in wanted {
            if !policy.namespace.is_empty() && self.catalog.is_namespaced(&object.gvk()) == Some(false) {
                return Err(format!(
                    "cross-scope generation denied: a policy scoped to namespace {:?} cannot generate cluster-scoped resource {}/{}",
                    policy.namespace,
                    object.api_version(),
                    object.kind()
                ));
            }
            if object.api_version().matches('/').count() > 1 {
                return Err(format!("unexpected GroupVersion string: {}", object.api_version()));
            }
            label(&mut object, &policy.name, review);
            let existing = self.store.get(&Key::of(&object)).cloned();
            let verb = match &existing {
                None if restore => continue,
                None if server_side => Verb::ServerSideApply,
                None => Verb::Create,
                Some(existing) if !made_by(existing, &policy.name, &uid) => {
                    let text = format!("{} {} exists and is not the policy's", existing.kind(), existing.name());
                    self.record(
                        note(Lane::Background, "left-alone", text)
                            .cause(Some(seq))
                            .subject(reference(existing))
                            .policy(&key_of(raw), ""),
                    );
                    continue;
                }
                Some(existing) if restore => {
                    written.push(existing.clone());
                    continue;
                }
                Some(_) if server_side => Verb::ServerSideApply,
                Some(_) => Verb::Update,
            };
            let request = ApiRequest::about(verb, &object).by(BACKGROUND_USER, Lane::Background, Some(seq));
            written.push(self.request(request).result.map_err(|error| error.message)?);
        }
        Ok(written)
    }

    fn tell_cel_generated(&mut self, raw: &Value, trigger: &Value, response: &RuleResponse) {
        let key = key_of(raw);
        let source = "kyverno-generate";
        // Kyverno's Events name this version for policies of every group.
        let mut about = raw.clone();
        about.set_at(&["apiVersion"], json!("kyverno.io/v1"));
        match response.status {
            Status::Pass => {
                for object in &response.generated {
                    let message = "resource generated".to_owned();
                    let done = Fact { source, reason: "PolicyApplied", action: "Resource Generated", message };
                    self.emit(done, &Subject::Object(&about), Some(object));
                    let message = format!(
                        "Created {} {} as a result of applying policy {}/{}",
                        object.kind(),
                        object.name(),
                        raw.name(),
                        response.name
                    );
                    let made = Fact { source, reason: "PolicyApplied", action: "None", message };
                    self.emit(made, &Subject::Object(object), None);
                }
            }
            Status::Error | Status::Fail => {
                let message = format!("policy {}/{} error: {}", raw.name(), response.name, response.message);
                let fact = Fact { source, reason: "PolicyError", action: "None", message };
                self.emit(fact, &Subject::Object(&about), Some(trigger));
            }
            _ => {}
        }
        let annotations = raw.annotations();
        let by =
            Reporter { source: "KyvernoGeneratingPolicy", policy: key, annotations: &annotations, background: false };
        let (seconds, _) = self.clock.unix();
        let row = generation_row(&by, response, &response.generated, seconds);
        self.report(trigger, vec![row]);
    }

    /// A GeneratingPolicy was written or deleted.
    pub(super) fn gpol_written(&mut self, before: Option<&Value>, after: Option<&Value>, asked: u32) {
        let read = |object: Option<&Value>| object.and_then(|object| GeneratingPolicy::from_value(object).ok());
        let old = read(before);
        let Some(after) = after else {
            if let (Some(before), Some(old)) = (before, old) {
                let orphan = on(&old.spec, |evaluation| evaluation.orphan_downstream_on_policy_delete.as_ref());
                self.remove_watches(&key_of(before), !orphan, asked);
            }
            return;
        };
        if before.is_some_and(|before| before.get("spec") == after.get("spec")) {
            return;
        }
        let Some(new) = read(Some(after)) else { return };
        if old.is_some_and(|old| synchronizes(&old.spec)) && !synchronizes(&new.spec) {
            self.remove_watches(&key_of(after), false, asked);
        }
        self.sync_gpol(&key_of(after), &new, asked);
    }

    /// What the policy controller does about a policy, on its events and every hour.
    pub(super) fn sync_gpol(&mut self, key: &str, policy: &GeneratingPolicy, cause: u32) {
        let constraints = policy.spec.match_constraints.as_ref();
        if synchronizes(&policy.spec) {
            let downstreams = self.watched(key);
            let context = |trigger: Value, restore: bool| json!({"rule": key, "deleteDownstream": false, "cacheRestore": restore, "trigger": trigger});
            let contexts: Vec<Value> = if downstreams.is_empty() {
                let triggers = self.cel_triggers(constraints, &policy.namespace);
                triggers.iter().map(|trigger| context(trigger_spec(trigger), true)).collect()
            } else {
                downstreams.iter().map(|object| context(trigger_from_labels(&object.labels()), false)).collect()
            };
            if !downstreams.is_empty() {
                self.delete_watched(key, None, cause);
            }
            self.cel_wishes(key, &contexts, cause);
        }
        if on(&policy.spec, |evaluation| evaluation.generate_existing.as_ref()) {
            let triggers = self.cel_triggers(constraints, &policy.namespace);
            let context =
                |trigger: &Value| json!({"rule": key, "deleteDownstream": false, "trigger": trigger_spec(trigger)});
            let contexts: Vec<Value> = triggers.iter().map(context).collect();
            self.cel_wishes(key, &contexts, cause);
        }
    }

    fn cel_wishes(&mut self, key: &str, contexts: &[Value], cause: u32) {
        for batch in contexts.chunks(BATCH) {
            let wish = Wish {
                request_type: "cel-generate",
                policy: key.to_owned(),
                rule: String::new(),
                rule_context: batch.to_vec(),
                context: json!({}),
                generated: Vec::new(),
            };
            self.wish(wish, cause);
        }
    }

    /// The stored objects that match constraints select, whatever the operations.
    pub(super) fn cel_triggers(&self, constraints: Option<&MatchResources>, namespace: &str) -> Vec<Value> {
        let Some(constraints) = constraints else { return Vec::new() };
        let mut any = constraints.clone();
        any.resource_rules.iter_mut().for_each(|rule| rule.operations = vec!["*".to_owned()]);
        let mut found = self.constrained(Some(&any));
        found.retain(|object| {
            let review = self.existing_review(object);
            let here = namespace.is_empty()
                || object.namespace() == namespace
                || (object.kind() == "Namespace" && object.name() == namespace);
            here && matching::matches(&any, &self.cel_background(&review), "", &mut Trace::off()) == Ok(true)
        });
        found
    }
}

fn names(objects: &[Value]) -> String {
    match objects {
        [] => "nothing".to_owned(),
        objects => {
            objects.iter().map(|object| format!("{} {}", object.kind(), object.name())).collect::<Vec<_>>().join(", ")
        }
    }
}

/// The labels of something generated. The rule has none; the source's uid was put there when it was read.
fn label(object: &mut Value, policy: &str, review: &AdmissionRequest) {
    let trigger = review.subject();
    let parts = [
        ("name", trigger.name()),
        ("namespace", trigger.namespace()),
        ("uid", trigger.uid()),
        ("kind", review.kind.kind.as_str()),
        ("group", review.kind.group.as_str()),
        ("version", review.kind.version.as_str()),
    ];
    object.set_at(&["metadata", "labels", MANAGED_BY], json!("kyverno"));
    object.set_at(&["metadata", "labels", LABEL_POLICY], json!(policy));
    for (part, value) in parts {
        object.set_at(&["metadata", "labels", &format!("{LABEL_TRIGGER_PREFIX}{part}")], json!(value));
    }
}

fn made_by(object: &Value, policy: &str, trigger: &str) -> bool {
    let labels = object.labels();
    let is = |key: &str, value: &str| labels.get(key).map(String::as_str) == Some(value);
    is(MANAGED_BY, "kyverno") && is(LABEL_POLICY, policy) && is(&format!("{LABEL_TRIGGER_PREFIX}uid"), trigger)
}
