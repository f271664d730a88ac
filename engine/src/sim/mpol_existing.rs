//! MutatingPolicies that change existing objects: UpdateRequests of type `cel-mutate` and the events of the policies.
//! Follows `pkg/background/mpol/processor.go` and `pkg/policy/mpol.go`.

use serde_json::{Value, json};

use super::Cluster;
use super::api_server::{ApiRequest, Verb};
use super::background::{Attempt, background_review};
use super::config::BACKGROUND_USER;
use super::journal::{Lane, Tone};
use super::k8s_events::{Fact, Subject};
use super::policy_events::key_of;
use super::recorder::note;
use super::reports::{Reporter, row};
use super::store::{Key, reference};
use super::update_requests::{Wish, admission_context};
use crate::eval::cel::mutating;
use crate::eval::request::{AdmissionRequest, Operation};
use crate::eval::verdict::{Status, Verdict};
use crate::object::ObjectExt;
use crate::object::read::read;
use crate::policy::constraints::MatchResources;
use crate::policy::mutating::MutatingPolicy;

impl Cluster {
    /// Performs an UpdateRequest of type `cel-mutate`.
    pub(super) fn cel_mutate_request(&mut self, attempt: &Attempt) {
        let key = attempt.policy_key.clone();
        let failures = match self.cel_policy("MutatingPolicy", &key) {
            None => {
                vec![format!("failed to fetch mpol {key}: mutatingpolicies.policies.kyverno.io \"{key}\" not found")]
            }
            Some(raw) => match compile(&raw) {
                Ok(compiled) => self.cel_mutate(attempt, &raw, &compiled),
                Err(problem) => vec![problem],
            },
        };
        let last = u32::try_from(self.journal.events.len()).unwrap_or(attempt.seq);
        if failures.is_empty() {
            self.complete_request(&attempt.name, last);
        } else {
            self.fail_request(&attempt.name, &failures.join("; "), last);
        }
    }

    fn cel_mutate(&mut self, attempt: &Attempt, raw: &Value, compiled: &mutating::Compiled) -> Vec<String> {
        let targets = match self.cel_targets(attempt, raw, compiled) {
            Ok(targets) => targets,
            Err(error) => return vec![error],
        };
        let mut failures = Vec::new();
        for target in targets {
            failures.extend(self.cel_mutate_target(attempt, raw, compiled, &target));
        }
        failures
    }

    /// What is to be changed: what the target expression gives for the trigger, or everything that the constraints name.
    fn cel_targets(
        &mut self,
        attempt: &Attempt,
        raw: &Value,
        compiled: &mutating::Compiled,
    ) -> Result<Vec<Value>, String> {
        if raw.str_at(&["spec", "targetMatchConstraints", "expression"]).is_empty() {
            return Ok(self.cel_triggers(compiled.target_constraints(), raw.namespace()));
        }
        let admission = attempt.request.at(&["spec", "context", "admissionRequestInfo", "admissionRequest"]).cloned();
        let missing = || "invalid update request passed, the fields needed to extract resource data are nil".to_owned();
        let admission = admission.ok_or_else(missing)?;
        let deleted = admission.str_at(&["operation"]) == "DELETE";
        let payload = admission.get(if deleted { "oldObject" } else { "object" }).filter(|object| !object.is_null());
        let payload = payload.cloned().ok_or_else(missing)?;
        let trigger = if deleted {
            payload
        } else {
            self.store.get(&Key::of(&payload)).cloned().ok_or_else(|| {
                let gvr = self.catalog.gvr_of(&payload.gvk());
                let resource = gvr.map(|gvr| super::api_server::qualified(&gvr)).unwrap_or_default();
                format!("{resource} \"{}\" not found", payload.name())
            })?
        };
        let review = background_review(attempt, &trigger, self);
        let found = {
            let cx = self.cel_background(&review);
            if !compiled.triggers(&cx) {
                return Ok(Vec::new());
            }
            compiled.target_of(&cx).unwrap_or(Value::Null)
        };
        if let Some(Value::Array(items)) = found.get("items") {
            return Ok(items.clone());
        }
        Ok(if found.is_object() { vec![found] } else { Vec::new() })
    }

    fn cel_mutate_target(
        &mut self,
        attempt: &Attempt,
        raw: &Value,
        compiled: &mutating::Compiled,
        target: &Value,
    ) -> Option<String> {
        let mut own = self.existing_review(target);
        own.subresource = target_subresource(raw, &own);
        if self.filtered(&own).is_some() {
            return None;
        }
        let review = self.target_review(attempt, target);
        let exceptions = &self.policies.cel_exceptions;
        let verdict = compiled.evaluate_target(target, &self.cel_background(&review), exceptions);
        let patched = verdict.patched.clone()?;
        let changed = patched != *target;
        if changed {
            let seq = self.record(
                note(Lane::Background, "rule-mutate-existing", format!("{} changes it", raw.name()))
                    .cause(Some(attempt.seq))
                    .subject(reference(target))
                    .policy(&key_of(raw), "")
                    .tone(Tone::Mutate)
                    .trace(verdict.trace.clone())
                    .upstream("pkg/background/mpol/processor.go"),
            );
            let mut body = patched;
            body.remove_at(&["metadata", "resourceVersion"]);
            let mut request = ApiRequest::about(Verb::Update, &body);
            request.subresource = own.subresource;
            let result = self.request(request.by(BACKGROUND_USER, Lane::Background, Some(seq))).result;
            match result {
                Err(error) if error.is_not_found() => return None,
                Err(error) => {
                    let key = &attempt.policy_key;
                    return Some(format!("failed to update target resource for mpol {key}: {}", error.message));
                }
                Ok(_) => {}
            }
        }
        self.tell_cel_mutated(raw, target, &verdict);
        None
    }

    /// The request as the expressions see it: the one that triggered the mutation, or one for the target itself.
    fn target_review(&self, attempt: &Attempt, target: &Value) -> AdmissionRequest {
        let admission = attempt.request.at(&["spec", "context", "admissionRequestInfo", "admissionRequest"]);
        let Some(admission) = admission.filter(|admission| admission.is_object()) else {
            let mut review = self.existing_review(target);
            review.operation = Operation::Update;
            return review;
        };
        let part = |key: &str| admission.get(key).filter(|object| !object.is_null()).cloned();
        let (object, old_object) = (part("object"), part("oldObject"));
        let payload = object.clone().or_else(|| old_object.clone()).unwrap_or(Value::Null);
        let mut review = background_review(attempt, &payload, self);
        review.object = object;
        review.old_object = old_object;
        admission.str_at(&["name"]).clone_into(&mut review.name);
        admission.str_at(&["namespace"]).clone_into(&mut review.namespace);
        review
    }

    fn tell_cel_mutated(&mut self, raw: &Value, target: &Value, verdict: &Verdict) {
        let place = match target.namespace() {
            "" => format!("{} {}", target.kind(), target.name()),
            namespace => format!("{} {namespace}/{}", target.kind(), target.name()),
        };
        if verdict.rules.iter().any(|rule| rule.status == Status::Pass) {
            let message = format!("{place} is successfully mutated");
            let fact =
                Fact { source: "kyverno-admission", reason: "PolicyApplied", action: "Resource Mutated", message };
            self.emit(fact, &Subject::Object(raw), Some(target));
        }
        let annotations = raw.annotations();
        let background = raw.at(&["spec", "evaluation", "background", "enabled"]) != Some(&Value::Bool(false));
        let by =
            Reporter { source: "KyvernoMutatingPolicy", policy: key_of(raw), annotations: &annotations, background };
        let (seconds, _) = self.clock.unix();
        let rows = verdict.rules.iter().map(|rule| row(&by, rule, seconds)).collect();
        self.report(target, rows);
    }

    /// A MutatingPolicy was written.
    pub(super) fn mpol_written(&mut self, before: Option<&Value>, after: &Value, asked: u32) {
        if before.is_none_or(|before| before.get("spec") != after.get("spec")) {
            self.sync_mpol(after, asked);
        }
    }

    /// Asks for what a policy changes: on its events, and every hour unless it has a target expression.
    pub(super) fn sync_mpol(&mut self, raw: &Value, cause: u32) {
        if raw.at(&["spec", "evaluation", "mutateExisting", "enabled"]) != Some(&Value::Bool(true)) {
            return;
        }
        let wish = |context: Value| Wish {
            request_type: "cel-mutate",
            policy: key_of(raw),
            rule: String::new(),
            rule_context: Vec::new(),
            context,
            generated: Vec::new(),
        };
        if raw.str_at(&["spec", "targetMatchConstraints", "expression"]).is_empty() {
            self.wish(wish(json!({})), cause);
            return;
        }
        let constraints = raw.at(&["spec", "matchConstraints"]).cloned().unwrap_or(Value::Null);
        let constraints = read::<MatchResources>(&constraints).ok();
        for trigger in self.cel_triggers(constraints.as_ref(), raw.namespace()) {
            let mut review = self.existing_review(&trigger);
            review.operation = Operation::Update;
            self.wish(wish(admission_context(&review)), cause);
        }
    }
}

fn compile(raw: &Value) -> Result<mutating::Compiled, String> {
    let policy = MutatingPolicy::from_value(raw)?;
    mutating::Compiled::new(&policy).map_err(|problem| problem.to_string())
}

/// `status` where the constraints name `pods/status`.
fn target_subresource(raw: &Value, review: &AdmissionRequest) -> String {
    let of = |field: &str| raw.at(&["spec", field, "resourceRules"]).and_then(Value::as_array).cloned();
    let rules = of("targetMatchConstraints").filter(|rules| !rules.is_empty()).or_else(|| of("matchConstraints"));
    let resources: Vec<Value> = rules
        .into_iter()
        .flatten()
        .filter_map(|rule| rule.get("resources").and_then(Value::as_array).cloned())
        .flatten()
        .collect();
    let subresource = |resource: &Value| {
        let (parent, subresource) = resource.as_str()?.split_once('/')?;
        (parent == review.resource.resource && subresource != "*").then(|| subresource.to_owned())
    };
    resources.iter().find_map(subresource).unwrap_or_default()
}
