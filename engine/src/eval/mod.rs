//! One policy, one request, a read-only view of the cluster → a verdict and its trace. No effects.
//!
//! The doors are in [`engine`]; each body (validate, mutate, generate, images) evaluates one rule in a [`RuleCx`].

pub mod autogen;
pub mod pod_security;
pub mod request;
pub mod trace;
pub mod verdict;
pub mod view;

use crate::expr::context::JsonContext;
use crate::policy::ClassicPolicy;
use crate::policy::exception::PolicyException;
use crate::policy::rule::Rule;
use request::AdmissionRequest;
use trace::Trace;
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

/// One rule under evaluation.
pub struct RuleCx<'a> {
    /// The surroundings.
    pub cx: EvalCx<'a>,
    /// The policy.
    pub policy: &'a ClassicPolicy,
    /// The rule, autogen rules included.
    pub rule: &'a Rule,
    /// Where the rule is written: `/spec/rules/0` (an autogen rule points at the rule it was made from).
    pub pointer: String,
    /// The variables.
    pub json: JsonContext<'a>,
    /// The record.
    pub trace: Trace,
}
