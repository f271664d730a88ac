use serde_json::{Value, json};

use super::check::Pod;
use super::{CHECKS, Found, Standard, evaluate, minor_version, words};
use crate::eval::Profile;

fn standard(level: &str, version: &str) -> Standard {
    Standard { only_baseline: level == "baseline", minor: minor_version(version).unwrap(), profile: Profile::V1_19 }
}

fn found(level: &str, version: &str, metadata: Value, spec: Value) -> Vec<Found> {
    evaluate(&standard(level, version), &Pod { metadata, spec })
}

/// What one check says of a spec.
fn says(id: &str, version: &str, spec: Value) -> String {
    annotated(id, version, json!({}), spec)
}

fn annotated(id: &str, version: &str, annotations: Value, spec: Value) -> String {
    let found = found("restricted", version, json!({ "annotations": annotations }), spec);
    found.iter().filter(|found| found.id == id).map(words).collect()
}

/// A pod with one container.
fn container(container: Value) -> Value {
    let mut container = container;
    container["name"] = json!("a");
    json!({ "containers": [container] })
}

fn context(context: Value) -> Value {
    container(json!({ "securityContext": context }))
}

#[test]
fn levels_and_versions() {
    let ids = |level: &str, version: &str| {
        let found = found(level, version, json!({}), context(json!({ "privileged": true })));
        found.into_iter().map(|found| found.id).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ids("baseline", "latest"), "privileged");
    let restricted =
        "allowPrivilegeEscalation capabilities_restricted privileged runAsNonRoot seccompProfile_restricted";
    assert_eq!(ids("restricted", ""), restricted);
    assert_eq!(ids("privileged", ""), restricted);
    assert_eq!(ids("restricted", "v1.5"), restricted);
    assert_eq!(minor_version("v1.24"), Some(24));
    assert_eq!(minor_version("1.24"), None);
    assert_eq!(minor_version("v1.024"), None);
    assert_eq!(CHECKS.len(), 18);
    assert!(CHECKS.iter().map(|check| check.id).is_sorted());
}

#[test]
fn host() {
    assert_eq!(
        says("hostNamespaces", "", json!({ "hostPID": true, "hostNetwork": true })),
        "(Forbidden reason: host namespaces, field error list: [spec.hostNetwork is forbidden, forbidden values found: true, spec.hostPID is forbidden, forbidden values found: true])"
    );
    assert_eq!(says("hostNamespaces", "", json!({ "hostPID": false })), "");
    assert_eq!(
        says("hostPathVolumes", "", json!({ "volumes": [{ "name": "v", "hostPath": { "path": "/x" } }] })),
        "(Forbidden reason: hostPath volumes, field error list: [spec.volumes[0].hostPath is forbidden, forbidden values found: /x])"
    );
    assert_eq!(
        says("hostPorts", "", container(json!({ "ports": [{ "hostPort": 0 }, { "hostPort": 80 }] }))),
        "(Forbidden reason: hostPort, field error list: [spec.containers[0].ports[1].hostPort is forbidden, forbidden values found: 80])"
    );
    let probe = container(json!({ "livenessProbe": { "httpGet": { "host": "h" } } }));
    assert_eq!(
        says("hostProbesAndHostLifecycle", "v1.34", probe),
        "(Forbidden reason: probe or lifecycle host, field error list: [])"
    );
    let process = json!({ "securityContext": { "windowsOptions": { "hostProcess": true } } });
    assert_eq!(
        says("windowsHostProcess", "", process),
        "(Forbidden reason: hostProcess, field error list: [spec.securityContext.windowsOptions.hostProcess is forbidden, forbidden values found: true])"
    );
}

#[test]
fn privileges() {
    assert_eq!(
        says("privileged", "", context(json!({ "privileged": true }))),
        "(Forbidden reason: privileged, field error list: [spec.containers[0].securityContext.privileged is forbidden, forbidden values found: true])"
    );
    assert_eq!(
        says("procMount", "", context(json!({ "procMount": "Unmasked" }))),
        "(Forbidden reason: procMount, field error list: [spec.containers[0].securityContext.procMount is forbidden, forbidden values found: Unmasked])"
    );
    assert_eq!(
        says("allowPrivilegeEscalation", "", container(json!({}))),
        "(Forbidden reason: allowPrivilegeEscalation != false, field error list: [spec.containers[0].securityContext.allowPrivilegeEscalation: Required value])"
    );
    assert_eq!(
        says("allowPrivilegeEscalation", "", context(json!({}))),
        "(Forbidden reason: allowPrivilegeEscalation != false, field error list: [spec.containers[0].securityContext.allowPrivilegeEscalation is forbidden, forbidden values found: nil])"
    );
    assert_eq!(says("allowPrivilegeEscalation", "", context(json!({ "allowPrivilegeEscalation": false }))), "");
    let windows = json!({ "os": { "name": "windows" }, "containers": [{ "name": "a" }] });
    assert_eq!(says("allowPrivilegeEscalation", "v1.25", windows.clone()), "");
    assert_ne!(says("allowPrivilegeEscalation", "v1.24", windows), "");
    assert_eq!(
        says(
            "capabilities_baseline",
            "",
            context(json!({ "capabilities": { "add": ["SYS_TIME", "NET_ADMIN", "KILL"] } }))
        ),
        "(Forbidden reason: non-default capabilities, field error list: [spec.containers[0].securityContext.capabilities.add is forbidden, forbidden values found: [NET_ADMIN SYS_TIME]])"
    );
    assert_eq!(
        says("capabilities_restricted", "", context(json!({ "capabilities": { "add": ["KILL"], "drop": ["FOO"] } }))),
        "(Forbidden reason: unrestricted capabilities, field error list: [spec.containers[0].securityContext.capabilities.drop is forbidden, forbidden values found: [FOO], spec.containers[0].securityContext.capabilities.add is forbidden, forbidden values found: [KILL]])"
    );
    assert_eq!(
        says("capabilities_restricted", "", container(json!({}))),
        "(Forbidden reason: unrestricted capabilities, field error list: [spec.containers[0].securityContext.capabilities.drop: Required value])"
    );
    assert_eq!(
        says("runAsNonRoot", "", context(json!({ "runAsNonRoot": false }))),
        "(Forbidden reason: runAsNonRoot != true, field error list: [spec.containers[0].securityContext.runAsNonRoot is forbidden, forbidden values found: false])"
    );
    assert_eq!(
        says(
            "runAsNonRoot",
            "",
            json!({ "securityContext": { "runAsNonRoot": true }, "containers": [{ "name": "a" }] })
        ),
        ""
    );
    assert_eq!(
        says("runAsUser", "", context(json!({ "runAsUser": 0 }))),
        "(Forbidden reason: runAsUser=0, field error list: [spec.containers[0].securityContext.runAsUser is forbidden, forbidden values found: 0])"
    );
    let sysctl = |name: &str| json!({ "securityContext": { "sysctls": [{ "name": name }] } });
    assert_eq!(says("sysctls", "", sysctl("net.ipv4.tcp_rmem")), "");
    assert_eq!(
        says("sysctls", "v1.31", sysctl("net.ipv4.tcp_rmem")),
        "(Forbidden reason: forbidden sysctls, field error list: [spec.securityContext.sysctls[0].name is forbidden, forbidden values found: net.ipv4.tcp_rmem])"
    );
}

#[test]
fn profiles() {
    assert_eq!(
        annotated(
            "appArmorProfile",
            "",
            json!({ "container.apparmor.security.beta.kubernetes.io/a": "bogus" }),
            json!({})
        ),
        "(Forbidden reason: forbidden AppArmor profile, field error list: [metadata.annotations[container.apparmor.security.beta.kubernetes.io/a] is forbidden, forbidden values found: bogus])"
    );
    assert_eq!(
        annotated(
            "appArmorProfile",
            "",
            json!({ "container.apparmor.security.beta.kubernetes.io/a": "localhost/x" }),
            json!({})
        ),
        ""
    );
    assert_eq!(
        says("appArmorProfile", "", json!({ "securityContext": { "appArmorProfile": { "type": "Unconfined" } } })),
        "(Forbidden reason: forbidden AppArmor profile, field error list: [spec.securityContext.appArmorProfile.type is forbidden, forbidden values found: Unconfined])"
    );
    assert_eq!(
        annotated(
            "seccompProfile_baseline",
            "v1.18",
            json!({ "seccomp.security.alpha.kubernetes.io/pod": "unconfined" }),
            json!({})
        ),
        "(Forbidden reason: seccompProfile, field error list: [metadata.annotations[seccomp.security.alpha.kubernetes.io/pod] is forbidden, forbidden values found: unconfined])"
    );
    let seccomp = |kind: &str| json!({ "securityContext": { "seccompProfile": { "type": kind } }, "containers": [{ "name": "a" }] });
    assert_eq!(
        says("seccompProfile_baseline", "", seccomp("Unconfined")),
        "(Forbidden reason: seccompProfile, field error list: [spec.securityContext.seccompProfile.type is forbidden, forbidden values found: Unconfined])"
    );
    assert_eq!(says("seccompProfile_restricted", "", seccomp("RuntimeDefault")), "");
    assert_eq!(
        says("seccompProfile_restricted", "", container(json!({}))),
        "(Forbidden reason: seccompProfile, field error list: [spec.containers[0].securityContext.seccompProfile.type: Required value])"
    );
    let se_linux = |kind: &str| json!({ "securityContext": { "seLinuxOptions": { "type": kind, "user": "u" } } });
    assert_eq!(
        says("seLinuxOptions", "v1.30", se_linux("container_engine_t")),
        "(Forbidden reason: seLinuxOptions, field error list: [spec.securityContext.seLinuxOptions.type is forbidden, forbidden values found: container_engine_t, spec.securityContext.seLinuxOptions.user is forbidden, forbidden values found: u])"
    );
    assert_eq!(
        says("seLinuxOptions", "", se_linux("container_engine_t")),
        "(Forbidden reason: seLinuxOptions, field error list: [spec.securityContext.seLinuxOptions.user is forbidden, forbidden values found: u])"
    );
}

#[test]
fn volumes() {
    assert_eq!(
        says(
            "restrictedVolumes",
            "",
            json!({ "volumes": [{ "name": "v", "nfs": {} }, { "name": "w", "emptyDir": {} }] })
        ),
        "(Forbidden reason: restricted volume types, field error list: [spec.volumes[0].nfs: Forbidden])"
    );
}

/// What is left after one exclusion, as ids.
fn left(exclude: Value, spec: Value) -> String {
    let pod = Pod { metadata: json!({}), spec };
    let standard = standard("restricted", "");
    let excludes = [serde_json::from_value(exclude).unwrap()];
    let found = super::exclude::apply(&standard, &excludes, evaluate(&standard, &pod), &pod);
    found.into_iter().map(|found| found.id).collect::<Vec<_>>().join(" ")
}

#[test]
fn excludes() {
    let good = json!({ "runAsNonRoot": true, "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"], "add": ["KILL"] }, "seccompProfile": { "type": "RuntimeDefault" } });
    let pod = json!({ "containers": [{ "name": "a", "image": "nginx:1", "securityContext": good }] });
    assert_eq!(left(json!({ "controlName": "Capabilities" }), pod.clone()), "capabilities_restricted");
    assert_eq!(left(json!({ "controlName": "Capabilities", "images": ["nginx*"] }), pod.clone()), "");
    assert_eq!(
        left(json!({ "controlName": "Capabilities", "images": ["busybox*"] }), pod.clone()),
        "capabilities_restricted"
    );
    let field = "spec.containers[*].securityContext.capabilities.add";
    assert_eq!(
        left(
            json!({ "controlName": "Capabilities", "images": ["*"], "restrictedField": field, "values": ["K*"] }),
            pod.clone()
        ),
        ""
    );
    assert_eq!(
        left(json!({ "controlName": "Capabilities", "images": ["*"], "restrictedField": field, "values": ["X"] }), pod),
        "capabilities_restricted"
    );
    assert_eq!(left(json!({ "controlName": "Host Namespaces" }), json!({ "hostPID": true, "hostIPC": true })), "");
    assert_eq!(
        left(
            json!({ "controlName": "Host Namespaces", "restrictedField": "spec.hostPID", "values": ["true"] }),
            json!({ "hostPID": true, "hostIPC": true })
        ),
        "hostNamespaces"
    );
}

/// Each control: a spec that violates it, and an exclusion that lifts just that.
#[test]
fn every_control_is_checked_and_excluded() {
    let pod = |security: Value| json!({ "securityContext": security, "containers": [{ "name": "a", "image": "x" }] });
    let container = |more: Value| {
        let mut container = json!({ "name": "a", "image": "x" });
        container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "containers": [container] })
    };
    let context = |security: Value| container(json!({ "securityContext": security }));
    for (control, id, spec, images) in [
        ("HostProcess", "windowsHostProcess", context(json!({ "windowsOptions": { "hostProcess": true } })), true),
        ("HostProcess", "windowsHostProcess", pod(json!({ "windowsOptions": { "hostProcess": true } })), false),
        ("Host Namespaces", "hostNamespaces", json!({ "hostIPC": true }), false),
        ("Privileged Containers", "privileged", context(json!({ "privileged": true })), true),
        ("Capabilities", "capabilities_baseline", context(json!({ "capabilities": { "add": ["SYS_ADMIN"] } })), true),
        ("Capabilities", "capabilities_restricted", context(json!({ "capabilities": { "add": ["CHOWN"] } })), true),
        (
            "HostPath Volumes",
            "hostPathVolumes",
            json!({ "volumes": [{ "name": "v", "hostPath": { "path": "/" } }] }),
            false,
        ),
        ("Host Ports", "hostPorts", container(json!({ "ports": [{ "hostPort": 80 }] })), true),
        ("AppArmor", "appArmorProfile", context(json!({ "appArmorProfile": { "type": "Unconfined" } })), true),
        ("AppArmor", "appArmorProfile", pod(json!({ "appArmorProfile": { "type": "Unconfined" } })), false),
        ("SELinux", "seLinuxOptions", context(json!({ "seLinuxOptions": { "role": "r" } })), true),
        ("SELinux", "seLinuxOptions", pod(json!({ "seLinuxOptions": { "role": "r" } })), false),
        ("/proc Mount Type", "procMount", context(json!({ "procMount": "Unmasked" })), true),
        ("Seccomp", "seccompProfile_baseline", context(json!({ "seccompProfile": { "type": "Unconfined" } })), true),
        ("Seccomp", "seccompProfile_restricted", pod(json!({ "seccompProfile": { "type": "Unconfined" } })), false),
        ("Sysctls", "sysctls", pod(json!({ "sysctls": [{ "name": "kernel.x" }] })), false),
        ("Volume Types", "restrictedVolumes", json!({ "volumes": [{ "name": "v", "nfs": { "path": "/" } }] }), false),
        (
            "Privilege Escalation",
            "allowPrivilegeEscalation",
            context(json!({ "allowPrivilegeEscalation": true })),
            true,
        ),
        ("Running as Non-root", "runAsNonRoot", context(json!({ "runAsNonRoot": false })), true),
        ("Running as Non-root user", "runAsUser", context(json!({ "runAsUser": 0 })), true),
        ("Running as Non-root user", "runAsUser", pod(json!({ "runAsUser": 0 })), false),
    ] {
        assert_ne!(says(id, "", spec.clone()), "", "{control} is violated");
        let mut exclude = json!({ "controlName": control });
        if images {
            exclude["images"] = json!(["*"]);
        }
        let ids = |exclude: Value| left(exclude, spec.clone()).split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(!ids(exclude).contains(&id.to_owned()), "{control} is excluded");
        assert!(ids(json!({ "controlName": "None" })).contains(&id.to_owned()), "{control} stays");
    }
}

/// Each kind has its pod elsewhere; other kinds have none.
#[test]
fn every_kind_has_its_pod() {
    let hosts = json!({ "hostPID": true });
    let template = json!({ "metadata": { "labels": { "t": "1" } }, "spec": hosts });
    for (kind, spec) in [
        ("Pod", hosts.clone()),
        ("Deployment", json!({ "template": template })),
        ("DaemonSet", json!({ "template": template })),
        ("StatefulSet", json!({ "template": template })),
        ("ReplicaSet", json!({ "template": template })),
        ("ReplicationController", json!({ "template": template })),
        ("Job", json!({ "template": template })),
        ("CronJob", json!({ "jobTemplate": { "spec": { "template": template } } })),
    ] {
        let pod = super::pod_of(&json!({ "kind": kind, "spec": spec })).unwrap();
        assert_eq!(pod.spec["hostPID"], true, "{kind}");
    }
    assert!(super::pod_of(&json!({ "kind": "Service" })).is_none());
}
