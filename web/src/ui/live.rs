//! What a screen reader says when the current event changes.

use yew::prelude::*;

use super::Handle;
use super::row::sentence;

/// The region; silent while playing goes fast past.
pub fn view(page: &Handle) -> Html {
    let words = page.event().map(|event| sentence(event, page.events().len()));
    html! { <div class="unseen" aria-live="polite" role="log" aria-label="Current event">{ words }</div> }
}
