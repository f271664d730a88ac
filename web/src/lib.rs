//! The page: one `State`, one `Action`, one pure `reduce`; components are views of it. The engine runs in a Web Worker.

mod assets;
mod bridge;
mod client;
mod embed;
mod js;
mod keys;
mod link;
mod outcome;
mod run;
mod saved;
mod state;
mod ui;
mod words;
pub mod worker;
mod yaml;

/// Mounts the page.
pub fn mount() {
    yew::Renderer::<ui::app::App>::new().render();
}
