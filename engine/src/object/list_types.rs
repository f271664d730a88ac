//! How server-side apply merges: which lists are sets, maps by keys, or atomic, for built-in kinds and for CRDs.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::gvk::Gvk;
use crate::object::order;

/// How values of a place in an object are merged.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    /// Scalars, and mappings that are merged field by field and hold no list.
    Plain,
    /// As one piece.
    Atomic,
    /// Without a schema: mappings field by field, everything else as one piece.
    Deduced,
    /// A type of the built-in table.
    Named(String),
    /// A mapping or struct.
    Map {
        /// It is replaced as a whole.
        atomic: bool,
        /// Its declared fields.
        fields: BTreeMap<String, Type>,
        /// The type of any other field.
        element: Box<Type>,
    },
    /// A list.
    List {
        /// How elements are told apart.
        kind: ListKind,
        /// The type of its elements.
        element: Box<Type>,
    },
}

/// How elements of a list are told apart.
#[derive(Clone, Debug, PartialEq)]
pub enum ListKind {
    /// Not at all: the list is replaced as a whole.
    Atomic,
    /// By their value.
    Set,
    /// By the values of these fields, with the default of a field that may be missing.
    Map(Vec<(String, Option<Value>)>),
}

static TABLE: LazyLock<BTreeMap<&'static str, Type>> = LazyLock::new(|| {
    let lines = include_str!("data/list_types.txt").lines().filter(|line| !line.starts_with('#'));
    order::map(lines.filter_map(read_type))
});

impl Type {
    /// The type of a built-in kind; `None` for others.
    #[must_use]
    pub fn of_kind(gvk: &Gvk) -> Option<Self> {
        let (package, domain) = gvk.group.split_once('.').unwrap_or((&gvk.group, "k8s.io"));
        let package = if gvk.group.is_empty() { "core" } else { package };
        let name = format!("{package}.{}.{}", gvk.version, gvk.kind);
        (domain.ends_with("k8s.io") && TABLE.contains_key(name.as_str())).then_some(Self::Named(name))
    }

    /// The type of the objects that an `openAPIV3Schema` of a CustomResourceDefinition describes.
    #[must_use]
    pub fn of_schema(schema: &Value) -> Self {
        let mut root = read_schema(schema);
        if let Self::Map { fields, .. } = &mut root {
            fields.insert("metadata".to_owned(), Self::Named("meta.v1.ObjectMeta".to_owned()));
        }
        root
    }

    /// The type itself in place of its name.
    #[must_use]
    pub fn resolve(&self) -> &Self {
        match self {
            Self::Named(name) => TABLE.get(name.as_str()).unwrap_or(&Self::Plain),
            other => other,
        }
    }
}

/// `Type [!] field>Type field[key,key=default]>Type field[~] field[!]>Type field{}>Type field{!}`.
fn read_type(line: &'static str) -> Option<(&'static str, Type)> {
    let mut words = line.split(' ').peekable();
    let name = words.next()?;
    let atomic = words.next_if_eq(&"!").is_some();
    let fields = words.map(read_field).collect();
    Some((name, Type::Map { atomic, fields, element: Box::new(Type::Plain) }))
}

fn read_field(text: &str) -> (String, Type) {
    let (text, target) = match text.split_once('>') {
        Some((text, "__untyped_atomic_")) => (text, Type::Atomic),
        Some((text, "__untyped_deduced_")) => (text, Type::Deduced),
        Some((text, target)) => (text, Type::Named(target.to_owned())),
        None => (text, Type::Plain),
    };
    let (name, marks) = text.find(['[', '{']).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
    (name.to_owned(), marked(marks, target))
}

fn marked(marks: &str, target: Type) -> Type {
    let map = |atomic, element| Type::Map { atomic, fields: BTreeMap::new(), element: Box::new(element) };
    if marks == "{!}" {
        return map(true, target);
    }
    if let Some(inner) = marks.strip_prefix("{}") {
        return map(false, marked(inner, target));
    }
    let Some(inner) = marks.strip_prefix('[').and_then(|marks| marks.strip_suffix(']')) else { return target };
    let key = |text: &str| match text.split_once('=') {
        Some((key, default)) => (key.to_owned(), Some(Value::from(default))),
        None => (text.to_owned(), None),
    };
    let kind = match inner {
        "!" => ListKind::Atomic,
        "~" => ListKind::Set,
        keys => ListKind::Map(keys.split(',').map(key).collect()),
    };
    Type::List { kind, element: Box::new(target) }
}

fn read_schema(schema: &Value) -> Type {
    let flag = |name: &str| schema.get(name).and_then(Value::as_bool).unwrap_or(false);
    let word = |name: &str| schema.get(name).and_then(Value::as_str).unwrap_or("");
    match word("type") {
        "object" => {
            let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            let element = match schema.get("additionalProperties") {
                Some(element @ Value::Object(_)) => read_schema(element),
                _ if flag("x-kubernetes-preserve-unknown-fields") => Type::Deduced,
                _ => Type::Plain,
            };
            Type::Map {
                atomic: word("x-kubernetes-map-type") == "atomic",
                fields: properties.map(|(name, schema)| (name.clone(), read_schema(schema))).collect(),
                element: Box::new(element),
            }
        }
        "array" => {
            let items = schema.get("items").unwrap_or(&Value::Null);
            let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array).into_iter().flatten();
            let default = |key: &str| items.get("properties")?.get(key)?.get("default").cloned();
            let kind = match word("x-kubernetes-list-type") {
                "set" => ListKind::Set,
                "map" => {
                    ListKind::Map(keys.filter_map(Value::as_str).map(|key| (key.to_owned(), default(key))).collect())
                }
                _ => ListKind::Atomic,
            };
            Type::List { kind, element: Box::new(read_schema(items)) }
        }
        "" if flag("x-kubernetes-preserve-unknown-fields") => Type::Deduced,
        _ => Type::Plain,
    }
}
