//! UpdateRequests of type `mutate`: a trigger changes other objects. Follows `pkg/background/mutate/mutate.go`.
//!
//! The trigger of a CREATE must be in the cluster; those of UPDATE and DELETE are taken from the admission request, so
//! that a refused UPDATE changes its targets all the same.

use std::rc::Rc;

use serde_json::Value;

use super::Cluster;
use super::api_server::{ApiRequest, Verb};
use super::background::{Attempt, COMPONENT, classic_review, spec_reference};
use super::config::BACKGROUND_USER;
use super::journal::{Lane, Tone};
use super::k8s_events::{Fact, Subject};
use super::recorder::note;
use super::update_requests::{Wish, rule_context, trigger_spec};
use crate::eval::engine;
use crate::eval::verdict::{RuleResponse, Status, Verdict};
use crate::object::ObjectExt;
use crate::policy::ClassicPolicy;

const PLACE: &str = "github.com/kyverno/kyverno/pkg/background/mutate/mutate.go";

/// Lines of `mutate.go` that log `failed to get trigger resource`, a failed rule, `failed to update target resource`.
fn lines(cluster: &Cluster) -> (u32, u32, u32) {
    if cluster.behaviour.name == "1.15" { (117, 183, 218) } else { (113, 179, 214) }
}

impl Cluster {
    /// Performs an UpdateRequest of type `mutate`.
    pub(super) fn mutate_request(&mut self, attempt: &Attempt) {
        let rule_name = attempt.request.str_at(&["spec", "rule"]).to_owned();
        let Some(policy) = self.policies.find(&attempt.policy_key) else {
            self.discard_request(&attempt.name, "its policy is gone", attempt.seq);
            return;
        };
        let rule = policy.spec.rules.iter().find(|rule| rule.name == rule_name);
        if !rule.is_some_and(super::policies::is_mutate_existing) {
            self.complete_request(&attempt.name, attempt.seq);
            return;
        }
        let trigger = match self.mutate_trigger(attempt) {
            Ok(trigger) => trigger,
            Err(error) => return self.without_trigger(attempt, &policy, &rule_name, &error),
        };
        let review = classic_review(attempt, &trigger, self);
        let verdict = {
            let cx = self.background_cx(&review);
            engine::mutate(&policy, &cx)
        };
        let seq = self.record(
            note(Lane::Background, "rule-mutate-existing", summary(&rule_name, &verdict))
                .cause(Some(attempt.seq))
                .subject(super::store::reference(&trigger))
                .policy(&policy.key(), &rule_name)
                .tone(Tone::Mutate)
                .trace(verdict.trace.clone())
                .upstream("pkg/background/mutate/mutate.go"),
        );
        self.report_mutated(&policy, &trigger, &verdict);
        let mut errors = Vec::new();
        for response in &verdict.rules {
            errors.extend(self.mutate_target(attempt, &policy, &rule_name, response, seq));
        }
        let last = u32::try_from(self.journal.events.len()).unwrap_or(seq);
        if errors.is_empty() {
            self.complete_request(&attempt.name, last);
        } else {
            self.fail_request(&attempt.name, &errors.join("; "), last);
        }
    }

    fn mutate_trigger(&mut self, attempt: &Attempt) -> Result<Value, String> {
        let spec = attempt.trigger();
        let info = attempt.request.at(&["spec", "context", "admissionRequestInfo"]);
        let admission = info.and_then(|info| info.get("admissionRequest")).cloned();
        let payload = |field: &str| {
            admission.as_ref().and_then(|request| request.get(field)).filter(|object| !object.is_null()).cloned()
        };
        let operation = admission.as_ref().map(|request| request.str_at(&["operation"])).unwrap_or("CREATE");
        if operation != "CREATE" {
            return payload("object").or_else(|| payload("oldObject")).ok_or_else(|| "resource not found".to_owned());
        }
        let subresource = admission.as_ref().map(|request| request.str_at(&["subResource"])).unwrap_or("");
        let live = self.live_trigger(attempt, &spec);
        if live.is_err() && !subresource.is_empty() {
            return payload("object").ok_or_else(|| "resource not found".to_owned());
        }
        live
    }

    /// The status becomes Failed, and at the end of the same attempt Completed: the error is not collected.
    fn without_trigger(&mut self, attempt: &Attempt, policy: &ClassicPolicy, rule: &str, error: &str) {
        let words = serde_json::to_string(error).unwrap_or_default();
        let text = format!(
            "failed to get trigger resource error={words} logger=background.{rule} name={} policy={}",
            attempt.name, attempt.policy_key
        );
        self.log_line(COMPONENT, "ERR", PLACE, lines(self).0, &text, attempt.seq, true);
        let seq = self.record(
            note(Lane::Background, "trigger-missing", format!("{}: the trigger is not there", attempt.name))
                .cause(Some(attempt.seq))
                .subject(spec_reference(&attempt.trigger()))
                .policy(&policy.key(), rule)
                .tone(Tone::Warn)
                .message(error)
                .remark("The controller writes Failed and, as it collects no error, Completed right after it."),
        );
        self.complete_request(&attempt.name, seq);
    }

    /// Writes one target; returns the error, if any.
    fn mutate_target(
        &mut self,
        attempt: &Attempt,
        policy: &Rc<ClassicPolicy>,
        rule_name: &str,
        response: &RuleResponse,
        seq: u32,
    ) -> Option<String> {
        match response.status {
            Status::Skip => None,
            Status::Pass => {
                let Some(target) = &response.patched_target else {
                    return Some("empty resource to patch".to_owned());
                };
                let mut request = ApiRequest::about(Verb::Update, target);
                request.subresource = subresource_of(policy, &response.name, target.kind());
                let outcome = self.request(request.by(BACKGROUND_USER, Lane::Background, Some(seq)));
                match outcome.result {
                    Ok(_) => {
                        let message = "resource mutated".to_owned();
                        let fact = Fact {
                            source: "kyverno-mutate",
                            reason: "PolicyApplied",
                            action: "Resource Mutated",
                            message,
                        };
                        self.emit(fact, &Subject::Policy(policy), Some(target));
                        None
                    }
                    Err(error) => {
                        let words = serde_json::to_string(&error.message).unwrap_or_default();
                        let text = format!(
                            "failed to update target resource error={words} logger=background.{rule_name} name={} namespace={} policy={}",
                            target.name(),
                            target.namespace(),
                            attempt.policy_key
                        );
                        self.log_line(COMPONENT, "ERR", PLACE, lines(self).2, &text, outcome.seq, false);
                        self.emit_background_error(policy, rule_name, &error.message, target);
                        Some(error.message)
                    }
                }
            }
            Status::Fail | Status::Error | Status::Warn => {
                let status = serde_json::to_value(response.status).unwrap_or_default();
                let error = format!(
                    "failed to mutate existing resource, rule {}, response {}: {}",
                    response.name,
                    status.as_str().unwrap_or("error"),
                    response.message
                );
                let words = serde_json::to_string(&error).unwrap_or_default();
                let text =
                    format!("error={words} logger=background name={} policy={}", attempt.name, attempt.policy_key);
                self.log_line(COMPONENT, "ERR", PLACE, lines(self).1, &text, seq, false);
                if let Some(target) = &response.patched_target {
                    self.emit_background_error(policy, rule_name, &error, target);
                }
                Some(error)
            }
        }
    }

    fn emit_background_error(&mut self, policy: &Rc<ClassicPolicy>, rule: &str, error: &str, target: &Value) {
        let message = format!("policy {}/{rule} error: {error}", policy.name);
        let fact = Fact { source: "kyverno-mutate", reason: "PolicyError", action: "None", message };
        self.emit(fact, &Subject::Policy(policy), Some(target));
    }

    fn report_mutated(&mut self, policy: &ClassicPolicy, trigger: &Value, verdict: &Verdict) {
        let (seconds, _) = self.clock.unix();
        let rows = verdict.rules.iter().map(|rule| {
            let mut row = super::reports::row(&super::reports::reporter(policy), rule, seconds);
            if let Some(target) = &rule.patched_target {
                row.set_at(&["properties", "patched-target"], Value::String(super::reports::resource_info(target)));
            }
            row
        });
        self.report(trigger, rows.collect());
    }

    /// `mutateExistingOnPolicyUpdate`: a request for every trigger that is there already.
    pub(super) fn mutate_existing_on_update(&mut self, policy: &Rc<ClassicPolicy>, cause: u32) {
        let older = policy.spec.mutate_existing_on_policy_update == Some(true);
        for rule in policy.spec.rules.iter().filter(|rule| super::policies::is_mutate_existing(rule)) {
            let own = rule.mutate.as_ref().and_then(|mutate| mutate.mutate_existing_on_policy_update);
            if !own.unwrap_or(older) {
                continue;
            }
            for trigger in self.existing_triggers(policy, rule) {
                if self.background_status(policy, rule, &trigger) != Some(Status::Pass) {
                    continue;
                }
                let wish = Wish {
                    request_type: "mutate",
                    policy: policy.key(),
                    rule: rule.name.clone(),
                    rule_context: vec![rule_context(&rule.name, &trigger_spec(&trigger), false)],
                    context: serde_json::json!({}),
                    generated: Vec::new(),
                };
                self.wish(wish, cause);
            }
        }
    }
}

/// `status` of `kinds: v1/Pod/status`-like targets; `""` for the object itself.
fn subresource_of(policy: &ClassicPolicy, rule: &str, kind: &str) -> String {
    let rule = policy.spec.rules.iter().find(|candidate| candidate.name == rule);
    let targets =
        rule.and_then(|rule| rule.mutate.as_ref()).map(|mutate| mutate.targets.as_slice()).unwrap_or_default();
    let of_kind = |target: &Value| {
        let (parent, subresource) = target.str_at(&["kind"]).split_once('/')?;
        (parent == kind).then(|| subresource.to_owned())
    };
    targets.iter().find_map(of_kind).unwrap_or_default()
}

fn summary(rule: &str, verdict: &Verdict) -> String {
    let changed = verdict.rules.iter().filter(|response| response.patched_target.is_some()).count();
    format!("rule {rule}: {changed} of {} targets change", verdict.rules.len())
}
