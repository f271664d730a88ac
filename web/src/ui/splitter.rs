//! The line between two panes: drag it, or focus it and use the arrows. Sizes live in CSS variables of the root.

use gloo::utils::{document, window};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, PointerEvent};
use yew::prelude::*;

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

const LEAST: f64 = 15.0;
const MOST: f64 = 75.0;

/// The line.
#[component]
pub fn Splitter(props: &Props) -> Html {
    let percent = use_state(|| if props.upright { 37.0 } else { 34.0 });
    let set = {
        let (percent, name, upright) = (percent.clone(), props.name, props.upright);
        move |value: f64| {
            let value = value.clamp(LEAST, MOST);
            let unit = if upright { "%" } else { "vh" };
            if let Some(root) = document().document_element().map(JsCast::unchecked_into::<HtmlElement>) {
                let _ = root.style().set_property(name, &format!("{value:.2}{unit}"));
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
                    f64::from(event.client_x()) * 100.0 / size(window().inner_width())
                } else {
                    100.0 - f64::from(event.client_y()) * 100.0 / size(window().inner_height())
                });
            }
        })
    };
    let onkeydown = {
        let now = *percent;
        Callback::from(move |event: KeyboardEvent| {
            let step = match event.key().as_str() {
                "ArrowLeft" | "ArrowDown" => -2.0,
                "ArrowRight" | "ArrowUp" => 2.0,
                _ => return,
            };
            event.prevent_default();
            event.stop_propagation();
            set(now + step);
        })
    };
    let way = if props.upright { "vertical" } else { "horizontal" };
    html! {
        <div class={classes!("splitter", way)} role="separator" tabindex="0" aria-orientation={way} aria-label={props.label}
            aria-valuenow={format!("{:.0}", *percent)} aria-valuemin={LEAST.to_string()} aria-valuemax={MOST.to_string()}
            {onpointerdown} {onpointermove} {onkeydown} />
    }
}
