//! The labels of what a generate rule makes (`pkg/background/common/labels.go`, `pkg/background/generate/source.go`).

use serde_json::{Map, Value};

use crate::object::{ObjectExt, string_map};
use crate::policy::ClassicPolicy;

/// Marks everything that Kyverno made.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Name of the policy.
pub const POLICY_NAME: &str = "generate.kyverno.io/policy-name";
/// Namespace of the policy; `""` for a `ClusterPolicy`.
pub const POLICY_NAMESPACE: &str = "generate.kyverno.io/policy-namespace";
/// Name of the rule.
pub const RULE_NAME: &str = "generate.kyverno.io/rule-name";
/// Version of the trigger.
pub const TRIGGER_VERSION: &str = "generate.kyverno.io/trigger-version";
/// Group of the trigger.
pub const TRIGGER_GROUP: &str = "generate.kyverno.io/trigger-group";
/// Kind of the trigger.
pub const TRIGGER_KIND: &str = "generate.kyverno.io/trigger-kind";
/// Namespace of the trigger.
pub const TRIGGER_NAMESPACE: &str = "generate.kyverno.io/trigger-namespace";
/// UID of the trigger.
pub const TRIGGER_UID: &str = "generate.kyverno.io/trigger-uid";
/// Marks the source of a clone, and with it what is cloned from it.
pub const CLONE_SOURCE: &str = "generate.kyverno.io/clone-source";
/// Group of the source of a clone.
pub const SOURCE_GROUP: &str = "generate.kyverno.io/source-group";
/// Version of the source of a clone.
pub const SOURCE_VERSION: &str = "generate.kyverno.io/source-version";
/// Kind of the source of a clone.
pub const SOURCE_KIND: &str = "generate.kyverno.io/source-kind";
/// Namespace of the source of a clone.
pub const SOURCE_NAMESPACE: &str = "generate.kyverno.io/source-namespace";
/// UID of the source of a clone.
pub const SOURCE_UID: &str = "generate.kyverno.io/source-uid";

/// Labels an object as made by a rule for a trigger.
pub fn manage(object: &mut Value, policy: &ClassicPolicy, rule: &str, trigger: &Value) {
    let gvk = trigger.gvk();
    add(
        object,
        &[
            (MANAGED_BY, "kyverno"),
            (POLICY_NAME, &policy.name),
            (POLICY_NAMESPACE, &policy.namespace),
            (RULE_NAME, rule),
            (TRIGGER_VERSION, &gvk.version),
            (TRIGGER_GROUP, &gvk.group),
            (TRIGGER_KIND, &gvk.kind),
            (TRIGGER_NAMESPACE, trigger.namespace()),
            (TRIGGER_UID, trigger.uid()),
        ],
    );
}

/// Labels a copy with the object it was made from. The source is tagged [`CLONE_SOURCE`] before it is copied, so the copy
/// carries that label, too.
pub(super) fn from_source(copy: &mut Value, source: &Value) {
    let gvk = source.gvk();
    add(
        copy,
        &[
            (CLONE_SOURCE, ""),
            (SOURCE_GROUP, &gvk.group),
            (SOURCE_VERSION, &gvk.version),
            (SOURCE_KIND, &gvk.kind),
            (SOURCE_NAMESPACE, source.namespace()),
            (SOURCE_UID, source.uid()),
        ],
    );
}

/// Go reads labels that are not all strings as none, and so loses them.
fn add(object: &mut Value, labels: &[(&str, &str)]) {
    let written = object.at(&["metadata", "labels"]);
    let all = written.and_then(Value::as_object).map_or(0, Map::len);
    let mut kept = string_map(written);
    if kept.len() != all {
        kept.clear();
    }
    kept.extend(labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let kept = kept.into_iter().map(|(key, value)| (key, Value::String(value)));
    object.set_at(&["metadata", "labels"], Value::Object(kept.collect()));
}
