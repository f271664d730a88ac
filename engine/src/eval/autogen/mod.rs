//! Autogen: the rules for pod controllers that Kyverno makes from rules for Pods (`pkg/autogen/v1`).

mod body;
mod kinds;
mod rewrite;
mod support;
#[cfg(test)]
mod tests;

use crate::object::order;
use crate::object::read::read;
use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::policy::ClassicPolicy;
use crate::policy::rule::Rule;

pub use kinds::{contains_kind, kind_and_api_version};

/// The annotation that limits autogen to some controllers, or turns it off with `none`.
pub const CONTROLLERS_ANNOTATION: &str = "pod-policies.kyverno.io/autogen-controllers";

/// The pod controllers that Kyverno knows.
const POD_CONTROLLERS: [&str; 7] =
    ["CronJob", "DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"];

/// A rule to evaluate, with the place of the rule it stands for.
#[derive(Clone, Debug)]
pub struct AutogenRule<'p> {
    /// The rule as it is written, or a generated one, which is named `autogen-…` or `autogen-cronjob-…`.
    pub rule: Cow<'p, Rule>,
    /// JSON pointer of the written rule, such as `/spec/rules/0`.
    pub pointer: String,
}

/// A generated rule as JSON, and the index of the rule it was made from.
struct Generated {
    index: usize,
    rule: Value,
}

/// The rules of a policy: those that are written, then those that are generated.
///
/// With a `kind` (validation passes the kind of the resource) only the rules for that controller are generated.
/// `ComputeRules` of `pkg/autogen/v1/autogen.go`.
#[must_use]
pub fn rules<'p>(policy: &'p ClassicPolicy, kind: Option<&str>) -> Vec<AutogenRule<'p>> {
    // A rule that no longer deserializes is left out, as Kyverno only logs it.
    let readable = |made: Vec<Generated>| made.into_iter().map(|made| (made.index, read(&made.rule).ok())).collect();
    let made: Vec<(usize, Option<Cow<'p, Rule>>)> = match kind.filter(|kind| !kind.is_empty()) {
        Some(_) => {
            let made: Vec<(usize, Option<Rule>)> = readable(generated(policy, kind));
            made.into_iter().map(|(index, rule)| (index, rule.map(Cow::Owned))).collect()
        }
        None => {
            let made = policy.generated.get_or_init(|| readable(generated(policy, None)));
            made.iter().map(|(index, rule)| (*index, rule.as_ref().map(Cow::Borrowed))).collect()
        }
    };
    let written = policy.spec.rules.iter().enumerate();
    let written = written.filter(|(_, rule)| made.is_empty() || !is_autogen_name(&rule.name));
    let mut out: Vec<AutogenRule<'p>> =
        written.map(|(index, rule)| AutogenRule { rule: Cow::Borrowed(rule), pointer: pointer(index) }).collect();
    let made = made.into_iter().filter_map(|(index, rule)| Some((index, rule?)));
    out.extend(made.map(|(index, rule)| AutogenRule { rule, pointer: pointer(index) }));
    out
}

/// The generated rules as JSON: `status.autogen.rules` of a policy.
#[must_use]
pub fn status_rules(policy: &ClassicPolicy) -> Vec<Value> {
    let mut rules: Vec<Value> = generated(policy, None).into_iter().map(|generated| generated.rule).collect();
    for rule in &mut rules {
        fill_empty_structs(rule);
    }
    rules
}

/// The controllers that rules are generated for; empty when the policy is not eligible or autogen is off.
#[must_use]
pub fn controllers(policy: &ClassicPolicy) -> BTreeSet<String> {
    let mut out = requested(policy);
    out.retain(|name| name != "none" && !name.is_empty());
    out
}

fn pointer(index: usize) -> String {
    format!("/spec/rules/{index}")
}

fn is_autogen_name(name: &str) -> bool {
    name.starts_with("autogen-")
}

fn raw_rules(policy: &ClassicPolicy) -> &[Value] {
    policy.raw.pointer("/spec/rules").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// What the annotation asks for where the policy is eligible, all controllers where it is silent, else `none`.
fn requested(policy: &ClassicPolicy) -> BTreeSet<String> {
    if !support::can_autogen(raw_rules(policy)) {
        return BTreeSet::from(["none".to_owned()]);
    }
    match policy.annotations.get(CONTROLLERS_ANNOTATION) {
        Some(list) => order::set(list.split(',').map(str::to_owned)),
        None => order::set(POD_CONTROLLERS.map(str::to_owned)),
    }
}

fn generated(policy: &ClassicPolicy, kind: Option<&str>) -> Vec<Generated> {
    let requested = requested(policy);
    let controllers = match kind.filter(|kind| !kind.is_empty()) {
        Some(kind) if requested.contains(kind) => kind.to_owned(),
        Some(_) => return Vec::new(),
        None => requested.into_iter().collect::<Vec<_>>().join(","),
    };
    if controllers == "none" {
        return Vec::new();
    }
    let without_cron = strip_cron_job(&controllers);
    let mut out = Vec::new();
    for (index, rule) in raw_rules(policy).iter().enumerate() {
        if let Some(rule) = body::for_controllers(rule, &without_cron) {
            out.push(Generated { index, rule: rewrite::rewrite(body::picked(&rule), rewrite::Template::Pod) });
        }
        if let Some(rule) = body::for_cron_job(rule, &controllers) {
            out.push(Generated { index, rule: rewrite::rewrite(body::picked(&rule), rewrite::Template::CronJob) });
        }
    }
    out
}

fn strip_cron_job(controllers: &str) -> String {
    let mut kept: Vec<&str> = controllers.split(',').filter(|name| *name != "CronJob").collect();
    order::sort(&mut kept);
    kept.join(",")
}

/// Go writes the structs of a rule even where they are empty; partial comparisons of a policy's status rely on it.
fn fill_empty_structs(rule: &mut Value) {
    let Value::Object(rule) = rule else { return };
    for key in ["match", "exclude"] {
        let Some(block) = rule.get_mut(key).and_then(Value::as_object_mut) else { continue };
        block.entry("resources").or_insert_with(|| json!({}));
    }
}
