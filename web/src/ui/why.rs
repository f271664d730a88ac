//! Why: the decisions behind the current event, with their values and places, and what one would see.

use stepgate_engine::timeline::{Event, Source};
use yew::prelude::*;

use super::tour::marked;
use super::trace::Branch;
use super::{Page, on};
use crate::state::cursor::{Move, index_of};
use crate::state::{Action, Place, places};
use crate::words;

/// The view.
#[component]
pub fn Why(props: &Page) -> Html {
    let page = &props.page;
    let Some(event) = page.event() else { return html! { <p class="quiet">{ words::NO_REASON }</p> } };
    let reason = places::reason(page.events(), event);
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
                { for detail.trace.iter().enumerate().map(|(i, node)| html! { <Branch key={format!("{}-{i}", told.seq)} page={page.clone()} node={node.clone()} source={source.cloned()} /> }) }
                if let Some(note) = &event.detail.note { <p class="note">{ marked(note) }</p> }
                <p class="quiet meta">
                    if let Some(index) = cause { { "Caused by " }{ jump(page, page.events().get(index).map_or(0, |e| e.seq), &format!("event {}", event.cause.unwrap_or_default())) }{ ". " } }
                    { origins(page, event) }
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

fn jump(page: &UseReducerHandle<crate::state::State>, seq: u32, text: &str) -> Html {
    let index = index_of(page.events(), seq).unwrap_or_default();
    html! { <button class="link" onclick={on(page, move || Action::Go(Move::To(index)))}>{ text }</button> }
}

fn origins(page: &UseReducerHandle<crate::state::State>, event: &Event) -> Html {
    let place = |source: &Source| {
        let place = Place { file: source.file.clone(), line: source.span.line, ..Place::default() };
        html! { <>{ format!("{} ", source.role) }<button class="link" onclick={on(page, move || Action::Reveal(place.clone()))}>{ format!("{}:{}", source.file, source.span.line) }</button>{ ". " }</> }
    };
    html! { <>{ for event.detail.sources.iter().map(place) }</> }
}
