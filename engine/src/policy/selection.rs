//! `match` and `exclude` blocks.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::object::read::{field, read, whole};

/// A `match` or `exclude` block: `any`, `all`, or (deprecated) the filter written directly.
#[derive(Clone, Debug, Default)]
pub struct MatchBlock {
    /// One must match.
    pub any: Vec<ResourceFilter>,
    /// All must match.
    pub all: Vec<ResourceFilter>,
    /// The filter written without `any` or `all`.
    pub direct: ResourceFilter,
}

impl<'de> Deserialize<'de> for MatchBlock {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        whole(from, |block| Ok(Self { any: field(block, "any")?, all: field(block, "all")?, direct: read(block)? }))
    }
}

/// User information and a description of resources; both must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceFilter {
    /// Names of `namespace:name` roles.
    pub roles: Vec<String>,
    /// Names of cluster roles.
    pub cluster_roles: Vec<String>,
    /// Users, groups and service accounts.
    pub subjects: Vec<Subject>,
    /// What the resource must look like.
    pub resources: ResourceDescription,
}

/// `subjects[]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Subject {
    /// `User`, `Group` or `ServiceAccount`.
    pub kind: String,
    /// Name, wildcards allowed.
    pub name: String,
    /// Of a service account.
    pub namespace: String,
}

/// `resources` of a filter.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceDescription {
    /// `Kind`, `version/Kind`, `group/version/Kind`, each with `/subresource`, wildcards allowed.
    pub kinds: Vec<String>,
    /// Deprecated single name.
    pub name: String,
    /// Names with wildcards.
    pub names: Vec<String>,
    /// Namespaces with wildcards.
    pub namespaces: Vec<String>,
    /// Annotations, wildcards in key and value.
    pub annotations: BTreeMap<String, String>,
    /// Label selector of the resource.
    pub selector: Option<Value>,
    /// Label selector of its namespace.
    pub namespace_selector: Option<Value>,
    /// `CREATE`, `UPDATE`, `DELETE`, `CONNECT`; empty is any.
    pub operations: Vec<String>,
}
