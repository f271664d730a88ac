//! One row of the picture: the heading of a step, or an event as an arrow between lanes or a pill within one.

use stepgate_engine::timeline::{Event, Lane};
use yew::prelude::*;

use super::lanes::center;
use super::on;
use crate::state::{Action, Run, State};
use crate::words;

/// A step.
#[derive(Clone, PartialEq, Properties)]
pub struct StepProps {
    /// The state.
    pub page: UseReducerHandle<State>,
    /// Index of the step.
    pub step: usize,
    /// Pixels from the top.
    pub y: i32,
}

/// The heading of a step.
#[component]
pub fn StepRow(props: &StepProps) -> Html {
    let StepProps { page, step, y } = props.clone();
    let Some(line) = page.timeline.as_ref().and_then(|run| run.steps.iter().find(|s| s.index == step)).cloned() else {
        return Html::default();
    };
    let here = page.event().is_some_and(|e| e.step == step);
    let folded = !here && page.folds.get(&step).copied().unwrap_or(false);
    let events = page.events().iter().filter(|e| e.step == step).count();
    let (tone, glyph) = if line.ok { ("allow", "✓") } else { ("deny", "✕") };
    html! {
        <div class="step" role="treeitem" aria-level="1" aria-expanded={(!folded).to_string()} aria-selected="false" style={format!("top:{y}px")}
            onclick={on(&page, move || Action::Fold(step))}>
            <span class="box">
                <span class="caret" aria-hidden="true">{ if folded { "▸" } else { "▾" } }</span>
                <span class={classes!("g", format!("tone-{tone}"))}>{ glyph }</span>
                <code>{ &line.text }</code>
                if folded { <small>{ words::count(events, "event", "events") }</small> }
            </span>
        </div>
    }
}

/// An event.
#[derive(Clone, PartialEq, Properties)]
pub struct EventProps {
    /// The run.
    pub run: Run,
    /// Index of the event.
    pub index: usize,
    /// Pixels from the top.
    pub y: i32,
    /// The lanes that are drawn.
    pub lanes: Vec<Lane>,
    /// Whether it is the current event.
    pub here: bool,
    /// Whether it lies ahead.
    pub future: bool,
    /// Whether it caused the current event.
    pub cause: bool,
    /// Whether the run before did not have it.
    pub fresh: bool,
    /// Goes there.
    pub onclick: Callback<MouseEvent>,
}

/// The row of an event.
#[component]
pub fn EventRow(props: &EventProps) -> Html {
    let Some(event) = props.run.events.get(props.index) else { return Html::default() };
    let (tone, ..) = words::tone(event.tone);
    let class = classes!(
        "row",
        format!("tone-{tone}"),
        props.here.then_some("now"),
        props.future.then_some("future"),
        props.cause.then_some("cause"),
        props.fresh.then_some("fresh")
    );
    let total = props.run.events.len();
    html! {
        <div {class} role="treeitem" aria-level="2" id={format!("event-{}", props.index)} aria-selected={props.here.to_string()}
            aria-posinset={(props.index + 1).to_string()} aria-setsize={total.to_string()}
            style={format!("top:{}px", props.y)} onclick={props.onclick.clone()}>
            <span class="unseen">{ preface(event, total) }</span>
            <span class="n" aria-hidden="true">{ event.seq }</span>
            <span class="track">{ picture(event, &props.lanes) }</span>
        </div>
    }
}

/// The event as a sentence for a listener.
pub fn sentence(event: &Event, total: usize) -> String {
    preface(event, total) + &event.text
}

/// What a listener hears before the words of an event, and what the eye gets from place and colour.
fn preface(event: &Event, total: usize) -> String {
    let (name, ..) = words::lane(event.lane);
    let (_, _, word) = words::tone(event.tone);
    let to = event.to.map(|lane| format!(" to {}", words::lane(lane).0)).unwrap_or_default();
    format!("Event {} of {total}, {word}. {name}{to}: ", event.seq)
}

fn picture(event: &Event, lanes: &[Lane]) -> Html {
    let x = |lane: Lane| lanes.iter().position(|l| *l == lane).map(|i| center(i, lanes.len()));
    let to = event.to.filter(|to| *to != event.lane);
    match (x(event.lane), to.and_then(x)) {
        (Some(a), Some(b)) => {
            let (left, right) = if a < b { (a, b) } else { (b, a) };
            let way = if a < b { "to-right" } else { "to-left" };
            html! {
                <>
                    <span class="label" style={clamp((a + b) / 2.0)}><span>{ &event.text }</span></span>
                    <i class={classes!("arrow", way)} style={format!("left:{left:.3}%;right:{:.3}%", 100.0 - right)} />
                </>
            }
        }
        (Some(x), None) | (None, Some(x)) => {
            html! { <span class="label pill-label" style={clamp(x)}><span>{ &event.text }</span></span> }
        }
        (None, None) => {
            html! { <span class="label pill-label" style={clamp(50.0)}><span>{ &event.text }</span></span> }
        }
    }
}

/// Centres a text at `x` percent; a text too long for that grows away from the nearer edge.
fn clamp(x: f64) -> String {
    if x <= 50.0 { format!("left:0;width:{:.3}%", 2.0 * x) } else { format!("right:0;width:{:.3}%", 2.0 * (100.0 - x)) }
}
