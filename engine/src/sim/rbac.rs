//! Which roles a user is bound to, as Kyverno looks them up for `roles` and `clusterRoles`. Follows `pkg/userinfo`.

use serde_json::Value;

use super::store::Store;
use crate::eval::request::UserInfo;
use crate::object::ObjectExt;
use crate::object::order;

/// `namespace:name` roles and cluster roles that are bound to a user, its groups or its service account, sorted.
#[must_use]
pub fn roles_of(store: &Store, user: &UserInfo) -> (Vec<String>, Vec<String>) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let mut roles = Vec::new();
    let mut cluster_roles = Vec::new();
    for binding in store.of_kind(GROUP, "RoleBinding").filter(|binding| binds(binding, user)) {
        let name = binding.str_at(&["roleRef", "name"]);
        match binding.str_at(&["roleRef", "kind"]) {
            "Role" => roles.push(format!("{}:{name}", binding.namespace())),
            _ => cluster_roles.push(name.to_owned()),
        }
    }
    for binding in store.of_kind(GROUP, "ClusterRoleBinding").filter(|binding| binds(binding, user)) {
        cluster_roles.push(binding.str_at(&["roleRef", "name"]).to_owned());
    }
    for list in [&mut roles, &mut cluster_roles] {
        order::sort(list);
        list.dedup();
    }
    (roles, cluster_roles)
}

pub(super) fn binds(binding: &Value, user: &UserInfo) -> bool {
    let subjects = binding.get("subjects").and_then(Value::as_array).into_iter().flatten();
    subjects.into_iter().any(|subject| {
        let name = subject.str_at(&["name"]);
        match subject.str_at(&["kind"]) {
            "ServiceAccount" => {
                let namespace = match subject.str_at(&["namespace"]) {
                    "" => binding.namespace(),
                    namespace => namespace,
                };
                user.username == format!("system:serviceaccount:{namespace}:{name}")
            }
            "User" => user.username == name,
            "Group" => user.groups.iter().any(|group| group == name),
            _ => false,
        }
    })
}
