//! The reports controller: results of admission and of the background scan, merged into one report per resource.
//!
//! Follows `pkg/utils/report/results.go`, `pkg/controllers/report/{background,aggregate}`: an ephemeral report of an
//! admission request is adopted only once its resource exists; of two results for one rule the later one stays.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Value, json};

use super::cel_policies::{CelEntry, Family};
use super::journal::{Lane, Tone};
use super::policies::{Concerns, is_validate, is_verify_images};
use super::recorder::note;
use super::store::{Key, reference};
use super::{Cluster, Task};
use crate::eval::request::AdmissionRequest;
use crate::eval::trace::TraceNode;
use crate::eval::verdict::{RuleResponse, RuleType, Status, Verdict};
use crate::eval::{EvalCx, Mode, autogen, engine};
use crate::object::ObjectExt;
use crate::object::gvk::Gvk;
use crate::policy::ClassicPolicy;

/// How long the aggregation of reports waits for more.
const AGGREGATE_DELAY: u64 = 10_000;
/// How long after a change the background scan looks at a resource.
const SCAN_DELAY: u64 = 30_000;

/// A policy with this label has no results in reports.
const DISABLED: &str = "reports.kyverno.io/disabled";

/// Results that wait for aggregation, by the uid of their resource.
#[derive(Clone, Debug, Default)]
pub struct PendingReports {
    rows: BTreeMap<String, Vec<Value>>,
    /// Of mutations: the object has no uid before it is stored.
    unborn: Vec<(Key, Vec<Value>)>,
}

impl PendingReports {
    /// Forgets the rows of an earlier request on an object, which was refused.
    pub fn forget(&mut self, object: &Value) {
        let key = Key::of(object);
        self.unborn.retain(|(other, _)| *other != key);
    }

    /// Keeps rows for an object that is about to be stored.
    pub fn expect(&mut self, object: &Value, rows: Vec<Value>) {
        let key = Key::of(object);
        if !rows.is_empty() && !key.name.is_empty() {
            self.unborn.push((key, rows));
        }
    }

    /// The rows that were kept for an object that is stored now.
    pub fn born(&mut self, object: &Value) -> Vec<Value> {
        let key = Key::of(object);
        let (mine, others) = std::mem::take(&mut self.unborn).into_iter().partition(|(other, _)| *other == key);
        self.unborn = others;
        let mine: Vec<(Key, Vec<Value>)> = mine;
        mine.into_iter().flat_map(|(_, rows)| rows).collect()
    }
}

/// What a policy is to a report.
pub struct Reporter<'a> {
    /// `kyverno`, `KyvernoValidatingPolicy` and so on.
    pub source: &'a str,
    /// `name` or `namespace/name`.
    pub policy: String,
    /// `metadata.annotations` of the policy.
    pub annotations: &'a BTreeMap<String, String>,
    /// Whether the background scan evaluates it.
    pub background: bool,
}

/// One row of `results`.
#[must_use]
pub fn row(by: &Reporter<'_>, rule: &RuleResponse, seconds: i64) -> Value {
    let annotation = |key: &str| by.annotations.get(&format!("policies.kyverno.io/{key}")).map(String::as_str);
    let scored = annotation("scored") != Some("false");
    let status = match rule.status {
        Status::Pass => "pass",
        Status::Fail => "fail",
        Status::Warn => "warn",
        Status::Error => "error",
        Status::Skip => "skip",
    };
    let result = if status == "fail" && !scored { "warn" } else { status };
    let mut properties = rule.properties.clone();
    let process = if by.background { "background scan" } else { "admission review" };
    properties.insert("process".to_owned(), process.to_owned());
    if !rule.exceptions.is_empty() {
        let names: Vec<&str> = rule.exceptions.iter().map(|name| name.rsplit('/').next().unwrap_or(name)).collect();
        properties.insert("exceptions".to_owned(), names.join(","));
    }
    let own_words = |key: &str| properties.get(key).filter(|words| !words.is_empty());
    let own_words = own_words("message").or_else(|| own_words(&format!("{status}Message")));
    let message = own_words.unwrap_or(&rule.message).clone();
    let mut row = json!({
        "message": message,
        "policy": by.policy,
        "properties": properties,
        "result": result,
        "rule": rule.name,
        "scored": scored,
        "source": by.source,
        "timestamp": {"nanos": 0, "seconds": seconds},
    });
    if let Some(category) = annotation("category") {
        row.set_at(&["category"], Value::String(category.to_owned()));
    }
    if let Some(severity) =
        annotation("severity").filter(|word| ["critical", "high", "medium", "low", "info"].contains(word))
    {
        row.set_at(&["severity"], Value::String(severity.to_owned()));
    }
    if rule.name.is_empty()
        && let Some(map) = row.as_object_mut()
    {
        map.shift_remove("rule");
    }
    row
}

/// The row of a rule that generates.
#[must_use]
pub fn generation_row(by: &Reporter<'_>, rule: &RuleResponse, generated: &[Value], seconds: i64) -> Value {
    let mut row = row(by, rule, seconds);
    if !generated.is_empty() {
        let names: Vec<String> = generated.iter().map(resource_info).collect();
        row.set_at(&["properties", "generated-resources"], Value::String(names.join("; ")));
    }
    row
}

/// A classic policy as the author of report rows.
#[must_use]
pub fn reporter(policy: &ClassicPolicy) -> Reporter<'_> {
    Reporter {
        source: "kyverno",
        policy: policy.key(),
        annotations: &policy.annotations,
        background: policy.spec.background != Some(false),
    }
}

/// `/v1, Kind=ConfigMap Name=x Namespace=y`: how properties name an object.
#[must_use]
pub fn resource_info(object: &Value) -> String {
    let gvk = object.gvk();
    let namespace = match object.namespace() {
        "" => String::new(),
        namespace => format!(" Namespace={namespace}"),
    };
    format!("{}/{}, Kind={} Name={}{namespace}", gvk.group, gvk.version, gvk.kind, object.name())
}

/// A mutation that an object has not got: where a policy would change it, its pass is a failure.
fn not_applied(verdict: &mut Verdict, object: &Value) {
    if verdict.patched.as_ref().is_none_or(|patched| patched == object) {
        return;
    }
    let passed = |rule: &&mut RuleResponse| rule.status == Status::Pass && rule.exceptions.is_empty();
    for rule in verdict.rules.iter_mut().filter(passed) {
        *rule = RuleResponse::new("", RuleType::Mutation, Status::Fail, "mutation is not applied");
    }
}

/// The background scan says nothing of what match conditions leave out.
fn skipped_by_conditions(rule: &RuleResponse) -> bool {
    rule.status == Status::Skip && rule.exceptions.is_empty()
}

impl Cluster {
    /// Keeps rows for a resource until they are aggregated.
    pub(crate) fn report(&mut self, resource: &Value, mut rows: Vec<Value>) {
        rows.retain(|row| self.policy_of_row(row).is_none_or(|policy| !policy.labels().contains_key(DISABLED)));
        if rows.is_empty() || resource.uid().is_empty() {
            return;
        }
        let uid = resource.uid().to_owned();
        let first = !self.pending_reports.rows.contains_key(&uid);
        self.pending_reports.rows.entry(uid.clone()).or_default().extend(rows);
        if first {
            self.queue.push(self.clock.now() + AGGREGATE_DELAY, Task::Aggregate { uid });
        }
    }

    /// Plans a background scan of a resource.
    pub(crate) fn plan_scan(&mut self, object: &Value) {
        let key = Key::of(object);
        let waiting = self.queue.iter().any(|(_, task)| matches!(task, Task::Scan { key: other } if *other == key));
        let scanned =
            || !self.scanners(object).is_empty() || !self.cel_scanners(object).is_empty() || self.any_native_scan();
        if !waiting && scanned() {
            self.queue.push(self.clock.now() + SCAN_DELAY, Task::Scan { key });
        }
    }

    /// Plans a background scan of everything that a policy concerns.
    pub(crate) fn plan_scan_for(&mut self, policy: &ClassicPolicy) {
        if policy.spec.background == Some(false) {
            return;
        }
        let objects: Vec<Value> =
            self.store.iter().filter(|(_, entry)| !entry.system).map(|(_, entry)| entry.object.clone()).collect();
        for object in objects {
            let gvk = object.gvk();
            if policy.names_kind(&gvk, "", is_validate) || policy.names_kind(&gvk, "", is_verify_images) {
                self.plan_scan(&object);
            }
        }
    }

    /// The full scan that comes every hour.
    pub(crate) fn scan_all(&mut self) {
        let objects: Vec<Value> =
            self.store.iter().filter(|(_, entry)| !entry.system).map(|(_, entry)| entry.object.clone()).collect();
        for object in objects {
            self.plan_scan(&object);
        }
    }

    fn scanners(&self, object: &Value) -> Vec<Rc<ClassicPolicy>> {
        let gvk = object.gvk();
        let scans = |policy: &&Rc<ClassicPolicy>| {
            policy.spec.background != Some(false)
                && !super::native_generation::is_generated(&policy.raw)
                && (policy.validates() && policy.names_kind(&gvk, "", is_validate)
                    || policy.verifies_images() && policy.names_kind(&gvk, "", is_verify_images))
        };
        self.policies.classic.iter().filter(scans).cloned().collect()
    }

    /// The CEL policies that the background scan evaluates for an object.
    fn cel_scanners(&self, object: &Value) -> Vec<Rc<CelEntry>> {
        let gvk = object.gvk();
        let gvr = self.catalog.gvr_of(&gvk).unwrap_or_else(|| crate::object::catalog::guess_resource(&gvk));
        let fits = |list: &[String], word: &str| list.iter().any(|one| one == "*" || one == word);
        let scans = |entry: &&Rc<CelEntry>| {
            matches!(entry.family, Family::Validating | Family::Mutating | Family::Images)
                && entry.reporter().background
                && !super::native_generation::is_generated(&entry.policy.raw)
                && entry.in_namespace(object.namespace())
                && entry
                    .webhook_rules()
                    .iter()
                    .any(|rule| fits(&rule.api_groups, &gvr.group) && fits(&rule.resources, &gvr.resource))
        };
        self.policies.cel.iter().filter(scans).cloned().collect()
    }

    /// The background scan of one resource: as a CREATE by nobody.
    pub(crate) fn scan(&mut self, key: &Key) {
        let Some(object) = self.store.get(key).cloned() else { return };
        let gvk: Gvk = object.gvk();
        let gvr = self.catalog.gvr_of(&gvk).unwrap_or_else(|| crate::object::catalog::guess_resource(&gvk));
        let review = AdmissionRequest::create(object.clone(), gvr);
        if self.filtered(&review).is_some() {
            return;
        }
        let (seconds, _) = self.clock.unix();
        let mut rows = Vec::new();
        let mut trace = Vec::new();
        for policy in self.scanners(&object) {
            let verdict = {
                let cx = EvalCx {
                    request: &review,
                    view: self,
                    exceptions: if self.exceptions_enabled() { &self.policies.exceptions } else { &[] },
                    profile: self.behaviour.profile,
                    mode: Mode::Background,
                    trace: true,
                };
                engine::validate(&policy, &cx)
            };
            trace.extend(TraceNode::of_policy(&policy.key(), &verdict.trace));
            rows.extend(verdict.rules.iter().map(|rule| row(&reporter(&policy), rule, seconds)));
            self.emit_scan_events(&policy.raw, Some(&policy), &object, &verdict.rules);
        }
        for entry in self.cel_scanners(&object) {
            let mut verdict = self.evaluate_cel(&entry, &review);
            match entry.family {
                Family::Mutating => not_applied(&mut verdict, &object),
                Family::Validating => verdict.rules.retain(|rule| !skipped_by_conditions(rule)),
                Family::Images | Family::Generating => {}
            }
            trace.extend(TraceNode::of_policy(&entry.policy.key(), &verdict.trace));
            rows.extend(verdict.rules.iter().map(|rule| row(&entry.reporter(), rule, seconds)));
            self.emit_scan_events(&entry.policy.raw, None, &object, &verdict.rules);
        }
        for (policy, source, verdict) in self.scan_native(&review) {
            trace.extend(verdict.trace);
            let annotations = policy.annotations();
            let by = Reporter { source, policy: policy.name().to_owned(), annotations: &annotations, background: true };
            rows.extend(verdict.rules.iter().map(|rule| row(&by, rule, seconds)));
            self.emit_scan_events(&policy, None, &object, &verdict.rules);
        }
        if rows.is_empty() {
            return;
        }
        let bad = rows.iter().filter(|row| matches!(row.str_at(&["result"]), "fail" | "error")).count();
        let skipped = rows.iter().all(|row| row.str_at(&["result"]) == "skip");
        let words = match bad {
            0 if skipped => "every rule is skipped".to_owned(),
            0 => "holds".to_owned(),
            bad => format!("{bad} do not hold"),
        };
        self.record(
            note(Lane::Reports, "scan", format!("background scan of {} {}: {words}", object.kind(), object.name()))
                .subject(reference(&object))
                .tone(if bad == 0 { Tone::Info } else { Tone::Warn })
                .trace(trace)
                .upstream("pkg/controllers/report/background/controller.go"),
        );
        self.report(&object, rows);
    }

    /// Merges what is known about a resource into its report.
    pub(crate) fn aggregate(&mut self, uid: &str) {
        let rows = self.pending_reports.rows.remove(uid).unwrap_or_default();
        let owner = self.store.iter().map(|(_, entry)| &entry.object).find(|object| object.uid() == uid).cloned();
        // The report of a request that was refused is never adopted.
        let Some(owner) = owner else { return };
        let group = if self.config.open_reports { "openreports.io" } else { "wgpolicyk8s.io" };
        let kind = match (self.config.open_reports, owner.namespace()) {
            (false, "") => "ClusterPolicyReport",
            (false, _) => "PolicyReport",
            (true, "") => "ClusterReport",
            (true, _) => "Report",
        };
        let before = self.store.find(group, kind, owner.namespace(), uid).cloned();
        let old = before.as_ref().and_then(|report| report.get("results")).and_then(Value::as_array).cloned();
        let mut merged = self.merge(old.clone().unwrap_or_default(), rows);
        let allowed = &self.config.allowed_results;
        merged.retain(|row| allowed.is_empty() || allowed.iter().any(|one| one == row.str_at(&["result"])));
        if merged.is_empty() {
            self.drop_report(before);
            return;
        }
        if old.as_ref() == Some(&merged) {
            return;
        }
        let mut report = self.report_object(group, kind, &owner, merged);
        let generation = |report: &Value| report.at(&["metadata", "generation"]).and_then(Value::as_i64);
        let generation = before.as_ref().and_then(generation).unwrap_or(0) + 1;
        report.set_at(&["metadata", "generation"], json!(generation));
        let summary = report.get("summary").cloned().unwrap_or(Value::Null);
        let count = |word: &str| summary.get(word).and_then(Value::as_i64).unwrap_or(0);
        let text =
            format!("{kind} of {} {}: {} pass, {} fail", owner.kind(), owner.name(), count("pass"), count("fail"));
        self.store.put(report, false);
        let after = self.store.find(group, kind, owner.namespace(), uid).cloned();
        let revision = self.store.revision();
        self.record(
            note(Lane::Reports, "report", text)
                .to(Lane::Etcd)
                .subject(reference(&owner))
                .tone(if count("fail") > 0 { Tone::Warn } else { Tone::Info })
                .change(before, after)
                .detail(|detail| detail.revision = Some(revision))
                .upstream("pkg/controllers/report/aggregate/controller.go"),
        );
    }

    /// The policy that a row names.
    fn policy_of_row(&self, row: &Value) -> Option<&Value> {
        let (namespace, name) = row.str_at(&["policy"]).split_once('/').unwrap_or(("", row.str_at(&["policy"])));
        let (group, kind) = match row.str_at(&["source"]) {
            "kyverno" => ("kyverno.io", if namespace.is_empty() { "ClusterPolicy" } else { "Policy" }.to_owned()),
            native @ ("ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy") => {
                ("admissionregistration.k8s.io", native.to_owned())
            }
            source => {
                let kind = source.strip_prefix("Kyverno")?;
                let kind = if namespace.is_empty() { kind.to_owned() } else { format!("Namespaced{kind}") };
                ("policies.kyverno.io", kind)
            }
        };
        self.store.find(group, &kind, namespace, name)
    }

    fn drop_report(&mut self, report: Option<Value>) {
        let Some(report) = report else { return };
        self.store.remove(&Key::of(&report));
        let revision = self.store.revision();
        self.record(
            note(Lane::Reports, "report", format!("{} {} has no results left", report.kind(), report.name()))
                .to(Lane::Etcd)
                .subject(reference(&report))
                .change(Some(report), None)
                .detail(|detail| detail.revision = Some(revision))
                .upstream("pkg/controllers/report/aggregate/controller.go"),
        );
    }

    /// A policy came, changed or went: results without a policy go, and what it concerns is scanned.
    pub(crate) fn policy_changes_reports(&mut self, before: Option<&Value>, after: Option<&Value>) {
        if before.is_some() {
            let kinds = ["ClusterPolicyReport", "PolicyReport", "ClusterReport", "Report"];
            let groups = ["wgpolicyk8s.io", "openreports.io"];
            let reports = groups.iter().flat_map(|group| kinds.iter().map(move |kind| (*group, *kind)));
            let names: Vec<String> = reports
                .flat_map(|(group, kind)| self.store.of_kind(group, kind).map(|report| report.name().to_owned()))
                .collect();
            for uid in names {
                self.queue.push(self.clock.now() + AGGREGATE_DELAY, Task::Aggregate { uid });
            }
        }
        let scanned = ["policies.kyverno.io", "admissionregistration.k8s.io"];
        let cel = after.is_some_and(|after| scanned.contains(&after.gvk().group.as_str()));
        if cel && before.is_none_or(|before| before.get("spec") != after.and_then(|after| after.get("spec"))) {
            self.scan_all();
        }
    }

    /// Rows by source, policy and, of classic policies, rule; the later one stays, and rows of policies and rules that are
    /// gone do not.
    fn merge(&self, old: Vec<Value>, new: Vec<Value>) -> Vec<Value> {
        let mut rows: BTreeMap<(String, String, String), Value> = BTreeMap::new();
        let mut rules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in old.into_iter().chain(new) {
            let part = |key: &str| row.str_at(&[key]).to_owned();
            let key = (part("source"), part("policy"), part("rule"));
            let names = rules.entry(key.1.clone()).or_insert_with_key(|policy| self.rule_names(policy));
            let known = key.0 != "kyverno" && self.policy_of_row(&row).is_some() || names.contains(&key.2);
            if known {
                let rule = if key.0 == "kyverno" { key.2 } else { String::new() };
                rows.insert((key.0, key.1, rule), row);
            }
        }
        rows.into_values().collect()
    }

    /// The rules of a classic policy, written and generated; none where it is gone.
    fn rule_names(&self, policy: &str) -> BTreeSet<String> {
        let policy = self.policies.find(policy);
        let rules = policy.iter().flat_map(|policy| autogen::rules(policy, None));
        rules.map(|rule| rule.rule.name.clone()).collect()
    }

    fn report_object(&mut self, group: &str, kind: &str, owner: &Value, rows: Vec<Value>) -> Value {
        let count = |word: &str| rows.iter().filter(|row| row.str_at(&["result"]) == word).count();
        let summary = json!({
            "error": count("error"), "fail": count("fail"), "pass": count("pass"), "skip": count("skip"), "warn": count("warn"),
        });
        let version = if group == "openreports.io" { "v1alpha1" } else { "v1alpha2" };
        let mut report = json!({
            "apiVersion": format!("{group}/{version}"),
            "kind": kind,
            "metadata": {
                "name": owner.uid(),
                "labels": {"app.kubernetes.io/managed-by": "kyverno"},
                "ownerReferences": [{
                    "apiVersion": owner.api_version(), "kind": owner.kind(), "name": owner.name(), "uid": owner.uid(),
                }],
                "creationTimestamp": self.clock.rfc3339(),
                "uid": self.names.uid(&format!("{kind}/{}", owner.uid())),
            },
            "results": rows,
            "scope": {
                "apiVersion": owner.api_version(), "kind": owner.kind(), "name": owner.name(), "uid": owner.uid(),
            },
            "summary": summary,
        });
        if !owner.namespace().is_empty() {
            let namespace = Value::String(owner.namespace().to_owned());
            report.set_at(&["metadata", "namespace"], namespace.clone());
            report.set_at(&["scope", "namespace"], namespace);
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Reporter, row};
    use crate::eval::verdict::{RuleResponse, RuleType, Status};
    use crate::object::ObjectExt;

    #[test]
    fn words_for_all_results_come_before_those_for_one() {
        let annotations = BTreeMap::from([("policies.kyverno.io/scored".to_owned(), "false".to_owned())]);
        let by = Reporter { source: "kyverno", policy: "p".to_owned(), annotations: &annotations, background: true };
        let mut rule = RuleResponse::new("r", RuleType::Validation, Status::Fail, "own");
        let mut words = |key: &str| {
            rule.properties.insert(key.to_owned(), key.to_owned());
            row(&by, &rule, 0).str_at(&["message"]).to_owned()
        };
        assert_eq!(words("warnMessage"), "own");
        assert_eq!(words("failMessage"), "failMessage");
        assert_eq!(words("message"), "message");
    }
}
