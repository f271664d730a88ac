//! Advice computed from a run: practices that keep generate rules and the rest of a cluster in step, each with its event and,
//! where it can be written down, a fix.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Scenario;
use super::plan::Documents;
use crate::object::ObjectExt;
use crate::parse::Document;
use crate::parse::span::Span;
use crate::timeline::{Event, Timeline};

/// One piece of advice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// `aligned-match`, `synchronize`, `operations`, `background-variables`, `loop`.
    pub id: String,
    /// One line.
    pub title: String,
    /// Why, in a sentence or two.
    pub text: String,
    /// The event that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// The file it is about.
    pub file: String,
    /// The place in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// An edit that follows the advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// An edit of a file: the text between two byte offsets is replaced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    /// What the edit does.
    pub title: String,
    /// The file.
    pub file: String,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The new text.
    pub text: String,
}

/// Advice on a scenario and its run.
#[must_use]
pub fn advise(scenario: &Scenario, timeline: &Timeline) -> Vec<Advice> {
    let documents = Documents::read(scenario);
    let mut advice = Vec::new();
    for document in &documents.all {
        let Some(rules) = document.value.at(&["spec", "rules"]).and_then(Value::as_array) else { continue };
        for (index, rule) in rules.iter().enumerate() {
            let place = Place { document, pointer: format!("/spec/rules/{index}") };
            advice.extend(aligned_match(&place, rule, timeline, &documents));
            advice.extend(not_synchronized(&place, rule));
            advice.extend(operations(&place, rule));
            advice.extend(user_variables(&place, rule));
        }
    }
    advice.extend(looping(timeline));
    advice
}

struct Place<'a> {
    document: &'a Document,
    pointer: String,
}

impl Place<'_> {
    fn span(&self, below: &str) -> Option<Span> {
        let node = self.document.spans.nearest(&format!("{}{below}", self.pointer));
        Some(node.key.unwrap_or(node.span))
    }

    fn advice(&self, id: &str, below: &str, title: String, text: &str) -> Advice {
        Advice {
            id: id.to_owned(),
            title,
            text: text.to_owned(),
            file: self.document.file.clone(),
            span: self.span(below),
            ..Advice::default()
        }
    }

    /// Lines put in front of the key at a pointer, with its indentation.
    fn insert_before(&self, below: &str, lines: &[String], title: &str) -> Option<Fix> {
        let node = self.document.spans.find(&format!("{}{below}", self.pointer))?;
        let key = node.key?;
        let indent = " ".repeat(key.column.saturating_sub(1));
        let text: String = lines.iter().map(|line| format!("{line}\n{indent}")).collect();
        Some(Fix { title: title.to_owned(), file: self.document.file.clone(), start: key.start, end: key.start, text })
    }

    fn policy(&self) -> &str {
        self.document.value.name()
    }
}

/// A generate rule was triggered by a request that was then refused.
fn aligned_match(place: &Place<'_>, rule: &Value, timeline: &Timeline, documents: &Documents) -> Option<Advice> {
    rule.get("generate")?;
    let name = rule.str_at(&["name"]);
    let request = timeline.update_requests.iter().find(|request| request.policy == place.policy())?;
    let refused = |event: &&Event| {
        event.kind == "denied" && event.subject.as_ref().is_some_and(|subject| *subject == request.trigger)
    };
    let denial = timeline.events.iter().find(refused)?;
    let created = timeline.events.iter().find(|event| event.seq == request.created)?;
    if created.detail.rule.as_deref() != Some(name) {
        return None;
    }
    let mut advice = place.advice(
        "aligned-match",
        "/match",
        format!("Rule {name} matches what another policy refuses"),
        "Its work is queued before the decision on the request is known, and fails later. Match only what the validate rule lets through.",
    );
    advice.anchor = Some(denial.anchor.clone());
    advice.fix = required_labels(documents, denial).and_then(|labels| selector_fix(place, rule, &labels));
    Some(advice)
}

/// The labels that the refusing rules ask for.
fn required_labels(documents: &Documents, denial: &Event) -> Option<Vec<(String, String)>> {
    let message = denial.detail.message.as_deref().unwrap_or("");
    let mut labels = Vec::new();
    for document in &documents.all {
        if !message.contains(&format!("\n{}:", document.value.name())) {
            continue;
        }
        let rules = document.value.at(&["spec", "rules"]).and_then(Value::as_array).into_iter().flatten();
        for rule in rules {
            let pattern = rule.at(&["validate", "pattern", "metadata", "labels"]).and_then(Value::as_object);
            for (key, value) in pattern.into_iter().flatten() {
                let plain = !key.starts_with(['(', '=', 'X', '+', '<', '^']) || !key.ends_with(')');
                if let (true, Some(value)) = (plain, value.as_str()) {
                    labels.push((key.clone(), value.to_owned()));
                }
            }
        }
    }
    (!labels.is_empty()).then_some(labels)
}

fn selector_fix(place: &Place<'_>, rule: &Value, labels: &[(String, String)]) -> Option<Fix> {
    let (below, resources) = ["/match/any/0/resources", "/match/all/0/resources", "/match/resources"]
        .iter()
        .find_map(|below| rule.pointer(below).map(|resources| (*below, resources)))?;
    if resources.get("selector").is_some() {
        return None;
    }
    let mut lines = vec!["selector:".to_owned(), "  matchLabels:".to_owned()];
    lines.extend(
        labels.iter().map(|(key, value)| format!("    {key}: {}", serde_json::to_string(value).unwrap_or_default())),
    );
    place.insert_before(&format!("{below}/kinds"), &lines, "Match only objects with these labels")
}

fn not_synchronized(place: &Place<'_>, rule: &Value) -> Option<Advice> {
    let generate = rule.get("generate")?;
    if generate.get("synchronize").is_some() {
        return None;
    }
    let name = rule.str_at(&["name"]);
    let mut advice = place.advice(
        "synchronize",
        "/generate",
        format!("Rule {name} does not say whether it synchronizes"),
        "Without `synchronize: true` what it makes is made once: drift stays, and a deleted object is not made again.",
    );
    let first = generate.as_object().and_then(|map| map.keys().next())?;
    advice.fix =
        place.insert_before(&format!("/generate/{first}"), &["synchronize: true".to_owned()], "Keep it synchronized");
    Some(advice)
}

fn operations(place: &Place<'_>, rule: &Value) -> Option<Advice> {
    if rule.at(&["generate", "synchronize"]) != Some(&Value::Bool(true)) {
        return None;
    }
    let blocks = ["/match/any", "/match/all"].iter().filter_map(|below| rule.pointer(below).and_then(Value::as_array));
    let listed = blocks.flatten().any(|filter| filter.at(&["resources", "operations"]).is_some());
    listed.then(|| {
        place.advice(
            "operations",
            "/match",
            format!("Rule {} lists operations and synchronizes", rule.str_at(&["name"])),
            "Work that drift sets off carries no operation, so the rule does not match then: what it made is not reverted, recreated or removed.",
        )
    })
}

fn user_variables(place: &Place<'_>, rule: &Value) -> Option<Advice> {
    let background = rule.get("generate").is_some() || rule.at(&["mutate", "targets"]).is_some();
    let text = rule.to_string();
    let words =
        ["request.userInfo", "request.roles", "request.clusterRoles", "serviceAccountName", "serviceAccountNamespace"];
    let word = words.iter().find(|word| text.contains(*word))?;
    background.then(|| {
        place.advice(
            "background-variables",
            "",
            format!("Rule {} needs to know who asked", rule.str_at(&["name"])),
            &format!("`{word}` is known only while a request is reviewed; without one the background controller cannot run the rule again."),
        )
    })
}

/// Policies that feed each other until the run is cut short.
fn looping(timeline: &Timeline) -> Option<Advice> {
    timeline.stopped.as_ref()?;
    let last = timeline.events.iter().rev().take(200);
    let policies: BTreeSet<&str> = last.filter_map(|event| event.detail.policy.as_deref()).collect();
    let names: Vec<&str> = policies.into_iter().collect();
    Some(Advice {
        id: "loop".to_owned(),
        title: format!("These policies feed each other: {}", names.join(", ")),
        text: "What one makes or changes triggers the other. Exclude what carries the label app.kubernetes.io/managed-by: kyverno.".to_owned(),
        anchor: timeline.events.last().map(|event| event.anchor.clone()),
        ..Advice::default()
    })
}
