//! What is dropped or pasted on the page: files, folders, archives, links, texts. `web/io` reads them.

use gloo::utils::document;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::Handle;
use crate::bridge;
use crate::js;
use crate::state::{Action, State};

/// Takes what is dropped or pasted; true while something hovers over the page.
#[hook]
pub fn use_drops(page: &Handle) -> bool {
    let over = use_state(|| false);
    let (page, set) = (page.dispatcher(), over.setter());
    use_effect_with((), move |()| {
        let hover = Closure::<dyn Fn(bool)>::new(move |on| set.set(on));
        let brought = Closure::<dyn Fn(JsValue)>::new(move |brought: JsValue| {
            let page = page.clone();
            spawn_local(async move { bring(&page, brought).await });
        });
        js::listen(&document(), hover.as_ref().unchecked_ref(), brought.as_ref().unchecked_ref());
        // The page lives as long as they do.
        hover.forget();
        brought.forget();
    });
    *over
}

/// Hands over what somebody brings.
pub async fn bring(page: &UseReducerDispatcher<State>, brought: JsValue) {
    let done = match bridge::io().await {
        Ok(module) => module.bring(&brought, &bridge::page()).await,
        Err(wrong) => Err(wrong),
    };
    if done.is_err() {
        page.dispatch(Action::Toast("The part of the page that reads files could not be loaded.".to_owned()));
    }
}
