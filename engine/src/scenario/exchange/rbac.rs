//! Roles that a test says its user has, as the bindings that give them: Kyverno looks roles up in these.

use serde_json::{Value, json};

use crate::parse;

/// Bindings of a user to roles (`namespace:name`) and cluster roles, as YAML; empty where there are none.
#[must_use]
pub fn bindings(username: &str, roles: &[String], cluster_roles: &[String]) -> String {
    let binding = |kind: &str, role_kind: &str, namespace: &str, role: &str| {
        let mut metadata = json!({"name": format!("{}-{role}", username.replace(':', "-"))});
        if let (Some(map), false) = (metadata.as_object_mut(), namespace.is_empty()) {
            map.insert("namespace".into(), json!(namespace));
        }
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": username}]})
    };
    let namespaced = roles.iter().map(|role| {
        let (namespace, name) = role.split_once(':').unwrap_or(("default", role));
        binding("RoleBinding", "Role", namespace, name)
    });
    let cluster = cluster_roles.iter().map(|role| binding("ClusterRoleBinding", "ClusterRole", "", role));
    manifests(&namespaced.chain(cluster).collect::<Vec<Value>>())
}

/// Objects as one text of several documents.
#[must_use]
pub fn manifests(objects: &[Value]) -> String {
    objects.iter().map(parse::emit).collect::<Vec<_>>().join("---\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_become_bindings() {
        let text = bindings("alice", &["dev:edit".to_owned()], &["cluster-admin".to_owned()]);
        assert!(text.contains("kind: RoleBinding\n") && text.contains("namespace: dev\n"));
        assert!(text.contains("---\n") && text.contains("kind: ClusterRoleBinding\n"));
        assert_eq!(bindings("alice", &[], &[]), "");
    }
}
