//! One row of the picture: the heading of a step, or an event as an arrow between lanes or a pill within one.

use stepgate_engine::eval::trace::TraceNode;
use stepgate_engine::timeline::{Event, Lane};
use yew::prelude::*;

use super::lanes::center;
use super::{Handle, trace};
use crate::outcome;
use crate::state::cursor::Move;
use crate::state::{Action, Run, State, Zoom};
use crate::words;

/// The heading of a step, `y` pixels from the top.
pub fn step(page: &Handle, step: usize, y: i32) -> Html {
    let Some(line) = page.timeline.as_ref().and_then(|run| run.steps.iter().find(|s| s.index == step)) else {
        return Html::default();
    };
    let here = page.event().is_some_and(|e| e.step == step);
    let zoomed = page.zoom == Zoom::Steps;
    let folded = zoomed || (!here && page.folds.contains(&step));
    let events = page.events().iter().filter(|e| e.step == step).count();
    let (tone, glyph) = if line.ok { ("allow", "✓") } else { ("deny", "✕") };
    let result = page.timeline.as_ref().map(|run| outcome::of_step(run, step)).filter(|_| folded).unwrap_or_default();
    let act = {
        let page = page.clone();
        Callback::from(move |_: MouseEvent| {
            if zoomed {
                let run = page.timeline.as_ref();
                page.dispatch(Action::Go(Move::To(run.map_or(0, |run| outcome::event_of_step(run, step)))));
            } else {
                page.dispatch(Action::Fold(step));
            }
        })
    };
    html! {
        <div key={format!("s{step}")} class={classes!("step", (zoomed && here).then_some("now"))} id={format!("step-{step}")} role="treeitem" aria-level="1" aria-expanded={(!folded).to_string()}
            aria-selected={(zoomed && here).to_string()} style={format!("top:{y}px")} onclick={act}>
            <span class="box">
                <span class="caret" aria-hidden="true">{ if folded { "▸" } else { "▾" } }</span>
                <span class={classes!("g", format!("tone-{tone}"))} role="img" aria-label={if line.ok { "done" } else { "refused" }}>{ glyph }</span>
                <code>{ &line.text }</code>
                if folded { <small>{ result }{ " · " }{ words::count(events, "event", "events") }</small> }
            </span>
        </div>
    }
}

/// The row of the decision with this index, of those behind the current event.
pub fn decision(page: &Handle, index: usize, node: &TraceNode, depth: usize, y: i32) -> Html {
    let (tone, glyph, word) = trace::look(node.outcome);
    let level = (depth + 3).to_string();
    let style = format!("top:{y}px;--depth:{depth}");
    html! {
        <div key={format!("d{index}")} class="decision" role="treeitem" aria-level={level} aria-selected="false" {style}>
            <span class={format!("g tone-{tone}")} role="img" aria-label={word}>{ glyph }</span>
            <span class="t">{ trace::line(page, node) }</span>
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
    #[prop_or_default]
    pub here: bool,
    /// Whether it lies ahead.
    #[prop_or_default]
    pub future: bool,
    /// Whether it caused the current event.
    #[prop_or_default]
    pub cause: bool,
    /// `fresh`, `changed` or `gone` where runs are compared.
    #[prop_or_default]
    pub mark: &'static str,
    /// Whether it comes from the line of the caret.
    #[prop_or_default]
    pub lit: bool,
    /// Where the order was free: what to say, and the choices that take another.
    #[prop_or_default]
    pub free: Option<(String, Vec<u8>)>,
    /// Takes another order.
    pub flip: UseReducerDispatcher<State>,
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
        props.lit.then_some("lit"),
        props.mark
    );
    let free = props.free.clone().map(|(words, choices)| {
        let page = props.flip.clone();
        let flip = Callback::from(move |event: MouseEvent| {
            event.stop_propagation();
            page.dispatch(Action::Choices(choices.clone()));
        });
        html! { <button class="free" title={words.clone()} aria-label={words} onclick={flip}>{ "⇄" }</button> }
    });
    let gone = props.mark == "gone";
    let total = props.run.events.len();
    html! {
        <div {class} role="treeitem" aria-level="2" id={(!gone).then(|| format!("event-{}", props.index))} aria-selected={props.here.to_string()}
            aria-posinset={(!gone).then(|| (props.index + 1).to_string())} aria-setsize={(!gone).then(|| total.to_string())}
            style={format!("top:{}px", props.y)} onclick={props.onclick.clone()}>
            <span class="unseen">{ match props.mark { "gone" => "Gone. ".to_owned(), "fresh" => "New. ".to_owned() + &preface(event, total), "changed" => "Different. ".to_owned() + &preface(event, total), _ => preface(event, total) } }</span>
            <span class="n" aria-hidden="true">{ if gone { "−".to_owned() } else { event.seq.to_string() } }</span>
            { free }
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
                    <span class="label" style={clamp((a + b) / 2)}><span>{ &event.text }</span></span>
                    <i class={classes!("arrow", way)} style={format!("left:{}%;right:{}%", words::thousandths(left), words::thousandths(100_000 - right))} />
                </>
            }
        }
        (Some(x), None) | (None, Some(x)) => {
            html! { <span class="label pill-label" style={clamp(x)}><span>{ &event.text }</span></span> }
        }
        (None, None) => {
            html! { <span class="label pill-label" style={clamp(50_000)}><span>{ &event.text }</span></span> }
        }
    }
}

/// Centres a text at `x` thousandths of a percent; a text too long for that grows away from the nearer edge.
fn clamp(x: usize) -> String {
    let (side, x) = if x <= 50_000 { ("left", x) } else { ("right", 100_000 - x) };
    format!("{side}:0;width:{}%", words::thousandths(2 * x))
}
