//! The components: one per file, each a view of the state.

mod advice;
mod answers;
pub mod app;
mod causes;
mod change;
mod cluster;
mod dialog;
mod drop;
mod editor;
mod examples;
mod fields;
mod files;
mod focus;
mod foot;
mod framed;
mod header;
mod inputs;
mod inspector;
mod keys_help;
mod lanes;
mod live;
mod logs;
mod menu;
mod mocks;
mod outcome;
mod palette;
mod report;
mod row;
mod rules;
mod sheet;
mod splitter;
mod steps;
mod toast;
mod tour;
mod trace;
mod transport;
pub mod view_bar;
mod why;

use yew::prelude::*;

use crate::state::{Action, State, example};

/// The state, and the way to change it. What has no state of its own is a function of it, `view`; what has is a component.
pub type Handle = UseReducerHandle<State>;

/// What a component gets.
#[derive(Clone, PartialEq, Properties)]
pub struct Page {
    /// The state, and the way to change it.
    pub page: Handle,
}

/// The heading of the page.
fn title(page: &State) -> String {
    match example::title(&page.document) {
        title if !title.is_empty() => title,
        _ if page.revision == 0 => crate::words::OPENING.to_owned(),
        _ => crate::words::UNTITLED.to_owned(),
    }
}

/// A callback that dispatches an action, whatever the event.
fn on<E>(page: &Handle, action: impl Fn() -> Action + 'static) -> Callback<E> {
    let dispatch = page.dispatcher();
    Callback::from(move |_| dispatch.dispatch(action()))
}
