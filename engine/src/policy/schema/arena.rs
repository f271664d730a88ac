//! Structural schemas as a flat arena: every node once, children by number.

use std::sync::Arc;

use serde_json::Value;

/// What a value must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Type {
    /// Anything.
    #[default]
    Any,
    /// A mapping.
    Object,
    /// A sequence.
    Array,
    /// A string.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `x-kubernetes-int-or-string`.
    IntOrString,
    /// `resource.Quantity`: a string or a number.
    Quantity,
}

impl Type {
    /// The OpenAPI word, `""` for [`Type::Any`].
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::IntOrString => "integer or string",
            Self::Quantity => "quantity",
        }
    }
}

/// One schema node.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// What the value must be.
    pub kind: Type,
    /// `x-kubernetes-preserve-unknown-fields`.
    pub preserve: bool,
    /// `null` is a value.
    pub nullable: bool,
    /// `x-kubernetes-list-type: set`.
    pub set: bool,
    /// Known fields in alphabetical order.
    pub properties: Vec<(Arc<str>, u32)>,
    /// Schema of the values of a map.
    pub additional: Option<u32>,
    /// Schema of the elements of a list.
    pub items: Option<u32>,
    /// Fields that must be there.
    pub required: Vec<Arc<str>>,
    /// The only values allowed.
    pub enumeration: Vec<Value>,
    /// Set where the field is missing.
    pub default: Option<Value>,
    /// Least number.
    pub minimum: Option<f64>,
    /// Greatest number.
    pub maximum: Option<f64>,
    /// Fewest characters.
    pub min_length: Option<usize>,
    /// Most characters.
    pub max_length: Option<usize>,
    /// Fewest elements.
    pub min_items: Option<usize>,
    /// Most elements.
    pub max_items: Option<usize>,
    /// Regular expression for a string.
    pub pattern: Option<Arc<str>>,
    /// `date-time`, `duration`, `byte`, `int32`, …
    pub format: Option<Arc<str>>,
    /// Exactly one of these sets of fields must be there.
    pub one_of: Vec<Vec<Arc<str>>>,
    /// These fields must not all be there.
    pub not: Vec<Arc<str>>,
    /// The words of the rule behind `one_of`, where it is one of `x-kubernetes-validations`.
    pub message: Option<Arc<str>>,
    /// The Go type's name, for built-in kinds.
    pub name: Option<Arc<str>>,
}

/// Nodes that refer to each other.
#[derive(Clone, Debug, Default)]
pub struct Arena {
    /// The nodes.
    pub nodes: Vec<Node>,
}

/// One node in its arena.
#[derive(Clone, Copy, Debug)]
pub struct Schema<'a> {
    arena: &'a Arena,
    node: &'a Node,
}

impl Arena {
    /// The node with this number.
    #[must_use]
    pub fn schema(&self, id: u32) -> Option<Schema<'_>> {
        self.nodes.get(id as usize).map(|node| Schema { arena: self, node })
    }
}

impl<'a> Schema<'a> {
    /// The node itself.
    #[must_use]
    pub fn node(self) -> &'a Node {
        self.node
    }

    /// A field's schema: a known one, else that of the map's values.
    #[must_use]
    pub fn field(self, name: &str) -> Option<Schema<'a>> {
        self.known(name).or_else(|| self.additional())
    }

    /// A known field's schema.
    #[must_use]
    pub fn known(self, name: &str) -> Option<Schema<'a>> {
        let found = self.node.properties.binary_search_by(|(key, _)| key.as_ref().cmp(name)).ok()?;
        self.arena.schema(self.node.properties.get(found)?.1)
    }

    /// Known fields with their schemas.
    pub fn fields(self) -> impl Iterator<Item = (&'a str, Schema<'a>)> {
        self.node.properties.iter().filter_map(move |(name, id)| Some((name.as_ref(), self.arena.schema(*id)?)))
    }

    /// The schema of a map's values.
    #[must_use]
    pub fn additional(self) -> Option<Schema<'a>> {
        self.arena.schema(self.node.additional?)
    }

    /// The schema of a list's elements.
    #[must_use]
    pub fn items(self) -> Option<Schema<'a>> {
        self.arena.schema(self.node.items?)
    }

    /// The schema at a path of keys and indexes (an index is any key of a list).
    #[must_use]
    pub fn at<'p>(self, path: impl IntoIterator<Item = &'p str>) -> Option<Schema<'a>> {
        path.into_iter().try_fold(self, |schema, key| schema.items().or_else(|| schema.field(key)))
    }

    /// True where nothing is known about the fields: any key goes.
    #[must_use]
    pub fn open(self) -> bool {
        self.node.preserve || self.node.kind == Type::Any
    }
}
