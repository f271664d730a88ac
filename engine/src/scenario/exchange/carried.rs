//! What came over from another tool or went to it, and what did not.

use indexmap::IndexMap;
use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::scenario::{API_VERSION, Scenario};

/// A scenario made from something else.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// What it was, such as `Chainsaw test`.
    pub from: String,
    /// What became of it.
    pub scenario: Scenario,
    /// What could not be carried over.
    pub left_out: Vec<Diagnostic>,
}

/// A scenario as the files of another tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Exported {
    /// By path.
    pub files: IndexMap<String, String>,
    /// What the other tool cannot express.
    pub left_out: Vec<Diagnostic>,
}

/// A scenario with nothing in it but its title.
pub(crate) fn titled(title: &str) -> Scenario {
    Scenario {
        api_version: API_VERSION.into(),
        kind: "Scenario".into(),
        title: title.to_owned(),
        ..Scenario::default()
    }
}

/// A message about something that has no counterpart.
pub(crate) fn left_out(what: impl Into<String>, hint: &str) -> Diagnostic {
    let message = Diagnostic::warning(what);
    if hint.is_empty() { message } else { message.hint(hint) }
}
