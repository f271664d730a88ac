//! Scripts of end-to-end tests: a small shell whose only real program is kubectl, against the simulated cluster.

pub mod args;
pub mod filters;
pub mod jsonpath;
pub mod print;
pub mod shell;
pub mod syntax;
pub mod verbs;
