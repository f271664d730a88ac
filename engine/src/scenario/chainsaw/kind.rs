//! What a fresh kind cluster holds before a test begins, as far as tests look at it: its node and its storage provisioner.
//! What lives in `kube-system` is left out: Kyverno filters that namespace.

use serde_json::json;

use crate::object::ObjectExt as _;
use crate::sim::Cluster;

/// Puts the node and the provisioner into a cluster.
pub fn furnish(cluster: &mut Cluster) {
    let labels = json!({
        "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": "kind-control-plane", "kubernetes.io/os": "linux",
        "node-role.kubernetes.io/control-plane": "",
    });
    let node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "kind-control-plane", "labels": labels},
        "spec": {"podCIDR": "10.244.0.0/24", "podCIDRs": ["10.244.0.0/24"]},
        "status": {"nodeInfo": {
            "architecture": "amd64", "containerRuntimeVersion": "containerd://2.1.3", "kubeProxyVersion": "",
            "kubeletVersion": cluster.version_info().str_at(&["gitVersion"]), "operatingSystem": "linux", "osImage": "Debian GNU/Linux 12 (bookworm)",
        }},
    });
    cluster.place(node, true);
    let namespace = "local-path-storage";
    cluster.place(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}), true);
    let app = json!({"app": "local-path-provisioner"});
    let provisioner = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "local-path-provisioner", "namespace": namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": app},
            "template": {
                "metadata": {"labels": app},
                "spec": {
                    "containers": [{
                        "name": "local-path-provisioner",
                        "image": "docker.io/kindest/local-path-provisioner:v20250214-acbabc1a",
                    }],
                    "serviceAccountName": "local-path-provisioner-service-account",
                },
            },
        },
        "status": {"availableReplicas": 1, "readyReplicas": 1, "replicas": 1, "updatedReplicas": 1},
    });
    cluster.place(provisioner, false);
}
