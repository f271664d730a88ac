//! Schemas of custom resources that a scenario brings: `openAPIV3Schema` → the same checks, defaults and pruning.

use std::sync::Arc;

use serde_json::Value;

use super::arena::{Arena, Node, Schema, Type};
use super::{Finding, Loaded, check, defaults, table};
use crate::limits::MAX_DEPTH;
use crate::object::ObjectExt;
use crate::object::gvk::Gvk;
use crate::object::order;

/// One version of a custom resource.
#[derive(Clone, Debug)]
pub struct CustomKind {
    /// Its group, version and kind.
    pub gvk: Gvk,
    /// The plural name of its URL.
    pub plural: String,
    /// It lives in namespaces.
    pub namespaced: bool,
    /// The API server serves this version.
    pub served: bool,
    /// The CRD marks this version deprecated.
    pub deprecated: bool,
    /// It has a `status` subresource.
    pub status_subresource: bool,
    arena: Arc<Arena>,
    root: u32,
}

/// The versions that a `CustomResourceDefinition` (apiextensions.k8s.io/v1) defines; empty for other kinds.
#[must_use]
pub fn read(crd: &Value) -> Vec<CustomKind> {
    if crd.kind() != "CustomResourceDefinition" {
        return Vec::new();
    }
    let versions = crd.at(&["spec", "versions"]).and_then(Value::as_array).into_iter().flatten();
    versions.map(|version| read_version(crd, version)).collect()
}

fn read_version(crd: &Value, version: &Value) -> CustomKind {
    let mut builder = Builder { arena: Arena::default() };
    let root = match version.at(&["schema", "openAPIV3Schema"]) {
        Some(schema) => builder.root(schema),
        None => builder.push(Node { preserve: true, ..Node::default() }),
    };
    let flag = |name: &str, missing: bool| version.get(name).and_then(Value::as_bool).unwrap_or(missing);
    CustomKind {
        gvk: Gvk {
            group: crd.str_at(&["spec", "group"]).to_owned(),
            version: version.str_at(&["name"]).to_owned(),
            kind: crd.str_at(&["spec", "names", "kind"]).to_owned(),
        },
        plural: crd.str_at(&["spec", "names", "plural"]).to_owned(),
        namespaced: crd.str_at(&["spec", "scope"]) != "Cluster",
        served: flag("served", true),
        deprecated: flag("deprecated", false),
        status_subresource: version.at(&["subresources", "status"]).is_some(),
        arena: Arc::new(builder.arena),
        root,
    }
}

impl CustomKind {
    /// The root of its schema.
    #[must_use]
    pub fn schema(&self) -> Option<Schema<'_>> {
        self.arena.schema(self.root)
    }

    /// Checks an object as [`super::validate`] does.
    #[must_use]
    pub fn validate(&self, value: &Value) -> Vec<Finding> {
        self.load(value.clone()).findings
    }

    /// Checks an object, sets its defaults and drops unknown fields.
    #[must_use]
    pub fn load(&self, mut value: Value) -> Loaded {
        let Some(schema) = self.schema() else { return Loaded { value, findings: Vec::new(), known: false } };
        defaults::fill(schema, &mut value);
        let findings = check::check(schema, &value, false);
        defaults::prune(schema, &mut value);
        Loaded { value, findings, known: true }
    }
}

struct Builder {
    arena: Arena,
}

impl Builder {
    fn push(&mut self, node: Node) -> u32 {
        self.arena.nodes.push(node);
        u32::try_from(self.arena.nodes.len() - 1).unwrap_or(u32::MAX)
    }

    /// The root, where every object has `apiVersion`, `kind` and `metadata`.
    fn root(&mut self, schema: &Value) -> u32 {
        let root = self.node(schema, 0);
        let text = self.push(Node { kind: Type::String, ..Node::default() });
        let meta = table::table().object_meta().map(|meta| self.graft(meta));
        let Some(node) = self.arena.nodes.get_mut(root as usize) else { return root };
        for (name, id) in [("apiVersion", Some(text)), ("kind", Some(text)), ("metadata", meta)] {
            let Some(id) = id else { continue };
            node.properties.retain(|(key, _)| key.as_ref() != name);
            node.properties.push((Arc::from(name), id));
        }
        order::sort(&mut node.properties);
        root
    }

    /// Copies a schema of another arena.
    fn graft(&mut self, schema: Schema<'_>) -> u32 {
        let mut node = schema.node().clone();
        node.properties = schema.fields().map(|(name, child)| (Arc::from(name), self.graft(child))).collect();
        node.additional = schema.additional().map(|child| self.graft(child));
        node.items = schema.items().map(|child| self.graft(child));
        self.push(node)
    }

    fn node(&mut self, schema: &Value, depth: usize) -> u32 {
        if depth > MAX_DEPTH {
            return self.push(Node { preserve: true, ..Node::default() });
        }
        let flag = |name: &str| schema.get(name).and_then(Value::as_bool).unwrap_or(false);
        let size = |name: &str| schema.get(name).and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
        let text = |name: &str| schema.get(name).and_then(Value::as_str);
        let list = |name: &str| schema.get(name).and_then(Value::as_array).into_iter().flatten();
        let mut properties = Vec::new();
        for (name, child) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            properties.push((Arc::from(name.as_str()), self.node(child, depth + 1)));
        }
        order::sort(&mut properties);
        let additional = match schema.get("additionalProperties") {
            Some(child @ Value::Object(_)) => Some(self.node(child, depth + 1)),
            Some(Value::Bool(true)) => Some(self.push(Node { preserve: true, ..Node::default() })),
            _ => None,
        };
        let items = schema.get("items").filter(|child| child.is_object()).map(|child| self.node(child, depth + 1));
        let one_of: Vec<_> = list("oneOf").filter_map(|option| names(option.get("required"))).collect();
        self.push(Node {
            kind: type_of(text("type").unwrap_or_default(), flag("x-kubernetes-int-or-string")),
            preserve: flag("x-kubernetes-preserve-unknown-fields"),
            nullable: flag("nullable"),
            set: text("x-kubernetes-list-type") == Some("set"),
            properties,
            additional,
            items,
            required: names(schema.get("required")).unwrap_or_default(),
            enumeration: list("enum").cloned().collect(),
            default: schema.get("default").cloned(),
            minimum: schema.get("minimum").and_then(Value::as_f64),
            maximum: schema.get("maximum").and_then(Value::as_f64),
            min_length: size("minLength"),
            max_length: size("maxLength"),
            min_items: size("minItems"),
            max_items: size("maxItems"),
            pattern: text("pattern").map(Arc::from),
            format: text("format").map(Arc::from),
            // Alternatives with more than `required` in them would need a full JSON Schema validator.
            one_of: if one_of.len() == list("oneOf").count() { one_of } else { Vec::new() },
            not: names(schema.at(&["not", "required"])).unwrap_or_default(),
            message: None,
            name: None,
        })
    }
}

fn names(list: Option<&Value>) -> Option<Vec<Arc<str>>> {
    Some(list?.as_array()?.iter().filter_map(Value::as_str).map(Arc::from).collect())
}

fn type_of(word: &str, int_or_string: bool) -> Type {
    match word {
        _ if int_or_string => Type::IntOrString,
        "object" => Type::Object,
        "array" => Type::Array,
        "string" => Type::String,
        "integer" => Type::Integer,
        "number" => Type::Number,
        "boolean" => Type::Boolean,
        _ => Type::Any,
    }
}
