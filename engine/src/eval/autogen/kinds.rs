//! Kind selectors as autogen and `cloneList` split them (`GetKindFromGVK` and `ContainsKind` of `pkg/utils/kube/kind.go`).

use serde_json::Value;

use crate::object::gvk::is_version;

/// Splits `Pod`, `v1/Pod`, `apps/v1/Deployment`, each with `/subresource`, into the API version (`""` where none is given)
/// and the kind with its subresource.
#[must_use]
pub fn kind_and_api_version(selector: &str) -> (String, String) {
    let parts: Vec<&str> = selector.split('/').collect();
    match parts.as_slice() {
        [kind] => (String::new(), dotted(kind)),
        ["*", "*"] => (String::new(), "*/*".to_owned()),
        [version, kind] if is_version(version) => ((*version).to_owned(), dotted(kind)),
        [kind, subresource] => (String::new(), format!("{kind}/{subresource}")),
        [version, kind, subresource] if is_version(version) => ((*version).to_owned(), format!("{kind}/{subresource}")),
        [group, version, kind] => (format!("{group}/{version}"), dotted(kind)),
        [group, version, kind, subresource] => (format!("{group}/{version}"), format!("{kind}/{subresource}")),
        _ => (String::new(), String::new()),
    }
}

/// Whether one of the selectors names the kind, in any version and with any subresource.
#[must_use]
pub fn contains_kind<'a>(selectors: impl IntoIterator<Item = &'a str>, kind: &str) -> bool {
    selectors.into_iter().any(|selector| {
        let (_, found) = kind_and_api_version(selector);
        match found.split('/').collect::<Vec<_>>().as_slice() {
            [base, _] => *base == kind,
            _ => found == kind,
        }
    })
}

/// `resources.kinds` of a filter.
pub(super) fn kinds_of(filter: &Value) -> impl Iterator<Item = &str> {
    filter.pointer("/resources/kinds").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The full name of a kind that autogen writes, `apps/v1/Deployment`; other kinds stay as they are.
pub(super) fn full_name(kind: &str) -> String {
    let group_version = match kind {
        "DaemonSet" | "Deployment" | "StatefulSet" | "ReplicaSet" => "apps/v1/",
        "Job" | "CronJob" => "batch/v1/",
        "ReplicationController" | "Pod" => "v1/",
        _ => "",
    };
    format!("{group_version}{kind}")
}

fn dotted(kind: &str) -> String {
    kind.replacen('.', "/", 1)
}
