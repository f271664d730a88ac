//! What the API server knows of the shape of objects: checks, defaults and pruning for Kyverno's kinds, the built-in
//! kinds and custom resources.

pub mod arena;
mod builtin;
mod check;
pub mod crd;
mod defaults;
pub mod nearest;
mod omitted;
mod rejection;
pub mod table;

use serde::Serialize;
use serde_json::Value;

use crate::object::ObjectExt;
use crate::object::gvk::Gvk;
pub use rejection::rejection;

/// What kind of mistake a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum FindingKind {
    /// A field that the schema does not know; strict decoding refuses the object.
    UnknownField,
    /// A value that cannot be decoded into the Go type of a built-in kind.
    Decode,
    /// A value of the wrong type.
    Type,
    /// A field that must be there.
    Required,
    /// A value that is none of the allowed ones.
    Enum,
    /// Too few, too many, too long, out of range, not matching a pattern, or twice.
    Limit,
    /// None or several of alternatives that exclude each other.
    OneOf,
}

/// One mistake in an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// JSON pointer to the value, or to where it should be.
    pub pointer: String,
    /// The same as a field path: `spec.rules[0].name`.
    pub path: String,
    /// The API server's words.
    pub message: String,
    /// What kind of mistake.
    pub kind: FindingKind,
    /// A way out.
    pub hint: Option<String>,
}

/// An object as the API server would store it, and what is wrong with it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The object with the CRD's defaults, without unknown fields.
    pub value: Value,
    /// Mistakes, in the order of the document.
    pub findings: Vec<Finding>,
    /// The kind is in the vendored table; else nothing was checked.
    pub known: bool,
}

impl Loaded {
    /// The API server would refuse it.
    #[must_use]
    pub fn refused(&self) -> bool {
        !self.findings.is_empty()
    }
}

/// Checks an object of a kind of the vendored table; nothing for other kinds.
///
/// Fields of CRDs are defaulted before they are checked, as in the API server.
#[must_use]
pub fn validate(gvk: &Gvk, value: &Value) -> Vec<Finding> {
    let table = table::table();
    let (Some(kind), Some(schema)) = (table.kind(gvk), table.schema(gvk)) else { return Vec::new() };
    let mut value = value.clone();
    if kind.crd {
        defaults::fill(schema, &mut value);
    }
    check::check(schema, &value, !kind.crd)
}

/// Sets what the API server sets on an object of a kind of the vendored table before webhooks see it.
pub fn default(gvk: &Gvk, value: &mut Value) {
    let table = table::table();
    let (Some(kind), Some(schema)) = (table.kind(gvk), table.schema(gvk)) else { return };
    if !kind.crd {
        builtin::before(gvk, value);
    }
    defaults::fill(schema, value);
    if !kind.crd {
        builtin::after(gvk, value);
        omitted::drop(schema, value);
    }
}

/// Reads a document as the API server would: checks it, sets the defaults of its CRD, and drops unknown fields.
///
/// Only Kyverno's kinds are defaulted and pruned here; built-in kinds keep their text (see [`default`]).
#[must_use]
pub fn load(mut doc: Value) -> Loaded {
    let gvk = doc.gvk();
    let table = table::table();
    let (Some(kind), Some(schema)) = (table.kind(&gvk), table.schema(&gvk)) else {
        return Loaded { value: doc, findings: Vec::new(), known: false };
    };
    if !kind.crd {
        let findings = check::check(schema, &doc, true);
        return Loaded { value: doc, findings, known: true };
    }
    defaults::fill(schema, &mut doc);
    let findings = check::check(schema, &doc, false);
    defaults::prune(schema, &mut doc);
    Loaded { value: doc, findings, known: true }
}

#[cfg(test)]
mod tests;
