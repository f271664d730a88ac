//! The policy controller, a part of the background controller: what happens to generated and to existing objects when a
//! policy comes, changes or goes, and every hour. Follows `pkg/policy/{policy_controller,generate,mutate}.go`.

use std::rc::Rc;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::Cluster;
use super::api_server::{ApiRequest, Verb};
use super::background::{LABEL_POLICY, LABEL_POLICY_NAMESPACE, LABEL_RULE, listed_kind, only, patterns};
use super::config::BACKGROUND_USER;
use super::journal::{Lane, Tone};
use super::policies::Concerns;
use super::recorder::note;
use super::store::reference;
use super::update_requests::{Wish, rule_context, trigger_from_labels, trigger_spec};
use crate::eval::engine;
use crate::eval::request::{AdmissionRequest, Operation};
use crate::eval::verdict::Status;
use crate::eval::view::View as _;
use crate::object::ObjectExt;
use crate::object::gvk::Gvk;
use crate::object::time::Time;
use crate::policy::ClassicPolicy;
use crate::policy::generating::GeneratingPolicy;
use crate::policy::rule::{GeneratePattern, Rule};

/// The most rule contexts of one UpdateRequest.
const BATCH: usize = 100;
/// `BACKGROUND_SCAN_INTERVAL`, in seconds.
const INTERVAL: i64 = 3600;

impl Cluster {
    /// A classic policy was written or deleted.
    pub(super) fn policy_written(&mut self, before: Option<&Value>, after: Option<&Value>, asked: u32) {
        let before_policy = before.and_then(|before| crate::policy::load::classic(before.clone()).ok());
        let Some(after) = after else {
            if let Some(before) = before_policy {
                self.downstream_deletion(&before, asked);
            }
            return;
        };
        if before.is_some_and(|before| before.get("spec") == after.get("spec")) {
            return;
        }
        let Some(policy) = self.policies.find(&key_of(after)) else { return };
        let seq = self.record(
            note(Lane::Validating, "policy-ready", format!("policy {} is ready", policy.name))
                .cause(Some(asked))
                .subject(reference(after))
                .policy(&policy.key(), "")
                .tone(Tone::Info)
                .remark("The admission controller registers webhooks for the kinds that the rules name; from now on requests on them are reviewed.")
                .upstream("pkg/controllers/webhook/controller.go"),
        );
        self.plan_scan_for(&policy);
        if !self.background_processes(&policy) {
            return;
        }
        if let Some(before) = &before_policy {
            let kept = |rule: &Rule| policy.spec.rules.iter().any(|other| other.name == rule.name);
            let mut gone = before.clone();
            gone.spec.rules.retain(|rule| !kept(rule));
            if gone.spec.rules.is_empty() {
                self.unlabel_downstreams(before, &policy, seq);
            } else {
                self.downstream_deletion(&gone, seq);
            }
        }
        self.sync_policy(&policy, seq);
    }

    /// Every hour all policies are gone through again.
    pub(super) fn hourly(&mut self) {
        let policies: Vec<Rc<ClassicPolicy>> = self.policies.classic.clone();
        let due: Vec<Rc<ClassicPolicy>> =
            policies.into_iter().filter(|policy| self.background_processes(policy)).collect();
        if !due.is_empty() {
            let seq = self.record(
                note(Lane::Background, "reconcile", "goes through the policies, as every hour")
                    .upstream("pkg/policy/policy_controller.go"),
            );
            for policy in due {
                self.sync_policy(&policy, seq);
            }
        }
        self.hourly_cel();
        self.scan_all();
    }

    fn hourly_cel(&mut self) {
        let of = |kinds: [&str; 2]| -> Vec<Value> {
            kinds.iter().flat_map(|kind| self.store.of_kind("policies.kyverno.io", kind)).cloned().collect()
        };
        let mut mutating = of(["MutatingPolicy", "NamespacedMutatingPolicy"]);
        let generating = of(["GeneratingPolicy", "NamespacedGeneratingPolicy"]);
        mutating.retain(|raw| raw.str_at(&["spec", "targetMatchConstraints", "expression"]).is_empty());
        if mutating.is_empty() && generating.is_empty() {
            return;
        }
        let seq = self.record(
            note(Lane::Background, "reconcile", "goes through the CEL policies, as every hour")
                .upstream("pkg/policy/policy_controller.go"),
        );
        for raw in generating {
            if let Ok(policy) = GeneratingPolicy::from_value(&raw) {
                self.sync_gpol(&key_of(&raw), &policy, seq);
            }
        }
        for raw in mutating {
            self.sync_mpol(&raw, seq);
        }
    }

    fn sync_policy(&mut self, policy: &Rc<ClassicPolicy>, cause: u32) {
        self.mutate_existing_on_update(policy, cause);
        self.data_changed(policy, cause);
        self.generate_existing(policy, cause);
    }

    /// Whether the policy controller deals with a policy at all (`canBackgroundProcess`).
    fn background_processes(&self, policy: &ClassicPolicy) -> bool {
        static USER: LazyLock<Option<Regex>> = LazyLock::new(|| {
            let names =
                r"serviceAccountName|serviceAccountNamespace|request\.userInfo|request\.roles|request\.clusterRoles";
            Regex::new(&format!(r"\{{\{{[^}}]*\b({names})\b")).ok()
        });
        if !policy.generates() && !policy.mutates_existing() {
            return false;
        }
        let text = policy.raw.get("spec").map(Value::to_string).unwrap_or_default();
        if USER.as_ref().is_some_and(|names| names.is_match(&text)) {
            return false;
        }
        if !policy.mutates_existing() {
            return true;
        }
        let created =
            Time::parse_rfc3339(policy.raw.str_at(&["metadata", "creationTimestamp"])).map(|time| time.seconds);
        let young = created.is_ok_and(|created| created + INTERVAL > self.clock.unix().0);
        let on_update = policy.spec.mutate_existing_on_policy_update == Some(true)
            || policy.spec.rules.iter().any(|rule| {
                rule.mutate.as_ref().is_some_and(|mutate| mutate.mutate_existing_on_policy_update == Some(true))
            });
        !young || on_update
    }

    /// A policy or some of its rules are gone: what they keep synchronized goes, too.
    fn downstream_deletion(&mut self, policy: &ClassicPolicy, cause: u32) {
        let mut contexts = Vec::new();
        let mut generated = Vec::new();
        for rule in &policy.spec.rules {
            let Some(generate) = &rule.generate else { continue };
            if !generate.synchronize || generate.orphan_downstream_on_policy_delete {
                continue;
            }
            for pattern in patterns(generate) {
                let follows = self.behaviour.clone_lists_follow_policy && pattern.clone_list.is_some();
                if pattern.data.is_none() && !follows {
                    continue;
                }
                for object in kinds_of(&pattern).iter().flat_map(|gvk| self.downstreams_of_rule(policy, rule, gvk)) {
                    contexts.push(rule_context(&rule.name, &trigger_from_labels(&object.labels()), true));
                    generated.push(trigger_spec(&object));
                }
            }
        }
        if !contexts.is_empty() {
            self.wish_batch(policy, contexts, generated, cause);
        }
    }

    /// Synchronized data: what exists is generated again.
    fn data_changed(&mut self, policy: &Rc<ClassicPolicy>, cause: u32) {
        let mut contexts = Vec::new();
        for rule in &policy.spec.rules {
            let Some(generate) = rule.generate.as_ref().filter(|generate| generate.synchronize) else { continue };
            for pattern in patterns(generate).iter().filter(|pattern| pattern.data.is_some()) {
                let gvk = Gvk::new(&pattern.api_version, &pattern.kind);
                let downstreams = self.downstreams_of_rule(policy, rule, &gvk);
                contexts.extend(
                    downstreams
                        .iter()
                        .map(|object| rule_context(&rule.name, &trigger_from_labels(&object.labels()), false)),
                );
            }
        }
        for batch in contexts.chunks(BATCH) {
            self.wish_batch(policy, batch.to_vec(), Vec::new(), cause);
        }
    }

    /// `generateExisting`: a rule context for every trigger that is there already.
    fn generate_existing(&mut self, policy: &Rc<ClassicPolicy>, cause: u32) {
        let older = policy.spec.generate_existing.or(policy.spec.generate_existing_on_policy_update) == Some(true);
        let mut contexts = Vec::new();
        for rule in &policy.spec.rules {
            let Some(generate) = &rule.generate else { continue };
            if !generate.generate_existing.unwrap_or(older) {
                continue;
            }
            for trigger in self.existing_triggers(policy, rule) {
                if self.background_status(policy, rule, &trigger).is_some() {
                    contexts.push(rule_context(&rule.name, &trigger_spec(&trigger), false));
                }
            }
        }
        for batch in contexts.chunks(BATCH) {
            self.wish_batch(policy, batch.to_vec(), Vec::new(), cause);
        }
    }

    fn wish_batch(&mut self, policy: &ClassicPolicy, contexts: Vec<Value>, generated: Vec<Value>, cause: u32) {
        let wish = Wish {
            request_type: "generate",
            policy: policy.key(),
            rule: String::new(),
            rule_context: contexts,
            context: json!({}),
            generated,
        };
        self.wish(wish, cause);
    }

    /// The stored objects that a rule matches.
    pub(super) fn existing_triggers(&self, policy: &ClassicPolicy, rule: &Rule) -> Vec<Value> {
        let mut triggers = Vec::new();
        for (_, entry) in self.store.iter() {
            let review = self.existing_classic_review(&entry.object);
            if self.unseen(&review).is_none() && self.rule_matches(policy, rule, &review) {
                triggers.push(entry.object.clone());
            }
        }
        triggers
    }

    /// A stored object as the object of a CREATE by nobody.
    pub(super) fn existing_review(&self, object: &Value) -> AdmissionRequest {
        let gvk = object.gvk();
        let resource = self.catalog.gvr_of(&gvk).unwrap_or_else(|| crate::object::catalog::guess_resource(&gvk));
        AdmissionRequest::create(object.clone(), resource)
    }

    /// The same for classic policies, which see no operation there.
    fn existing_classic_review(&self, object: &Value) -> AdmissionRequest {
        AdmissionRequest { operation: Operation::None, ..self.existing_review(object) }
    }

    /// What one background rule says about a stored object: pass is *do it*.
    pub(super) fn background_status(&self, policy: &ClassicPolicy, rule: &Rule, trigger: &Value) -> Option<Status> {
        let review = self.existing_classic_review(trigger);
        let verdict = engine::background_checks(&only(policy, &rule.name), &self.background_cx(&review));
        verdict.rules.first().map(|response| response.status)
    }

    fn downstreams_of_rule(&self, policy: &ClassicPolicy, rule: &Rule, gvk: &Gvk) -> Vec<Value> {
        let mut found = self.list(gvk, None);
        found.retain(|object| {
            let labels = object.labels();
            let is = |key: &str, value: &str| labels.get(key).map(String::as_str).unwrap_or("") == value;
            is(LABEL_POLICY, &policy.name)
                && is(LABEL_POLICY_NAMESPACE, &policy.namespace)
                && is(LABEL_RULE, &rule.name)
                && is("app.kubernetes.io/managed-by", "kyverno")
        });
        found
    }

    /// A rule makes something else now: what it made before is let go.
    fn unlabel_downstreams(&mut self, before: &ClassicPolicy, policy: &ClassicPolicy, cause: u32) {
        for old_rule in &before.spec.rules {
            let new_rule = policy.spec.rules.iter().find(|rule| rule.name == old_rule.name);
            let (Some(old), Some(new)) = (&old_rule.generate, new_rule.and_then(|rule| rule.generate.as_ref())) else {
                continue;
            };
            let (old, new) = (&old.pattern, &new.pattern);
            let mut kinds = Vec::new();
            if target_of(old) != target_of(new) || source_of(old) != source_of(new) {
                kinds.push(Gvk::new(&old.api_version, &old.kind));
            }
            if list_of(old) != list_of(new) {
                kinds.extend(old.clone_list.iter().flat_map(|list| &list.kinds).map(|kind| listed_kind(kind)));
            }
            kinds.retain(|gvk| !gvk.kind.is_empty());
            let left: Vec<Value> =
                kinds.iter().flat_map(|gvk| self.downstreams_of_rule(before, old_rule, gvk)).collect();
            for mut object in left {
                for label in [LABEL_POLICY, LABEL_POLICY_NAMESPACE, LABEL_RULE] {
                    object.remove_at(&["metadata", "labels", label]);
                }
                let request = ApiRequest::about(Verb::Update, &object);
                self.request(request.by(BACKGROUND_USER, Lane::Background, Some(cause)));
            }
        }
    }
}

/// The kinds that a pattern makes; wildcards of a `cloneList` cannot be looked up.
fn kinds_of(pattern: &GeneratePattern) -> Vec<Gvk> {
    if !pattern.kind.is_empty() {
        return vec![Gvk::new(&pattern.api_version, &pattern.kind)];
    }
    let listed = pattern.clone_list.iter().flat_map(|list| &list.kinds);
    listed.filter(|kind| !kind.contains('*')).map(|kind| listed_kind(kind)).collect()
}

fn target_of(pattern: &GeneratePattern) -> [&str; 4] {
    [&pattern.api_version, &pattern.kind, &pattern.namespace, &pattern.name]
}

fn source_of(pattern: &GeneratePattern) -> Option<(&str, &str)> {
    pattern.clone.as_ref().map(|source| (source.namespace.as_str(), source.name.as_str()))
}

fn list_of(pattern: &GeneratePattern) -> Option<(&str, &[String], Option<&Value>)> {
    pattern.clone_list.as_ref().map(|list| (list.namespace.as_str(), list.kinds.as_slice(), list.selector.as_ref()))
}

pub(super) fn key_of(object: &Value) -> String {
    match object.namespace() {
        "" => object.name().to_owned(),
        namespace => format!("{namespace}/{}", object.name()),
    }
}
