//! Updates of policies with generate rules (`immutableGenerateFields`).

use serde_json::{Value, json};

use super::Problem;
use super::field::{refused, warning};
use super::shape::{filled, rules};
use crate::object::ObjectExt;

/// What of a rule must stay: the rule without its generation, and the generation without what may change.
#[derive(PartialEq)]
struct Fixed {
    rule: Value,
    generation: Value,
}

/// A refusal, or a warning that ends all further checks.
pub(super) fn check(policy: &Value, old: &Value) -> Option<Problem> {
    let synchronizes = rules(old).any(|rule| rule.has("generate") && filled(rule.get(&["generate", "synchronize"])));
    let (before, after) = (fixed(old, synchronizes), fixed(policy, synchronizes));
    if !before.iter().all(|one| after.iter().any(|other| other.generation == one.generation)) {
        let words = "no synchronization will be performed to the old target resource upon policy updates: changes in the generate rule pattern could result in stale targets";
        return Some(warning("spec.rules", words));
    }
    let kept = before.iter().all(|one| after.iter().any(|other| other.rule == one.rule));
    let words = "changes of immutable fields of a rule spec in a generate rule is disallowed";
    (!kept).then(|| refused("spec.rules", words))
}

fn fixed(policy: &Value, synchronizes: bool) -> Vec<Fixed> {
    let generating = rules(policy).filter(|rule| rule.has("generate"));
    generating
        .map(|rule| {
            let mut value = rule.value.clone();
            let mut generation = value.remove_at(&["generate"]).unwrap_or_default();
            if !synchronizes {
                value.remove_at(&["match"]);
            }
            for field in ["data", "foreach", "generateExisting"] {
                generation.remove_at(&[field]);
            }
            for field in ["synchronize", "orphanDownstreamOnPolicyDelete"] {
                generation.set_at(&[field], json!(true));
            }
            Fixed { rule: value, generation }
        })
        .collect()
}
