//! `PolicyException` of kyverno.io (v2, v2beta1).

use serde::Deserialize;
use serde_json::Value;

use super::selection::MatchBlock;
use crate::object::ObjectExt;

/// A classic exception.
#[derive(Clone, Debug, Default)]
pub struct PolicyException {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `spec`.
    pub spec: ExceptionSpec,
    /// The whole object.
    pub raw: Value,
}

impl PolicyException {
    /// Reads an exception from its object.
    ///
    /// # Errors
    /// The object has not the shape of its CRD; serde's words.
    pub fn read(object: &Value) -> Result<Self, String> {
        Ok(Self {
            name: object.name().to_owned(),
            namespace: object.namespace().to_owned(),
            spec: super::read_spec(object)?,
            raw: object.clone(),
        })
    }
}

/// `spec` of a [`PolicyException`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExceptionSpec {
    /// Also for the background scan; default true.
    pub background: Option<bool>,
    /// What it concerns.
    #[serde(rename = "match")]
    pub match_block: MatchBlock,
    /// `any`/`all` conditions on the JSON context.
    pub conditions: Option<Value>,
    /// Policies and rules it lifts.
    pub exceptions: Vec<ExceptionRef>,
    /// Pod-security controls it relaxes.
    pub pod_security: Vec<Value>,
}

/// `exceptions[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExceptionRef {
    /// `name` or `namespace/name`, exact.
    pub policy_name: String,
    /// Rule names with wildcards.
    pub rule_names: Vec<String>,
}
