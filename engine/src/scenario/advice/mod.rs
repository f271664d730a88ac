//! Advice computed from a run: practices that keep generate rules and the rest of a cluster in step, each with its event and,
//! where it can be written down, a fix.

mod deprecated;
pub mod edit;
mod equivalent;
mod namespaces;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Scenario;
use super::plan::Documents;
use crate::object::ObjectExt;
use crate::object::catalog::Catalog;
use crate::object::order;
use crate::parse::span::Span;
use crate::timeline::{Event, Timeline};
use edit::{Edit, Text};

/// One piece of advice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// `aligned-match`, `synchronize`, `operations`, `background-variables`, `namespace`, `loop`, `deprecated`, `equivalent`.
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
    /// YAML that shows what is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// Edits that follow the advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// Edits of one file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    /// What they do.
    pub title: String,
    /// The file.
    pub file: String,
    /// They do not overlap.
    pub edits: Vec<Edit>,
}

/// Advice on a scenario and its run.
#[must_use]
pub fn advise(scenario: &Scenario, timeline: &Timeline) -> Vec<Advice> {
    let documents = Documents::read(scenario);
    let mut advice = Vec::new();
    let texts: Vec<Text<'_>> = documents
        .all
        .iter()
        .filter_map(|document| Some(Text { document, text: scenario.files.get(&document.file)? }))
        .collect();
    for text in &texts {
        let Some(rules) = text.document.value.at(&["spec", "rules"]).and_then(Value::as_array) else { continue };
        for (index, rule) in rules.iter().enumerate() {
            let place = Place { text: *text, pointer: format!("/spec/rules/{index}") };
            advice.extend(aligned_match(&place, rule, timeline, &documents));
            advice.extend(not_synchronized(&place, rule));
            advice.extend(operations(&place, rule));
            advice.extend(user_variables(&place, rule));
        }
    }
    advice.extend(namespaces::missing(timeline, &documents));
    advice.extend(looping(timeline, &texts));
    advice.extend(texts.iter().flat_map(|text| deprecated::deprecated(*text)));
    if timeline.kyverno != "1.15" {
        let catalog = Catalog::new();
        advice.extend(texts.iter().filter_map(|text| equivalent::equivalent(*text, &catalog)));
    }
    advice
}

struct Place<'a> {
    text: Text<'a>,
    pointer: String,
}

impl Place<'_> {
    fn span(&self, below: &str) -> Option<Span> {
        let node = self.text.document.spans.nearest(&format!("{}{below}", self.pointer));
        Some(node.key.unwrap_or(node.span))
    }

    fn advice(&self, id: &str, below: &str, title: String, text: &str) -> Advice {
        Advice {
            id: id.to_owned(),
            title,
            text: text.to_owned(),
            file: self.text.document.file.clone(),
            span: self.span(below),
            ..Advice::default()
        }
    }

    /// Lines put in front of the key at a pointer, with its indentation.
    fn insert_before(&self, below: &str, lines: &[String], title: &str) -> Option<Fix> {
        let edit = self.text.insert_before(&format!("{}{below}", self.pointer), lines)?;
        Some(self.fix(title, vec![edit]))
    }

    fn fix(&self, title: &str, edits: Vec<Edit>) -> Fix {
        Fix { title: title.to_owned(), file: self.text.document.file.clone(), edits }
    }

    fn policy(&self) -> &str {
        self.text.document.value.name()
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
    let listed: Vec<String> = ["/match/any", "/match/all"]
        .iter()
        .flat_map(|below| {
            let filters = rule.pointer(below).and_then(Value::as_array).into_iter().flatten().enumerate();
            let lists = filters.filter(|(_, filter)| filter.at(&["resources", "operations"]).is_some());
            lists.map(move |(index, _)| format!("{below}/{index}/resources/operations")).collect::<Vec<_>>()
        })
        .collect();
    let first = listed.first()?;
    let mut advice = place.advice(
        "operations",
        first,
        format!("Rule {} lists operations and synchronizes", rule.str_at(&["name"])),
        "Work that drift sets off carries no operation, so the rule does not match then: what it made is not reverted, recreated or removed.",
    );
    let edits: Option<Vec<Edit>> =
        listed.iter().map(|below| place.text.remove(&format!("{}{below}", place.pointer))).collect();
    advice.fix = edits.map(|edits| place.fix("Match whatever the operation", edits));
    Some(advice)
}

fn user_variables(place: &Place<'_>, rule: &Value) -> Option<Advice> {
    let background = rule.get("generate").is_some() || rule.at(&["mutate", "targets"]).is_some();
    let text = rule.to_string();
    let words =
        ["request.userInfo", "request.roles", "request.clusterRoles", "serviceAccountName", "serviceAccountNamespace"];
    let word = words.iter().find(|word| text.contains(*word))?;
    if !background {
        return None;
    }
    let mut advice = place.advice(
        "background-variables",
        "",
        format!("Rule {} needs to know who asked", rule.str_at(&["name"])),
        &format!("`{word}` is known only while a request is reviewed; without one the background controller cannot run the rule again."),
    );
    if place.text.document.value.at(&["spec", "background"]).is_none() {
        let edit = place.text.insert_before("/spec/rules", &["background: false".to_owned()]);
        advice.fix = edit.map(|edit| place.fix("Say that it does not run in the background", vec![edit]));
    }
    Some(advice)
}

/// Policies that feed each other until the run is cut short.
fn looping(timeline: &Timeline, texts: &[Text<'_>]) -> Option<Advice> {
    if timeline.stopped.is_none() || !timeline.loops() {
        return None;
    }
    let last = timeline.events.iter().rev().take(200);
    let policies: BTreeSet<&str> = order::set(last.filter_map(|event| event.detail.policy.as_deref()));
    let names: Vec<&str> = policies.iter().copied().collect();
    Some(Advice {
        id: "loop".to_owned(),
        title: format!("These policies feed each other: {}", names.join(", ")),
        text: "What one makes or changes triggers the other. Exclude what carries the label app.kubernetes.io/managed-by: kyverno.".to_owned(),
        anchor: timeline.events.last().map(|event| event.anchor.clone()),
        fix: texts.iter().filter(|text| policies.contains(text.document.value.name())).find_map(exclude_generated),
        ..Advice::default()
    })
}

/// Lets the first rule that generates, and excludes nothing yet, leave alone what Kyverno made.
fn exclude_generated(text: &Text<'_>) -> Option<Fix> {
    let rules = text.document.value.at(&["spec", "rules"]).and_then(Value::as_array)?;
    let index = rules.iter().position(|rule| rule.get("generate").is_some() && rule.get("exclude").is_none())?;
    let lines = [
        "exclude:",
        "  any:",
        "  - resources:",
        "      selector:",
        "        matchLabels:",
        "          app.kubernetes.io/managed-by: kyverno",
    ];
    let place = Place { text: *text, pointer: format!("/spec/rules/{index}") };
    place.insert_before("/generate", &lines.map(str::to_owned), "Exclude what Kyverno made")
}
