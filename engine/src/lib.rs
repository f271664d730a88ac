#![doc = include_str!("../README.md")]

pub mod api;
#[cfg(feature = "cli")]
pub mod cli;
pub mod diagnostic;
pub mod eval;
pub mod expr;
pub mod limits;
pub mod object;
pub mod parse;
pub mod policy;
pub mod scenario;
pub mod sim;
pub mod timeline;
#[cfg(feature = "wasm")]
mod wasm;
