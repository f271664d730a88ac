//! Kubernetes Events and log lines as Kyverno's controllers write them. Follows `pkg/event` and `pkg/logging`.

use serde_json::{Value, json};

use super::Cluster;
use super::config::KYVERNO_NAMESPACE;
use crate::object::ObjectExt;
use crate::policy::ClassicPolicy;

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
        let wanted = self.config.generate_success_events || fact.reason != "PolicyApplied";
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
        let mut events: Vec<Value> = self.store.of_kind("events.k8s.io", "Event").cloned().collect();
        let order = |event: &Value| event.str_at(&["metadata", "resourceVersion"]).parse::<u64>().unwrap_or(0);
        events.sort_by_key(order);
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
