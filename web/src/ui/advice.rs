//! Advice: what the run shows could be better, each with its event and a fix; which log lines alerting should ignore; and what other
//! orders of concurrent work would come to.

use gloo::timers::callback::Timeout;
use serde_json::Value;
use yew::prelude::*;

use super::tour::marked;
use super::{Handle, Page, on};
use crate::client::Client;
use crate::state::cursor::{Move, by_anchor};
use crate::state::{Action, Engine, Place, State};
use crate::{run, words};

/// Advice waits for this long after a run, in milliseconds.
const PAUSE: u32 = 300;

/// Asks the engine after every run; `{advice: […], alerts: {…}, revision}`: the revision of the text that it is about.
#[hook]
pub fn use_advice(page: &Handle) -> Value {
    let answer = use_state(|| Value::Null);
    let (set, state) = (answer.setter(), page.clone());
    use_effect_with((page.shown, page.engine == Engine::Ready), move |(shown, ready)| {
        let timer = (*shown > 0 && *ready).then(|| {
            Timeout::new(PAUSE, move || {
                Client::shared().ask(&run::about("advise", &state.document.scenario(), &[]), move |answer| {
                    let mut advice: Value =
                        answer.and_then(|(text, _)| serde_json::from_str(&text).ok()).unwrap_or_default();
                    if let Some(advice) = advice.as_object_mut() {
                        advice.insert("revision".to_owned(), state.revision.into());
                    }
                    set.set(advice);
                });
            })
        });
        move || drop(timer)
    });
    (*answer).clone()
}

/// How many pieces there are.
pub fn size(advice: &Value) -> usize {
    list(advice, "/advice").len()
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(value: &Value, pointer: &str) -> usize {
    value.pointer(pointer).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()).unwrap_or_default()
}

/// What the engine advises.
pub fn view(page: &Handle, advice: &Value) -> Html {
    let filters = [
        ("LogQL that ignores the expected lines", "/alerts/logql"),
        ("Loki rule", "/alerts/rule"),
        ("Prometheus rule", "/alerts/prometheus"),
    ];
    let current = advice.get("revision").and_then(Value::as_u64) == Some(page.revision.into());
    let line = |line: &Value| {
        let expected = line.get("expected").and_then(Value::as_bool).unwrap_or_default();
        let (class, word) = if expected { ("p-allow", "✓ expected") } else { ("p-deny", "! needs action") };
        html! { <li><span class={classes!("pill", class)}>{ word }</span>{ " " }<code>{ text(line, "/message") }</code><p class="quiet">{ text(line, "/why") }</p></li> }
    };
    html! {
        <div class="advice">
            if size(advice) == 0 { <p class="quiet">{ "Nothing to advise on this run." }</p> }
            <ul>{ for list(advice, "/advice").iter().map(|piece| item(page, piece, current)) }</ul>
            <h2 class="lbl">{ "The order of concurrent work" }</h2>
            <Orders page={page.clone()} />
            if !list(advice, "/alerts/lines").is_empty() {
                <h2 class="lbl">{ "Error lines of this run" }</h2><ul class="lines-of-run">{ for list(advice, "/alerts/lines").iter().map(line) }</ul>
            }
            // A list of its own: what comes later must not make `Orders` anew.
            <>{ for filters.into_iter().filter(|(_, at)| !text(advice, at).is_empty()).map(|(name, at)| html! {
                <details><summary>{ name }</summary><pre class="msg tone-dim" tabindex="0">{ text(advice, at) }</pre></details>
            }) }</>
        </div>
    }
}

/// One piece; its fix is for the text that it is about, and no other.
fn item(page: &Handle, piece: &Value, current: bool) -> Html {
    let place = Place { file: text(piece, "/file"), line: number(piece, "/span/line").max(1), ..Place::default() };
    let label = format!("{}:{}", place.file, place.line);
    let event = piece.get("anchor").and_then(Value::as_str).and_then(|anchor| by_anchor(page.events(), anchor));
    let fix = piece.get("fix").filter(|fix| fix.is_object()).and_then(|fix| {
        let (file, edited) = apply(page, fix)?;
        let act = on(page, move || Action::Put(vec![(file.clone(), edited.as_str().into())]));
        Some(html! { <button class="btn" disabled={!current} onclick={act}>{ text(fix, "/title") }</button> })
    });
    html! {
        <li class="piece">
            <b>{ marked(&text(piece, "/title")) }</b>
            <p>{ marked(&text(piece, "/text")) }</p>
            if piece.get("shown").is_some() { <details><summary>{ "Show it" }</summary><pre class="msg tone-dim" tabindex="0">{ text(piece, "/shown") }</pre></details> }
            <p class="row-of">
                { fix }
                <button class="link" onclick={on(page, move || Action::Reveal(place.clone()))}>{ label }</button>
                if let Some(index) = event { <button class="link" onclick={on(page, move || Action::Go(Move::To(index)))}>{ "its event" }</button> }
            </p>
        </li>
    }
}

/// The file of a fix and its text after it; nothing where the text is no longer what the fix was made for.
fn apply(page: &State, fix: &Value) -> Option<(String, String)> {
    let file = page.document.named(&text(fix, "/file"))?;
    let (mut out, mut at) = (String::new(), 0);
    for edit in words::in_order(list(fix, "/edits"), |edit| number(edit, "/start")) {
        out.push_str(file.text.get(at..number(edit, "/start"))?);
        out.push_str(&text(edit, "/text"));
        at = number(edit, "/end");
    }
    out.push_str(file.text.get(at..)?);
    Some((file.name.clone(), out))
}

/// Runs every order within a bound, groups them by what they come to, and lets one step through any of them.
#[component]
fn Orders(props: &Page) -> Html {
    let page = &props.page;
    let answer = use_state(|| Value::Null);
    let asked = use_state(|| 0_u32);
    let ask = {
        let (page, answer, asked) = (page.clone(), answer.clone(), asked.clone());
        Callback::from(move |_: MouseEvent| {
            asked.set(page.revision);
            let set = answer.setter();
            Client::shared().ask(&run::about("races", &page.document.scenario(), &[]), move |answer| {
                set.set(answer.and_then(|(text, _)| serde_json::from_str(&text).ok()).unwrap_or_default());
            });
        })
    };
    let usual = (!page.choices.is_empty()).then(|| {
        html! { <button class="btn" onclick={on(page, || Action::Choices(Vec::new()))}>{ "Back to the usual order" }</button> }
    });
    let group = |group: &Value| {
        let choices: Vec<u8> = list(group, "/choices").iter().filter_map(|n| u8::try_from(n.as_u64()?).ok()).collect();
        let orders = list(group, "/orders").iter().filter_map(Value::as_str).map(|order| html! { <li>{ order }</li> });
        let current = choices == page.choices;
        html! {
            <li class="piece">
                <b>{ text(group, "/outcome") }</b>
                <ul class="quiet">{ for orders }</ul>
                <p class="row-of">
                    <span class="quiet">{ words::count(number(group, "/runs"), "order comes to this", "orders come to this") }</span>
                    <button class="link" aria-disabled={current.then_some("true")} onclick={on(page, move || Action::Choices(choices.clone()))}>{ if current { "on show" } else { "step through it" } }</button>
                </p>
            </li>
        }
    };
    let groups = list(&answer, "/groups");
    html! {
        <div>
            <p class="row-of"><button class="btn" onclick={ask}>{ "Try every order" }</button>{ usual }
                if !groups.is_empty() {
                    <span class="quiet">{ format!("{} tried{}; ", words::count(number(&answer, "/runs"), "order", "orders"), if answer.get("complete") == Some(&Value::Bool(true)) { ", all there are" } else { "" }) }
                    { if groups.len() == 1 { "the order does not matter here." } else { "the order matters." } }</span>
                }
            </p>
            <ul>{ for groups.iter().map(group) }</ul>
        </div>
    }
}
