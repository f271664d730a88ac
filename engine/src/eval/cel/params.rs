//! Parameters of the API server's policies: which objects a binding refers to.

use serde_json::{Value, json};

use crate::eval::{EvalCx, Mode};
use crate::object::ObjectExt;
use crate::object::gvk::Gvk;
use crate::object::selector::LabelSelector;
use crate::policy::admission_policies::{ParamKind, ParamRef};

/// What to evaluate with.
#[derive(Clone, Debug, PartialEq)]
pub enum Params {
    /// Once with each of these; `Value::Null` where there are no parameters.
    Each(Vec<Value>),
    /// The parameters are missing, and that is an error.
    Missing(String),
    /// The parameters are missing, and then the policy says nothing.
    Allowed,
}

/// The parameters of a binding. The command line takes the first by name from what it was given, or a List for a
/// selector; the API server evaluates once with each.
#[must_use]
pub fn find(kind: Option<&ParamKind>, reference: Option<&ParamRef>, given: &[Value], cx: &EvalCx<'_>) -> Params {
    let Some(reference) = reference else { return Params::Each(vec![Value::Null]) };
    if cx.mode == Mode::Cli {
        return Params::Each(vec![from_given(reference, given)]);
    }
    let Some(kind) = kind else { return Params::Each(vec![Value::Null]) };
    let gvk = Gvk::new(&kind.api_version, &kind.kind);
    let namespace = match (cx.view.namespaced(&gvk), reference.namespace.as_str()) {
        (Some(false), _) => "",
        (_, "") => cx.request.namespace.as_str(),
        (_, namespace) => namespace,
    };
    let found: Vec<Value> = match &reference.selector {
        Some(selector) => {
            let selector = LabelSelector::from_value(selector).unwrap_or_else(|_| LabelSelector::nothing());
            let scope = (!namespace.is_empty()).then_some(namespace);
            cx.view.list(&gvk, scope).into_iter().filter(|object| selector.matches(&object.labels())).collect()
        }
        None => cx.view.get(&gvk, namespace, &reference.name).into_iter().collect(),
    };
    if cx.mode == Mode::Background {
        // Kyverno hands several over as one list, and without any it says nothing (`pkg/admissionpolicy/validate.go`).
        return match found.len() {
            0 => Params::Allowed,
            1 => Params::Each(found),
            _ => Params::Each(vec![json!({"items": found})]),
        };
    }
    match found.is_empty() {
        false => Params::Each(found),
        true if reference.parameter_not_found_action.as_deref() == Some("Allow") => Params::Allowed,
        true => Params::Missing("no params found for policy binding with `Deny` parameterNotFoundAction".to_owned()),
    }
}

fn from_given(reference: &ParamRef, given: &[Value]) -> Value {
    if let Some(selector) = &reference.selector {
        let selector = LabelSelector::from_value(selector).unwrap_or_else(|_| LabelSelector::nothing());
        let items: Vec<&Value> = given.iter().filter(|object| selector.matches(&object.labels())).collect();
        return if items.is_empty() { Value::Null } else { json!({"items": items}) };
    }
    // A name, where given, decides alone.
    let wanted = |object: &&Value| match (reference.namespace.as_str(), reference.name.as_str()) {
        ("", "") => false,
        (namespace, "") => object.namespace() == namespace,
        (_, name) => object.name() == name,
    };
    given.iter().find(wanted).cloned().unwrap_or(Value::Null)
}
