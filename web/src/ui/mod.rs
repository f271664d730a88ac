//! The components: one per file, each a view of the state.

mod advice;
pub mod app;
mod change;
mod cluster;
mod dialog;
mod drop;
mod editor;
mod examples;
mod files;
mod foot;
mod header;
mod inspector;
mod keys_help;
mod lanes;
mod live;
mod logs;
mod outcome;
mod palette;
mod report;
mod row;
mod share;
mod splitter;
mod steps;
mod toast;
mod tour;
mod trace;
mod transport;
mod why;

use yew::prelude::*;

use crate::state::{Action, State};

/// What every component gets.
#[derive(Clone, PartialEq, Properties)]
pub struct Page {
    /// The state, and the way to change it.
    pub page: UseReducerHandle<State>,
}

/// A callback that dispatches an action, whatever the event.
fn on<E>(page: &UseReducerHandle<State>, action: impl Fn() -> Action + 'static) -> Callback<E> {
    let dispatch = page.dispatcher();
    Callback::from(move |_| dispatch.dispatch(action()))
}
