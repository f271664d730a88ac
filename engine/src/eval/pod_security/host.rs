//! Checks on what a pod shares with its host: namespaces, paths, ports, processes, probes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::check::{Bad, FieldError, Pod, Violation, Violations, join_quoted, plural};
use crate::object::ObjectExt;

pub(super) fn namespaces(pod: &Pod) -> Option<Violation> {
    let mut bad = Violations::default();
    for key in ["hostNetwork", "hostPID", "hostIPC"] {
        if pod.field(&[key]).and_then(Value::as_bool) == Some(true) {
            bad.add(format!("{key}=true"), [FieldError::forbidden(format!("spec.{key}"), Bad::Bool(true))]);
        }
    }
    bad.because("host namespaces", |bad| bad.who.join(", "))
}

pub(super) fn ports(pod: &Pod) -> Option<Violation> {
    let mut bad = Violations::default();
    let mut found = BTreeSet::new();
    for container in pod.containers() {
        let mut errors = Vec::new();
        let ports = container.field(&["ports"]).and_then(Value::as_array).into_iter().flatten();
        for (index, port) in ports.enumerate() {
            let number = port.get("hostPort").and_then(Value::as_i64).unwrap_or(0);
            if number != 0 {
                found.insert(number.to_string());
                errors.push(FieldError::forbidden(container.at(&format!("ports[{index}].hostPort")), Bad::Int(number)));
            }
        }
        if !errors.is_empty() {
            bad.add(container.name(), errors);
        }
    }
    bad.because("hostPort", |bad| {
        let uses = plural("uses", "use", bad.who.len());
        let ports = plural("hostPort", "hostPorts", found.len());
        format!("{} {uses} {ports} {}", bad.containers(), found.iter().cloned().collect::<Vec<_>>().join(", "))
    })
}

/// Lists no fields, so this one cannot be excluded.
pub(super) fn probes_and_lifecycle(pod: &Pod) -> Option<Violation> {
    const HANDLERS: [&[&str]; 5] = [
        &["livenessProbe"],
        &["readinessProbe"],
        &["startupProbe"],
        &["lifecycle", "postStart"],
        &["lifecycle", "preStop"],
    ];
    let mut containers = BTreeSet::new();
    let mut hosts = BTreeSet::new();
    for container in pod.containers() {
        for handler in HANDLERS.iter().filter_map(|path| container.field(path)) {
            for action in ["httpGet", "tcpSocket"] {
                let host = handler.str_at(&[action, "host"]);
                if !host.is_empty() {
                    containers.insert(container.name());
                    hosts.insert(host.to_owned());
                }
            }
        }
    }
    if containers.is_empty() {
        return None;
    }
    let detail = format!(
        "{} {} {} {} {}",
        plural("container", "containers", containers.len()),
        join_quoted(&containers),
        plural("uses", "use", containers.len()),
        plural("probe or lifecycle host", "probe or lifecycle hosts", hosts.len()),
        join_quoted(&hosts),
    );
    Some(Violation { reason: "probe or lifecycle host".to_owned(), detail, errors: None })
}

pub(super) fn windows_host_process(pod: &Pod) -> Option<Violation> {
    const PATH: [&str; 3] = ["securityContext", "windowsOptions", "hostProcess"];
    let is_set = |value: Option<&Value>| value.and_then(Value::as_bool) == Some(true);
    let mut setters = Violations::default();
    if is_set(pod.field(&PATH)) {
        setters.add("pod", [FieldError::forbidden(format!("spec.{}", PATH.join(".")), Bad::Bool(true))]);
    }
    let mut bad = Violations::default();
    for container in pod.containers().filter(|container| is_set(container.field(&PATH))) {
        bad.add(container.name(), [FieldError::forbidden(container.at(&PATH.join(".")), Bad::Bool(true))]);
    }
    setters.add_containers(bad);
    setters.because("hostProcess", |bad| {
        format!("{} must not set securityContext.windowsOptions.hostProcess=true", bad.who.join(" and "))
    })
}
