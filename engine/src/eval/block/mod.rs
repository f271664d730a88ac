//! The message of a blocked request: a YAML map policy → rule → message, in the exact style of Go's YAML libraries.
//!
//! Follows `GetBlockedMessages` of `pkg/webhooks/utils/block.go`. Since 1.19 it is written by yaml v3 without folding, before by yaml v2,
//! which folds lines at 80 columns.

mod emit;
mod order;
mod resolve;

use std::collections::BTreeMap;

use serde_json::Value;

use super::Profile;
use super::verdict::{Status, Verdict};
use crate::object::ObjectExt;
use emit::Dialect;

/// The message for the verdicts of all policies that were evaluated, enforced or not; `None` where nothing failed.
///
/// A policy that occurs twice is shown with its last verdict.
#[must_use]
pub fn message<'v>(
    resource: &Value,
    verdicts: impl IntoIterator<Item = (&'v str, &'v Verdict)>,
    profile: Profile,
) -> Option<String> {
    let mut failures: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for (policy, verdict) in verdicts {
        let failed = verdict.rules.iter().filter(|rule| !matches!(rule.status, Status::Pass | Status::Skip));
        let rules: BTreeMap<&str, &str> = failed.map(|rule| (rule.name.as_str(), rule.message.as_str())).collect();
        if !rules.is_empty() {
            failures.insert(policy, rules);
        }
    }
    if failures.is_empty() {
        return None;
    }
    let name = format!("{}/{}/{}", resource.kind(), resource.namespace(), resource.name());
    let results = to_yaml(&failures, if profile < Profile::V1_19 { Dialect::V2 } else { Dialect::V3 });
    Some(format!("\n\nresource {name} was blocked due to the following policies \n\n{results}"))
}

fn to_yaml(failures: &BTreeMap<&str, BTreeMap<&str, &str>>, dialect: Dialect) -> String {
    let mut out = String::new();
    for policy in order::sorted(failures.keys().copied(), dialect) {
        out.push_str(&emit::key(policy, dialect));
        out.push_str(":\n");
        let Some(rules) = failures.get(policy) else { continue };
        for rule in order::sorted(rules.keys().copied(), dialect) {
            let Some(message) = rules.get(rule) else { continue };
            let key = format!("  {}:", emit::key(rule, dialect));
            out.push_str(&key);
            out.push(' ');
            out.push_str(&emit::value(message, 4, key.chars().count() + 1, dialect));
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::verdict::{RuleResponse, RuleType};
    use serde_json::json;

    fn blocked(rules: &[(&str, Status, &str)], profile: Profile) -> Option<String> {
        let rules = rules
            .iter()
            .map(|(name, status, message)| RuleResponse::new(name, RuleType::Validation, *status, *message));
        let verdict = Verdict { rules: rules.collect(), ..Verdict::default() };
        let resource = json!({ "kind": "Namespace", "metadata": { "name": "bad-namespace" } });
        message(&resource, [("disallow-bad-namespace", &verdict)], profile)
    }

    #[test]
    fn the_founding_story() {
        let words = "validation error: Bad names are not allowed. rule check-name failed at path /metadata/name/";
        let wanted = "\n\nresource Namespace//bad-namespace was blocked due to the following policies \n\n\
            disallow-bad-namespace:\n  check-name: 'validation error: Bad names are not allowed. rule check-name failed at path /metadata/name/'\n";
        assert_eq!(blocked(&[("check-name", Status::Fail, words)], Profile::V1_19).as_deref(), Some(wanted));
    }

    #[test]
    fn before_1_19_long_lines_are_folded() {
        let words = "validation error: Bad names are not allowed. rule check-name failed at path /metadata/name/";
        let message = blocked(&[("check-name", Status::Fail, words)], Profile::V1_15).unwrap();
        let yaml = message.split_once("\n\ndis").unwrap().1;
        assert_eq!(
            yaml,
            "allow-bad-namespace:\n  check-name: 'validation error: Bad names are not allowed. rule check-name failed\n    at path /metadata/name/'\n"
        );
    }

    #[test]
    fn what_passed_is_left_out() {
        assert_eq!(blocked(&[("a", Status::Pass, ""), ("b", Status::Skip, "")], Profile::V1_19), None);
        let message = blocked(&[("a", Status::Pass, ""), ("b", Status::Error, "no")], Profile::V1_19).unwrap();
        assert!(message.ends_with("disallow-bad-namespace:\n  b: \"no\"\n"), "{message}");
    }
}
