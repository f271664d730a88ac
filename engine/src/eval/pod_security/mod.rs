//! `validate.podSecurity`: the Pod Security Standards with Kyverno's exclusions
//! (`pkg/engine/handlers/validation/validate_pss.go`, `pkg/pss/evaluate.go`).

mod check;
mod exclude;
mod host;
mod privileges;
mod profiles;
#[cfg(test)]
mod tests;
mod volumes;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Profile;
use super::RuleCx;
use super::trace::{Outcome, TraceNode};
use super::verdict::{RuleResponse, RuleType, Status};
use crate::object::ObjectExt;
use crate::object::image::{self, RegistryConfig};
use crate::object::read::read;
use crate::policy::exception::PolicyException;
use check::{Check, Level, Pod, Revision, Violation};
use exclude::Exclude;

/// The checks in the order in which they are reported.
const CHECKS: [Check; 18] = [
    restricted(
        "allowPrivilegeEscalation",
        &[(8, privileges::privilege_escalation_1_8), (25, privileges::privilege_escalation_1_25)],
    ),
    baseline("appArmorProfile", &[(0, profiles::app_armor)]),
    baseline("capabilities_baseline", &[(0, privileges::capabilities_baseline)]),
    restricted(
        "capabilities_restricted",
        &[(22, privileges::capabilities_restricted_1_22), (25, privileges::capabilities_restricted_1_25)],
    ),
    baseline("hostNamespaces", &[(0, host::namespaces)]),
    baseline("hostPathVolumes", &[(0, volumes::path_volumes)]),
    baseline("hostPorts", &[(0, host::ports)]),
    baseline(HOST_PROBES, &[(34, host::probes_and_lifecycle)]),
    baseline("privileged", &[(0, privileges::privileged)]),
    baseline("procMount", &[(0, privileges::proc_mount)]),
    restricted("restrictedVolumes", &[(0, volumes::restricted_volumes)]),
    restricted("runAsNonRoot", &[(0, privileges::run_as_non_root)]),
    restricted("runAsUser", &[(23, privileges::run_as_user)]),
    baseline("seLinuxOptions", &[(0, profiles::se_linux_1_0), (31, profiles::se_linux_1_31)]),
    baseline("seccompProfile_baseline", &[(0, profiles::seccomp_baseline_1_0), (19, profiles::seccomp_baseline_1_19)]),
    restricted(
        "seccompProfile_restricted",
        &[(19, profiles::seccomp_restricted_1_19), (25, profiles::seccomp_restricted_1_25)],
    ),
    baseline(
        "sysctls",
        &[
            (0, privileges::sysctls::<0>),
            (27, privileges::sysctls::<27>),
            (29, privileges::sysctls::<29>),
            (32, privileges::sysctls::<32>),
        ],
    ),
    baseline("windowsHostProcess", &[(0, host::windows_host_process)]),
];

/// Newer than Kyverno 1.15.
const HOST_PROBES: &str = "hostProbesAndHostLifecycle";

const fn baseline(id: &'static str, versions: &'static [Revision]) -> Check {
    Check { id, level: Level::Baseline, versions }
}

const fn restricted(id: &'static str, versions: &'static [Revision]) -> Check {
    Check { id, level: Level::Restricted, versions }
}

/// `validate.podSecurity`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct PodSecurity {
    level: String,
    version: String,
    exclude: Vec<Exclude>,
}

/// What is checked.
struct Standard {
    /// Only the checks of the baseline level; any other level runs them all.
    only_baseline: bool,
    /// Minor version of Kubernetes 1; `u32::MAX` for the latest.
    minor: u32,
    profile: Profile,
}

/// A check that does not hold.
#[derive(Clone, Debug)]
struct Found {
    id: &'static str,
    violation: Violation,
}

/// Checks a Pod or pod controller. `exceptions` are those that match the request and the rule: an exception without
/// `podSecurity` lifts the whole rule, others add their exclusions.
///
/// DELETE requests and leniency for objects that violated before are the caller's.
pub fn validate(cx: &mut RuleCx<'_>, resource: &Value, exceptions: &[&PolicyException]) -> RuleResponse {
    let at = format!("{}/validate/podSecurity", cx.pointer);
    cx.trace.open(|| TraceNode::new("pod-security", Outcome::Info, "").at(at));
    let (response, found) = respond(cx, resource, exceptions);
    for found in &found {
        let name = control_of(found.id);
        let name = if name.is_empty() { found.id } else { name };
        let at = first_field(found);
        cx.trace.leaf(|| {
            let text = format!("{name}: {}", found.violation.detail);
            TraceNode { looked_at: at, ..TraceNode::new("pod-security", Outcome::No, text) }
        });
    }
    cx.trace.amend(|node| node.text = response.message.clone());
    cx.trace.close(match response.status {
        Status::Pass => Outcome::Yes,
        Status::Skip => Outcome::Skip,
        Status::Error => Outcome::Error,
        Status::Fail | Status::Warn => Outcome::No,
    });
    response
}

fn respond(cx: &RuleCx<'_>, resource: &Value, exceptions: &[&PolicyException]) -> (RuleResponse, Vec<Found>) {
    let rule = &cx.rule.name;
    let respond = |status, message: String| RuleResponse::new(rule, RuleType::Validation, status, message);
    if let Some(whole) = exceptions.iter().find(|exception| exception.spec.pod_security.is_empty()) {
        let key = key_of(whole);
        let mut response = respond(Status::Skip, format!("rule is skipped due to policy exception {key}"));
        response.exceptions = vec![key];
        return (response, Vec::new());
    }
    let settings = cx.rule.validate.as_ref().and_then(|validate| validate.pod_security.clone()).unwrap_or_default();
    let settings: PodSecurity = match read(&settings) {
        Ok(settings) => settings,
        Err(error) => return (respond(Status::Error, format!("failed to parse pod security: {error}")), Vec::new()),
    };
    let Some(pod) = pod_of(resource) else {
        let message = "Error while getting new resource: could not find correct resource type".to_owned();
        return (respond(Status::Error, message), Vec::new());
    };
    let Some(minor) = minor_version(&settings.version) else {
        let message = "failed to parse pod security api version: must be \"latest\" or \"v1.x\"".to_owned();
        return (respond(Status::Error, message), Vec::new());
    };
    let standard = Standard { only_baseline: settings.level == "baseline", minor, profile: cx.cx.profile };
    let found = exclude::apply(&standard, &settings.exclude, evaluate(&standard, &pod), &pod);
    if found.is_empty() {
        return (respond(Status::Pass, format!("Validation rule '{rule}' passed.")), found);
    }
    let keys: Vec<String> = exceptions.iter().map(|exception| key_of(exception)).collect();
    let excludes = exceptions.iter().flat_map(|exception| &exception.spec.pod_security);
    let excludes: Vec<Exclude> = excludes.filter_map(|value| read(value).ok()).collect();
    let mut found = exclude::apply(&standard, &excludes, found, &pod);
    if found.is_empty() {
        let message = format!("rule is skipped due to policy exceptions {}", keys.join(", "));
        let mut response = respond(Status::Skip, message);
        response.exceptions = keys;
        return (response, found);
    }
    move_into_template(&mut found, resource.kind());
    let PodSecurity { level, version, .. } = &settings;
    let message = format!(
        "Validation rule '{rule}' failed. It violates PodSecurity \"{level}:{version}\": {}",
        found.iter().map(words).collect::<String>()
    );
    let mut response = respond(Status::Fail, message);
    response.properties = properties(&settings, &found, resource);
    (response, found)
}

fn evaluate(standard: &Standard, pod: &Pod) -> Vec<Found> {
    let checks = CHECKS.iter().filter(|check| {
        let newer = check.id == HOST_PROBES && standard.profile == Profile::V1_15;
        !newer && (!standard.only_baseline || check.level == Level::Baseline)
    });
    let found = checks.filter_map(|check| {
        // A version older than the check's oldest revision still gets that one.
        let suitable = check.versions.iter().rev().find(|(since, _)| *since <= standard.minor);
        let (_, run) = suitable.or_else(|| check.versions.first())?;
        Some(Found { id: check.id, violation: run(pod)? })
    });
    found.collect()
}

/// The control that the standards know a check by; `""` for the one that has none.
fn control_of(id: &str) -> &'static str {
    match id {
        "capabilities_baseline" | "capabilities_restricted" => "Capabilities",
        "seccompProfile_baseline" | "seccompProfile_restricted" => "Seccomp",
        "privileged" => "Privileged Containers",
        "hostPorts" => "Host Ports",
        "procMount" => "/proc Mount Type",
        "windowsHostProcess" => "HostProcess",
        "seLinuxOptions" => "SELinux",
        "hostNamespaces" => "Host Namespaces",
        "hostPathVolumes" => "HostPath Volumes",
        "sysctls" => "Sysctls",
        "appArmorProfile" => "AppArmor",
        "allowPrivilegeEscalation" => "Privilege Escalation",
        "runAsNonRoot" => "Running as Non-root",
        "runAsUser" => "Running as Non-root user",
        "restrictedVolumes" => "Volume Types",
        _ => "",
    }
}

/// Of a `CronJob` the metadata is that of the job template, not of the pod template.
fn pod_of(resource: &Value) -> Option<Pod> {
    let (metadata, spec): (&[&str], &[&str]) = match resource.kind() {
        "Pod" => (&["metadata"], &["spec"]),
        "DaemonSet" | "Deployment" | "Job" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
            (&["spec", "template", "metadata"], &["spec", "template", "spec"])
        }
        "CronJob" => (&["spec", "jobTemplate", "metadata"], &["spec", "jobTemplate", "spec", "template", "spec"]),
        _ => return None,
    };
    let part = |path: &[&str]| resource.at(path).cloned().unwrap_or_default();
    Some(Pod { metadata: part(metadata), spec: part(spec) })
}

fn minor_version(version: &str) -> Option<u32> {
    if version.is_empty() || version == "latest" {
        return Some(u32::MAX);
    }
    let minor = version.strip_prefix("v1.")?;
    let canonical = minor == "0" || !minor.starts_with('0');
    minor.parse().ok().filter(|_| canonical && minor.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Replaces text, as Kyverno does: `metadata` becomes that of a template even for Pods.
fn move_into_template(found: &mut [Found], kind: &str) {
    let spec = match kind {
        "Pod" => None,
        "CronJob" => Some("spec.jobTemplate.spec.template.spec"),
        _ => Some("spec.template.spec"),
    };
    for error in found.iter_mut().flat_map(|found| found.violation.errors.iter_mut().flatten()) {
        if let Some(spec) = spec {
            error.field = error.field.replace("spec", spec);
        }
        error.field = error.field.replace("metadata", "spec.template.metadata");
    }
}

fn words(found: &Found) -> String {
    let errors: Vec<String> = found.violation.errors.iter().flatten().map(check::FieldError::words).collect();
    format!("(Forbidden reason: {}, field error list: [{}])", found.violation.reason, errors.join(", "))
}

fn properties(settings: &PodSecurity, found: &[Found], resource: &Value) -> BTreeMap<String, String> {
    let ids: Vec<&str> = found.iter().map(|found| found.id).collect();
    let controls = found.iter().map(|found| {
        json!({ "ID": found.id, "Name": control_of(found.id), "Images": images_of(&found.violation.detail, resource) })
    });
    BTreeMap::from([
        ("standard".to_owned(), settings.level.clone()),
        ("version".to_owned(), settings.version.clone()),
        ("controls".to_owned(), ids.join(",")),
        ("controlsJSON".to_owned(), Value::Array(controls.collect()).to_string()),
    ])
}

/// The images of the containers that a violation names; the name itself where it has none.
fn images_of(detail: &str, resource: &Value) -> Value {
    static CONTAINERS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"container(?:s)?\s*(.*?)\s*must").ok());
    let Some(names) = CONTAINERS.as_ref().and_then(|regex| regex.captures(detail)?.get(1)) else { return Value::Null };
    let extractors = image::standard_extractors(resource.kind());
    let extracted = image::extract(resource, &extractors, &RegistryConfig::default(), &|_, text| Ok(text.to_owned()));
    let extracted = extracted.unwrap_or_default();
    let names = names.as_str().replace(['"', ' '], "");
    let image = |name: &str| {
        let groups = ["containers", "initContainers", "ephemeralContainers"];
        let found = groups.iter().find_map(|group| extracted.get(*group)?.get(name));
        Value::String(found.map_or_else(|| name.to_owned(), |found| found.info.to_string()))
    };
    names.split(',').map(image).collect()
}

/// `namespace/name`.
fn key_of(exception: &PolicyException) -> String {
    if exception.namespace.is_empty() {
        exception.name.clone()
    } else {
        format!("{}/{}", exception.namespace, exception.name)
    }
}

/// The first field as a JSON pointer.
fn first_field(found: &Found) -> Option<String> {
    let field = &found.violation.errors.as_ref()?.first()?.field;
    Some(format!("/{}", field.replace("].", "/").replace(['.', '['], "/").replace(']', "")))
}
