//! What Kyverno's reports controller may read, and what a policy needs for reports (`RBACPermissionsGranted`).
//!
//! Follows `pkg/controllers/policystatus/controller.go`.

use super::Cluster;
use super::config::REPORTS_USER;
use crate::eval::request::UserInfo;
use crate::object::access::Access;
use crate::policy::constraints::MatchResources;

impl Cluster {
    /// What the reports controller is not allowed to read of the resources of a policy, as its status says it.
    pub(super) fn missing_permissions(&self, constraints: Option<&MatchResources>) -> Vec<String> {
        let user = UserInfo { username: REPORTS_USER.to_owned(), ..UserInfo::default() };
        let mut missing = Vec::new();
        for rule in constraints.iter().flat_map(|constraints| &constraints.resource_rules) {
            for group in &rule.api_groups {
                for version in &rule.api_versions {
                    for resource in &rule.resources {
                        let (plural, subresource) = resource.split_once('/').unwrap_or((resource, ""));
                        let access = |verb| Access { verb, group, resource: plural, subresource, ..Access::default() };
                        let verbs = ["get", "list", "watch"];
                        let lacks = verbs.into_iter().filter(|verb| !self.is_granted(&user, &access(verb)));
                        missing.extend(lacks.map(|verb| format!("{verb} {group}/{version}, Resource={resource}: ")));
                    }
                }
            }
        }
        missing
    }
}
