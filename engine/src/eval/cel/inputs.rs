//! The values of `object`, `oldObject`, `request` and `namespaceObject`.

use serde_json::{Map, Value, json};

use crate::eval::EvalCx;
use crate::eval::request::{AdmissionRequest, UserInfo};
use crate::expr::cel::{Val, from_json};
use crate::object::gvk::{Gvk, Gvr};

/// An object as Kyverno's engines hand it over: one that is not there is an empty mapping, no null, as `UnstructuredContent`
/// of an empty object is.
#[must_use]
pub fn content(object: Option<&Value>) -> Val {
    object.map_or_else(|| Val::object([]), from_json)
}

/// An object; one that is not there is null.
#[must_use]
pub fn object(object: Option<&Value>) -> Val {
    object.map_or(Val::Null, from_json)
}

fn gvk(kind: &Gvk) -> Value {
    json!({"group": kind.group, "version": kind.version, "kind": kind.kind})
}

fn gvr(resource: &Gvr) -> Value {
    json!({"group": resource.group, "version": resource.version, "resource": resource.resource})
}

/// User information without empty fields: what is empty is absent.
#[must_use]
pub fn user(user: &UserInfo) -> Value {
    let mut found = Map::new();
    let mut text = |key: &str, value: &str| {
        if !value.is_empty() {
            found.insert(key.to_owned(), Value::from(value));
        }
    };
    text("username", &user.username);
    text("uid", &user.uid);
    if !user.groups.is_empty() {
        found.insert("groups".to_owned(), json!(user.groups));
    }
    if !user.extra.is_empty() {
        found.insert("extra".to_owned(), json!(user.extra));
    }
    Value::Object(found)
}

/// `request` of the API server: no objects in it, and nothing that is empty.
#[must_use]
pub fn request(request: &AdmissionRequest, asked_by: &UserInfo) -> Value {
    let mut found = Map::new();
    found.insert("uid".to_owned(), Value::from(request.uid.as_str()));
    found.insert("kind".to_owned(), gvk(&request.kind));
    found.insert("resource".to_owned(), gvr(&request.resource));
    let mut text = |key: &str, value: &str| {
        if !value.is_empty() {
            found.insert(key.to_owned(), Value::from(value));
        }
    };
    text("subResource", &request.subresource);
    text("requestSubResource", &request.subresource);
    text("name", &request.name);
    text("namespace", &request.namespace);
    text("operation", request.operation.as_str());
    found.insert("requestKind".to_owned(), gvk(&request.kind));
    found.insert("requestResource".to_owned(), gvr(&request.resource));
    found.insert("userInfo".to_owned(), user(asked_by));
    found.insert("dryRun".to_owned(), Value::Bool(request.dry_run));
    // What the client asked for beside the object is not simulated.
    found.insert("options".to_owned(), Value::Null);
    Value::Object(found)
}

/// `request` of Kyverno's kinds: with the objects. One that is not there is null, for mutating policies an empty mapping
/// (`mpol/compiler/eval.go`).
#[must_use]
pub fn kyverno_request(asked: &AdmissionRequest, absent: &Value) -> Val {
    let mut found = request(asked, &asked.user);
    if let Value::Object(found) = &mut found {
        found.insert("object".to_owned(), asked.object.as_ref().unwrap_or(absent).clone());
        found.insert("oldObject".to_owned(), asked.old_object.as_ref().unwrap_or(absent).clone());
    }
    from_json(&found)
}

/// The Namespace object of the request; null for cluster-scoped objects and unknown namespaces.
#[must_use]
pub fn namespace_object(cx: &EvalCx<'_>) -> Val {
    match cx.request.namespace.as_str() {
        "" => Val::Null,
        name => cx.view.namespace_object(name).as_ref().map_or(Val::Null, namespace),
    }
}

/// A Namespace as CEL sees it: `metadata.uid` is `UID` there too.
fn namespace(object: &Value) -> Val {
    let mut object = object.clone();
    if let Some(Value::Object(metadata)) = object.get_mut("metadata")
        && let Some(uid) = metadata.get("uid").cloned()
    {
        metadata.insert("UID".to_owned(), uid);
    }
    from_json(&object)
}
