//! What users may do: the roles of Kubernetes and of Kyverno's chart, and the RBAC authorizer over what is stored.
//!
//! Follows `plugin/pkg/auth/authorizer/rbac` of Kubernetes and `charts/kyverno/templates/*/clusterrole.yaml`.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::Cluster;
use super::config::KYVERNO_NAMESPACE;
use crate::eval::request::UserInfo;
use crate::object::ObjectExt;
use crate::object::access::Access;
use crate::object::selector::LabelSelector;

const GROUP: &str = "rbac.authorization.k8s.io";
const API_VERSION: &str = "rbac.authorization.k8s.io/v1";
/// Aggregated roles may be aggregated in turn: `view` into `edit` into `admin`.
const MAX_AGGREGATION: usize = 5;

impl Cluster {
    /// Puts the roles and bindings into the cluster that Kubernetes and the chart of Kyverno bring.
    pub(super) fn place_roles(&mut self) {
        for object in installed() {
            self.place(object, true);
        }
    }

    /// Whether a user may do something; everybody may do everything where permissions are not simulated.
    #[must_use]
    pub fn allows(&self, user: &UserInfo, access: &Access<'_>) -> bool {
        !self.config.permissions || self.is_granted(user, access)
    }

    /// Whether the roles of the cluster allow it; those of the installation count also where they are not stored.
    #[must_use]
    pub fn is_granted(&self, user: &UserInfo, access: &Access<'_>) -> bool {
        let everywhere = self.roles("ClusterRoleBinding");
        let here = self.store.of_kind(GROUP, "RoleBinding");
        let here = here.filter(|binding| !access.namespace.is_empty() && binding.namespace() == access.namespace);
        everywhere
            .chain(here)
            .filter(|binding| super::rbac::binds(binding, user))
            .any(|binding| self.rules_of(binding).iter().any(|rule| covers(rule, access)))
    }

    fn roles(&self, kind: &'static str) -> impl Iterator<Item = &Value> {
        static INSTALLED: LazyLock<Vec<Value>> = LazyLock::new(installed);
        let installed = if self.config.permissions { &[][..] } else { INSTALLED.as_slice() };
        self.store.of_kind(GROUP, kind).chain(installed.iter().filter(move |object| object.kind() == kind))
    }

    fn rules_of(&self, binding: &Value) -> Vec<Value> {
        let name = binding.str_at(&["roleRef", "name"]);
        if binding.str_at(&["roleRef", "kind"]) == "Role" {
            return self.store.find(GROUP, "Role", binding.namespace(), name).map(own_rules).unwrap_or_default();
        }
        self.roles("ClusterRole")
            .find(|role| role.name() == name)
            .map_or_else(Vec::new, |role| self.aggregated(role, 0))
    }

    /// The rules of a role with those that `aggregationRule` adds.
    fn aggregated(&self, role: &Value, depth: usize) -> Vec<Value> {
        let selectors = role.at(&["aggregationRule", "clusterRoleSelectors"]).and_then(Value::as_array);
        let selectors: Vec<LabelSelector> =
            selectors.into_iter().flatten().filter_map(|one| LabelSelector::from_value(one).ok()).collect();
        if selectors.is_empty() || depth >= MAX_AGGREGATION {
            return own_rules(role);
        }
        let chosen = |other: &&Value| {
            other.name() != role.name() && selectors.iter().any(|selector| selector.matches(&other.labels()))
        };
        let others = self.roles("ClusterRole").filter(chosen);
        others.flat_map(|other| self.aggregated(other, depth + 1)).collect()
    }
}

fn own_rules(role: &Value) -> Vec<Value> {
    role.get("rules").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Whether one rule of a role allows an access.
fn covers(rule: &Value, access: &Access<'_>) -> bool {
    let list = |key: &str| rule.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let has = |key: &str, wanted: &str| list(key).any(|one| one == "*" || one == wanted);
    let resource = match access.subresource {
        "" => has("resources", access.resource),
        subresource => {
            let (full, any) = (format!("{}/{subresource}", access.resource), format!("*/{subresource}"));
            has("resources", &full) || list("resources").any(|one| one == any)
        }
    };
    let named = list("resourceNames").next().is_none() || list("resourceNames").any(|one| one == access.name);
    has("verbs", access.verb) && has("apiGroups", access.group) && resource && named
}

/// ClusterRoles and bindings of a fresh cluster with Kyverno in it.
fn installed() -> Vec<Value> {
    let mut objects: Vec<Value> = Vec::new();
    let lines = include_str!("data/roles.tsv").lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or("");
        let (name, label, groups, resources, verbs) = (next(), next(), next(), next(), next());
        let rule = json!({"apiGroups": words(groups), "resources": words(resources), "verbs": words(long(verbs))});
        match objects.last_mut().filter(|last| last.name() == name) {
            Some(role) => {
                if let Some(rules) = role.get_mut("rules").and_then(Value::as_array_mut) {
                    rules.push(rule);
                }
            }
            None => objects.push(role(name, label, &json!({"rules": [rule]}))),
        }
    }
    for name in ["view", "edit", "admin"] {
        objects.push(aggregating(name, "-", &format!("{GROUP}/aggregate-to-{name}"), ""));
    }
    objects.push(binding("cluster-admin", "cluster-admin", &json!({"kind": "Group", "name": "system:masters"})));
    let everybody = json!({"kind": "Group", "name": "system:authenticated"});
    for role in ["system:basic-user", "system:discovery", "system:public-info-viewer"] {
        objects.push(binding(role, role, &everybody));
    }
    let admins = json!({"kind": "Group", "name": "kubeadm:cluster-admins"});
    objects.push(binding("kubeadm:cluster-admins", "cluster-admin", &admins));
    for part in ["admission", "background", "cleanup", "reports"] {
        let controller = format!("{part}-controller");
        let (role, label) = (format!("kyverno:{controller}"), format!("component={controller}"));
        let account =
            json!({"kind": "ServiceAccount", "name": format!("kyverno-{controller}"), "namespace": KYVERNO_NAMESPACE});
        objects.push(aggregating(&role, &label, &format!("rbac.kyverno.io/aggregate-to-{controller}"), &controller));
        objects.push(binding(&role, &role, &account));
        if part != "cleanup" {
            objects.push(binding(&format!("{role}:view"), "view", &account));
        }
    }
    objects
}

fn role(name: &str, label: &str, body: &Value) -> Value {
    let mut role = json!({"apiVersion": API_VERSION, "kind": "ClusterRole", "metadata": {"name": name}});
    match label.strip_prefix("component=") {
        Some(component) => role.set_at(&["metadata", "labels"], component_labels(component)),
        None if label == "-" => {}
        None => role.set_at(&["metadata", "labels"], json!({label: "true"})),
    }
    for (key, value) in body.as_object().into_iter().flatten() {
        role.set_at(&[key], value.clone());
    }
    role
}

/// `kyverno.*.matchLabels` of the chart.
fn component_labels(component: &str) -> Value {
    json!({
        "app.kubernetes.io/component": component, "app.kubernetes.io/instance": "kyverno",
        "app.kubernetes.io/part-of": "kyverno",
    })
}

fn aggregating(name: &str, label: &str, aggregate: &str, component: &str) -> Value {
    let mut selectors = vec![json!({"matchLabels": {aggregate: "true"}})];
    if !component.is_empty() {
        selectors.push(json!({"matchLabels": component_labels(component)}));
    }
    role(name, label, &json!({"aggregationRule": {"clusterRoleSelectors": selectors}}))
}

fn binding(name: &str, role: &str, subject: &Value) -> Value {
    json!({
        "apiVersion": API_VERSION, "kind": "ClusterRoleBinding", "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role}, "subjects": [subject],
    })
}

fn words(text: &str) -> Vec<&str> {
    text.split(',').collect()
}

/// The short words for sets of verbs.
fn long(verbs: &str) -> &str {
    match verbs {
        "r" => "get,list,watch",
        "rw" => "create,delete,get,list,patch,update,watch",
        "all" => "create,delete,get,list,patch,update,watch,deletecollection",
        verbs => verbs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::api_server::{administrator, service_account};
    use crate::sim::config::{ADMISSION_USER, BACKGROUND_USER, CLEANUP_USER, Config};
    use crate::sim::profile;

    fn cluster() -> Cluster {
        let config = Config { permissions: true, ..Config::default() };
        Cluster::new(profile::ALL[2], config, 0)
    }

    fn access<'a>(verb: &'a str, group: &'a str, resource: &'a str) -> Access<'a> {
        Access { verb, group, resource, namespace: "n", ..Access::default() }
    }

    #[test]
    fn what_the_chart_grants() {
        let cluster = cluster();
        for (user, verb, group, resource, wanted) in [
            (BACKGROUND_USER, "create", "", "configmaps", true),
            (BACKGROUND_USER, "create", "", "secrets", false),
            (BACKGROUND_USER, "list", "apps", "deployments", true),
            (CLEANUP_USER, "delete", "", "pods", false),
            (ADMISSION_USER, "list", "apps", "unknown", false),
        ] {
            let allowed = cluster.allows(&service_account(user), &access(verb, group, resource));
            assert_eq!(allowed, wanted, "{user} {verb} {resource}");
        }
        assert!(cluster.allows(&administrator(), &access("delete", "x.io", "anything")));
    }

    #[test]
    fn the_installation_grants_where_nobody_is_asked_for_permissions() {
        let cluster = Cluster::new(profile::ALL[2], Config::default(), 0);
        let reader = service_account(crate::sim::config::REPORTS_USER);
        for (group, resource, subresource, wanted) in
            [("apps", "deployments", "", true), ("", "secrets", "", false), ("", "pods", "ephemeralcontainers", false)]
        {
            let access = Access { verb: "list", group, resource, subresource, ..Access::default() };
            assert_eq!(cluster.is_granted(&reader, &access), wanted, "{resource}/{subresource}");
        }
        assert!(cluster.allows(&reader, &access("delete", "", "secrets")));
    }

    #[test]
    fn a_labelled_role_is_aggregated_and_words_are_those_of_the_api_server() {
        let mut cluster = cluster();
        let wanted = access("create", "", "secrets");
        let label = "rbac.kyverno.io/aggregate-to-background-controller";
        let rules = json!({"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}]});
        cluster.place(role("more", label, &rules), false);
        assert!(cluster.allows(&service_account(BACKGROUND_USER), &wanted));
        assert_eq!(
            wanted.forbidden("u"),
            "secrets is forbidden: User \"u\" cannot create resource \"secrets\" in API group \"\" in the namespace \"n\""
        );
    }
}
