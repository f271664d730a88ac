//! Share: a link that holds everything, Markdown, and files to take away.

use gloo::utils::{document, window};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlInputElement, Url};
use yew::prelude::*;

use super::Page;
use super::dialog::Modal;
use crate::state::{Action, Dialog, State};
use crate::{link, markdown, yaml, zip};

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
    if !open {
        return html! { <Modal page={page.clone()} which={Dialog::Share} title="Share">{ "" }</Modal> };
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
    let scenario = page.document.scenario();
    let text = markdown::text(&scenario, page.timeline.as_deref(), &link);
    let whole = serde_json::to_string(&scenario)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .map(|value| yaml::text(&value))
        .unwrap_or_default();
    let files: Vec<(String, String)> =
        scenario.files.clone().into_iter().chain([("scenario.yaml".to_owned(), whole.clone())]).collect();
    let scenario_file = Callback::from(move |_: MouseEvent| save("scenario.yaml", "text/yaml", whole.as_bytes()));
    let folder = Callback::from(move |_: MouseEvent| save("stepgate.zip", "application/zip", &zip::archive(&files)));
    html! {
        <Modal page={page.clone()} which={Dialog::Share} title="Share">
            <p class="quiet">{ "The link holds all files and settings. Nothing is sent anywhere: what comes after # never leaves the browser that opens it." }</p>
            <div class="link-row">
                <input readonly=true aria-label="Link" value={(*link).clone()} onfocus={select} />
                <button class="btn pri" onclick={copy(page, (*link).clone(), "Link copied.")}>{ "Copy link" }</button>
            </div>
            <label class="check"><input type="checkbox" checked={*here} onchange={toggle} />{ " land on the current event" }</label>
            if link.len() > LONG { <p class="tone-warn">{ format!("{} characters: some sites cut links of this length. Take the file instead.", link.len()) }</p> }
            <h3>{ "Take away" }</h3>
            <div class="chips">
                <button class="btn" onclick={copy(page, text, "Markdown copied.")}>{ "Copy as Markdown" }</button>
                <button class="btn" onclick={scenario_file}>{ "Scenario (YAML)" }</button>
                <button class="btn" onclick={folder}>{ "All files (ZIP)" }</button>
            </div>
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
fn copy(page: &UseReducerHandle<State>, text: String, said: &'static str) -> Callback<MouseEvent> {
    let page = page.dispatcher();
    Callback::from(move |_| {
        let (page, text) = (page.clone(), text.clone());
        spawn_local(async move {
            let done = JsFuture::from(window().navigator().clipboard().write_text(&text)).await;
            let refused = "The browser did not let the page copy.";
            page.dispatch(Action::Toast(if done.is_ok() { said } else { refused }.to_owned()));
        });
    })
}

/// Lets the browser save bytes as a file.
pub fn save(name: &str, kind: &str, bytes: &[u8]) {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = Array::of1(&Uint8Array::from(bytes));
    let Ok(blob) = Blob::new_with_u8_array_sequence_and_options(&parts, &options) else { return };
    let Ok(url) = Url::create_object_url_with_blob(&blob) else { return };
    if let Ok(anchor) = document().create_element("a").map(JsCast::unchecked_into::<HtmlAnchorElement>) {
        anchor.set_href(&url);
        anchor.set_download(name);
        anchor.click();
    }
    let _ = Url::revoke_object_url(&url);
}
