//! The policies that are written in CEL. Each kind has a module with a compiled form, made once, and its `evaluate`.
//!
//! Compile with `Compiled::new(&policy)`, which gives a [`compile::Problem`] with its place for what the policy webhook
//! refuses; evaluate any number of times with the surroundings of [`super::EvalCx`].

mod attestors;
pub mod authorization;
pub mod autogen;
pub mod classic;
pub mod compile;
pub mod conditions;
pub mod deleting;
pub mod env;
pub mod exceptions;
pub mod explain;
pub mod generating;
pub mod images;
pub mod inputs;
pub mod map;
pub mod matching;
pub mod mutating;
mod native;
mod outside;
pub mod params;
pub mod patch;
mod placed;
pub mod stored;
pub mod template;
pub mod type_check;
pub mod unparse;
pub mod validating;
pub mod vap;

#[cfg(test)]
mod tests;
