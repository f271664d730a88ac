//! Policy exceptions of kyverno.io: which lift a rule for a request.
//!
//! Follows `pkg/engine/utils/exceptions.go` and `api/kyverno/v2/policy_exception_types.go`.

use super::RuleCx;
use super::conditions;
use super::matching::{self, Candidate, Requester};
use super::trace::{Outcome, Trace, TraceNode};
use super::verdict::{RuleResponse, RuleType, Status};
use crate::expr::context::JsonContext;
use crate::object::wildcard;
use crate::policy::ClassicPolicy;
use crate::policy::exception::PolicyException;

impl PolicyException {
    /// `namespace/name`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Whether it names the rule: the policy exactly (`name` or `namespace/name`), the rule with wildcards.
    #[must_use]
    pub fn names(&self, policy: &ClassicPolicy, rule: &str) -> bool {
        let key = policy.key();
        let mut entries = self.spec.exceptions.iter();
        entries
            .any(|entry| entry.policy_name == key && entry.rule_names.iter().any(|name| wildcard::matches(name, rule)))
    }
}

/// The exceptions that name the rule and match the request, in order.
#[must_use]
pub fn matched<'a>(rule: &mut RuleCx<'a>) -> Vec<&'a PolicyException> {
    let candidates: Vec<_> =
        rule.cx.exceptions.iter().filter(|exception| exception.names(rule.policy, &rule.rule.name)).collect();
    if candidates.is_empty() {
        return Vec::new();
    }
    let request = rule.cx.request;
    let resource = rule.object.or(rule.old_object).unwrap_or(&serde_json::Value::Null);
    let candidate = Candidate {
        resource,
        gvk: &request.kind,
        subresource: &request.subresource,
        operation: rule.operation,
        requester: Requester::of(request),
        view: rule.cx.view,
    };
    candidates.into_iter().filter(|exception| lifts(exception, &candidate, &mut rule.json, &mut rule.trace)).collect()
}

fn lifts(
    exception: &PolicyException,
    candidate: &Candidate<'_>,
    json: &mut JsonContext<'_>,
    trace: &mut Trace,
) -> bool {
    trace.open(|| TraceNode::new("exception", Outcome::Info, format!("PolicyException {}", exception.key())));
    let matched = matching::plain_matches(&exception.spec.match_block, candidate, true, "/spec/match", trace);
    // Conditions that cannot be evaluated are only logged; the exception does not apply.
    let holds = matched
        && exception.spec.conditions.as_ref().is_none_or(|conditions| {
            conditions::evaluate_v2(json, conditions, "/spec/conditions", trace).unwrap_or(false)
        });
    trace.close_as(if holds { Outcome::Yes } else { Outcome::No }, Outcome::letting_out);
    holds
}

/// The response of a lifted rule. There is no blank before the names: Kyverno prints it so.
#[must_use]
pub fn skipped(rule: &RuleCx<'_>, rule_type: RuleType, exceptions: &[&PolicyException]) -> RuleResponse {
    response(rule, rule_type, "rule is skipped due to policy exceptions", exceptions)
}

/// The same with the words that generate and mutate-existing rules use.
pub(super) fn skipped_in_background(
    rule: &RuleCx<'_>,
    rule_type: RuleType,
    exceptions: &[&PolicyException],
) -> RuleResponse {
    response(rule, rule_type, "rule is skipped due to policy exception ", exceptions)
}

fn response(rule: &RuleCx<'_>, rule_type: RuleType, words: &str, exceptions: &[&PolicyException]) -> RuleResponse {
    let keys: Vec<String> = exceptions.iter().map(|exception| exception.key()).collect();
    let mut response = rule.response(rule_type, Status::Skip, format!("{words}{}", keys.join(", ")));
    response.exceptions = keys;
    response
}
