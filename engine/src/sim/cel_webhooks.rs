//! The webhooks that Kyverno registers for CEL policies: one per policy that needs its own, one for all the others.
//!
//! Follows `pkg/controllers/webhook/validating.go` (`buildWebhookRules`).

use std::rc::Rc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Cluster;
use super::api_server::{ApiError, qualified};
use super::cel_policies::{CelEntry, Family};
use crate::eval::cel::{autogen, classic, matching};
use crate::eval::request::AdmissionRequest;
use crate::eval::trace::Trace;
use crate::object::ObjectExt;
use crate::object::order;
use crate::policy::MatchCondition;
use crate::policy::constraints::{MatchResources, NamedRule};

/// One webhook of a webhook configuration.
#[derive(Clone, Debug)]
pub struct CelWebhook {
    /// Such as `vpol.validate.kyverno.svc-fail-finegrained-check-team`.
    pub name: String,
    /// Such as `/vpol/check-team`.
    pub path: String,
    /// The policies that the path names; each call evaluates all of them.
    pub policies: Vec<Rc<CelEntry>>,
    /// The requests that it gets, with the selectors.
    pub resources: MatchResources,
    /// An error of the call refuses the request.
    pub fails_closed: bool,
    /// The conditions of a policy that has a webhook of its own.
    pub conditions: Vec<MatchCondition>,
    /// Seconds, of a webhook of its own.
    pub timeout: Option<i64>,
}

/// Name and path of a family's webhook: `(name, path)`.
#[must_use]
pub fn base(family: Family, namespaced: bool, mutating: bool) -> (&'static str, &'static str) {
    match (family, namespaced, mutating) {
        (Family::Validating, false, _) => ("vpol.validate.kyverno.svc", "/vpol"),
        (Family::Validating, true, _) => ("nvpol.validate.kyverno.svc", "/nvpol"),
        (Family::Mutating, false, _) => ("mpol.validate.kyverno.svc", "/mpol"),
        (Family::Mutating, true, _) => ("nmpol.validate.kyverno.svc", "/nmpol"),
        (Family::Generating, false, _) => ("gpol.validate.kyverno.svc", "/gpol"),
        (Family::Generating, true, _) => ("ngpol.validate.kyverno.svc", "/ngpol"),
        (Family::Images, false, true) => ("ivpol.mutate.kyverno.svc", "/ivpol/mutate"),
        (Family::Images, true, true) => ("ivpol.mutate.kyverno.svc", "/nivpol/mutate"),
        (Family::Images, false, false) => ("ivpol.validate.kyverno.svc", "/ivpol/validate"),
        (Family::Images, true, false) => ("ivpol.validate.kyverno.svc", "/nivpol/validate"),
    }
}

impl Cluster {
    /// The webhooks of all CEL policies for the mutating or the validating phase, ordered by name.
    pub(crate) fn cel_webhooks(&self, mutating: bool) -> Vec<CelWebhook> {
        let families: &[Family] = match mutating {
            true => &[Family::Images, Family::Mutating],
            false => &[Family::Generating, Family::Images, Family::Validating],
        };
        let mut webhooks = Vec::new();
        for family in families {
            for namespaced in [false, true] {
                let mine = |entry: &&Rc<CelEntry>| {
                    entry.family == *family
                        && entry.policy.namespace.is_empty() != namespaced
                        && entry.at_admission()
                        && !(mutating && *family == Family::Images && !pins_digests(entry))
                };
                let entries: Vec<Rc<CelEntry>> = self.policies.cel.iter().filter(mine).cloned().collect();
                let mut made = self.webhooks_of(&entries, base(*family, namespaced, mutating));
                if mutating {
                    // A mutating webhook is made of a validating one, without its matchPolicy.
                    made.iter_mut().for_each(|webhook| webhook.resources.match_policy = None);
                }
                webhooks.extend(made);
            }
        }
        order::sort_by(&mut webhooks, |a, b| a.name.cmp(&b.name));
        webhooks
    }

    fn webhooks_of(&self, entries: &[Rc<CelEntry>], (name, path): (&str, &str)) -> Vec<CelWebhook> {
        let force = self.config.force_failure_policy_ignore;
        let word = |closed: bool| if closed { "fail" } else { "ignore" };
        let (own, shared): (Vec<_>, Vec<_>) = entries.iter().cloned().partition(|entry| fine_grained(entry));
        let mut webhooks: Vec<CelWebhook> = own
            .into_iter()
            .map(|entry| {
                let policy = &entry.policy;
                let closed = entry.fails_closed(force);
                let key = if policy.namespace.is_empty() {
                    policy.name.clone()
                } else {
                    format!("{}-{}", policy.namespace, policy.name)
                };
                CelWebhook {
                    name: format!("{name}-{}-finegrained-{key}", word(closed)),
                    path: format!("{path}/{}", policy.name),
                    resources: self.selectors(&entry, entry.webhook_rules()),
                    fails_closed: closed,
                    conditions: offloaded(&entry),
                    timeout: policy.spec.webhook_configuration.as_ref().and_then(|webhook| webhook.timeout_seconds),
                    policies: vec![entry],
                }
            })
            .collect();
        let mut groups: std::collections::BTreeMap<String, Vec<Rc<CelEntry>>> = std::collections::BTreeMap::new();
        for entry in shared {
            groups.entry(self.selector_key(&entry)).or_default().push(entry);
        }
        let several = groups.len() > 1;
        for (key, mut members) in groups {
            order::sort_by(&mut members, |a, b| a.policy.name.cmp(&b.policy.name));
            let names: Vec<&str> = members.iter().map(|entry| entry.policy.name.as_str()).collect();
            let path = format!("{path}/{}", names.join("/"));
            let suffix = if several { format!("-{}", key.get(..8).unwrap_or("")) } else { String::new() };
            for closed in [true, false] {
                let chosen = members.iter().filter(|entry| entry.fails_closed(force) == closed);
                let rules: Vec<NamedRule> = chosen.flat_map(|entry| entry.webhook_rules()).collect();
                let (Some(first), false) = (members.first(), rules.is_empty()) else { continue };
                webhooks.push(CelWebhook {
                    name: format!("{name}-{}{suffix}", word(closed)),
                    path: path.clone(),
                    resources: self.selectors(first, rules),
                    fails_closed: closed,
                    conditions: Vec::new(),
                    timeout: None,
                    policies: members.clone(),
                });
            }
        }
        webhooks
    }

    fn selectors(&self, entry: &CelEntry, rules: Vec<NamedRule>) -> MatchResources {
        let constraints = entry.policy.spec.match_constraints.clone().unwrap_or_default();
        let own = match entry.policy.namespace.as_str() {
            "" => constraints.namespace_selector,
            namespace => Some(json!({"matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [namespace]},
            ]})),
        };
        MatchResources {
            namespace_selector: merged(own, self.namespace_selector()),
            object_selector: constraints.object_selector,
            resource_rules: rules,
            exclude_resource_rules: Vec::new(),
            match_policy: constraints.match_policy.filter(|policy| policy == "Exact"),
        }
    }

    /// The namespaceSelector of every webhook (`webhooks` of the ConfigMap).
    pub(crate) fn namespace_selector(&self) -> Option<Value> {
        let excluded = &self.config.exclude_namespaces;
        let expression = |namespace: &String| json!({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": [namespace]});
        let expressions: Vec<Value> = excluded.iter().map(expression).collect();
        (!expressions.is_empty()).then(|| json!({"matchExpressions": expressions}))
    }

    fn selector_key(&self, entry: &CelEntry) -> String {
        let resources = self.selectors(entry, Vec::new());
        let text = json!([resources.namespace_selector, resources.object_selector]).to_string();
        Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The request as a webhook gets it, where its rules name another version of the kind than the request has
    /// (`matchPolicy: Equivalent`, `k8s.io/apiserver/pkg/admission/plugin/webhook/generic`).
    pub(crate) fn converted(&self, webhook: &CelWebhook, review: &AdmissionRequest) -> Option<AdmissionRequest> {
        let resources = &webhook.resources;
        let covers = |review: &AdmissionRequest| {
            resources.resource_rules.iter().any(|rule| matching::rule_matches(rule, review))
        };
        if resources.match_policy.as_deref() == Some("Exact") || !review.subresource.is_empty() || covers(review) {
            return None;
        }
        let known = self.catalog.kind(&review.kind)?;
        known.versions.iter().filter(|version| **version != review.kind.version).find_map(|version| {
            let mut other = review.clone();
            other.kind.version.clone_from(version);
            other.resource.version.clone_from(version);
            let api_version = Value::String(other.kind.api_version());
            for object in [&mut other.object, &mut other.old_object].into_iter().flatten() {
                object.set_at(&["apiVersion"], api_version.clone());
            }
            covers(&other).then_some(other)
        })
    }

    /// Whether the API server calls a webhook for a request.
    ///
    /// # Errors
    /// A match condition cannot be evaluated, and the webhook fails closed.
    pub(crate) fn calls(&self, webhook: &CelWebhook, review: &AdmissionRequest) -> Result<bool, ApiError> {
        let cx = self.cel_context(review, &[]);
        if matching::matches(&webhook.resources, &cx, "", &mut Trace::off()) != Ok(true) {
            return Ok(false);
        }
        self.conditions_hold(&webhook.conditions, review, webhook.fails_closed)
    }

    /// The match conditions of a webhook, evaluated by the API server: without an answer `failurePolicy` decides.
    pub(crate) fn conditions_hold(
        &self,
        conditions: &[MatchCondition],
        review: &AdmissionRequest,
        fails_closed: bool,
    ) -> Result<bool, ApiError> {
        let cx = self.cel_context(review, &[]);
        let words = match classic::webhook_conditions(conditions, &cx, &mut Trace::off()) {
            Ok(hold) => return Ok(hold),
            Err(_) if !fails_closed => return Ok(false),
            Err(words) => words,
        };
        let message = format!("{} \"{}\" is forbidden: {words}", qualified(&review.resource), review.name);
        Err(ApiError { code: 403, reason: "Forbidden".into(), message })
    }
}

/// The match conditions of a policy that its webhook has, so that the API server evaluates them: all or none, but for
/// those that mention the namespace's object. A policy for Pods has them for each kind of pod controller, too; of a
/// generating policy that synchronizes they hold for CREATE only.
fn offloaded(entry: &CelEntry) -> Vec<MatchCondition> {
    let spec = &entry.policy.spec;
    if !known(&spec.match_conditions) {
        return Vec::new();
    }
    let offloadable = |condition: &MatchCondition| !condition.expression.contains("namespaceObject");
    let mut own: Vec<MatchCondition> = spec.match_conditions.iter().filter(|one| offloadable(one)).cloned().collect();
    if entry.family == Family::Generating && entry.synchronizes() {
        for condition in &mut own {
            condition.expression = format!("request.operation != 'CREATE' || ({})", condition.expression);
        }
    }
    let constraints = spec.match_constraints.as_ref();
    if !autogen::eligible(constraints) {
        return own;
    }
    let mut conditions = autogen::webhook_conditions("", &[("v1", "Pod")], &own);
    if entry.family == Family::Generating {
        return conditions;
    }
    for (variant, constraints) in autogen::variants(constraints, spec.autogen.as_ref()) {
        let targets: Vec<(String, &str)> =
            autogen::targets(&constraints).into_iter().map(|(group, _, kind)| (format!("{group}/v1"), kind)).collect();
        let kinds: Vec<(&str, &str)> = targets.iter().map(|(version, kind)| (version.as_str(), *kind)).collect();
        let mut rewritten = own.clone();
        for condition in &mut rewritten {
            condition.expression = match entry.family {
                Family::Mutating => autogen::rewrite_mutation(&condition.expression, variant),
                _ => autogen::rewrite_condition(&condition.expression, variant),
            };
        }
        conditions.extend(autogen::webhook_conditions(variant, &kinds, &rewritten));
    }
    conditions
}

/// Whether the API server knows everything that conditions use.
fn known(conditions: &[MatchCondition]) -> bool {
    let env = crate::eval::cel::env::kubernetes(crate::eval::cel::env::Kubernetes {
        authorizer: true,
        ..crate::eval::cel::env::Kubernetes::default()
    });
    crate::eval::cel::compile::conditions(&env, "spec.matchConditions", conditions).is_ok()
}

/// Whether a policy has a webhook of its own.
fn fine_grained(entry: &CelEntry) -> bool {
    let spec = &entry.policy.spec;
    let conditions = &spec.match_conditions;
    let exact = spec.match_constraints.as_ref().and_then(|one| one.match_policy.as_deref()) == Some("Exact");
    let timed = spec.webhook_configuration.as_ref().is_some_and(|webhook| webhook.timeout_seconds.is_some());
    exact || timed || (!conditions.is_empty() && known(conditions))
}

/// Whether an image validating policy replaces tags by digests.
fn pins_digests(entry: &CelEntry) -> bool {
    let switches = entry.policy.spec.validation_configurations.as_ref();
    switches.and_then(|switches| switches.get("mutateDigest")) != Some(&Value::Bool(false))
}

/// Two label selectors that must both select.
fn merged(one: Option<Value>, other: Option<Value>) -> Option<Value> {
    let (Some(mut one), Some(other)) = (one.clone(), other.clone()) else { return one.or(other) };
    for (key, value) in other.at(&["matchLabels"]).and_then(Value::as_object).into_iter().flatten() {
        one.set_at(&["matchLabels", key], value.clone());
    }
    let mut expressions = one.get("matchExpressions").and_then(Value::as_array).cloned().unwrap_or_default();
    expressions.extend(other.get("matchExpressions").and_then(Value::as_array).cloned().unwrap_or_default());
    if !expressions.is_empty() {
        one.set_at(&["matchExpressions"], Value::Array(expressions));
    }
    Some(one)
}
