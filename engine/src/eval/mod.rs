//! One policy, one request, a read-only view of the cluster → a verdict and its trace. No effects.
//!
//! The doors are in [`engine`]; each body (validate, mutate, generate, images) evaluates one rule in a [`RuleCx`].

pub mod action;
pub mod anchors;
pub mod autogen;
mod block;
pub mod cel;
pub mod cleanup;
pub mod compare;
pub mod conditions;
pub mod context;
pub mod denial;
pub mod engine;
pub mod exception;
pub mod filters;
#[cfg(test)]
pub(crate) mod fixture;
mod foreach;
pub mod generate;
pub mod images;
pub mod manifests;
pub mod matching;
#[cfg(test)]
mod matching_tests;
mod messages;
mod metadata;
pub mod mutate;
pub mod operators;
pub mod pattern;
pub mod pod_security;
pub mod request;
#[cfg(test)]
pub(crate) mod testing;
mod tolerate;
pub mod trace;
pub mod validate;
mod validate_cel;
pub mod verdict;
pub mod view;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::expr::context::JsonContext;
use crate::policy::ClassicPolicy;
use crate::policy::exception::PolicyException;
use crate::policy::rule::Rule;
use request::{AdmissionRequest, Operation};
use trace::Trace;
use verdict::{RuleResponse, RuleType, Status};
use view::View;

/// The Kyverno version whose behaviour is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// 1.15.x: the version of the issue.
    V1_15,
    /// 1.16 to 1.18.
    V1_18,
    /// 1.19.
    #[default]
    V1_19,
}

/// Where an evaluation happens; a few rules of the engine depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A webhook call.
    #[default]
    Admission,
    /// The background controller or the background scan.
    Background,
    /// `kyverno test` and `kyverno apply`.
    Cli,
}

/// What does not change during an evaluation.
#[derive(Clone, Copy)]
pub struct EvalCx<'a> {
    /// The request.
    pub request: &'a AdmissionRequest,
    /// The cluster and the outside.
    pub view: &'a dyn View,
    /// Exceptions that may lift rules.
    pub exceptions: &'a [PolicyException],
    /// Version.
    pub profile: Profile,
    /// Where.
    pub mode: Mode,
    /// Whether decisions are recorded.
    pub trace: bool,
}

/// One rule under evaluation: it matched, its context is registered and its preconditions hold.
pub struct RuleCx<'a> {
    /// The surroundings.
    pub cx: EvalCx<'a>,
    /// The policy.
    pub policy: &'a ClassicPolicy,
    /// The rule, autogen rules included.
    pub rule: &'a Rule,
    /// Where the rule is written: `/spec/rules/0` (an autogen rule points at the rule it was made from).
    pub pointer: String,
    /// The object as the rules before this one left it; `None` on DELETE.
    pub object: Option<&'a Value>,
    /// The object as it is stored.
    pub old_object: Option<&'a Value>,
    /// What is being done. Differs from the request while the old object is looked at as if it were created.
    pub operation: Operation,
    /// The map that a `foreach` is at, where it scopes patterns.
    pub element: Option<Value>,
    /// `reportProperties` after substitution.
    pub properties: BTreeMap<String, String>,
    /// The variables.
    pub json: JsonContext<'a>,
    /// The record.
    pub trace: Trace,
}

impl RuleCx<'_> {
    /// The object, or on DELETE the old one.
    #[must_use]
    pub fn subject(&self) -> &Value {
        self.object.or(self.old_object).unwrap_or(&Value::Null)
    }

    /// A response of this rule with its report properties.
    #[must_use]
    pub fn response(&self, rule_type: RuleType, status: Status, message: impl Into<String>) -> RuleResponse {
        let mut response = RuleResponse::new(&self.rule.name, rule_type, status, message);
        response.properties = self.properties.clone();
        response
    }

    /// An `Error` response: `what: why`.
    #[must_use]
    pub fn error(&self, rule_type: RuleType, what: &str, why: impl std::fmt::Display) -> RuleResponse {
        self.response(rule_type, Status::Error, format!("{what}: {why}"))
    }
}

/// What the body of a rule says.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// None, one, or for several targets or images many.
    pub responses: Vec<RuleResponse>,
    /// The object after this rule, where it was changed.
    pub patched: Option<Value>,
}

impl From<RuleResponse> for Answer {
    fn from(response: RuleResponse) -> Self {
        Self { responses: vec![response], patched: None }
    }
}

impl From<Option<RuleResponse>> for Answer {
    fn from(response: Option<RuleResponse>) -> Self {
        Self { responses: response.into_iter().collect(), patched: None }
    }
}

/// The body of a rule: evaluates it in its context.
pub type Handler = fn(&mut RuleCx<'_>) -> Answer;
