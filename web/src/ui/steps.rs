//! The steps: what happens, in which order, by whom; each can be switched off to see what changes.

use serde_json::Value;
use stepgate_engine::eval::request::UserInfo;
use stepgate_engine::scenario::Step;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::fields::Written;
use super::{Handle, focus, on};
use crate::state::cursor::Move;
use crate::state::steps::{StepEdit, default_steps, summary};
use crate::state::{Action, Side};

/// The verbs that take a file.
const VERBS: [&str; 8] = ["apply", "create", "update", "patch", "delete", "commit", "assert", "error"];

/// The list.
pub fn view(page: &Handle) -> Html {
    let own = !page.document.rest.steps.is_empty();
    let steps = if own { page.document.rest.steps.clone() } else { default_steps(&page.document) };
    let edit = |edit: StepEdit| on(page, move || Action::Steps(edit.clone()));
    let first = page.document.active_file().map(|f| f.name.clone()).unwrap_or_default();
    let apply = Step { apply: Some(Value::String(first.clone())), ..Step::default() };
    let delete = Step { delete: Some(Value::String(first)), ..Step::default() };
    let sleep = Step { sleep: Some("1h".to_owned()), ..Step::default() };
    let push = |step: Step| edit(StepEdit::Push(Box::new(step)));
    html! {
        <div class="steps" role="tabpanel" aria-label="Steps">
            <p class="quiet">
                if own { { "What happens to the cluster, in this order. " }<button class="link" onclick={edit(StepEdit::Default)}>{ "Back to the default" }</button> }
                else { { "By default every policy is applied, then every other file. Change anything to write your own order." } }
            </p>
            <ol>{ for steps.iter().enumerate().map(|(i, step)| item(page, i, step, steps.len())) }</ol>
            <div class="chips" role="group" aria-label="Add a step">
                <button class="btn" onclick={push(apply)}>{ "+ apply a file" }</button>
                <button class="btn" onclick={push(delete)}>{ "+ delete" }</button>
                <button class="btn" onclick={push(sleep)}>{ "+ let time pass" }</button>
            </div>
            <p class="quiet">{ "What is there already, who asks by default and what the outside answers is under " }
                <button class="link" onclick={on(page, || Action::Side(Side::Inputs))}>{ "inputs" }</button>{ "." }</p>
        </div>
    }
}

fn item(page: &Handle, index: usize, step: &Step, total: usize) -> Html {
    let line = page.timeline.as_ref().and_then(|run| run.steps.iter().find(|s| s.index == index)).filter(|_| !step.off);
    let (glyph, tone, word) = match line {
        Some(line) if line.ok => ("✓", "tone-allow", "done"),
        Some(_) => ("✕", "tone-deny", "refused"),
        None => ("–", "tone-dim", "not run"),
    };
    let start = page.events().iter().position(|e| e.step == index);
    let current = page.event().is_some_and(|e| e.step == index);
    let edit = |edit: StepEdit| on(page, move || Action::Steps(edit.clone()));
    // The focus goes with the step.
    let shift = |edit: StepEdit, to: usize, way: &'static str| {
        let page = page.dispatcher();
        Callback::from(move |_: MouseEvent| {
            page.dispatch(Action::Steps(edit.clone()));
            focus::soon(format!("#{way}-{to}:enabled, #up-{to}:enabled, #down-{to}:enabled"));
        })
    };
    let (verb, about) = summary(step);
    let dry = StepEdit::Put(index, Box::new(Step { dry_run: !step.dry_run, ..step.clone() }));
    let label = format!("Step {}: {verb} {about}", index + 1);
    html! {
        <li class={classes!(step.off.then_some("off"), current.then_some("now"))} key={index} aria-label={label}>
            <button class="no" disabled={start.is_none()} title="Go to its first event" onclick={on(page, move || Action::Go(Move::To(start.unwrap_or_default())))}>{ index + 1 }</button>
            <span class={classes!("g", tone)} role="img" aria-label={word}>{ glyph }</span>
            { verb_field(page, index, step, verb) }
            { argument_field(page, index, step, verb) }
            { user_field(page, index, step) }
            <span class="grow" />
            if verb != "sleep" {
                <button class="chip" aria-pressed={step.dry_run.to_string()} title="Dry run: reviewed, but not stored" onclick={edit(dry)}>{ "dry run" }</button>
            }
            <button class="btn icon" aria-pressed={(!step.off).to_string()} aria-label="Run this step" title={if step.off { "Switch on" } else { "Switch off" }} onclick={edit(StepEdit::Switch(index))}>{ if step.off { "○" } else { "●" } }</button>
            <button class="btn icon" aria-label="Move up" title="Move up" id={format!("up-{index}")} disabled={index == 0} onclick={shift(StepEdit::Up(index), index.saturating_sub(1), "up")}>{ "↑" }</button>
            <button class="btn icon" aria-label="Move down" title="Move down" id={format!("down-{index}")} disabled={index + 1 == total} onclick={shift(StepEdit::Down(index), index + 1, "down")}>{ "↓" }</button>
            <button class="btn icon" aria-label="Remove" title="Remove" disabled={total < 2} onclick={edit(StepEdit::Remove(index))}>{ "×" }</button>
        </li>
    }
}

fn put(index: usize, step: Step) -> Action {
    Action::Steps(StepEdit::Put(index, Box::new(step)))
}

fn verb_field(page: &Handle, index: usize, step: &Step, verb: &'static str) -> Html {
    if verb == "sleep" {
        return html! { <span>{ "let pass" }</span> };
    }
    let change = {
        let (page, step) = (page.clone(), step.clone());
        Callback::from(move |event: Event| {
            if let Some(select) = event.target_dyn_into::<HtmlSelectElement>() {
                let (old, _) = summary(&step);
                let mut next = step.clone();
                let argument = slot(&mut next, old).and_then(Option::take);
                if let Some(slot) = slot(&mut next, &select.value()) {
                    *slot = argument;
                }
                page.dispatch(put(index, next));
            }
        })
    };
    html! { <select aria-label="Verb" onchange={change}>{ for VERBS.map(|v| html! { <option value={v} selected={v == verb}>{ v }</option> }) }</select> }
}

fn argument_field(page: &Handle, index: usize, step: &Step, verb: &'static str) -> Html {
    if verb == "sleep" {
        let change = {
            let (page, step) = (page.clone(), step.clone());
            Callback::from(move |text: String| page.dispatch(put(index, Step { sleep: Some(text), ..step.clone() })))
        };
        return html! { <Written class="short" name="How long" value={step.sleep.clone().unwrap_or_default()} set={change} /> };
    }
    let (_, about) = summary(step);
    let named = page.document.named(&about).is_some();
    let change = {
        let (page, step) = (page.clone(), step.clone());
        Callback::from(move |event: Event| {
            if let Some(select) = event.target_dyn_into::<HtmlSelectElement>() {
                let mut next = step.clone();
                if let Some(slot) = slot(&mut next, verb) {
                    *slot = Some(Value::String(select.value()));
                }
                page.dispatch(put(index, next));
            }
        })
    };
    let files =
        page.document.files.iter().map(
            |file| html! { <option value={file.name.clone()} selected={file.name == about}>{ &file.name }</option> },
        );
    html! {
        <select aria-label="What" onchange={change}>
            if !named { <option selected=true disabled=true>{ &about }</option> }
            { for files }
        </select>
    }
}

fn user_field(page: &Handle, index: usize, step: &Step) -> Html {
    let user = step.user.clone().unwrap_or_default();
    let text = [vec![user.username.clone()], user.groups.clone()].concat().join(", ");
    let change = {
        let (page, step) = (page.clone(), step.clone());
        Callback::from(move |text: String| {
            let mut words = text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty());
            let old = step.user.clone().unwrap_or_default();
            let user = words.next().map(|username| UserInfo { username, groups: words.collect(), ..old });
            page.dispatch(put(index, Step { user, ..step.clone() }));
        })
    };
    html! { <Written class="who" name="As: user, then groups" title="Who does it: a user, then groups, with commas between" hint="as cluster admin" value={text} set={change} /> }
}

/// The argument of a verb.
fn slot<'s>(step: &'s mut Step, verb: &str) -> Option<&'s mut Option<Value>> {
    Some(match verb {
        "apply" => &mut step.apply,
        "create" => &mut step.create,
        "update" => &mut step.update,
        "patch" => &mut step.patch,
        "delete" => &mut step.delete,
        "commit" => &mut step.commit,
        "assert" => &mut step.assert,
        "error" => &mut step.error,
        _ => return None,
    })
}
