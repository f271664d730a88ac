//! The API server's answer to an object that does not fit its schema.

use super::{Finding, FindingKind};
use crate::object::gvk::Gvk;

/// What `kubectl` prints after `Error from server (BadRequest):` or in front of nothing for an invalid object; `None`
/// where there is nothing to refuse.
///
/// Decoding fails first: unknown fields and values that do not fit Go types; the schema is checked afterwards.
#[must_use]
pub fn rejection(gvk: &Gvk, name: &str, findings: &[Finding]) -> Option<String> {
    let of =
        |kind: FindingKind| findings.iter().filter(move |finding| finding.kind == kind).map(|f| f.message.as_str());
    let kind = &gvk.kind;
    let cannot = format!("{kind} in version {:?} cannot be handled as a {kind}", gvk.version);
    if let Some(first) = of(FindingKind::Decode).next() {
        return Some(format!("{cannot}: {first}"));
    }
    let unknown: Vec<&str> = of(FindingKind::UnknownField).collect();
    if !unknown.is_empty() {
        return Some(format!("{cannot}: strict decoding error: {}", unknown.join(", ")));
    }
    let all: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
    let qualified = if gvk.group.is_empty() { kind.clone() } else { format!("{kind}.{}", gvk.group) };
    match all.as_slice() {
        [] => None,
        [one] => Some(format!("{qualified} {name:?} is invalid: {one}")),
        many => Some(format!("{qualified} {name:?} is invalid: [{}]", many.join(", "))),
    }
}
