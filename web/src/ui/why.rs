//! Why: the decisions behind the current event, with their values and places, and what one would see.

use stepgate_engine::diagnostic::Severity;
use stepgate_engine::timeline::{Event, Lane, Source, Tone};
use yew::prelude::*;

use super::tour::marked;
use super::trace::{Branch, object_source, policy_source};
use super::{Handle, on, rules};
use crate::state::cursor::{Move, index_of};
use crate::state::steps::StepEdit;
use crate::state::{Action, Place, exception, places, verdicts};
use crate::{outcome, words};

/// The view.
pub fn view(page: &Handle) -> Html {
    if page.timeline.is_none() {
        return Html::default();
    }
    let Some(event) = page.event() else { return html! { <p class="quiet">{ words::NO_REASON }</p> } };
    let reason = places::reason(page.events(), event);
    let told = reason.unwrap_or(event);
    let detail = &told.detail;
    let name = match (&detail.policy, &detail.rule) {
        (Some(policy), Some(rule)) => format!("{policy} / {rule}"),
        (Some(policy), None) => policy.clone(),
        _ => words::lane(event.lane).0.to_owned(),
    };
    let (source, object) = (policy_source(page, told), object_source(told));
    // A review tells what every rule said; that is a list of its own.
    let own = detail.trace.iter().filter(|node| node.kind != "policy").enumerate();
    let cause = event.cause.and_then(|seq| index_of(page.events(), seq));
    // A rule's own words are not what one sees: kubectl prints the answer.
    let unseen = event.kind.starts_with("rule-") && matches!(event.lane, Lane::Mutating | Lane::Validating);
    let asked = unseen || event.kind == "answer" && event.to == Some(Lane::You);
    let answer = page.timeline.as_ref().filter(|_| asked).and_then(|run| outcome::answer_to(run, event));
    let message = match answer {
        Some((_, answer)) => Some(outcome::printed(answer)),
        None => event.detail.message.as_ref().or(detail.message.as_ref()).cloned(),
    };
    let warnings = answer.map_or(&event.detail.warnings, |(response, _)| &response.warnings);
    let (tone, ..) = words::tone(match answer {
        Some((response, _)) if response.allowed => Tone::Allow,
        Some(_) => Tone::Deny,
        None => event.tone,
    });
    html! {
        <div class="why">
            <div class="tree">
                <h2 class="lbl">{ name }</h2>
                <p class="said">{ &event.text }</p>
                if let Some(other) = reason.filter(|r| r.seq != event.seq) {
                    <p class="quiet">{ "Decided in " }{ jump(page, other.seq, &format!("event {}", other.seq)) }{ format!(": {}", other.text) }</p>
                }
                { for own.map(|(i, node)| html! { <Branch key={format!("{}-{i}", told.seq)} page={page.clone()} node={node.clone()} source={source.clone()} object={object.clone()} /> }) }
                { rules::view(page) }
                { unasked(page, event) }
                if let Some(note) = &event.detail.note { <p class="note">{ marked(note) }</p> }
                <p class="quiet meta">
                    if let Some(index) = cause { { "Caused by " }{ jump(page, page.events().get(index).map_or(0, |e| e.seq), &format!("event {}", event.cause.unwrap_or_default())) }{ ". " } }
                    { origins(page, event) }
                    if let Some(upstream) = &event.detail.upstream { { "In Kyverno or Kubernetes: " }<code>{ upstream }</code> }
                </p>
            </div>
            if message.is_some() || !warnings.is_empty() {
                <div class="seen">
                    <h2 class="lbl">{ words::WHAT_YOU_SEE }</h2>
                    if let Some(message) = message { <pre class={format!("msg tone-{tone}")} tabindex="0">{ message }</pre> }
                    if let Some(button) = except(page, event) { { button } }
                    { for warnings.iter().map(|w| html! { <pre class="msg tone-warn" tabindex="0">{ format!("Warning: {w}") }</pre> }) }
                </div>
            }
        </div>
    }
}

/// Why nothing was said to a request: there was no policy.
fn unasked(page: &Handle, event: &Event) -> Html {
    let Some(run) = page.timeline.as_ref() else { return Html::default() };
    let about_policy = event.subject.as_ref().is_none_or(|s| s.api_version.contains("kyverno.io/"));
    let told = matches!(event.kind.as_str(), "answer" | "stored" | "request") && !about_policy;
    if !told || places::reason(page.events(), event).is_some() || !verdicts::rules(run, event).is_empty() {
        return Html::default();
    }
    let is_policy = |kind: &str| kind.ends_with("Policy");
    let refused = run.responses.iter().filter(|r| !r.allowed && r.seq < event.seq);
    let refused: Vec<String> = refused
        .filter_map(|r| r.subject.as_ref())
        .filter(|s| s.api_version.contains("kyverno.io/") && is_policy(&s.kind))
        .map(|s| format!("{} {} was refused", s.kind, s.name))
        .collect();
    let unread: Vec<String> = run
        .diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error && run.policies.is_empty())
        .map(|d| format!("{}: {}", d.file, d.message))
        .collect();
    let why = if refused.is_empty() { unread } else { refused };
    let why = if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) };
    html! { <p class="note">{ format!("No policy was asked about it{why}.") }</p> }
}

fn jump(page: &Handle, seq: u32, text: &str) -> Html {
    let index = index_of(page.events(), seq).unwrap_or_default();
    html! { <button class="link" onclick={on(page, move || Action::Go(Move::To(index)))}>{ text }</button> }
}

/// A refused object can be let through by an exception.
fn except(page: &Handle, event: &Event) -> Option<Html> {
    let told = places::reason(page.events(), event).filter(|_| event.tone == Tone::Deny)?;
    let (policy, subject) = (told.detail.policy.clone()?, event.subject.clone()?);
    let rule = told.detail.rule.clone().unwrap_or_default();
    let kind = page.timeline.as_ref()?.policies.iter().find(|line| line.key == policy)?.kind.clone();
    let (name, text) = exception::text(&kind, &policy, &rule, &subject, "default")?;
    let act = on(page, move || Action::Steps(StepEdit::First(name.clone(), text.clone())));
    Some(
        html! { <p class="row-of"><button class="btn" title="Adds a PolicyException for this object to the files" onclick={act}>{ "Make an exception" }</button></p> },
    )
}

fn origins(page: &Handle, event: &Event) -> Html {
    let place = |source: &Source| {
        let place = Place { file: source.file.clone(), line: source.span.line, ..Place::default() };
        html! { <>{ format!("{} ", source.role) }<button class="link" onclick={on(page, move || Action::Reveal(place.clone()))}>{ format!("{}:{}", source.file, source.span.line) }</button>{ ". " }</> }
    };
    html! { <>{ for event.detail.sources.iter().map(place) }</> }
}
