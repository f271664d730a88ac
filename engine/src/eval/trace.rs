//! The record of each decision: what was asked, of which value, with what answer, and where it is written.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a decision came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Holds.
    Yes,
    /// Does not hold.
    No,
    /// Not looked at, or lifted.
    Skip,
    /// Could not be decided.
    Error,
    /// A way out or a prohibition that does not apply: nothing follows from it.
    Idle,
    /// Holds where it must not: under `deny`.
    Denies,
    /// A fact, no decision.
    #[default]
    Info,
}

impl Outcome {
    /// Whether this is what a refusal rests on.
    #[must_use]
    pub fn failed(self) -> bool {
        matches!(self, Self::No | Self::Error | Self::Denies)
    }

    /// Below `exclude` and exceptions.
    #[must_use]
    pub fn letting_out(self) -> Self {
        if self == Self::No { Self::Idle } else { self }
    }

    /// Below a `deny` whose conditions hold.
    #[must_use]
    pub fn denying(self) -> Self {
        if self == Self::Yes { Self::Denies } else { self.letting_out() }
    }
}

/// One decision and those it rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceNode {
    /// What was decided: `policy`, `rule`, `match`, `exclude`, `filter`, `context`, `preconditions`, `condition`, `pattern`, `deny`,
    /// `foreach`, `cel`, `exception`, `mutate`, `generate`, `variable` …
    pub kind: String,
    /// How it came out.
    pub outcome: Outcome,
    /// In words, one line.
    pub text: String,
    /// Where it is written: a JSON pointer into the policy document (`/spec/rules/0/match/any/0`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Where it looked: a JSON pointer into the object of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<String>,
    /// What was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub want: Option<Value>,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Value>,
    /// The decisions below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<TraceNode>,
}

impl TraceNode {
    /// A node with words.
    pub fn new(kind: &str, outcome: Outcome, text: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), outcome, text: text.into(), ..Self::default() }
    }

    /// What one policy recorded; nothing where it recorded nothing.
    #[must_use]
    pub fn of_policy(key: &str, trace: &[Self]) -> Option<Self> {
        let node = Self { children: trace.to_vec(), ..Self::new("policy", Outcome::Info, key) };
        (!trace.is_empty()).then_some(node)
    }

    /// The innermost decision that failed.
    #[must_use]
    pub fn failure(&self) -> Option<&Self> {
        self.is_failure().then(|| self.children.iter().find_map(Self::failure).unwrap_or(self))
    }

    /// The innermost decision that failed and has a place in the policy.
    #[must_use]
    pub fn placed_failure(&self) -> Option<&Self> {
        let own = || self.at.is_some().then_some(self);
        if self.is_failure() { self.children.iter().find_map(Self::placed_failure).or_else(own) } else { None }
    }

    /// Whether it is what a rule of this name decided: its text is the name, and the messages after a colon.
    #[must_use]
    pub fn is_rule(&self, name: &str) -> bool {
        let rest = self.text.strip_prefix(name).filter(|_| self.kind == "rule");
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
    }

    /// What could have lifted a failure did not cause it.
    fn is_failure(&self) -> bool {
        self.outcome.failed() && !matches!(self.kind.as_str(), "exception" | "oldObject")
    }

    fn recast(&mut self, change: fn(Outcome) -> Outcome) {
        self.outcome = change(self.outcome);
        self.children.iter_mut().for_each(|child| child.recast(change));
    }

    /// The same with its place in the policy.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.at = Some(pointer.into());
        self
    }
}

/// Collects [`TraceNode`]s while an evaluation runs; a recorder that is off costs nothing.
#[derive(Debug, Default)]
pub struct Trace {
    on: bool,
    /// The open nodes; the first is a root that collects the finished ones.
    stack: Vec<TraceNode>,
}

impl Trace {
    /// A recorder.
    #[must_use]
    pub fn on() -> Self {
        Self { on: true, stack: vec![TraceNode::default()] }
    }

    /// No recorder.
    #[must_use]
    pub fn off() -> Self {
        Self::default()
    }

    /// Whether anything is recorded: ask before building costly words.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Opens a node; what follows is below it until [`Trace::close`].
    pub fn open(&mut self, node: impl FnOnce() -> TraceNode) {
        if self.on {
            self.stack.push(node());
        }
    }

    /// Closes the innermost open node with how it came out.
    pub fn close(&mut self, outcome: Outcome) {
        if !self.on {
            return;
        }
        if let Some(mut node) = self.stack.pop() {
            node.outcome = outcome;
            if let Some(parent) = self.stack.last_mut() {
                parent.children.push(node);
            }
        }
    }

    /// Closes a node whose decisions mean something else than by themselves: below `exclude`, `deny`, an exception.
    pub fn close_as(&mut self, outcome: Outcome, change: fn(Outcome) -> Outcome) {
        self.amend(|node| node.recast(change));
        self.close(change(outcome));
    }

    /// Adds a node without children.
    pub fn leaf(&mut self, node: impl FnOnce() -> TraceNode) {
        if self.on
            && let Some(parent) = self.stack.last_mut()
        {
            parent.children.push(node());
        }
    }

    /// Changes the innermost open node, to add what was found.
    pub fn amend(&mut self, change: impl FnOnce(&mut TraceNode)) {
        if self.on
            && let Some(node) = self.stack.last_mut()
        {
            change(node);
        }
    }

    /// The finished nodes.
    #[must_use]
    pub fn finish(mut self) -> Vec<TraceNode> {
        while self.stack.len() > 1 {
            self.close(Outcome::Error);
        }
        self.stack.pop().map(|root| root.children).unwrap_or_default()
    }
}
