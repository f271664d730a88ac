//! The text with which Kyverno refuses a request. Follows `pkg/webhooks/utils/block.go` and `pkg/webhooks/resource/mutation`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::verdict::{RuleResponse, Status, Verdict};
use crate::object::ObjectExt;
use crate::policy::ClassicPolicy;

/// The width at which yaml.v2 folds plain and quoted scalars.
const FOLD: usize = 80;

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
    let mut body = String::new();
    for (policy, rules) in failures {
        body.push_str(&format!("{}:\n", key(policy)));
        for (rule, message) in rules {
            body.push_str(&entry(rule, message, folds));
        }
    }
    format!("\n\nresource {resource} was blocked due to the following policies \n\n{body}")
}

/// The refusal of the mutating webhook.
#[must_use]
pub fn mutation_refused(policy: &ClassicPolicy, verdict: &Verdict) -> String {
    let failed = verdict.rules.iter().filter(|rule| matches!(rule.status, Status::Fail | Status::Error));
    let rules: Vec<String> = failed.map(|rule| format!("{}: {}", rule.name, rule.message)).collect();
    format!("mutation policy {} error: failed to apply policy {} rules [{}]", policy.name, policy.name, rules.join(" "))
}

fn key(text: &str) -> String {
    scalar(text).unwrap_or_else(|| text.to_owned())
}

fn entry(rule: &str, message: &str, folds: bool) -> String {
    let head = format!("  {}:", key(rule));
    if message.contains('\n') && literal_allowed(message) {
        return literal(&head, message);
    }
    let text = scalar(message).unwrap_or_else(|| message.to_owned());
    if !folds {
        return format!("{head} {text}\n");
    }
    folded(&head, &text)
}

/// A quoted form where plain text would not read back as the same string; `None` where plain is fine.
fn scalar(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("\"\"".to_owned());
    }
    if text.contains(['\n', '\t']) || text.chars().any(char::is_control) {
        return Some(serde_json::to_string(text).unwrap_or_default());
    }
    let starts_special = text.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@`".contains(c)) && !safe_dash(text);
    let inside = text.contains(": ")
        || text.contains(" #")
        || text.ends_with(':')
        || text.starts_with(' ')
        || text.ends_with(' ');
    if starts_special || inside {
        return Some(format!("'{}'", text.replace('\'', "''")));
    }
    // Text that reads as another type is quoted with double quotes.
    match crate::parse::one(text) {
        Ok(Value::String(_)) => None,
        _ => Some(format!("\"{text}\"")),
    }
}

fn safe_dash(text: &str) -> bool {
    let mut chars = text.chars();
    matches!(chars.next(), Some('-' | '?' | ':')) && chars.next().is_some_and(|next| next != ' ')
}

fn literal_allowed(text: &str) -> bool {
    !text.starts_with(' ')
        && !text.starts_with('\n')
        && !text.contains('\t')
        && !text.lines().any(|line| line.ends_with(' '))
}

fn literal(head: &str, text: &str) -> String {
    let ends = text.chars().rev().take_while(|c| *c == '\n').count();
    let chomp = match ends {
        0 => "-",
        1 => "",
        _ => "+",
    };
    let lines: String = text
        .trim_end_matches('\n')
        .split('\n')
        .map(|line| if line.is_empty() { "\n".to_owned() } else { format!("    {line}\n") })
        .collect();
    let more = "\n".repeat(ends.saturating_sub(1));
    format!("{head} |{chomp}\n{lines}{more}")
}

/// libyaml's manner: a space past the width becomes a line break, unless it is the first or last character or has another
/// space beside it.
fn folded(head: &str, text: &str) -> String {
    let mut out = format!("{head} ");
    let mut column = out.chars().count();
    let chars: Vec<char> = text.chars().collect();
    for (index, c) in chars.iter().enumerate() {
        let inner = index > 0 && index + 1 < chars.len();
        let lone = chars.get(index + 1) != Some(&' ')
            && index.checked_sub(1).and_then(|before| chars.get(before)) != Some(&' ');
        if *c == ' ' && inner && lone && column > FOLD {
            out.push_str("\n    ");
            column = 4;
        } else {
            out.push(*c);
            column += 1;
        }
    }
    out.push('\n');
    out
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
    fn several_lines_are_a_literal() {
        assert_eq!(refusal("a\nb", false), "p:\n  r: |-\n    a\n    b\n");
    }

    #[test]
    fn the_cluster_scoped_object_has_two_slashes() {
        let text = blocked(&json!({"kind": "Namespace", "metadata": {"name": "bad"}}), &[], false);
        assert!(text.starts_with("\n\nresource Namespace//bad was blocked due to the following policies \n\n"));
    }
}
