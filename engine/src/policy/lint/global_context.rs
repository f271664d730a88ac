//! `GlobalContextEntry` (`api/kyverno/v2`).

use serde_json::Value;

use super::field::{forbidden, invalid, required};
use super::shape::{filled, items, there};
use super::{Problem, Report};
use crate::expr::jmespath::Expression;
use crate::object::ObjectExt;
use crate::object::duration::Duration;

pub(super) fn check(entry: &Value) -> Vec<Problem> {
    let mut report = Report::default();
    let (resource, call) = (there(entry.at(&["spec", "kubernetesResource"])), there(entry.at(&["spec", "apiCall"])));
    if resource.is_some() == call.is_some() {
        let words = "A global context entry should either have KubernetesResource or APICall";
        report.add(forbidden("spec.kubernetesResource", words));
    }
    if let Some(resource) = resource {
        let text = |field: &str| resource.str_at(&[field]);
        if text("group").is_empty() && text("version") != "v1" {
            report.add(required("spec.resource.group", "A Resource entry requires a group"));
        }
        for field in ["version", "resource"] {
            if text(field).is_empty() {
                let path = format!("spec.resource.{field}");
                report.add(required(&path, &format!("A Resource entry requires a {field}")));
            }
        }
    }
    if let Some(call) = call {
        report.extend(api_call(call));
    }
    for (index, projection) in items(entry.at(&["spec", "projections"])).enumerate() {
        report.extend(self::projection(projection, &format!("spec.projections[{index}]"), entry.name()));
    }
    report.problems
}

fn api_call(call: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    let interval = call.str_at(&["refreshInterval"]);
    if Duration::parse(interval).map_or(0.0, Duration::seconds) == 0.0 {
        let words = "A Resource entry requires a refresh interval greater than 0 seconds";
        problems.push(required("spec.apiCall.refreshIntervalSeconds", words));
    }
    if there(call.get("service")).is_some() == filled(call.get("urlPath")) {
        let words = "An External API call should either have Service or URLPath";
        problems.push(forbidden("spec.apiCall.service", words));
    }
    if there(call.get("data")).is_some() && call.str_at(&["method"]) != "POST" {
        let words = "An External API call with data should have method as POST";
        problems.push(forbidden("spec.apiCall.method", words));
    }
    problems
}

fn projection(projection: &Value, path: &str, entry: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let (name, expression) = (projection.str_at(&["name"]), projection.str_at(&["jmesPath"]));
    let name_path = format!("{path}.name");
    if name.is_empty() {
        problems.push(required(&name_path, "A projection entry requires a name"));
    }
    if name == entry {
        let words = "A projection entry requires a name different from the global context entry name";
        problems.push(required(&name_path, words));
    }
    let expression_path = format!("{path}.jmesPath");
    if expression.is_empty() {
        problems.push(required(&expression_path, "A projection entry requires a JMESPath"));
    }
    if let Err(error) = Expression::cached(expression) {
        problems.push(invalid(&expression_path, &Value::from(expression), &error.to_string()));
    }
    problems
}
