//! The webhook configurations that Kyverno keeps up to date with its policies.
//!
//! Follows `pkg/controllers/webhook/{controller,utils,utils_webhook}.go` and `pkg/controllers/generic/webhook`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Cluster;
use super::cel_webhooks::CelWebhook;
use super::config::KYVERNO_NAMESPACE;
use super::policies::{is_generate, is_mutate, is_mutate_existing, is_validate, is_verify_images};
use super::store::Key;
use super::webhooks::{FailurePolicy, match_conditions};
use crate::object::ObjectExt;
use crate::object::gvk::KindSelector;
use crate::object::order;
use crate::policy::ClassicPolicy;
use crate::policy::constraints::NamedRule;
use crate::policy::rule::Rule;
use crate::policy::selection::{MatchBlock, ResourceFilter};

const ALL: [&str; 4] = ["CONNECT", "CREATE", "DELETE", "UPDATE"];
const WRITES: [&str; 2] = ["CREATE", "UPDATE"];
const CHANGES: [&str; 3] = ["CREATE", "DELETE", "UPDATE"];
/// Seconds that a webhook has to answer.
const TIMEOUT: i64 = 10;

/// Kinds as policies name them, with operations.
type Kinds = BTreeMap<String, BTreeSet<String>>;

/// One thing that a webhook is registered for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    group: String,
    version: String,
    resource: String,
    subresource: String,
    scope: &'static str,
    operation: String,
}

impl Cluster {
    /// Writes the webhook configurations where they are not what the policies ask for.
    pub(crate) fn refresh_webhooks(&mut self) {
        let validating = self.resource_configuration(false);
        let mutating = self.resource_configuration(true);
        let fixed = fixed_configurations();
        for object in fixed.into_iter().chain([mutating, validating]) {
            let stored = self.store.get(&Key::of(&object));
            if stored.is_some_and(|stored| stored.get("webhooks") == object.get("webhooks")) {
                continue;
            }
            let mut object = object;
            let uid = match stored {
                Some(stored) => stored.uid().to_owned(),
                None => self.names.uid(&format!("{}/{}", object.kind(), object.name())),
            };
            object.set_at(&["metadata", "uid"], Value::String(uid));
            self.store.put(object, true);
        }
    }

    fn resource_configuration(&self, mutating: bool) -> Value {
        let (kind, name) = match mutating {
            true => ("MutatingWebhookConfiguration", "kyverno-resource-mutating-webhook-cfg"),
            false => ("ValidatingWebhookConfiguration", "kyverno-resource-validating-webhook-cfg"),
        };
        let mut webhooks = self.classic_webhooks(mutating);
        webhooks.extend(self.cel_webhooks(mutating).iter().map(|webhook| cel_webhook(webhook, mutating)));
        order::sort_by(&mut webhooks, |a, b| a.str_at(&["name"]).cmp(b.str_at(&["name"])));
        configuration(kind, name, webhooks)
    }

    fn classic_webhooks(&self, mutating: bool) -> Vec<Value> {
        let (name, path) =
            if mutating { ("mutate.kyverno.svc", "/mutate") } else { ("validate.kyverno.svc", "/validate") };
        let mut webhooks = Vec::new();
        for failure_policy in [FailurePolicy::Ignore, FailurePolicy::Fail] {
            let word = failure_policy.suffix();
            let mut shared = (BTreeSet::new(), TIMEOUT);
            for policy in self.policies.classic.iter().filter(|policy| self.has_webhook(policy, failure_policy)) {
                let mut entries = BTreeSet::new();
                for (kind, operations) in kinds_of(policy, mutating) {
                    self.register(policy, &kind, &operations, &mut entries);
                }
                let webhook = policy.spec.webhook_configuration.as_ref();
                let seconds =
                    webhook.and_then(|webhook| webhook.timeout_seconds).or(policy.spec.webhook_timeout_seconds);
                let conditions = match_conditions(policy);
                if conditions.is_empty() {
                    shared.1 = shared.1.max(seconds.unwrap_or(TIMEOUT));
                    shared.0.extend(entries);
                    continue;
                }
                let conditions: Vec<Value> = conditions
                    .iter()
                    .map(|condition| json!({"expression": condition.expression, "name": condition.name}))
                    .collect();
                let own = (entries, seconds.unwrap_or(TIMEOUT).max(TIMEOUT));
                let (dashed, slashed) = (policy.key().replace('/', "-"), policy.key());
                let names =
                    (format!("{name}-{word}-finegrained-{dashed}"), format!("{path}/{word}/finegrained/{slashed}"));
                webhooks.extend(self.classic_webhook(names, failure_policy, &own, conditions, mutating));
            }
            let names = (format!("{name}-{word}"), format!("{path}/{word}"));
            webhooks.extend(self.classic_webhook(names, failure_policy, &shared, Vec::new(), mutating));
        }
        webhooks
    }

    fn classic_webhook(
        &self,
        (name, path): (String, String),
        failure_policy: FailurePolicy,
        (entries, seconds): &(BTreeSet<Entry>, i64),
        conditions: Vec<Value>,
        mutating: bool,
    ) -> Option<Value> {
        if entries.is_empty() {
            return None;
        }
        let mut webhook = json!({
            "admissionReviewVersions": ["v1"],
            "clientConfig": client(&path),
            "failurePolicy": format!("{failure_policy:?}"),
            "matchPolicy": "Equivalent",
            "name": name,
            "namespaceSelector": self.namespace_selector().unwrap_or_else(|| json!({})),
            "objectSelector": {},
            "rules": rules(entries),
            "sideEffects": "NoneOnDryRun",
            "timeoutSeconds": (*seconds).min(30),
        });
        if !conditions.is_empty() {
            webhook.set_at(&["matchConditions"], Value::Array(conditions));
        }
        if mutating {
            webhook.set_at(&["reinvocationPolicy"], json!("IfNeeded"));
        }
        Some(webhook)
    }

    /// Resolves a kind as policies name it to the resources of the cluster.
    fn register(
        &self,
        policy: &ClassicPolicy,
        kind: &str,
        operations: &BTreeSet<String>,
        entries: &mut BTreeSet<Entry>,
    ) {
        let selector = KindSelector::parse(kind);
        let mut add = |group: &str, version: &str, resource: &str, subresource: &str, scope: &'static str| {
            for operation in operations {
                let (group, version) = (group.to_owned(), version.to_owned());
                let (resource, subresource) = (resource.to_owned(), subresource.to_owned());
                entries.insert(Entry { group, version, resource, subresource, scope, operation: operation.clone() });
            }
        };
        if selector.kind == "*" {
            let scope = if policy.namespace.is_empty() { "*" } else { "Namespaced" };
            return add(&selector.group, &selector.version, "*", &selector.subresource, scope);
        }
        for resource in self.catalog.iter() {
            let scope = if resource.namespaced { "Namespaced" } else { "*" };
            for version in &resource.versions {
                if !selector.matches_kind(&resource.gvk(version)) {
                    continue;
                }
                if selector.subresource.is_empty() {
                    add(&resource.group, version, &resource.plural, "", scope);
                    continue;
                }
                let subresources = resource.subresources.iter();
                for name in subresources.filter(|name| crate::object::wildcard::matches(&selector.subresource, name)) {
                    add(&resource.group, version, &resource.plural, name, scope);
                }
            }
        }
    }
}

fn configuration(kind: &str, name: &str, webhooks: Vec<Value>) -> Value {
    let mut object = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {
            "annotations": {"admissions.enforcer/disabled": "true"},
            "labels": {"webhook.kyverno.io/managed-by": "kyverno"},
            "name": name,
        },
    });
    if !webhooks.is_empty() {
        object.set_at(&["webhooks"], Value::Array(webhooks));
    }
    object
}

fn client(path: &str) -> Value {
    json!({"service": {"name": "kyverno-svc", "namespace": KYVERNO_NAMESPACE, "path": path, "port": 443}})
}

fn cel_webhook(webhook: &CelWebhook, mutating: bool) -> Value {
    let resources = &webhook.resources;
    let mut made: Vec<Value> = Vec::new();
    for rule in &resources.resource_rules {
        let rule = cel_rule(rule);
        if !made.contains(&rule) {
            made.push(rule);
        }
    }
    order::sort_by_key(&mut made, rule_order);
    let mut object = json!({
        "admissionReviewVersions": ["v1"],
        "clientConfig": client(&webhook.path),
        "failurePolicy": if webhook.fails_closed { "Fail" } else { "Ignore" },
        "matchPolicy": resources.match_policy.as_deref().unwrap_or("Equivalent"),
        "name": webhook.name,
        "namespaceSelector": resources.namespace_selector.clone().unwrap_or_else(|| json!({})),
        "objectSelector": resources.object_selector.clone().unwrap_or_else(|| json!({})),
        "rules": made,
        "sideEffects": "NoneOnDryRun",
        "timeoutSeconds": webhook.timeout.unwrap_or(TIMEOUT),
    });
    let conditions: Vec<Value> = webhook
        .conditions
        .iter()
        .map(|condition| json!({"expression": condition.expression, "name": condition.name}))
        .collect();
    if !conditions.is_empty() {
        object.set_at(&["matchConditions"], Value::Array(conditions));
    }
    if mutating {
        object.set_at(&["reinvocationPolicy"], json!("Never"));
    }
    object
}

fn cel_rule(rule: &NamedRule) -> Value {
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        order::sort(&mut list);
        list
    };
    json!({
        "apiGroups": sorted(&rule.api_groups), "apiVersions": sorted(&rule.api_versions),
        "operations": sorted(&rule.operations), "resources": sorted(&rule.resources),
        "scope": rule.scope.as_deref().unwrap_or("*"),
    })
}

/// Shorter lists come first, then the order of their words.
fn rule_order(rule: &Value) -> Vec<(usize, Vec<String>)> {
    let list = |key: &str| {
        let words = rule.get(key).and_then(Value::as_array).into_iter().flatten();
        let words: Vec<String> = words.filter_map(|word| word.as_str().map(str::to_owned)).collect();
        (words.len(), words)
    };
    let scope = rule.str_at(&["scope"]).to_owned();
    ["apiGroups", "apiVersions", "resources", "operations"].map(list).into_iter().chain([(0, vec![scope])]).collect()
}

/// The kinds and operations that the webhooks for a policy are registered for (`mergeWebhook`).
fn kinds_of(policy: &ClassicPolicy, mutating: bool) -> Kinds {
    let mut kinds = Kinds::new();
    for made in crate::eval::autogen::rules(policy, None) {
        let rule: &Rule = &made.rule;
        if let Some(generate) = rule.generate.as_ref().filter(|_| is_generate(rule) && concerns(policy, mutating)) {
            merge(&mut kinds, described(rule, &ALL));
            let list = |value: &Value| -> Vec<String> {
                let kinds = value.at(&["cloneList", "kinds"]).and_then(Value::as_array).into_iter().flatten();
                kinds.filter_map(|kind| kind.as_str().map(str::to_owned)).collect()
            };
            let pattern = &generate.pattern;
            let listed = pattern.clone_list.iter().flat_map(|list| list.kinds.iter().cloned()).collect();
            let mut downstreams = vec![(pattern.kind.clone(), listed)];
            downstreams.extend(generate.foreach.iter().map(|one| (one.str_at(&["kind"]).to_owned(), list(one))));
            for (kind, listed) in downstreams {
                for kind in if kind.is_empty() { listed } else { vec![kind] } {
                    kinds.entry(kind).or_default().extend(CHANGES.map(str::to_owned));
                }
            }
            continue;
        }
        let wanted = match mutating {
            true => is_mutate(rule) || is_verify_images(rule),
            false => is_validate(rule) || is_mutate_existing(rule) || is_verify_images(rule),
        };
        if wanted {
            merge(&mut kinds, described(rule, if mutating { &WRITES } else { &ALL }));
        }
    }
    kinds
}

/// Whether a configuration has anything to do with a policy as a whole.
fn concerns(policy: &ClassicPolicy, mutating: bool) -> bool {
    !mutating || policy.spec.rules.iter().any(|rule| is_mutate(rule) || is_verify_images(rule))
}

fn merge(kinds: &mut Kinds, more: Kinds) {
    for (kind, operations) in more {
        kinds.entry(kind).or_default().extend(operations);
    }
}

/// What a rule's match block names, less what its exclude block leaves out by kind and operation alone.
fn described(rule: &Rule, defaults: &[&str]) -> Kinds {
    let mut kinds = Kinds::new();
    let operations = |filter: &ResourceFilter| -> Vec<String> {
        match filter.resources.operations.as_slice() {
            [] => defaults.iter().map(|word| (*word).to_owned()).collect(),
            named => named.to_vec(),
        }
    };
    for filter in filters(&rule.match_block) {
        for kind in &filter.resources.kinds {
            kinds.entry(kind.clone()).or_default().extend(operations(filter));
        }
    }
    for filter in rule.exclude_block.iter().flat_map(|block| &block.any).filter(|filter| is_plain(filter)) {
        let named = &filter.resources.kinds;
        let chosen: Vec<String> = if named.is_empty() { kinds.keys().cloned().collect() } else { named.clone() };
        let operations = &filter.resources.operations;
        for kind in chosen {
            if let Some(left) = kinds.get_mut(&kind) {
                left.retain(|operation| !operations.is_empty() && !operations.contains(operation));
            }
        }
    }
    kinds
}

fn filters(block: &MatchBlock) -> impl Iterator<Item = &ResourceFilter> {
    std::iter::once(&block.direct).chain(&block.all).chain(&block.any)
}

/// Nothing but kinds and operations.
fn is_plain(filter: &ResourceFilter) -> bool {
    let resources = &filter.resources;
    let users = filter.roles.is_empty() && filter.cluster_roles.is_empty() && filter.subjects.is_empty();
    let names = resources.name.is_empty() && resources.names.is_empty() && resources.namespaces.is_empty();
    users
        && names
        && resources.annotations.is_empty()
        && resources.selector.is_none()
        && resources.namespace_selector.is_none()
}

/// Whether another entry covers this one.
fn covered(entry: &Entry, entries: &BTreeSet<Entry>) -> bool {
    let or_any = |text: &str| if text == "*" { vec!["*".to_owned()] } else { vec![text.to_owned(), "*".to_owned()] };
    let pair = |resource: &str, sub: &str| (resource.to_owned(), sub.to_owned());
    let (resource, sub) = (entry.resource.as_str(), entry.subresource.as_str());
    let mut places = vec![pair(resource, sub), pair("*", "*")];
    if sub.is_empty() {
        places.push(pair("*", ""));
    } else {
        places.extend([pair(resource, "*"), pair("*", sub)]);
    }
    let scopes: &[&'static str] = if entry.scope == "*" { &["*"] } else { &["Namespaced", "*"] };
    for &scope in scopes {
        for group in or_any(&entry.group) {
            for version in or_any(&entry.version) {
                for (resource, subresource) in &places {
                    let (group, version) = (group.clone(), version.clone());
                    let (resource, subresource) = (resource.clone(), subresource.clone());
                    let operation = entry.operation.clone();
                    let other = Entry { group, version, resource, subresource, scope, operation };
                    if other != *entry && entries.contains(&other) {
                        return true;
                    }
                }
            }
        }
    }
    false
}

/// Entries as the rules of a webhook (`buildRulesWithOperations`).
fn rules(entries: &BTreeSet<Entry>) -> Vec<Value> {
    let mut operations: BTreeMap<(&str, &str, &str, String), BTreeSet<&str>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !covered(entry, entries)) {
        let resource = match entry.subresource.as_str() {
            "" => entry.resource.clone(),
            subresource => format!("{}/{subresource}", entry.resource),
        };
        let key = (entry.group.as_str(), entry.version.as_str(), entry.scope, resource);
        operations.entry(key).or_default().insert(&entry.operation);
    }
    let mut grouped: BTreeMap<(&str, &str, &str, Vec<&str>), BTreeSet<String>> = BTreeMap::new();
    for ((group, version, scope, resource), operations) in operations {
        let key = (group, version, scope, operations.into_iter().collect());
        grouped.entry(key).or_default().insert(resource);
    }
    let mut rules: Vec<Value> = Vec::new();
    for ((group, version, scope, operations), mut resources) in grouped {
        let core = matches!(group, "" | "*") && matches!(version, "v1" | "*");
        if core && (resources.contains("pods") || resources.contains("*")) {
            resources.insert("pods/ephemeralcontainers".to_owned());
        }
        rules.push(json!({
            "apiGroups": [group], "apiVersions": [version], "operations": operations,
            "resources": resources, "scope": scope,
        }));
    }
    order::sort_by_key(&mut rules, rule_order);
    rules
}

/// The configurations that do not depend on policies.
fn fixed_configurations() -> Vec<Value> {
    let webhook = |name: &str, path: &str, group: &str, resources: &[&str], operations: &[&str], closed: bool| {
        let resources: Vec<String> = resources.iter().map(|one| (*one).to_owned()).collect();
        json!({
            "admissionReviewVersions": ["v1"], "clientConfig": client(path),
            "failurePolicy": if closed { "Fail" } else { "Ignore" }, "matchPolicy": "Equivalent", "name": name,
            "namespaceSelector": {}, "objectSelector": {},
            "rules": [{
                "apiGroups": [group], "apiVersions": ["*"], "operations": operations, "resources": resources, "scope": "*",
            }],
            "sideEffects": "None", "timeoutSeconds": TIMEOUT,
        })
    };
    let service = "kyverno-svc.kyverno.svc";
    let cleanup = "kyverno-cleanup-controller.kyverno.svc";
    let classic = ["clusterpolicies", "policies"];
    let cel =
        ["validatingpolicies", "mutatingpolicies", "generatingpolicies", "deletingpolicies", "imagevalidatingpolicies"];
    let of_classic = webhook("validate-policy.kyverno.svc", "/policyvalidate", "kyverno.io", &classic, &WRITES, true);
    let of_cel = webhook("validate-policy.kyverno.svc", "/policyvalidate", "policies.kyverno.io", &cel, &WRITES, true);
    let mut policies = of_classic;
    if let (Some(rule), Some(rules)) =
        (of_cel.pointer("/rules/0").cloned(), policies.get_mut("rules").and_then(Value::as_array_mut))
    {
        rules.push(rule);
    }
    let validating = |name: &str, webhook: Value| configuration("ValidatingWebhookConfiguration", name, vec![webhook]);
    let mutating = |name: &str, webhook: Value| configuration("MutatingWebhookConfiguration", name, vec![webhook]);
    vec![
        validating("kyverno-policy-validating-webhook-cfg", policies),
        validating(
            "kyverno-exception-validating-webhook-cfg",
            webhook(service, "/exceptionvalidate", "kyverno.io", &["policyexceptions"], &WRITES, true),
        ),
        validating(
            "kyverno-cel-exception-validating-webhook-cfg",
            webhook(service, "/celexception/validate", "policies.kyverno.io", &["policyexceptions"], &WRITES, true),
        ),
        validating(
            "kyverno-global-context-validating-webhook-cfg",
            webhook(service, "/globalcontextvalidate", "kyverno.io", &["globalcontextentries"], &WRITES, true),
        ),
        validating(
            "kyverno-cleanup-validating-webhook-cfg",
            webhook(
                cleanup,
                "/validate",
                "kyverno.io",
                &["cleanuppolicies/*", "clustercleanuppolicies/*"],
                &WRITES,
                true,
            ),
        ),
        validating("kyverno-ttl-validating-webhook-cfg", webhook(cleanup, "/verifyttl", "*", &["*"], &WRITES, false)),
        mutating(
            "kyverno-policy-mutating-webhook-cfg",
            webhook("mutate-policy.kyverno.svc", "/policymutate", "kyverno.io", &classic, &WRITES, true),
        ),
        mutating(
            "kyverno-verify-mutating-webhook-cfg",
            webhook(
                "monitor-webhooks.kyverno.svc",
                "/verifymutate",
                "coordination.k8s.io",
                &["leases"],
                &["UPDATE"],
                false,
            ),
        ),
    ]
}
