//! Chainsaw tests: `chainsaw-test.yaml`, the language of Kyverno's end-to-end tests, against the simulated cluster.

pub mod document;
mod export;
mod import;
mod installation;
mod kind;
mod operations;
mod run;

pub use export::export;
pub use import::import;
pub use run::{Settings, run};
