//! What a run records: events with their causes, answers, log lines. The plain data of a timeline.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::eval::trace::TraceNode;
use crate::object::gvk::ObjectRef;
use crate::parse::span::Span;

/// Who does something. The order is that of the picture, left to right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lane {
    /// The user with kubectl.
    #[default]
    You,
    /// A GitOps controller that reconciles a repository.
    Gitops,
    /// kube-apiserver.
    ApiServer,
    /// Kyverno's mutating webhooks.
    Mutating,
    /// Kyverno's validating webhooks.
    Validating,
    /// What is stored.
    Etcd,
    /// The queue between admission and background controller.
    UpdateRequests,
    /// Kyverno's background controller.
    Background,
    /// Kyverno's reports controller.
    Reports,
    /// Kyverno's cleanup controller.
    Cleanup,
    /// Deployment controller, garbage collector and the like.
    Controllers,
}

/// The meaning that colour, glyph and word carry together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Something happens.
    #[default]
    Info,
    /// Refused or failed.
    Deny,
    /// Let through or stored.
    Allow,
    /// Generation.
    Generate,
    /// Mutation.
    Mutate,
    /// A warning.
    Warn,
}

/// One event of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Position in the timeline, from 1.
    pub seq: u32,
    /// Milliseconds of virtual time since the scenario's `now`.
    pub at: u64,
    /// Who acts.
    pub lane: Lane,
    /// To whom, where it is a message; absent for something within one lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Lane>,
    /// `seq` of the event that caused it; absent for what a user does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<u32>,
    /// Index of the scenario's step, from 0.
    pub step: usize,
    /// What happens, in kebab case: `request`, `admission-review`, `rule-fail`, `update-request-created`, `stored` …
    pub kind: String,
    /// Its meaning.
    pub tone: Tone,
    /// The object concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<ObjectRef>,
    /// One line for people.
    pub text: String,
    /// A name that survives edits: `denied:require-team/Namespace/bad-namespace`.
    pub anchor: String,
    /// The rest.
    #[serde(default, skip_serializing_if = "Detail::is_empty")]
    pub detail: Detail,
}

/// What an inspector shows of an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Detail {
    /// `name` or `namespace/name` of the policy concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Its rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Exact words: of a denial, an error, a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Admission warnings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The object before a write or a mutation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The object after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// `resourceVersion` of a write to etcd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// The UpdateRequest concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_request: Option<String>,
    /// Why: the decisions with their values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<TraceNode>,
    /// The places in the scenario's files that it comes from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<Source>,
    /// What a reader may want to know about this kind of event, in a sentence or two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Which file of Kyverno or Kubernetes does this: `pkg/webhooks/resource/handlers.go`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
}

impl Detail {
    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A place in a file of the scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// File name.
    pub file: String,
    /// Where.
    pub span: Span,
    /// What it is to the event: `policy`, `rule`, `cause`, `resource`.
    pub role: String,
}

/// The answer that a step's request got.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Index of the step.
    pub step: usize,
    /// The event of the answer.
    pub seq: u32,
    /// What was asked, as a command line: `kubectl create -f namespace.yaml`.
    pub request: String,
    /// The object asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<ObjectRef>,
    /// Whether the API server did it.
    pub allowed: bool,
    /// The exact text of the refusal as the API server sends it; `""` when allowed.
    pub message: String,
    /// Admission warnings.
    pub warnings: Vec<String>,
}

/// A line of a controller's log.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Milliseconds of virtual time.
    pub at: u64,
    /// The event it belongs to.
    pub seq: u32,
    /// `kyverno-admission-controller`, `kyverno-background-controller` …
    pub component: String,
    /// `ERR`, `INF`, `TRC` (shown at the chart's default verbosity 2), `V3`, `V4` (not shown by default).
    pub level: String,
    /// The line as printed.
    pub line: String,
    /// An expected line: one that alerting should ignore.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expected: bool,
}

/// An UpdateRequest over its whole life; it is usually gone at the end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateRequestRecord {
    /// Such as `ur-86s5k`.
    pub name: String,
    /// `generate`, `mutate`, `cel-generate`, `cel-mutate`.
    pub request_type: String,
    /// `spec.policy`.
    pub policy: String,
    /// The trigger.
    pub trigger: ObjectRef,
    /// The last state seen: `Pending`, `Failed`, `Completed`, `Skip`.
    pub state: String,
    /// The last `status.message`.
    pub message: String,
    /// `status.retryCount`.
    pub retry_count: u32,
    /// How often the background controller took it up.
    pub attempts: u32,
    /// Whether it still exists at the end.
    pub deleted: bool,
    /// Event of its creation.
    pub created: u32,
}
