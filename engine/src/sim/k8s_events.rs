//! Kubernetes Events and log lines as Kyverno's controllers write them. Follows `pkg/event` and `pkg/logging`.

use serde_json::{Value, json};

use super::Cluster;
use super::config::KYVERNO_NAMESPACE;
use crate::object::ObjectExt;
use crate::object::order;
use crate::policy::ClassicPolicy;

/// The group that Events are kept under; the core group shows the same objects.
pub(crate) const GROUP: &str = "events.k8s.io";
/// How `v1` names the fields of `events.k8s.io/v1` (`pkg/apis/events/v1/conversion.go` of Kubernetes).
const CORE_NAMES: [(&str, &str); 7] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

/// The longest note of an Event; a longer one ends in `...`.
const MAX_NOTE: usize = 1024;

/// What an Event says.
#[derive(Clone, Debug)]
pub struct Fact {
    /// `kyverno-admission`, `kyverno-scan`, `kyverno-generate`, `kyverno-mutate`, `kyverno-cleanup`.
    pub source: &'static str,
    /// `PolicyViolation`, `PolicyApplied`, `PolicyError`, `PolicySkipped`.
    pub reason: &'static str,
    /// `Resource Blocked`, `Resource Passed`, `Resource Generated`, `Resource Mutated`, `Resource Cleaned Up`, `None`.
    pub action: &'static str,
    /// The note.
    pub message: String,
}

/// What an Event is about.
pub enum Subject<'a> {
    /// A classic policy.
    Policy(&'a ClassicPolicy),
    /// Any object.
    Object(&'a Value),
}

impl Cluster {
    /// Writes an Event, unless its reason is omitted or it has nothing to be about.
    pub(crate) fn emit(&mut self, fact: Fact, about: &Subject<'_>, related: Option<&Value>) {
        let success = fact.reason == "PolicyApplied" || fact.reason == "PolicySkipped";
        let applied = fact.reason == "PolicyApplied";
        let actions = &self.config.success_event_actions;
        let chosen = actions.is_empty() || actions.iter().any(|action| action == fact.action);
        let wanted = !applied || (self.config.generate_success_events && chosen);
        if !wanted || self.config.omit_events.iter().any(|reason| reason == fact.reason) {
            return;
        }
        let regarding = match about {
            Subject::Policy(policy) => reference(&policy.raw),
            Subject::Object(object) => reference(object),
        };
        let name = regarding.str_at(&["name"]).to_owned();
        if name.is_empty() {
            return;
        }
        let namespace = match regarding.str_at(&["namespace"]) {
            "" => "default".to_owned(),
            namespace => namespace.to_owned(),
        };
        let mut message = fact.message;
        if message.chars().count() > MAX_NOTE {
            message = message.chars().take(MAX_NOTE - 3).collect::<String>() + "...";
        }
        let (seconds, nanos) = self.clock.unix();
        let stamp = i128::from(seconds) * 1_000_000_000 + i128::from(nanos) + i128::from(self.names.tick());
        let time = self.clock.rfc3339_micros();
        let mut event = json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": format!("{name}.{stamp:x}"), "namespace": namespace, "creationTimestamp": self.clock.rfc3339()},
            "type": if success { "Normal" } else { "Warning" },
            "reason": fact.reason,
            "action": fact.action,
            "note": message,
            "regarding": regarding,
            "reportingController": fact.source,
            "reportingInstance": format!("{}-{}", fact.source, pod_suffix(fact.source)),
            "eventTime": time,
        });
        if let Some(related) = related {
            event.set_at(&["related"], reference(related));
        }
        self.store.put(event, true);
    }

    /// All Events, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let mut events: Vec<Value> = self.store.of_kind(GROUP, "Event").map(|event| in_group(event, GROUP)).collect();
        let order = |event: &Value| event.str_at(&["metadata", "resourceVersion"]).parse::<u64>().unwrap_or(0);
        order::sort_by_key(&mut events, order);
        events
    }

    /// Writes a log line in zerolog's console format.
    #[allow(clippy::too_many_arguments, reason = "each is a column of the line")]
    pub(crate) fn log_line(
        &mut self,
        component: &str,
        level: &str,
        place: &str,
        line: u32,
        text: &str,
        seq: u32,
        expected: bool,
    ) {
        let time = self.clock.rfc3339();
        let shown = if level.starts_with('V') { "TRC" } else { level };
        let text = format!("{time} {shown} {place}:{line} > {text}");
        self.journal.log(self.clock.now(), seq, component, level, text, expected);
    }
}

/// An Event as one of the two groups that serve it shows it.
#[must_use]
pub fn in_group(event: &Value, group: &str) -> Value {
    let mut event = event.clone();
    let core = group.is_empty();
    if event.gvk().group == group {
        return event;
    }
    for (new, old) in CORE_NAMES {
        let (from, to) = if core { (new, old) } else { (old, new) };
        if let Some(value) = event.remove_at(&[from]) {
            event.set_at(&[to], value);
        }
    }
    if core && event.get("source").is_none() {
        let component = event.str_at(&["reportingComponent"]).to_owned();
        event.set_at(&["source"], json!({"component": component}));
    }
    event.set_at(&["apiVersion"], json!(if core { "v1" } else { "events.k8s.io/v1" }));
    event
}

/// The hash that a Deployment's pod name ends with; the same in every run.
fn pod_suffix(source: &str) -> String {
    format!("{KYVERNO_NAMESPACE}-{}", source.len())
}

fn reference(object: &Value) -> Value {
    let mut reference = json!({"apiVersion": object.api_version(), "kind": object.kind(), "name": object.name()});
    for (key, value) in [("namespace", object.namespace()), ("uid", object.uid())] {
        if !value.is_empty() {
            reference.set_at(&[key], Value::String(value.to_owned()));
        }
    }
    reference
}
