//! A short message that goes by itself.

use gloo::timers::callback::Timeout;
use yew::prelude::*;

use super::{Page, on};
use crate::state::Action;

const STAY: u32 = 4_000;
/// A message with a way back stays longer.
const STAY_BACK: u32 = 12_000;

/// The message.
#[component]
pub fn Toast(props: &Page) -> Html {
    let seen = use_state(|| None::<u32>);
    let number = props.page.toast.as_ref().map(|(n, _)| *n);
    let of = |other: Option<u32>| number.is_some() && other == number;
    let left = of(props.page.left.as_ref().map(|(n, _)| *n)).then_some(("Go back", Action::Back));
    let lost = of(props.page.lost.as_ref().map(|(n, _)| *n)).then_some(("Undo", Action::Undo));
    let way_back = left.or(lost);
    let back = way_back.is_some();
    {
        let seen = seen.clone();
        use_effect_with(number, move |number| {
            let number = *number;
            let timer = number.map(|_| Timeout::new(if back { STAY_BACK } else { STAY }, move || seen.set(number)));
            move || drop(timer)
        });
    }
    let text = props
        .page
        .toast
        .as_ref()
        .filter(|(n, _)| Some(*n) != *seen)
        .map(|(_, text)| html! { <div class="toast">{ text }{ way_back.clone().map(|(name, action)| html! { <button onclick={on(&props.page, move || action.clone())}>{ name }</button> }) }</div> });
    html! { <div role="status" class="toasts">{ text }</div> }
}
