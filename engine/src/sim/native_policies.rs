//! The API server's own policies: `MutatingAdmissionPolicy` before the mutating webhooks, `ValidatingAdmissionPolicy`
//! before the validating ones.
//!
//! Follows `k8s.io/apiserver/pkg/admission/plugin/policy/{validating,mutating}/dispatcher.go`.

use std::rc::Rc;

use serde_json::Value;

use super::Cluster;
use super::admission::{deepest_words, subject_of};
use super::api_server::{ApiError, qualified};
use super::journal::{Lane, Tone};
use super::recorder::note;
use super::store::Store;
use crate::eval::cel::{map, vap};
use crate::eval::request::AdmissionRequest;
use crate::eval::verdict::{RuleResponse, Status, Verdict};
use crate::eval::{EvalCx, Mode};
use crate::object::ObjectExt;
use crate::policy::admission_policies::{AdmissionBinding, MutatingAdmissionPolicy, ValidatingAdmissionPolicy};

const GROUP: &str = "admissionregistration.k8s.io";
const VALIDATING: &str = "ValidatingAdmissionPolicy";
const MUTATING: &str = "MutatingAdmissionPolicy";

/// A policy with its compiled form.
#[derive(Clone, Debug)]
pub struct Native<C> {
    /// The stored object.
    pub raw: Value,
    compiled: C,
}

/// The policies and bindings of the API server.
#[derive(Clone, Debug, Default)]
pub struct NativePolicies {
    validating: Vec<Rc<Native<vap::Compiled>>>,
    validating_bindings: Vec<Rc<AdmissionBinding>>,
    mutating: Vec<Rc<Native<map::Compiled>>>,
    mutating_bindings: Vec<Rc<AdmissionBinding>>,
}

impl NativePolicies {
    /// Reads all of them; what did not change keeps its compiled form.
    #[must_use]
    pub fn read(store: &Store, before: &Self) -> Self {
        Self {
            validating: compiled(store, VALIDATING, &before.validating, |object| {
                vap::Compiled::new(&ValidatingAdmissionPolicy::from_value(object).ok()?).ok()
            }),
            validating_bindings: bindings(store, "ValidatingAdmissionPolicyBinding"),
            mutating: compiled(store, MUTATING, &before.mutating, |object| {
                map::Compiled::new(&MutatingAdmissionPolicy::from_value(object).ok()?).ok()
            }),
            mutating_bindings: bindings(store, "MutatingAdmissionPolicyBinding"),
        }
    }
}

fn compiled<C: Clone>(
    store: &Store,
    kind: &str,
    before: &[Rc<Native<C>>],
    compile: impl Fn(&Value) -> Option<C>,
) -> Vec<Rc<Native<C>>> {
    let one = |object: &Value| {
        let same =
            |known: &&Rc<Native<C>>| known.raw.name() == object.name() && known.raw.get("spec") == object.get("spec");
        match before.iter().find(same) {
            Some(known) if known.raw == *object => Some(Rc::clone(known)),
            Some(known) => Some(Rc::new(Native { raw: object.clone(), compiled: known.compiled.clone() })),
            None => compile(object).map(|compiled| Rc::new(Native { raw: object.clone(), compiled })),
        }
    };
    store.of_kind(GROUP, kind).filter_map(one).collect()
}

fn bindings(store: &Store, kind: &str) -> Vec<Rc<AdmissionBinding>> {
    store.of_kind(GROUP, kind).filter_map(|object| AdmissionBinding::from_value(object).ok().map(Rc::new)).collect()
}

fn of_policy(all: &[Rc<AdmissionBinding>], name: &str) -> Vec<Rc<AdmissionBinding>> {
    all.iter().filter(|binding| binding.spec.policy_name == name).cloned().collect()
}

/// Kinds that no policy is asked about, so that one can always be taken back.
fn exempt(review: &AdmissionRequest) -> bool {
    review.kind.group == GROUP && review.kind.kind.contains("AdmissionPolicy")
}

impl Cluster {
    /// The API server's mutating policies, in order of their names.
    pub(crate) fn native_mutation(&mut self, review: &mut AdmissionRequest, asked: u32) -> Result<(), ApiError> {
        if exempt(review) {
            return Ok(());
        }
        for policy in self.policies.native.mutating.clone() {
            for binding in of_policy(&self.policies.native.mutating_bindings, policy.raw.name()) {
                let verdict = policy.compiled.evaluate(&[&*binding], &[], &self.cel_context(review, &[]));
                let before = review.object.clone();
                if let Some(patched) = verdict.patched.clone() {
                    review.object = Some(patched);
                }
                let after = (review.object != before).then(|| (before, review.object.clone()));
                self.tell_native(policy.raw.name(), &verdict, review, asked, after);
                let closed = policy.raw.str_at(&["spec", "failurePolicy"]) != "Ignore";
                let failed = verdict.rules.iter().find(|rule| rule.status == Status::Error).filter(|_| closed);
                if let Some(rule) = failed {
                    let words = format!(
                        "policy '{}' with binding '{}' denied request: {}",
                        policy.raw.name(),
                        binding.name,
                        rule.message
                    );
                    return Err(self.forbid(review, &words, "", asked));
                }
            }
        }
        Ok(())
    }

    /// The API server's validating policies. All are evaluated; the first refusal is the answer.
    pub(crate) fn native_validation(
        &mut self,
        review: &AdmissionRequest,
        asked: u32,
        warnings: &mut Vec<String>,
    ) -> Result<(), ApiError> {
        if exempt(review) {
            return Ok(());
        }
        let mut refused = None;
        for policy in self.policies.native.validating.clone() {
            let name = policy.raw.name();
            let closed = policy.raw.str_at(&["spec", "failurePolicy"]) != "Ignore";
            for binding in of_policy(&self.policies.native.validating_bindings, name) {
                let verdict = policy.compiled.evaluate(&[&*binding], &[], &self.cel_context(review, &[]));
                self.tell_native(name, &verdict, review, asked, None);
                for rule in &verdict.rules {
                    let counts = rule.status == Status::Fail || (rule.status == Status::Error && closed);
                    if !counts {
                        continue;
                    }
                    let acts = |action: &str| binding.spec.validation_actions.iter().any(|one| one == action);
                    if acts("Warn") {
                        warnings.push(format!(
                            "Validation failed for ValidatingAdmissionPolicy '{name}' with binding '{}': {}",
                            binding.name, rule.message
                        ));
                    }
                    if acts("Deny") && refused.is_none() {
                        let words = format!(
                            "ValidatingAdmissionPolicy '{name}' with binding '{}' denied request: {}",
                            binding.name,
                            words_of(rule)
                        );
                        refused = Some((words, reason_of(&policy.raw, rule)));
                    }
                }
            }
        }
        match refused {
            Some((words, reason)) => Err(self.forbid(review, &words, &reason, asked)),
            None => Ok(()),
        }
    }

    /// What Kyverno's background scan says of an object for the policies that are labelled for it: the policy, the `source`
    /// of its report rows, its answer. Follows `pkg/controllers/report/utils/{utils,scanner}.go`.
    pub(super) fn scan_native(&self, review: &AdmissionRequest) -> Vec<(Value, &'static str, Verdict)> {
        let cx = EvalCx { mode: Mode::Background, ..self.cel_context(review, &[]) };
        let native = &self.policies.native;
        let bound = |all: &[Rc<AdmissionBinding>], policy: &Value| of_policy(all, policy.name());
        let mut found = Vec::new();
        for policy in native.validating.iter().filter(|policy| self.scans_native(&policy.raw)) {
            let bindings = bound(&native.validating_bindings, &policy.raw);
            let bindings: Vec<&AdmissionBinding> = bindings.iter().map(Rc::as_ref).collect();
            let verdict = policy.compiled.evaluate(&bindings, &[], &cx);
            found.push((policy.raw.clone(), VALIDATING, verdict));
        }
        for policy in native.mutating.iter().filter(|policy| self.scans_native(&policy.raw)) {
            let bindings = bound(&native.mutating_bindings, &policy.raw);
            let bindings: Vec<&AdmissionBinding> = bindings.iter().map(Rc::as_ref).collect();
            let verdict = policy.compiled.evaluate(&bindings, &[], &cx);
            found.push((policy.raw.clone(), MUTATING, verdict));
        }
        found.retain(|(.., verdict)| !verdict.rules.is_empty());
        found
    }

    fn scans_native(&self, policy: &Value) -> bool {
        let on = match policy.kind() {
            VALIDATING => self.config.validating_admission_policy_reports,
            _ => self.config.mutating_admission_policy_reports,
        };
        on && policy.labels().get("reports.kyverno.io/enabled").is_some_and(|value| value == "true")
    }

    /// Whether the background scan evaluates any policy of the API server.
    pub(super) fn any_native_scan(&self) -> bool {
        let native = &self.policies.native;
        native.validating.iter().any(|policy| self.scans_native(&policy.raw))
            || native.mutating.iter().any(|policy| self.scans_native(&policy.raw))
    }

    fn tell_native(
        &mut self,
        policy: &str,
        verdict: &Verdict,
        review: &AdmissionRequest,
        asked: u32,
        change: Option<(Option<Value>, Option<Value>)>,
    ) {
        for rule in &verdict.rules {
            let (kind, tone, words) = match rule.status {
                Status::Pass if change.is_some() => ("rule-mutate", Tone::Mutate, "changes it".to_owned()),
                Status::Pass => ("rule-pass", Tone::Allow, "holds".to_owned()),
                Status::Skip => ("rule-skip", Tone::Info, "is skipped".to_owned()),
                Status::Error => ("rule-error", Tone::Deny, "cannot be evaluated".to_owned()),
                _ => {
                    let why = deepest_words(&verdict.trace).unwrap_or_else(|| "does not hold".to_owned());
                    ("rule-fail", Tone::Deny, why)
                }
            };
            let (before, after) = change.clone().unwrap_or_default();
            self.record(
                note(Lane::ApiServer, kind, format!("{policy}: {words}"))
                    .cause(Some(asked))
                    .subject(subject_of(review))
                    .policy(policy, "")
                    .tone(tone)
                    .message(rule.message.clone())
                    .trace(verdict.trace.clone())
                    .change(before, after)
                    .remark("The API server evaluates this policy itself; Kyverno is not asked.")
                    .upstream("k8s.io/apiserver/pkg/admission/plugin/policy"),
            );
        }
    }

    fn forbid(&mut self, review: &AdmissionRequest, words: &str, reason: &str, asked: u32) -> ApiError {
        self.record(
            note(Lane::ApiServer, "denied-by", "the API server's own policy refuses")
                .cause(Some(asked))
                .subject(subject_of(review))
                .tone(Tone::Deny)
                .message(words),
        );
        let (code, reason) = match reason {
            "Unauthorized" => (401, "Unauthorized"),
            "Forbidden" => (403, "Forbidden"),
            "RequestEntityTooLarge" => (413, "RequestEntityTooLarge"),
            _ => (422, "Invalid"),
        };
        let message = format!("{} \"{}\" is forbidden: {words}", qualified(&review.resource), review.name);
        ApiError { code, reason: reason.to_owned(), message }
    }
}

/// A missing parameter is a mistake of the binding.
fn words_of(rule: &RuleResponse) -> String {
    match rule.message.starts_with("no params found") {
        true => format!("failed to configure binding: {}", rule.message),
        false => rule.message.clone(),
    }
}

/// `reason` of the validation whose message was given.
fn reason_of(policy: &Value, rule: &RuleResponse) -> String {
    let validations = policy.at(&["spec", "validations"]).and_then(Value::as_array).into_iter().flatten();
    let mine = validations.into_iter().find(|validation| validation.str_at(&["message"]).trim() == rule.message);
    mine.map(|validation| validation.str_at(&["reason"]).to_owned()).unwrap_or_default()
}
