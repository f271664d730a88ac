//! `CleanupPolicy` and `ClusterCleanupPolicy` (`pkg/validation/cleanuppolicy`, `api/kyverno/v2`).

use std::str::FromStr;

use serde_json::Value;

use super::classic::long_name;
use super::field::{invalid, warning};
use super::shape::{filled, items, there};
use super::{Options, Problem, Report, matching, permissions, variables};
use crate::object::ObjectExt;

pub(super) fn check(policy: &Value, options: &Options<'_>) -> Vec<Problem> {
    let mut report = Report::default();
    let namespaced = policy.kind() == "CleanupPolicy";
    report.extend(long_name("metadata.name", policy.name()));
    for entry in items(policy.at(&["spec", "context"])) {
        let context = policy.at(&["spec", "context"]).unwrap_or(entry);
        for (field, name) in [("imageRegistry", "ImageRegistry"), ("configMap", "ConfigMap")] {
            if there(entry.get(field)).is_some() {
                let words = format!("{name} is not allowed in CleanUp Policy");
                report.add(invalid("spec.context", context, &words));
                break;
            }
        }
    }
    let schedule = policy.str_at(&["spec", "schedule"]);
    if !is_cron(schedule) {
        let words = "schedule spec in the cleanupPolicy is not in proper cron format";
        report.add(invalid("spec.schedule", &Value::from(schedule), words));
    }
    for block in ["match", "exclude"] {
        let Some(found) = there(policy.at(&["spec", block])) else { continue };
        let path = format!("spec.{block}");
        let users = matching::no_users(found, &path);
        if users.is_empty() {
            report.extend(matching::block(found, &path, namespaced, options));
        } else {
            report.extend(users);
        }
    }
    report.extend(empty_set(policy));
    report.phase(1);
    report.extend(permissions::cleanup(policy, options));
    report.phase(2);
    report.extend(variables::of_cleanup(policy));
    if let Some(words) = super::deprecated::kind_warning(policy.kind(), options) {
        report.add(warning("kind", words));
    }
    report.problems
}

fn empty_set(policy: &Value) -> Option<Problem> {
    let spec = policy.get("spec")?;
    let (matched, excluded) = (spec.get("match")?, there(spec.get("exclude"))?);
    if filled(excluded.get("all")) || filled(matched.get("all")) || !filled(Some(excluded)) {
        return None;
    }
    let filters = |block: &Value| items(block.get("any")).cloned().collect::<Vec<_>>();
    let (wanted, out) = (filters(matched), filters(excluded));
    let distinct = !wanted.is_empty() && !out.is_empty() && !wanted.iter().any(|filter| out.contains(filter));
    (!distinct).then(|| invalid("spec", spec, "CleanupPolicy is matching an empty set"))
}

/// Five fields or a descriptor (`cron.ParseStandard` of robfig/cron).
fn is_cron(schedule: &str) -> bool {
    let schedule = match schedule.strip_prefix("TZ=").or_else(|| schedule.strip_prefix("CRON_TZ=")) {
        Some(rest) => rest.split_once(' ').map_or("", |(_, rest)| rest.trim()),
        None => schedule.trim(),
    };
    if let Some(name) = schedule.strip_prefix('@') {
        return match name.strip_prefix("every ") {
            Some(duration) => crate::object::duration::Duration::parse(duration).is_ok(),
            None => matches!(name, "yearly" | "annually" | "monthly" | "weekly" | "daily" | "midnight" | "hourly"),
        };
    }
    schedule.split_whitespace().count() == 5 && croner::Cron::from_str(schedule).is_ok()
}
