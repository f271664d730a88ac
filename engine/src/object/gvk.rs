//! Group, version, kind and resource names, and the key of an object in a cluster.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::wildcard::matches;

/// Group, version and kind. The core group is `""`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Gvk {
    /// API group, `""` for the core group.
    pub group: String,
    /// Version such as `v1`.
    pub version: String,
    /// Kind such as `Pod`.
    pub kind: String,
}

impl Gvk {
    /// From `apiVersion` and `kind`.
    #[must_use]
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// `group/version`, or the version alone for the core group.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// Group, version and resource (the plural, lower-case name of a URL).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Gvr {
    /// API group, `""` for the core group.
    pub group: String,
    /// Version such as `v1`.
    pub version: String,
    /// Plural name such as `pods`.
    pub resource: String,
}

/// The identity of an object: what etcd keys it by, with the kind for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// `group/version`.
    pub api_version: String,
    /// Kind such as `Pod`.
    pub kind: String,
    /// `""` for cluster-scoped objects.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Name.
    pub name: String,
}

impl fmt::Display for ObjectRef {
    /// `Kind/namespace/name`, without the namespace for cluster-scoped objects.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{}/{}", self.kind, self.name)
        } else {
            write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }
}

/// A kind as policies write it in `match.resources.kinds`; every part may hold wildcards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindSelector {
    /// Group pattern.
    pub group: String,
    /// Version pattern.
    pub version: String,
    /// Kind pattern.
    pub kind: String,
    /// Subresource pattern, `""` for the object itself.
    pub subresource: String,
}

impl KindSelector {
    /// `Pod`, `v1/Pod`, `apps/v1/Deployment`, `Pod/exec`, `Pod.exec`, `*/*`, …
    ///
    /// A text of more than four parts selects nothing, as all parts become empty. Follows `pkg/utils/kube/kind.go`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (head, last) = text.rsplit_once('/').map_or((None, text), |(head, last)| (Some(head), last));
        let parts: Vec<&str> = head.into_iter().flat_map(|head| head.split('/')).chain(last.split('.')).collect();
        let (group, version, kind, subresource) = match parts.as_slice() {
            [kind] => ("*", "*", *kind, ""),
            ["*", "*"] => ("*", "*", "*", "*"),
            ["*", subresource] if subresource.to_lowercase() == *subresource => ("*", "*", "*", *subresource),
            [version, kind] if is_version(version) => ("*", *version, *kind, ""),
            [kind, subresource] => ("*", "*", *kind, *subresource),
            [version, kind, subresource] if is_version(version) => ("*", *version, *kind, *subresource),
            [group, version, kind] => (*group, *version, *kind, ""),
            [group, version, kind, subresource] => (*group, *version, *kind, *subresource),
            _ => ("", "", "", ""),
        };
        let [group, version, kind, subresource] = [group, version, kind, subresource].map(str::to_owned);
        Self { group, version, kind, subresource }
    }

    /// Whether group, version and kind fit, whatever the subresource.
    #[must_use]
    pub fn matches_kind(&self, gvk: &Gvk) -> bool {
        matches(&self.group, &gvk.group) && matches(&self.version, &gvk.version) && matches(&self.kind, &gvk.kind)
    }

    /// Whether the kind and the subresource fit.
    #[must_use]
    pub fn matches(&self, gvk: &Gvk, subresource: &str) -> bool {
        self.matches_kind(gvk) && matches(&self.subresource, subresource)
    }
}

/// `CheckKind`: whether any of the kinds fits a request.
///
/// With `allow_ephemeral_containers` a `Pod` also fits its subresource `ephemeralcontainers`; cleanup policies do not
/// allow that. Follows `pkg/utils/match/kind.go`.
#[must_use]
pub fn check_kind<T: AsRef<str>>(kinds: &[T], gvk: &Gvk, subresource: &str, allow_ephemeral_containers: bool) -> bool {
    let ephemeral = allow_ephemeral_containers
        && subresource == "ephemeralcontainers"
        && (gvk.group.as_str(), gvk.version.as_str(), gvk.kind.as_str()) == ("", "v1", "Pod");
    kinds
        .iter()
        .map(|kind| KindSelector::parse(kind.as_ref()))
        .any(|selector| selector.matches_kind(gvk) && (matches(&selector.subresource, subresource) || ephemeral))
}

/// `v1`, `v2beta1`, … or `*`.
#[must_use]
pub fn is_version(text: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text == "*"
        || text.strip_prefix('v').is_some_and(|rest| {
            let staged = rest.split_once("alpha").or_else(|| rest.split_once("beta"));
            staged.map_or_else(|| number(rest), |(major, minor)| number(major) && number(minor))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> [String; 4] {
        let selector = KindSelector::parse(text);
        [selector.group, selector.version, selector.kind, selector.subresource]
    }

    #[test]
    fn kind_selectors() {
        for (text, wanted) in [
            ("Pod", ["*", "*", "Pod", ""]),
            ("v1/Pod", ["*", "v1", "Pod", ""]),
            ("*/Pod", ["*", "*", "Pod", ""]),
            ("*/*", ["*", "*", "*", "*"]),
            ("*/scale", ["*", "*", "*", "scale"]),
            ("Pod/exec", ["*", "*", "Pod", "exec"]),
            ("Pod.exec", ["*", "*", "Pod", "exec"]),
            ("v1/Pod.exec", ["*", "v1", "Pod", "exec"]),
            ("v1/Pod/exec", ["*", "v1", "Pod", "exec"]),
            ("apps/v1/Deployment", ["apps", "v1", "Deployment", ""]),
            ("apps/v1/Deployment/scale", ["apps", "v1", "Deployment", "scale"]),
            ("apps/v1/Deployment.scale", ["apps", "v1", "Deployment", "scale"]),
            ("a/b/c/d/e", ["", "", "", ""]),
            ("v1gamma1/Pod", ["*", "*", "v1gamma1", "Pod"]),
        ] {
            assert_eq!(parsed(text), wanted, "{text}");
        }
    }

    #[test]
    fn kinds_of_a_request() {
        let pod = Gvk::new("v1", "Pod");
        let deployment = Gvk::new("apps/v1", "Deployment");
        for (kinds, gvk, subresource, wanted) in [
            (["Pod"], &pod, "", true),
            (["pod"], &pod, "", false),
            (["*"], &deployment, "", true),
            (["*"], &deployment, "scale", false),
            (["*/*"], &deployment, "scale", true),
            (["Pod"], &pod, "status", false),
            (["Pod"], &pod, "ephemeralcontainers", true),
            (["Pod/status"], &pod, "status", true),
            (["batch/*/Deployment"], &deployment, "", false),
            (["apps/*/Deploy*"], &deployment, "", true),
        ] {
            assert_eq!(check_kind(&kinds, gvk, subresource, true), wanted, "{kinds:?} {subresource}");
        }
        assert!(!check_kind(&["Pod"], &pod, "ephemeralcontainers", false));
    }
}
