//! A short message that goes by itself.

use gloo::timers::callback::Timeout;
use yew::prelude::*;

use super::Page;

const STAY: u32 = 4_000;

/// The message.
#[component]
pub fn Toast(props: &Page) -> Html {
    let seen = use_state(|| None::<u32>);
    let number = props.page.toast.as_ref().map(|(n, _)| *n);
    {
        let seen = seen.clone();
        use_effect_with(number, move |number| {
            let number = *number;
            let timer = number.map(|_| Timeout::new(STAY, move || seen.set(number)));
            move || drop(timer)
        });
    }
    let text = props
        .page
        .toast
        .as_ref()
        .filter(|(n, _)| Some(*n) != *seen)
        .map(|(_, text)| html! { <div class="toast">{ text }</div> });
    html! { <div role="status" class="toasts">{ text }</div> }
}
