//! The picture: a column per lane, a row per event, time downwards. Only the rows in sight are drawn.

use std::collections::BTreeSet;

use web_sys::HtmlElement;
use yew::prelude::*;

use super::row::{EventRow, StepRow};
use super::{Page, on};
use crate::state::rows::{self, Row};
use crate::state::{Action, Engine};
use crate::words;

/// Height of a row in pixels; the style sheet says the same.
const HEIGHT: i32 = 27;
/// Rows drawn above and below what is in sight.
const SPARE: usize = 30;
/// Rows that fit on the tallest screen.
const SIGHT: usize = 60;

/// The picture.
#[component]
pub fn Lanes(props: &Page) -> Html {
    let page = &props.page;
    let body = use_node_ref();
    let top = use_state(|| 0_usize);
    let rows = page
        .timeline
        .as_ref()
        .map_or_else(Vec::new, |run| rows::rows(run, page.cursor, &page.folds, &page.hidden, page.filter.as_ref()));
    let here = rows.iter().position(|row| *row == Row::Event(page.cursor));
    {
        let body = body.clone();
        use_effect_with((here, rows.len(), page.timeline.clone()), move |(here, ..)| {
            if let (Some(here), Some(body)) = (here, body.cast::<HtmlElement>()) {
                reveal(&body, *here as i32 * HEIGHT);
            }
        });
    }
    let Some(run) = &page.timeline else {
        return html! { <div class="seq empty"><p>{ if page.engine == Engine::Stopped { words::STOPPED } else { words::STARTING } }</p></div> };
    };
    if run.events.is_empty() {
        return html! { <div class="seq empty"><p>{ words::NOTHING }</p></div> };
    }
    let lanes = rows::lanes(run, &page.hidden);
    let onscroll = {
        let top = top.clone();
        Callback::from(move |event: Event| {
            let at = event.target_dyn_into::<HtmlElement>().map_or(0, |body| body.scroll_top()) / HEIGHT;
            // In tens, so that scrolling does not draw at every pixel.
            let at = usize::try_from(at).unwrap_or_default() / 10 * 10;
            if *top != at {
                top.set(at);
            }
        })
    };
    let first = top.saturating_sub(SPARE);
    let visible = rows.iter().enumerate().skip(first).take(SIGHT + 2 * SPARE);
    let cause = page.event().and_then(|e| e.cause);
    let before: Option<BTreeSet<&str>> = page
        .previous
        .as_ref()
        .filter(|_| page.compare)
        .map(|old| old.events.iter().map(|e| e.anchor.as_str()).collect());
    let row = |(i, row): (usize, &Row)| {
        let y = i as i32 * HEIGHT;
        match row {
            Row::Step(step) => html! { <StepRow key={format!("s{step}")} page={page.clone()} step={*step} {y} /> },
            Row::Event(index) => html! {
                <EventRow key={*index} run={run.clone()} index={*index} {y} lanes={lanes.clone()} here={*index == page.cursor}
                    future={*index > page.cursor} fresh={before.as_ref().is_some_and(|before| run.events.get(*index).is_some_and(|e| !before.contains(e.anchor.as_str())))} cause={run.events.get(*index).map(|e| e.seq) == cause && cause.is_some()}
                    onclick={on(page, { let index = *index; move || Action::Go(crate::state::cursor::Move::To(index)) })} />
            },
        }
    };
    let head = |lane: &stepgate_engine::timeline::Lane| {
        let hide = on(page, {
            let lane = *lane;
            move || Action::Lane(lane)
        });
        let (name, what) = words::lane(*lane);
        let label = format!("Hide the lane {name}");
        html! {
            <div class="h" title={what}>
                <span class="long">{ name }</span><span class="short" aria-hidden="true">{ words::lane_short(*lane) }</span>
                <small>{ what }</small>
                <button class="hide" aria-label={label.clone()} title={label} onclick={hide}>{ "×" }</button>
            </div>
        }
    };
    let active = here.map(|_| format!("event-{}", page.cursor));
    let line = |i: usize| html! { <i style={format!("left:{:.3}%", center(i, lanes.len()))} /> };
    html! {
        <div class="seq" style={format!("--lanes:{}", lanes.len())}>
            <div class="heads"><div class="h corner">{ tools(props) }</div>{ for lanes.iter().map(head) }</div>
            <div class="body" ref={body} role="tree" aria-label="Events" tabindex="0" aria-activedescendant={active} {onscroll}>
                <div class="all" role="presentation" style={format!("height:{}px", rows.len() as i32 * HEIGHT + 12)}>
                    <div class="lines" aria-hidden="true">{ for (0..lanes.len()).map(line) }</div>
                    { for visible.map(row) }
                </div>
            </div>
        </div>
    }
}

fn tools(props: &Page) -> Html {
    let page = &props.page;
    if let Some(lane) = page.hidden.last().copied() {
        let label = format!("Show the lane {}", words::lane(lane).0);
        return html! { <button class="tool on" title={label.clone()} aria-label={label} onclick={on(page, move || Action::Lane(lane))}>{ format!("+{}", page.hidden.len()) }</button> };
    }
    if let Some(key) = &page.filter {
        let label = format!("Only {key}. Show all");
        return html! { <button class="tool on" title={label.clone()} aria-label={label} onclick={on(page, || Action::Filter(None))}>{ "× all" }</button> };
    }
    if page.timeline.as_ref().is_none_or(|run| run.steps.len() < 2) {
        return Html::default();
    }
    let folded = page.folds.values().any(|folded| *folded);
    let (label, text) = if folded { ("Unfold all steps", "⊞") } else { ("Fold all steps", "⊟") };
    html! { <button class="tool" title={label} aria-label={label} onclick={on(page, move || Action::FoldAll(!folded))}>{ text }</button> }
}

/// The middle of a lane, in percent of the width of all.
pub fn center(lane: usize, lanes: usize) -> f64 {
    (lane as f64 + 0.5) * 100.0 / lanes.max(1) as f64
}

/// Scrolls as little as it takes to have the row and its neighbours in sight.
fn reveal(body: &HtmlElement, y: i32) {
    let (top, height) = (body.scroll_top(), body.client_height());
    if y < top + HEIGHT {
        body.set_scroll_top((y - 2 * HEIGHT).max(0));
    } else if y + 2 * HEIGHT > top + height {
        body.set_scroll_top(y + 4 * HEIGHT - height);
    }
}
