//! `SubjectAccessReview` and its kin: the API server answers them and stores nothing.
//!
//! Follows `pkg/registry/authorization` of Kubernetes.

use serde_json::{Value, json};

use super::Cluster;
use super::api_server::service_account;
use crate::eval::request::UserInfo;
use crate::eval::view::ApiCall;
use crate::object::ObjectExt;
use crate::object::access::Access;

const GROUP: &str = "authorization.k8s.io";
/// What everybody who has logged in may ask.
const SELF: &str = "selfsubjectaccessreviews";

impl Cluster {
    /// The answer to a review that a policy posts; `None` for any other call.
    pub(super) fn reviewed(&self, call: &ApiCall) -> Option<Result<Value, String>> {
        let path = call.url_path.strip_prefix(&format!("/apis/{GROUP}/"))?;
        let resource = path.rsplit('/').next().filter(|name| name.ends_with("accessreviews"))?;
        let namespace = path.split_once("namespaces/").and_then(|(_, rest)| rest.split('/').next()).unwrap_or("");
        let asker = service_account(self.reader);
        let access = Access { verb: "create", group: GROUP, resource, namespace, ..Access::default() };
        if resource != SELF && !self.allows(&asker, &access) {
            return Some(Err(access.forbidden(self.reader)));
        }
        let mut review = call.data.clone().unwrap_or_else(|| json!({}));
        let spec = review.get("spec").cloned().unwrap_or_default();
        let groups = spec.get("groups").and_then(Value::as_array).into_iter().flatten();
        let user = if resource == SELF {
            asker
        } else {
            UserInfo {
                username: spec.str_at(&["user"]).to_owned(),
                groups: groups.filter_map(|group| group.as_str().map(str::to_owned)).collect(),
                ..UserInfo::default()
            }
        };
        let part = |field: &str| spec.str_at(&["resourceAttributes", field]);
        let wanted = Access {
            verb: part("verb"),
            group: part("group"),
            resource: part("resource"),
            subresource: part("subresource"),
            namespace: part("namespace"),
            name: part("name"),
        };
        let allowed = spec.get("resourceAttributes").is_some() && self.is_granted(&user, &wanted);
        review.set_at(&["status"], json!({"allowed": allowed}));
        Some(Ok(review))
    }
}
