//! A dialog over the page: the browser's own, with its focus and its Escape. The focus begins in the field that asks for it.

use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, HtmlElement};
use yew::prelude::*;

use super::{Handle, on};
use crate::state::{Action, Dialog};

/// A dialog.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The state.
    pub page: Handle,
    /// Which dialog this is.
    pub which: Dialog,
    /// Its heading.
    pub title: AttrValue,
    /// Its contents, drawn only while it is open.
    pub children: Html,
}

/// The dialog; a click beside it closes it.
#[component]
pub fn Modal(props: &Props) -> Html {
    let node = use_node_ref();
    let open = props.page.dialog == Some(props.which);
    {
        let node = node.clone();
        use_effect_with(open, move |open| {
            let Some(dialog) = node.cast::<HtmlDialogElement>() else { return };
            if *open && !dialog.open() {
                let _ = dialog.show_modal();
                if let Ok(Some(field)) = dialog.query_selector("[autofocus]") {
                    let _ = field.unchecked_into::<HtmlElement>().focus();
                }
            } else if !*open && dialog.open() {
                dialog.close();
            }
        });
    }
    let close = on(&props.page, || Action::Dialog(None));
    let beside = {
        let (node, page) = (node.clone(), props.page.dispatcher());
        Callback::from(move |event: MouseEvent| {
            let dialog = node.cast::<HtmlDialogElement>();
            if dialog.is_some() && event.target_dyn_into::<HtmlDialogElement>() == dialog {
                page.dispatch(Action::Dialog(None));
            }
        })
    };
    let which = props.which;
    // Escape asks with `cancel` and tells with `close`, which comes a task later: a key pressed in between is for the page.
    let ended = {
        let (node, page) = (node.clone(), props.page.clone());
        Callback::from(move |event: Event| {
            let dialog = node.cast::<HtmlDialogElement>();
            if page.dialog == Some(which) && event.target_dyn_into::<HtmlDialogElement>() == dialog {
                page.dispatch(Action::Dialog(None));
            }
        })
    };
    html! {
        <dialog ref={node} aria-label={props.title.clone()} onclick={beside} oncancel={ended.clone()} onclose={ended}>
            if open {
                <div class="sheet-head"><h2>{ &props.title }</h2><button class="btn icon" aria-label="Close" onclick={close}>{ "×" }</button></div>
                { props.children.clone() }
            }
        </dialog>
    }
}
