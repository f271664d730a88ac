//! An unstructured Kubernetes object: names, labels and paths into a JSON value.

pub mod access;
pub mod apply;
pub mod catalog;
pub mod diff;
pub mod duration;
pub mod gofmt;
pub mod gvk;
pub mod gzip;
pub mod image;
pub mod list_types;
pub mod merge;
pub mod merge_keys;
pub mod names;
pub mod order;
pub mod patch;
pub mod quantity;
pub mod read;
pub mod selector;
pub mod time;
pub mod wildcard;

use std::collections::BTreeMap;

use serde_json::Value;

use gvk::Gvk;

/// Reads the common fields of a Kubernetes object held as a plain JSON value.
///
/// An extension trait rather than a wrapper type: policies, patches and JMESPath all work on the bare value.
pub trait ObjectExt {
    /// A string at a path of keys, `""` where it is missing or no string.
    fn str_at(&self, path: &[&str]) -> &str;
    /// `apiVersion`.
    fn api_version(&self) -> &str;
    /// `kind`.
    fn kind(&self) -> &str;
    /// Group, version and kind.
    fn gvk(&self) -> Gvk;
    /// `metadata.name`.
    fn name(&self) -> &str;
    /// `metadata.generateName`.
    fn generate_name(&self) -> &str;
    /// `metadata.namespace`, `""` for cluster-scoped objects.
    fn namespace(&self) -> &str;
    /// `metadata.uid`.
    fn uid(&self) -> &str;
    /// `metadata.labels`; values that are no strings are left out.
    fn labels(&self) -> BTreeMap<String, String>;
    /// `metadata.annotations`; values that are no strings are left out.
    fn annotations(&self) -> BTreeMap<String, String>;
    /// The value at a path of keys.
    fn at(&self, path: &[&str]) -> Option<&Value>;
    /// Sets the value at a path of keys, making the mappings on the way.
    fn set_at(&mut self, path: &[&str], value: Value);
    /// Removes the value at a path of keys and returns it.
    fn remove_at(&mut self, path: &[&str]) -> Option<Value>;
}

impl ObjectExt for Value {
    fn str_at(&self, path: &[&str]) -> &str {
        self.at(path).and_then(Value::as_str).unwrap_or("")
    }

    fn api_version(&self) -> &str {
        self.str_at(&["apiVersion"])
    }

    fn kind(&self) -> &str {
        self.str_at(&["kind"])
    }

    fn gvk(&self) -> Gvk {
        Gvk::new(self.api_version(), self.kind())
    }

    fn name(&self) -> &str {
        self.str_at(&["metadata", "name"])
    }

    fn generate_name(&self) -> &str {
        self.str_at(&["metadata", "generateName"])
    }

    fn namespace(&self) -> &str {
        self.str_at(&["metadata", "namespace"])
    }

    fn uid(&self) -> &str {
        self.str_at(&["metadata", "uid"])
    }

    fn labels(&self) -> BTreeMap<String, String> {
        string_map(self.at(&["metadata", "labels"]))
    }

    fn annotations(&self) -> BTreeMap<String, String> {
        string_map(self.at(&["metadata", "annotations"]))
    }

    fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    fn set_at(&mut self, path: &[&str], value: Value) {
        let Some((last, parents)) = path.split_last() else {
            *self = value;
            return;
        };
        let mut node = self;
        for key in parents {
            if !node.is_object() {
                *node = Value::Object(serde_json::Map::new());
            }
            let Value::Object(map) = node else { return };
            node = map.entry((*key).to_owned()).or_insert(Value::Null);
        }
        if !node.is_object() {
            *node = Value::Object(serde_json::Map::new());
        }
        if let Value::Object(map) = node {
            map.insert((*last).to_owned(), value);
        }
    }

    fn remove_at(&mut self, path: &[&str]) -> Option<Value> {
        let (last, parents) = path.split_last()?;
        let parent = parents.iter().try_fold(self, |value, key| value.get_mut(key))?;
        parent.as_object_mut()?.shift_remove(*last)
    }
}

/// The string entries of a mapping.
#[must_use]
pub fn string_map(value: Option<&Value>) -> BTreeMap<String, String> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    order::map(entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))))
}
