//! The strip that says what came of it.

use yew::prelude::*;

use super::{Page, on};
use crate::state::cursor::Move;
use crate::state::{Action, Engine};
use crate::{outcome, words};

/// The strip.
#[component]
pub fn OutcomeStrip(props: &Page) -> Html {
    let page = &props.page;
    let Some(run) = &page.timeline else {
        let text = if page.engine == Engine::Stopped { words::STOPPED } else { words::STARTING };
        return html! { <div class="outcome"><p>{ text }</p></div> };
    };
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
