//! What an embed has that the page has not: a slim head with the way out, and word to the page around it.

use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::Handle;
use crate::js::{self, FrameModule};
use crate::state::{Action, Tab};
use crate::{assets, bridge};

/// The head.
pub fn head(page: &Handle) -> Html {
    html! {
        <header class="slim">
            <h1 class="title">{ super::title(page) }</h1>
            <span class="grow" />
            <a class="link" id="open-in-stepgate" href="./" target="_blank" rel="noopener">{ "Open in Stepgate" }</a>
        </header>
    }
}

/// Connects with the page around this one, where there is one, and tells it of every change.
#[hook]
pub fn use_frame(page: &Handle, on: bool, panes: &[String]) {
    let module = use_mut_ref(|| None::<FrameModule>);
    {
        let module = module.clone();
        use_effect_with(on, move |on| {
            if *on {
                spawn_local(async move {
                    if let Ok(loaded) = js::load(&assets::url("frame")).await {
                        let loaded = loaded.unchecked_into::<FrameModule>();
                        loaded.connect(&bridge::page());
                        loaded.tell();
                        *module.borrow_mut() = Some(loaded);
                    }
                });
            }
        });
    }
    use_effect_with((page.revision, page.shown, page.cursor, page.tab), move |_| {
        if let Some(module) = &*module.borrow() {
            module.tell();
        }
    });
    let tab = panes.iter().find_map(|pane| match pane.as_str() {
        "change" => Some(Tab::Change),
        "cluster" => Some(Tab::Cluster),
        "logs" => Some(Tab::Logs),
        "report" => Some(Tab::Report),
        "advice" => Some(Tab::Advice),
        _ => None,
    });
    let page = page.dispatcher();
    use_effect_with(tab.filter(|_| on), move |tab| {
        if let Some(tab) = *tab {
            page.dispatch(Action::Tab(tab));
        }
    });
}
