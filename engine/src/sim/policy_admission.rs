//! Kyverno's webhooks for its own kinds: what they refuse never takes effect.
//!
//! Follows `pkg/webhooks/{policy,exception,celexception,globalcontext}` and
//! `cmd/cleanup-controller/handlers/admission/policy`; the checks themselves are [`crate::policy::lint`] and the compilers
//! of the CEL kinds.

use super::Cluster;
use super::admission::subject_of;
use super::api_server::ApiError;
use super::journal::{Lane, Tone};
use super::recorder::note;
use crate::eval::cel::{compile, env};
use crate::eval::request::{AdmissionRequest, Operation};
use crate::policy::lint::{self, Problem, Severity};

/// The webhook that sees a kind, and who serves it.
struct Door {
    webhook: &'static str,
    lane: Lane,
    upstream: &'static str,
}

/// The webhook for policies of every family (`config.PolicyValidatingWebhookName`).
const POLICIES: Door = Door {
    webhook: "validate-policy.kyverno.svc",
    lane: Lane::Validating,
    upstream: "pkg/webhooks/policy/handlers.go",
};
/// The webhooks for exceptions and global context entries are named after the service.
const EXCEPTIONS: Door =
    Door { webhook: "kyverno-svc.kyverno.svc", lane: Lane::Validating, upstream: "pkg/webhooks/exception/validate.go" };
/// The cleanup controller has a service of its own.
const CLEANUP: Door = Door {
    webhook: "kyverno-cleanup-controller.kyverno.svc",
    lane: Lane::Cleanup,
    upstream: "cmd/cleanup-controller/handlers/admission/policy/handlers.go",
};

fn door(group: &str, kind: &str) -> Option<&'static Door> {
    match (group, kind) {
        ("kyverno.io", "ClusterPolicy" | "Policy") => Some(&POLICIES),
        ("kyverno.io", "CleanupPolicy" | "ClusterCleanupPolicy") => Some(&CLEANUP),
        ("kyverno.io" | "policies.kyverno.io", "PolicyException") | ("kyverno.io", "GlobalContextEntry") => {
            Some(&EXCEPTIONS)
        }
        ("policies.kyverno.io", kind) if kind.ends_with("Policy") => Some(&POLICIES),
        _ => None,
    }
}

impl Cluster {
    /// Asks Kyverno's webhook about one of Kyverno's own objects.
    pub(crate) fn policy_admission(
        &mut self,
        review: &AdmissionRequest,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<(), ApiError> {
        let writes = matches!(review.operation, Operation::Create | Operation::Update);
        let Some(door) =
            door(&review.kind.group, &review.kind.kind).filter(|_| writes && review.subresource.is_empty())
        else {
            return Ok(());
        };
        let problems = self.policy_problems(review);
        for problem in &problems {
            let said = problem.severity == Severity::Warning || review.kind.group == "policies.kyverno.io";
            if said && !warnings.contains(&problem.message) {
                warnings.push(problem.message.clone());
            }
        }
        let Some(message) = lint::denial(&problems) else { return Ok(()) };
        self.hop();
        let subject = subject_of(review);
        let call = self.record(
            note(Lane::ApiServer, "admission-review", format!("AdmissionReview {}", review.operation.as_str()))
                .to(door.lane)
                .cause(Some(asked))
                .subject(subject.clone())
                .anchor(format!("review:{}/{subject}", door.webhook))
                .remark(
                    "Kyverno checks its own objects, too: a policy that cannot work is refused and never takes effect.",
                )
                .upstream(door.upstream),
        );
        self.hop();
        let first = problems.iter().find(|problem| problem.severity == Severity::Refused);
        let place = first.map(|problem| problem.pointer.clone()).unwrap_or_default();
        self.record(
            note(door.lane, "policy-refused", format!("{} is refused", subject.kind))
                .cause(Some(call))
                .subject(subject.clone())
                .tone(Tone::Deny)
                .message(message.clone())
                .trace(vec![
                    crate::eval::trace::TraceNode::new("lint", crate::eval::trace::Outcome::No, message.clone())
                        .at(place),
                ]),
        );
        Err(self.deny(door.webhook, &message, door.lane, call, &subject))
    }

    /// Refusals and warnings about an object, in Kyverno's order.
    fn policy_problems(&self, review: &AdmissionRequest) -> Vec<Problem> {
        let object = review.subject();
        let conditions = env::kubernetes(env::Kubernetes { authorizer: true, ..env::Kubernetes::default() });
        let compile_condition = |expression: &str| {
            let path = "spec.webhookConfiguration.matchConditions";
            compile::boolean(&conditions, path, expression).err().map(|problem| problem.detail)
        };
        let options = lint::Options {
            catalog: Some(&self.catalog),
            old: review.old_object.as_ref(),
            exceptions_enabled: self.exceptions_enabled(),
            exception_namespace: &self.config.exception_namespace,
            allow_http: false,
            match_condition_error: Some(&compile_condition),
        };
        let mut problems = lint::check(object, &options);
        if self.config.accept_unknown_kinds {
            // Every kind counts as known here, so none is worth a warning.
            problems.retain(|problem| !problem.message.contains("unable to convert GVK to GVR for kinds"));
        }
        // MutatingPolicy: conditions that a native policy cannot have end the compilation before it starts.
        let compiles = !problems.iter().any(|problem| problem.pointer.starts_with("/spec/matchConditions"));
        let failed = compiles.then(|| super::cel_policies::compile_error(object)).flatten();
        if let Some((before, problem)) = failed {
            let refused =
                |message: String, pointer: String| Problem { message, pointer, severity: Severity::Refused, phase: 0 };
            let at = problem.pointer();
            let compiled = before.into_iter().chain([problem.to_string()]).map(|message| refused(message, at.clone()));
            problems = compiled.chain(problems).collect();
        }
        problems
    }
}
