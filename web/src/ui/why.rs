//! Why: the decisions behind the current event, with their values and places, and what one would see.

use serde_json::Value;
use stepgate_engine::eval::trace::{Outcome, TraceNode};
use stepgate_engine::timeline::{Event, Source};
use yew::prelude::*;

use super::tour::marked;
use super::{Page, on};
use crate::state::cursor::{Move, index_of};
use crate::state::{Action, Place};
use crate::{words, yaml};

/// Causes that are followed to find a decision.
const HOPS: usize = 8;

/// The view.
#[component]
pub fn Why(props: &Page) -> Html {
    let page = &props.page;
    let Some(event) = page.event() else { return html! { <p class="quiet">{ words::NO_REASON }</p> } };
    let reason = reason(page.events(), event);
    let told = reason.unwrap_or(event);
    let detail = &told.detail;
    let name = match (&detail.policy, &detail.rule) {
        (Some(policy), Some(rule)) => format!("{policy} / {rule}"),
        (Some(policy), None) => policy.clone(),
        _ => words::lane(event.lane).0.to_owned(),
    };
    let source =
        detail.sources.iter().find(|s| s.role == "policy").or_else(|| detail.sources.iter().find(|s| s.role == "rule"));
    let cause = event.cause.and_then(|seq| index_of(page.events(), seq));
    let message = event.detail.message.as_ref().or(detail.message.as_ref());
    let (tone, ..) = words::tone(event.tone);
    html! {
        <div class="why">
            <div class="tree">
                <h2 class="lbl">{ name }</h2>
                <p class="said">{ &event.text }</p>
                if let Some(other) = reason.filter(|r| r.seq != event.seq) {
                    <p class="quiet">{ "Decided in " }{ jump(page, other.seq, &format!("event {}", other.seq)) }{ format!(": {}", other.text) }</p>
                }
                { for detail.trace.iter().map(|node| tree(page, node, source)) }
                if let Some(note) = &event.detail.note { <p class="note">{ marked(note) }</p> }
                <p class="quiet meta">
                    if let Some(index) = cause { { "Caused by " }{ jump(page, page.events().get(index).map_or(0, |e| e.seq), &format!("event {}", event.cause.unwrap_or_default())) }{ ". " } }
                    { places(page, event) }
                    if let Some(upstream) = &event.detail.upstream { { "In Kyverno or Kubernetes: " }<code>{ upstream }</code> }
                </p>
            </div>
            if message.is_some() || !event.detail.warnings.is_empty() {
                <div class="seen">
                    <h2 class="lbl">{ words::WHAT_YOU_SEE }</h2>
                    if let Some(message) = message { <pre class={format!("msg tone-{tone}")} tabindex="0">{ message }</pre> }
                    { for event.detail.warnings.iter().map(|w| html! { <pre class="msg tone-warn" tabindex="0">{ format!("Warning: {w}") }</pre> }) }
                </div>
            }
        </div>
    }
}

/// The event itself where it carries a decision, else the nearest cause that does.
fn reason<'e>(events: &'e [Event], event: &'e Event) -> Option<&'e Event> {
    let mut at = event;
    for _ in 0..HOPS {
        if !at.detail.trace.is_empty() {
            return Some(at);
        }
        at = events.get(index_of(events, at.cause?)?)?;
    }
    None
}

fn jump(page: &UseReducerHandle<crate::state::State>, seq: u32, text: &str) -> Html {
    let index = index_of(page.events(), seq).unwrap_or_default();
    html! { <button class="link" onclick={on(page, move || Action::Go(Move::To(index)))}>{ text }</button> }
}

fn places(page: &UseReducerHandle<crate::state::State>, event: &Event) -> Html {
    let place = |source: &Source| {
        let place = Place { file: source.file.clone(), line: source.span.line, ..Place::default() };
        html! { <>{ format!("{} ", source.role) }<button class="link" onclick={on(page, move || Action::Reveal(place.clone()))}>{ format!("{}:{}", source.file, source.span.line) }</button>{ ". " }</> }
    };
    html! { <>{ for event.detail.sources.iter().map(place) }</> }
}

fn tree(page: &UseReducerHandle<crate::state::State>, node: &TraceNode, source: Option<&Source>) -> Html {
    let (tone, glyph, word) = match node.outcome {
        Outcome::Yes => ("allow", "✓", "holds"),
        Outcome::No => ("deny", "✕", "does not hold"),
        Outcome::Skip => ("dim", "–", "not looked at"),
        Outcome::Error => ("warn", "!", "could not be decided"),
        Outcome::Info => ("dim", "·", "fact"),
    };
    let text = match (&node.at, source) {
        (Some(pointer), Some(source)) => {
            let place = Place {
                file: source.file.clone(),
                line: source.span.line,
                start: source.span.start,
                pointer: Some(pointer.clone()),
            };
            html! { <button class="place" title={format!("{pointer} in {}", source.file)} onclick={on(page, move || Action::Reveal(place.clone()))}>{ marked(&node.text) }</button> }
        }
        _ => marked(&node.text),
    };
    let line = html! { <><span class={format!("g tone-{tone}")} role="img" aria-label={word}>{ glyph }</span><span class="t">{ text }{ values(node) }</span></> };
    if node.children.is_empty() {
        return html! { <div class="leaf">{ line }</div> };
    }
    let open = matches!(node.outcome, Outcome::No | Outcome::Error) || node.children.iter().any(failed);
    html! { <details {open}><summary>{ line }</summary><div class="kids">{ for node.children.iter().map(|child| tree(page, child, source)) }</div></details> }
}

fn failed(node: &TraceNode) -> bool {
    matches!(node.outcome, Outcome::No | Outcome::Error) || node.children.iter().any(failed)
}

fn values(node: &TraceNode) -> Html {
    let value = |name: &str, value: &Option<Value>| {
        let text = value.as_ref().map(short)?;
        Some(html! { <span class="kv">{ name }<code>{ text }</code></span> })
    };
    html! {
        <>
            { for value(" wants ", &node.want) }
            { for value(" found ", &node.found) }
            if let Some(path) = &node.looked_at { <span class="kv">{ " at " }<code>{ path }</code></span> }
        </>
    }
}

/// A value on one line.
fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::Object(_) | Value::Array(_) => value.to_string(),
        scalar => yaml::text(scalar).trim_end().to_owned(),
    };
    if text.chars().count() > 160 { text.chars().take(160).chain(['…']).collect() } else { text }
}
