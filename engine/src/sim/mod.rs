//! A cluster small enough to understand: virtual clock, API server, Kyverno's controllers.

pub mod journal;
