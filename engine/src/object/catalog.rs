//! What kinds a cluster serves: the built-in ones, Kyverno's, and those of CustomResourceDefinitions.

use std::cmp::Reverse;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use super::ObjectExt;
use super::gvk::{Gvk, Gvr};
use crate::object::order;

/// One kind of objects, as the discovery of an API server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// API group, `""` for the core group.
    pub group: String,
    /// Served versions, the preferred one first.
    pub versions: Vec<String>,
    /// Kind such as `Pod`.
    pub kind: String,
    /// Plural name such as `pods`.
    pub plural: String,
    /// Singular name such as `pod`.
    pub singular: String,
    /// Short names such as `po`.
    pub short_names: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Subresources such as `status` and `scale`.
    pub subresources: Vec<String>,
}

impl Resource {
    /// The preferred version.
    #[must_use]
    pub fn preferred(&self) -> &str {
        self.versions.first().map_or("", String::as_str)
    }

    /// Group, version and kind; an empty or unserved version becomes the preferred one.
    #[must_use]
    pub fn gvk(&self, version: &str) -> Gvk {
        Gvk { group: self.group.clone(), version: self.version(version), kind: self.kind.clone() }
    }

    /// Group, version and resource; an empty or unserved version becomes the preferred one.
    #[must_use]
    pub fn gvr(&self, version: &str) -> Gvr {
        Gvr { group: self.group.clone(), version: self.version(version), resource: self.plural.clone() }
    }

    fn version(&self, wanted: &str) -> String {
        if self.serves(wanted) { wanted.to_owned() } else { self.preferred().to_owned() }
    }

    /// Whether the version is served.
    #[must_use]
    pub fn serves(&self, version: &str) -> bool {
        self.versions.iter().any(|served| served == version)
    }

    /// The kind that a request to a subresource carries: `scale` a Scale, `eviction` an Eviction, `status` the kind itself.
    #[must_use]
    pub fn subresource_gvk(&self, version: &str, subresource: &str) -> Gvk {
        let other = match (self.plural.as_str(), subresource) {
            (_, "scale") => Some(("autoscaling/v1", "Scale")),
            ("pods", "eviction") => Some(("policy/v1", "Eviction")),
            ("serviceaccounts", "token") => Some(("authentication.k8s.io/v1", "TokenRequest")),
            ("pods", "binding") => Some(("v1", "Binding")),
            ("pods", "exec") => Some(("v1", "PodExecOptions")),
            ("pods", "attach") => Some(("v1", "PodAttachOptions")),
            ("pods", "portforward") => Some(("v1", "PodPortForwardOptions")),
            ("pods", "proxy") => Some(("v1", "PodProxyOptions")),
            ("services", "proxy") => Some(("v1", "ServiceProxyOptions")),
            ("nodes", "proxy") => Some(("v1", "NodeProxyOptions")),
            _ => None,
        };
        other.map_or_else(|| self.gvk(version), |(api_version, kind)| Gvk::new(api_version, kind))
    }
}

/// The kinds of a cluster. Starts with the built-in ones; cheap to clone.
#[derive(Clone, Debug)]
pub struct Catalog {
    resources: Vec<Arc<Resource>>,
}

static BUILT_IN: LazyLock<Vec<Arc<Resource>>> =
    LazyLock::new(|| include_str!("data/kinds.tsv").lines().filter_map(read_line).map(Arc::new).collect());

impl Default for Catalog {
    fn default() -> Self {
        Self { resources: BUILT_IN.clone() }
    }
}

impl Catalog {
    /// The built-in kinds of Kubernetes, Kyverno's, and the policy reports.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the kind that a CustomResourceDefinition defines, in place of one of the same name.
    ///
    /// Returns what was added; `None` for an object that defines no kind or serves no version.
    pub fn add_crd(&mut self, crd: &Value) -> Option<Arc<Resource>> {
        let resource = Arc::new(read_crd(crd)?);
        self.remove(&resource.group, &resource.plural);
        self.resources.push(Arc::clone(&resource));
        Some(resource)
    }

    /// Takes away the kind that a CustomResourceDefinition of this name (`plural.group`) defined.
    pub fn remove_crd(&mut self, name: &str) {
        if let Some((plural, group)) = name.split_once('.') {
            self.remove(group, plural);
        }
    }

    fn remove(&mut self, group: &str, plural: &str) {
        self.resources.retain(|known| known.group != group || known.plural != plural);
    }

    /// Every kind, built-in ones first.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter().map(AsRef::as_ref)
    }

    /// The entry of a kind in a served version; an empty version is any.
    #[must_use]
    pub fn kind(&self, gvk: &Gvk) -> Option<&Resource> {
        let fits = |known: &&Resource| known.kind == gvk.kind && known.group == gvk.group;
        self.iter().filter(fits).find(|known| gvk.version.is_empty() || known.serves(&gvk.version))
    }

    /// The entry of a kind in any group, the core group and built-in kinds first.
    #[must_use]
    pub fn kind_named(&self, kind: &str) -> Option<&Resource> {
        self.iter().find(|known| known.kind == kind)
    }

    /// The entry of a resource in a served version; an empty version is any.
    #[must_use]
    pub fn resource(&self, gvr: &Gvr) -> Option<&Resource> {
        let fits = |known: &&Resource| known.plural == gvr.resource && known.group == gvr.group;
        self.iter().filter(fits).find(|known| gvr.version.is_empty() || known.serves(&gvr.version))
    }

    /// What `kubectl get <name>` means: plural, singular, short name or kind, in any case, with or without `.group`
    /// or `.version.group` behind it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Resource> {
        let name = name.to_lowercase();
        let named = |known: &Resource, name: &str| {
            known.plural == name || known.singular == name || known.short_names.iter().any(|short| short == name)
        };
        if let Some(found) = self.iter().find(|known| named(known, &name) || known.kind.to_lowercase() == name) {
            return Some(found);
        }
        let (name, group) = name.split_once('.')?;
        self.iter().filter(|known| named(known, name)).find(|known| {
            let versioned = group.split_once('.').filter(|(version, _)| known.serves(version));
            known.group == group || versioned.is_some_and(|(_, rest)| rest == known.group)
        })
    }

    /// The resource of a kind.
    #[must_use]
    pub fn gvr_of(&self, gvk: &Gvk) -> Option<Gvr> {
        Some(self.kind(gvk)?.gvr(&gvk.version))
    }

    /// The kind of a resource; an empty version takes the preferred one.
    #[must_use]
    pub fn gvk_of(&self, gvr: &Gvr) -> Option<Gvk> {
        Some(self.resource(gvr)?.gvk(&gvr.version))
    }

    /// Whether a kind is namespaced; `None` when it is unknown.
    #[must_use]
    pub fn is_namespaced(&self, gvk: &Gvk) -> Option<bool> {
        Some(self.kind(gvk)?.namespaced)
    }
}

/// The resource that an unknown kind most likely has: client-go's `UnsafeGuessKindToResource`.
#[must_use]
pub fn guess_resource(gvk: &Gvk) -> Gvr {
    let singular = gvk.kind.to_lowercase();
    let resource = if singular.is_empty() || singular.ends_with("endpoints") {
        singular
    } else if singular.ends_with('s') {
        format!("{singular}es")
    } else if let Some(stem) = singular.strip_suffix('y') {
        format!("{stem}ies")
    } else {
        format!("{singular}s")
    };
    Gvr { group: gvk.group.clone(), version: gvk.version.clone(), resource }
}

fn read_line(line: &str) -> Option<Resource> {
    let list = |text: &str| text.split(',').filter(|t| *t != "-").map(str::to_owned).collect::<Vec<_>>();
    let mut columns = line.split_whitespace();
    let mut next = || columns.next().filter(|_| !line.starts_with('#'));
    let (group, versions, kind, plural, short, scope, subresources) =
        (next()?, next()?, next()?, next()?, next()?, next()?, next()?);
    Some(Resource {
        group: group.trim_start_matches('-').to_owned(),
        versions: list(versions),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        short_names: list(short),
        namespaced: scope == "N",
        subresources: list(subresources),
    })
}

fn read_crd(crd: &Value) -> Option<Resource> {
    let names = crd.at(&["spec", "names"])?;
    let served = |version: &&Value| version.get("served").and_then(Value::as_bool).unwrap_or(true);
    let list = crd.at(&["spec", "versions"]).and_then(Value::as_array);
    let listed: Vec<&Value> = list.into_iter().flatten().filter(served).collect();
    let mut versions: Vec<String> = listed.iter().map(|version| version.str_at(&["name"]).to_owned()).collect();
    if listed.is_empty() {
        versions.push(crd.str_at(&["spec", "version"]).to_owned());
    }
    versions.retain(|version| !version.is_empty());
    order::sort_by_key(&mut versions, |version| Reverse(version_rank(version)));
    let kind = names.str_at(&["kind"]).to_owned();
    let gvk = Gvk { group: crd.str_at(&["spec", "group"]).to_owned(), version: String::new(), kind: kind.clone() };
    let or = |text: &str, default: String| if text.is_empty() { default } else { text.to_owned() };
    let short_names = names.get("shortNames").and_then(Value::as_array).into_iter().flatten();
    let mut subresources: Vec<String> = listed
        .iter()
        .filter_map(|version| version.get("subresources")?.as_object())
        .flat_map(|map| map.keys().cloned())
        .collect();
    order::sort(&mut subresources);
    subresources.dedup();
    (!kind.is_empty() && !versions.is_empty()).then(|| Resource {
        plural: or(names.str_at(&["plural"]), guess_resource(&gvk).resource),
        singular: or(names.str_at(&["singular"]), kind.to_lowercase()),
        short_names: short_names.filter_map(|name| Some(name.as_str()?.to_owned())).collect(),
        namespaced: crd.str_at(&["spec", "scope"]) != "Cluster",
        group: gvk.group,
        versions,
        kind,
        subresources,
    })
}

/// How Kubernetes ranks versions: `v2` > `v1` > `v1beta2` > `v1beta1` > `v1alpha1` > anything else.
fn version_rank(version: &str) -> (u8, u32, u32) {
    let number = |text: &str| text.parse::<u32>().ok();
    let ranked = version.strip_prefix('v').and_then(|rest| {
        for (word, stability) in [("alpha", 1), ("beta", 2)] {
            if let Some((major, minor)) = rest.split_once(word) {
                return Some((stability, number(major)?, number(minor)?));
            }
        }
        Some((3, number(rest)?, 0))
    });
    ranked.unwrap_or((0, 0, 0))
}

#[cfg(test)]
mod tests;
