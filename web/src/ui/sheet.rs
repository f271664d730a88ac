//! The dialogs of what comes in and goes out: Open, Saved, Share. `web/io` draws them; it is loaded when first needed.

use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::Handle;
use super::dialog::Modal;
use crate::bridge;
use crate::state::Dialog;

/// Which dialog.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The state.
    pub page: Handle,
    /// Which dialog this is.
    pub which: Dialog,
    /// Its name in `web/io`.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
}

/// The dialog.
#[component]
pub fn Sheet(props: &Props) -> Html {
    let host = use_node_ref();
    let open = props.page.dialog == Some(props.which);
    {
        let (host, name) = (host.clone(), props.name);
        use_effect_with(open, move |open| {
            if *open {
                spawn_local(async move {
                    let module = bridge::io().await;
                    let Some(host) = host.cast::<HtmlElement>() else { return };
                    match module {
                        Ok(module) if host.child_element_count() == 0 => module.draw(name, &host, &bridge::page()),
                        Ok(_) => {}
                        Err(_) => host.set_inner_text("This part of the page could not be loaded. Is there a network?"),
                    }
                });
            }
        });
    }
    html! {
        <Modal page={props.page.clone()} which={props.which} title={props.title}><div class="io" ref={host} /></Modal>
    }
}
