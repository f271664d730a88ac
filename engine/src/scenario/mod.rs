//! The Scenario: files, steps and expectations in one versioned document.

pub mod advice;
pub mod alerts;
pub mod assertion;
pub mod chainsaw;
pub mod diagnose;
pub mod exchange;
pub mod expect;
mod expressions;
pub mod files;
pub mod kubectl;
pub mod kyverno_test;
mod mapping;
mod places;
pub mod plan;
pub mod races;
mod read;
pub mod report;
mod run;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::eval::request::UserInfo;

pub use run::{simulate, simulate_with};

/// `apiVersion` of the documents this version writes.
pub const API_VERSION: &str = "stepgate.dev/v1";

/// A scenario document, version 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scenario {
    /// [`API_VERSION`].
    pub api_version: String,
    /// `Scenario`.
    pub kind: String,
    /// One line.
    pub title: String,
    /// What to look at, in a sentence or two.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Behaviour profile: `1.15`, `1.18`, `1.19`; empty is the newest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kyverno: String,
    /// Kubernetes version; empty is the newest.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kubernetes: String,
    /// Virtual time at the start, RFC 3339; empty is 2026-01-01T00:00:00Z.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub now: String,
    /// What the editor shows, in order; the kind of a document decides what it is, never its file name.
    pub files: IndexMap<String, String>,
    /// Files whose objects are there already, not admitted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster: Vec<String>,
    /// What the outside would answer.
    #[serde(skip_serializing_if = "Mocks::is_empty")]
    pub mocks: Mocks,
    /// The Kyverno ConfigMap and flags.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub config: Value,
    /// A repository that a GitOps controller reconciles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gitops: Option<GitOps>,
    /// What happens; absent: apply every policy, then every other file, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Documents that are switched off, as `Kind/name` or `Kind/namespace/name`: kept, but left out of the run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub off: Vec<String>,
    /// Checks on the run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Value>,
    /// Notes shown at events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// How to open it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
}

/// Answers of the outside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mocks {
    /// `kyverno test`'s `apiCallResponses`: `{urlPath|url, method, response: {statusCode, body}}`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_calls: Vec<Value>,
    /// `kyverno test`'s `globalContextEntries`: `{name, data|resources, projections}`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub global_context: Vec<Value>,
    /// Image facts: `{image, manifest, configData, digest, signedBy: […], attestations: […]}`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Value>,
    /// CEL `http` answers, as `apiCalls`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<Value>,
}

impl Mocks {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A repository of manifests that a GitOps controller reconciles, as Argo CD and Flux do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GitOps {
    /// The application: the value of the label `app.kubernetes.io/instance` on everything that comes from the repository.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The interval, a Go duration of a minute or more; empty is 3m.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub every: String,
    /// Files that are in the repository at the start.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Delete what left the repository.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub prune: bool,
    /// Correct drift, too, and not only what a commit changes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub self_heal: bool,
    /// Who asks the API server; absent is Argo CD's service account.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub user: Option<UserInfo>,
}

/// One step: a verb with its argument, and who does it. The verbs are Chainsaw's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Step {
    /// Create or merge every document of a file, or an inline object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply: Option<Value>,
    /// Create; fails where the object exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create: Option<Value>,
    /// Replace; fails where the object does not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update: Option<Value>,
    /// Merge patch of an existing object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<Value>,
    /// Delete by file or by `{apiVersion, kind, name, namespace}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delete: Option<Value>,
    /// Commits a file or an object to the repository of [`Scenario::gitops`], or removes one: `{remove: …}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Value>,
    /// Advances the virtual clock: a Go duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sleep: Option<String>,
    /// A partial object, or a file of them, that must be stored within the timeout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assert: Option<Value>,
    /// A partial object, or a file of them, that must not be stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// The name that the step has in the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who does it; absent is the cluster administrator.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub user: Option<UserInfo>,
    /// Server-side dry run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Switched off: kept, but not run.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub off: bool,
}

/// A note shown at an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// Anchor of the event.
    pub at: String,
    /// Markdown.
    pub text: String,
}

/// How to open a scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// Panes to show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub panes: Vec<String>,
    /// Anchor to land on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// File to open.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub open: String,
}
