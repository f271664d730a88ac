//! Over the lanes: how much of the run they show, of which object, in which lanes; what if a policy or a step were not there.

use std::collections::BTreeSet;

use stepgate_engine::object::gvk::ObjectRef;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::menu::Menu;
use super::{Handle, on};
use crate::state::compare::Difference;
use crate::state::steps::StepEdit;
use crate::state::{Action, State, Switched, Tab, Zoom, rows};
use crate::words;

const ZOOMS: [(Zoom, &str, &str); 3] = [
    (Zoom::Steps, "Steps", "One row for each step"),
    (Zoom::Events, "Events", "Everything that happens"),
    (Zoom::Why, "Why", "And the decisions behind the current event"),
];

/// The bar; `difference` where the runs are compared.
pub fn view(page: &Handle, difference: Option<&Difference>) -> Html {
    let Some(run) = &page.timeline else { return Html::default() };
    let zoom = |(zoom, name, title): (Zoom, &'static str, &'static str)| {
        let pressed = page.zoom == zoom;
        html! { <button aria-pressed={pressed.to_string()} {title} onclick={on(page, move || Action::Zoom(zoom))}>{ name }</button> }
    };
    let hidden = page.hidden.len();
    let lane = |lane: stepgate_engine::timeline::Lane| {
        let toggle = on(page, move || Action::Lane(lane));
        html! { <label><input type="checkbox" checked={!page.hidden.contains(&lane)} onchange={toggle} />{ words::lane(lane).0 }</label> }
    };
    let compare = page.compare && page.previous.is_some();
    html! {
        <div class="view-bar" role="toolbar" aria-label="View">
            <span class="zoom" role="group" aria-label="Zoom">{ for ZOOMS.map(zoom) }</span>
            { objects(page) }
            <Menu label={if hidden > 0 { format!("Lanes −{hidden}") } else { "Lanes".to_owned() }} title="Which lanes are drawn" on={hidden > 0}>
                { for rows::lanes(run, &[]).into_iter().map(lane) }
            </Menu>
            { what_if(page) }
            <button class="chip" aria-pressed={compare.to_string()} disabled={page.previous.is_none()} title="Marks what is different from the run before (=)"
                onclick={on(page, move || Action::Compare(!compare))}>{ "± Compare" }</button>
            if let Some(difference) = difference { <span class="quiet" role="status">{ difference.words() }</span> }
            if !run.choices.is_empty() {
                <button class={classes!("chip", (!page.choices.is_empty()).then_some("on"))} title="Here the order of concurrent work is free. Try every order"
                    onclick={on(page, || Action::Tab(Tab::Advice))}>{ format!("⇄ {}", words::count(run.choices.len(), "free order", "free orders")) }</button>
            }
        </div>
    }
}

/// The objects that the events are about, in order.
fn subjects(page: &State) -> Vec<&ObjectRef> {
    let mut seen = BTreeSet::new();
    page.events().iter().filter_map(|event| event.subject.as_ref()).filter(|key| seen.insert(*key)).collect()
}

/// Only the events of one object.
fn objects(page: &Handle) -> Html {
    let change = {
        let page = page.clone();
        Callback::from(move |event: Event| {
            let index = event.target_dyn_into::<HtmlSelectElement>().map(|select| select.selected_index());
            let index = index.and_then(|i| usize::try_from(i).ok()?.checked_sub(1));
            let key = index.and_then(|i| subjects(&page).get(i).map(|key| (*key).clone()));
            page.dispatch(Action::Filter(key));
        })
    };
    let option = |key: &ObjectRef| {
        let chosen = page.filter.as_ref() == Some(key);
        html! { <option selected={chosen}>{ key.to_string() }</option> }
    };
    html! {
        <select class={classes!("chip", page.filter.is_some().then_some("on"))} aria-label="Only the events of" title="Only the events of one object (h)" onchange={change}>
            <option selected={page.filter.is_none()}>{ "All objects" }</option>
            { for subjects(page).into_iter().map(option) }
        </select>
    }
}

/// Policies and steps that can be switched off.
fn what_if(page: &Handle) -> Html {
    let Some(run) = &page.timeline else { return Html::default() };
    let policy = |line: &stepgate_engine::timeline::PolicyLine| {
        let id = line.id.clone();
        let off = on(page, move || Action::Off(id.clone()));
        html! { <label><input type="checkbox" checked={!line.off} onchange={off} /><span class="quiet">{ &line.kind }</span>{ &line.key }</label> }
    };
    let steps = &page.document.rest.steps;
    let step = |(i, step): (usize, &stepgate_engine::scenario::Step)| {
        let (verb, about) = crate::state::steps::summary(step);
        let off = on(page, move || Action::Steps(StepEdit::Switch(i)));
        html! { <label><input type="checkbox" checked={!step.off} onchange={off} /><span class="quiet">{ format!("{}.", i + 1) }</span>{ format!("{verb} {about}") }</label> }
    };
    let off = run.policies.iter().filter(|line| line.off).count() + steps.iter().filter(|step| step.off).count();
    if run.policies.is_empty() && steps.is_empty() {
        return Html::default();
    }
    let label = if off > 0 { format!("What if −{off}") } else { "What if".to_owned() };
    html! {
        <Menu {label} title="Switch a policy or a step off and see what changes (x)" on={off > 0}>
            <span class="lbl">{ "Policies" }</span>{ for run.policies.iter().map(policy) }
            if !steps.is_empty() { <span class="lbl">{ "Steps" }</span>{ for steps.iter().enumerate().map(step) } }
        </Menu>
    }
}

/// What the key for it switches off: the policy behind the current event, else its step. A second time switches it on again.
pub fn switch_off(state: &State) -> Action {
    match &state.switched {
        Some(Switched::Policy(id)) => return Action::Off(id.clone()),
        Some(Switched::Step(index)) => return Action::Steps(StepEdit::Switch(*index)),
        None => {}
    }
    let told = state.event().map(|event| crate::state::places::reason(state.events(), event).unwrap_or(event));
    let key = told.and_then(|event| event.detail.policy.as_deref());
    let line = state.timeline.as_ref().and_then(|run| run.policies.iter().find(|line| Some(line.key.as_str()) == key));
    match line {
        Some(line) => Action::Off(line.id.clone()),
        None => Action::Steps(StepEdit::Switch(state.event().map_or(0, |event| event.step))),
    }
}
