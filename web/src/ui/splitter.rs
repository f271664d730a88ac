//! The line between two panes: drag it, or focus it and use the arrows. Sizes live in CSS variables of the root.

use gloo::utils::{document, window};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, PointerEvent};
use yew::prelude::*;

use crate::words;

/// A splitter.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The CSS variable that it sets, in percent of the window.
    pub name: &'static str,
    /// What it changes.
    pub label: &'static str,
    /// Whether it stands upright.
    pub upright: bool,
}

/// Sizes in thousandths of a percent.
const LEAST: usize = 15_000;
const MOST: usize = 75_000;

/// The line.
#[component]
pub fn Splitter(props: &Props) -> Html {
    let percent = use_state(|| if props.upright { 37_000 } else { 34_000 });
    let set = {
        let (percent, name, upright) = (percent.clone(), props.name, props.upright);
        move |value: usize| {
            let value = value.clamp(LEAST, MOST);
            let unit = if upright { "%" } else { "vh" };
            if let Some(root) = document().document_element().map(JsCast::unchecked_into::<HtmlElement>) {
                let _ = root.style().set_property(name, &(words::thousandths(value) + unit));
            }
            percent.set(value);
        }
    };
    let onpointerdown = Callback::from(|event: PointerEvent| {
        if let Some(line) = event.target_dyn_into::<Element>() {
            let _ = line.set_pointer_capture(event.pointer_id());
        }
    });
    let onpointermove = {
        let (set, upright) = (set.clone(), props.upright);
        Callback::from(move |event: PointerEvent| {
            let held =
                event.target_dyn_into::<Element>().is_some_and(|line| line.has_pointer_capture(event.pointer_id()));
            let size = |value: Result<wasm_bindgen::JsValue, _>| value.ok().and_then(|v| v.as_f64()).unwrap_or(1.0);
            if held {
                set(if upright {
                    (f64::from(event.client_x()) * 100_000.0 / size(window().inner_width())) as usize
                } else {
                    (100_000.0 - f64::from(event.client_y()) * 100_000.0 / size(window().inner_height())) as usize
                });
            }
        })
    };
    let onkeydown = {
        let now = *percent;
        Callback::from(move |event: KeyboardEvent| {
            let next = match event.key().as_str() {
                "ArrowLeft" | "ArrowDown" => now - 2_000,
                "ArrowRight" | "ArrowUp" => now + 2_000,
                _ => return,
            };
            event.prevent_default();
            event.stop_propagation();
            set(next);
        })
    };
    let way = if props.upright { "vertical" } else { "horizontal" };
    html! {
        <div class={classes!("splitter", way)} role="separator" tabindex="0" aria-orientation={way} aria-label={props.label}
            aria-valuenow={(*percent / 1_000).to_string()} aria-valuemin={(LEAST / 1_000).to_string()} aria-valuemax={(MOST / 1_000).to_string()}
            {onpointerdown} {onpointermove} {onkeydown} />
    }
}
