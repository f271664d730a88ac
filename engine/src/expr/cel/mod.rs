//! CEL with the libraries of Kubernetes and Kyverno.
//!
//! The `cel` crate parses; the type check, the evaluator and the libraries are ours, because verdicts hang on cel-go's
//! exact words, its laziness and the types it infers. [`Program::compile`] under an [`Env`], then [`Program::eval`]
//! with an [`Activation`].

pub mod activation;
pub mod ast;
pub mod check;
pub mod convert;
pub mod env;
pub mod error;
pub mod eval;
mod guard;
pub mod lib;
mod lower;
pub mod opaque;
pub mod ops;
pub mod outside;
pub mod place;
pub mod program;
pub mod text;
pub mod types;
pub mod validators;
pub mod value;

pub use activation::Activation;
pub use convert::{from_json, to_json};
pub use env::Env;
pub use error::Error;
pub use lib::Lib;
pub use program::{CompileError, Program};
pub use types::Type;
pub use value::Val;

#[cfg(test)]
mod tests;
