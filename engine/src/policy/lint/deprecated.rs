//! Deprecated kinds and fields: since when, and what to use instead.

use serde::Serialize;
use serde_json::Value;

use super::Options;
use super::shape::{each_string, items};
use crate::object::ObjectExt;

/// Something that still works but will go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deprecation {
    /// JSON pointer to it.
    pub pointer: String,
    /// The field's path or the kind.
    pub what: String,
    /// The Kyverno version that deprecated it.
    pub since: String,
    /// What to write instead.
    pub instead: String,
}

/// One row per deprecated field: kinds, path (`[]` is any element), version, replacement.
const FIELDS: &[(&[&str], &str, &str, &str)] = &[
    (CLASSIC, "spec.validationFailureAction", "1.13", "spec.rules[].validate.failureAction"),
    (CLASSIC, "spec.validationFailureActionOverrides", "1.13", "spec.rules[].validate.failureActionOverrides"),
    (CLASSIC, "spec.mutateExistingOnPolicyUpdate", "1.13", "spec.rules[].mutate.mutateExistingOnPolicyUpdate"),
    (CLASSIC, "spec.generateExisting", "1.13", "spec.rules[].generate.generateExisting"),
    (CLASSIC, "spec.generateExistingOnPolicyUpdate", "1.10", "spec.rules[].generate.generateExisting"),
    (CLASSIC, "spec.schemaValidation", "1.11", "nothing: it has no effect"),
    (CLASSIC, "spec.webhookTimeoutSeconds", "1.12", "spec.webhookConfiguration.timeoutSeconds"),
    (CLASSIC, "spec.failurePolicy", "1.13", "spec.webhookConfiguration.failurePolicy"),
    (CLASSIC, "spec.rules[].match.resources", "1.9", "spec.rules[].match.any or all"),
    (CLASSIC, "spec.rules[].exclude.resources", "1.9", "spec.rules[].exclude.any or all"),
    (CLASSIC, "spec.rules[].validate.assert", "1.19", "a ValidatingPolicy; it has no effect any more"),
    (CLASSIC, "spec.rules[].verifyImages[].image", "1.7", "imageReferences"),
    (CLASSIC, "spec.rules[].verifyImages[].key", "1.7", "attestors[].entries[].keys.publicKeys"),
    (CLASSIC, "spec.rules[].verifyImages[].roots", "1.7", "attestors[].entries[].keyless.roots"),
    (CLASSIC, "spec.rules[].verifyImages[].subject", "1.7", "attestors[].entries[].keyless.subject"),
    (CLASSIC, "spec.rules[].verifyImages[].issuer", "1.7", "attestors[].entries[].keyless.issuer"),
    (CLASSIC, "spec.rules[].verifyImages[].annotations", "1.7", "attestors[].entries[].annotations"),
    (CLASSIC, "spec.rules[].verifyImages[].attestations[].predicateType", "1.11", "type"),
];

const CLASSIC: &[&str] = &["ClusterPolicy", "Policy"];

/// Operators with a wider successor, and the fields that hold a name in the singular.
const OPERATORS: &[(&str, &str, &str)] = &[
    ("In", "1.6", "AnyIn or AllIn"),
    ("NotIn", "1.6", "AnyNotIn or AllNotIn"),
    ("DurationGreaterThanOrEquals", "1.6", "GreaterThanOrEquals"),
    ("DurationGreaterThan", "1.6", "GreaterThan"),
    ("DurationLessThanOrEquals", "1.6", "LessThanOrEquals"),
    ("DurationLessThan", "1.6", "LessThan"),
];

/// The successors of a legacy kind.
fn successors(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "ClusterPolicy" => "ValidatingPolicy, MutatingPolicy, GeneratingPolicy or ImageValidatingPolicy",
        "Policy" => {
            "NamespacedValidatingPolicy, NamespacedMutatingPolicy, NamespacedGeneratingPolicy or NamespacedImageValidatingPolicy"
        }
        "ClusterCleanupPolicy" => "DeletingPolicy",
        "CleanupPolicy" => "NamespacedDeletingPolicy",
        "PolicyException" => "PolicyException",
        _ => return None,
    })
}

/// What the webhook says about a legacy kind of kyverno.io (`pkg/deprecations`).
pub(super) fn kind_warning(kind: &str, options: &Options<'_>) -> Option<String> {
    let successors = successors(kind).filter(|_| options.legacy_kinds_deprecated)?;
    Some(format!(
        "{kind} (kyverno.io) is deprecated and will be removed in a future release; migrate to {successors} (policies.kyverno.io), see https://kyverno.io/docs/guides/migration-to-cel/"
    ))
}

/// What of a document is deprecated: its kind, its version, fields, operators.
#[must_use]
pub fn deprecations(object: &Value) -> Vec<Deprecation> {
    let gvk = object.gvk();
    let mut found = Vec::new();
    if gvk.group == "kyverno.io"
        && let Some(instead) = successors(&gvk.kind)
    {
        let (what, instead) = (format!("{} (kyverno.io)", gvk.kind), format!("{instead} (policies.kyverno.io)"));
        found.push(Deprecation { pointer: "/kind".to_owned(), what, since: "1.17".to_owned(), instead });
    }
    found.extend(version(object));
    if gvk.group != "kyverno.io" {
        return found;
    }
    for (kinds, path, since, instead) in FIELDS {
        if kinds.contains(&gvk.kind.as_str()) {
            let parts: Vec<&str> = path.split('.').collect();
            let mut pointers = Vec::new();
            collect(object, &parts, String::new(), &mut pointers);
            found.extend(pointers.into_iter().map(|pointer| Deprecation {
                pointer,
                what: (*path).to_owned(),
                since: (*since).to_owned(),
                instead: (*instead).to_owned(),
            }));
        }
    }
    each_string(object.get("spec").unwrap_or(&Value::Null), "", &mut |text, path| {
        let Some((_, since, instead)) = OPERATORS.iter().find(|(name, ..)| *name == text) else { return };
        // Label selectors have operators of the same names, which stay.
        let condition = path.ends_with("/operator") && !path.contains("/matchExpressions/");
        if condition {
            let (pointer, what) = (format!("/spec{path}"), format!("operator {text}"));
            found.push(Deprecation { pointer, what, since: (*since).to_owned(), instead: (*instead).to_owned() });
        }
    });
    found
}

/// The version that deprecated a field of a kind, and what to write instead; `keys` is its path without indexes.
#[must_use]
pub fn deprecated_field(kind: &str, keys: &[&str]) -> Option<(&'static str, &'static str)> {
    let row = FIELDS.iter().find(|(kinds, path, ..)| {
        kinds.contains(&kind) && path.split('.').map(|part| part.trim_end_matches("[]")).eq(keys.iter().copied())
    });
    row.map(|(.., since, instead)| (*since, *instead))
}

/// A version that the CRD marks deprecated or no longer serves.
fn version(object: &Value) -> Option<Deprecation> {
    let gvk = object.gvk();
    let kinds = crate::policy::schema::table::table().kinds();
    let kind = kinds.iter().find(|kind| kind.gvk == gvk && kind.crd && (kind.deprecated || !kind.served))?;
    let newest = kinds
        .iter()
        .filter(|other| other.gvk.group == gvk.group && other.gvk.kind == gvk.kind && other.served && !other.deprecated)
        .map(|other| other.gvk.api_version())
        .min_by_key(|version| (version.contains("beta"), version.clone()))?;
    let what = kind.gvk.api_version();
    Some(Deprecation { pointer: "/apiVersion".to_owned(), what, since: String::new(), instead: newest })
}

fn collect(value: &Value, parts: &[&str], pointer: String, found: &mut Vec<String>) {
    let Some((first, rest)) = parts.split_first() else {
        found.push(pointer);
        return;
    };
    let (name, list) = first.strip_suffix("[]").map_or((*first, false), |name| (name, true));
    let Some(child) = value.get(name).filter(|child| !child.is_null()) else { return };
    if !list {
        collect(child, rest, format!("{pointer}/{name}"), found);
        return;
    }
    for (index, item) in items(Some(child)).enumerate() {
        collect(item, rest, format!("{pointer}/{name}/{index}"), found);
    }
}
