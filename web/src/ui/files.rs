//! The tabs of the files: show, add, rename (double click or F2), remove.

use stepgate_engine::diagnostic::Severity;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::{Page, on};
use crate::state::document::File;
use crate::state::{Action, Side, places};

/// The tabs.
#[component]
pub fn Files(props: &Page) -> Html {
    let page = &props.page;
    let renaming = use_state(|| None::<u32>);
    let add = on(page, || Action::Add("resource.yaml".to_owned(), "".into()));
    html! {
        <div class="tabs">
            <div class="tablist" role="group" aria-label="Files">
                { for page.document.files.iter().map(|file| if *renaming == Some(file.id) { input(props, file, &renaming) } else { tab(props, file, &renaming) }) }
            </div>
            <button class={classes!("tab", "side", (page.side == Side::Steps).then_some("on"))} aria-pressed={(page.side == Side::Steps).to_string()}
                onclick={on(page, { let open = page.side == Side::Steps; move || Action::Side(if open { Side::File } else { Side::Steps }) })}>{ "steps" }</button>
            <button class="tab add" onclick={add} aria-label="Add a file" title="Add a file">{ "+" }</button>
        </div>
    }
}

fn tab(props: &Page, file: &File, renaming: &UseStateHandle<Option<u32>>) -> Html {
    let page = &props.page;
    let id = file.id;
    let current = page.document.active == id && page.side == Side::File;
    let denials = page.timeline.as_ref().map_or(0, |run| places::denials(run, &file.name));
    let errors = page.timeline.as_ref().map_or(0, |run| {
        run.diagnostics.iter().filter(|d| d.file == file.name && d.severity != Severity::Info).count()
    });
    let here =
        page.event().is_some_and(|event| places::now(page.events(), event).iter().any(|place| place.file == file.name));
    let rename = {
        let renaming = renaming.clone();
        move || renaming.set(Some(id))
    };
    let dispatch = page.dispatcher();
    let onkeydown = {
        let (rename, dispatch) = (rename.clone(), dispatch.clone());
        let ids: Vec<u32> = page.document.files.iter().map(|f| f.id).collect();
        Callback::from(move |event: KeyboardEvent| {
            let here = ids.iter().position(|i| *i == id).unwrap_or_default();
            let step = match event.key().as_str() {
                "F2" => return rename(),
                "Delete" => return dispatch.dispatch(Action::Remove(id)),
                "ArrowRight" => here + 1,
                "ArrowLeft" => here + ids.len() - 1,
                _ => return,
            };
            event.prevent_default();
            if let Some(next) = ids.get(step % ids.len()) {
                dispatch.dispatch(Action::Show(*next));
                focus_tab(*next);
            }
        })
    };
    let closable = current && page.document.files.len() > 1;
    html! {
        <span class={classes!("tab", current.then_some("on"), here.then_some("here"))} key={id}>
            <button class="name" id={format!("file-{id}")} aria-pressed={current.to_string()}
                title="F2 renames, Delete removes" {onkeydown} onclick={on(page, move || Action::Show(id))}
                ondblclick={Callback::from(move |_| rename())}>
                { &file.name }
                if denials > 0 { <i class="tone-deny" aria-label={format!("{denials} refusals come from here")}>{ format!("●{denials}") }</i> }
                if errors > 0 { <i class="tone-warn" aria-label={format!("{errors} messages")}>{ format!("▲{errors}") }</i> }
            </button>
            if closable {
                <button class="close" aria-label={format!("Remove {}", file.name)} title="Remove" onclick={on(page, move || Action::Remove(id))}>{ "×" }</button>
            }
        </span>
    }
}

fn input(props: &Page, file: &File, renaming: &UseStateHandle<Option<u32>>) -> Html {
    let id = file.id;
    let done = {
        let (page, renaming) = (props.page.dispatcher(), renaming.clone());
        move |target: Option<web_sys::EventTarget>| {
            if let Some(input) = target.and_then(|t| t.dyn_into::<HtmlInputElement>().ok()) {
                page.dispatch(Action::Rename(id, input.value()));
            }
            renaming.set(None);
        }
    };
    let onkeydown = {
        let (done, renaming) = (done.clone(), renaming.clone());
        Callback::from(move |event: KeyboardEvent| match event.key().as_str() {
            "Enter" => done(event.target()),
            "Escape" => renaming.set(None),
            _ => {}
        })
    };
    let onblur = Callback::from(move |event: FocusEvent| done(event.target()));
    html! { <input class="rename" key={id} aria-label="File name" value={file.name.clone()} autofocus=true {onkeydown} {onblur} ref={focused()} /> }
}

/// A reference whose element takes the focus as soon as it is there.
fn focused() -> NodeRef {
    let node = NodeRef::default();
    let later = node.clone();
    gloo::timers::callback::Timeout::new(0, move || {
        if let Some(input) = later.cast::<HtmlInputElement>() {
            let _ = input.focus();
            input.select();
        }
    })
    .forget();
    node
}

fn focus_tab(id: u32) {
    if let Some(tab) = gloo::utils::document().get_element_by_id(&format!("file-{id}")) {
        let _ = tab.unchecked_into::<web_sys::HtmlElement>().focus();
    }
}
