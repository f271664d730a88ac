//! Events about what policies said at admission and in the background scan.
//!
//! Follows `pkg/webhooks/utils/event.go`, `pkg/controllers/report/utils/events.go` and `pkg/event/events.go`.

use serde_json::{Value, json};

use super::Cluster;
use super::k8s_events::{Fact, Subject};
use crate::eval::verdict::{RuleResponse, Status, Verdict};
use crate::object::ObjectExt;
use crate::policy::ClassicPolicy;
use crate::policy::rule::Rule;

const SOURCE: &str = "kyverno-admission";
const SCAN: &str = "kyverno-scan";

/// What one policy said about a request.
pub(super) struct Answer<'a> {
    /// The policy.
    pub policy: &'a ClassicPolicy,
    /// Its answer.
    pub verdict: &'a Verdict,
}

impl Cluster {
    /// The Events of one review; of a refused request on the policies only, never on the resource. An object whose name
    /// the server makes has none yet.
    pub(super) fn emit_admission_events(&mut self, resource: &Value, answers: &[Answer<'_>], blocked: bool) {
        if resource.name().is_empty() {
            return;
        }
        for answer in answers {
            let has = |statuses: &[Status]| answer.verdict.rules.iter().any(|rule| statuses.contains(&rule.status));
            if has(&[Status::Fail, Status::Error]) {
                self.emit_failures(resource, answer, blocked);
            } else if has(&[Status::Skip]) {
                let lifted = answer.verdict.rules.iter().filter(|rule| !rule.exceptions.is_empty() && !blocked);
                lifted.for_each(|rule| self.emit_exceptions(SOURCE, resource, answer.policy, rule));
            } else if !answer.verdict.rules.is_empty() {
                let (action, message) = applied(answer.policy, &place(resource));
                let fact = Fact { source: SOURCE, reason: "PolicyApplied", action, message };
                self.emit(fact, &Subject::Policy(answer.policy), Some(resource));
            }
        }
    }

    /// The Events of a scan: of what does not hold, of what is excepted, and, where nothing fails, of success.
    pub(super) fn emit_scan_events(
        &mut self,
        policy: &Value,
        classic: Option<&ClassicPolicy>,
        resource: &Value,
        rules: &[RuleResponse],
    ) {
        for rule in rules {
            match rule.status {
                Status::Pass => {}
                Status::Skip => {
                    if let Some(classic) = classic.filter(|_| !rule.exceptions.is_empty()) {
                        self.emit_exceptions(SCAN, resource, classic, rule);
                    }
                }
                _ => {
                    let word = serde_json::to_value(rule.status).unwrap_or_default();
                    let word = word.as_str().unwrap_or_default();
                    let message = format!("policy {}/{} {word}: {}", policy.name(), rule.name, rule.message);
                    let fact =
                        |message| Fact { source: SCAN, reason: "PolicyViolation", action: "Resource Passed", message };
                    self.emit(fact(message), &Subject::Object(resource), None);
                    self.emit(fact(failed(resource, rule, "")), &Subject::Object(policy), Some(resource));
                }
            }
        }
        if rules.iter().any(|rule| rule.status == Status::Fail) {
            return;
        }
        let place = place(resource);
        let (action, message) = match classic {
            Some(classic) => applied(classic, &place),
            None if policy.kind().ends_with("MutatingPolicy") => mutated(&place),
            None => passed(&place),
        };
        let fact = Fact { source: SCAN, reason: "PolicyApplied", action, message };
        self.emit(fact, &Subject::Object(policy), Some(resource));
    }

    fn emit_failures(&mut self, resource: &Value, answer: &Answer<'_>, blocked: bool) {
        for rule in &answer.verdict.rules {
            let word = serde_json::to_value(rule.status).unwrap_or_default();
            let word = word.as_str().unwrap_or("");
            if matches!(rule.status, Status::Fail | Status::Error) {
                let how = if blocked { " (blocked)" } else { "" };
                let message = failed(resource, rule, how);
                let action = if blocked { "Resource Blocked" } else { "Resource Passed" };
                let fact = Fact { source: SOURCE, reason: "PolicyViolation", action, message };
                self.emit(fact, &Subject::Policy(answer.policy), Some(resource));
            }
            if !blocked {
                let message = format!("policy {}/{} {word}: {}", answer.policy.name, rule.name, rule.message);
                let fact = Fact { source: SOURCE, reason: "PolicyViolation", action: "Resource Passed", message };
                self.emit(fact, &Subject::Object(resource), None);
            }
        }
    }

    /// One Event on each exception, one on the policy.
    fn emit_exceptions(&mut self, source: &'static str, resource: &Value, policy: &ClassicPolicy, rule: &RuleResponse) {
        let key = match resource.namespace() {
            "" => format!("{}/{}", resource.kind(), resource.name()),
            namespace => format!("{}/{namespace}/{}", resource.kind(), resource.name()),
        };
        let fact = |message| Fact { source, reason: "PolicySkipped", action: "Resource Passed", message };
        for exception in &rule.exceptions {
            let (namespace, name) = exception.split_once('/').unwrap_or(("", exception));
            let stored = self.store.find("kyverno.io", "PolicyException", namespace, name);
            let uid = stored.map(ObjectExt::uid).unwrap_or_default();
            let about = json!({
                "apiVersion": "kyverno.io/v2", "kind": "PolicyException",
                "metadata": {"name": name, "namespace": namespace, "uid": uid},
            });
            let message = format!("resource {key} was skipped from policy rule {}/{}", policy.key(), rule.name);
            self.emit(fact(message), &Subject::Object(&about), Some(resource));
        }
        let names = rule.exceptions.join(", ");
        let message = format!("resource {key} was skipped from rule {} due to policy exceptions {names}", rule.name);
        self.emit(fact(message), &Subject::Policy(policy), Some(resource));
    }
}

fn place(resource: &Value) -> String {
    match resource.namespace() {
        "" => format!("{} {}", resource.kind(), resource.name()),
        namespace => format!("{} {namespace}/{}", resource.kind(), resource.name()),
    }
}

/// Action and message of an Event about a policy whose rules all held.
fn applied(policy: &ClassicPolicy, place: &str) -> (&'static str, String) {
    let checks = |rule: &Rule| rule.validate.is_some() || !rule.verify_images.is_empty();
    if policy.spec.rules.iter().any(checks) {
        return passed(place);
    }
    mutated(place)
}

fn passed(place: &str) -> (&'static str, String) {
    ("Resource Passed", format!("{place}: pass"))
}

fn mutated(place: &str) -> (&'static str, String) {
    ("Resource Mutated", format!("{place} is successfully mutated"))
}

/// The words on a policy about a rule that does not hold.
fn failed(resource: &Value, rule: &RuleResponse, how: &str) -> String {
    let word = serde_json::to_value(rule.status).unwrap_or_default();
    let name = if rule.name.is_empty() { String::new() } else { format!(" [{}]", rule.name) };
    let message = if rule.message.is_empty() { String::new() } else { format!("; {}", rule.message) };
    format!("{}:{name} {}{how}{message}", place(resource), word.as_str().unwrap_or_default())
}
