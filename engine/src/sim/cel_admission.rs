//! The admission webhooks of CEL policies: each call evaluates the policies that its path names.
//!
//! Follows `pkg/webhooks/resource/{vpol,mpol,gpol,ivpol}/handler.go`.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

use super::Cluster;
use super::admission::{deepest_words, subject_of};
use super::api_server::ApiError;
use super::cel_policies::{Body, CelEntry, Family};
use super::cel_webhooks::CelWebhook;
use super::config::BACKGROUND_USER;
use super::journal::{Lane, Tone};
use super::k8s_events::{Fact, Subject};
use super::recorder::note;
use super::update_requests::{Wish, admission_context, trigger_spec};
use super::webhooks::FailurePolicy;
use crate::eval::request::{AdmissionRequest, Operation};
use crate::eval::trace::{Outcome, TraceNode};
use crate::eval::verdict::{RuleResponse, RuleType, Status, Verdict};
use crate::eval::{EvalCx, Mode};
use crate::object::ObjectExt;
use crate::object::gvk::ObjectRef;
use crate::policy::exception::PolicyException;

/// What one policy said, with the policy.
struct Said {
    entry: Rc<CelEntry>,
    verdict: Verdict,
}

impl Cluster {
    /// The surroundings of an evaluation at admission.
    pub(crate) fn cel_context<'a>(
        &'a self,
        review: &'a AdmissionRequest,
        exceptions: &'a [PolicyException],
    ) -> EvalCx<'a> {
        EvalCx {
            request: review,
            view: self,
            exceptions,
            profile: self.behaviour.profile,
            mode: Mode::Admission,
            trace: true,
        }
    }

    /// Evaluates one CEL policy for a request.
    pub(crate) fn evaluate_cel(&self, entry: &CelEntry, review: &AdmissionRequest) -> Verdict {
        let cx = self.cel_context(review, &[]);
        match &entry.body {
            Body::Validating(compiled) => compiled.evaluate(&cx, &self.policies.cel_exceptions),
            Body::Mutating(compiled) => compiled.evaluate(&cx, &self.policies.cel_exceptions),
            Body::Images(_) if !entry.in_namespace(&review.namespace) => Verdict::default(),
            Body::Images(compiled) => compiled.evaluate(&cx, &self.policies.cel_exceptions),
            Body::Generating(_) | Body::None => Verdict::default(),
        }
    }

    /// What a policy decides, or for a generating policy would decide, about a request.
    pub(crate) fn explain_cel(&self, entry: &CelEntry, review: &AdmissionRequest) -> Option<TraceNode> {
        let trace = match &entry.body {
            Body::Generating(_) if !entry.in_namespace(&review.namespace) => Vec::new(),
            Body::Generating(compiled) => compiled.explain(&self.cel_context(review, &[])),
            _ => self.evaluate_cel(entry, review).trace,
        };
        TraceNode::of_policy(&entry.policy.key(), &trace)
    }

    /// Calls a webhook of the mutating phase.
    pub(crate) fn call_cel_mutation(
        &mut self,
        webhook: &CelWebhook,
        review: &mut AdmissionRequest,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<(), ApiError> {
        let Some(call) = self.open_call(webhook, review, Lane::Mutating, asked)? else { return Ok(()) };
        let subject = subject_of(review);
        let before = review.object.clone();
        if webhook.policies.iter().any(|entry| entry.family == Family::Images) {
            self.pin_digests(webhook, review, call, warnings)?;
        } else {
            let errors = self.mutating_policies(webhook, review, call);
            if !errors.is_empty() {
                let message = format!(
                    "Resource: {}/{}, Kind: {}, Errors: [{}]",
                    review.namespace,
                    review.name,
                    review.kind.kind,
                    errors.join(" ")
                );
                return Err(self.deny(&webhook.name, &message, Lane::Mutating, call, &subject));
            }
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
        Ok(())
    }

    /// Mutates with the policies of the path, each on the result of the one before; the UpdateRequests of policies that
    /// mutate other objects are made beside. Gives the errors of policies that fail closed.
    fn mutating_policies(&mut self, webhook: &CelWebhook, review: &mut AdmissionRequest, call: u32) -> Vec<String> {
        let subject = subject_of(review);
        let background = review.user.username == BACKGROUND_USER;
        let entries: Vec<Rc<CelEntry>> =
            webhook.policies.iter().filter(|entry| !(background && entry.skips_background())).cloned().collect();
        if entries.is_empty() {
            return Vec::new();
        }
        let asked = review.clone();
        let (mut errors, mut trace, mut said) = (Vec::new(), Vec::new(), Vec::new());
        for entry in entries.iter().filter(|entry| !entry.has_targets()) {
            let verdict = self.evaluate_cel(entry, review);
            trace.extend(TraceNode::of_policy(&entry.policy.key(), &verdict.trace));
            self.tell_policy(entry, &verdict, Lane::Mutating, call, &subject);
            if let Some(patched) = verdict.patched.clone().filter(|_| review.object.is_some()) {
                review.object = Some(patched);
            }
            if entry.fails_closed(self.config.force_failure_policy_ignore) {
                let failed = verdict.rules.iter().filter(|rule| rule.status == Status::Error);
                errors.extend(failed.map(|rule| format!("Policy {}: {}", entry.policy.name, rule.message)));
            }
            said.push(Said { entry: Rc::clone(entry), verdict });
        }
        if let Some(event) = self.journal.event_mut(call) {
            event.detail.trace = trace;
        }
        if asked.dry_run {
            return errors;
        }
        for one in &said {
            self.emit_cel_events(&one.entry, &one.verdict.rules, &asked, false);
        }
        if asked.operation != Operation::Delete {
            let rows = self.rows_of(&said);
            self.pending_reports.expect(asked.subject(), rows);
        }
        let cx_entries = self.policies.cel.clone();
        for entry in cx_entries.iter().filter(|entry| !(background && entry.skips_background()) && entry.at_admission())
        {
            let Body::Mutating(compiled) = &entry.body else { continue };
            let mine = entry.in_namespace(&asked.namespace) && compiled.triggers(&self.cel_context(&asked, &[]));
            if !mine {
                continue;
            }
            self.record(
                note(Lane::Mutating, "rule-match", format!("{} matches", entry.policy.name))
                    .cause(Some(call))
                    .subject(subject.clone())
                    .policy(&entry.policy.key(), "")
                    .tone(Tone::Mutate),
            );
            self.wish(
                Wish {
                    request_type: "cel-mutate",
                    policy: entry.policy.key(),
                    rule: String::new(),
                    rule_context: vec![super::update_requests::rule_context("", &trigger_spec(asked.subject()), false)],
                    context: admission_context(&asked),
                    generated: Vec::new(),
                },
                call,
            );
        }
        errors
    }

    /// Replaces tags by digests for the image validating policies of the path.
    fn pin_digests(
        &mut self,
        webhook: &CelWebhook,
        review: &mut AdmissionRequest,
        call: u32,
        warnings: &mut Vec<String>,
    ) -> Result<(), ApiError> {
        let subject = subject_of(review);
        let mut errors = Vec::new();
        for entry in webhook.policies.iter().filter(|entry| entry.in_namespace(&review.namespace)) {
            let Body::Images(compiled) = &entry.body else { continue };
            let (patched, failed) = compiled.pin_digests(&self.cel_context(review, &[]), &self.policies.cel_exceptions);
            if let Some(patched) = patched {
                review.object = Some(patched);
            }
            if failed.is_empty() {
                continue;
            }
            let message = format!("failed to update digest: {}", failed.join("; "));
            let rule = RuleResponse::new("mutateDigest", RuleType::ImageVerify, Status::Error, message);
            let one = Said { entry: Rc::clone(entry), verdict: Verdict { rules: vec![rule], ..Verdict::default() } };
            self.tell_policy(entry, &one.verdict, Lane::Mutating, call, &subject);
            if entry.acts("Deny") {
                errors.extend(one.complaints());
            }
            if entry.acts("Warn") {
                warnings.extend(one.complaints());
            }
        }
        if errors.is_empty() {
            return Ok(());
        }
        Err(self.deny(&webhook.name, &errors.join("; "), Lane::Mutating, call, &subject))
    }

    /// Calls a webhook of the validating phase.
    pub(crate) fn call_cel_validation(
        &mut self,
        webhook: &CelWebhook,
        review: &AdmissionRequest,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<(), ApiError> {
        let Some(call) = self.open_call(webhook, review, Lane::Validating, asked)? else { return Ok(()) };
        if webhook.policies.iter().any(|entry| entry.family == Family::Generating) {
            self.generating_policies(webhook, review, call);
            self.close_call(review, Lane::Validating, call);
            return Ok(());
        }
        let subject = subject_of(review);
        let mut said = Vec::new();
        let mut trace = Vec::new();
        for (entry, mut verdict) in webhook.policies.iter().zip(self.verdicts(webhook, review)) {
            entry.explain_actions(&mut verdict);
            trace.extend(TraceNode::of_policy(&entry.policy.key(), &verdict.trace));
            self.tell_policy(entry, &verdict, Lane::Validating, call, &subject);
            said.push(Said { entry: Rc::clone(entry), verdict });
        }
        if let Some(event) = self.journal.event_mut(call) {
            event.detail.trace = trace;
        }
        let errors: Vec<String> = said.iter().filter(|one| one.entry.acts("Deny")).flat_map(Said::complaints).collect();
        warnings.extend(said.iter().filter(|one| one.entry.acts("Warn")).flat_map(Said::complaints));
        self.audit(review, &said);
        self.hop();
        if errors.is_empty() {
            self.close_call(review, Lane::Validating, call);
            return Ok(());
        }
        Err(self.deny(&webhook.name, &errors.join("; "), Lane::Validating, call, &subject))
    }

    /// What the policies of a webhook say. Of image validating policies each knows what the others verified.
    fn verdicts(&self, webhook: &CelWebhook, review: &AdmissionRequest) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> =
            webhook.policies.iter().map(|entry| self.evaluate_cel(entry, review)).collect();
        let mut verified: BTreeMap<String, bool> = BTreeMap::new();
        for (image, good) in verdicts.iter().flat_map(|verdict| &verdict.verified) {
            *verified.entry(image.clone()).or_default() |= good;
        }
        for (entry, verdict) in webhook.policies.iter().zip(&mut verdicts) {
            if let Body::Images(compiled) = &entry.body
                && verdict.verified != verified
                && entry.in_namespace(&review.namespace)
            {
                let cx = self.cel_context(review, &[]);
                *verdict = compiled.evaluate_beside(&cx, &self.policies.cel_exceptions, &verified);
            }
        }
        verdicts
    }

    /// The arrow of a call; `None` where Kyverno cannot be reached and that does not matter.
    pub(crate) fn open_call(
        &mut self,
        webhook: &CelWebhook,
        review: &AdmissionRequest,
        lane: Lane,
        asked: u32,
    ) -> Result<Option<u32>, ApiError> {
        let failure_policy = if webhook.fails_closed { FailurePolicy::Fail } else { FailurePolicy::Ignore };
        if !self.reachable(&webhook.name, failure_policy, asked)? {
            return Ok(None);
        }
        self.hop();
        let subject = subject_of(review);
        let uid = match (lane, review.subject().uid().is_empty()) {
            (_, true) => " (no uid yet)",
            (Lane::Validating, false) => " (uid assigned)",
            _ => "",
        };
        let call = self.record(
            note(Lane::ApiServer, "admission-review", format!("AdmissionReview {}{uid}", review.operation.as_str()))
                .to(lane)
                .cause(Some(asked))
                .subject(subject.clone())
                .anchor(format!("review:{}/{subject}", webhook.name))
                .upstream(upstream(webhook)),
        );
        self.hop();
        if self.protects(review) {
            let message = "A kyverno managed resource can only be modified by kyverno";
            return Err(self.deny(&webhook.name, message, lane, call, &subject));
        }
        Ok(Some(call))
    }

    fn close_call(&mut self, review: &AdmissionRequest, lane: Lane, call: u32) {
        self.hop();
        self.record(
            note(lane, "admission-response", "allowed: true")
                .to(Lane::ApiServer)
                .cause(Some(call))
                .subject(subject_of(review))
                .tone(Tone::Allow),
        );
    }

    /// One event per answer of a policy.
    fn tell_policy(&mut self, entry: &CelEntry, verdict: &Verdict, lane: Lane, call: u32, subject: &ObjectRef) {
        let name = &entry.policy.name;
        for rule in &verdict.rules {
            let why = || deepest_words(&verdict.trace).unwrap_or_else(|| "does not hold".to_owned());
            let (kind, tone, words) = match rule.status {
                Status::Pass if lane == Lane::Mutating => ("rule-mutate", Tone::Mutate, "changes it".to_owned()),
                Status::Pass => ("rule-pass", Tone::Allow, "holds".to_owned()),
                Status::Fail => ("rule-fail", Tone::Deny, why()),
                Status::Warn => ("rule-warn", Tone::Warn, why()),
                Status::Error => ("rule-error", Tone::Deny, "cannot be evaluated".to_owned()),
                Status::Skip => ("rule-skip", Tone::Info, "is skipped".to_owned()),
            };
            self.record(
                note(lane, kind, format!("{name}: {words}"))
                    .cause(Some(call))
                    .subject(subject.clone())
                    .policy(&entry.policy.key(), &rule.name)
                    .tone(tone)
                    .message(rule.message.clone())
                    .trace(verdict.trace.clone()),
            );
        }
    }

    /// Events and report rows. Whether the request counts as blocked is a matter of actions, not of results.
    fn audit(&mut self, review: &AdmissionRequest, said: &[Said]) {
        // An image validating policy that does not match is not among the answers.
        let answers = |one: &Said| one.entry.family != Family::Images || !one.verdict.rules.is_empty();
        let blocked = said.iter().any(|one| answers(one) && one.entry.acts("Deny"));
        if review.dry_run {
            return;
        }
        for one in said {
            self.emit_cel_events(&one.entry, &one.verdict.rules, review, blocked);
        }
        if blocked || review.operation == Operation::Delete {
            return;
        }
        let rows = self.rows_of(said);
        self.report(review.subject(), rows);
    }

    fn rows_of(&self, said: &[Said]) -> Vec<Value> {
        let (seconds, _) = self.clock.unix();
        let rows = said.iter().flat_map(|one| {
            let reporter = one.entry.reporter();
            one.verdict.rules.iter().map(move |rule| super::reports::row(&reporter, rule, seconds))
        });
        rows.collect()
    }

    fn emit_cel_events(&mut self, entry: &CelEntry, rules: &[RuleResponse], review: &AdmissionRequest, blocked: bool) {
        let resource = review.subject().clone();
        if resource.name().is_empty() || rules.is_empty() {
            return;
        }
        let source = "kyverno-admission";
        let policy = entry.policy.raw.clone();
        let place = match resource.namespace() {
            "" => format!("{} {}", resource.kind(), resource.name()),
            namespace => format!("{} {namespace}/{}", resource.kind(), resource.name()),
        };
        let bad = |rule: &&RuleResponse| matches!(rule.status, Status::Fail | Status::Error);
        if rules.iter().any(|rule| bad(&rule)) {
            for rule in rules {
                let status = serde_json::to_value(rule.status).unwrap_or_default();
                let status = status.as_str().unwrap_or("");
                if bad(&rule) {
                    let name = if rule.name.is_empty() { String::new() } else { format!(" [{}]", rule.name) };
                    let how = if blocked { " (blocked)" } else { "" };
                    let message = format!("{place}:{name} {status}{how}; {}", rule.message);
                    let action = if blocked { "Resource Blocked" } else { "Resource Passed" };
                    let fact = Fact { source, reason: "PolicyViolation", action, message };
                    self.emit(fact, &Subject::Object(&policy), Some(&resource));
                }
                if !blocked {
                    let message = format!("policy {}/{} {status}: {}", entry.policy.name, rule.name, rule.message);
                    let fact = Fact { source, reason: "PolicyViolation", action: "Resource Passed", message };
                    self.emit(fact, &Subject::Object(&resource), None);
                }
            }
            return;
        }
        if rules.iter().any(|rule| rule.status == Status::Pass) {
            let (message, action) = match entry.family {
                Family::Mutating => (format!("{place} is successfully mutated"), "Resource Mutated"),
                _ => (format!("{place}: pass"), "Resource Passed"),
            };
            let fact = Fact { source, reason: "PolicyApplied", action, message };
            self.emit(fact, &Subject::Object(&policy), Some(&resource));
        }
    }

    /// One UpdateRequest for every policy of the path; whether it matches is asked in the background.
    fn generating_policies(&mut self, webhook: &CelWebhook, review: &AdmissionRequest, call: u32) {
        let mut trace: Vec<TraceNode> =
            webhook.policies.iter().filter_map(|entry| self.explain_cel(entry, review)).collect();
        for entry in &webhook.policies {
            if review.dry_run {
                break;
            }
            if (review.user.username == BACKGROUND_USER && entry.skips_background())
                || !entry.in_namespace(&review.namespace)
            {
                continue;
            }
            let (deletes, synchronize) = match review.operation {
                Operation::Delete => {
                    let rules = entry.policy.spec.match_constraints.iter().flat_map(|one| &one.resource_rules);
                    let named = rules.flat_map(|rule| &rule.operations).any(|operation| operation == "DELETE");
                    if !named && !entry.synchronizes() {
                        continue;
                    }
                    (!named, false)
                }
                Operation::Update => (false, entry.synchronizes()),
                _ => (false, false),
            };
            let key = entry.policy.key();
            if let Some(node) =
                trace.iter_mut().find(|node| node.text == key).and_then(|node| node.children.first_mut())
            {
                let words = "an UpdateRequest is queued; whether it matches is asked in the background";
                node.children.push(TraceNode::new("generate", Outcome::Info, words));
            }
            let context = serde_json::json!({
                "rule": key, "deleteDownstream": deletes, "synchronize": synchronize,
                "trigger": trigger_spec(review.subject()),
            });
            self.wish(
                Wish {
                    request_type: "cel-generate",
                    policy: key,
                    rule: String::new(),
                    rule_context: vec![context],
                    context: admission_context(review),
                    generated: Vec::new(),
                },
                call,
            );
        }
        if let Some(event) = self.journal.event_mut(call) {
            event.detail.trace = trace;
        }
    }

    /// `--protectManagedResources`: what carries Kyverno's label is changed by Kyverno only.
    pub(crate) fn protects(&self, review: &AdmissionRequest) -> bool {
        let user = review.user.username.as_str();
        let emptied =
            review.operation == Operation::Delete && user == "system:serviceaccount:kube-system:namespace-controller";
        self.config.protect_managed_resources
            && !emptied
            && !user.starts_with("system:serviceaccount:kyverno:")
            && review.object.iter().chain(&review.old_object).any(managed)
    }
}

/// Whether an object carries the label of what Kyverno made.
pub(super) fn managed(object: &Value) -> bool {
    object.labels().get("app.kubernetes.io/managed-by").is_some_and(|value| value == "kyverno")
}

impl Said {
    /// What is denied or warned of.
    fn complaints(&self) -> Vec<String> {
        let name = &self.entry.policy.name;
        let complaint = |rule: &RuleResponse| match rule.status {
            Status::Fail => Some(format!("Policy {name} failed: {}", rule.message)),
            Status::Error => Some(format!("Policy {name} error: {}", rule.message)),
            _ => None,
        };
        self.verdict.rules.iter().filter_map(complaint).collect()
    }
}

/// The handler that answers.
fn upstream(webhook: &CelWebhook) -> &'static str {
    match webhook.policies.first().map(|entry| entry.family) {
        Some(Family::Mutating) => "pkg/webhooks/resource/mpol/handler.go",
        Some(Family::Generating) => "pkg/webhooks/resource/gpol/handler.go",
        Some(Family::Images) => "pkg/webhooks/resource/ivpol/handler.go",
        Some(Family::Validating) | None => "pkg/webhooks/resource/vpol/handler.go",
    }
}
