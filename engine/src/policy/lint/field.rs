//! Field errors in the words of `k8s.io/apimachinery/pkg/util/validation/field`.

use serde_json::Value;

use super::{Problem, Severity};
use crate::object::gofmt;

/// A field path (`spec.rules[0].name`) as a JSON pointer.
pub(super) fn pointer(path: &str) -> String {
    let mut out = String::new();
    for part in path.split(['.', '[']).filter(|part| !part.is_empty()) {
        out.push('/');
        out.push_str(part.trim_end_matches(']'));
    }
    out
}

/// `Invalid value: …: detail`.
pub(super) fn invalid(path: &str, value: &Value, detail: &str) -> Problem {
    refused(path, &format!("{path}: Invalid value: {}: {detail}", gofmt::marshal(value)))
}

/// `Forbidden: detail`.
pub(super) fn forbidden(path: &str, detail: &str) -> Problem {
    refused(path, &format!("{path}: Forbidden: {detail}"))
}

/// `Required value`, with a detail where there is one.
pub(super) fn required(path: &str, detail: &str) -> Problem {
    let colon = if detail.is_empty() { "" } else { ": " };
    refused(path, &format!("{path}: Required value{colon}{detail}"))
}

/// A refusal in free words, about a field.
pub(super) fn refused(path: &str, message: &str) -> Problem {
    Problem { message: message.to_owned(), pointer: pointer(path), severity: Severity::Refused, phase: 0 }
}

/// A warning about a field.
pub(super) fn warning(path: &str, message: impl Into<String>) -> Problem {
    Problem { message: message.into(), pointer: pointer(path), severity: Severity::Warning, phase: 0 }
}
