//! Checks on security profiles: AppArmor, seccomp, SELinux.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::check::{Bad, FieldError, Pod, Violation, Violations, join_quoted, plural};
use crate::object::{ObjectExt, gofmt};

pub(super) fn app_armor(pod: &Pod) -> Option<Violation> {
    const PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";
    const PATH: [&str; 2] = ["securityContext", "appArmorProfile"];
    let mut values = BTreeSet::new();
    let mut setters = Violations::default();
    if let Some(found) = bad_profile(pod.field(&PATH)) {
        setters.add("pod", [typed("spec.securityContext.appArmorProfile.type", &found)]);
        values.insert(found);
    }
    let mut bad = Violations::default();
    for container in pod.containers() {
        if let Some(found) = bad_profile(container.field(&PATH)) {
            bad.add(container.name(), [typed(&container.at("securityContext.appArmorProfile.type"), &found)]);
            values.insert(found);
        }
    }
    setters.add_containers(bad);
    let mut annotated = Violations::default();
    for (key, value) in annotations(pod) {
        let allowed = value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
        if key.starts_with(PREFIX) && !allowed {
            annotated.add(format!("{key}={}", gofmt::quote(&value)), [annotation(&key, &value)]);
        }
    }
    let mut all: Vec<String> = values.into_iter().collect();
    if !annotated.is_empty() {
        all.extend(annotated.who.iter().cloned());
        setters.add(plural("annotation", "annotations", annotated.who.len()), annotated.errors);
    }
    let reason = plural("forbidden AppArmor profile", "forbidden AppArmor profiles", all.len());
    setters.because(reason, |bad| {
        format!("{} must not set AppArmor profile type to {}", bad.who.join(" and "), join_quoted(&all))
    })
}

/// Before 1.19 profiles were annotations.
pub(super) fn seccomp_baseline_1_0(pod: &Pod) -> Option<Violation> {
    const POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
    const CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
    let annotations = annotations(pod);
    let keys = pod.containers().map(|container| format!("{CONTAINER}{}", container.name()));
    let mut found: BTreeMap<String, Vec<FieldError>> = BTreeMap::new();
    for key in std::iter::once(POD.to_owned()).chain(keys) {
        let Some(value) = annotations.get(&key) else { continue };
        let allowed = matches!(value.as_str(), "runtime/default" | "docker/default") || value.starts_with("localhost/");
        if !allowed {
            let words = format!("{key}={}", gofmt::quote(value));
            found.entry(words).or_default().push(annotation(&key, value));
        }
    }
    let mut bad = Violations::default();
    for (words, errors) in found {
        bad.add(words, errors);
    }
    bad.because("seccompProfile", |bad| {
        format!("forbidden {} {}", plural("annotation", "annotations", bad.who.len()), bad.who.join(", "))
    })
}

pub(super) fn seccomp_baseline_1_19(pod: &Pod) -> Option<Violation> {
    let (setters, values, _) = seccomp(pod);
    setters.because("seccompProfile", |bad| bad_seccomp(bad, &values))
}

pub(super) fn seccomp_restricted_1_19(pod: &Pod) -> Option<Violation> {
    let (setters, values, implicitly) = seccomp(pod);
    setters.because("seccompProfile", |bad| bad_seccomp(bad, &values)).or_else(|| {
        implicitly.because("seccompProfile", |bad| {
            let who = bad.containers();
            format!("pod or {who} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"")
        })
    })
}

pub(super) fn seccomp_restricted_1_25(pod: &Pod) -> Option<Violation> {
    if pod.is_windows() { None } else { seccomp_restricted_1_19(pod) }
}

fn bad_seccomp(bad: &Violations, values: &BTreeSet<String>) -> String {
    format!("{} must not set securityContext.seccompProfile.type to {}", bad.who.join(" and "), join_quoted(values))
}

/// Who sets a bad profile, to what, and which containers have none at all.
fn seccomp(pod: &Pod) -> (Violations, BTreeSet<String>, Violations) {
    const PATH: [&str; 2] = ["securityContext", "seccompProfile"];
    let mut values = BTreeSet::new();
    let mut setters = Violations::default();
    let of_pod = pod.field(&PATH);
    let bad_of_pod = bad_profile(of_pod);
    let pod_is_set = of_pod.is_some() && bad_of_pod.is_none();
    if let Some(found) = bad_of_pod {
        setters.add("pod", [typed("spec.securityContext.seccompProfile.type", &found)]);
        values.insert(found);
    }
    let mut explicitly = Violations::default();
    let mut implicitly = Violations::default();
    for container in pod.containers() {
        let field = container.at("securityContext.seccompProfile.type");
        let profile = container.field(&PATH);
        if let Some(found) = bad_profile(profile) {
            explicitly.add(container.name(), [typed(&field, &found)]);
            values.insert(found);
        } else if profile.is_none() && !pod_is_set {
            implicitly.add(container.name(), [FieldError::required(field)]);
        }
    }
    setters.add_containers(explicitly);
    (setters, values, implicitly)
}

pub(super) fn se_linux_1_0(pod: &Pod) -> Option<Violation> {
    se_linux(pod, &["", "container_t", "container_init_t", "container_kvm_t"])
}

pub(super) fn se_linux_1_31(pod: &Pod) -> Option<Violation> {
    se_linux(pod, &["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"])
}

fn se_linux(pod: &Pod, allowed: &[&str]) -> Option<Violation> {
    const PATH: [&str; 2] = ["securityContext", "seLinuxOptions"];
    let mut types = BTreeSet::new();
    let (mut user, mut role) = (false, false);
    let mut errors_of = |options: Option<&Value>, path: String| {
        let mut errors = Vec::new();
        let Some(options) = options else { return errors };
        let found = |key: &str| options.str_at(&[key]).to_owned();
        if !allowed.contains(&found("type").as_str()) {
            types.insert(found("type"));
            errors.push(typed(&format!("{path}.type"), &found("type")));
        }
        for (key, was_set) in [("user", &mut user), ("role", &mut role)] {
            if !found(key).is_empty() {
                *was_set = true;
                errors.push(typed(&format!("{path}.{key}"), &found(key)));
            }
        }
        errors
    };
    let mut setters = Violations::default();
    let errors = errors_of(pod.field(&PATH), "spec.securityContext.seLinuxOptions".to_owned());
    if !errors.is_empty() {
        setters.add("pod", errors);
    }
    let mut bad = Violations::default();
    for container in pod.containers() {
        let errors = errors_of(container.field(&PATH), container.at("securityContext.seLinuxOptions"));
        if !errors.is_empty() {
            bad.add(container.name(), errors);
        }
    }
    setters.add_containers(bad);
    let mut what = Vec::new();
    if !types.is_empty() {
        what.push(format!("{} {}", plural("type", "types", types.len()), join_quoted(&types)));
    }
    what.extend(user.then(|| "user may not be set".to_owned()));
    what.extend(role.then(|| "role may not be set".to_owned()));
    setters.because("seLinuxOptions", |bad| {
        format!("{} set forbidden securityContext.seLinuxOptions: {}", bad.who.join(" and "), what.join("; "))
    })
}

/// The type of a profile that is set and neither of the two allowed ones.
fn bad_profile(profile: Option<&Value>) -> Option<String> {
    let kind = profile?.str_at(&["type"]);
    (!matches!(kind, "RuntimeDefault" | "Localhost")).then(|| kind.to_owned())
}

fn typed(field: &str, found: &str) -> FieldError {
    FieldError::forbidden(field, Bad::Text(found.to_owned()))
}

fn annotation(key: &str, value: &str) -> FieldError {
    typed(&format!("metadata.annotations[{key}]"), value)
}

fn annotations(pod: &Pod) -> BTreeMap<String, String> {
    crate::object::string_map(pod.metadata.get("annotations"))
}
