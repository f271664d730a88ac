//! Policies and exceptions as Kyverno's informers see them, read again whenever one changes.

use std::rc::Rc;

use serde_json::Value;

use super::Cluster;
use super::cel_policies::CelEntry;
use super::config::Config;
use super::native_policies::NativePolicies;
use super::store::Store;
use crate::eval::matching::{self, Candidate, Requester};
use crate::eval::request::AdmissionRequest;
use crate::eval::trace::Trace;
use crate::object::ObjectExt;
use crate::object::gvk::{Gvk, check_kind};
use crate::policy::ClassicPolicy;
use crate::policy::cel_exception::CelException;
use crate::policy::exception::PolicyException;
use crate::policy::rule::Rule;
use crate::policy::selection::MatchBlock;

/// Everything that decides about requests.
#[derive(Clone, Debug, Default)]
pub struct PolicyCache {
    /// `ClusterPolicy` and `Policy`, by name.
    pub classic: Vec<Rc<ClassicPolicy>>,
    /// `PolicyException` of kyverno.io.
    pub exceptions: Rc<Vec<PolicyException>>,
    /// Policies of policies.kyverno.io.
    pub cel: Vec<Rc<CelEntry>>,
    /// The API server's own policies.
    pub native: NativePolicies,
    /// `PolicyException` of policies.kyverno.io.
    pub cel_exceptions: Rc<Vec<CelException>>,
}

impl PolicyCache {
    /// Whether an object is a policy or an exception.
    #[must_use]
    pub fn concerns(object: &Value) -> bool {
        let gvk = object.gvk();
        matches!(gvk.group.as_str(), "kyverno.io" | "policies.kyverno.io" | "admissionregistration.k8s.io")
            && gvk.kind != "UpdateRequest"
    }

    /// Reads all of them; what was compiled `before` and did not change is kept.
    #[must_use]
    pub fn read(store: &Store, before: &Self, config: &Config) -> Self {
        let mut cache = Self {
            cel: super::cel_policies::read(store, &before.cel),
            native: NativePolicies::read(store, &before.native),
            ..Self::default()
        };
        for kind in ["ClusterPolicy", "Policy"] {
            let policies = store
                .of_kind("kyverno.io", kind)
                .filter_map(|object| crate::policy::load::classic(object.clone()).ok());
            cache.classic.extend(policies.map(Rc::new));
        }
        // Without the flag nothing is exempt; with a namespace only what is in it. Without a namespace nothing is, either, but of
        // the CEL kind everything (`pkg/cel/engine/exception.go`).
        if config.policy_exceptions.unwrap_or(true) {
            let usable = |exception: &PolicyException| {
                config.exception_namespace == "*" || config.exception_namespace == exception.namespace
            };
            let found = store.of_kind("kyverno.io", "PolicyException");
            let found = found.filter_map(|object| crate::policy::load::exception(object.clone()).ok());
            cache.exceptions = Rc::new(found.filter(usable).collect());
            cache.cel_exceptions = Rc::new(super::cel_policies::exceptions(store, &config.exception_namespace));
        }
        cache
    }

    /// A classic policy by `name` or `namespace/name`.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<Rc<ClassicPolicy>> {
        self.classic.iter().find(|policy| policy.key() == key).cloned()
    }
}

/// What the webhooks ask of a policy. Follows `pkg/policycache` and `pkg/controllers/webhook`.
pub trait Concerns {
    /// Rules that change the request's own object.
    fn mutates(&self) -> bool;
    /// Rules that check.
    fn validates(&self) -> bool;
    /// Rules that generate.
    fn generates(&self) -> bool;
    /// Rules that change other objects.
    fn mutates_existing(&self) -> bool;
    /// Rules that check images.
    fn verifies_images(&self) -> bool;
    /// Whether a rule's match block names the kind.
    fn names_kind(&self, gvk: &Gvk, subresource: &str, which: fn(&Rule) -> bool) -> bool;
    /// `Fail` or `Ignore`.
    fn fails_closed(&self, force_ignore: bool) -> bool;
}

impl Concerns for ClassicPolicy {
    fn mutates(&self) -> bool {
        self.spec.rules.iter().any(is_mutate)
    }

    fn validates(&self) -> bool {
        self.spec.rules.iter().any(is_validate)
    }

    fn generates(&self) -> bool {
        self.spec.rules.iter().any(is_generate)
    }

    fn mutates_existing(&self) -> bool {
        self.spec.rules.iter().any(is_mutate_existing)
    }

    fn verifies_images(&self) -> bool {
        self.spec.rules.iter().any(is_verify_images)
    }

    fn names_kind(&self, gvk: &Gvk, subresource: &str, which: fn(&Rule) -> bool) -> bool {
        let rules = crate::eval::autogen::rules(self, None);
        rules
            .iter()
            .filter(|rule| which(&rule.rule))
            .any(|rule| block_names_kind(&rule.rule.match_block, gvk, subresource))
    }

    fn fails_closed(&self, force_ignore: bool) -> bool {
        let webhook = self.spec.webhook_configuration.as_ref().and_then(|webhook| webhook.failure_policy.as_deref());
        let policy = webhook.or(self.spec.failure_policy.as_deref()).unwrap_or("Fail");
        !force_ignore && policy != "Ignore"
    }
}

/// A rule that changes the request's own object.
#[must_use]
pub fn is_mutate(rule: &Rule) -> bool {
    rule.mutate.as_ref().is_some_and(|mutate| mutate.targets.is_empty())
}

/// A rule that changes other objects.
#[must_use]
pub fn is_mutate_existing(rule: &Rule) -> bool {
    rule.mutate.as_ref().is_some_and(|mutate| !mutate.targets.is_empty())
}

/// A rule that checks.
#[must_use]
pub fn is_validate(rule: &Rule) -> bool {
    rule.validate.is_some()
}

/// A rule that generates.
#[must_use]
pub fn is_generate(rule: &Rule) -> bool {
    rule.generate.is_some()
}

/// A rule that checks images.
#[must_use]
pub fn is_verify_images(rule: &Rule) -> bool {
    !rule.verify_images.is_empty()
}

fn block_names_kind(block: &MatchBlock, gvk: &Gvk, subresource: &str) -> bool {
    let filters = block.any.iter().chain(&block.all).chain(std::iter::once(&block.direct));
    filters.into_iter().any(|filter| check_kind(&filter.resources.kinds, gvk, subresource, true))
}

impl Cluster {
    /// Whether a rule's match and exclude blocks select the object of a request.
    pub(crate) fn rule_matches(&self, policy: &ClassicPolicy, rule: &Rule, review: &AdmissionRequest) -> bool {
        let candidate = Candidate {
            resource: review.subject(),
            gvk: &review.kind,
            subresource: &review.subresource,
            operation: review.operation,
            requester: Requester::of(review),
            view: self,
        };
        matching::rule_matches(rule, &policy.namespace, &candidate, "", &mut Trace::off())
    }
}
