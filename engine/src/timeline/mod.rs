//! The whole run as data: events, answers, logs, and what is stored at the end.

pub mod query;
pub mod text;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diagnostic::Diagnostic;
pub use crate::sim::ChoicePoint;
pub use crate::sim::journal::{Detail, Event, Lane, LogLine, Response, Source, Tone, UpdateRequestRecord};

/// The version of the JSON contract.
pub const VERSION: u32 = 1;

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Timeline {
    /// [`VERSION`].
    pub version: u32,
    /// The scenario's title.
    pub title: String,
    /// Behaviour profile, such as `1.19`.
    pub kyverno: String,
    /// Kubernetes version, such as `1.34`.
    pub kubernetes: String,
    /// RFC 3339 time of `at` 0.
    pub now: String,
    /// One line per step.
    pub steps: Vec<StepLine>,
    /// Everything that happened, in order.
    pub events: Vec<Event>,
    /// What the API server answered to each request of a step.
    pub responses: Vec<Response>,
    /// Log lines of Kyverno's controllers.
    pub logs: Vec<LogLine>,
    /// Kubernetes Events as stored at the end (events.k8s.io/v1).
    pub k8s_events: Vec<Value>,
    /// Every UpdateRequest that ever was.
    pub update_requests: Vec<UpdateRequestRecord>,
    /// Objects as stored at the end, in order of creation.
    pub cluster: Vec<Value>,
    /// Whether each `expect` holds.
    pub checks: Vec<CheckResult>,
    /// What is wrong with the scenario's documents.
    pub diagnostics: Vec<Diagnostic>,
    /// The policies of the scenario's files.
    pub policies: Vec<PolicyLine>,
    /// Where the order of concurrent work was free, and what was chosen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ChoicePoint>,
    /// Why the run was cut short, when it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// One step of the scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StepLine {
    /// Index, from 0.
    pub index: usize,
    /// As a person would type it: `kubectl apply -f namespace.yaml`.
    pub text: String,
    /// First event.
    pub first: u32,
    /// Last event.
    pub last: u32,
    /// `false` where a request of it was refused, or an assertion failed.
    pub ok: bool,
}

/// One policy or exception of the scenario's files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyLine {
    /// Its kind.
    pub kind: String,
    /// `name` or `namespace/name`: as `detail.policy` of events.
    pub key: String,
    /// As the scenario's `off` names it.
    pub id: String,
    /// Where it is written.
    pub source: Source,
    /// Whether it is switched off.
    pub off: bool,
}

/// One expectation and its evidence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CheckResult {
    /// Its words.
    pub text: String,
    /// Whether it holds.
    pub ok: bool,
    /// Why not, or what proves it.
    pub reason: String,
    /// Anchor of the event that proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
}
