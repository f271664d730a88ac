//! The bar at the top: name, title, profile, examples, theme, share.

use wasm_bindgen::JsCast;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::{Page, on};
use crate::state::{Action, Dialog};
use crate::words::PROFILES;
use crate::{saved, words};

/// The bar.
#[component]
pub fn Header(props: &Page) -> Html {
    let page = &props.page;
    let theme = use_state(saved::theme);
    let (glyph, next, label) = match theme.as_deref() {
        None => ("◐", Some("light"), "Theme: as the system. Change to light"),
        Some("light") => ("○", Some("dark"), "Theme: light. Change to dark"),
        Some(_) => ("●", None, "Theme: dark. Change to the system's"),
    };
    let switch = {
        let theme = theme.clone();
        Callback::from(move |_: MouseEvent| {
            saved::keep_theme(next);
            if let Some(root) = gloo::utils::document().document_element() {
                let _ = match next {
                    Some(name) => root.set_attribute("data-theme", name),
                    None => root.remove_attribute("data-theme"),
                };
            }
            theme.set(next.map(str::to_owned));
        })
    };
    let pick = {
        let page = page.dispatcher();
        Callback::from(move |event: Event| {
            if let Some(select) = event.target().and_then(|t| t.dyn_into::<HtmlSelectElement>().ok()) {
                page.dispatch(Action::Profile(select.value()));
            }
        })
    };
    let rest = &page.document.rest;
    let current = if rest.kyverno.is_empty() { PROFILES[0] } else { rest.kyverno.as_str() };
    let title = super::title(page);
    html! {
        <header>
            <span class="logo">
                <svg width="20" height="20" viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.8" aria-hidden="true">
                    <path d="M3 17V6M8 17V6M13 17V3M18 17V3M1.5 17h17" />
                </svg>
                <span class="name">{ words::NAME }</span>
            </span>
            <h1 class="title" title={title.clone()}>{ title }</h1>
            <span class="grow" />
            <label class="btn profile">
                <span>{ "Kyverno" }</span>
                <select onchange={pick} aria-label="Kyverno version">
                    { for PROFILES.map(|version| html! { <option value={version} selected={version == current}>{ version }</option> }) }
                </select>
            </label>
            <button class="btn" onclick={on(page, || Action::Dialog(Some(Dialog::Examples)))}>{ "Examples" }</button>
            <button class="btn" onclick={on(page, || Action::Dialog(Some(Dialog::Import)))}>{ "Open" }</button>
            <button class="btn wide-only" onclick={on(page, || Action::Dialog(Some(Dialog::Saved)))}>{ "Saved" }</button>
            <button class="btn icon wide-only" title="Keys (?)" aria-label="Keys" onclick={on(page, || Action::Dialog(Some(Dialog::Keys)))}>{ "?" }</button>
            <button class="btn icon" title={label} aria-label={label} onclick={switch}>{ glyph }</button>
            <button class="btn pri" onclick={on(page, || Action::Dialog(Some(Dialog::Share)))}>{ "Share" }</button>
        </header>
    }
}
