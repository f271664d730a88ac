//! Files dropped on the page, or picked, become files of the scenario; a folder gives all its YAML files.

use gloo::utils::document;
use js_sys::Array;
use wasm_bindgen::prelude::*;
use yew::prelude::*;

use crate::js;
use crate::state::{Action, State};

/// Takes what is dropped; true while something hovers over the page.
#[hook]
pub fn use_drops(page: &UseReducerHandle<State>) -> bool {
    let over = use_state(|| false);
    let (page, set) = (page.dispatcher(), over.setter());
    use_effect_with((), move |()| {
        let hover = Closure::<dyn Fn(bool)>::new(move |on| set.set(on));
        let dropped = Closure::<dyn Fn(Array)>::new(move |files: Array| {
            for file in files.iter().map(JsCast::unchecked_into::<Array>) {
                if let (Some(name), Some(text)) = (file.get(0).as_string(), file.get(1).as_string()) {
                    page.dispatch(Action::Put(name, text.into()));
                }
            }
        });
        js::listen_for_drops(&document(), hover.as_ref().unchecked_ref(), dropped.as_ref().unchecked_ref());
        // The page lives as long as they do.
        hover.forget();
        dropped.forget();
    });
    *over
}
