//! UpdateRequests: the queue between the admission controller and the background controller.
//!
//! Made from the admission request, whatever becomes of it (`pkg/webhooks/resource/updaterequest.go`,
//! `pkg/webhooks/resource/generation/handler.go`), completed or failed by the background controller
//! (`pkg/background/update_request_controller.go`, `pkg/background/common/util.go`).

use std::rc::Rc;

use serde_json::{Value, json};

use super::background::{
    LABEL_CLONE_SOURCE, LABEL_POLICY, LABEL_POLICY_NAMESPACE, LABEL_RULE, LABEL_SOURCE_PREFIX, LABEL_TRIGGER_PREFIX,
};
use super::config::{BACKGROUND_USER, KYVERNO_NAMESPACE};
use super::journal::{Lane, Tone, UpdateRequestRecord};
use super::recorder::note;
use super::store::{Key, reference};
use super::webhooks::Called;
use super::{Cluster, INFORMER, Task};
use crate::eval::engine;
use crate::eval::request::{AdmissionRequest, Operation};
use crate::eval::trace::TraceNode;
use crate::eval::verdict::Status;
use crate::object::ObjectExt;
use crate::object::gvk::ObjectRef;
use crate::policy::ClassicPolicy;
use crate::policy::rule::Rule;

/// How often a failed UpdateRequest is tried again before it is deleted.
const RETRY_LIMIT: u64 = 3;

/// What a new UpdateRequest asks for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// `generate`, `mutate`, `cel-generate`, `cel-mutate`.
    pub request_type: &'static str,
    /// `name` or `namespace/name`.
    pub policy: String,
    /// For `mutate` one rule; otherwise `""`.
    pub rule: String,
    /// `[{rule, deleteDownstream, trigger}]`.
    pub rule_context: Vec<Value>,
    /// `spec.context`; `{}` for requests that no admission request led to.
    pub context: Value,
    /// `status.generatedResources` that the request starts with (deletion of a policy or rule).
    pub generated: Vec<Value>,
}

/// `{apiVersion, kind, namespace, name, uid}` of a trigger.
#[must_use]
pub fn trigger_spec(object: &Value) -> Value {
    let mut spec = json!({"apiVersion": object.api_version(), "kind": object.kind(), "name": object.name()});
    for (key, value) in [("namespace", object.namespace()), ("uid", object.uid())] {
        if !value.is_empty() {
            spec.set_at(&[key], Value::String(value.to_owned()));
        }
    }
    spec
}

/// One entry of `spec.ruleContext`.
#[must_use]
pub fn rule_context(rule: &str, trigger: &Value, delete_downstream: bool) -> Value {
    json!({"rule": rule, "deleteDownstream": delete_downstream, "trigger": trigger})
}

impl Cluster {
    /// The goroutines of one review that make UpdateRequests.
    pub(crate) fn background_triggers(
        &mut self,
        review: &AdmissionRequest,
        called: &Called,
        call: u32,
    ) -> Vec<TraceNode> {
        let mut trace = Vec::new();
        for policy in &called.mutate_existing {
            trace.extend(TraceNode::of_policy(&policy.key(), &self.mutate_existing_trigger(policy, review, call)));
        }
        for policy in &called.generate {
            trace.extend(TraceNode::of_policy(&policy.key(), &self.generate_trigger(policy, review, call)));
        }
        if review.user.username != BACKGROUND_USER {
            self.downstream_touched(review, call);
        }
        trace
    }

    fn generate_trigger(&mut self, policy: &Rc<ClassicPolicy>, review: &AdmissionRequest, call: u32) -> Vec<TraceNode> {
        let verdict = self.evaluate(engine::background_checks, policy, review);
        let rule_of = |name: &str| policy.spec.rules.iter().find(|rule| rule.name == name && rule.generate.is_some());
        let mut applied = Vec::new();
        let mut gone = Vec::new();
        for response in &verdict.rules {
            let Some(rule) = rule_of(&response.name) else { continue };
            if skips_background(rule, review) {
                continue;
            }
            let (kind, words) = match response.status {
                Status::Pass => ("rule-match", "matches"),
                Status::Fail => ("rule-no-longer", "no longer matches"),
                _ => ("rule-skip", "is skipped"),
            };
            self.record(
                note(Lane::Validating, kind, format!("rule {} {words}", rule.name))
                    .cause(Some(call))
                    .subject(super::admission::subject_of(review))
                    .policy(&policy.key(), &rule.name)
                    .tone(Tone::Generate)
                    .message(response.message.clone())
                    .trace(super::admission::rule_trace(&verdict.trace, &rule.name)),
            );
            match response.status {
                Status::Pass => applied.push(rule_context(&rule.name, &trigger_spec(review.subject()), false)),
                Status::Fail => gone.extend(trigger_gone(rule, review)),
                _ => {}
            }
        }
        for contexts in [applied, gone] {
            if !contexts.is_empty() {
                self.wish(
                    Wish {
                        request_type: "generate",
                        policy: policy.key(),
                        rule: String::new(),
                        rule_context: contexts,
                        context: admission_context(review),
                        generated: Vec::new(),
                    },
                    call,
                );
            }
        }
        verdict.trace
    }

    fn mutate_existing_trigger(
        &mut self,
        policy: &Rc<ClassicPolicy>,
        review: &AdmissionRequest,
        call: u32,
    ) -> Vec<TraceNode> {
        let verdict = self.evaluate(engine::background_checks, policy, review);
        for response in verdict.rules.iter().filter(|response| response.status == Status::Pass) {
            let rule = policy.spec.rules.iter().find(|rule| rule.name == response.name);
            let Some(rule) = rule.filter(|rule| super::policies::is_mutate_existing(rule)) else { continue };
            let names_delete = rule_names_operation(rule, "DELETE");
            if skips_background(rule, review) || (review.operation == Operation::Delete && !names_delete) {
                continue;
            }
            self.record(
                note(Lane::Validating, "rule-match", format!("rule {} matches", rule.name))
                    .cause(Some(call))
                    .subject(super::admission::subject_of(review))
                    .policy(&policy.key(), &rule.name)
                    .tone(Tone::Mutate)
                    .trace(super::admission::rule_trace(&verdict.trace, &rule.name)),
            );
            self.wish(
                Wish {
                    request_type: "mutate",
                    policy: policy.key(),
                    rule: rule.name.clone(),
                    rule_context: vec![rule_context(&rule.name, &trigger_spec(review.subject()), false)],
                    context: admission_context(review),
                    generated: Vec::new(),
                },
                call,
            );
        }
        verdict.trace
    }

    /// A request on something that was generated, or on the source of clones: the rule is applied again.
    fn downstream_touched(&mut self, review: &AdmissionRequest, call: u32) {
        let Some(old) = &review.old_object else { return };
        let labels = old.labels();
        if !labels.contains_key(LABEL_CLONE_SOURCE) && labels.get(LABEL_POLICY).is_none_or(String::is_empty) {
            return;
        }
        let managed = labels.get("app.kubernetes.io/managed-by").map(String::as_str) == Some("kyverno");
        let downstreams = if managed { vec![labels] } else { self.clones_of(old) };
        let delete = !managed && review.object.is_none();
        for labels in downstreams {
            let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
            let (name, namespace) = (label(LABEL_POLICY), label(LABEL_POLICY_NAMESPACE));
            let key = if namespace.is_empty() { name } else { format!("{namespace}/{name}") };
            let Some(policy) = self.policies.find(&key) else { continue };
            let rule_name = label(LABEL_RULE);
            let rule = policy.spec.rules.iter().find(|rule| rule.name == rule_name);
            let Some(rule) = rule.filter(|rule| rule.generate.as_ref().is_some_and(|generate| generate.synchronize))
            else {
                continue;
            };
            if self.is_its_own_trigger(&policy, rule, review) {
                continue;
            }
            let what = if managed { "something generated" } else { "the source of clones" };
            let seq = self.record(
                note(Lane::Validating, "downstream-touched", format!("{} {} is {what}", old.kind(), old.name()))
                    .cause(Some(call))
                    .subject(reference(old))
                    .policy(&policy.key(), &rule.name)
                    .tone(Tone::Generate)
                    .upstream("pkg/webhooks/resource/generation/handler.go"),
            );
            let trigger = trigger_from_labels(&labels);
            self.wish(
                Wish {
                    request_type: "generate",
                    policy: policy.key(),
                    rule: String::new(),
                    rule_context: vec![rule_context(&rule.name, &trigger, delete)],
                    context: json!({}),
                    generated: Vec::new(),
                },
                seq,
            );
        }
    }

    fn is_its_own_trigger(&self, policy: &ClassicPolicy, rule: &Rule, review: &AdmissionRequest) -> bool {
        let old = AdmissionRequest { object: review.old_object.clone(), ..review.clone() };
        self.rule_matches(policy, rule, &old)
    }

    fn clones_of(&self, source: &Value) -> Vec<std::collections::BTreeMap<String, String>> {
        let gvk = source.gvk();
        let wanted = [
            ("group", gvk.group.as_str()),
            ("version", gvk.version.as_str()),
            ("kind", gvk.kind.as_str()),
            ("namespace", source.namespace()),
            ("uid", source.uid()),
        ];
        let all = self.store.of_kind(&gvk.group, &gvk.kind).map(ObjectExt::labels);
        let is_clone = |labels: &std::collections::BTreeMap<String, String>| {
            wanted.iter().all(|(part, value)| {
                labels.get(&format!("{LABEL_SOURCE_PREFIX}{part}")).map(String::as_str) == Some(*value)
            })
        };
        all.filter(is_clone).collect()
    }

    /// Creates an UpdateRequest and, with a second call, its Pending state; the background controller hears of it later.
    pub(crate) fn wish(&mut self, wish: Wish, cause: u32) {
        let open = self.store.of_kind("kyverno.io", "UpdateRequest").count();
        if open > self.config.update_request_threshold {
            let text = "the number of updaterequests exceeds the threshold, please adjust updateRequestThreshold in the Kyverno configmap";
            let place = "github.com/kyverno/kyverno/pkg/utils/generator/generator.go";
            self.log_line("kyverno-admission-controller", "ERR", place, 0, text, cause, false);
            return;
        }
        self.hop();
        let name = format!("ur-{}", self.names.suffix("ur-"));
        let mut labels = json!({});
        if !wish.request_type.starts_with("cel-") {
            let policy = wish.policy.rsplit('/').next().unwrap_or(&wish.policy);
            let prefix =
                if wish.request_type == "mutate" { "mutate.updaterequest.kyverno.io" } else { "generate.kyverno.io" };
            labels.set_at(&[&format!("{prefix}/policy-name")], Value::String(policy.to_owned()));
        }
        let trigger =
            wish.rule_context.first().and_then(|context| context.get("trigger")).cloned().unwrap_or(Value::Null);
        let mutate = wish.request_type == "mutate";
        if mutate {
            let prefix = "mutate.updaterequest.kyverno.io";
            let parts = [("name", "name"), ("namespace", "namespace"), ("kind", "kind"), ("apiversion", "apiVersion")];
            for (part, key) in parts {
                // Values of labels have at most 63 characters.
                let value: String = trigger.str_at(&[key]).replace('/', "-").chars().take(63).collect();
                labels.set_at(&[&format!("{prefix}/trigger-{part}")], Value::String(value));
            }
        }
        let (resource, contexts) =
            if mutate { (trigger.clone(), json!([])) } else { (json!({}), json!(wish.rule_context)) };
        let mut request = json!({
            "apiVersion": "kyverno.io/v2",
            "kind": "UpdateRequest",
            "metadata": {
                "name": name, "generateName": "ur-", "namespace": KYVERNO_NAMESPACE, "labels": labels,
                "uid": self.names.uid(&name), "creationTimestamp": self.clock.rfc3339(), "generation": 1,
            },
            "spec": {
                "requestType": wish.request_type, "policy": wish.policy, "rule": wish.rule, "resource": resource,
                "deleteDownstream": false, "ruleContext": contexts, "context": wish.context,
            },
            "status": {"state": "Pending"},
        });
        if !wish.generated.is_empty() {
            request.set_at(&["status", "generatedResources"], Value::Array(wish.generated));
        }
        self.store.put(request.clone(), true);
        let stored = self.update_request(&name).cloned().unwrap_or(request);
        let trigger_ref = ObjectRef {
            api_version: trigger.api_version().to_owned(),
            kind: trigger.kind().to_owned(),
            namespace: trigger.str_at(&["namespace"]).to_owned(),
            name: trigger.str_at(&["name"]).to_owned(),
        };
        let rule = wish.rule_context.first().map(|context| context.str_at(&["rule"]).to_owned()).unwrap_or_default();
        let seq = self.record(
            note(Lane::Validating, "update-request", format!("UpdateRequest {name}: Pending"))
                .to(Lane::UpdateRequests)
                .cause(Some(cause))
                .subject(trigger_ref.clone())
                .policy(&wish.policy, &rule)
                .tone(Tone::Generate)
                .change(None, Some(stored))
                .detail(|detail| detail.update_request = Some(name.clone()))
                .remark("Made by a goroutine of the admission controller that does not wait for the decision on the request.")
                .upstream("pkg/webhooks/updaterequest/generator.go"),
        );
        self.journal.update_requests.push(UpdateRequestRecord {
            name: name.clone(),
            request_type: wish.request_type.to_owned(),
            policy: wish.policy,
            trigger: trigger_ref,
            state: "Pending".to_owned(),
            created: seq,
            ..UpdateRequestRecord::default()
        });
        self.queue.push(self.clock.now() + INFORMER, Task::UpdateRequest { name, cause: seq });
    }

    /// A stored UpdateRequest.
    pub(crate) fn update_request(&self, name: &str) -> Option<&Value> {
        self.store.find("kyverno.io", "UpdateRequest", KYVERNO_NAMESPACE, name)
    }

    fn record_of(&mut self, name: &str) -> Option<&mut UpdateRequestRecord> {
        self.journal.update_requests.iter_mut().find(|record| record.name == name)
    }

    /// Counts an attempt.
    pub(crate) fn attempted(&mut self, name: &str) {
        if let Some(record) = self.record_of(name) {
            record.attempts += 1;
        }
    }

    /// Completed: the status is written, then the request is deleted.
    pub(crate) fn complete_request(&mut self, name: &str, cause: u32) {
        self.hop();
        let before = self.drop_request(name);
        if let Some(record) = self.record_of(name) {
            record.state = "Completed".to_owned();
            record.deleted = true;
        }
        let record = note(Lane::Background, "update-request-completed", format!("{name}: Completed, deleted"));
        self.finish(record, name, cause, before, Tone::Info);
    }

    /// Deleted without having been processed.
    pub(crate) fn discard_request(&mut self, name: &str, why: &str, cause: u32) {
        self.hop();
        let before = self.drop_request(name);
        if let Some(record) = self.record_of(name) {
            record.deleted = true;
        }
        let record = note(Lane::Background, "update-request-dropped", format!("{name}: {why}, deleted"));
        self.finish(record, name, cause, before, Tone::Warn);
    }

    /// Failed: back to Pending at once, without any delay, until the retries are used up; then it is deleted.
    pub(crate) fn fail_request(&mut self, name: &str, message: &str, cause: u32) {
        let Some(mut request) = self.update_request(name).cloned() else { return };
        self.hop();
        let retries = request.at(&["status", "retryCount"]).and_then(Value::as_u64).unwrap_or(0);
        if let Some(record) = self.record_of(name) {
            record.state = "Failed".to_owned();
            message.clone_into(&mut record.message);
            record.retry_count = u32::try_from(retries).unwrap_or(0) + u32::from(retries <= RETRY_LIMIT);
            record.deleted = retries > RETRY_LIMIT;
        }
        if retries > RETRY_LIMIT {
            let before = self.drop_request(name);
            let record = note(Lane::Background, "update-request-dropped", format!("{name}: Failed again, deleted"));
            self.finish(record.message(message), name, cause, before, Tone::Deny);
            return;
        }
        let before = request.clone();
        request.set_at(&["status", "retryCount"], json!(retries + 1));
        request.set_at(&["status", "message"], Value::String(message.to_owned()));
        request.set_at(&["status", "state"], json!("Failed"));
        self.store.put(request.clone(), true);
        let record = note(Lane::Background, "update-request-failed", format!("{name}: Failed, retry {}", retries + 1))
            .message(message)
            .remark("Without a back-off: the controller writes Pending again at once, and the next attempt follows.");
        let seq = self.finish(record, name, cause, Some(before), Tone::Deny);
        request.set_at(&["status", "state"], json!("Pending"));
        self.store.put(request, true);
        self.queue.push(self.clock.now() + INFORMER, Task::UpdateRequest { name: name.to_owned(), cause: seq });
    }

    fn drop_request(&mut self, name: &str) -> Option<Value> {
        self.store.remove(&Key {
            group: "kyverno.io".into(),
            kind: "UpdateRequest".into(),
            namespace: KYVERNO_NAMESPACE.into(),
            name: name.into(),
        })
    }

    fn finish(
        &mut self,
        record: super::recorder::Note,
        name: &str,
        cause: u32,
        before: Option<Value>,
        tone: Tone,
    ) -> u32 {
        let after = self.update_request(name).cloned();
        let made = self.record_of(name).map(|record| (record.trigger.clone(), record.policy.clone()));
        let (trigger, policy) = made.unwrap_or_default();
        self.record(
            record
                .to(Lane::UpdateRequests)
                .cause(Some(cause))
                .subject(trigger)
                .policy(&policy, "")
                .tone(tone)
                .change(before, after)
                .detail(|detail| detail.update_request = Some(name.to_owned())),
        )
    }
}

/// What the end of a trigger, or of its match, asks for.
fn trigger_gone(rule: &Rule, review: &AdmissionRequest) -> Option<Value> {
    let old = review.old_object.as_ref()?;
    if review.operation == Operation::Delete && rule_names_operation(rule, "DELETE") {
        return Some(rule_context(&rule.name, &trigger_spec(old), false));
    }
    let synchronize = rule.generate.as_ref().is_some_and(|generate| generate.synchronize);
    synchronize.then(|| rule_context(&rule.name, &trigger_spec(old), true))
}

/// Whether a rule's match block lists an operation.
fn rule_names_operation(rule: &Rule, operation: &str) -> bool {
    let block = &rule.match_block;
    let filters = block.any.iter().chain(&block.all).chain(std::iter::once(&block.direct));
    filters.into_iter().any(|filter| filter.resources.operations.iter().any(|listed| listed == operation))
}

/// Requests of the background controller itself are left out, unless the rule wants them.
fn skips_background(rule: &Rule, review: &AdmissionRequest) -> bool {
    review.user.username == BACKGROUND_USER && rule.skip_background_requests != Some(false)
}

/// `spec.context` of a request that an admission request led to.
pub(crate) fn admission_context(review: &AdmissionRequest) -> Value {
    let operation = review.operation.as_str();
    let kind = json!({"group": review.kind.group, "version": review.kind.version, "kind": review.kind.kind});
    let resource = json!({"group": review.resource.group, "version": review.resource.version, "resource": review.resource.resource});
    let user = serde_json::to_value(&review.user).unwrap_or_default();
    json!({
        "userInfo": {"roles": review.roles, "clusterRoles": review.cluster_roles, "userInfo": user},
        "admissionRequestInfo": {
            "operation": operation,
            "admissionRequest": {
                "uid": review.uid, "kind": kind, "resource": resource, "subResource": review.subresource,
                "name": review.name, "namespace": review.namespace, "operation": operation, "userInfo": user,
                "object": review.object, "oldObject": review.old_object, "dryRun": review.dry_run,
            },
        },
    })
}

pub(crate) fn trigger_from_labels(labels: &std::collections::BTreeMap<String, String>) -> Value {
    let part = |name: &str| labels.get(&format!("{LABEL_TRIGGER_PREFIX}{name}")).cloned().unwrap_or_default();
    let (group, version) = (part("group"), part("version"));
    let api_version = if group.is_empty() { version } else { format!("{group}/{version}") };
    let mut spec = json!({"apiVersion": api_version, "kind": part("kind")});
    for key in ["name", "namespace", "uid"] {
        if !part(key).is_empty() {
            spec.set_at(&[key], Value::String(part(key)));
        }
    }
    spec
}
