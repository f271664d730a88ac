//! The cleanup controller: `CleanupPolicy`, `DeletingPolicy` and their namespaces' kinds on their cron schedules.
//! Follows `pkg/controllers/{cleanup,deleting}/controller.go`.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use croner::parser::{CronParser, Seconds, Year};
use serde_json::{Value, json};

use super::api_server::{ApiRequest, Verb};
use super::cel_admission::managed;
use super::config::CLEANUP_USER;
use super::journal::{Lane, Tone};
use super::k8s_events::{Fact, Subject};
use super::recorder::note;
use super::store::{Key, reference};
use super::{Cluster, HOP, Task};
use crate::eval::cel::deleting;
use crate::eval::request::AdmissionRequest;
use crate::eval::trace::TraceNode;
use crate::eval::verdict::Status;
use crate::eval::view::View as _;
use crate::eval::{EvalCx, Mode, cleanup};
use crate::object::ObjectExt;
use crate::object::duration::Duration;
use crate::object::time::Time;
use crate::policy::cleanup::CleanupPolicy;
use crate::policy::deleting::DeletingPolicy;

/// How often the work queue takes a policy up again after an error.
const MAX_RETRIES: u32 = 10;
const COMPONENT: &str = "kyverno-cleanup-controller";

/// Whether an object is a policy with a schedule.
pub(super) fn is_scheduled(object: &Value) -> bool {
    matches!(
        (object.gvk().group.as_str(), object.kind()),
        ("kyverno.io", "ClusterCleanupPolicy" | "CleanupPolicy")
            | ("policies.kyverno.io", "DeletingPolicy" | "NamespacedDeletingPolicy")
    )
}

/// What one run of a policy deletes.
struct Found {
    objects: Vec<Value>,
    errors: Vec<String>,
    trace: Vec<TraceNode>,
    propagation: Option<String>,
}

impl Cluster {
    /// Plans the next execution of a policy that was written.
    pub(super) fn plan_cleanup(&mut self, policy: &Value, cause: u32) {
        let key = Key::of(policy);
        self.queue.take_if(|task| matches!(task, Task::Cleanup { key: other, .. } if *other == key));
        let last = [["status", "lastExecutionTime"], ["metadata", "creationTimestamp"]]
            .iter()
            .find_map(|path| Time::parse_rfc3339(policy.str_at(path)).ok())
            .map_or(self.clock.unix().0, |time| time.seconds);
        let schedule = policy.str_at(&["spec", "schedule"]);
        let Some(next) = next_execution(schedule, last) else {
            let text = format!("the schedule {schedule:?} of {} has no next time", policy.name());
            self.record(note(Lane::Cleanup, "no-schedule", text).cause((cause > 0).then_some(cause)).tone(Tone::Warn));
            return;
        };
        let at = self.clock.at_unix(next).max(self.clock.now() + HOP);
        self.queue.push(at, Task::Cleanup { key, retries: 0 });
    }

    /// Runs a cleanup policy.
    pub(super) fn cleanup(&mut self, key: &Key, retries: u32) {
        let Some(raw) = self.store.get(key).cloned() else { return };
        let deleting = key.group == "policies.kyverno.io";
        let found = if deleting { self.deleting_selects(&raw) } else { self.cleanup_selects(&raw) };
        let found = match found {
            Ok(found) => found,
            Err(problem) => {
                let text = format!("{} {} cannot run", raw.kind(), raw.name());
                let failed = note(Lane::Cleanup, "cleanup-failed", text).message(problem).tone(Tone::Deny);
                self.record(failed.subject(reference(&raw)));
                return;
            }
        };
        let text = match found.objects.len() {
            1 => format!("{} {} runs: 1 object matches", raw.kind(), raw.name()),
            count => format!("{} {} runs: {count} objects match", raw.kind(), raw.name()),
        };
        let seq = self.record(
            note(Lane::Cleanup, "cleanup", text)
                .subject(reference(&raw))
                .policy(&super::policy_events::key_of(&raw), "")
                .trace(found.trace)
                .upstream(if deleting {
                    "pkg/controllers/deleting/controller.go"
                } else {
                    "pkg/controllers/cleanup/controller.go"
                }),
        );
        let mut errors = found.errors;
        for object in found.objects {
            errors.extend(self.clean_up(&raw, &object, found.propagation.clone(), seq));
        }
        if !errors.is_empty() && retries < MAX_RETRIES {
            let joined = errors.join("; ");
            let again = note(Lane::Cleanup, "cleanup-failed", format!("{} {} failed", raw.kind(), raw.name()));
            self.record(again.cause(Some(seq)).message(joined).tone(Tone::Deny).subject(reference(&raw)));
            let delay = 5_u64 << retries;
            self.queue.push(self.clock.now() + delay, Task::Cleanup { key: key.clone(), retries: retries + 1 });
            return;
        }
        if errors.is_empty() {
            self.cleanup_done(key, deleting, seq);
        }
    }

    fn clean_up(&mut self, policy: &Value, object: &Value, propagation: Option<String>, seq: u32) -> Option<String> {
        let deleting = policy.gvk().group == "policies.kyverno.io";
        let (controller, line) = match (deleting, self.behaviour.name) {
            (true, "1.15") => ("deleting", 239),
            (true, _) => ("deleting", 238),
            (false, "1.15") => ("cleanup", 337),
            (false, _) => ("cleanup", 298),
        };
        let place = format!("github.com/kyverno/kyverno/pkg/controllers/{controller}/controller.go");
        let text = format!(
            "resource matched, it will be deleted... logger={controller}-controller name={} namespace={}",
            object.name(),
            object.namespace()
        );
        self.log_line(COMPONENT, "INF", &place, line, &text, seq, false);
        let mut request = ApiRequest::about(Verb::Delete, object).by(CLEANUP_USER, Lane::Cleanup, Some(seq));
        request.propagation = propagation;
        let error = match self.request(request).result {
            Err(error) if error.is_not_found() => return None,
            Err(error) => Some(error.message),
            Ok(_) => None,
        };
        let target = format!("{}/{}/{}", object.kind(), object.namespace(), object.name());
        let (done, undone) = if deleting { ("deleted", "delete") } else { ("cleaned up", "clean up") };
        let fact = match &error {
            None => Fact {
                source: "kyverno-cleanup",
                reason: "PolicyApplied",
                action: "Resource Cleaned Up",
                message: format!("successfully {done} the target resource {target}"),
            },
            Some(error) => Fact {
                source: "kyverno-cleanup",
                reason: "PolicyError",
                action: "None",
                message: format!("failed to {undone} the target resource {target}: {error}"),
            },
        };
        self.emit(fact, &Subject::Object(policy), Some(object));
        error
    }

    /// Writes the time into the status and plans the next run.
    fn cleanup_done(&mut self, key: &Key, deleting: bool, cause: u32) {
        let Some(mut raw) = self.store.get(key).cloned() else { return };
        let time = Value::String(self.clock.rfc3339());
        if deleting {
            raw.set_at(&["status"], json!({}));
        }
        raw.set_at(&["status", "lastExecutionTime"], time);
        self.store.put(raw, false);
        if let Some(stored) = self.store.get(key).cloned() {
            self.plan_cleanup(&stored, cause);
        }
    }

    fn cleanup_selects(&self, raw: &Value) -> Result<Found, String> {
        let policy = CleanupPolicy::read(raw.clone()).map_err(|problem| problem.message)?;
        let selected = cleanup::select(&policy, self, self.behaviour.profile, true);
        let mut objects = selected.objects;
        objects.retain(|object| !self.cleanup_filtered(object));
        let propagation = policy.spec.deletion_propagation_policy.clone();
        Ok(Found { objects, errors: selected.errors, trace: selected.trace, propagation })
    }

    fn deleting_selects(&self, raw: &Value) -> Result<Found, String> {
        let policy = DeletingPolicy::from_value(raw)?;
        let compiled = deleting::Compiled::new(&policy).map_err(|problem| problem.to_string())?;
        let mut found = Found {
            objects: Vec::new(),
            errors: Vec::new(),
            trace: Vec::new(),
            propagation: policy.spec.deletion_propagation_policy.clone(),
        };
        for object in self.constrained(policy.spec.match_constraints.as_ref()) {
            let review = self.existing_review(&object);
            if self.cleanup_filtered(&object) {
                continue;
            }
            let cx = EvalCx {
                request: &review,
                view: self,
                exceptions: &[],
                profile: self.behaviour.profile,
                mode: Mode::Background,
                trace: true,
            };
            let verdict = compiled.evaluate(&cx, &self.policies.cel_exceptions);
            found.trace.extend(verdict.trace);
            for response in verdict.rules {
                match response.status {
                    Status::Pass => found.objects.push(object.clone()),
                    Status::Error => found.errors.push(response.message),
                    _ => {}
                }
            }
        }
        Ok(found)
    }

    /// The stored objects of the kinds that match constraints name.
    pub(super) fn constrained(&self, constraints: Option<&crate::policy::constraints::MatchResources>) -> Vec<Value> {
        let Some(constraints) = constraints else { return Vec::new() };
        let fits = |list: &[String], word: &str| list.iter().any(|one| one == "*" || one == word);
        let mut seen = BTreeSet::new();
        let mut objects = Vec::new();
        for rule in &constraints.resource_rules {
            for (key, entry) in self.store.iter() {
                let review = self.existing_review(&entry.object);
                let gvr = &review.resource;
                let named = fits(&rule.api_groups, &gvr.group) && fits(&rule.resources, &gvr.resource);
                if named && seen.insert(key.clone()) {
                    let version = rule.api_versions.first().filter(|version| *version != "*");
                    let mut gvk = entry.object.gvk();
                    if let Some(version) = version {
                        gvk.version.clone_from(version);
                    }
                    objects.extend(self.get(&gvk, &key.namespace, &key.name));
                }
            }
        }
        objects
    }

    /// `resourceFilters`, with the kind in the place of the subresource: filters of plain kinds do not hit. What is protected
    /// from everybody else is from the controller, too.
    fn cleanup_filtered(&self, object: &Value) -> bool {
        if self.config.protect_managed_resources && managed(object) {
            return true;
        }
        let mut review: AdmissionRequest = self.existing_review(object);
        object.kind().clone_into(&mut review.subresource);
        object.name().clone_into(&mut review.name);
        self.filtered(&review).is_some()
    }
}

/// The next time of a schedule after a Unix time, in UTC. Five fields, or seven as `cronexpr` has them, or a descriptor.
fn next_execution(schedule: &str, after: i64) -> Option<i64> {
    let schedule = match schedule.trim() {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        other => other,
    };
    if let Some(every) = schedule.strip_prefix("@every ") {
        let Duration(nanos) = Duration::parse(every).ok()?;
        return Some(after + (nanos / 1_000_000_000).max(1));
    }
    // A sixth field is the year, not the second.
    let fields = schedule.split_whitespace().count();
    let schedule = if fields == 6 { format!("0 {schedule}") } else { schedule.to_owned() };
    let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Optional).build();
    let cron = parser.parse(&schedule).ok()?;
    let after: DateTime<Utc> = DateTime::from_timestamp(after, 0)?;
    cron.find_next_occurrence(&after, false).ok().map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::next_execution;

    #[test]
    fn schedules() {
        // 2026-01-01T00:00:30Z
        let after = 1_767_225_630;
        let next = |schedule: &str| next_execution(schedule, after).map(|time| time - after);
        assert_eq!(next("*/1 * * * *"), Some(30));
        assert_eq!(next("@hourly"), Some(3570));
        assert_eq!(next("@every 90s"), Some(90));
        assert_eq!(next("0 0 2 1 *"), Some(86_370));
        assert_eq!(next("*/15 * * * * * *"), Some(15));
        assert_eq!(next("nonsense"), None);
    }
}
