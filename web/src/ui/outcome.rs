//! The strip that says what came of it.

use yew::prelude::*;

use super::{Handle, on};
use crate::state::Action;
use crate::state::cursor::Move;
use crate::{outcome, words};

/// The strip.
pub fn view(page: &Handle) -> Html {
    let Some(run) = &page.timeline else { return html! { <div class="outcome" /> } };
    let pill = |pill: outcome::Pill| {
        let (tone, glyph, _) = words::tone(pill.tone);
        let class = if pill.none { classes!("pill", "none") } else { classes!("pill", format!("p-{tone}")) };
        let text = format!("{} {}", if pill.none { "+" } else { glyph }, pill.text);
        match pill.event {
            Some(index) => {
                html! { <button {class} onclick={on(page, move || Action::Go(Move::To(index)))}>{ text }</button> }
            }
            None => html! { <span {class}>{ text }</span> },
        }
    };
    let sentence = outcome::sentence(run);
    html! {
        <div class="outcome">
            { for outcome::pills(run).into_iter().map(pill) }
            <p title={sentence.clone()}>{ sentence }</p>
        </div>
    }
}
