//! What an evaluation says: per rule a status, a message and what would change; and why.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::trace::TraceNode;

/// The status of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Holds.
    Pass,
    /// Does not hold.
    Fail,
    /// Does not hold, but is not scored.
    Warn,
    /// Could not be evaluated.
    Error,
    /// Not evaluated: preconditions, exceptions, conditional anchors.
    Skip,
}

/// The type of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RuleType {
    /// Changes.
    Mutation,
    /// Checks.
    Validation,
    /// Makes.
    Generation,
    /// Checks images.
    ImageVerify,
    /// Deletes.
    Deletion,
}

/// The answer of one rule. A rule that did not match gives none; its trace is in [`Verdict::trace`].
#[derive(Clone, Debug)]
pub struct RuleResponse {
    /// Name; autogen rules carry theirs; CEL policies have `""`.
    pub name: String,
    /// Type.
    pub rule_type: RuleType,
    /// Status.
    pub status: Status,
    /// Kyverno's words.
    pub message: String,
    /// Report properties.
    pub properties: BTreeMap<String, String>,
    /// `namespace/name` of the exceptions that lifted the rule.
    pub exceptions: Vec<String>,
    /// For `mutate.targets`: the changed target.
    pub patched_target: Option<Value>,
    /// For generate rules evaluated to the end: what would be there.
    pub generated: Vec<Value>,
    /// Whether a failure of this rule emits an admission warning.
    pub emit_warning: bool,
}

impl RuleResponse {
    /// A response with no properties.
    pub fn new(name: &str, rule_type: RuleType, status: Status, message: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            rule_type,
            status,
            message: message.into(),
            properties: BTreeMap::new(),
            exceptions: Vec::new(),
            patched_target: None,
            generated: Vec::new(),
            emit_warning: false,
        }
    }
}

/// What one policy says to one request.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Answers in rule order.
    pub rules: Vec<RuleResponse>,
    /// The object after mutation, where it is another.
    pub patched: Option<Value>,
    /// One node per rule, matched or not: every decision with its values.
    pub trace: Vec<TraceNode>,
    /// The images whose signatures were looked at, and whether one was good.
    pub verified: BTreeMap<String, bool>,
}
