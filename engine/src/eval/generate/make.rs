//! From a substituted pattern to objects: `data`, `clone`, `cloneList` (`pkg/background/generate/{data,clone,generator}.go`).

use serde_json::{Value, json};

use super::labels;
use super::{Generated, Target};
use crate::eval::autogen::kind_and_api_version;
use crate::eval::view::{self, View};
use crate::object::ObjectExt;
use crate::object::gvk::{Gvk, ObjectRef};
use crate::object::selector::LabelSelector;
use crate::policy::rule::GeneratePattern;

/// Where an object goes.
struct Place<'a> {
    api_version: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
}

impl Place<'_> {
    fn words(&self) -> String {
        [self.api_version, self.kind, self.namespace, self.name].join("/")
    }
}

/// The objects of one pattern, without the labels of the rule. What was made before an error stays.
pub(super) fn make(view: &dyn View, pattern: &GeneratePattern) -> Generated {
    let place = Place {
        api_version: &pattern.api_version,
        kind: &pattern.kind,
        namespace: &pattern.namespace,
        name: &pattern.name,
    };
    if let Some(source) = pattern.clone.as_ref().filter(|source| !source.name.is_empty()) {
        let gvk = Gvk::new(place.api_version, place.kind);
        let mut out = collected([cloned(view, &place, &gvk, &source.namespace, &source.name)]);
        out.refused.extend(out.error.clone().map(|error| (place.words(), error)));
        return out;
    }
    if pattern.clone_list.as_ref().is_some_and(|list| !list.kinds.is_empty()) {
        return clone_list(view, pattern);
    }
    match &pattern.data {
        // Kyverno compares a typed nil with nil: a pattern without data makes an object with a name and labels only.
        None | Some(Value::Null) => collected([Ok(Some(Target {
            object: placed(json!({}), &place),
            source: None,
            clone: false,
            element: None,
        }))]),
        Some(data @ Value::Object(_)) => collected([Ok(Some(Target {
            object: placed(data.clone(), &place),
            source: None,
            clone: false,
            element: None,
        }))]),
        Some(_) => collected([Err("failed to convert data to a mapping".to_owned())]),
    }
}

fn collected(results: impl IntoIterator<Item = Result<Option<Target>, String>>) -> Generated {
    let mut out = Generated::default();
    for result in results {
        match result {
            Ok(target) => out.targets.extend(target),
            Err(error) => {
                out.error = Some(error);
                break;
            }
        }
    }
    out
}

/// `None` where the source is the target.
fn cloned(
    view: &dyn View,
    place: &Place<'_>,
    gvk: &Gvk,
    namespace: &str,
    name: &str,
) -> Result<Option<Target>, String> {
    if namespace == place.namespace && name == place.name {
        return Ok(None);
    }
    let Some(source) = view.get(gvk, namespace, name) else {
        return Err(format!("source resource {} not found: {}", place.words(), view::not_found(view, gvk, name)));
    };
    Ok(Some(copied(&source, place)))
}

fn copied(source: &Value, place: &Place<'_>) -> Target {
    let mut object = source.clone();
    labels::from_source(&mut object, source);
    if source.namespace() != place.namespace {
        object.remove_at(&["metadata", "ownerReferences"]);
    }
    for field in ["uid", "selfLink", "creationTimestamp", "managedFields", "resourceVersion"] {
        object.remove_at(&["metadata", field]);
    }
    let origin = ObjectRef {
        api_version: source.api_version().to_owned(),
        kind: source.kind().to_owned(),
        namespace: source.namespace().to_owned(),
        name: source.name().to_owned(),
    };
    Target { object: placed(object, place), source: Some(origin), clone: true, element: None }
}

fn clone_list(view: &dyn View, pattern: &GeneratePattern) -> Generated {
    let mut out = Generated::default();
    let Some(list) = &pattern.clone_list else { return out };
    let selector = match list.selector.as_ref().map(LabelSelector::from_value).transpose() {
        Ok(selector) => selector,
        Err(error) => {
            out.error = Some(error);
            return out;
        }
    };
    for kind in &list.kinds {
        let (api_version, kind) = kind_and_api_version(kind);
        let namespace = Some(list.namespace.as_str()).filter(|namespace| !namespace.is_empty());
        for source in view.list(&Gvk::new(&api_version, &kind), namespace) {
            let selected = selector.as_ref().is_none_or(|selector| selector.matches(&source.labels()));
            if !selected || source.namespace() == pattern.namespace {
                continue;
            }
            let place = Place {
                api_version: source.api_version(),
                kind: source.kind(),
                namespace: &pattern.namespace,
                name: source.name(),
            };
            out.targets.push(copied(&source, &place));
        }
    }
    out
}

/// Name, namespace and API version are those of the pattern; the kind only where the data has none.
fn placed(mut object: Value, place: &Place<'_>) -> Value {
    set_or_remove(&mut object, &["metadata", "name"], place.name);
    set_or_remove(&mut object, &["metadata", "namespace"], place.namespace);
    if object.kind().is_empty() {
        object.set_at(&["kind"], Value::String(place.kind.to_owned()));
    }
    object.set_at(&["apiVersion"], Value::String(place.api_version.to_owned()));
    object.remove_at(&["metadata", "resourceVersion"]);
    object
}

fn set_or_remove(object: &mut Value, path: &[&str], text: &str) {
    if text.is_empty() {
        object.remove_at(path);
    } else {
        object.set_at(path, Value::String(text.to_owned()));
    }
}
