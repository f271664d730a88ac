//! From an unstructured object to a typed policy: kyverno.io policies and exceptions, `List` unpacked, CRD defaults set.
//!
//! Follows `ext/resource/loader` and `cmd/cli/kubectl-kyverno/policy/load.go`; the defaults are those of `config/crds`.

use std::cell::OnceCell;

use serde_json::{Value, json};

use super::exception::{ExceptionSpec, PolicyException};
use super::{ClassicPolicy, Spec, schema};
use crate::diagnostic::Diagnostic;
use crate::object::ObjectExt;
use crate::object::gvk::Gvk;
use crate::object::read::read;

/// What a document turned out to be.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// A `ClusterPolicy` or `Policy`.
    Classic(Box<ClassicPolicy>),
    /// A `PolicyException` of kyverno.io.
    Exception(Box<PolicyException>),
    /// Anything else: a policy of another family, or a plain resource.
    Other(Value),
}

/// The objects of a document: itself, or the items of a `List` (nested lists too).
#[must_use]
pub fn unpack(value: Value) -> Vec<Value> {
    let is_list = value.kind().ends_with("List") && value.get("items").is_some_and(Value::is_array);
    if !is_list {
        return vec![value];
    }
    match value {
        Value::Object(mut map) => match map.shift_remove("items") {
            Some(Value::Array(items)) => items.into_iter().flat_map(unpack).collect(),
            _ => Vec::new(),
        },
        other => vec![other],
    }
}

/// Reads one object.
///
/// # Errors
/// It is a kyverno.io policy or exception whose fields have the wrong shape.
pub fn load(value: Value) -> Result<Loaded, Diagnostic> {
    if is_classic_policy(&value) {
        return classic(value).map(|policy| Loaded::Classic(Box::new(policy)));
    }
    if is_exception(&value) {
        return exception(value).map(|exception| Loaded::Exception(Box::new(exception)));
    }
    Ok(Loaded::Other(value))
}

/// Whether the object is a `ClusterPolicy` or `Policy` of kyverno.io.
#[must_use]
pub fn is_classic_policy(value: &Value) -> bool {
    let gvk = value.gvk();
    gvk.group == "kyverno.io" && matches!(gvk.kind.as_str(), "ClusterPolicy" | "Policy")
}

/// Whether the object is a `PolicyException` of kyverno.io.
#[must_use]
pub fn is_exception(value: &Value) -> bool {
    let gvk = value.gvk();
    gvk.group == "kyverno.io" && gvk.kind == "PolicyException"
}

/// A `ClusterPolicy` or `Policy`; a `Policy` without a namespace is put into `default`.
///
/// # Errors
/// A field has the wrong type.
pub fn classic(mut value: Value) -> Result<ClassicPolicy, Diagnostic> {
    set_defaults(&mut value, "kyverno.io/v1");
    let spec = value.get("spec").cloned().unwrap_or_else(|| json!({}));
    let spec: Spec = read(&spec).map_err(|error| broken(&value, &error.to_string()))?;
    let namespace = match (value.kind(), value.namespace()) {
        ("ClusterPolicy", _) => "",
        (_, "") => "default",
        (_, namespace) => namespace,
    };
    Ok(ClassicPolicy {
        name: value.name().to_owned(),
        namespace: namespace.to_owned(),
        annotations: value.annotations(),
        labels: value.labels(),
        spec,
        raw: value,
        generated: OnceCell::new(),
    })
}

/// A `PolicyException`; without a namespace it is put into `default`.
///
/// # Errors
/// A field has the wrong type.
pub fn exception(mut value: Value) -> Result<PolicyException, Diagnostic> {
    set_defaults(&mut value, "kyverno.io/v2");
    let spec = value.get("spec").cloned().unwrap_or_else(|| json!({}));
    let spec: ExceptionSpec = read(&spec).map_err(|error| broken(&value, &error.to_string()))?;
    let namespace = if value.namespace().is_empty() { "default" } else { value.namespace() };
    Ok(PolicyException { name: value.name().to_owned(), namespace: namespace.to_owned(), spec, raw: value })
}

fn broken(value: &Value, error: &str) -> Diagnostic {
    Diagnostic::error(format!("{} {} cannot be read: {error}", value.kind(), value.name())).hint(
        "Compare the field with `kubectl explain`; a list is often written where a string is, or the other way round.",
    )
}

/// Sets what the API server would set from the CRD; a version that it does not have is read as `version`.
fn set_defaults(value: &mut Value, version: &str) {
    let known = [value.gvk(), Gvk::new(version, value.kind())];
    if let Some(gvk) = known.iter().find(|gvk| schema::table::table().kind(gvk).is_some()) {
        schema::default(gvk, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(spec: Value) -> ClassicPolicy {
        classic(json!({ "apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": { "name": "p" }, "spec": spec }))
            .unwrap()
    }

    #[test]
    fn a_list_is_unpacked() {
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [{ "kind": "A" }, { "kind": "List", "items": [{ "kind": "B" }] }] });
        let kinds: Vec<_> = unpack(list).iter().map(|value| value.kind().to_owned()).collect();
        assert_eq!(kinds, ["A", "B"]);
    }

    #[test]
    fn defaults_of_the_crd_are_set() {
        let policy = policy(json!({ "rules": [{ "name": "r", "match": { "any": null }, "validate": {} }] }));
        assert_eq!(policy.spec.validation_failure_action.as_deref(), Some("Audit"));
        assert_eq!(policy.spec.background, Some(true));
        assert_eq!(policy.spec.rules[0].validate.as_ref().unwrap().allow_existing_violations, Some(true));
    }

    #[test]
    fn a_policy_without_namespace_is_in_default() {
        let value = json!({ "apiVersion": "kyverno.io/v2beta1", "kind": "Policy", "metadata": { "name": "p" }, "spec": { "rules": [] } });
        assert_eq!(classic(value).unwrap().key(), "default/p");
    }

    #[test]
    fn a_wrong_type_is_a_message() {
        let value = json!({ "apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": { "name": "p" }, "spec": { "rules": 3 } });
        assert!(load(value).unwrap_err().message.starts_with("ClusterPolicy p cannot be read: "));
    }
}
