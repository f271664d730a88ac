//! Kyverno's webhooks for its own kinds: what they refuse never takes effect.
//!
//! Follows `pkg/webhooks/{policy,exception,celexception,globalcontext}` and
//! `cmd/cleanup-controller/handlers/admission/policy`; the checks themselves are [`crate::policy::lint`] and the compilers
//! of the CEL kinds.

use serde_json::Value;

use super::Cluster;
use super::admission::subject_of;
use super::api_server::ApiError;
use super::journal::{Lane, Tone};
use super::recorder::note;
use crate::eval::cel::{compile, env, type_check};
use crate::eval::request::{AdmissionRequest, Operation, UserInfo};
use crate::object::ObjectExt;
use crate::object::access::Access;
use crate::object::catalog::Resource;
use crate::object::gvk::{Gvk, KindSelector};
use crate::object::read;
use crate::policy::constraints::Variable;
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
        // The checks name the user alone, without its groups.
        let permitted = |user: &str, access: &Access<'_>| {
            self.allows(&UserInfo { username: user.to_owned(), ..UserInfo::default() }, access)
        };
        let options = lint::Options {
            catalog: Some(&self.catalog),
            old: review.old_object.as_ref(),
            exceptions_enabled: self.exceptions_enabled(),
            exception_namespace: &self.config.exception_namespace,
            allow_http: false,
            legacy_kinds_deprecated: self.behaviour.legacy_kinds_deprecated,
            permitted: Some(&permitted),
            match_condition_error: Some(&compile_condition),
        };
        let mut problems = lint::check(object, &options);
        if self.config.accept_unknown_kinds {
            // Every kind counts as known here, so none is worth a warning.
            problems.retain(|problem| !problem.message.contains("unable to convert GVK to GVR for kinds"));
        }
        if !problems.iter().any(|problem| problem.severity == Severity::Refused) {
            problems.extend(self.type_warnings(object));
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

    /// The API server's type check of `validate.cel`, for policies that a ValidatingAdmissionPolicy could stand for.
    fn type_warnings(&self, object: &Value) -> Vec<Problem> {
        let classic = object.gvk().group == "kyverno.io" && matches!(object.kind(), "ClusterPolicy" | "Policy");
        let policy = classic.then(|| crate::policy::load::classic(object.clone()).ok()).flatten();
        let Some([rule]) = policy.as_ref().map(|policy| policy.spec.rules.as_slice()) else { return Vec::new() };
        let Some(cel) = rule.validate.as_ref().and_then(|validate| validate.cel.as_ref()) else { return Vec::new() };
        let block = &rule.match_block;
        let filters = block.any.iter().chain(&block.all).chain(std::iter::once(&block.direct));
        let kinds: Vec<Gvk> = filters
            .flat_map(|filter| &filter.resources.kinds)
            .map(|kind| KindSelector::parse(kind))
            .filter(|selector| selector.subresource.is_empty())
            .flat_map(|selector| self.catalog.iter().filter_map(move |known| preferred(known, &selector)))
            .collect();
        let list = |field: &str| cel.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
        let read = |variable: Value| read::read::<Variable>(&variable).ok();
        let variables: Vec<Variable> = list("variables").into_iter().filter_map(read).collect();
        let params = cel.get("paramKind").is_some();
        let mut problems = Vec::new();
        for (index, expression) in list("expressions").iter().enumerate() {
            for field in ["expression", "messageExpression"] {
                let text = expression.str_at(&[field]);
                let found = type_check::mistakes(text, &variables, params, &kinds);
                if !text.is_empty() && !found.is_empty() {
                    let path = format!("spec.rules[0].validate.cel.expressions[{index}].{field}");
                    problems.push(Problem {
                        message: format!("{path}:{}", found.replace('\n', ";")),
                        pointer: format!("/spec/rules/0/validate/cel/expressions/{index}/{field}"),
                        severity: Severity::Warning,
                        phase: u8::MAX,
                    });
                }
            }
        }
        problems
    }
}

/// The preferred version of a kind that a selector names.
fn preferred(known: &Resource, selector: &KindSelector) -> Option<Gvk> {
    let gvk = known.gvk("");
    selector.matches_kind(&gvk).then_some(gvk)
}
