//! A YAML map policy → rule → message in the exact style of Go's YAML libraries: the middle of a refusal.

mod emit;
mod order;
mod resolve;

use std::collections::BTreeMap;

use emit::Dialect;

/// Policy → rule → message, with a line break at the end. `folds` is the manner of yaml v2, which Kyverno used until 1.18.
#[must_use]
pub(super) fn yaml(failures: &BTreeMap<&str, BTreeMap<&str, &str>>, folds: bool) -> String {
    let dialect = if folds { Dialect::V2 } else { Dialect::V3 };
    let mut out = String::new();
    for policy in order::sorted(failures.keys().copied(), dialect) {
        out.push_str(&emit::key(policy, dialect));
        out.push_str(":\n");
        let Some(rules) = failures.get(policy) else { continue };
        for rule in order::sorted(rules.keys().copied(), dialect) {
            let Some(message) = rules.get(rule) else { continue };
            let key = format!("  {}:", emit::key(rule, dialect));
            out.push_str(&key);
            out.push(' ');
            out.push_str(&emit::value(message, 4, key.chars().count() + 1, dialect));
            out.push('\n');
        }
    }
    out
}
