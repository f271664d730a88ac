//! The transport bar: first, previous, play, next, last; the scrubber; next denial and next change.

use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::row::sentence;
use super::{Handle, on};
use crate::state::Action;
use crate::state::cursor::{Move, is_change, is_denial};
use crate::words;

/// More ticks than this would be a solid bar.
const TICKS: usize = 240;

/// The bar.
pub fn view(page: &Handle) -> Html {
    let events = page.events();
    let total = events.len();
    let go = |step: Move| on(page, move || Action::Go(step));
    let playing = page.playing;
    let button = |label: &'static str, glyph: &'static str, step: Move| {
        html! { <button aria-label={label} title={label} onclick={go(step)} disabled={total == 0}>{ glyph }</button> }
    };
    let oninput = {
        let page = page.dispatcher();
        Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                page.dispatch(Action::Go(Move::To(input.value_as_number() as usize)));
            }
        })
    };
    let share = |i: usize| words::thousandths(i * 100_000 / total.saturating_sub(1).max(1));
    let ticks =
        events.iter().enumerate().filter(|(_, e)| total <= TICKS || is_denial(e) || is_change(e)).take(TICKS).map(
            |(i, e)| {
                let (tone, ..) = words::tone(e.tone);
                html! { <i class={format!("tick tone-{tone}")} style={format!("left:{}%", share(i))} /> }
            },
        );
    let denials = events.iter().filter(|e| is_denial(e)).count();
    let changes = events.iter().filter(|e| is_change(e)).count();
    let play = if playing { "Pause (Space)" } else { "Play (Space)" };
    html! {
        <div class="bar" role="toolbar" aria-label="Transport">
            <span class="tr">
                { button("First event (Home)", "|◀", Move::First) }
                { button("Previous event (←)", "◀", Move::Previous) }
                <button class="on" aria-label={play} title={play} disabled={total == 0} onclick={on(page, move || Action::Play(!playing))}>{ if playing { "❚❚" } else { "▶" } }</button>
                { button("Next event (→)", "▶\u{fe0e}", Move::Next) }
                { button("Last event (End)", "▶|", Move::Last) }
            </span>
            <div class="scrub" style={format!("--at:{}%", share(page.cursor))}>
                <div class="ticks" aria-hidden="true">{ for ticks }</div>
                <input type="range" min="0" max={total.saturating_sub(1).to_string()} value={page.cursor.to_string()} {oninput} aria-label="Event"
                    aria-valuetext={page.event().map(|e| sentence(e, total))} disabled={total == 0} />
            </div>
            <span class="where">{ "event " }<b>{ page.event().map_or(0, |e| e.seq) }</b>{ format!(" of {total}") }
                { page.event().map(|e| format!(" · {}", words::after(e.at))).unwrap_or_default() }</span>
            <button class="hop" onclick={go(Move::Denial)} disabled={denials == 0}><kbd>{ "d" }</kbd>{ format!(" denial {denials}") }</button>
            <button class="hop" onclick={go(Move::Change)} disabled={changes == 0}><kbd>{ "c" }</kbd>{ format!(" change {changes}") }</button>
        </div>
    }
}
