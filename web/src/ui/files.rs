//! The tabs of the files: show, add, rename (double click or F2), remove.

use std::cell::RefCell;
use std::rc::Rc;

use stepgate_engine::diagnostic::Severity;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::{Handle, Page, focus, on};
use crate::state::document::File;
use crate::state::{Action, Side, places};

/// The tabs.
#[component]
pub fn Files(props: &Page) -> Html {
    let page = &props.page;
    let renaming = use_state(|| None::<u32>);
    let field = use_node_ref();
    // A field that goes is left, too: it counts once.
    let over = use_mut_ref(|| false);
    {
        let over = over.clone();
        let field = field.clone();
        let file = page.document.files.iter().find(|file| Some(file.id) == *renaming);
        let name = file.map(|file| file.name.clone()).unwrap_or_default();
        // The name is put in once: what is being written stays, whatever else of the page is drawn anew.
        use_effect_with(*renaming, move |_| {
            *over.borrow_mut() = false;
            if let Some(input) = field.cast::<HtmlInputElement>() {
                input.set_value(&name);
                let _ = input.focus();
                input.select();
            }
        });
    }
    let add = on(page, || Action::Add("resource.yaml".to_owned(), "".into()));
    html! {
        <div class="tabs">
            <div class="tablist" role="group" aria-label="Files">
                { for page.document.files.iter().map(|file| if *renaming == Some(file.id) { input(props, file, &renaming, &field, &over) } else { tab(props, file, &renaming) }) }
            </div>
            { side(page, Side::Steps, "steps") }
            { side(page, Side::Inputs, "inputs") }
            <button class="tab add" onclick={add} aria-label="Add a file" title="Add a file">{ "+" }</button>
        </div>
    }
}

fn side(page: &Handle, side: Side, name: &'static str) -> Html {
    let open = page.side == side;
    let act = on(page, move || Action::Side(if open { Side::File } else { side }));
    html! { <button class={classes!("tab", "side", open.then_some("on"))} aria-pressed={open.to_string()} onclick={act}>{ name }</button> }
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

fn input(
    props: &Page,
    file: &File,
    renaming: &UseStateHandle<Option<u32>>,
    field: &NodeRef,
    over: &Rc<RefCell<bool>>,
) -> Html {
    let id = file.id;
    let done = {
        let (page, renaming, over) = (props.page.dispatcher(), renaming.clone(), over.clone());
        move |name: Option<String>| {
            if !over.replace(true) {
                name.into_iter().for_each(|name| page.dispatch(Action::Rename(id, name)));
                renaming.set(None);
            }
        }
    };
    let written = |target: Option<web_sys::EventTarget>| Some(target?.dyn_into::<HtmlInputElement>().ok()?.value());
    let onkeydown = {
        let done = done.clone();
        Callback::from(move |event: KeyboardEvent| {
            match event.key().as_str() {
                "Enter" => done(written(event.target())),
                "Escape" => done(None),
                _ => return,
            }
            focus::soon(format!("#file-{id}"));
        })
    };
    let onblur = Callback::from(move |event: FocusEvent| done(written(event.target())));
    html! { <input class="rename" key={id} aria-label="File name" autofocus=true {onkeydown} {onblur} ref={field} /> }
}

fn focus_tab(id: u32) {
    if let Some(tab) = gloo::utils::document().get_element_by_id(&format!("file-{id}")) {
        let _ = tab.unchecked_into::<web_sys::HtmlElement>().focus();
    }
}
