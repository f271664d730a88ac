//! What etcd holds: objects by key, each write with a revision of its own.

use std::collections::BTreeMap;

use serde_json::Value;

use super::k8s_events::GROUP;
use crate::object::ObjectExt;
use crate::object::gvk::ObjectRef;
use crate::object::order;

/// The key of an object. Versions of one kind share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// API group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// `""` for cluster-scoped objects.
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl Key {
    /// The key of an object.
    #[must_use]
    pub fn of(object: &Value) -> Self {
        let gvk = object.gvk();
        Self::new(&gvk.group, &gvk.kind, object.namespace(), object.name())
    }

    /// A key from its parts.
    #[must_use]
    pub fn new(group: &str, kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            group: storage_group(group, kind).to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// The group that a kind is kept under: Events are served by two groups.
#[must_use]
pub fn storage_group<'a>(group: &'a str, kind: &str) -> &'a str {
    if group.is_empty() && kind == "Event" { GROUP } else { group }
}

/// One stored object.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The object.
    pub object: Value,
    /// Position in order of creation.
    pub born: u64,
    /// Made by the cluster itself (its own namespaces, service accounts), and of no interest to a list for people.
    pub system: bool,
}

/// All stored objects.
#[derive(Clone, Debug, Default)]
pub struct Store {
    entries: BTreeMap<Key, Entry>,
    revision: u64,
    births: u64,
}

impl Store {
    /// The revision of the last write.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// One object.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Value> {
        self.entries.get(key).map(|entry| &entry.object)
    }

    /// One object by parts of its key.
    #[must_use]
    pub fn find(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.get(&Key::new(group, kind, namespace, name))
    }

    /// Writes an object under its key with a new `resourceVersion`, and returns what was there before.
    pub fn put(&mut self, mut object: Value, system: bool) -> Option<Value> {
        self.revision += 1;
        object.set_at(&["metadata", "resourceVersion"], Value::String(self.revision.to_string()));
        let key = Key::of(&object);
        if let Some(entry) = self.entries.get_mut(&key) {
            return Some(std::mem::replace(&mut entry.object, object));
        }
        self.births += 1;
        self.entries.insert(key, Entry { object, born: self.births, system });
        None
    }

    /// Removes an object.
    pub fn remove(&mut self, key: &Key) -> Option<Value> {
        let entry = self.entries.remove(key)?;
        self.revision += 1;
        Some(entry.object)
    }

    /// All entries, ordered by group, kind, namespace and name.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Entry)> {
        self.entries.iter()
    }

    /// The objects of one kind, ordered by namespace and name.
    pub fn of_kind<'a>(&'a self, group: &'a str, kind: &'a str) -> impl Iterator<Item = &'a Value> + 'a {
        let group = storage_group(group, kind);
        let from = Key::new(group, kind, "", "");
        let same = move |key: &Key| key.group == group && key.kind == kind;
        self.entries.range(from..).take_while(move |(key, _)| same(key)).map(|(_, entry)| &entry.object)
    }

    /// What people call the contents of the cluster: everything that is not the cluster's own, in order of creation.
    #[must_use]
    pub fn listing(&self) -> Vec<Value> {
        let mut shown: Vec<&Entry> = self.entries.values().filter(|entry| !entry.system).collect();
        order::sort_by_key(&mut shown, |entry| entry.born);
        shown.into_iter().map(|entry| entry.object.clone()).collect()
    }
}

/// The reference of an object for people and events.
#[must_use]
pub fn reference(object: &Value) -> ObjectRef {
    ObjectRef {
        api_version: object.api_version().to_owned(),
        kind: object.kind().to_owned(),
        namespace: object.namespace().to_owned(),
        name: object.name().to_owned(),
    }
}
