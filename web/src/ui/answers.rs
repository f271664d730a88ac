//! What came of the run, object by object: the answers with their exact words, what was changed, what was generated and from what.

use stepgate_engine::timeline::{Event, Response, Tone};
use yew::prelude::*;

use super::{Handle, on};
use crate::outcome;
use crate::state::cursor::{Move, chain, index_of};
use crate::state::{Action, Tab};

/// The three lists.
pub fn view(page: &Handle) -> Html {
    let Some(run) = &page.timeline else { return Html::default() };
    let changed = |e: &Event| e.tone == Tone::Mutate && e.detail.after.is_some() && e.detail.before != e.detail.after;
    let mutated: Vec<usize> = (0..).zip(&run.events).filter(|(_, e)| changed(e)).map(|(i, _)| i).collect();
    let generated = outcome::background(run, true);
    html! {
        <>
            if !run.responses.is_empty() { <h2 class="lbl">{ "Answers" }</h2><ul class="answers">{ for run.responses.iter().map(|answer| response(page, answer)) }</ul> }
            if !mutated.is_empty() { <h2 class="lbl">{ "Mutated" }</h2><ul class="answers">{ for mutated.iter().map(|i| object(page, *i, "p-mutate", "Δ mutated")) }</ul> }
            if !generated.is_empty() { <h2 class="lbl">{ "Generated" }</h2><ul class="answers">{ for generated.iter().map(|i| object(page, *i, "p-generate", "⟳ generated")) }</ul> }
        </>
    }
}

fn response(page: &Handle, answer: &Response) -> Html {
    let index = index_of(page.events(), answer.seq).unwrap_or_default();
    let (class, word) = if answer.allowed { ("p-allow", "✓ done") } else { ("p-deny", "✕ refused") };
    let exact = page.events().get(index).and_then(|event| event.detail.message.clone());
    let words = exact.filter(|_| !answer.allowed).unwrap_or_else(|| answer.message.clone());
    html! {
        <li>
            <span class={classes!("pill", class)}>{ word }</span>{ " " }
            <button class="link" onclick={on(page, move || Action::Go(Move::To(index)))}>{ answer.subject.as_ref().map_or_else(String::new, ToString::to_string) }</button>{ " " }
            <code class="quiet">{ &answer.request }</code>
            if !words.is_empty() { <pre class="msg tone-deny" tabindex="0">{ words }</pre> }
            { for answer.warnings.iter().map(|warning| html! { <pre class="msg tone-warn" tabindex="0">{ format!("Warning: {warning}") }</pre> }) }
        </li>
    }
}

fn object(page: &Handle, index: usize, class: &'static str, word: &'static str) -> Html {
    let Some(event) = page.events().get(index) else { return Html::default() };
    let policy = || chain(page.events(), event).find(|e| e.detail.policy.is_some());
    let told = chain(page.events(), event).find(|e| e.detail.rule.is_some()).or_else(policy);
    let trigger = chain(page.events(), event).last().and_then(|e| e.subject.clone());
    let dispatch = page.dispatcher();
    let show = Callback::from(move |_: MouseEvent| {
        dispatch.dispatch(Action::Go(Move::To(index)));
        dispatch.dispatch(Action::Tab(Tab::Change));
    });
    html! {
        <li>
            <span class={classes!("pill", class)}>{ word }</span>{ " " }
            <button class="link" title="Shows the change" onclick={show}>{ event.subject.as_ref().map_or_else(String::new, ToString::to_string) }</button>
            if let Some(told) = told { <span class="quiet">{ format!(" by {}", told.detail.policy.clone().unwrap_or_default()) }{ told.detail.rule.as_ref().map_or_else(String::new, |rule| format!(" / {rule}")) }</span> }
            if let Some(trigger) = trigger.filter(|trigger| Some(trigger) != event.subject.as_ref()) { <span class="quiet">{ format!(", because of {trigger}") }</span> }
        </li>
    }
}
