//! Checks on what the processes of a pod may do: privileges, capabilities, users.

use std::collections::BTreeSet;

use serde_json::Value;

use super::check::{Bad, Container, FieldError, Pod, Violation, Violations, join_quoted, strings};
use crate::object::order;

pub(super) fn privileged(pod: &Pod) -> Option<Violation> {
    let mut bad = Violations::default();
    for container in pod.containers() {
        if container.field(&["securityContext", "privileged"]).and_then(Value::as_bool) == Some(true) {
            let field = container.at("securityContext.privileged");
            bad.add(container.name(), [FieldError::forbidden(field, Bad::Bool(true))]);
        }
    }
    bad.because("privileged", |bad| format!("{} must not set securityContext.privileged=true", bad.containers()))
}

pub(super) fn proc_mount(pod: &Pod) -> Option<Violation> {
    let mut bad = Violations::default();
    let mut types = BTreeSet::new();
    for container in pod.containers() {
        let Some(kind) = container.field(&["securityContext", "procMount"]).and_then(Value::as_str) else { continue };
        if kind != "Default" {
            let field = container.at("securityContext.procMount");
            bad.add(container.name(), [FieldError::forbidden(field, Bad::Text(kind.to_owned()))]);
            types.insert(kind.to_owned());
        }
    }
    bad.because("procMount", |bad| {
        format!("{} must not set securityContext.procMount to {}", bad.containers(), join_quoted(&types))
    })
}

pub(super) fn privilege_escalation_1_8(pod: &Pod) -> Option<Violation> {
    let mut bad = Violations::default();
    for container in pod.containers() {
        let field = container.at("securityContext.allowPrivilegeEscalation");
        let error = match container.field(&["securityContext", "allowPrivilegeEscalation"]) {
            _ if container.field(&["securityContext"]).is_none() => FieldError::required(field),
            None => FieldError::forbidden(field, Bad::Text("nil".to_owned())),
            Some(Value::Bool(false)) => continue,
            Some(_) => FieldError::forbidden(field, Bad::Bool(true)),
        };
        bad.add(container.name(), [error]);
    }
    bad.because("allowPrivilegeEscalation != false", |bad| {
        format!("{} must set securityContext.allowPrivilegeEscalation=false", bad.containers())
    })
}

pub(super) fn privilege_escalation_1_25(pod: &Pod) -> Option<Violation> {
    if pod.is_windows() { None } else { privilege_escalation_1_8(pod) }
}

pub(super) fn capabilities_baseline(pod: &Pod) -> Option<Violation> {
    const ALLOWED: [&str; 13] = [
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    ];
    let (bad, found) = added_capabilities(pod, &ALLOWED);
    bad.because("non-default capabilities", |bad| {
        format!("{} must not include {} in securityContext.capabilities.add", bad.containers(), join_quoted(&found))
    })
}

pub(super) fn capabilities_restricted_1_22(pod: &Pod) -> Option<Violation> {
    let mut missing = Violations::default();
    for container in pod.containers() {
        let dropped = strings(container.field(&["securityContext", "capabilities", "drop"]));
        if dropped.iter().any(|capability| capability == "ALL") {
            continue;
        }
        let field = container.at("securityContext.capabilities.drop");
        let error = if dropped.is_empty() {
            FieldError::required(field)
        } else {
            let dropped: BTreeSet<String> = order::set(dropped);
            FieldError::forbidden(field, Bad::List(dropped.into_iter().collect()))
        };
        missing.add(container.name(), [error]);
    }
    let (adding, found) = added_capabilities(pod, &["NET_BIND_SERVICE"]);
    let mut details = Vec::new();
    if !missing.is_empty() {
        details.push(format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", missing.containers()));
    }
    if !adding.is_empty() {
        let (who, what) = (adding.containers(), join_quoted(&found));
        details.push(format!("{who} must not include {what} in securityContext.capabilities.add"));
    }
    let mut all = missing;
    all.who.extend(adding.who);
    all.errors.extend(adding.errors);
    all.because("unrestricted capabilities", |_| details.join("; "))
}

pub(super) fn capabilities_restricted_1_25(pod: &Pod) -> Option<Violation> {
    if pod.is_windows() { None } else { capabilities_restricted_1_22(pod) }
}

fn added_capabilities(pod: &Pod, allowed: &[&str]) -> (Violations, BTreeSet<String>) {
    let mut bad = Violations::default();
    let mut all = BTreeSet::new();
    for container in pod.containers() {
        let added = strings(container.field(&["securityContext", "capabilities", "add"]));
        let found: BTreeSet<String> = order::set(added.into_iter().filter(|name| !allowed.contains(&name.as_str())));
        if found.is_empty() {
            continue;
        }
        all.extend(found.iter().cloned());
        let field = container.at("securityContext.capabilities.add");
        bad.add(container.name(), [FieldError::forbidden(field, Bad::List(found.into_iter().collect()))]);
    }
    (bad, all)
}

pub(super) fn run_as_non_root(pod: &Pod) -> Option<Violation> {
    const PATH: [&str; 2] = ["securityContext", "runAsNonRoot"];
    let mut setters = Violations::default();
    let of_pod = pod.field(&PATH).and_then(Value::as_bool);
    if of_pod == Some(false) {
        setters.add("pod", [FieldError::forbidden("spec.securityContext.runAsNonRoot", Bad::Bool(false))]);
    }
    let mut explicitly = Violations::default();
    let mut implicitly = Violations::default();
    for container in pod.containers() {
        let field = container.at("securityContext.runAsNonRoot");
        match container.field(&PATH).and_then(Value::as_bool) {
            Some(false) => explicitly.add(container.name(), [FieldError::forbidden(field, Bad::Bool(false))]),
            None if of_pod != Some(true) => implicitly.add(container.name(), [FieldError::required(field)]),
            _ => {}
        }
    }
    setters.add_containers(explicitly);
    let mut details = Vec::new();
    if !setters.is_empty() {
        details.push(format!("{} must not set securityContext.runAsNonRoot=false", setters.who.join(" and ")));
    }
    if !implicitly.is_empty() {
        details.push(format!("pod or {} must set securityContext.runAsNonRoot=true", implicitly.containers()));
    }
    let mut all = setters;
    all.who.extend(implicitly.who);
    all.errors.extend(implicitly.errors);
    all.because("runAsNonRoot != true", |_| details.join("\n"))
}

pub(super) fn run_as_user(pod: &Pod) -> Option<Violation> {
    let is_root = |value: Option<&Value>| value.and_then(Value::as_i64) == Some(0);
    let mut setters = Violations::default();
    if is_root(pod.field(&["securityContext", "runAsUser"])) {
        setters.add("pod", [FieldError::forbidden("spec.securityContext.runAsUser", Bad::Int(0))]);
    }
    let mut bad = Violations::default();
    let root = |container: &Container<'_>| is_root(container.field(&["securityContext", "runAsUser"]));
    for container in pod.containers().filter(root) {
        let field = container.at("securityContext.runAsUser");
        bad.add(container.name(), [FieldError::forbidden(field, Bad::Int(0))]);
    }
    setters.add_containers(bad);
    setters.because("runAsUser=0", |bad| format!("{} must not set runAsUser=0", bad.who.join(" and ")))
}

const SAFE_SYSCTLS: [(u32, &str); 12] = [
    (0, "kernel.shm_rmid_forced"),
    (0, "net.ipv4.ip_local_port_range"),
    (0, "net.ipv4.tcp_syncookies"),
    (0, "net.ipv4.ping_group_range"),
    (0, "net.ipv4.ip_unprivileged_port_start"),
    (27, "net.ipv4.ip_local_reserved_ports"),
    (29, "net.ipv4.tcp_keepalive_time"),
    (29, "net.ipv4.tcp_fin_timeout"),
    (29, "net.ipv4.tcp_keepalive_intvl"),
    (29, "net.ipv4.tcp_keepalive_probes"),
    (32, "net.ipv4.tcp_rmem"),
    (32, "net.ipv4.tcp_wmem"),
];

/// The sysctls that are safe since a minor version at the latest.
pub(super) fn sysctls<const SINCE: u32>(pod: &Pod) -> Option<Violation> {
    let mut bad = Violations::default();
    let sysctls = pod.field(&["securityContext", "sysctls"]).and_then(Value::as_array).into_iter().flatten();
    for (index, sysctl) in sysctls.enumerate() {
        let name = sysctl.get("name").and_then(Value::as_str).unwrap_or_default();
        if !SAFE_SYSCTLS.iter().any(|(since, safe)| *since <= SINCE && *safe == name) {
            let field = format!("spec.securityContext.sysctls[{index}].name");
            bad.add(name, [FieldError::forbidden(field, Bad::Text(name.to_owned()))]);
        }
    }
    bad.because("forbidden sysctls", |bad| bad.who.join(", "))
}
