//! `validate.podSecurity.exclude` (`PodSecurityStandard.Validate`, `ValidatePSaControlNames`).

use serde_json::Value;

use super::Problem;
use super::field::{forbidden, invalid};
use super::shape::{Rule, filled, items};
use crate::object::ObjectExt;

const POD_LEVEL: [&str; 4] = ["Host Namespaces", "HostPath Volumes", "Sysctls", "Volume Types"];
const CONTAINER_LEVEL: [&str; 5] =
    ["Capabilities", "Privileged Containers", "Host Ports", "/proc Mount Type", "Privilege Escalation"];
const RESTRICTED: [&str; 4] =
    ["Volume Types", "Privilege Escalation", "Running as Non-root", "Running as Non-root user"];

pub(super) fn rule(rule: Rule<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let Some(security) = rule.get(&["validate", "podSecurity"]) else { return problems };
    let baseline = security.str_at(&["level"]) == "baseline";
    for (index, exclude) in items(security.get("exclude")).enumerate() {
        let path = format!("{}.podSecurity.exclude[{index}]", rule.path());
        problems.extend(control(exclude, &path));
        let name = exclude.str_at(&["controlName"]);
        if baseline && RESTRICTED.contains(&name) {
            let words = "Invalid control name defined at the given level";
            problems.push(invalid(&format!("{path}.controlName"), &Value::from(name), words));
        }
    }
    problems
}

/// One excluded control, of a rule or of an exception.
pub(super) fn control(exclude: &Value, path: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let name = exclude.str_at(&["controlName"]);
    let at = format!("{path}.controlName");
    let images = filled(exclude.get("images"));
    if CONTAINER_LEVEL.contains(&name) && !images {
        let words = "exclude.images must be specified for the container level control";
        problems.push(invalid(&at, &Value::from(name), words));
    }
    if POD_LEVEL.contains(&name) && images {
        let words = "exclude.images must not be specified for the pod level control";
        problems.push(invalid(&at, &Value::from(name), words));
    }
    match (filled(exclude.get("restrictedField")), filled(exclude.get("values"))) {
        (true, false) => problems.push(forbidden(&format!("{path}.values"), "values is required")),
        (false, true) => problems.push(forbidden(&format!("{path}.restrictedField"), "restrictedField is required")),
        _ => {}
    }
    problems
}
