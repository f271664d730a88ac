//! A button that opens a small panel; a click elsewhere or Escape closes it.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, Node};
use yew::prelude::*;

/// A menu.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// On the button.
    pub label: AttrValue,
    /// What it is for.
    pub title: AttrValue,
    /// Whether something in it is not as usual.
    #[prop_or_default]
    pub on: bool,
    /// The panel.
    pub children: Html,
}

/// The menu.
#[component]
pub fn Menu(props: &Props) -> Html {
    let node = use_node_ref();
    let close = {
        let node = node.clone();
        move |focus: bool| {
            let Some(details) = node.cast::<HtmlElement>() else { return };
            let _ = details.remove_attribute("open");
            if let Some(summary) = details.first_element_child().filter(|_| focus) {
                let _ = summary.unchecked_into::<HtmlElement>().focus();
            }
        }
    };
    let onfocusout = {
        let (node, close) = (node.clone(), close.clone());
        Callback::from(move |event: FocusEvent| {
            let to = event.related_target().and_then(|target| target.dyn_into::<Node>().ok());
            if !node.cast::<Element>().is_some_and(|details| details.contains(to.as_ref())) {
                close(false);
            }
        })
    };
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            close(true);
        }
    });
    html! {
        <details class="menu" ref={node} {onfocusout} {onkeydown}>
            <summary class={classes!("chip", props.on.then_some("on"))} title={props.title.clone()}>{ &props.label }</summary>
            <div class="panel" tabindex="-1">{ props.children.clone() }</div>
        </details>
    }
}
