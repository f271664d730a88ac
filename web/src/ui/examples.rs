//! The gallery: every example with a sentence on what to look at, searchable; and an empty start.

use serde::Deserialize;
use stepgate_engine::scenario::Scenario;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlInputElement, Response};
use yew::prelude::*;

use super::dialog::Modal;
use super::{Handle, on};
use crate::state::{Action, Dialog};
use crate::{assets, words};

/// An entry of the gallery.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Entry {
    /// Its name in links.
    pub id: String,
    /// The scenario.
    pub scenario: Scenario,
}

/// The first of the gallery: it stands in the page itself, so that a newcomer need not wait for the others.
pub fn story() -> Option<Scenario> {
    let text = gloo::utils::document().get_element_by_id("story")?.text_content()?;
    serde_json::from_str(&text).ok()
}

/// Fetches the gallery; empty where that fails.
pub async fn load() -> Vec<Entry> {
    async fn text() -> Option<String> {
        let response = JsFuture::from(gloo::utils::window().fetch_with_str(&assets::url("gallery"))).await.ok()?;
        JsFuture::from(response.dyn_into::<Response>().ok()?.text().ok()?).await.ok()?.as_string()
    }
    text().await.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// The gallery and the state.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The state.
    pub page: Handle,
    /// The gallery.
    pub entries: Vec<Entry>,
}

/// A policy and a resource to begin with.
fn blank() -> Scenario {
    let files = [("policies.yaml", words::NEW_POLICY), ("resource.yaml", words::NEW_RESOURCE)];
    Scenario {
        api_version: stepgate_engine::scenario::API_VERSION.to_owned(),
        kind: "Scenario".to_owned(),
        title: words::NEW_TITLE.to_owned(),
        files: files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect(),
        ..Scenario::default()
    }
}

/// The first tag of an entry.
fn theme_of(entry: &Entry) -> &str {
    entry.scenario.tags.first().map(String::as_str).unwrap_or_default()
}

/// The dialog.
#[component]
pub fn Examples(props: &Props) -> Html {
    let page = &props.page;
    let query = use_state(String::new);
    let theme = use_state(String::new);
    let oninput = {
        let query = query.clone();
        Callback::from(move |event: InputEvent| {
            query.set(event.target_dyn_into::<HtmlInputElement>().map(|i| i.value()).unwrap_or_default())
        })
    };
    let hit = |entry: &&Entry| {
        let scenario = &entry.scenario;
        let all = format!("{} {} {} {}", entry.id, scenario.title, scenario.description, scenario.tags.join(" "));
        let all = all.to_ascii_lowercase();
        let kinds = || {
            entry.scenario.files.values().any(|text| text.to_ascii_lowercase().contains(&query.to_ascii_lowercase()))
        };
        query.to_ascii_lowercase().split_whitespace().all(|word| all.contains(word)) || (query.len() > 3 && kinds())
    };
    let of_theme = |entry: &&Entry| theme.is_empty() || theme_of(entry) == *theme;
    let mut themes: Vec<&str> = Vec::new();
    for theme in props.entries.iter().map(theme_of).filter(|name| !name.is_empty()) {
        if !themes.contains(&theme) {
            themes.push(theme);
        }
    }
    let chip = |name: &str| {
        let pressed = theme.as_str() == name;
        let onclick = {
            let (theme, name) = (theme.clone(), name.to_owned());
            Callback::from(move |_: MouseEvent| theme.set(if pressed { String::new() } else { name.clone() }))
        };
        html! { <button class="chip" aria-pressed={pressed.to_string()} {onclick}>{ name.to_owned() }</button> }
    };
    let found: Vec<&Entry> = props.entries.iter().filter(hit).filter(of_theme).collect();
    let item = |entry: &&Entry| {
        let scenario = entry.scenario.clone();
        html! {
            <li key={entry.id.clone()}><button class="example" onclick={on(page, move || Action::Example(Box::new(scenario.clone())))}>
                <b>{ &entry.scenario.title }</b><span>{ super::tour::marked(&entry.scenario.description) }</span>
            </button></li>
        }
    };
    html! {
        <Modal page={page.clone()} which={Dialog::Examples} title="Examples">
            <input type="text" class="search" autofocus=true placeholder="Search: a word, a policy kind, a field" aria-label="Search" value={(*query).clone()} {oninput} />
            <div class="chips themes" role="group" aria-label="Theme">{ for themes.iter().map(|name| chip(name)) }</div>
            <p class="quiet" role="status">{ words::count(found.len(), "example", "examples") }</p>
            <ul class="examples">
                <li><button class="example" onclick={on(page, || Action::Open(Box::new(blank())))}>
                    <b>{ "Start with your own" }</b><span>{ "A small policy and a Pod to replace by what you have." }</span>
                </button></li>
                { for found.iter().map(item) }
            </ul>
        </Modal>
    }
}
