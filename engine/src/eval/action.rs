//! Enforce or Audit: what a failing rule does to the request, and what the user is told.
//!
//! Follows `pkg/engine/api/engineresponse.go`, `pkg/utils/engine/response.go` and `pkg/webhooks/utils/warning.go`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Profile;
use super::autogen;
use super::trace::{Outcome, TraceNode};
use super::verdict::{Status, Verdict};
use crate::object::selector::LabelSelector;
use crate::object::wildcard;
use crate::policy::rule::Rule;
use crate::policy::{ClassicPolicy, FailureActionOverride};

/// The namespace of the object and its labels, for overrides.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// `""` for cluster-scoped objects.
    pub namespace: &'a str,
    /// Labels of that namespace.
    pub labels: &'a BTreeMap<String, String>,
}

/// Whether the word means Enforce; any casing does.
#[must_use]
pub fn is_enforce(action: &str) -> bool {
    action.eq_ignore_ascii_case("Enforce")
}

/// Whether a failure of one rule blocks: its overrides, its own action, the overrides of the policy, the action of the policy.
#[must_use]
pub fn enforce(policy: &ClassicPolicy, rule: &Rule, place: Place<'_>) -> bool {
    let action = rule_action(rule, place, Profile::V1_19).unwrap_or_else(|| spec_action(policy, place, Profile::V1_19));
    is_enforce(action)
}

/// Whether the answers of one policy block the request. `kind` is the kind of the object.
///
/// Up to 1.18 the first rule of the policy that states an action decides for all of them; since 1.19 each failing rule has its own.
#[must_use]
pub fn blocks(policy: &ClassicPolicy, verdict: &Verdict, kind: &str, place: Place<'_>, profile: Profile) -> bool {
    let has = |status| verdict.rules.iter().any(|rule| rule.status == status);
    has(Status::Fail) && enforced_failure(policy, verdict, kind, place, profile)
        || has(Status::Error) && fails_closed(policy)
}

fn enforced_failure(policy: &ClassicPolicy, verdict: &Verdict, kind: &str, place: Place<'_>, profile: Profile) -> bool {
    if profile < Profile::V1_19 {
        return is_enforce(policy_action(policy, place, profile));
    }
    let rules = autogen::rules(policy, Some(kind));
    verdict.rules.iter().filter(|response| response.status == Status::Fail).any(|response| {
        match rules.iter().find(|rule| rule.rule.name == response.name) {
            Some(rule) => enforce(policy, &rule.rule, place),
            None => is_enforce(policy_action(policy, place, profile)),
        }
    })
}

/// Adds to the record of each failing rule what its action makes of it.
pub fn explain(policy: &ClassicPolicy, verdict: &mut Verdict, kind: &str, place: Place<'_>, profile: Profile) {
    let Verdict { rules, trace, .. } = verdict;
    let known = autogen::rules(policy, Some(kind));
    for response in rules.iter().filter(|response| response.status == Status::Fail) {
        let rule = known.iter().find(|rule| rule.rule.name == response.name);
        let enforced = match rule.filter(|_| profile >= Profile::V1_19) {
            Some(rule) => enforce(policy, &rule.rule, place),
            None => is_enforce(policy_action(policy, place, profile)),
        };
        let words = match enforced {
            true => "failureAction Enforce, so a failing rule blocks the request",
            false => "failureAction Audit, so a failing rule is only reported",
        };
        let mut action = TraceNode::new("action", Outcome::Info, words);
        action.at = match rule {
            Some(rule) if rule.rule.validate.as_ref().is_some_and(|validate| validate.failure_action.is_some()) => {
                Some(format!("{}/validate/failureAction", rule.pointer))
            }
            _ => policy.spec.validation_failure_action.as_ref().map(|_| "/spec/validationFailureAction".to_owned()),
        };
        if let Some(node) = trace.iter_mut().find(|node| node.is_rule(&response.name)) {
            let failed = node.children.iter().position(|child| child.failure().is_some());
            node.children.insert(failed.unwrap_or(node.children.len()), action);
        }
    }
}

/// The one action of the whole policy: that of the first rule that states one, else that of the policy.
#[must_use]
pub fn policy_action<'p>(policy: &'p ClassicPolicy, place: Place<'_>, profile: Profile) -> &'p str {
    let mut rules = policy.spec.rules.iter();
    rules.find_map(|rule| rule_action(rule, place, profile)).unwrap_or_else(|| spec_action(policy, place, profile))
}

/// `Fail` unless the policy says `Ignore`.
#[must_use]
pub fn fails_closed(policy: &ClassicPolicy) -> bool {
    let spec = &policy.spec;
    let webhook = spec.webhook_configuration.as_ref().and_then(|webhook| webhook.failure_policy.as_deref());
    webhook.or(spec.failure_policy.as_deref()).is_none_or(|policy| policy == "Fail")
}

/// The admission warnings of one policy: of rules that ask for one, or of all rules that were not skipped where the policy does.
#[must_use]
pub fn warnings(policy: &ClassicPolicy, verdict: &Verdict) -> Vec<String> {
    let all = policy.spec.emit_warning == Some(true);
    let warned = verdict.rules.iter().filter(|rule| rule.emit_warning || (all && rule.status != Status::Skip));
    warned.map(|rule| format!("policy {}.{}: {}", policy.name, rule.name, rule.message)).collect()
}

fn spec_action<'p>(policy: &'p ClassicPolicy, place: Place<'_>, profile: Profile) -> &'p str {
    overridden(&policy.spec.validation_failure_action_overrides, place, profile)
        .unwrap_or_else(|| policy.spec.validation_failure_action.as_deref().unwrap_or("Audit"))
}

fn rule_action<'p>(rule: &'p Rule, place: Place<'_>, profile: Profile) -> Option<&'p str> {
    match &rule.validate {
        Some(validate) => {
            overridden(&validate.failure_action_overrides, place, profile).or(validate.failure_action.as_deref())
        }
        None => images_action(rule, profile),
    }
}

/// Of several images entries one that enforces wins; 1.15 looks only at the first.
fn images_action(rule: &Rule, profile: Profile) -> Option<&str> {
    let action = |entry| Value::get(entry, "failureAction").and_then(Value::as_str);
    if profile == Profile::V1_15 {
        return rule.verify_images.first().and_then(action);
    }
    let mut stated = rule.verify_images.iter().filter_map(action);
    stated.clone().find(|action| is_enforce(action)).or_else(|| stated.next())
}

fn overridden<'p>(overrides: &'p [FailureActionOverride], place: Place<'_>, profile: Profile) -> Option<&'p str> {
    let valid = |action: &str| ["audit", "enforce"].iter().any(|known| known.eq_ignore_ascii_case(action));
    overrides.iter().find(|it| valid(&it.action) && applies(it, place, profile)).map(|it| it.action.as_str())
}

fn applies(it: &FailureActionOverride, place: Place<'_>, profile: Profile) -> bool {
    let selected = match &it.namespace_selector {
        // 1.15 takes a missing selector for one that selects nothing, unless namespaces are named.
        None => profile > Profile::V1_15 || !it.namespaces.is_empty(),
        Some(selector) => {
            LabelSelector::from_value_with_wildcards(selector, place.labels).is_ok_and(|it| it.matches(place.labels))
        }
    };
    selected && (it.namespaces.is_empty() || wildcard::any_match(&it.namespaces, &[place.namespace]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::verdict::{RuleResponse, RuleType};
    use crate::policy::load::classic;
    use serde_json::json;

    fn policy(spec: Value) -> ClassicPolicy {
        classic(json!({ "apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": { "name": "p" }, "spec": spec })).unwrap()
    }

    fn blocked(spec: Value, failing: &str, profile: Profile) -> bool {
        let labels = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
        let verdict = Verdict {
            rules: vec![RuleResponse::new(failing, RuleType::Validation, Status::Fail, "m")],
            ..Verdict::default()
        };
        blocks(&policy(spec), &verdict, "ConfigMap", Place { namespace: "prod-1", labels: &labels }, profile)
    }

    fn rules(first: &str, second: &str) -> Value {
        let rule =
            |name: &str, action: &str| json!({ "name": name, "validate": { "failureAction": action, "message": "m" } });
        json!({ "rules": [rule("a", first), rule("b", second)] })
    }

    #[test]
    fn since_1_19_the_failing_rule_decides() {
        assert!(blocked(rules("Audit", "Enforce"), "b", Profile::V1_19));
        assert!(!blocked(rules("Enforce", "Audit"), "b", Profile::V1_19));
    }

    #[test]
    fn before_the_first_rule_decides() {
        assert!(!blocked(rules("Audit", "Enforce"), "b", Profile::V1_18));
        assert!(blocked(rules("Enforce", "Audit"), "b", Profile::V1_18));
    }

    #[test]
    fn overrides_of_the_policy() {
        let spec = |over: Value| {
            json!({ "validationFailureAction": "audit", "validationFailureActionOverrides": [over],
                    "rules": [{ "name": "a", "validate": { "message": "m" } }] })
        };
        assert!(blocked(spec(json!({ "action": "enforce", "namespaces": ["prod-*"] })), "a", Profile::V1_19));
        assert!(!blocked(spec(json!({ "action": "Enforce", "namespaces": ["dev"] })), "a", Profile::V1_19));
        let selector = json!({ "action": "Enforce", "namespaceSelector": { "matchLabels": { "env": "prod" } } });
        assert!(blocked(spec(selector), "a", Profile::V1_19));
        assert!(!blocked(spec(json!({ "action": "Enforce" })), "a", Profile::V1_15));
        assert!(blocked(spec(json!({ "action": "Enforce" })), "a", Profile::V1_18));
    }

    #[test]
    fn warnings_are_worded() {
        let policy = policy(json!({ "emitWarning": true, "rules": [] }));
        let verdict = Verdict {
            rules: vec![RuleResponse::new("r", RuleType::Validation, Status::Fail, "no")],
            ..Verdict::default()
        };
        assert_eq!(warnings(&policy, &verdict), ["policy p.r: no"]);
    }
}
