//! Chainsaw tests: `chainsaw-test.yaml`, the language of Kyverno's end-to-end tests, against the simulated cluster.

pub mod document;
pub mod exchange;
mod operations;
mod run;

pub use run::{Settings, run};
