//! One rule of a `ClusterPolicy` or `Policy`.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::selection::MatchBlock;
use super::{FailureActionOverride, MatchCondition};
use crate::object::read::{field, read, whole};

/// A rule. Its body is the one of `validate`, `mutate`, `generate`, `verify_images` that is there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// Name, at most 63 characters.
    pub name: String,
    /// What it concerns.
    #[serde(rename = "match")]
    pub match_block: MatchBlock,
    /// What it does not concern, of what it matched.
    #[serde(rename = "exclude")]
    pub exclude_block: Option<MatchBlock>,
    /// Variables for the rest of the rule.
    pub context: Vec<ContextEntry>,
    /// `any`/`all` conditions, or a list (all).
    pub preconditions: Option<Value>,
    /// CEL preconditions of a `validate.cel` rule.
    pub cel_preconditions: Vec<MatchCondition>,
    /// Properties of report rows.
    pub report_properties: std::collections::BTreeMap<String, String>,
    /// Image extractors by kind.
    pub image_extractors: Option<Value>,
    /// Does not evaluate requests of the background controller itself; default true.
    pub skip_background_requests: Option<bool>,
    /// Checks a resource.
    pub validate: Option<Validation>,
    /// Changes a resource.
    pub mutate: Option<Mutation>,
    /// Makes resources.
    pub generate: Option<Generation>,
    /// Checks images.
    pub verify_images: Vec<Value>,
}

/// One entry of `context`. Exactly one source is set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContextEntry {
    /// The variable's name.
    pub name: String,
    /// A `ConfigMap` by name and namespace.
    pub config_map: Option<Value>,
    /// A call to the API server or to a service.
    pub api_call: Option<Value>,
    /// Facts about an image.
    pub image_registry: Option<Value>,
    /// A value, a JMESPath expression, a default.
    pub variable: Option<Value>,
    /// A `GlobalContextEntry`.
    pub global_reference: Option<Value>,
}

/// `validate`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Validation {
    /// `Audit` or `Enforce`; newer place than `spec.validationFailureAction`.
    pub failure_action: Option<String>,
    /// Overrides by namespace.
    pub failure_action_overrides: Vec<FailureActionOverride>,
    /// An UPDATE of an object that already violated is let through; default true.
    pub allow_existing_violations: Option<bool>,
    /// Shown to the user.
    pub message: String,
    /// Overlay pattern.
    pub pattern: Option<Value>,
    /// Alternatives of patterns.
    pub any_pattern: Option<Value>,
    /// Conditions under which to deny.
    pub deny: Option<Deny>,
    /// Lists whose elements are checked.
    pub foreach: Vec<ForEachValidation>,
    /// Pod Security Standards.
    pub pod_security: Option<Value>,
    /// CEL expressions.
    pub cel: Option<Value>,
    /// Signed manifests.
    pub manifests: Option<Value>,
    /// kyverno-json assertion; no effect since 1.19.
    #[serde(rename = "assert")]
    pub assertion: Option<Value>,
}

/// `validate.foreach[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ForEachValidation {
    /// A JMESPath expression that gives the elements.
    pub list: String,
    /// Whether patterns are laid over the element (default where it is a map) or over the object.
    pub element_scope: Option<bool>,
    /// Variables for each element.
    pub context: Vec<ContextEntry>,
    /// `any`/`all` conditions on each element.
    pub preconditions: Option<Value>,
    /// Overlay pattern.
    pub pattern: Option<Value>,
    /// Alternatives of patterns.
    pub any_pattern: Option<Value>,
    /// Conditions under which to deny.
    pub deny: Option<Deny>,
    /// Lists within the element.
    pub foreach: Vec<ForEachValidation>,
}

/// `validate.deny`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Deny {
    /// `any`/`all` conditions or a list (all); absent denies always.
    pub conditions: Option<Value>,
}

/// `mutate`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mutation {
    /// Evaluate when the policy changes, too.
    pub mutate_existing_on_policy_update: Option<bool>,
    /// Existing resources to change instead of the one of the request.
    pub targets: Vec<Value>,
    /// A strategic merge patch with anchors.
    pub patch_strategic_merge: Option<Value>,
    /// RFC 6902 operations as YAML or JSON text.
    #[serde(rename = "patchesJson6902")]
    pub patches_json6902: Option<String>,
    /// Lists whose elements are patched.
    pub foreach: Vec<Value>,
}

/// `generate`.
#[derive(Clone, Debug, Default)]
pub struct Generation {
    /// For triggers that exist already, too.
    pub generate_existing: Option<bool>,
    /// Keep what was generated as it should be.
    pub synchronize: bool,
    /// Keep what was generated when the policy goes.
    pub orphan_downstream_on_policy_delete: bool,
    /// What to make, once.
    pub pattern: GeneratePattern,
    /// What to make for each element of lists.
    pub foreach: Vec<Value>,
}

impl<'de> Deserialize<'de> for Generation {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        whole(from, |block| {
            Ok(Self {
                generate_existing: field(block, "generateExisting")?,
                synchronize: field(block, "synchronize")?,
                orphan_downstream_on_policy_delete: field(block, "orphanDownstreamOnPolicyDelete")?,
                pattern: read(block)?,
                foreach: field(block, "foreach")?,
            })
        })
    }
}

/// What one generate rule, or one element of its `foreach`, makes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GeneratePattern {
    /// Of the target.
    pub api_version: String,
    /// Of the target.
    pub kind: String,
    /// Of the target.
    pub name: String,
    /// Of the target.
    pub namespace: String,
    /// Its content.
    pub data: Option<Value>,
    /// Copy of one object.
    pub clone: Option<CloneSource>,
    /// Copies of many objects.
    pub clone_list: Option<CloneList>,
}

/// `generate.clone`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CloneSource {
    /// Of the source.
    pub namespace: String,
    /// Of the source.
    pub name: String,
}

/// `generate.cloneList`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CloneList {
    /// `version/Kind` or `group/version/Kind`.
    pub kinds: Vec<String>,
    /// Of the sources.
    pub namespace: String,
    /// Label selector of the sources.
    pub selector: Option<Value>,
}
