//! What the API server does to the body of a request before admission: strict decoding, defaults, pruning; and the
//! validation of custom resources after mutation.
//!
//! Follows `k8s.io/apiserver/pkg/endpoints/handlers/{create,rest}.go` (`fieldValidation`) and the strategy of custom
//! resources (`apiextensions-apiserver/pkg/registry/customresource`).

use serde_json::Value;

use super::Cluster;
use super::api_server::{ApiError, ApiRequest};
use crate::object::ObjectExt;
use crate::object::gvk::Gvk;
use crate::policy::schema::crd::CustomKind;
use crate::policy::schema::{self, Finding, FindingKind, Loaded, rejection};

impl Cluster {
    /// Decodes the body of a request: unknown fields are refused or warned of and dropped, defaults are set.
    ///
    /// # Errors
    /// A field is unknown and the request is strict, or a value does not fit the Go type of a built-in kind.
    pub(crate) fn decode(
        &self,
        request: &ApiRequest,
        object: Value,
        warnings: &mut Vec<String>,
    ) -> Result<Value, ApiError> {
        if own_bookkeeping(&request.gvk) {
            return Ok(object);
        }
        let loaded = self.loaded(&request.gvk, object);
        let fatal = |finding: &&Finding| match finding.kind {
            FindingKind::Decode => true,
            FindingKind::UnknownField => request.strict,
            _ => false,
        };
        let refused: Vec<Finding> = loaded.findings.iter().filter(fatal).cloned().collect();
        if let Some(message) = rejection(&request.gvk, &request.name, &refused) {
            return Err(ApiError::bad_request(message));
        }
        let unknown = loaded.findings.iter().filter(|finding| finding.kind == FindingKind::UnknownField);
        warnings.extend(unknown.map(|finding| finding.message.clone()));
        let mut object = loaded.value;
        self.set_defaults(&request.gvk, &mut object);
        Ok(object)
    }

    /// Sets the defaults of a kind: before the webhooks, and again on what they changed.
    pub(crate) fn set_defaults(&self, gvk: &Gvk, object: &mut Value) {
        if !self.custom_kinds.contains_key(gvk) && !own_bookkeeping(gvk) {
            schema::default(gvk, object);
        }
    }

    /// A policy in the version that is stored, which is the one that Kyverno's informers read: `kyverno.io/v1`.
    pub(crate) fn in_storage_version(&self, mut object: Value) -> Value {
        let gvk = object.gvk();
        if gvk.group == "kyverno.io" && matches!(gvk.kind.as_str(), "ClusterPolicy" | "Policy") && gvk.version != "v1" {
            object.set_at(&["apiVersion"], Value::from("kyverno.io/v1"));
            self.set_defaults(&object.gvk(), &mut object);
        }
        object
    }

    /// Checks a custom resource against the schema of its CRD.
    ///
    /// # Errors
    /// 422 with every mistake.
    pub(crate) fn check_custom_resource(&self, gvk: &Gvk, object: &Value) -> Result<(), ApiError> {
        let custom = self.custom_kinds.contains_key(gvk) || gvk.group.ends_with("kyverno.io");
        if !custom || own_bookkeeping(gvk) {
            return Ok(());
        }
        let mut findings = self.loaded(gvk, object.clone()).findings;
        findings.retain(|finding| !matches!(finding.kind, FindingKind::UnknownField | FindingKind::Decode));
        match rejection(gvk, object.name(), &findings) {
            Some(message) => Err(ApiError { code: 422, reason: "Invalid".into(), message }),
            None => Ok(()),
        }
    }

    fn loaded(&self, gvk: &Gvk, object: Value) -> Loaded {
        match self.custom_kinds.get(gvk) {
            Some(custom) => custom.load(object),
            None => schema::load(object),
        }
    }

    /// Remembers the schemas of a CRD.
    pub(crate) fn learn_kind(&mut self, crd: &Value, gone: bool) {
        for custom in schema::crd::read(crd) {
            match gone {
                true => drop(self.custom_kinds.remove(&custom.gvk)),
                false => drop(self.custom_kinds.insert(custom.gvk.clone(), custom)),
            }
        }
    }
}

/// The schemas of custom resources that a run brings.
pub type CustomKinds = std::collections::BTreeMap<Gvk, CustomKind>;

/// Kinds that only Kyverno's controllers write.
fn own_bookkeeping(gvk: &Gvk) -> bool {
    gvk.kind == "UpdateRequest" || gvk.kind.ends_with("Report")
}
