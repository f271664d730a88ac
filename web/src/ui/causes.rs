//! Lines in the margin: from the current event up to what caused it, and down to what it causes.

use yew::prelude::*;

use super::lanes::HEIGHT;
use crate::state::links::Link;

/// The lines between rows, in a margin of this height; for the eye only, the words are in the inspector.
pub fn view(links: &[Link], height: i32) -> Html {
    let middle = |row: usize| i32::try_from(row).unwrap_or_default() * HEIGHT + HEIGHT / 2 + 6;
    let line = |link: &Link| {
        let (from, to) = (middle(link.from), middle(link.to));
        let x = if link.effect { 11 } else { 6 };
        let d = format!("M15 {from}H{x}V{to}H15");
        let tip = format!("M12 {}.5l4 3.5l-4 3.5", to - 4);
        html! { <g class={classes!(link.effect.then_some("effect"), link.dashed.then_some("dashed"))}><path {d} /><path class="tip" d={tip} /></g> }
    };
    html! {
        <svg class="causes" width="18" height={height.to_string()} aria-hidden="true">{ for links.iter().map(line) }</svg>
    }
}
