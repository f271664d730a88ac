//! The schema at a place: through the kind's own schema, then through that of the matched resource where a pattern, a
//! patch or generated data mirrors it.

use crate::object::catalog::Catalog;
use crate::object::gvk::{Gvk, KindSelector};
use crate::policy::schema::arena::Schema;
use crate::policy::schema::table::table;

use super::place::{Place, Scalar, Step};

/// The document's own kind; the newest served version where the text names none.
pub(super) fn document_kind(place: &Place) -> Option<Gvk> {
    let (api_version, kind) = (place.root("apiVersion"), place.root("kind"));
    let gvk = Gvk::new(api_version, kind);
    if table().kind(&gvk).is_some() {
        return Some(gvk);
    }
    table().kinds().iter().find(|known| known.gvk.kind == kind && api_version.is_empty()).map(|known| known.gvk.clone())
}

/// The schema of what the path leads to.
pub(super) fn schema_at(place: &Place, path: &[Step]) -> Option<Schema<'static>> {
    let mut schema = table().schema(&document_kind(place)?)?;
    let mut mirrored = false;
    for (index, step) in path.iter().enumerate() {
        schema = match step {
            Step::Item(_) if mirrors(path.get(..index).unwrap_or_default()) == Some("anyPattern") => {
                mirrored = true;
                matched(place)?
            }
            // Conditions may be a plain list in place of `any` and `all`.
            Step::Item(_) => schema.items().or_else(|| schema.known("any")?.items())?,
            Step::Key(key) => {
                let name = if mirrored { bare(key) } else { key.as_str() };
                let next = schema.field(name)?;
                match mirrors(path.get(..=index).unwrap_or_default()) {
                    Some("pattern" | "patchStrategicMerge") if next.open() => {
                        mirrored = true;
                        matched(place)?
                    }
                    Some("data") if next.open() => {
                        mirrored = true;
                        generated(place, path.get(..index).unwrap_or_default())?
                    }
                    _ if next.open() && matches!(key.as_str(), "preconditions" | "conditions") => conditions()?,
                    _ => next,
                }
            }
        };
    }
    Some(schema)
}

/// `any` and `all` of conditions; the CRD of classic policies leaves them open.
fn conditions() -> Option<Schema<'static>> {
    table().schema(&Gvk::new("kyverno.io/v2", "CleanupPolicy"))?.at(["spec", "conditions"])
}

/// The field of a rule that mirrors a resource, if the path ends in one.
fn mirrors(path: &[Step]) -> Option<&str> {
    let Some(Step::Key(last)) = path.last() else { return None };
    let in_rule = path.first() == Some(&Step::Key("spec".to_owned()));
    (in_rule && matches!(last.as_str(), "pattern" | "anyPattern" | "patchStrategicMerge" | "data"))
        .then_some(last.as_str())
}

/// A key without its anchor: `=(name)`, `^(name)`, `<(name)`, `X(name)`, `+(name)`, `(name)`.
pub(super) fn bare(key: &str) -> &str {
    let inside = key.trim().strip_suffix(')').and_then(|key| key.split_once('('));
    inside.filter(|(modifier, _)| modifier.len() <= 1).map_or(key, |(_, name)| name)
}

/// The schema of the resource that the policy matches: the first kind that is known.
pub(super) fn matched(place: &Place) -> Option<Schema<'static>> {
    let under = |scalar: &&Scalar, key: &str| scalar.path.iter().any(|step| *step == Step::Key(key.to_owned()));
    let mut kinds = place.scalars.iter().filter(|scalar| under(scalar, "match") && under(scalar, "kinds"));
    let by_kind = kinds.find_map(|scalar| {
        let selector = KindSelector::parse(&scalar.value);
        table().kinds().iter().find(|kind| selector.matches_kind(&kind.gvk)).and_then(|kind| table().schema(&kind.gvk))
    });
    by_kind.or_else(|| {
        let catalog = Catalog::new();
        let mut plurals =
            place.scalars.iter().filter(|scalar| under(scalar, "resourceRules") && under(scalar, "resources"));
        plurals.find_map(|scalar| {
            let resource = catalog.find(&scalar.value)?;
            table().schema(&resource.gvk(""))
        })
    })
}

/// The schema of the kind that a generate rule makes.
fn generated(place: &Place, parent: &[Step]) -> Option<Schema<'static>> {
    let sibling = |key: &str| {
        let wanted: Vec<Step> = parent.iter().cloned().chain([Step::Key(key.to_owned())]).collect();
        place.scalars.iter().find(|scalar| scalar.path == wanted).map(|scalar| scalar.value.as_str())
    };
    table().schema(&Gvk::new(sibling("apiVersion")?, sibling("kind")?))
}
