//! What Kyverno's admission webhooks for policies refuse or warn about, in its order and words.
//!
//! Follows `pkg/validation/**`, `api/kyverno/*/` and the `Validate` functions of the CEL kinds. Checks that need a
//! CEL compiler are made elsewhere.

mod actions;
mod cel_kinds;
mod classic;
mod cleanup;
mod conditions;
mod context;
mod deprecated;
mod exception;
mod field;
mod generate;
mod global_context;
mod images;
mod immutable;
mod kinds;
mod matching;
mod overrides;
mod patches;
mod permissions;
mod placeholders;
mod pod_security;
mod rules;
mod shape;
mod variables;
mod warnings;

use serde::Serialize;
use serde_json::Value;

use crate::object::ObjectExt;
use crate::object::catalog::Catalog;
pub use deprecated::{Deprecation, deprecated_field, deprecations};
pub use permissions::Permitted;
pub use variables::variables_of_users;

/// Whether the object is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The webhook denies the request.
    Refused,
    /// The webhook lets it through with a warning.
    Warning,
}

/// One thing that the webhook says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Kyverno's words.
    pub message: String,
    /// JSON pointer to the field it is about.
    pub pointer: String,
    /// Whether the object is stored.
    pub severity: Severity,
    /// The check that said so; only the refusals of the first one reach the user.
    pub phase: u8,
}

/// The compiler's words about an expression, `None` where it compiles to a bool.
pub type ExpressionError<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// What the checks may know of the cluster and of Kyverno's configuration.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// The kinds of the cluster; without them the checks are those of the command line, which has no cluster.
    pub catalog: Option<&'a Catalog>,
    /// The stored object that an update replaces.
    pub old: Option<&'a Value>,
    /// `--enablePolicyException`.
    pub exceptions_enabled: bool,
    /// `--exceptionNamespace`; `*` is any.
    pub exception_namespace: &'a str,
    /// `--allowHTTPInNamespacedPolicies`.
    pub allow_http: bool,
    /// The webhook warns about the legacy kinds of kyverno.io (since 1.19).
    pub legacy_kinds_deprecated: bool,
    /// Whether a user may do something; without it permissions are not asked about.
    pub permitted: Option<&'a Permitted<'a>>,
    /// The compiler's words about a CEL expression of `webhookConfiguration.matchConditions`.
    pub match_condition_error: Option<&'a ExpressionError<'a>>,
}

/// Checks a policy, exception, cleanup policy or global context entry; nothing for other kinds.
///
/// The object has its CRD's defaults (see [`super::schema::load`]). Refusals and warnings come in Kyverno's order.
#[must_use]
pub fn check(policy: &Value, options: &Options<'_>) -> Vec<Problem> {
    let gvk = policy.gvk();
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("kyverno.io", "ClusterPolicy" | "Policy") => classic::check(policy, options),
        ("kyverno.io", "CleanupPolicy" | "ClusterCleanupPolicy") => cleanup::check(policy, options),
        ("kyverno.io", "PolicyException") => exception::check(policy, options),
        ("kyverno.io", "GlobalContextEntry") => global_context::check(policy),
        ("policies.kyverno.io", "PolicyException") => exception::check_cel(policy, options),
        ("policies.kyverno.io", _) => cel_kinds::check(policy, options),
        _ => Vec::new(),
    }
}

/// The message of the denial: the refusals of the first check that has any, as Go prints an aggregate.
#[must_use]
pub fn denial(problems: &[Problem]) -> Option<String> {
    let refusals = || problems.iter().filter(|problem| problem.severity == Severity::Refused);
    let phase = refusals().map(|problem| problem.phase).min()?;
    let mut messages: Vec<&str> = Vec::new();
    for problem in refusals().filter(|problem| problem.phase == phase) {
        if !messages.contains(&problem.message.as_str()) {
            messages.push(&problem.message);
        }
    }
    match messages.as_slice() {
        [one] => Some((*one).to_owned()),
        many => Some(format!("[{}]", many.join(", "))),
    }
}

/// Collects what the checks say, phase by phase.
#[derive(Default)]
struct Report {
    problems: Vec<Problem>,
    phase: u8,
}

impl Report {
    fn phase(&mut self, phase: u8) {
        self.phase = phase;
    }

    fn add(&mut self, problem: Problem) {
        self.problems.push(Problem { phase: self.phase, ..problem });
    }

    fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        problems.into_iter().for_each(|problem| self.add(problem));
    }
}

#[cfg(test)]
mod tests;
