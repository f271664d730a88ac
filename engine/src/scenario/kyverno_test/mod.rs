//! `kyverno test`: a directory with a `kyverno-test.yaml` → rows of expected and actual results.
//!
//! Follows `cmd/cli/kubectl-kyverno` of Kyverno 1.19, its oddities included, because the verdicts depend on them.

pub mod compare;
pub mod document;
pub mod matching;
pub mod response;
pub mod values;
