//! What `stepgate apply` prints: a table with counts and changed objects, JSON, or the reports of `kyverno apply --policy-report`.

use serde_json::{Value, json};

use super::print;
use crate::eval::verdict::RuleResponse;
use crate::object::ObjectExt;
use crate::parse;
use crate::scenario::kyverno_test::matching::status_word;
use crate::scenario::kyverno_test::response::EngineResponse;
use crate::sim::reports::{Reporter, row};

/// Virtual time of every run, in seconds: 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;

/// Answers, and whether failures of auditing policies are warnings (`--audit-warn`).
pub(super) struct Answers<'a> {
    pub(super) all: Vec<&'a EngineResponse>,
    pub(super) audit_warn: bool,
}

impl Answers<'_> {
    /// The word for a result; a failure of an auditing policy may be a warning.
    pub(super) fn word(&self, answer: &EngineResponse, rule: &RuleResponse) -> &'static str {
        match status_word(answer, rule) {
            "fail" if self.audit_warn && audits(&answer.policy, &rule.name) => "warn",
            word => word,
        }
    }

    fn rules(&self) -> impl Iterator<Item = (&EngineResponse, &RuleResponse)> {
        self.all.iter().flat_map(|answer| answer.rules.iter().map(move |rule| (*answer, rule)))
    }

    /// Whether anything failed or could not be evaluated.
    pub(super) fn broken(&self) -> bool {
        self.rules().any(|(answer, rule)| matches!(self.word(answer, rule), "fail" | "error"))
    }

    /// A row per rule, the counts, and the objects that policies changed or made, as `kyverno apply` prints them.
    pub(super) fn table(&self) -> String {
        let mut rows = vec![["POLICY", "RULE", "RESOURCE", "RESULT", "MESSAGE"].map(str::to_owned).to_vec()];
        let mut counts = [("pass", 0), ("fail", 0), ("warn", 0), ("error", 0), ("skip", 0)];
        for (answer, rule) in self.rules() {
            let word = self.word(answer, rule);
            for (_, count) in counts.iter_mut().filter(|(name, _)| *name == word) {
                *count += 1;
            }
            let message = rule.message.split_whitespace().collect::<Vec<_>>().join(" ");
            let cells = [&answer.policy_name, &rule.name, &place(&answer.resource), word, &message].map(str::to_owned);
            rows.push(cells.to_vec());
        }
        let summary: Vec<String> = counts.iter().map(|(name, count)| format!("{name}: {count}")).collect();
        format!("{}\n{}\n{}", print::table(&rows), summary.join(", "), self.changes())
    }

    fn changes(&self) -> String {
        let mut text = String::new();
        let mut add = |policy: &str, words: &str, object: &Value| {
            text.push_str(&format!("\npolicy {policy} {words} {}:\n{}---\n", place(object), parse::emit(object)));
        };
        for answer in &self.all {
            if answer.patched != answer.resource && answer.patched.is_object() {
                add(&answer.policy_name, "applied to", &answer.patched);
            }
            for rule in &answer.rules {
                if let Some(target) = &rule.patched_target {
                    add(&answer.policy_name, "applied to", target);
                }
                for object in &rule.generated {
                    add(&answer.policy_name, "generated", object);
                }
            }
        }
        text
    }

    /// One object per policy and resource.
    pub(super) fn json(&self) -> Value {
        let one = |answer: &&EngineResponse| {
            let rules = answer.rules.iter().map(|rule| {
                json!({"rule": rule.name, "result": self.word(answer, rule), "message": rule.message,
                    "patchedTarget": rule.patched_target, "generated": rule.generated})
            });
            json!({"policy": answer.policy_name, "policyNamespace": answer.policy_namespace, "resource": place(&answer.resource),
                "patched": (answer.patched != answer.resource).then_some(&answer.patched), "rules": rules.collect::<Vec<_>>()})
        };
        self.all.iter().map(one).collect()
    }

    /// A ClusterReport of all cluster-wide policies and a report per namespaced policy (`commands/apply/print.go`; the kind of
    /// the latter is Kyverno's).
    pub(super) fn reports(&self) -> String {
        let mut names: Vec<(&str, &str)> =
            self.all.iter().map(|answer| (answer.policy_namespace.as_str(), answer.policy_name.as_str())).collect();
        names.retain(|(namespace, _)| !namespace.is_empty());
        names.sort_unstable();
        names.dedup();
        let cluster = self.report("ClusterReport", "", "merged", |answer| answer.policy_namespace.is_empty());
        let namespaced = names.into_iter().filter_map(|(namespace, name)| {
            let own = |answer: &EngineResponse| answer.policy_namespace == namespace && answer.policy_name == name;
            self.report("PolicyReport", namespace, name, own)
        });
        cluster.into_iter().chain(namespaced).collect::<Vec<_>>().join("---\n")
    }

    fn report(&self, kind: &str, namespace: &str, name: &str, own: impl Fn(&EngineResponse) -> bool) -> Option<String> {
        let own = self.rules().filter(|(answer, _)| own(answer));
        let results: Vec<Value> = own.map(|(answer, rule)| self.result(answer, rule)).collect();
        if results.is_empty() {
            return None;
        }
        let count = |word: &str| results.iter().filter(|result| result.str_at(&["result"]) == word).count();
        let summary = json!({"pass": count("pass"), "fail": count("fail"), "warn": count("warn"), "error": count("error"), "skip": count("skip")});
        let mut metadata = json!({ "name": name });
        if !namespace.is_empty() {
            metadata.set_at(&["namespace"], json!(namespace));
        }
        Some(parse::emit(
            &json!({"apiVersion": "openreports.io/v1alpha1", "kind": kind, "metadata": metadata, "results": results, "summary": summary}),
        ))
    }

    fn result(&self, answer: &EngineResponse, rule: &RuleResponse) -> Value {
        let (policy, object) = (&answer.policy, &answer.resource);
        let kind = answer.policy_kind.strip_prefix("Namespaced").unwrap_or(&answer.policy_kind);
        let native = kind.ends_with("AdmissionPolicy");
        let source = match kind {
            "ClusterPolicy" | "Policy" | "ClusterCleanupPolicy" | "CleanupPolicy" => "kyverno".to_owned(),
            kind if native => kind.to_owned(),
            kind => format!("Kyverno{kind}"),
        };
        let key = match answer.policy_namespace.as_str() {
            _ if native => rule.name.clone(),
            "" => answer.policy_name.clone(),
            namespace => format!("{namespace}/{}", answer.policy_name),
        };
        let background = [&["spec", "background"][..], &["spec", "evaluation", "background", "enabled"]];
        let off = background.iter().any(|path| policy.at(path) == Some(&Value::Bool(false)));
        let by = Reporter {
            source: &source,
            policy: key,
            annotations: &policy.annotations(),
            background: !off && kind != "GeneratingPolicy",
        };
        let mut result = row(&by, rule, NOW);
        result.set_at(&["result"], json!(self.word(answer, rule)));
        let mut resource = json!({"apiVersion": object.api_version(), "kind": object.kind(), "name": object.name()});
        if !object.namespace().is_empty() {
            resource.set_at(&["namespace"], json!(object.namespace()));
        }
        result.set_at(&["resources"], json!([resource]));
        result
    }
}

fn place(object: &Value) -> String {
    let parts = [object.namespace(), object.kind(), object.name()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// Whether a failure of the rule is only reported: its own action, else that of the policy, which is Audit where it says nothing.
fn audits(policy: &Value, rule: &str) -> bool {
    let rules = policy.at(&["spec", "rules"]).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let own = |written: &&Value| rule.ends_with(written.str_at(&["name"]));
    let action = rules.iter().find(own).map_or("", |rule| rule.str_at(&["validate", "failureAction"]));
    let action = if action.is_empty() { policy.str_at(&["spec", "validationFailureAction"]) } else { action };
    !crate::eval::action::is_enforce(action)
}
