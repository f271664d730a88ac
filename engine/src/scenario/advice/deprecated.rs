//! Deprecated fields, each with what to write instead, done by the fix where it is a matter of moving text.

use serde_json::Value;

use super::edit::{Edit, Text};
use super::{Advice, Fix, Place};
use crate::object::ObjectExt;
use crate::policy::lint::{Deprecation, deprecations};

/// Advice on everything deprecated in a document but its kind, which [`super::equivalent`] is about.
pub fn deprecated(text: Text<'_>) -> Vec<Advice> {
    let found = deprecations(&text.document.value);
    found.iter().filter(|one| one.pointer != "/kind").map(|one| advice(text, one)).collect()
}

fn advice(text: Text<'_>, one: &Deprecation) -> Advice {
    let since = if one.since.is_empty() { String::new() } else { format!(" since {}", one.since) };
    let place = Place { text, pointer: String::new() };
    let mut advice = place.advice(
        "deprecated",
        &one.pointer,
        format!("`{}` is deprecated{since}", one.what),
        &format!("It still works and will go. Write {}.", one.instead),
    );
    advice.fix = edits(text, one).map(|edits| Fix {
        title: if one.instead.starts_with("nothing") {
            "Take it away".to_owned()
        } else {
            "Write it the new way".to_owned()
        },
        file: text.document.file.clone(),
        edits,
    });
    advice
}

fn edits(text: Text<'_>, one: &Deprecation) -> Option<Vec<Edit>> {
    let value = text.document.value.pointer(&one.pointer);
    match one.what.as_str() {
        "spec.schemaValidation" => Some(vec![text.remove(&one.pointer)?]),
        "spec.validationFailureAction" => {
            let action = if value?.as_str()?.eq_ignore_ascii_case("enforce") { "Enforce" } else { "Audit" };
            into_rules(text, &one.pointer, "validate", "failureAction", action)
        }
        "spec.generateExisting" | "spec.generateExistingOnPolicyUpdate" => {
            into_rules(text, &one.pointer, "generate", "generateExisting", &value?.to_string())
        }
        "spec.mutateExistingOnPolicyUpdate" => {
            into_rules(text, &one.pointer, "mutate", "mutateExistingOnPolicyUpdate", &value?.to_string())
        }
        "spec.failurePolicy" => webhook(text, &one.pointer, "failurePolicy", value?),
        "spec.webhookTimeoutSeconds" => webhook(text, &one.pointer, "timeoutSeconds", value?),
        "spec.rules[].match.resources" | "spec.rules[].exclude.resources" => {
            Some(vec![text.wrap(one.pointer.strip_suffix("/resources")?, "any")?])
        }
        "operator In" => Some(vec![text.replace(&one.pointer, "AnyIn")?]),
        "operator NotIn" => Some(vec![text.replace(&one.pointer, "AnyNotIn")?]),
        what if what.starts_with("operator Duration") => Some(vec![text.replace(&one.pointer, &one.instead)?]),
        _ if one.pointer == "/apiVersion" => Some(vec![text.replace(&one.pointer, &one.instead)?]),
        _ => None,
    }
}

/// Moves a field of the policy into the body of each rule that has one and does not say it itself.
fn into_rules(text: Text<'_>, from: &str, body: &str, field: &str, value: &str) -> Option<Vec<Edit>> {
    let rules = text.document.value.at(&["spec", "rules"]).and_then(Value::as_array)?;
    let wants = |rule: &Value| rule.get(body).is_some_and(|body| body.is_object() && body.get(field).is_none());
    let line = [format!("{field}: {value}")];
    let mut edits = vec![text.remove(from)?];
    for (index, _) in rules.iter().enumerate().filter(|(_, rule)| wants(rule)) {
        edits.push(text.insert_first(&format!("/spec/rules/{index}/{body}"), &line)?);
    }
    Some(edits)
}

fn webhook(text: Text<'_>, from: &str, field: &str, value: &Value) -> Option<Vec<Edit>> {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.document.value.at(&["spec", "webhookConfiguration"]).is_some_and(Value::is_object) {
        let line = [format!("{field}: {value}")];
        return Some(vec![text.remove(from)?, text.insert_first("/spec/webhookConfiguration", &line)?]);
    }
    let lines = ["webhookConfiguration:".to_owned(), format!("  {field}: {value}")];
    Some(vec![text.rewrite(from, &lines)?])
}
