//! Strategic merge patches: as kyaml does them for Kyverno's `patchStrategicMerge`, and as the API server does.

pub mod api_server;
pub mod kyaml;

use serde_json::Value;

/// `$patch`.
pub(crate) const DIRECTIVE: &str = "$patch";

/// What a `$patch` directive asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Directive {
    Merge,
    Replace,
    Delete,
}

impl Directive {
    fn parse(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "merge" => Some(Self::Merge),
            "replace" => Some(Self::Replace),
            "delete" => Some(Self::Delete),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
