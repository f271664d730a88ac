//! The table of keys, printed from the one that acts.

use yew::prelude::*;

use super::Handle;
use super::dialog::Modal;
use crate::keys::{ELSEWHERE, KEYS};
use crate::state::Dialog;

/// The dialog.
pub fn view(page: &Handle) -> Html {
    let lines = KEYS
        .iter()
        .filter(|key| !key.label.is_empty())
        .map(|key| (key.label, key.text))
        .chain(ELSEWHERE.iter().copied());
    html! {
        <Modal page={page.clone()} which={Dialog::Keys} title="Keys">
            <dl class="keys">{ for lines.map(|(label, text)| html! { <><dt><kbd>{ label }</kbd></dt><dd>{ text }</dd></> }) }</dl>
        </Modal>
    }
}
