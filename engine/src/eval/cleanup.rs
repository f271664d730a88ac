//! What a cleanup policy deletes, and when a TTL label deletes its object
//! (`pkg/controllers/cleanup/controller.go`, `pkg/controllers/ttl/utils.go`).

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::matching::{self, Candidate, Requester};
use super::request::{AdmissionRequest, Operation, UserInfo};
use super::trace::{Outcome, Trace, TraceNode};
use super::view::View;
use super::{EvalCx, Mode, Profile, conditions, context};
use crate::expr::context::JsonContext;
use crate::expr::jmespath::Env;
use crate::object::ObjectExt;
use crate::object::duration::Duration;
use crate::object::gvk::{Gvk, KindSelector};
use crate::object::image;
use crate::object::order;
use crate::object::time::Time;
use crate::policy::ClassicPolicy;
use crate::policy::cleanup::CleanupPolicy;

/// The label that says how long an object lives.
pub const TTL_LABEL: &str = "cleanup.kyverno.io/ttl";

/// What one run of a cleanup policy finds.
#[derive(Clone, Debug, Default)]
pub struct Selected {
    /// What is to be deleted, in the order in which it is found.
    pub objects: Vec<Value>,
    /// What could not be decided, in words; the objects concerned are kept.
    pub errors: Vec<String>,
    /// One node for each object that was looked at.
    pub trace: Vec<TraceNode>,
}

/// The objects that a cleanup policy deletes now. `resourceFilters` of the configuration are the caller's.
#[must_use]
pub fn select(policy: &CleanupPolicy, view: &dyn View, profile: Profile, trace: bool) -> Selected {
    let request = AdmissionRequest::default();
    let owner = ClassicPolicy::default();
    let cx = EvalCx { request: &request, view, exceptions: &[], profile, mode: Mode::Background, trace };
    let mut json = JsonContext::new(json!({})).with_env(Env::new(view.now(), 0));
    let mut out = Selected::default();
    if let Err(error) = context::register(cx, &owner, "", &policy.spec.context, &mut json) {
        out.errors.push(error);
        return out;
    }
    let mut record = if trace { Trace::on() } else { Trace::off() };
    for kind in kinds(policy) {
        let selector = KindSelector::parse(&kind);
        let gvk = Gvk { group: selector.group, version: selector.version, kind: selector.kind };
        let namespace = Some(policy.namespace.as_str()).filter(|namespace| !namespace.is_empty());
        for object in view.list(&gvk, namespace) {
            record.open(|| {
                let found = [object.kind(), object.namespace(), object.name()];
                let words: Vec<&str> = found.into_iter().filter(|part| !part.is_empty()).collect();
                TraceNode::new("cleanup", Outcome::Info, words.join("/"))
            });
            let selected = concerns(policy, &object, view, &mut json, &mut record);
            record.close(match &selected {
                Ok(true) => Outcome::Yes,
                Ok(false) => Outcome::No,
                Err(_) => Outcome::Error,
            });
            match selected {
                Ok(true) => out.objects.push(object),
                Ok(false) => {}
                Err(error) => out.errors.push(error),
            }
        }
    }
    out.trace = record.finish();
    out
}

/// The kinds of `match`, each once, in order.
fn kinds(policy: &CleanupPolicy) -> BTreeSet<String> {
    let block = &policy.spec.match_block;
    let filters = block.any.iter().chain(&block.all).chain([&block.direct]);
    order::set(filters.flat_map(|filter| &filter.resources.kinds).cloned())
}

/// Whether a cleanup policy deletes an object, if its schedule says so now.
///
/// # Errors
/// The context or a condition cannot be evaluated.
pub fn would_delete(policy: &CleanupPolicy, object: &Value, view: &dyn View) -> Result<bool, String> {
    let (request, owner) = (AdmissionRequest::default(), ClassicPolicy::default());
    let profile = Profile::V1_19;
    let cx = EvalCx { request: &request, view, exceptions: &[], profile, mode: Mode::Background, trace: false };
    let mut json = JsonContext::new(json!({})).with_env(Env::new(view.now(), 0));
    context::register(cx, &owner, "", &policy.spec.context, &mut json)?;
    concerns(policy, object, view, &mut json, &mut Trace::off())
}

fn concerns(
    policy: &CleanupPolicy,
    object: &Value,
    view: &dyn View,
    json: &mut JsonContext<'_>,
    trace: &mut Trace,
) -> Result<bool, String> {
    if !policy.namespace.is_empty() && policy.namespace != object.namespace() {
        return Ok(false);
    }
    // Nobody asks: clauses about users never hold.
    let nobody = UserInfo::default();
    let candidate = Candidate {
        resource: object,
        gvk: &object.gvk(),
        subresource: "",
        operation: Operation::Delete,
        requester: Some(Requester { user: &nobody, roles: &[], cluster_roles: &[] }),
        view,
    };
    let spec = &policy.spec;
    if !matching::plain_matches(&spec.match_block, &candidate, false, "/spec/match", trace) {
        return Ok(false);
    }
    if let Some(exclude) = &spec.exclude_block {
        // A block without filters has nothing to object to, and so excludes everything.
        let empty = exclude.any.is_empty() && exclude.all.is_empty();
        if empty || matching::plain_matches(exclude, &candidate, false, "/spec/exclude", trace) {
            return Ok(false);
        }
    }
    let Some(conditions) = &spec.conditions else { return Ok(true) };
    json.checkpoint();
    json.set_target(object.clone());
    json.add(&["request", "namespace"], json!(object.namespace()));
    let holds =
        images(object, json).and_then(|()| conditions::evaluate_v2(json, conditions, "/spec/conditions", trace));
    json.restore();
    holds
}

fn images(object: &Value, json: &mut JsonContext<'_>) -> Result<(), String> {
    let images = image::images_of(object)?;
    if images.as_object().is_some_and(|images| !images.is_empty()) {
        json.add_json(Value::Object(Map::from_iter([("images".to_owned(), images)])));
    }
    Ok(())
}

/// When the TTL label of an object deletes it; `None` without the label.
///
/// # Errors
/// The label is no duration (`1h`, `2d`, `1w`), no `2006-01-02T150405Z` and no date; Kyverno ignores it then.
#[must_use]
pub fn deletion_time(object: &Value) -> Option<Result<Time, String>> {
    let value = object.labels().get(TTL_LABEL)?.clone();
    Some(match ttl(&value) {
        Some(Duration(nanos)) => {
            // Without a creation time it is Go's zero time.
            let created = Time::parse_rfc3339(object.str_at(&["metadata", "creationTimestamp"]));
            let created = created.unwrap_or_else(|_| Time::utc(-62_135_596_800, 0));
            Ok(later(&created, nanos))
        }
        None => Time::parse("2006-01-02T150405Z", &value).or_else(|_| Time::parse("2006-01-02", &value)),
    })
}

fn later(time: &Time, nanos: i64) -> Time {
    const SECOND: i64 = 1_000_000_000;
    let nanos = i64::from(time.nanos) + nanos.rem_euclid(SECOND) + nanos.div_euclid(SECOND) * SECOND;
    let seconds = time.seconds.saturating_add(nanos.div_euclid(SECOND));
    Time::utc(seconds, u32::try_from(nanos.rem_euclid(SECOND)).unwrap_or_default())
}

/// A Go duration, or numbers with units up to weeks (`ParseDuration` of `strfmt`).
fn ttl(text: &str) -> Option<Duration> {
    static PARTS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(\d+)\s*([A-Za-zµ]+)").ok());
    /// Each with its names; anything that begins with the last one counts, too.
    const UNITS: [(&[&str], i64); 8] = [
        (&["ns", "nano"], 1),
        (&["us", "µs", "micro"], 1_000),
        (&["ms", "milli"], 1_000_000),
        (&["s", "sec"], 1_000_000_000),
        (&["m", "min"], 60_000_000_000),
        (&["h", "hr", "hour"], 3_600_000_000_000),
        (&["d", "day"], 86_400_000_000_000),
        (&["w", "week", "wk"], 604_800_000_000_000),
    ];
    if let Ok(duration) = Duration::parse(text) {
        return Some(duration);
    }
    let mut total: Option<i64> = None;
    for part in PARTS.as_ref()?.captures_iter(text) {
        let factor: i64 = part.get(1)?.as_str().parse().ok()?;
        let unit = part.get(2)?.as_str().to_lowercase();
        for (names, nanos) in UNITS {
            let last = names.last().is_some_and(|last| unit.starts_with(last));
            if last || names.contains(&unit.as_str()) {
                total = Some(total.unwrap_or_default().saturating_add(factor.saturating_mul(nanos)));
            }
        }
    }
    total.map(Duration)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::fixture::Cluster;

    fn config(namespace: &str, name: &str, age: i64) -> Value {
        let metadata = json!({ "name": name, "namespace": namespace, "labels": { "age": age.to_string() } });
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { "age": age } })
    }

    /// The names that a policy deletes, and its errors.
    fn deleted(kind: &str, spec: Value) -> String {
        let mut spec = spec;
        spec["match"] = json!({ "any": [{ "resources": { "kinds": ["ConfigMap"] } }] });
        let metadata = json!({ "name": "p", "namespace": "ns" });
        let policy = CleanupPolicy::read(json!({ "kind": kind, "metadata": metadata, "spec": spec })).unwrap();
        let objects = vec![config("ns", "old", 9), config("ns", "new", 1), config("other", "old", 9)];
        let selected = select(&policy, &Cluster { objects, ..Cluster::default() }, Profile::V1_19, true);
        let names = selected.objects.iter().map(|object| format!("{}/{}", object.namespace(), object.name()));
        names.chain(selected.errors).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn cleanup_policies() {
        assert_eq!(deleted("ClusterCleanupPolicy", json!({})), "ns/old ns/new other/old");
        assert_eq!(deleted("CleanupPolicy", json!({})), "ns/old ns/new");
        let old = json!({ "all": [{ "key": "{{ target.data.age }}", "operator": "GreaterThan", "value": 5 }] });
        assert_eq!(deleted("ClusterCleanupPolicy", json!({ "conditions": old })), "ns/old other/old");
        let here =
            json!({ "all": [{ "key": "{{ request.namespace }}", "operator": "Equals", "value": "{{ wanted }}" }] });
        let context = json!([{ "name": "wanted", "variable": { "value": "other" } }]);
        assert_eq!(deleted("ClusterCleanupPolicy", json!({ "conditions": here, "context": context })), "other/old");
        let exclude = json!({ "any": [{ "resources": { "names": ["n*"], "kinds": ["ConfigMap"] } }] });
        assert_eq!(deleted("CleanupPolicy", json!({ "exclude": exclude })), "ns/old");
        assert_eq!(deleted("CleanupPolicy", json!({ "exclude": {} })), "");
    }

    fn expires(label: &str) -> String {
        let metadata = json!({ "creationTimestamp": "2026-01-01T00:00:00Z", "labels": { TTL_LABEL: label } });
        match deletion_time(&json!({ "metadata": metadata })).unwrap() {
            Ok(time) => time.rfc3339(),
            Err(_) => "never".to_owned(),
        }
    }

    #[test]
    fn ttl_labels() {
        assert_eq!(expires("1h"), "2026-01-01T01:00:00Z");
        assert_eq!(expires("1h30m"), "2026-01-01T01:30:00Z");
        assert_eq!(expires("2d"), "2026-01-03T00:00:00Z");
        assert_eq!(expires("1w"), "2026-01-08T00:00:00Z");
        assert_eq!(expires("5minutes"), "2026-01-01T00:05:00Z");
        assert_eq!(expires("2026-02-03"), "2026-02-03T00:00:00Z");
        assert_eq!(expires("2026-02-03T040506Z"), "2026-02-03T04:05:06Z");
        assert_eq!(expires("soon"), "never");
        assert!(deletion_time(&json!({})).is_none());
    }
}
