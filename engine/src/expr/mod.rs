//! The expression languages of policies: `{{ variables }}`, JMESPath, CEL.

pub mod cel;
pub mod context;
pub mod jmespath;
mod mention;
pub mod vars;
