//! The inspector: five views of the moment.

use web_sys::HtmlElement;
use yew::prelude::*;

use super::advice::{self, use_advice};
use super::change::Change;
use super::{Page, logs, on, report, why};
use crate::state::{Action, Tab, cluster};

const TABS: [(Tab, &str); 6] = [
    (Tab::Why, "Why"),
    (Tab::Change, "Change"),
    (Tab::Cluster, "Cluster"),
    (Tab::Logs, "Logs"),
    (Tab::Report, "Report"),
    (Tab::Advice, "Advice"),
];

/// The inspector.
#[component]
pub fn Inspector(props: &Page) -> Html {
    let page = &props.page;
    let advice = use_advice(page);
    let counts = |tab: Tab| {
        let run = page.timeline.as_ref()?;
        let n = match tab {
            Tab::Why => return None,
            Tab::Change => {
                usize::from(page.event().is_some_and(|e| e.detail.after.is_some() || e.detail.before.is_some()))
            }
            Tab::Cluster => cluster::at(run, page.cursor).iter().filter(|o| o.mark != cluster::Mark::Removed).count(),
            Tab::Logs => logs::lines(page).count(),
            Tab::Report => report::size(page),
            // Not yet known is not none.
            Tab::Advice if advice.is_null() => return None,
            Tab::Advice => advice::size(&advice),
        };
        (tab != Tab::Change || n > 0).then_some(n)
    };
    let tab = |(tab, name): (Tab, &'static str)| {
        let selected = page.tab == tab;
        html! {
            <button role="tab" id={format!("tab-{name}")} aria-selected={selected.to_string()} aria-controls="inspector" tabindex={if selected { "0" } else { "-1" }}
                onclick={on(page, move || Action::Tab(tab))}>{ name }
                if let Some(n) = counts(tab) { <small>{ n }</small> }
            </button>
        }
    };
    let onkeydown = {
        let (page, current) = (page.dispatcher(), page.tab);
        Callback::from(move |event: KeyboardEvent| {
            let here = TABS.iter().position(|(tab, _)| *tab == current).unwrap_or_default();
            let next = match event.key().as_str() {
                "ArrowRight" => here + 1,
                "ArrowLeft" => here + TABS.len() - 1,
                "Home" => 0,
                "End" => TABS.len() - 1,
                _ => return,
            };
            event.prevent_default();
            if let Some((tab, name)) = TABS.get(next % TABS.len()) {
                page.dispatch(Action::Tab(*tab));
                if let Some(button) = gloo::utils::document().get_element_by_id(&format!("tab-{name}")) {
                    let _ = wasm_bindgen::JsCast::unchecked_into::<HtmlElement>(button).focus();
                }
            }
        })
    };
    let name = TABS.iter().find(|(tab, _)| *tab == page.tab).map_or("", |(_, name)| name);
    html! {
        <section class="insp" aria-label="Inspector">
            <div class="it" role="tablist" aria-label="Inspector" {onkeydown}>{ for TABS.map(tab) }</div>
            <div class="view" role="tabpanel" id="inspector" aria-labelledby={format!("tab-{name}")} tabindex="0">{ match page.tab {
                Tab::Why => why::view(page),
                Tab::Change => html! { <Change ..props.clone() /> },
                Tab::Cluster => super::cluster::view(page),
                Tab::Logs => logs::view(page),
                Tab::Report => report::view(page),
                Tab::Advice => advice::view(page, &advice),
            } }</div>
        </section>
    }
}
