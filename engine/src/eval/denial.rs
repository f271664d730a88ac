//! The text with which Kyverno refuses a request. Follows `pkg/webhooks/utils/block.go` and `pkg/webhooks/resource/mutation`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::block;
use super::verdict::{RuleResponse, Status, Verdict};
use crate::object::ObjectExt;
use crate::policy::ClassicPolicy;

/// The refusal of a validating webhook: the object, then policy → rule → message as YAML.
///
/// Every rule of the policies given that neither passed nor was skipped is named. `folds` is the manner of yaml.v2 (until
/// 1.18), which breaks long lines; yaml.v3 does not.
#[must_use]
pub fn blocked(object: &Value, policies: &[(&ClassicPolicy, &[RuleResponse])], folds: bool) -> String {
    let name = if object.name().is_empty() { object.generate_name() } else { object.name() };
    let resource = format!("{}/{}/{name}", object.kind(), object.namespace());
    let mut failures: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (policy, rules) in policies {
        for rule in *rules {
            if !matches!(rule.status, Status::Pass | Status::Skip) {
                failures.entry(&policy.name).or_default().insert(&rule.name, &rule.message);
            }
        }
    }
    let body = block::yaml(&failures, folds);
    format!("\n\nresource {resource} was blocked due to the following policies \n\n{body}")
}

/// The refusal of the mutating webhook.
#[must_use]
pub fn mutation_refused(policy: &ClassicPolicy, verdict: &Verdict) -> String {
    let failed = verdict.rules.iter().filter(|rule| matches!(rule.status, Status::Fail | Status::Error));
    let rules: Vec<String> = failed.map(|rule| format!("{}: {}", rule.name, rule.message)).collect();
    format!("mutation policy {} error: failed to apply policy {} rules [{}]", policy.name, policy.name, rules.join(" "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::eval::verdict::RuleType;

    fn refusal(message: &str, folds: bool) -> String {
        let policy = ClassicPolicy { name: "p".to_owned(), ..ClassicPolicy::default() };
        let rules = [RuleResponse::new("r", RuleType::Validation, Status::Fail, message)];
        let text = blocked(&json!({"kind": "Namespace", "metadata": {"name": "bad"}}), &[(&policy, &rules)], folds);
        text.split_once("policies \n\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    #[test]
    fn a_message_with_a_colon_is_quoted() {
        assert_eq!(refusal("validation error: no", false), "p:\n  r: 'validation error: no'\n");
        assert_eq!(refusal("it's: so", false), "p:\n  r: 'it''s: so'\n");
        assert_eq!(refusal("plain words", false), "p:\n  r: plain words\n");
    }

    #[test]
    fn yaml_v2_folds_after_80_columns() {
        let message =
            "validation error: The label `team` is required. rule check-team failed at path /metadata/labels/team/";
        assert_eq!(
            refusal(message, true),
            "p:\n  r: 'validation error: The label `team` is required. rule check-team failed at path\n    /metadata/labels/team/'\n"
        );
        assert!(!refusal(message, false).trim_end().trim_start_matches("p:\n").contains('\n'));
    }

    #[test]
    fn the_founding_story() {
        let words = "validation error: Bad names are not allowed. rule check-name failed at path /metadata/name/";
        assert_eq!(refusal(words, false), format!("p:\n  r: '{words}'\n"));
    }

    #[test]
    fn what_passed_is_left_out() {
        let policy = ClassicPolicy { name: "p".to_owned(), ..ClassicPolicy::default() };
        let rule = |name: &str, status| RuleResponse::new(name, RuleType::Validation, status, "no");
        let rules = [rule("a", Status::Pass), rule("b", Status::Skip), rule("c", Status::Error)];
        let text = blocked(&json!({}), &[(&policy, &rules)], false);
        assert!(text.ends_with("policies \n\np:\n  c: \"no\"\n"), "{text}");
    }

    #[test]
    fn several_lines_are_a_literal() {
        assert_eq!(refusal("a\nb", false), "p:\n  r: |-\n    a\n    b\n");
    }

    #[test]
    fn the_cluster_scoped_object_has_two_slashes() {
        let text = blocked(&json!({"kind": "Namespace", "metadata": {"name": "bad"}}), &[], false);
        assert!(text.starts_with("\n\nresource Namespace//bad was blocked due to the following policies \n\n"));
    }
}
