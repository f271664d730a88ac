//! One patch on one resource: a strategic merge patch with anchors, or JSON patch operations (`pkg/engine/mutate/patch`).

use serde_json::Value;

use super::preprocess::{Mismatch, preprocess};
use crate::eval::pattern::{self, Places};
use crate::eval::trace::Trace;
use crate::object::merge::kyaml;
use crate::object::patch::{self, Options};

/// A patch with its variables substituted.
pub(super) enum Patch<'a> {
    /// `patchStrategicMerge`.
    StrategicMerge(&'a Value),
    /// `patchesJson6902`: operations as YAML or JSON text.
    Json6902(&'a str),
}

impl<'a> Patch<'a> {
    /// The strategic merge patch wins where both are there.
    pub(super) fn of(block: &'a Value) -> Option<Self> {
        if let Some(merge) = block.get("patchStrategicMerge").filter(|patch| !patch.is_null()) {
            return Some(Self::StrategicMerge(merge));
        }
        let operations = block.get("patchesJson6902").and_then(Value::as_str)?;
        (!operations.is_empty()).then_some(Self::Json6902(operations))
    }

    /// The patched resource. A strategic merge patch whose conditions do not hold changes nothing.
    ///
    /// # Errors
    /// The patch has another shape than the resource, a JSON patch cannot be read, or one of its operations fails.
    pub(super) fn apply(&self, resource: &Value) -> Result<Value, String> {
        match self {
            Self::StrategicMerge(patch) => strategic_merge(patch, resource),
            Self::Json6902(operations) => json6902(operations, resource),
        }
    }
}

/// The patch that is merged: anchors resolved against the resource, `None` where a condition does not hold.
///
/// # Errors
/// The patch has another shape than the resource.
pub(super) fn resolved(patch: &Value, resource: &Value) -> Result<Option<Value>, String> {
    let matcher = |resource: &Value, pattern: &Value| {
        pattern::match_pattern(resource, pattern, Places { pattern: "", added: "", resource: "" }, &mut Trace::off())
            .is_ok()
    };
    match preprocess(patch, resource, &matcher) {
        Ok(patch) => Ok(Some(patch)),
        Err(Mismatch::Condition(_) | Mismatch::Global(_)) => Ok(None),
        Err(Mismatch::Shape(words)) => Err(format!("failed to preProcess rule: {words}")),
    }
}

fn strategic_merge(patch: &Value, resource: &Value) -> Result<Value, String> {
    match resolved(patch, resource)? {
        Some(patch) => kyaml::merge(resource, &patch)?.ok_or_else(|| "the patch deletes the whole resource".to_owned()),
        None => Ok(resource.clone()),
    }
}

fn json6902(operations: &str, resource: &Value) -> Result<Value, String> {
    let operations = if operations.starts_with('[') {
        serde_json::from_str(operations).map_err(|error| format!("failed to decode patches: {error}"))?
    } else {
        crate::parse::one(operations)
            .map_err(|error| format!("failed to convert patchesJSON6902 to JSON: {}", error.message))?
    };
    patch::apply(resource, &operations, Options::KYVERNO)
}
