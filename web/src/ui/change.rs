//! Change: the object before and after the current event.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;
use web_sys::HtmlElement;
use yew::prelude::*;

use super::{Page, editor, on};
use crate::js::Diff;
use crate::state::Action;
use crate::state::cursor::Move;
use crate::{words, yaml};

/// The view.
#[component]
pub fn Change(props: &Page) -> Html {
    let page = &props.page;
    let host = use_node_ref();
    let texts = page.event().filter(|e| e.detail.before.is_some() || e.detail.after.is_some()).map(|e| {
        let text = |value: &Option<Value>| value.as_ref().map(yaml::text).unwrap_or_default();
        (text(&e.detail.before), text(&e.detail.after))
    });
    {
        let host = host.clone();
        use_effect_with((texts.clone(), editor::module().is_some()), move |(texts, _)| {
            let view: Rc<RefCell<Option<Diff>>> = Rc::default();
            if let (Some((before, after)), Some(host), Some(module)) =
                (texts, host.cast::<HtmlElement>(), editor::module())
            {
                *view.borrow_mut() = Some(module.diff(&host, before, after));
            }
            move || {
                if let Some(diff) = view.take() {
                    diff.remove();
                }
            }
        });
    }
    let Some(event) = page.event().filter(|_| texts.is_some()) else {
        return html! { <p class="quiet">{ words::NO_CHANGE }{ " " }<button class="link" onclick={on(page, || Action::Go(Move::Change))}>{ "Go to the next change." }</button></p> };
    };
    let what = match (&event.detail.before, &event.detail.after) {
        (None, _) => "new",
        (_, None) => "gone",
        _ => "changed",
    };
    let subject = event.subject.as_ref().map(ToString::to_string).unwrap_or_default();
    html! {
        <div class="change">
            <h2 class="lbl">{ format!("{subject} · {what}") }{ event.detail.revision.map(|r| format!(" · resourceVersion {r}")).unwrap_or_default() }</h2>
            <div class="diff" ref={host} />
        </div>
    }
}
