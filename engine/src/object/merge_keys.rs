//! Which lists a strategic merge patch merges, and by which keys: a table of types that hold such a list somewhere.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::gvk::Gvk;

/// Added since Kubernetes 1.21, which the table is made from; only the API server knows them.
const NEWER: &str = include_str!("data/merge_keys_newer.txt");
const TABLE: &str = include_str!("data/merge_keys.txt");

/// A type of objects or of parts of them.
#[derive(Debug, Default)]
pub struct Type {
    fields: BTreeMap<&'static str, Field>,
}

/// A field that is merged, or that leads to one.
#[derive(Debug, Default)]
struct Field {
    keys: Option<Vec<&'static str>>,
    target: Option<&'static str>,
}

/// Which Kubernetes the keys are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// 1.21.2, which Kyverno's `patchStrategicMerge` knows whatever the cluster is.
    Kyaml,
    /// What an API server of today knows.
    ApiServer,
}

#[derive(Default)]
struct Table {
    types: BTreeMap<&'static str, Type>,
    kinds: BTreeMap<&'static str, &'static str>,
}

static KYAML: LazyLock<Table> = LazyLock::new(|| read(&[TABLE]));
static API_SERVER: LazyLock<Table> = LazyLock::new(|| read(&[TABLE, NEWER]));

/// A place in the schema of a kind.
#[derive(Clone, Copy)]
pub struct Place {
    table: &'static Table,
    object: Option<&'static Type>,
    keys: Option<&'static [&'static str]>,
}

impl Place {
    /// The root of a kind; `None` for a kind the release does not know or that merges no list.
    #[must_use]
    pub fn of(gvk: &Gvk, release: Release) -> Option<Self> {
        let table: &'static Table = match release {
            Release::Kyaml => &KYAML,
            Release::ApiServer => &API_SERVER,
        };
        let name = format!("{}/{}", gvk.api_version(), gvk.kind);
        let object = table.types.get(table.kinds.get(name.as_str())?);
        Some(Self { table, object, keys: None })
    }

    /// The place of a field; `None` when no list is merged there or below.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Self> {
        let field = self.object?.fields.get(name)?;
        let object = field.target.and_then(|target| self.table.types.get(target));
        Some(Self { table: self.table, object, keys: field.keys.as_deref() })
    }

    /// Merge keys of the list at this place: none at all for a list of scalars; `None` for a list that is replaced.
    #[must_use]
    pub fn merge_keys(&self) -> Option<&'static [&'static str]> {
        self.keys
    }

    /// The place of the elements of the list at this place.
    #[must_use]
    pub fn elements(&self) -> Self {
        Self { keys: None, ..*self }
    }
}

fn read(texts: &[&'static str]) -> Table {
    let mut table = Table::default();
    for line in texts.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with('#')) {
        let Some((head, fields)) = line.split_once(" : ") else { continue };
        let mut head = head.split(' ');
        let Some(name) = head.next() else { continue };
        table.kinds.extend(head.map(|kind| (kind, name)));
        let known = table.types.entry(name).or_default();
        known.fields.extend(fields.split(' ').map(read_field));
    }
    table
}

/// `name[key,key]>Type`.
fn read_field(text: &'static str) -> (&'static str, Field) {
    let (text, target) = text.split_once('>').map_or((text, None), |(text, target)| (text, Some(target)));
    let (name, keys) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((name, keys)) => (name, Some(keys.split(',').filter(|key| !key.is_empty()).collect())),
        None => (text, None),
    };
    (name, Field { keys, target })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(api_version: &str, kind: &str, path: &str, release: Release) -> Option<Vec<&'static str>> {
        let mut place = Place::of(&Gvk::new(api_version, kind), release)?;
        for part in path.split('.') {
            place = place.field(part)?;
        }
        Some(place.merge_keys()?.to_vec())
    }

    #[test]
    fn lists() {
        for (api_version, kind, path, wanted) in [
            ("v1", "Pod", "spec.containers", Some(vec!["name"])),
            ("v1", "Pod", "spec.tolerations", None),
            ("v1", "Pod", "spec.containers.ports", Some(vec!["containerPort", "protocol"])),
            ("apps/v1", "Deployment", "spec.template.spec.volumes", Some(vec!["name"])),
            ("batch/v1", "CronJob", "spec.jobTemplate.spec.template.spec.containers.env", Some(vec!["name"])),
            ("v1", "ConfigMap", "metadata.finalizers", Some(vec![])),
            ("example.com/v1", "Widget", "spec.containers", None),
            ("v1", "Pod", "spec.resourceClaims", None),
        ] {
            assert_eq!(keys(api_version, kind, path, Release::Kyaml), wanted, "{kind} {path}");
        }
        assert_eq!(keys("v1", "Pod", "spec.resourceClaims", Release::ApiServer), Some(vec!["name"]));
        let hooks = keys(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            "webhooks.matchConditions",
            Release::ApiServer,
        );
        assert_eq!(hooks, Some(vec!["name"]));
    }
}
