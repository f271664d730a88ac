//! What the two kinds of the API server's own policies have in common: whom they concern, under which binding, with which
//! parameters.

use serde_json::Value;

use super::compile::Condition;
use super::conditions::hold_without_namespace;
use super::matching;
use super::params::{self, Params};
use crate::eval::trace::Trace;
use crate::eval::{EvalCx, Mode};
use crate::expr::cel::{Activation, Error, Program};
use crate::policy::admission_policies::{AdmissionBinding, ParamKind};
use crate::policy::constraints::MatchResources;

/// A compiled policy but for what it says of an object.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub name: String,
    pub param_kind: Option<ParamKind>,
    pub constraints: Option<MatchResources>,
    pub conditions: Vec<Condition>,
    pub variables: Vec<(String, Program)>,
    pub ignore_errors: bool,
}

impl Frame {
    /// Whether `matchConstraints` let a request in.
    pub fn matches(&self, cx: &EvalCx<'_>, trace: &mut Trace) -> bool {
        narrowed(self.constraints.as_ref(), "/spec/matchConstraints", cx, trace)
    }

    /// The parameters under a binding, where the policy matches under it; the command line asks the binding alone.
    pub fn bound(
        &self,
        binding: &AdmissionBinding,
        given: &[Value],
        cx: &EvalCx<'_>,
        trace: &mut Trace,
    ) -> Option<Params> {
        let matched = narrowed(binding.spec.match_resources.as_ref(), "/spec/matchResources", cx, trace)
            && (cx.mode == Mode::Cli || self.matches(cx, trace));
        matched.then(|| params::find(self.param_kind.as_ref(), binding.spec.param_ref.as_ref(), given, cx))
    }

    /// Whether the match conditions hold; one that cannot be evaluated does not, where failures are ignored.
    pub fn holds<'a>(&'a self, activation: &mut Activation<'a>, trace: &mut Trace) -> Result<bool, Error> {
        // Only what is not checked when it is stored can use variables in match conditions.
        activation.set_variables(&self.variables);
        match hold_without_namespace(&self.conditions, activation, "condition", trace) {
            Err(_) if self.ignore_errors => Ok(false),
            held => held,
        }
    }
}

fn narrowed(to: Option<&MatchResources>, at: &str, cx: &EvalCx<'_>, trace: &mut Trace) -> bool {
    to.is_none_or(|to| matching::matches(to, cx, at, trace).unwrap_or(false))
}
