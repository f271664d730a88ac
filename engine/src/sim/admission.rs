//! Kyverno's admission controller: mutation, then validation beside the making of UpdateRequests.
//!
//! The decision and the UpdateRequests of one review are made by goroutines that do not see each other
//! (`pkg/webhooks/resource/handlers.go`, `Validate`). A request that is refused still leaves its UpdateRequests behind.

use std::rc::Rc;

use serde_json::Value;

use super::Cluster;
use super::admission_events::Answer;
use super::api_server::ApiError;
use super::cel_policies::Family;
use super::cel_webhooks::CelWebhook;
use super::journal::{Lane, Tone};
use super::policies::Concerns as _;
use super::recorder::note;
use super::store::reference;
use super::webhooks::{Called, FailurePolicy, is_kyverno_kind};
use crate::eval::cleanup::deletion_time;
use crate::eval::request::AdmissionRequest;
use crate::eval::trace::TraceNode;
use crate::eval::verdict::{RuleResponse, RuleType, Status, Verdict};
use crate::eval::{EvalCx, Mode, action, denial, engine};
use crate::object::ObjectExt;
use crate::object::gvk::ObjectRef;
use crate::policy::ClassicPolicy;
use crate::policy::exception::PolicyException;

/// What one policy said, with the policy.
pub(super) struct Said {
    pub(super) policy: Rc<ClassicPolicy>,
    pub(super) verdict: Verdict,
}

impl Cluster {
    /// The mutating webhooks, one after the other by name.
    pub(crate) fn mutating_phase(
        &mut self,
        review: &mut AdmissionRequest,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<(), ApiError> {
        self.pending_reports.forget(review.subject());
        self.native_mutation(review, asked)?;
        if self.unseen(review).is_some() {
            return Ok(());
        }
        let (before, after): (Vec<_>, Vec<_>) =
            self.cel_webhooks(true).into_iter().partition(|webhook| webhook.name.as_str() < "mutate.kyverno.svc");
        self.call_cel_mutations(&before, review, asked, warnings)?;
        for call in self.classic_calls(review)? {
            if call.called.mutating() {
                let webhook = format!("mutate.kyverno.svc-{}", call.suffix);
                if self.reachable(&webhook, call.failure_policy, asked)? {
                    self.mutate_webhook(review, &call.called, &webhook, call.failure_policy, asked, warnings)?;
                }
            }
        }
        self.call_cel_mutations(&after, review, asked, warnings)
    }

    /// The mutating webhooks of a DELETE, which Kyverno registers for MutatingPolicies: there is nothing to change, but
    /// policies for existing objects are triggered.
    pub(crate) fn mutating_phase_of_delete(
        &mut self,
        review: &AdmissionRequest,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<(), ApiError> {
        if self.unseen(review).is_some() {
            return Ok(());
        }
        let mut webhooks = self.cel_webhooks(true);
        webhooks.retain(|webhook| webhook.policies.iter().all(|entry| entry.family == Family::Mutating));
        self.call_cel_mutations(&webhooks, &mut review.clone(), asked, warnings)
    }

    fn call_cel_mutations(
        &mut self,
        webhooks: &[CelWebhook],
        review: &mut AdmissionRequest,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<(), ApiError> {
        for webhook in webhooks {
            let Some(mut other) = self.converted(webhook, review) else {
                if self.calls(webhook, review)? {
                    self.call_cel_mutation(webhook, review, asked, warnings)?;
                }
                continue;
            };
            if self.calls(webhook, &other)? {
                self.call_cel_mutation(webhook, &mut other, asked, warnings)?;
                review.object = other.object.map(|mut object| {
                    object.set_at(&["apiVersion"], review.kind.api_version().into());
                    object
                });
            }
        }
        Ok(())
    }

    fn mutate_webhook(
        &mut self,
        review: &mut AdmissionRequest,
        called: &Called,
        webhook: &str,
        failure_policy: FailurePolicy,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<(), ApiError> {
        self.hop();
        let subject = subject_of(review);
        let call = self.record(
            note(
                Lane::ApiServer,
                "admission-review",
                format!("AdmissionReview {} (no uid yet)", review.operation.as_str()),
            )
            .to(Lane::Mutating)
            .cause(Some(asked))
            .subject(subject.clone())
            .anchor(format!("review:{webhook}/{subject}"))
            .upstream("pkg/webhooks/resource/handlers.go"),
        );
        let before = review.object.clone();
        let mut trace = Vec::new();
        let mut mutated = Vec::new();
        let mut said = Vec::new();
        let (seconds, _) = self.clock.unix();
        for (policies, door) in
            [(&called.mutate, engine::mutate as Door), (&called.images, engine::verify_images as Door)]
        {
            for policy in policies {
                let verdict = self.evaluate(door, policy, review);
                trace.extend(TraceNode::of_policy(&policy.key(), &verdict.trace));
                self.tell_rules(policy, &verdict, Lane::Mutating, call, &subject);
                if let Some(patched) = verdict.patched.clone() {
                    review.object = Some(patched);
                }
                warnings.extend(action::warnings(policy, &verdict));
                let by = super::reports::reporter(policy);
                let changes = verdict.rules.iter().filter(|rule| rule.rule_type == RuleType::Mutation);
                mutated.extend(changes.map(|rule| super::reports::row(&by, rule, seconds)));
                let failed = verdict.rules.iter().any(|rule| matches!(rule.status, Status::Fail | Status::Error));
                if failed && failure_policy == FailurePolicy::Fail {
                    let message = denial::mutation_refused(policy, &verdict);
                    return Err(self.deny(webhook, &message, Lane::Mutating, call, &subject));
                }
                said.push(Said { policy: Rc::clone(policy), verdict });
            }
        }
        if !review.dry_run {
            let answers: Vec<Answer<'_>> =
                said.iter().map(|said| Answer { policy: &said.policy, verdict: &said.verdict }).collect();
            self.emit_admission_events(before.as_ref().unwrap_or(&Value::Null), &answers, false);
            self.pending_reports.expect(review.subject(), mutated);
        }
        self.hop();
        let changed = review.object != before;
        let text = if changed { "allowed, with a patch" } else { "allowed, no patch" };
        self.record(
            note(Lane::Mutating, "admission-response", text)
                .to(Lane::ApiServer)
                .cause(Some(call))
                .subject(subject)
                .tone(if changed { Tone::Mutate } else { Tone::Info })
                .change(if changed { before } else { None }, if changed { review.object.clone() } else { None }),
        );
        if let Some(event) = self.journal.event_mut(call) {
            event.detail.trace = trace;
        }
        Ok(())
    }

    /// The validating webhooks. They run beside each other; all are called, and the first refusal is returned.
    pub(crate) fn validating_phase(
        &mut self,
        review: &AdmissionRequest,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<(), ApiError> {
        self.native_validation(review, asked, warnings)?;
        // The cleanup controller's webhook for labelled objects (`cmd/cleanup-controller/handlers/admission/resource`).
        if let Some(Err(error)) = review.object.as_ref().and_then(deletion_time) {
            let words = "cleanup.kyverno.io/ttl label value cannot be parsed as any recognizable format";
            warnings.push(format!("{words} ({error})"));
        }
        let own = is_kyverno_kind(&review.kind.group, &review.kind.kind);
        if own {
            self.policy_admission(review, asked, warnings)?;
        }
        if let Some(why) = self.unseen(review) {
            if !own {
                self.say_unseen(review, asked, &why);
            }
            return Ok(());
        }
        let mut refused = None;
        let mut any = false;
        let (before, after): (Vec<_>, Vec<_>) =
            self.cel_webhooks(false).into_iter().partition(|webhook| webhook.name.as_str() < "validate.kyverno.svc");
        any |= self.call_cel_validations(&before, review, asked, warnings, &mut refused);
        for call in self.classic_calls(review)? {
            let shared = call.suffix == call.failure_policy.suffix();
            let downstream = shared && self.watches_downstream(review, call.failure_policy);
            if call.called.validating() || downstream {
                any = true;
                let webhook = format!("validate.kyverno.svc-{}", call.suffix);
                let result = self.reachable(&webhook, call.failure_policy, asked).and_then(|reached| match reached {
                    true => self.validate_webhook(review, &call.called, &webhook, asked, warnings),
                    false => Ok(()),
                });
                refused = refused.or(result.err());
            }
        }
        any |= self.call_cel_validations(&after, review, asked, warnings, &mut refused);
        if !any && !own && (!self.policies.classic.is_empty() || !self.policies.cel.is_empty()) {
            let mut later = self.journal.events.iter().skip(asked as usize);
            let mutated = later.any(|event| event.cause == Some(asked) && event.to == Some(Lane::Mutating));
            let why = match mutated {
                true => {
                    "no validating webhook of Kyverno is called: no policy validates or generates for this kind and operation"
                }
                false => {
                    "Kyverno is not asked: no policy names this kind and operation, so no webhook is registered for it"
                }
            };
            self.say_unseen(review, asked, why);
        }
        refused.map_or(Ok(()), Err)
    }

    /// Calls webhooks of CEL policies; says whether any was called.
    fn call_cel_validations(
        &mut self,
        webhooks: &[CelWebhook],
        review: &AdmissionRequest,
        asked: u32,
        warnings: &mut Vec<String>,
        refused: &mut Option<ApiError>,
    ) -> bool {
        let mut any = false;
        for webhook in webhooks {
            let other = self.converted(webhook, review);
            let review = other.as_ref().unwrap_or(review);
            let result = match self.calls(webhook, review) {
                Ok(false) => continue,
                Ok(true) => self.call_cel_validation(webhook, review, asked, warnings),
                Err(error) => Err(error),
            };
            any = true;
            if let Err(error) = result {
                refused.get_or_insert(error);
            }
        }
        any
    }

    fn say_unseen(&mut self, review: &AdmissionRequest, asked: u32, why: &str) {
        if review.user.username.starts_with("system:serviceaccount:kyverno:") {
            return;
        }
        let mut trace = Vec::new();
        for policy in self.policies.classic.clone() {
            trace.extend(self.explain(&policy, review));
        }
        for entry in self.policies.cel.clone() {
            trace.extend(self.explain_cel(&entry, review));
        }
        self.record(
            note(Lane::ApiServer, "not-reviewed", why).cause(Some(asked)).subject(subject_of(review)).trace(trace),
        );
    }

    /// What a policy that is not asked would have said.
    fn explain(&self, policy: &ClassicPolicy, review: &AdmissionRequest) -> Option<TraceNode> {
        let doors = [engine::validate as Door, engine::mutate, engine::background_checks, engine::verify_images];
        let trace: Vec<TraceNode> =
            doors.into_iter().flat_map(|door| self.evaluate(door, policy, review).trace).collect();
        TraceNode::of_policy(&policy.key(), &trace)
    }

    /// The policies that no webhook asks about this kind, with the reason.
    fn explain_unasked(&self, review: &AdmissionRequest) -> Vec<TraceNode> {
        let (kind, subresource) = (&review.kind, review.subresource.as_str());
        let unasked = self.policies.classic.iter().filter(|policy| !policy.names_kind(kind, subresource, |_| true));
        unasked.filter_map(|policy| self.explain(policy, review)).collect()
    }

    fn validate_webhook(
        &mut self,
        review: &AdmissionRequest,
        called: &Called,
        webhook: &str,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<(), ApiError> {
        self.hop();
        let subject = subject_of(review);
        let with_uid = if review.subject().uid().is_empty() { "" } else { " (uid assigned)" };
        let call = self.record(
            note(Lane::ApiServer, "admission-review", format!("AdmissionReview {}{with_uid}", review.operation.as_str()))
                .to(Lane::Validating)
                .cause(Some(asked))
                .subject(subject.clone())
                .anchor(format!("review:{webhook}/{subject}"))
                .remark("The API server calls the webhook before anything is stored. The object has its uid already; no watch event exists.")
                .upstream("pkg/webhooks/resource/handlers.go"),
        );
        self.hop();
        if self.protects(review) {
            let message = "A kyverno managed resource can only be modified by kyverno";
            return Err(self.deny(webhook, message, Lane::Validating, call, &subject));
        }
        // The goroutine that makes UpdateRequests; it neither waits for the decision below nor sees it.
        let mut trace = Vec::new();
        if !review.dry_run {
            trace.extend(self.background_triggers(review, called, call));
        }
        let decision = self.decide(review, called, call, &subject, warnings, &mut trace);
        trace.extend(self.explain_unasked(review));
        if let Some(event) = self.journal.event_mut(call) {
            event.detail.trace = trace;
        }
        self.hop();
        match decision {
            Some(message) => Err(self.deny(webhook, &message, Lane::Validating, call, &subject)),
            None => {
                self.record(
                    note(Lane::Validating, "admission-response", "allowed: true")
                        .to(Lane::ApiServer)
                        .cause(Some(call))
                        .subject(subject)
                        .tone(Tone::Allow),
                );
                Ok(())
            }
        }
    }

    /// Evaluates the policies and says whether, and with which words, the request is refused.
    fn decide(
        &mut self,
        review: &AdmissionRequest,
        called: &Called,
        call: u32,
        subject: &ObjectRef,
        warnings: &mut Vec<String>,
        trace: &mut Vec<TraceNode>,
    ) -> Option<String> {
        let labels = self.namespace_labels_of(review);
        let place = action::Place { namespace: &review.namespace, labels: &labels };
        let mut said = Vec::new();
        for policy in &called.validate {
            let mut verdict = self.evaluate(engine::validate, policy, review);
            action::explain(policy, &mut verdict, &review.kind.kind, place, self.behaviour.profile);
            trace.extend(TraceNode::of_policy(&policy.key(), &verdict.trace));
            self.tell_rules(policy, &verdict, Lane::Validating, call, subject);
            said.push(Said { policy: Rc::clone(policy), verdict });
        }
        let enforces =
            |policy: &ClassicPolicy| policy.spec.rules.iter().any(|rule| action::enforce(policy, rule, place));
        let enforced: Vec<&Said> = said.iter().filter(|said| enforces(&said.policy)).collect();
        let profile = self.behaviour.profile;
        let blocks = |said: &&&Said| action::blocks(&said.policy, &said.verdict, &review.kind.kind, place, profile);
        let blockers: Vec<String> = enforced.iter().filter(blocks).map(|said| said.policy.key()).collect();
        for said in &enforced {
            self.log_decision(said, call, blockers.contains(&said.policy.key()));
        }
        let blocked = !blockers.is_empty();
        let message = blocked.then(|| {
            let verdicts: Vec<(&ClassicPolicy, &[RuleResponse])> =
                enforced.iter().map(|said| (&*said.policy, said.verdict.rules.as_slice())).collect();
            denial::blocked(review.subject(), &verdicts, self.behaviour.folds_denials)
        });
        if !blocked {
            for said in &said {
                warnings.extend(action::warnings(&said.policy, &said.verdict));
            }
        }
        if !review.dry_run {
            let resource = review.subject().clone();
            let mut answers = Vec::new();
            for one in &said {
                if !blocked || enforced.iter().any(|enforced| std::ptr::eq(*enforced, one)) {
                    answers.push(Answer { policy: &one.policy, verdict: &one.verdict });
                }
            }
            self.emit_admission_events(&resource, &answers, blocked);
            if !blocked && review.operation != crate::eval::request::Operation::Delete {
                let (seconds, _) = self.clock.unix();
                let rows = said.iter().flat_map(|said| {
                    said.verdict
                        .rules
                        .iter()
                        .map(|rule| super::reports::row(&super::reports::reporter(&said.policy), rule, seconds))
                });
                self.report(review.subject(), rows.collect());
            }
        }
        message
    }

    fn log_decision(&mut self, said: &Said, call: u32, blocking: bool) {
        let failed: Vec<&str> = said
            .verdict
            .rules
            .iter()
            .filter(|rule| matches!(rule.status, Status::Fail | Status::Error))
            .map(|rule| rule.name.as_str())
            .collect();
        let policy = &said.policy.name;
        let logger = "logger=webhooks/resource/validate";
        let place = "github.com/kyverno/kyverno/pkg/webhooks/resource/validation/validation.go";
        if !failed.is_empty() {
            let rules = serde_json::to_string(&failed).unwrap_or_default();
            let line = self.behaviour.line_validation_failed;
            let text = format!("validation failed action=Enforce failed rules={rules} {logger} policy={policy} v=2");
            self.log_line("kyverno-admission-controller", "TRC", place, line, &text, call, false);
        } else if said.verdict.rules.iter().any(|rule| rule.status == Status::Pass) {
            let line = self.behaviour.line_validation_passed;
            let text = format!("validation passed action=validate {logger} policy={policy} v=2");
            self.log_line("kyverno-admission-controller", "TRC", place, line, &text, call, false);
        }
        if blocking {
            let place = "github.com/kyverno/kyverno/pkg/webhooks/utils/block.go";
            let text = format!("blocking admission request action=validate {logger} policy={policy} v=2");
            self.log_line(
                "kyverno-admission-controller",
                "TRC",
                place,
                self.behaviour.line_blocking,
                &text,
                call,
                false,
            );
        }
    }

    /// Kyverno refuses; the API server puts its prefix in front.
    pub(crate) fn deny(
        &mut self,
        webhook: &str,
        message: &str,
        lane: Lane,
        call: u32,
        subject: &ObjectRef,
    ) -> ApiError {
        let full = format!("admission webhook \"{webhook}\" denied the request: {message}");
        self.record(
            note(lane, "denied-by", "allowed: false")
                .to(Lane::ApiServer)
                .cause(Some(call))
                .subject(subject.clone())
                .tone(Tone::Deny)
                .message(message),
        );
        ApiError { code: 400, reason: String::new(), message: full }
    }

    /// Whether Kyverno answers at all; `failurePolicy` decides where it does not.
    pub(crate) fn reachable(
        &mut self,
        webhook: &str,
        failure_policy: FailurePolicy,
        asked: u32,
    ) -> Result<bool, ApiError> {
        if !self.config.unreachable {
            return Ok(true);
        }
        let text = format!("no answer from {webhook}; failurePolicy {failure_policy:?}");
        self.record(note(Lane::ApiServer, "webhook-failed", text).cause(Some(asked)).tone(Tone::Deny));
        if failure_policy == FailurePolicy::Ignore {
            return Ok(false);
        }
        let path = webhook.split('.').next().unwrap_or("validate");
        Err(ApiError {
            code: 500,
            reason: "InternalError".into(),
            message: format!(
                "Internal error occurred: failed calling webhook \"{webhook}\": failed to call webhook: Post \"https://kyverno-svc.kyverno.svc:443/{path}/{}?timeout=10s\": dial tcp 10.96.0.20:443: connect: connection refused",
                failure_policy.suffix()
            ),
        })
    }

    /// Evaluates one policy for a request.
    pub(crate) fn evaluate(&self, door: Door, policy: &ClassicPolicy, review: &AdmissionRequest) -> Verdict {
        let exceptions = Rc::clone(&self.policies.exceptions);
        let usable: &[PolicyException] = if self.exceptions_enabled() { &exceptions } else { &[] };
        let cx = EvalCx {
            request: review,
            view: self,
            exceptions: usable,
            profile: self.behaviour.profile,
            mode: Mode::Admission,
            trace: true,
        };
        door(policy, &cx)
    }

    pub(crate) fn exceptions_enabled(&self) -> bool {
        self.config.policy_exceptions.unwrap_or(true)
    }

    pub(crate) fn namespace_labels_of(&self, review: &AdmissionRequest) -> std::collections::BTreeMap<String, String> {
        crate::eval::view::View::namespace_labels(self, &review.namespace).unwrap_or_default()
    }

    /// One event per rule that gave an answer.
    fn tell_rules(&mut self, policy: &ClassicPolicy, verdict: &Verdict, lane: Lane, call: u32, subject: &ObjectRef) {
        for rule in &verdict.rules {
            let (kind, tone, words) = match rule.status {
                Status::Pass if lane == Lane::Mutating => ("rule-mutate", Tone::Mutate, "changes it".to_owned()),
                Status::Pass => ("rule-pass", Tone::Allow, "holds".to_owned()),
                Status::Fail => ("rule-fail", Tone::Deny, why(&verdict.trace, rule)),
                Status::Warn => ("rule-warn", Tone::Warn, why(&verdict.trace, rule)),
                Status::Error => ("rule-error", Tone::Deny, "cannot be evaluated".to_owned()),
                Status::Skip => ("rule-skip", Tone::Info, "is skipped".to_owned()),
            };
            let trace = rule_trace(&verdict.trace, &rule.name);
            self.record(
                note(lane, kind, format!("rule {}: {words}", rule.name))
                    .cause(Some(call))
                    .subject(subject.clone())
                    .policy(&policy.key(), &rule.name)
                    .tone(tone)
                    .message(rule.message.clone())
                    .trace(trace),
            );
        }
    }
}

/// A way to evaluate a policy.
pub(crate) type Door = fn(&ClassicPolicy, &EvalCx<'_>) -> Verdict;

/// The trace nodes of one rule.
pub(crate) fn rule_trace(trace: &[TraceNode], rule: &str) -> Vec<TraceNode> {
    trace.iter().filter(|node| node.is_rule(rule)).cloned().collect()
}

/// The words of the deepest decision that came out wrong.
pub(crate) fn deepest_words(trace: &[TraceNode]) -> Option<String> {
    trace.iter().find_map(TraceNode::failure).filter(|node| node.kind != "rule").map(|node| node.text.clone())
}

/// The shortest true sentence about a failure: the deepest decision that came out wrong.
fn why(trace: &[TraceNode], rule: &RuleResponse) -> String {
    let node = trace.iter().filter(|node| node.is_rule(&rule.name)).find_map(TraceNode::failure);
    match node {
        Some(node) if node.kind != "rule" => node.text.clone(),
        _ => "does not hold".to_owned(),
    }
}

/// The object of a request, for people.
pub(crate) fn subject_of(review: &AdmissionRequest) -> ObjectRef {
    let mut subject = reference(review.subject());
    if subject.name.is_empty() {
        subject.name = review.subject().generate_name().to_owned();
    }
    if subject.api_version.is_empty() {
        subject = ObjectRef { name: review.name.clone(), ..subject };
    }
    subject
}
