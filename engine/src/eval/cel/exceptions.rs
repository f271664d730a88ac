//! CEL exceptions: which of them a request meets, and what that means for the policy.

use super::compile::{self, Condition, Problem};
use super::conditions::hold;
use crate::eval::trace::{Outcome, Trace, TraceNode};
use crate::eval::verdict::{RuleResponse, RuleType, Status};
use crate::eval::{EvalCx, Mode};
use crate::expr::cel::{Activation, Env, Error, Val};
use crate::policy::cel_exception::CelException;

/// The label that decides whose `reportResult` counts.
const PRIORITY: &str = "polex.kyverno.io/priority";

/// An exception with its conditions.
pub struct Compiled<'a> {
    exception: &'a CelException,
    conditions: Vec<Condition>,
}

impl<'a> Compiled<'a> {
    /// The exception.
    #[must_use]
    pub fn exception(&self) -> &'a CelException {
        self.exception
    }

    /// Whether the conditions of the exception hold.
    ///
    /// # Errors
    /// A condition fails.
    pub fn matches(&self, activation: &Activation<'_>, trace: &mut Trace) -> Result<bool, Error> {
        trace.open(|| TraceNode::new("exception", Outcome::Info, self.exception.key()));
        let found = hold(&self.conditions, activation, "exception", trace);
        let outcome = match &found {
            Ok(true) => Outcome::Yes,
            Ok(false) => Outcome::No,
            Err(_) => Outcome::Error,
        };
        trace.close_as(outcome, Outcome::letting_out);
        found
    }
}

/// Those exceptions that name a policy and have not expired, compiled in the policy's environment.
///
/// # Errors
/// A condition does not compile: the policy as a whole then does not.
pub fn compile<'a>(
    exceptions: &'a [CelException],
    kind: &str,
    name: &str,
    env: &Env,
    cx: &EvalCx<'_>,
) -> Result<Vec<Compiled<'a>>, Problem> {
    let now = cx.view.now().0;
    // The command line takes expired ones, too.
    let current =
        |exception: &&CelException| exception.is_for(kind, name) && (cx.mode == Mode::Cli || !exception.expired(now));
    let compiled = exceptions.iter().filter(current).map(|exception| {
        let conditions = compile::conditions(env, "spec.matchConditions", &exception.spec.match_conditions)?;
        Ok(Compiled { exception, conditions })
    });
    compiled.collect()
}

/// What the exceptions do to a policy.
pub enum Effect<'a> {
    /// It is lifted.
    Lifted(Vec<&'a CelException>),
    /// It runs, with these allowed images and values in `exceptions`.
    Runs(Val),
}

/// Evaluates exceptions. The first full one lifts the policy. With `ignore_errors` (`failurePolicy: Ignore`) one whose
/// conditions fail does not count.
///
/// # Errors
/// A condition fails before a full exemption is found.
pub fn apply<'a>(
    exceptions: &[Compiled<'a>],
    activation: &Activation<'_>,
    ignore_errors: bool,
    trace: &mut Trace,
) -> Result<Effect<'a>, Error> {
    let mut matched = Vec::new();
    let mut full = false;
    let (mut images, mut values) = (Vec::new(), Vec::new());
    for compiled in exceptions {
        match compiled.matches(activation, trace) {
            Err(_) if full || ignore_errors => continue,
            Err(error) => return Err(error),
            Ok(false) => continue,
            Ok(true) => {}
        }
        matched.push(compiled.exception);
        if compiled.exception.is_full() {
            full = true;
        } else if !full {
            images.extend(compiled.exception.spec.images.iter().map(Val::str));
            values.extend(compiled.exception.spec.allowed_values.iter().map(Val::str));
        }
    }
    if full {
        return Ok(Effect::Lifted(matched));
    }
    Ok(Effect::Runs(Val::object([("allowedImages", Val::list(images)), ("allowedValues", Val::list(values))])))
}

/// The answer of a lifted policy that does not look at `reportResult`.
#[must_use]
pub fn skipped(matched: &[&CelException], rule_type: RuleType) -> RuleResponse {
    let keys: Vec<String> = matched.iter().map(|exception| exception.key()).collect();
    let words = format!("rule is skipped due to policy exception: {}", keys.join(", "));
    let mut response = RuleResponse::new("exception", rule_type, Status::Skip, words);
    response.exceptions = keys;
    response
}

/// The answer of a lifted policy.
#[must_use]
pub fn response(matched: &[&CelException], rule_type: RuleType) -> RuleResponse {
    let mut highest = 0;
    let mut selected = matched.first();
    for exception in matched {
        if let Some(priority) = exception.labels.get(PRIORITY).and_then(|label| label.parse::<i64>().ok())
            && priority > highest
        {
            highest = priority;
            selected = Some(exception);
        }
    }
    let passes = selected.is_some_and(|exception| exception.spec.report_result.as_deref() == Some("pass"));
    let mut response = skipped(matched, rule_type);
    if passes {
        response.status = Status::Pass;
        response.message = response.message.replacen("skipped", "passed", 1);
    }
    response
}
