//! GET of a path on the API server (`/api/v1/namespaces/x/pods?labelSelector=…`), answered from a [`View`].

use serde_json::{Value, json};

use crate::eval::view::{Answer, View};
use crate::object::ObjectExt;
use crate::object::gvk::{Gvk, Gvr};
use crate::object::selector::LabelSelector;

/// The parts of a path.
struct Path {
    gvr: Gvr,
    namespace: Option<String>,
    name: Option<String>,
    label_selector: String,
}

/// Reads one object or a list.
#[must_use]
pub fn read(view: &dyn View, url_path: &str) -> Answer {
    let Some(path) = parse(url_path) else { return Answer::Failed(NOT_FOUND.into()) };
    let Some(gvk) = view.kind_of(&path.gvr) else { return Answer::Failed(NOT_FOUND.into()) };
    if let Some(name) = &path.name {
        let namespace = path.namespace.as_deref().unwrap_or("");
        return match view.get(&gvk, namespace, name) {
            Some(object) => Answer::Data(object),
            None => Answer::Failed(not_found(&path.gvr, name)),
        };
    }
    let objects = view.list(&gvk, path.namespace.as_deref());
    match LabelSelector::parse(&path.label_selector) {
        Ok(selector) => {
            Answer::Data(list(&gvk, objects.into_iter().filter(|object| selector.matches(&object.labels())).collect()))
        }
        Err(words) => Answer::Failed(words),
    }
}

const NOT_FOUND: &str = "the server could not find the requested resource";

fn not_found(gvr: &Gvr, name: &str) -> String {
    let resource = if gvr.group.is_empty() { gvr.resource.clone() } else { format!("{}.{}", gvr.resource, gvr.group) };
    format!("{resource} \"{name}\" not found")
}

fn list(gvk: &Gvk, items: Vec<Value>) -> Value {
    json!({"apiVersion": gvk.api_version(), "kind": format!("{}List", gvk.kind), "metadata": {}, "items": items})
}

fn parse(url_path: &str) -> Option<Path> {
    let (path, query) = url_path.split_once('?').unwrap_or((url_path, ""));
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let (namespace, resource, name) = match rest {
        ["namespaces"] => (None, "namespaces", None),
        ["namespaces", name] => (None, "namespaces", Some(*name)),
        ["namespaces", namespace, resource] => (Some(*namespace), *resource, None),
        ["namespaces", namespace, resource, name] => (Some(*namespace), *resource, Some(*name)),
        [resource] => (None, *resource, None),
        [resource, name] => (None, *resource, Some(*name)),
        _ => return None,
    };
    let label_selector = query.split('&').find_map(|pair| pair.strip_prefix("labelSelector=")).unwrap_or("");
    Some(Path {
        gvr: Gvr { group: group.into(), version: version.into(), resource: resource.into() },
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
        label_selector: percent_decode(label_selector),
    })
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let hex = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match (first, hex.and_then(|pair| u8::from_str_radix(pair, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or(&[]);
            }
            (b'+', _) => bytes.push(b' '),
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
