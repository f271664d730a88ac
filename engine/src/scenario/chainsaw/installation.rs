//! Kyverno's own objects as its chart installs them, as far as tests look at them: controllers with their Pods, service
//! accounts and leases, and the additional roles of the `standard` configuration (`scripts/config/standard`).

use serde_json::{Value, json};

use crate::sim::Cluster;

/// Component, container, lease (`cmd/*/main.go`).
const CONTROLLERS: [(&str, &str, &str); 4] = [
    ("admission-controller", "kyverno", "kyverno"),
    ("background-controller", "controller", "kyverno-background-controller"),
    ("cleanup-controller", "controller", "kyverno-cleanup-controller"),
    ("reports-controller", "controller", "kyverno-reports-controller"),
];
const NAMESPACE: &str = "kyverno";

/// Puts them into a cluster.
pub fn install(cluster: &mut Cluster) {
    for role in additional_roles() {
        cluster.place(role, true);
    }
    for (component, container, lease) in CONTROLLERS {
        for object in controller(component, container, lease) {
            cluster.place(object, true);
        }
    }
}

fn labels(component: &str) -> Value {
    json!({
        "app.kubernetes.io/component": component, "app.kubernetes.io/instance": "kyverno",
        "app.kubernetes.io/part-of": "kyverno",
    })
}

fn controller(component: &str, container: &str, lease: &str) -> [Value; 4] {
    let name = format!("kyverno-{component}");
    let pod = format!("{name}-5c689cc6d5-x7q2w");
    let metadata = |name: &str| json!({"name": name, "namespace": NAMESPACE, "labels": labels(component)});
    let spec = json!({
        "serviceAccountName": name, "containers": [{"name": container, "image": format!("ghcr.io/kyverno/{component}:v1.19.0")}],
    });
    [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata(&name)}),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(&name),
            "spec": {
                "replicas": 1, "selector": {"matchLabels": labels(component)},
                "template": {"metadata": {"labels": labels(component)}, "spec": spec},
            },
            "status": {"availableReplicas": 1, "readyReplicas": 1, "replicas": 1, "updatedReplicas": 1},
        }),
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": metadata(&pod), "spec": spec,
            "status": {
                "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": container, "ready": true, "restartCount": 0, "started": true}],
            },
        }),
        json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": lease, "namespace": NAMESPACE},
            "spec": {"holderIdentity": pod, "leaseDurationSeconds": 12, "leaseTransitions": 0},
        }),
    ]
}

/// The additional roles that the `standard` configuration gives Kyverno's controllers (`scripts/config/standard`).
fn additional_roles() -> [Value; 3] {
    let role = |controller: &str, group: &str, resources: &[&str], verbs: &[&str]| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": format!("kyverno:{controller}:additional"), "labels": labels(controller)},
            "rules": [{"apiGroups": [group], "resources": resources, "verbs": verbs}],
        })
    };
    let verbs = ["create", "update", "patch", "delete", "get", "list"];
    let changed = [
        "configmaps",
        "networkpolicies",
        "resourcequotas",
        "secrets",
        "roles",
        "rolebindings",
        "clusterroles",
        "clusterrolebindings",
        "limitranges",
        "namespaces",
        "nodes",
        "nodes/status",
        "pods",
    ];
    [
        role("admission-controller", "*", &["secrets"], &verbs),
        role("background-controller", "*", &changed, &verbs),
        role("cleanup-controller", "", &["pods"], &["list", "delete"]),
    ]
}
