//! The kinds of PATCH that the API server takes.

use serde_json::Value;

use super::api_server::{ApiError, ApiRequest, Verb};
use crate::object::list_types::Type;
use crate::object::{apply, merge, patch};

/// The object after a patch.
///
/// # Errors
/// 422 where the patch cannot be applied.
pub fn patched(request: &ApiRequest, old: &Value, body: &Value) -> Result<Value, ApiError> {
    let refuse = |what: String| ApiError::invalid(&request.gvk.kind, &request.name, &what);
    match request.verb {
        Verb::MergePatch => Ok(patch::merge(old, body)),
        Verb::JsonPatch => patch::apply(old, body, patch::Options::API_SERVER).map_err(refuse),
        Verb::StrategicPatch => merge::api_server::strategic(old, body).map_err(refuse),
        Verb::ServerSideApply => applied(request, old, body).map_err(|error| refuse(error.0)),
        Verb::Create | Verb::Update | Verb::Delete | Verb::Connect => Ok(body.clone()),
    }
}

/// Server-side apply by one manager that forces: what others set stays, but for what the configuration sets, too.
fn applied(request: &ApiRequest, old: &Value, body: &Value) -> Result<Value, apply::Error> {
    match Type::of_kind(&request.gvk) {
        Some(root) => apply::merge_as(&root, old, body, true),
        None => apply::merge_deduced(old, body),
    }
}
