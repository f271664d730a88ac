//! Where an object differs from its manifest, fields that are ignored aside (`mapnode` of `k8s-manifest-sigstore`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::ignore::Patterns;
use crate::expr::jmespath::equal;
use crate::object::gofmt;
use crate::object::order;

/// One field; `None` where the side has none.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Difference {
    key: String,
    before: Option<Value>,
    after: Option<Value>,
}

/// The differences by key.
pub(super) fn between(manifest: &Value, object: &Value, ignored: &Patterns) -> Vec<Difference> {
    let (before, after) = (flat(manifest), flat(object));
    let keys: BTreeSet<&String> = order::set(before.keys().chain(after.keys()));
    let all = keys.into_iter().map(|key| Difference {
        key: key.clone(),
        before: before.get(key).cloned(),
        after: after.get(key).cloned(),
    });
    let all: Vec<Difference> = all.filter(|difference| !difference.is_none()).collect();
    let moved: Vec<bool> = all.iter().map(|difference| all.iter().any(|other| difference.is_moved_to(other))).collect();
    let kept = all
        .into_iter()
        .zip(moved)
        .filter(|(difference, moved)| !moved && !difference.is_canonical_image() && !ignored.contains(&difference.key));
    // A manifest may leave the namespace to the client.
    let namespace = |difference: &Difference| difference.key == "metadata.namespace" && difference.before.is_none();
    kept.map(|(difference, _)| difference).filter(|difference| !namespace(difference)).collect()
}

/// As Kyverno prints them: `{"items":[{"key":…,"values":{"after":…,"before":…}}]}`.
pub(super) fn words(differences: &[Difference]) -> String {
    let items = differences.iter().map(|difference| {
        json!({ "key": difference.key, "values": { "after": difference.after, "before": difference.before } })
    });
    gofmt::marshal(&json!({ "items": items.collect::<Vec<_>>() }))
}

impl Difference {
    fn is_none(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => equal(before, after),
            _ => self.before == self.after,
        }
    }

    /// The value is at another place of the same list.
    fn is_moved_to(&self, other: &Self) -> bool {
        let shape = |key: &str| -> Vec<String> {
            let parts = key.split('.').map(|part| {
                if part.bytes().all(|byte| byte.is_ascii_digit()) { "#".to_owned() } else { part.to_owned() }
            });
            parts.collect()
        };
        let in_list = shape(&self.key).iter().rev().skip(1).any(|part| part == "#");
        let gone = self.after.is_none() && other.before.is_none() && self.before == other.after;
        let came = self.before.is_none() && other.after.is_none() && self.after == other.before;
        in_list && (gone || came) && shape(&self.key) == shape(&other.key)
    }

    /// `nginx:1` became `docker.io/nginx:1`, or `nginx` became `nginx:latest`.
    fn is_canonical_image(&self) -> bool {
        let text = |side: &Option<Value>| side.as_ref().and_then(Value::as_str).map(str::to_owned);
        let (Some(before), Some(after)) = (text(&self.before), text(&self.after)) else { return false };
        self.key.ends_with("image") && (format!("docker.io/{before}") == after || format!("{before}:latest") == after)
    }
}

/// The scalars by their dotted path; empty mappings and lists leave nothing.
fn flat(value: &Value) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    collect(value, String::new(), &mut out);
    out
}

fn collect(value: &Value, path: String, out: &mut BTreeMap<String, Value>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Null => {}
        Value::Object(map) => map.iter().for_each(|(key, value)| collect(value, below(key), out)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| collect(value, below(&index.to_string()), out));
        }
        scalar => {
            out.insert(path, scalar.clone());
        }
    }
}
