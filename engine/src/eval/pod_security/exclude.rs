//! Lifting violations by `exclude` (`ApplyPodSecurityExclusion` of `pkg/pss/evaluate.go`).
//!
//! The excluded part of the pod is evaluated alone: without `images` the pod with one fake container, with `images` only the
//! containers with such images. What that pod violates is then taken out of the violations of the whole pod.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::check::{FieldError, Pod};
use super::{Found, Standard, control_of, evaluate};
use crate::object::{ObjectExt, wildcard};

/// `exclude[]` of a rule or `podSecurity[]` of an exception.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Exclude {
    pub(super) control_name: String,
    pub(super) images: Vec<String>,
    pub(super) restricted_field: String,
    pub(super) values: Vec<String>,
}

/// The violations that are left.
pub(super) fn apply(standard: &Standard, excludes: &[Exclude], mut found: Vec<Found>, pod: &Pod) -> Vec<Found> {
    for exclude in excludes {
        let part = matching(exclude, pod);
        let by_container = !exclude.images.is_empty();
        for lifted in evaluate(standard, &part) {
            if control_of(lifted.id) != exclude.control_name {
                continue;
            }
            for error in lifted.violation.errors.iter().flatten() {
                lift(exclude, error, lifted.id, (&part, pod), by_container, &mut found);
            }
        }
        // A check that listed no fields stays; one whose last field was lifted is gone.
        found.retain(|found| found.violation.errors.as_ref().is_none_or(|errors| !errors.is_empty()));
    }
    found
}

fn lift(
    exclude: &Exclude,
    error: &FieldError,
    id: &str,
    (part, pod): (&Pod, &Pod),
    by_container: bool,
    found: &mut [Found],
) {
    let field = starred(&error.field);
    if !exclude.restricted_field.is_empty() && field != exclude.restricted_field {
        return;
    }
    let allowed = |value: &String| wildcard::any_match(&exclude.values, std::slice::from_ref(value));
    if !exclude.values.is_empty() && !error.bad.values().iter().all(allowed) {
        return;
    }
    let Some(errors) = found.iter_mut().find(|found| found.id == id).and_then(|found| found.violation.errors.as_mut())
    else {
        return;
    };
    let position = errors.iter().position(|candidate| {
        if starred(&candidate.field) != field {
            return false;
        }
        let container = container_of(&candidate.field, pod).filter(|_| by_container);
        container.is_none_or(|name| Some(name) == container_of(&error.field, part))
    });
    if let Some(position) = position {
        errors.swap_remove(position);
    }
}

fn matching(exclude: &Exclude, pod: &Pod) -> Pod {
    let mut part = Pod::default();
    if exclude.images.is_empty() {
        part = pod.clone();
        for key in ["initContainers", "ephemeralContainers"] {
            part.spec.remove_at(&[key]);
        }
        part.spec.set_at(&["containers"], json!([{ "name": "fake" }]));
        return part;
    }
    part.spec = json!({});
    for key in ["containers", "initContainers", "ephemeralContainers"] {
        let containers = pod.spec.get(key).and_then(Value::as_array).into_iter().flatten();
        let kept = containers.filter(|container| wildcard::any_match(&exclude.images, &[container.str_at(&["image"])]));
        part.spec.set_at(&[key], kept.cloned().collect());
    }
    part
}

/// `spec.containers[*].ports[*].hostPort`.
fn starred(field: &str) -> String {
    static DIGITS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("[0-9]+").ok());
    DIGITS.as_ref().map_or_else(|| field.to_owned(), |digits| digits.replace_all(field, "*").into_owned())
}

/// The name of the container that a field belongs to; `None` for a field of the pod.
fn container_of<'a>(field: &str, pod: &'a Pod) -> Option<&'a str> {
    let (list, rest) = field.strip_prefix("spec.")?.split_once('[')?;
    if !matches!(list, "containers" | "initContainers" | "ephemeralContainers") {
        return None;
    }
    let index: usize = rest.split_once(']')?.0.parse().ok()?;
    Some(pod.spec.get(list)?.get(index)?.str_at(&["name"]))
}
