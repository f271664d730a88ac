//! The scenario's notes as a numbered strip: each stands at its event, the last one reached is open.

use yew::prelude::*;

use super::{Handle, on};
use crate::state::cursor::{self, Move};
use crate::state::{Action, example};

/// The strip; nothing where the scenario has no notes.
pub fn view(page: &Handle) -> Html {
    let document = &page.document;
    let own = document.example.as_ref().is_some_and(|example| example::is_own(document, example));
    let notes: Vec<(usize, &str)> = document
        .rest
        .notes
        .iter()
        .filter(|_| !own)
        .filter_map(|n| Some((cursor::by_anchor(page.events(), &n.at)?, n.text.as_str())))
        .collect();
    if notes.is_empty() {
        return Html::default();
    }
    let reached = notes.iter().enumerate().filter(|(_, (event, _))| *event <= page.cursor).map(|(i, _)| i).next_back();
    // Two notes may stand at one event: the exact one wins over a later number.
    let current = notes.iter().position(|(event, _)| *event == page.cursor).or(reached);
    let chip = |(i, (event, text)): (usize, &(usize, &str))| {
        let event = *event;
        let current = (current == Some(i)).then_some("step");
        let seen = (event <= page.cursor).then_some("seen");
        html! {
            <li><button class={classes!("stop", seen)} aria-current={current} title={plain(text)}
                aria-label={format!("Note {}: {}", i + 1, plain(text))} onclick={on(page, move || Action::Go(Move::To(event)))}>{ i + 1 }</button></li>
        }
    };
    let text = current.and_then(|i| notes.get(i)).map_or_else(Html::default, |(_, text)| marked(text));
    html! {
        <nav class="tour" aria-label="Notes">
            <ol>{ for notes.iter().enumerate().map(chip) }</ol>
            <p>{ text }</p>
        </nav>
    }
}

/// The two marks of Markdown that a sentence needs: `code` and **strong**.
pub fn marked(text: &str) -> Html {
    let code = |(i, part): (usize, &str)| {
        if i % 2 == 1 {
            html! { <code>{ part }</code> }
        } else {
            strong(part)
        }
    };
    html! { <>{ for text.split('`').enumerate().map(code) }</> }
}

fn strong(text: &str) -> Html {
    let part = |(i, part): (usize, &str)| {
        if i % 2 == 1 {
            html! { <strong>{ part }</strong> }
        } else {
            html! { { part } }
        }
    };
    html! { <>{ for text.split("**").enumerate().map(part) }</> }
}

fn plain(text: &str) -> String {
    text.replace(['`', '*'], "")
}
