//! Kyverno's `resource`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::expr::cel::convert::{from_json, to_json};
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::Res;
use crate::expr::cel::outside::{Answer, ApiCall, Outside};
use crate::expr::cel::value::Val;
use crate::object::ObjectExt;
use crate::object::gvk::{Gvk, Gvr};
use crate::object::order;

pub(super) const SIGNATURES: &str = "
    resource.List(string, string, string) -> map(string, any)
    resource.List(string, string, string, map(string, string)) -> map(string, any)
    resource.List(schema.GroupVersionResource, string) -> map(string, any)
    resource.List(schema.GroupVersionResource, string, map(string, string)) -> map(string, any)
    resource.Get(string, string, string, string) -> map(string, any)
    resource.Get(schema.GroupVersionResource, string, string) -> map(string, any)
    resource.Post(string, string, string, map(string, any)) -> map(string, any)
    resource.Post(string, string, map(string, any)) -> map(string, any)
    resource.ToGVR(string, string) -> schema.GroupVersionResource
    resource.list(string, string, string) -> map(string, any)
    resource.list(string, string, string, map(string, string)) -> map(string, any)
    resource.list(schema.GroupVersionResource, string) -> map(string, any)
    resource.list(schema.GroupVersionResource, string, map(string, string)) -> map(string, any)
    resource.get(string, string, string, string) -> map(string, any)
    resource.get(schema.GroupVersionResource, string, string) -> map(string, any)
    resource.post(string, string, string, map(string, any)) -> map(string, any)
    resource.post(string, string, map(string, any)) -> map(string, any)
    resource.toGVR(string, string) -> schema.GroupVersionResource
";

pub(super) fn call(cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    let view = cx.activation.view?;
    let (gvr, rest) = target(name, args)?;
    let gvr = match gvr {
        Target::ToGvr(api_version, kind) => return Some(to_gvr(view, api_version, kind)),
        Target::Resource(gvr) => gvr,
    };
    Some(match (verb(name), rest) {
        ("list", [Val::String(namespace)]) => list(view, &gvr, namespace, None),
        ("list", [Val::String(namespace), labels @ Val::Map(_)]) => list(view, &gvr, namespace, Some(labels)),
        ("get", [Val::String(namespace), Val::String(name)]) => get(view, &gvr, namespace, name),
        ("post", [Val::String(namespace), data @ Val::Map(_)]) => post(view, &gvr, namespace, data),
        ("post", [data @ Val::Map(_)]) => post(view, &gvr, "", data),
        _ => return None,
    })
}

/// `resource` of a namespaced policy: its own namespace is the only one.
pub(super) mod namespaced {
    use super::{Cx, Res, Target, Val, get, list, post, target, to_gvr, verb};

    pub(in super::super) const SIGNATURES: &str = "
        resource.List(string, string) -> map(string, any)
        resource.List(string, string, map(string, string)) -> map(string, any)
        resource.List(schema.GroupVersionResource) -> map(string, any)
        resource.List(schema.GroupVersionResource, map(string, string)) -> map(string, any)
        resource.Get(string, string, string) -> map(string, any)
        resource.Get(schema.GroupVersionResource, string) -> map(string, any)
        resource.Post(string, string, map(string, any)) -> map(string, any)
        resource.ToGVR(string, string) -> schema.GroupVersionResource
        resource.list(string, string) -> map(string, any)
        resource.list(string, string, map(string, string)) -> map(string, any)
        resource.list(schema.GroupVersionResource) -> map(string, any)
        resource.list(schema.GroupVersionResource, map(string, string)) -> map(string, any)
        resource.get(string, string, string) -> map(string, any)
        resource.get(schema.GroupVersionResource, string) -> map(string, any)
        resource.post(string, string, map(string, any)) -> map(string, any)
        resource.toGVR(string, string) -> schema.GroupVersionResource
    ";

    pub(in super::super) fn call(cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
        let view = cx.activation.view?;
        let namespace = cx.activation.namespace.clone();
        let (gvr, rest) = target(name, args)?;
        let gvr = match gvr {
            Target::ToGvr(api_version, kind) => return Some(to_gvr(view, api_version, kind)),
            Target::Resource(gvr) => gvr,
        };
        Some(match (verb(name), rest) {
            ("list", []) => list(view, &gvr, &namespace, None),
            ("list", [labels @ Val::Map(_)]) => list(view, &gvr, &namespace, Some(labels)),
            ("get", [Val::String(name)]) => get(view, &gvr, &namespace, name),
            ("post", [data @ Val::Map(_)]) => post(view, &gvr, &namespace, data),
            _ => return None,
        })
    }
}

enum Target<'a> {
    ToGvr(&'a str, &'a str),
    Resource(Gvr),
}

fn verb(name: &str) -> &str {
    match name.strip_prefix("resource.").unwrap_or(name) {
        "List" | "list" => "list",
        "Get" | "get" => "get",
        "Post" | "post" => "post",
        other => other,
    }
}

/// What a call is about, and the arguments behind that.
fn target<'a>(name: &str, args: &'a [Val]) -> Option<(Target<'a>, &'a [Val])> {
    if name.ends_with("GVR") {
        let [Val::String(api_version), Val::String(kind)] = args else { return None };
        return Some((Target::ToGvr(api_version, kind), &[]));
    }
    match args {
        [gvr @ Val::Map(_), rest @ ..] => {
            let text = |key: &str| gvr.field(key).and_then(Val::as_str).unwrap_or("").to_owned();
            let gvr = Gvr { group: text("Group"), version: text("Version"), resource: text("Resource") };
            Some((Target::Resource(gvr), rest))
        }
        [Val::String(api_version), Val::String(resource), rest @ ..] => {
            let Gvk { group, version, .. } = Gvk::new(api_version, "");
            Some((Target::Resource(Gvr { group, version, resource: resource.to_string() }), rest))
        }
        _ => None,
    }
}

fn to_gvr(view: &dyn Outside, api_version: &str, kind: &str) -> Res {
    match view.resource_of(&Gvk::new(api_version, kind)) {
        Some(gvr) => Ok(Val::object([
            ("Group", Val::str(&gvr.group)),
            ("Version", Val::str(&gvr.version)),
            ("Resource", Val::str(&gvr.resource)),
        ])),
        None => Err(Error::new(format!(
            "failed to convert to GVR: no matches for kind {kind:?} in version {api_version:?}"
        ))),
    }
}

fn group_resource(gvr: &Gvr) -> String {
    if gvr.group.is_empty() { gvr.resource.clone() } else { format!("{}.{}", gvr.resource, gvr.group) }
}

fn list(view: &dyn Outside, gvr: &Gvr, namespace: &str, labels: Option<&Val>) -> Res {
    let unknown = || Error::new(format!("failed to list resource: {} resource not found", group_resource(gvr)));
    let gvk = view.kind_of(gvr).ok_or_else(unknown)?;
    if view.stand_in() {
        // The stand-in knows only kinds of which it has objects, no labels, and no "all namespaces".
        let mut items = view.list(&gvk, None);
        if items.is_empty() {
            return Err(unknown());
        }
        items.retain(|item| item.namespace() == namespace);
        return Ok(from_json(&json!({"items": items})));
    }
    let wanted: BTreeMap<String, String> = match labels.map(to_json).transpose()? {
        Some(Value::Object(labels)) => {
            order::map(labels.into_iter().filter_map(|(key, value)| Some((key, value.as_str()?.to_owned()))))
        }
        _ => BTreeMap::new(),
    };
    let scope = (!namespace.is_empty()).then_some(namespace);
    let items: Vec<Value> = view
        .list(&gvk, scope)
        .into_iter()
        .filter(|item| {
            let found = item.labels();
            wanted.iter().all(|(key, value)| found.get(key) == Some(value))
        })
        .collect();
    Ok(from_json(&json!({"apiVersion": gvk.api_version(), "kind": format!("{}List", gvk.kind), "items": items})))
}

fn get(view: &dyn Outside, gvr: &Gvr, namespace: &str, name: &str) -> Res {
    let found = view.kind_of(gvr).and_then(|gvk| view.get(&gvk, namespace, name));
    Ok(found.map_or(Val::Null, |object| from_json(&object)))
}

/// A POST creates nothing here: the view answers what the API server would say.
fn post(view: &dyn Outside, gvr: &Gvr, namespace: &str, data: &Val) -> Res {
    let root = if gvr.group.is_empty() {
        format!("/api/{}", gvr.version)
    } else {
        format!("/apis/{}/{}", gvr.group, gvr.version)
    };
    let scope = if namespace.is_empty() { String::new() } else { format!("/namespaces/{namespace}") };
    let call = ApiCall {
        method: "POST".to_owned(),
        url_path: format!("{root}{scope}/{}", gvr.resource),
        data: Some(to_json(data)?),
        ..ApiCall::default()
    };
    match view.api_call(&call) {
        Answer::Data(data) => Ok(from_json(&data)),
        Answer::Failed(words) => Err(Error::new(format!("failed to create resource: {words}"))),
        Answer::Unavailable => Err(Error::new("failed to create resource: nothing can be created in this run")),
    }
}
