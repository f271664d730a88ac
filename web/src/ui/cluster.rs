//! Cluster: what is stored as of the current event, and one object of it as YAML whose values lead to who wrote them.

use stepgate_engine::object::gvk::ObjectRef;
use yew::prelude::*;

use super::{Handle, on};
use crate::state::cluster::{self, Mark, Stored};
use crate::state::cursor::Move;
use crate::state::steps::StepEdit;
use crate::state::{Action, Run};
use crate::{words, yaml};

/// The view.
pub fn view(page: &Handle) -> Html {
    let Some(run) = &page.timeline else { return Html::default() };
    let objects = cluster::at(run, page.cursor);
    if objects.is_empty() {
        return html! { <p class="quiet">{ words::NO_OBJECTS }</p> };
    }
    let subject = page.event().and_then(|e| e.subject.as_ref());
    let of = |key: Option<&ObjectRef>| key.and_then(|key| objects.iter().find(|o| &o.key == key));
    let shown = of(page.object.as_ref())
        .or_else(|| of(subject))
        .or_else(|| objects.iter().rev().find(|o| o.mark != Mark::Same))
        .or(objects.last());
    let item = |object: &Stored| {
        let selected = shown.is_some_and(|shown| shown.key == object.key);
        let key = object.key.clone();
        let (class, glyph, word) = mark(object.mark);
        html! {
            <li key={object.key.to_string()}>
                <button class={classes!("object", class)} aria-pressed={selected.to_string()} onclick={on(page, move || Action::Object(Some(key.clone())))}>
                    <span class="g" role="img" aria-label={word}>{ glyph }</span>
                    <span class="kind">{ &object.key.kind }</span>
                    <span class="name">{ if object.key.namespace.is_empty() { object.key.name.clone() } else { format!("{}/{}", object.key.namespace, object.key.name) } }</span>
                </button>
            </li>
        }
    };
    html! {
        <div class="cluster">
            <ul class="objects" aria-label="Objects">{ for objects.iter().map(item) }</ul>
            if let Some(object) = shown { { sheet(page, run, object) } }
        </div>
    }
}

fn mark(mark: Mark) -> (&'static str, &'static str, &'static str) {
    match mark {
        Mark::Same => ("same", "", "unchanged in this step"),
        Mark::Added => ("added", "+", "new in this step"),
        Mark::Changed => ("changed", "~", "changed in this step"),
        Mark::Removed => ("removed", "−", "deleted in this step"),
    }
}

fn sheet(page: &Handle, run: &Run, object: &Stored) -> Html {
    let history = cluster::history(run, &object.key);
    let version = |(n, (index, event)): (usize, &(usize, &stepgate_engine::timeline::Event))| {
        let index = *index;
        let current = (object.written == Some(index)).then_some("step");
        html! { <li><button class="stop" aria-current={current} title={event.text.clone()} aria-label={format!("Version {}: {}", n + 1, event.text)}
        onclick={on(page, move || Action::Go(Move::To(index)))}>{ n + 1 }</button></li> }
    };
    let (filter, deleted, edited) =
        (object.key.clone(), object.key.clone(), (object.key.clone(), object.object.clone()));
    let delete = on(page, move || Action::Steps(StepEdit::Delete(deleted.clone())));
    let edit = on(page, move || Action::Steps(StepEdit::Edit(edited.0.clone(), Box::new(edited.1.clone()))));
    html! {
        <div class="sheet">
            <div class="history">
                <span>{ "History" }</span><ol>{ for history.iter().enumerate().map(version) }</ol>
                <button class="link" onclick={on(page, move || Action::Filter(Some(filter.clone())))}>{ "only its events" }</button>
                <span class="grow" />
                <button class="btn" title="Opens it in the editor; applying the change becomes the last step" onclick={edit}>{ "Edit as a user" }</button>
                <button class="btn" title="Deleting it becomes the last step" onclick={delete}>{ "Delete" }</button>
            </div>
            <pre class="yaml">{ for yaml::lines(&object.object).into_iter().map(|line| row(page, run, object, line)) }</pre>
        </div>
    }
}

fn row(page: &Handle, run: &Run, object: &Stored, line: yaml::Line) -> Html {
    let key = line
        .key
        .as_ref()
        .map(|key| html! { <><span class="k">{ key }</span>{ if line.value.is_empty() { ":" } else { ": " } }</> });
    let value = if line.value.is_empty() {
        Html::default()
    } else {
        let (run, at, owner, pointer) = (run.clone(), page.cursor, object.key.clone(), line.pointer.clone());
        let dispatch = page.dispatcher();
        let onclick = Callback::from(move |_: MouseEvent| {
            dispatch.dispatch(match cluster::who_wrote(&run, at, &owner, &pointer) {
                Some(index) => Action::Go(Move::To(index)),
                None => Action::Toast("It was there before the first event.".to_owned()),
            });
        });
        html! { <button class="v" title="Who wrote this?" {onclick}>{ &line.value }</button> }
    };
    html! { <>{ &line.lead }{ key }{ value }{ "\n" }</> }
}
