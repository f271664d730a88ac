//! Where the focus goes when what had it goes: to the nearest control of its pane, not to the top of the page.

use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use gloo::utils::document;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, Node};
use yew::prelude::*;

use super::Handle;

/// The panes that look after their focus.
const PANES: &str = ".tabs, .steps, .insp, .toast";
/// The control of a pane that stands for it: the file on show, the first step, the open tab of the inspector.
const HOME: &str = ".tab.on button, [role=tab][aria-selected=true], ol button:enabled";

/// Looks after it.
#[hook]
pub fn use_focus(page: &Handle) {
    let last = use_mut_ref(|| None::<(Element, Element)>);
    {
        let last = last.clone();
        use_effect_with((), move |()| {
            let listener = EventListener::new(&document(), "focusin", move |event| {
                let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
                *last.borrow_mut() = target.and_then(|target| Some((target.closest(PANES).ok()??, target)));
            });
            move || drop(listener)
        });
    }
    use_effect_with(page.clone(), move |_| {
        // A button that is disabled loses the focus only with the next picture.
        Timeout::new(50, move || {
            let nowhere = document().active_element().is_none_or(|active| active.tag_name() == "BODY");
            let gone = |target: &Element| !target.is_connected() || target.matches(":disabled").unwrap_or(false);
            let Some((pane, _)) = last.borrow_mut().take_if(|(_, target)| nowhere && gone(target)) else { return };
            let home = pane.query_selector(HOME).ok().flatten().filter(|home| Node::is_connected(home));
            if let Some(home) = home.or_else(|| document().query_selector(HOME).ok()?) {
                let _ = home.unchecked_into::<HtmlElement>().focus();
            }
        })
        .forget();
    });
}

/// Gives the focus to the first that the selector finds once the page is drawn anew.
pub fn soon(selector: String) {
    Timeout::new(0, move || {
        if let Ok(Some(found)) = document().query_selector(&selector) {
            let _ = found.unchecked_into::<HtmlElement>().focus();
        }
    })
    .forget();
}
