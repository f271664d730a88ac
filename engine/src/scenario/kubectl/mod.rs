//! Scripts of end-to-end tests: a small shell whose programs are text filters and kubectl, against the simulated cluster.

pub mod args;
mod arithmetic;
mod builtins;
mod config;
mod create;
mod date;
mod edit;
mod expand;
pub mod filters;
mod find;
mod get;
mod gotemplate;
pub mod jsonpath;
pub mod kubeconfig;
mod kyverno;
mod openssl;
mod pods;
pub mod print;
mod printf;
pub mod shell;
pub mod syntax;
pub mod verbs;
mod words;
