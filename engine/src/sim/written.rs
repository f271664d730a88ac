//! What a write sets off besides its own storage: policies take effect, namespaces empty, owners take their own along.

use std::rc::Rc;

use serde_json::{Value, json};

use super::Cluster;
use super::api_server::{ApiRequest, Verb};
use super::config::BACKGROUND_USER;
use super::journal::{Lane, Tone};
use super::recorder::note;
use super::store::Key;
use super::update_requests::{Wish, rule_context, trigger_spec};
use crate::eval::request::AdmissionRequest;
use crate::object::ObjectExt;
use crate::object::gvk::Gvk;
use crate::policy::ClassicPolicy;
use crate::policy::rule::Rule;

impl Cluster {
    /// Reacts to a write.
    pub(crate) fn written(&mut self, request: &ApiRequest, before: Option<&Value>, after: Option<&Value>, asked: u32) {
        let Some(object) = after.or(before) else { return };
        let gvk = object.gvk();
        if let Some(after) = after {
            self.write_status(after);
            self.plan_scan(after);
            self.plan_workload(after, asked);
        }
        match (gvk.group.as_str(), gvk.kind.as_str()) {
            ("kyverno.io", "ClusterPolicy" | "Policy") => self.policy_written(before, after, asked),
            ("", "Namespace") if after.is_none() => self.empty_namespace(object.name(), asked),
            _ => {}
        }
        if let (None, Some(owner)) = (after, before) {
            let orphan = request.propagation.as_deref() == Some("Orphan");
            self.collect_garbage(owner, orphan, asked);
        }
    }

    fn policy_written(&mut self, before: Option<&Value>, after: Option<&Value>, asked: u32) {
        if let Some(after) = after {
            let spec_changed = before.and_then(|before| before.get("spec")) != after.get("spec");
            if !spec_changed {
                return;
            }
            let Some(policy) = self.policies.find(&key_of(after)) else { return };
            let seq = self.record(
                note(Lane::Validating, "policy-ready", format!("policy {} is ready", policy.name))
                    .cause(Some(asked))
                    .subject(super::store::reference(after))
                    .policy(&policy.key(), "")
                    .tone(Tone::Info)
                    .remark("The admission controller registers webhooks for the kinds that the rules name; from now on requests on them are reviewed.")
                    .upstream("pkg/controllers/webhook/controller.go"),
            );
            if let Some(before) = before.and_then(|before| crate::policy::load::classic(before.clone()).ok()) {
                self.rules_removed(&before, Some(&policy), seq);
            }
            self.data_changed(&policy, before, seq);
            self.generate_existing(&policy, seq);
            self.plan_scan_for(&policy);
        } else if let Some(before) = before.and_then(|before| crate::policy::load::classic(before.clone()).ok()) {
            self.rules_removed(&before, None, asked);
        }
    }

    /// A policy or some of its rules are gone: what they keep synchronized goes, too.
    fn rules_removed(&mut self, before: &ClassicPolicy, after: Option<&Rc<ClassicPolicy>>, cause: u32) {
        for rule in &before.spec.rules {
            let Some(generate) = &rule.generate else { continue };
            let kept = after.is_some_and(|after| after.spec.rules.iter().any(|other| other.name == rule.name));
            if kept || !generate.synchronize || generate.orphan_downstream_on_policy_delete {
                continue;
            }
            let clones = generate.pattern.clone.is_some() || generate.pattern.clone_list.is_some();
            if clones && !self.behaviour.clones_follow_policy {
                continue;
            }
            let downstreams = self.downstreams_of_rule(before, rule);
            if downstreams.is_empty() {
                continue;
            }
            let contexts: Vec<Value> =
                downstreams.iter().map(|object| rule_context(&rule.name, &trigger_of(object), true)).collect();
            let generated: Vec<Value> = downstreams.iter().map(trigger_spec).collect();
            self.wish(
                Wish {
                    request_type: "generate",
                    policy: before.key(),
                    rule: String::new(),
                    rule_context: contexts,
                    context: json!({}),
                    generated,
                },
                cause,
            );
        }
    }

    /// The data of synchronized rules changed: what exists is generated again.
    fn data_changed(&mut self, policy: &Rc<ClassicPolicy>, before: Option<&Value>, cause: u32) {
        if before.is_none() {
            return;
        }
        for rule in &policy.spec.rules {
            let Some(generate) = &rule.generate else { continue };
            if !generate.synchronize || (generate.pattern.data.is_none() && generate.foreach.is_empty()) {
                continue;
            }
            let downstreams = self.downstreams_of_rule(policy, rule);
            let contexts: Vec<Value> =
                downstreams.iter().map(|object| rule_context(&rule.name, &trigger_of(object), false)).collect();
            self.wish_for(policy, contexts, cause);
        }
    }

    /// `generateExisting`: a request for every trigger that is there already.
    fn generate_existing(&mut self, policy: &Rc<ClassicPolicy>, cause: u32) {
        let older = policy.spec.generate_existing.or(policy.spec.generate_existing_on_policy_update) == Some(true);
        for rule in &policy.spec.rules {
            let Some(generate) = &rule.generate else { continue };
            if !generate.generate_existing.unwrap_or(older) {
                continue;
            }
            let triggers = self.existing_triggers(policy, rule);
            let contexts: Vec<Value> =
                triggers.iter().map(|trigger| rule_context(&rule.name, &trigger_spec(trigger), false)).collect();
            for batch in contexts.chunks(100) {
                self.wish_for(policy, batch.to_vec(), cause);
            }
        }
    }

    fn wish_for(&mut self, policy: &Rc<ClassicPolicy>, contexts: Vec<Value>, cause: u32) {
        if contexts.is_empty() {
            return;
        }
        self.wish(
            Wish {
                request_type: "generate",
                policy: policy.key(),
                rule: String::new(),
                rule_context: contexts,
                context: json!({}),
                generated: Vec::new(),
            },
            cause,
        );
    }

    /// The stored objects that a rule matches.
    pub(crate) fn existing_triggers(&self, policy: &ClassicPolicy, rule: &Rule) -> Vec<Value> {
        let mut triggers = Vec::new();
        for (key, entry) in self.store.iter() {
            let gvk = Gvk { group: key.group.clone(), kind: key.kind.clone(), ..entry.object.gvk() };
            let resource = self.catalog.gvr_of(&gvk).unwrap_or_else(|| crate::object::catalog::guess_resource(&gvk));
            let review = AdmissionRequest::create(entry.object.clone(), resource);
            if self.unseen(&review).is_none() && self.rule_matches(policy, rule, &review) {
                triggers.push(entry.object.clone());
            }
        }
        triggers
    }

    fn downstreams_of_rule(&self, policy: &ClassicPolicy, rule: &Rule) -> Vec<Value> {
        let labelled = |object: &Value| {
            let labels = object.labels();
            let is = |key: &str, value: &str| labels.get(key).map(String::as_str).unwrap_or("") == value;
            is(super::background::LABEL_POLICY, &policy.name)
                && is(super::background::LABEL_POLICY_NAMESPACE, &policy.namespace)
                && is(super::background::LABEL_RULE, &rule.name)
                && is("app.kubernetes.io/managed-by", "kyverno")
        };
        self.store.iter().map(|(_, entry)| &entry.object).filter(|object| labelled(object)).cloned().collect()
    }

    /// The namespace controller deletes what is in a namespace that goes.
    fn empty_namespace(&mut self, namespace: &str, cause: u32) {
        let inside: Vec<Value> = self
            .store
            .iter()
            .filter(|(key, _)| key.namespace == namespace && !(key.kind == "Event" || key.kind == "UpdateRequest"))
            .map(|(_, entry)| entry.object.clone())
            .collect();
        for object in inside {
            let user = "system:serviceaccount:kube-system:namespace-controller";
            self.request(ApiRequest::about(Verb::Delete, &object).by(user, Lane::Controllers, Some(cause)));
        }
    }

    /// The garbage collector deletes what the deleted object owned.
    fn collect_garbage(&mut self, owner: &Value, orphan: bool, cause: u32) {
        let owned: Vec<Value> = self
            .store
            .iter()
            .map(|(_, entry)| &entry.object)
            .filter(|object| owners(object).any(|reference| reference.str_at(&["uid"]) == owner.uid()))
            .cloned()
            .collect();
        for object in owned {
            if orphan {
                continue;
            }
            if self.store.get(&Key::of(&object)).is_some() {
                let user = "system:serviceaccount:kube-system:generic-garbage-collector";
                self.request(ApiRequest::about(Verb::Delete, &object).by(user, Lane::Controllers, Some(cause)));
            }
        }
        let _ = BACKGROUND_USER;
    }
}

fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object.at(&["metadata", "ownerReferences"]).and_then(Value::as_array).into_iter().flatten()
}

fn key_of(object: &Value) -> String {
    match object.namespace() {
        "" => object.name().to_owned(),
        namespace => format!("{namespace}/{}", object.name()),
    }
}

/// The trigger that the labels of a generated object name.
fn trigger_of(object: &Value) -> Value {
    super::update_requests::trigger_from_labels(&object.labels())
}
