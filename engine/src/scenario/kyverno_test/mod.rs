//! `kyverno test`: a directory with a `kyverno-test.yaml` → rows of expected and actual results.
//!
//! Follows `cmd/cli/kubectl-kyverno` of Kyverno 1.19, its oddities included, because the verdicts depend on them.

pub mod api_path;
pub mod cel_kinds;
pub mod cleanup;
pub mod compare;
pub mod document;
mod export;
mod import;
pub mod load;
pub mod matching;
pub mod mocks;
pub mod process;
pub mod response;
pub mod run;
pub mod values;
pub mod view;

#[cfg(test)]
mod kind_tests;
#[cfg(test)]
mod tests;

pub use export::export;
pub use import::import;
