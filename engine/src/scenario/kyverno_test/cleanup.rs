//! Cleanup policies on the command line: what each would do to each resource (`applyCleanupPolicies` of `commands/apply`).

use super::load::TestData;
use super::response::EngineResponse;
use super::view::TestView;
use crate::eval::cleanup::would_delete;
use crate::eval::verdict::{RuleResponse, RuleType, Status};
use crate::object::ObjectExt;
use crate::policy::cleanup::CleanupPolicy;

/// Pass for what a policy would delete, fail for what it leaves.
///
/// # Errors
/// A policy cannot be read.
pub fn answers(data: &TestData) -> Result<Vec<EngineResponse>, String> {
    let mut answers = Vec::new();
    for object in data.policies.iter().filter(|object| CleanupPolicy::is(object)) {
        let policy = CleanupPolicy::read(object.clone()).map_err(|problem| problem.message)?;
        for resource in &data.resources {
            let view = TestView {
                outside: &data.outside,
                objects: &data.resources,
                resource: resource.name(),
                operation: "",
                cel: false,
            };
            let (status, words) = match would_delete(&policy, resource, &view) {
                Ok(true) => (Status::Pass, "resource matched".to_owned()),
                Ok(false) => (Status::Fail, "resource did not match".to_owned()),
                Err(words) => (Status::Error, words),
            };
            let mut answer = EngineResponse::new(object, resource);
            answer.rules.push(RuleResponse::new(&policy.name, RuleType::Deletion, status, words));
            answers.push(answer);
        }
    }
    Ok(answers)
}
