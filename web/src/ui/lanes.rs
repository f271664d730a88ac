//! The picture: a column per lane, a row per event, time downwards. Only the rows in sight are drawn.

use web_sys::HtmlElement;
use yew::prelude::*;

use super::row::EventRow;
use super::{Handle, Page, causes, on, row, view_bar};
use crate::state::compare::difference;
use crate::state::rows::{self, Row};
use crate::state::{Action, Engine, State, Zoom, links, places};
use crate::words;

/// Height of a row in pixels; the style sheet says the same.
pub const HEIGHT: i32 = 27;
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
    let old = page.previous.clone().filter(|_| page.compare);
    let different = use_memo((old, page.timeline.clone()), |(old, new)| Some(difference(old.as_ref()?, new.as_ref()?)));
    let rows = rows::rows(page, (*different).as_ref());
    let current = match page.zoom {
        Zoom::Steps => Row::Step(page.event().map_or(0, |e| e.step)),
        _ => Row::Event(page.cursor),
    };
    let here = rows.iter().position(|row| *row == current);
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
        let off = !page.document.rest.off.is_empty() || page.document.rest.steps.iter().any(|step| step.off);
        let why = if off { words::ALL_OFF } else { words::NOTHING };
        return html! { <>if off { { view_bar::view(page, None) } }<div class="seq empty"><p>{ why }</p></div></> };
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
    let lit = page.caret.as_ref().map_or_else(Vec::new, |caret| places::of_line(run, &caret.file, caret.line));
    let decisions = rows::decisions(page);
    let mark = |index: usize| match &*different {
        Some(difference) if difference.fresh.contains(&index) => "fresh",
        Some(difference) if difference.changed.contains(&index) => "changed",
        _ => "",
    };
    let draw = |(i, row): (usize, &Row)| {
        let y = i as i32 * HEIGHT;
        match row {
            Row::Step(step) => row::step(page, *step, y),
            Row::Event(index) => html! {
                <EventRow key={*index} run={run.clone()} index={*index} {y} lanes={lanes.clone()} here={*index == page.cursor}
                    future={*index > page.cursor} mark={mark(*index)} cause={run.events.get(*index).map(|e| e.seq) == cause && cause.is_some()}
                    lit={lit.contains(index)} free={free(page, *index)}
                    flip={page.dispatcher()} onclick={on(page, { let index = *index; move || Action::Go(crate::state::cursor::Move::To(index)) })} />
            },
            Row::Gone(index) => match &page.previous {
                Some(old) => {
                    html! { <EventRow key={format!("g{index}")} run={old.clone()} index={*index} {y} lanes={lanes.clone()} mark="gone" flip={page.dispatcher()} onclick={Callback::noop()} /> }
                }
                None => Html::default(),
            },
            Row::Decision(n) => match decisions.get(*n) {
                Some((depth, node)) => row::decision(page, *n, node, *depth, y),
                None => Html::default(),
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
    let active = here.map(|_| match current {
        Row::Step(step) => format!("step-{step}"),
        _ => format!("event-{}", page.cursor),
    });
    let height = rows.len() as i32 * HEIGHT + 12;
    let causes = links::links(run, &rows, page.cursor);
    let line = |i: usize| html! { <i style={format!("left:{}%", words::thousandths(center(i, lanes.len())))} /> };
    html! {
        <div class={classes!("seq", (page.zoom == Zoom::Steps).then_some("steps-only"))} style={format!("--lanes:{}", lanes.len())}>
            { view_bar::view(page, (*different).as_ref()) }
            <div class="heads"><div class="h corner">{ tools(page) }</div>{ for lanes.iter().map(head) }</div>
            <div class="body" ref={body} role="tree" aria-label="Events" tabindex="0" aria-activedescendant={active} {onscroll}>
                <div class="all" role="presentation" style={format!("height:{height}px")}>
                    <div class="lines" aria-hidden="true">{ for (0..lanes.len()).map(line) }</div>
                    { for visible.map(draw) }
                    { causes::view(&causes, height) }
                </div>
            </div>
        </div>
    }
}

/// Where the order was free behind an event: what was chosen, what else there is, and the choices that take it.
fn free(page: &State, index: usize) -> Option<(String, Vec<u8>)> {
    let run = page.timeline.as_ref()?;
    let seq = run.events.get(index)?.seq;
    let at = run.choices.iter().position(|point| point.seq == seq)?;
    let point = run.choices.get(at)?;
    let options = u8::try_from(point.options.len()).ok().filter(|n| *n > 1)?;
    let other = (point.chosen + 1) % options;
    let text = |n: u8| point.options.get(usize::from(n)).map_or("", String::as_str);
    let words = format!("The order is free here: {}. Take the other: {}", text(point.chosen), text(other));
    Some((words, run.choices.iter().take(at).map(|point| point.chosen).chain([other]).collect()))
}

fn tools(page: &Handle) -> Html {
    if page.zoom == Zoom::Steps {
        return Html::default();
    }
    if page.timeline.as_ref().is_none_or(|run| run.steps.len() < 2) {
        return Html::default();
    }
    let folded = !page.folds.is_empty();
    let (label, text) = if folded { ("Unfold all steps", "⊞") } else { ("Fold all steps", "⊟") };
    html! { <button class="tool" title={label} aria-label={label} onclick={on(page, move || Action::FoldAll(!folded))}>{ text }</button> }
}

/// The middle of a lane, in thousandths of a percent of the width of all.
pub fn center(lane: usize, lanes: usize) -> usize {
    (2 * lane + 1) * 50_000 / lanes.max(1)
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
