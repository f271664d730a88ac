//! Kubernetes' `authorizer`: who may do what, asked of the roles and bindings of the cluster.

use crate::expr::cel::eval::Cx;
use crate::expr::cel::opaque::Opaque;
use crate::expr::cel::ops::Res;
use crate::expr::cel::outside::Outside;
use crate::expr::cel::value::Val;
use crate::object::gvk::Gvk;
use serde_json::Value;

pub(super) const SIGNATURES: &str = "
    kubernetes.authorization.Authorizer:path(string) -> kubernetes.authorization.PathCheck
    kubernetes.authorization.Authorizer:group(string) -> kubernetes.authorization.GroupCheck
    kubernetes.authorization.Authorizer:serviceAccount(string, string) -> kubernetes.authorization.Authorizer
    kubernetes.authorization.GroupCheck:resource(string) -> kubernetes.authorization.ResourceCheck
    kubernetes.authorization.ResourceCheck:subresource(string) -> kubernetes.authorization.ResourceCheck
    kubernetes.authorization.ResourceCheck:namespace(string) -> kubernetes.authorization.ResourceCheck
    kubernetes.authorization.ResourceCheck:name(string) -> kubernetes.authorization.ResourceCheck
    kubernetes.authorization.ResourceCheck:fieldSelector(string) -> kubernetes.authorization.ResourceCheck
    kubernetes.authorization.ResourceCheck:labelSelector(string) -> kubernetes.authorization.ResourceCheck
    kubernetes.authorization.ResourceCheck:check(string) -> kubernetes.authorization.Decision
    kubernetes.authorization.PathCheck:check(string) -> kubernetes.authorization.Decision
    kubernetes.authorization.Decision:allowed() -> bool
    kubernetes.authorization.Decision:reason() -> string
    kubernetes.authorization.Decision:errored() -> bool
    kubernetes.authorization.Decision:error() -> string
";

/// The authorizer of a user; `request` are the facts of its `requestResource`: group, resource, namespace …
#[must_use]
pub fn authorizer(user: &str, groups: &[String], request: &[(&str, &str)]) -> Val {
    let mut facts = vec![("user".to_owned(), user.to_owned())];
    facts.extend(groups.iter().map(|group| ("userGroup".to_owned(), group.clone())));
    facts.extend(request.iter().map(|(key, value)| (format!("request {key}"), (*value).to_owned())));
    Val::opaque(Opaque::Authorizer(AUTHORIZER, facts))
}

/// `authorizer.requestResource`: a check of what the request is about.
#[must_use]
pub fn request_resource(facts: &[(String, String)]) -> Val {
    let facts =
        facts.iter().map(|(key, value)| (key.strip_prefix("request ").unwrap_or(key).to_owned(), value.clone()));
    Val::opaque(Opaque::Authorizer(RESOURCE, facts.collect()))
}

const AUTHORIZER: &str = "kubernetes.authorization.Authorizer";
const PATH: &str = "kubernetes.authorization.PathCheck";
const GROUP: &str = "kubernetes.authorization.GroupCheck";
const RESOURCE: &str = "kubernetes.authorization.ResourceCheck";
const DECISION: &str = "kubernetes.authorization.Decision";

pub(super) fn call(cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    let (Val::Opaque(first), rest) = args.split_first()? else { return None };
    let Opaque::Authorizer(kind, facts) = &**first else { return None };
    let words: Vec<&str> = rest.iter().map(Val::as_str).collect::<Option<_>>()?;
    let with = |next: &'static str, key: &str, value: &str| {
        let mut facts = facts.clone();
        facts.push((key.to_owned(), value.to_owned()));
        Val::opaque(Opaque::Authorizer(next, facts))
    };
    Some(Ok(match (*kind, name, words.as_slice()) {
        (AUTHORIZER, "path", [path]) => with(PATH, "path", path),
        (AUTHORIZER, "group", [group]) => with(GROUP, "group", group),
        (AUTHORIZER, "serviceAccount", [namespace, account]) => authorizer(
            &format!("system:serviceaccount:{namespace}:{account}"),
            &[
                "system:serviceaccounts".to_owned(),
                format!("system:serviceaccounts:{namespace}"),
                "system:authenticated".to_owned(),
            ],
            &[],
        ),
        (GROUP, "resource", [resource]) => with(RESOURCE, "resource", resource),
        (RESOURCE, "subresource" | "namespace" | "name" | "fieldSelector" | "labelSelector", [value]) => {
            with(RESOURCE, name, value)
        }
        (RESOURCE | PATH, "check", [verb]) => {
            let allowed = cx.activation.view.is_some_and(|view| allowed(view, facts, verb));
            with(DECISION, "allowed", if allowed { "true" } else { "" })
        }
        (DECISION, "allowed", []) => Val::Bool(!fact(facts, "allowed").is_empty()),
        (DECISION, "reason" | "error", []) => Val::str(""),
        (DECISION, "errored", []) => Val::Bool(false),
        _ => return None,
    }))
}

fn fact<'f>(facts: &'f [(String, String)], key: &str) -> &'f str {
    facts.iter().rev().find(|(known, _)| known == key).map_or("", |(_, value)| value)
}

/// RBAC: is there a binding of the user to a role with a rule that covers the request?
fn allowed(view: &dyn Outside, facts: &[(String, String)], verb: &str) -> bool {
    if facts.iter().any(|(key, value)| key == "userGroup" && value == "system:masters") {
        return true;
    }
    let rbac = |kind: &str| Gvk::new("rbac.authorization.k8s.io/v1", kind);
    let namespace = fact(facts, "namespace");
    let granted = |binding: &Value, namespace: &str| {
        let bound = binding.get("subjects").and_then(Value::as_array).into_iter().flatten();
        let role = binding.get("roleRef").unwrap_or(&Value::Null);
        let text = |key: &str| role.get(key).and_then(Value::as_str).unwrap_or("");
        let scope = if text("kind") == "ClusterRole" { "" } else { namespace };
        bound.into_iter().any(|subject| is_subject(subject, facts))
            && view.get(&rbac(text("kind")), scope, text("name")).is_some_and(|role| {
                role.get("rules").and_then(Value::as_array).into_iter().flatten().any(|rule| covers(rule, facts, verb))
            })
    };
    view.list(&rbac("ClusterRoleBinding"), None).iter().any(|binding| granted(binding, ""))
        || (!namespace.is_empty()
            && view.list(&rbac("RoleBinding"), Some(namespace)).iter().any(|binding| granted(binding, namespace)))
}

fn is_subject(subject: &Value, facts: &[(String, String)]) -> bool {
    let text = |key: &str| subject.get(key).and_then(Value::as_str).unwrap_or("");
    let user = fact(facts, "user");
    match text("kind") {
        "User" => text("name") == user,
        "Group" => facts.iter().any(|(key, value)| key == "userGroup" && value == text("name")),
        "ServiceAccount" => user == format!("system:serviceaccount:{}:{}", text("namespace"), text("name")),
        _ => false,
    }
}

fn covers(rule: &Value, facts: &[(String, String)], verb: &str) -> bool {
    let has = |key: &str, wanted: &str| {
        let found = rule.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        found.into_iter().any(|found| found == "*" || found == wanted)
    };
    let path = fact(facts, "path");
    if !path.is_empty() {
        let urls =
            rule.get("nonResourceURLs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        return has("verbs", verb)
            && urls
                .into_iter()
                .any(|url| url == path || url.strip_suffix('*').is_some_and(|head| path.starts_with(head)));
    }
    let resource = match fact(facts, "subresource") {
        "" => fact(facts, "resource").to_owned(),
        subresource => format!("{}/{subresource}", fact(facts, "resource")),
    };
    let names = rule.get("resourceNames").and_then(Value::as_array).is_some_and(|names| !names.is_empty());
    has("verbs", verb)
        && has("apiGroups", fact(facts, "group"))
        && has("resources", &resource)
        && (!names || has("resourceNames", fact(facts, "name")))
}
