//! Share: a link that holds everything, and the scenario as text.

use gloo::utils::window;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::Page;
use super::dialog::Modal;
use crate::link;
use crate::state::{Action, Dialog, State};

/// Longer links do not survive in chats and issue trackers.
const LONG: usize = 8_000;

/// The dialog.
#[component]
pub fn Share(props: &Page) -> Html {
    let page = &props.page;
    let link = use_state(String::new);
    let here = use_state(|| true);
    let open = page.dialog == Some(Dialog::Share);
    {
        let (link, page, here) = (link.clone(), page.clone(), *here);
        use_effect_with((open, here), move |(open, here)| {
            if *open {
                let anchor = here.then(|| page.event().map(|e| e.anchor.clone())).flatten();
                spawn_local(async move { link.set(make(&page, anchor).await) });
            }
        });
    }
    let toggle = {
        let here = here.clone();
        Callback::from(move |event: Event| {
            here.set(event.target_dyn_into::<HtmlInputElement>().is_some_and(|i| i.checked()))
        })
    };
    let select = Callback::from(|event: FocusEvent| {
        if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
            input.select();
        }
    });
    html! {
        <Modal page={page.clone()} which={Dialog::Share} title="Share">
            <p class="quiet">{ "The link holds all files and settings. Nothing is sent anywhere: what comes after # never leaves the browser that opens it." }</p>
            <div class="link-row">
                <input readonly=true aria-label="Link" value={(*link).clone()} onfocus={select} />
                <button class="btn pri" onclick={copy(page, (*link).clone(), "Link copied.")}>{ "Copy link" }</button>
            </div>
            <label class="check"><input type="checkbox" checked={*here} onchange={toggle} />{ " land on the current event" }</label>
            if link.len() > LONG { <p class="tone-warn">{ format!("{} characters: some sites cut links of this length.", link.len()) }</p> }
        </Modal>
    }
}

async fn make(page: &State, anchor: Option<String>) -> String {
    let Some(packed) = link::pack(&page.document.scenario()).await else {
        return "This browser cannot compress; a link cannot be made.".to_owned();
    };
    let location = window().location();
    let base = format!("{}{}", location.origin().unwrap_or_default(), location.pathname().unwrap_or_default());
    let at = anchor.map(|anchor| format!("&at={}", js_sys::encode_uri_component(&anchor))).unwrap_or_default();
    format!("{base}#{packed}{at}")
}

/// Copies a text and says so.
pub fn copy(page: &UseReducerHandle<State>, text: String, said: &'static str) -> Callback<MouseEvent> {
    let page = page.dispatcher();
    Callback::from(move |_| {
        let (page, text) = (page.clone(), text.clone());
        spawn_local(async move {
            let done = JsFuture::from(window().navigator().clipboard().write_text(&text)).await;
            page.dispatch(Action::Toast(if done.is_ok() {
                said.to_owned()
            } else {
                "The browser did not let the page copy.".to_owned()
            }));
        });
    })
}
