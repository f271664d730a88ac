//! `kyverno test`: a directory with a `kyverno-test.yaml` → rows of expected and actual results.
//!
//! Follows `cmd/cli/kubectl-kyverno` of Kyverno 1.19, its oddities included, because the verdicts depend on them.

pub mod api_path;
pub mod cel_kinds;
pub mod compare;
pub mod document;
pub mod exchange;
pub mod load;
pub mod matching;
pub mod process;
pub mod response;
pub mod run;
pub mod values;
pub mod view;
