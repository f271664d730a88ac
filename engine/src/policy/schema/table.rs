//! The vendored schemas: reads `table.bin`, which `engine/tools/schema_table.py` makes, on first use.
//!
//! One header line, then a raw deflate stream; inflated: strings, nodes (children before parents), kinds. Numbers are
//! LEB128 varints. A node is its type, a mask of its parts, and the parts in the order of the mask.

use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::arena::{Arena, Node, Schema, Type};
use crate::object::gvk::Gvk;
use crate::object::order;

static PACKED: &[u8] = include_bytes!("table.bin");

/// A kind that the table knows.
#[derive(Clone, Debug)]
pub struct Kind {
    /// Its group, version and kind.
    pub gvk: Gvk,
    /// Defined by one of Kyverno's CRDs; else built into the API server.
    pub crd: bool,
    /// The CRD marks this version deprecated.
    pub deprecated: bool,
    /// The API server serves this version.
    pub served: bool,
    root: u32,
}

/// All schemas and kinds.
#[derive(Debug, Default)]
pub struct Table {
    arena: Arena,
    kinds: Vec<Kind>,
}

/// The table; decoded once.
pub fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| decode().unwrap_or_default())
}

impl Table {
    /// Every kind, built-in ones first.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The kind with this name.
    #[must_use]
    pub fn kind(&self, gvk: &Gvk) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.gvk == *gvk)
    }

    /// The root of a kind's schema.
    #[must_use]
    pub fn schema(&self, gvk: &Gvk) -> Option<Schema<'_>> {
        self.arena.schema(self.kind(gvk)?.root)
    }

    /// The nodes and the number of `ObjectMeta` in them, to build other schemas on.
    #[must_use]
    pub fn object_meta(&self) -> Option<Schema<'_>> {
        self.schema(&Gvk::new("v1", "ConfigMap"))?.known("metadata")
    }
}

fn decode() -> Option<Table> {
    let start = PACKED.iter().position(|byte| *byte == b'\n')? + 1;
    let bytes = miniz_oxide::inflate::decompress_to_vec(PACKED.get(start..)?).ok()?;
    let mut reader = Reader { bytes: &bytes, strings: Vec::new() };
    for _ in 0..reader.number()? {
        let length = reader.number()?;
        let (text, rest) = reader.bytes.split_at_checked(length)?;
        reader.strings.push(Arc::from(std::str::from_utf8(text).ok()?));
        reader.bytes = rest;
    }
    let count = reader.number()?;
    let nodes = (0..count).map(|_| reader.node()).collect::<Option<Vec<_>>>()?;
    let count = reader.number()?;
    let kinds = (0..count).map(|_| reader.kind()).collect::<Option<Vec<_>>>()?;
    Some(Table { arena: Arena { nodes }, kinds })
}

struct Reader<'a> {
    bytes: &'a [u8],
    strings: Vec<Arc<str>>,
}

impl Reader<'_> {
    fn number(&mut self) -> Option<usize> {
        let (mut value, mut shift) = (0usize, 0u32);
        loop {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            value |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
            shift += 7;
        }
    }

    fn id(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    fn string(&mut self) -> Option<Arc<str>> {
        let index = self.number()?;
        self.strings.get(index).cloned()
    }

    fn strings(&mut self) -> Option<Vec<Arc<str>>> {
        (0..self.number()?).map(|_| self.string()).collect()
    }

    fn json(&mut self) -> Option<Value> {
        serde_json::from_str(&self.string()?).ok()
    }

    fn parsed<T: std::str::FromStr>(&mut self) -> Option<T> {
        self.string()?.parse().ok()
    }

    fn properties(&mut self) -> Option<Vec<(Arc<str>, u32)>> {
        let count = self.number()?;
        let names = (0..count).map(|_| self.string()).collect::<Option<Vec<_>>>()?;
        let mut fields = names.into_iter().map(|name| Some((name, self.id()?))).collect::<Option<Vec<_>>>()?;
        order::sort(&mut fields);
        Some(fields)
    }

    fn node(&mut self) -> Option<Node> {
        let kind = match self.number()? {
            1 => Type::Object,
            2 => Type::Array,
            3 => Type::String,
            4 => Type::Integer,
            5 => Type::Number,
            6 => Type::Boolean,
            7 => Type::IntOrString,
            8 => Type::Quantity,
            _ => Type::Any,
        };
        let mask = self.number()?;
        let mut node = Node { kind, ..Node::default() };
        for part in (0..21).filter(|part| mask >> part & 1 == 1) {
            match part {
                0 => node.preserve = true,
                1 => node.nullable = true,
                2 => node.properties = self.properties()?,
                3 => node.additional = Some(self.id()?),
                4 => node.items = Some(self.id()?),
                5 => node.required = self.strings()?,
                6 => node.enumeration = (0..self.number()?).map(|_| self.json()).collect::<Option<_>>()?,
                7 => node.default = Some(self.json()?),
                8 => node.minimum = Some(self.parsed()?),
                9 => node.maximum = Some(self.parsed()?),
                10 => node.min_length = Some(self.parsed()?),
                11 => node.max_length = Some(self.parsed()?),
                12 => node.min_items = Some(self.parsed()?),
                13 => node.max_items = Some(self.parsed()?),
                14 => node.pattern = Some(self.string()?),
                15 => node.format = Some(self.string()?),
                16 => node.one_of = (0..self.number()?).map(|_| self.strings()).collect::<Option<_>>()?,
                17 => node.not = self.strings()?,
                18 => node.message = Some(self.string()?),
                19 => node.set = true,
                _ => node.name = Some(self.string()?),
            }
        }
        Some(node)
    }

    fn kind(&mut self) -> Option<Kind> {
        let (group, version, kind) = (self.string()?, self.string()?, self.string()?);
        let gvk = Gvk { group: group.to_string(), version: version.to_string(), kind: kind.to_string() };
        let (root, flags) = (self.id()?, self.number()?);
        Some(Kind { gvk, crd: flags & 1 != 0, deprecated: flags & 2 != 0, served: flags & 4 == 0, root })
    }
}
