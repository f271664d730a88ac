//! An admission request as policies see it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::object::ObjectExt;
use crate::object::gvk::{Gvk, Gvr};

/// What is being done to the object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// A new object.
    #[default]
    Create,
    /// A changed object.
    Update,
    /// A deletion; `object` is absent, `old_object` is there.
    Delete,
    /// A connection such as `kubectl exec`.
    Connect,
    /// No request led to this: background work. A rule that lists operations does not match.
    #[serde(rename = "")]
    None,
}

impl Operation {
    /// `CREATE` and so on.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
            Self::None => "",
        }
    }

    /// From the upper-case word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Create, Self::Update, Self::Delete, Self::Connect].into_iter().find(|op| op.as_str() == word)
    }
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserInfo {
    /// Such as `kubernetes-admin` or `system:serviceaccount:ns:name`.
    pub username: String,
    /// Usually empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Groups, including `system:authenticated`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Extra attributes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Vec<String>>,
}

/// An AdmissionRequest, with the roles that Kyverno looks up for the user.
#[derive(Clone, Debug, Default)]
pub struct AdmissionRequest {
    /// UID of the request.
    pub uid: String,
    /// Kind of the object.
    pub kind: Gvk,
    /// Resource of the request.
    pub resource: Gvr,
    /// Such as `status` or `exec`; `""` for none.
    pub subresource: String,
    /// Name of the object; `""` where the server has still to make one.
    pub name: String,
    /// Namespace; for a Namespace object its own name.
    pub namespace: String,
    /// What is being done.
    pub operation: Operation,
    /// Who asks.
    pub user: UserInfo,
    /// Bound roles as `namespace:name`.
    pub roles: Vec<String>,
    /// Bound cluster roles.
    pub cluster_roles: Vec<String>,
    /// The object as it would be stored; `None` on DELETE.
    pub object: Option<Value>,
    /// The object as it is stored; `None` on CREATE.
    pub old_object: Option<Value>,
    /// Nothing will be stored.
    pub dry_run: bool,
    /// Outside of admission: an UpdateRequest carries the whole AdmissionRequest.
    pub whole: bool,
    /// Whether the request carries real user information; offline evaluation often has none.
    pub has_user: bool,
}

impl AdmissionRequest {
    /// A CREATE of an object with nobody asking: what the background scan and the command line evaluate.
    #[must_use]
    pub fn create(object: Value, resource: Gvr) -> Self {
        Self {
            kind: object.gvk(),
            resource,
            name: object.name().to_owned(),
            namespace: object.namespace().to_owned(),
            object: Some(object),
            ..Self::default()
        }
    }

    /// The object, or on DELETE the old one.
    #[must_use]
    pub fn subject(&self) -> &Value {
        self.object.as_ref().or(self.old_object.as_ref()).unwrap_or(&Value::Null)
    }
}
