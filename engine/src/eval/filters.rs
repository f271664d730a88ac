//! `resourceFilters` of the Kyverno ConfigMap: `[Kind,namespace,name]`, wildcards in every part.
//!
//! Follows `parseKinds` of `pkg/config/types.go` and `ToFilter` of `pkg/config/config.go`.

use crate::object::gvk::{Gvk, KindSelector};
use crate::object::wildcard;

/// One `[…]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Filter {
    kind: KindSelector,
    namespace: String,
    name: String,
}

/// What Kyverno leaves alone, at admission and in the background.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceFilters {
    filters: Vec<Filter>,
}

impl ResourceFilters {
    /// Reads the text of the ConfigMap. What stands outside of brackets is ignored; parts that are left out match only the empty name.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut filters: Vec<Filter> = Vec::new();
        for piece in text.split('[').skip(1) {
            let Some((inside, _)) = piece.split_once(']') else { continue };
            let parts: Vec<&str> = inside.split(',').collect();
            let filter = match parts.as_slice() {
                [kind] => Filter::new(kind, "", ""),
                [kind, namespace] => Filter::new(kind, namespace, ""),
                [kind, namespace, name] => Filter::new(kind, namespace, name),
                // Kyverno takes the one before once more.
                _ => filters.last().cloned().unwrap_or_default(),
            };
            filters.push(filter);
        }
        Self { filters }
    }

    /// Whether a request is left alone. A filter on a namespace concerns the Namespace object, too.
    #[must_use]
    pub fn cover(&self, gvk: &Gvk, subresource: &str, namespace: &str, name: &str) -> bool {
        let is_namespace = gvk.group.is_empty() && gvk.version == "v1" && gvk.kind == "Namespace";
        self.filters.iter().filter(|filter| filter.kind.matches(gvk, subresource)).any(|filter| {
            (wildcard::matches(&filter.namespace, namespace) && wildcard::matches(&filter.name, name))
                || (is_namespace && wildcard::matches(&filter.namespace, name))
        })
    }
}

impl Filter {
    fn new(kind: &str, namespace: &str, name: &str) -> Self {
        if kind.is_empty() {
            return Self::default();
        }
        Self { kind: KindSelector::parse(kind), namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(filters: &str, api_version: &str, kind: &str, namespace: &str, name: &str) -> bool {
        ResourceFilters::parse(filters).cover(&Gvk::new(api_version, kind), "", namespace, name)
    }

    #[test]
    fn kinds_namespaces_and_names() {
        assert!(covered("[Event,*,*] [*/*,kube-system,*]", "v1", "Event", "a", "b"));
        assert!(covered("[Event,*,*] [*/*,kube-system,*]", "v1", "Pod", "kube-system", "b"));
        assert!(!covered("[Event,*,*] [*/*,kube-system,*]", "v1", "Pod", "a", "b"));
        assert!(covered("[Node,,]", "v1", "Node", "", ""));
        assert!(!covered("[Node]", "v1", "Node", "", "n"));
    }

    #[test]
    fn the_namespace_itself_is_covered() {
        assert!(covered("[*/*,kube-system,*]", "v1", "Namespace", "", "kube-system"));
    }
}
