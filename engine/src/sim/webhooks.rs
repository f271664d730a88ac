//! Which requests reach Kyverno's resource webhooks, and which of its policies each call evaluates.
//!
//! Follows `pkg/controllers/webhook/controller.go` (what is registered), `pkg/webhooks/handlers/filter.go` (what is let
//! through unseen) and `pkg/policycache` (which policies a kind concerns).

use std::rc::Rc;

use super::Cluster;
use super::api_server::ApiError;
use super::background::{LABEL_CLONE_SOURCE, LABEL_POLICY, listed_kind, patterns};
use super::config::KYVERNO_NAMESPACE;
use super::policies::{Concerns, is_generate, is_mutate, is_mutate_existing, is_validate, is_verify_images};
use crate::eval::request::{AdmissionRequest, Operation};
use crate::object::ObjectExt;
use crate::object::gvk::KindSelector;
use crate::object::order;
use crate::object::wildcard::matches;
use crate::policy::{ClassicPolicy, MatchCondition};

/// `-fail` or `-ignore`: policies are called apart by their failure policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailurePolicy {
    /// An error of the call refuses the request.
    Fail,
    /// An error of the call is ignored.
    Ignore,
}

impl FailurePolicy {
    /// The suffix of the webhook's name.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Ignore => "ignore",
        }
    }
}

/// The policies of one webhook call, by what they do.
#[derive(Clone, Debug, Default)]
pub struct Called {
    /// Standard mutation.
    pub mutate: Vec<Rc<ClassicPolicy>>,
    /// Image verification.
    pub images: Vec<Rc<ClassicPolicy>>,
    /// Validation.
    pub validate: Vec<Rc<ClassicPolicy>>,
    /// Generation.
    pub generate: Vec<Rc<ClassicPolicy>>,
    /// Mutation of other objects.
    pub mutate_existing: Vec<Rc<ClassicPolicy>>,
}

impl Called {
    /// Whether the mutating webhook is called.
    #[must_use]
    pub fn mutating(&self) -> bool {
        !self.mutate.is_empty() || !self.images.is_empty()
    }

    /// Whether the validating webhook is called.
    #[must_use]
    pub fn validating(&self) -> bool {
        [&self.validate, &self.generate, &self.mutate_existing, &self.images].iter().any(|list| !list.is_empty())
    }
}

/// A call of a webhook for classic policies.
#[derive(Clone, Debug)]
pub struct ClassicCall {
    /// What the webhook's name has behind `validate.kyverno.svc-`: `fail`, `ignore-finegrained-p`.
    pub suffix: String,
    /// Of its policies.
    pub failure_policy: FailurePolicy,
    /// What it evaluates.
    pub called: Called,
}

/// `webhookConfiguration.matchConditions`.
pub(crate) fn match_conditions(policy: &ClassicPolicy) -> &[MatchCondition] {
    policy.spec.webhook_configuration.as_ref().map_or(&[], |webhook| webhook.match_conditions.as_slice())
}

impl Cluster {
    /// Why a request does not reach Kyverno's policies at all; `None` where it does.
    pub(crate) fn unseen(&self, review: &AdmissionRequest) -> Option<String> {
        let namespace = &review.namespace;
        if !namespace.is_empty() && self.config.exclude_namespaces.iter().any(|excluded| excluded == namespace) {
            return Some(format!(
                "Kyverno is not asked: the webhooks' namespaceSelector leaves out namespace {namespace}"
            ));
        }
        let config = &self.config;
        let lists = [
            (&config.exclude_usernames, std::slice::from_ref(&review.user.username), "excludeUsernames"),
            (&config.exclude_groups, review.user.groups.as_slice(), "excludeGroups"),
            (&config.exclude_roles, review.roles.as_slice(), "excludeRoles"),
            (&config.exclude_cluster_roles, review.cluster_roles.as_slice(), "excludeClusterRoles"),
        ];
        // `!name` takes back what other patterns exclude.
        let named = |back: bool| {
            lists.iter().find_map(|(patterns, names, key)| {
                let own = patterns.iter().filter(|pattern| pattern.starts_with('!') == back);
                let own: Vec<&str> = own.map(|pattern| pattern.trim_start_matches('!').trim()).collect();
                let name = names.iter().find(|name| own.iter().any(|pattern| matches(pattern, name)))?;
                Some(format!("Kyverno looks no further: {key} names {name}"))
            })
        };
        let excluded = if named(true).is_some() { None } else { named(false) };
        if excluded.is_some() {
            return excluded;
        }
        self.filtered(review)
            .map(|filter| format!("Kyverno looks no further: the ConfigMap's resourceFilters has {filter}"))
    }

    /// The resource filter that names the object of a request.
    pub(crate) fn filtered(&self, review: &AdmissionRequest) -> Option<String> {
        let namespace = if review.kind.kind == "Namespace" { &review.name } else { &review.namespace };
        let names = |filter: &&String| {
            let inner = filter.trim().trim_start_matches('[').trim_end_matches(']');
            let mut parts = inner.split(',').map(str::trim);
            let (wanted, wanted_namespace, wanted_name) =
                (parts.next().unwrap_or(""), parts.next().unwrap_or("*"), parts.next().unwrap_or("*"));
            let any = |pattern: &str| pattern.is_empty() || pattern == "*";
            KindSelector::parse(wanted).matches(&review.kind, &review.subresource)
                && (any(wanted_namespace) || matches(wanted_namespace, namespace))
                && (any(wanted_name) || matches(wanted_name, &review.name))
        };
        self.config.resource_filters.iter().find(names).cloned()
    }

    /// The calls for a request: of the shared webhooks, and of the webhooks of policies with match conditions.
    ///
    /// # Errors
    /// A match condition cannot be evaluated, and the policy fails closed.
    pub(crate) fn classic_calls(&self, review: &AdmissionRequest) -> Result<Vec<ClassicCall>, ApiError> {
        let mut calls = Vec::new();
        for failure_policy in [FailurePolicy::Fail, FailurePolicy::Ignore] {
            let mut shared = Called::default();
            for policy in self.policies.classic.iter().filter(|policy| self.has_webhook(policy, failure_policy)) {
                let conditions = match_conditions(policy);
                if conditions.is_empty() {
                    self.enlist(policy, review, &mut shared);
                    continue;
                }
                let mut called = Called::default();
                self.enlist(policy, review, &mut called);
                let asked = called.mutating() || called.validating();
                if asked && !self.conditions_hold(conditions, review, failure_policy == FailurePolicy::Fail)? {
                    continue;
                }
                let suffix = format!("{}-finegrained-{}", failure_policy.suffix(), policy.key().replace('/', "-"));
                calls.push(ClassicCall { suffix, failure_policy, called });
            }
            calls.push(ClassicCall { suffix: failure_policy.suffix().to_owned(), failure_policy, called: shared });
        }
        order::sort_by(&mut calls, |a, b| a.suffix.cmp(&b.suffix));
        Ok(calls)
    }

    /// Whether Kyverno itself evaluates a policy at admission, in the webhooks of this failure policy.
    pub(crate) fn has_webhook(&self, policy: &ClassicPolicy, failure_policy: FailurePolicy) -> bool {
        let closed = policy.fails_closed(self.config.force_failure_policy_ignore);
        let generated = policy.raw.at(&["status", "validatingadmissionpolicy", "generated"]);
        closed == (failure_policy == FailurePolicy::Fail)
            && policy.spec.admission != Some(false)
            && generated != Some(&serde_json::Value::Bool(true))
    }

    fn enlist(&self, policy: &Rc<ClassicPolicy>, review: &AdmissionRequest, called: &mut Called) {
        let names = |which| policy.names_kind(&review.kind, &review.subresource, which);
        let writes = matches!(review.operation, Operation::Create | Operation::Update);
        if writes && policy.mutates() && names(is_mutate) {
            called.mutate.push(Rc::clone(policy));
        }
        if writes && policy.verifies_images() && names(is_verify_images) {
            called.images.push(Rc::clone(policy));
        }
        if policy.validates() && names(is_validate) {
            called.validate.push(Rc::clone(policy));
        }
        if policy.generates() && names(is_generate) {
            called.generate.push(Rc::clone(policy));
        }
        if policy.mutates_existing() && names(is_mutate_existing) {
            called.mutate_existing.push(Rc::clone(policy));
        }
    }

    /// Whether the webhook is registered for the downstream kinds of a generate rule, so that a request on an object of
    /// this kind reaches Kyverno though no policy matches it. Calls about objects that nothing generated are left out.
    pub(crate) fn watches_downstream(&self, review: &AdmissionRequest, failure_policy: FailurePolicy) -> bool {
        let labels = review.old_object.as_ref().map(ObjectExt::labels).unwrap_or_default();
        let concerned = labels.contains_key(LABEL_CLONE_SOURCE)
            || labels.get(LABEL_POLICY).is_some_and(|policy| !policy.is_empty());
        let makes = |policy: &&Rc<ClassicPolicy>| {
            let generations = policy.spec.rules.iter().filter_map(|rule| rule.generate.as_ref());
            let patterns = generations.flat_map(patterns).collect::<Vec<_>>();
            let mut kinds = patterns.iter().flat_map(|pattern| {
                let listed = pattern.clone_list.iter().flat_map(|list| &list.kinds).map(|kind| listed_kind(kind).kind);
                listed.chain([pattern.kind.clone()])
            });
            kinds.any(|kind| kind == review.kind.kind)
        };
        concerned && self.policies.classic.iter().filter(makes).any(|policy| self.has_webhook(policy, failure_policy))
    }
}

/// Whether a kind is one of Kyverno's own.
#[must_use]
pub fn is_kyverno_kind(group: &str, kind: &str) -> bool {
    let own = ["kyverno.io", "policies.kyverno.io", "wgpolicyk8s.io", "reports.kyverno.io", "openreports.io"];
    own.contains(&group) && kind != KYVERNO_NAMESPACE
}
