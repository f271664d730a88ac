//! Whether a policy is eligible for autogen (`CanAutoGen` of `pkg/autogen/v1/autogen.go`).

use serde_json::Value;

use super::POD_CONTROLLERS;
use super::kinds::{contains_kind, kinds_of};

/// One rule that is not eligible makes the whole policy ineligible; and some filter must name a Pod or a pod controller.
pub(super) fn can_autogen(rules: &[Value]) -> bool {
    let mut needed = false;
    for rule in rules {
        if is_set(rule.get("generate")) || patches_with_json6902(rule) {
            return false;
        }
        for filter in filters(rule) {
            if !supports(filter) {
                return false;
            }
            needed |= kinds_of(filter).any(|kind| kind == "Pod" || POD_CONTROLLERS.contains(&kind));
        }
    }
    needed
}

fn patches_with_json6902(rule: &Value) -> bool {
    let Some(mutate) = rule.get("mutate") else { return false };
    let foreach = mutate.get("foreach").and_then(Value::as_array).into_iter().flatten();
    std::iter::once(mutate)
        .chain(foreach)
        .any(|block| block.get("patchesJson6902").and_then(Value::as_str).is_some_and(|patch| !patch.is_empty()))
}

/// The filters of `match` and `exclude`: the block itself, then `any`, then `all`.
fn filters(rule: &Value) -> impl Iterator<Item = &Value> {
    let blocks = ["match", "exclude"].into_iter().filter_map(|key| rule.get(key));
    blocks.flat_map(|block| {
        let lists = ["any", "all"].into_iter().filter_map(|key| block.get(key)?.as_array()).flatten();
        std::iter::once(block).chain(lists)
    })
}

fn supports(filter: &Value) -> bool {
    let Some(resources) = filter.get("resources") else { return true };
    let named = resources.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    let names = resources.get("names").and_then(Value::as_array).is_some_and(|names| !names.is_empty());
    let selects = ["selector", "annotations"].iter().any(|key| resources.get(*key).is_some_and(|v| !v.is_null()));
    let mixed = kinds_of(filter).count() > 1 && contains_kind(kinds_of(filter), "Pod");
    !(named || names || selects || mixed)
}

/// A struct that is there and not empty.
fn is_set(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => false,
        Some(Value::Object(map)) => !map.is_empty(),
        Some(_) => true,
    }
}
