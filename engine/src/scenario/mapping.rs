//! Kinds that the cluster does not serve: kubectl finds no mapping for them. Of a group that the cluster knows in full such a
//! kind is refused, of any other it is taken as a custom resource.

use serde_json::Value;

use crate::object::ObjectExt;
use crate::object::catalog::Catalog;
use crate::policy::schema::nearest::nearest;

/// A kind without a mapping.
pub struct Unmapped {
    /// What kubectl prints.
    pub printed: String,
    /// The short form of it.
    pub message: String,
    /// The kind that was probably meant.
    pub meant: Option<String>,
}

/// Why kubectl does not even ask for an object of this kind; `None` where it does.
#[must_use]
pub fn unmapped(catalog: &Catalog, object: &Value, file: &str) -> Option<Unmapped> {
    let gvk = object.gvk();
    let of_group = || catalog.iter().filter(|known| known.group == gvk.group);
    let served_in_full = Catalog::new().iter().any(|known| known.group == gvk.group);
    if !served_in_full || of_group().any(|known| known.kind == gvk.kind) {
        return None;
    }
    let message = format!("no matches for kind {:?} in version {:?}", gvk.kind, gvk.api_version());
    let from = if file.is_empty() { "STDIN" } else { file };
    let printed = format!(
        "error: resource mapping not found for name: {:?} namespace: {:?} from {from:?}: {message}\nensure CRDs are installed first",
        object.name(),
        object.namespace(),
    );
    let meant = nearest(&gvk.kind, of_group().map(|known| known.kind.as_str())).map(str::to_owned);
    Some(Unmapped { printed, message, meant })
}
