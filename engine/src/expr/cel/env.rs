//! What an expression may refer to: variables, message types, libraries.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::lib::{Lib, LibFn, Overload, registry};
use super::types::Type;

/// The declarations under which an expression is compiled.
#[derive(Clone, Debug, Default)]
pub struct Env {
    variables: BTreeMap<Arc<str>, Type>,
    messages: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Type>>,
    libs: u64,
    /// Lists and maps may not mix types.
    pub homogeneous: bool,
    /// Durations, timestamps and regular expressions that are written out are looked at (the API server's environments).
    pub literals: bool,
    /// `all(i, v, …)` and the transform macros.
    pub two_variables: bool,
    /// `orValue` on what is no optional gives it back (Kyverno's compatibility macro).
    pub or_value_compat: bool,
    /// `Object{…}`, `Object.spec{…}` and `JSONPatch{…}` can be constructed.
    pub objects: bool,
}

impl Env {
    /// An environment with some libraries and nothing else.
    #[must_use]
    pub fn new(libs: &[Lib]) -> Self {
        let mut env = Self { libs: libs.iter().fold(0, |mask, lib| mask | lib.bit()), ..Self::default() };
        if libs.contains(&Lib::User) {
            env.declare_field("user.ServiceAccount", "Name", Type::String);
            env.declare_field("user.ServiceAccount", "Namespace", Type::String);
        }
        env
    }

    /// Adds a library.
    pub fn add_library(&mut self, lib: Lib) {
        self.libs |= lib.bit();
    }

    /// With one more variable.
    #[must_use]
    pub fn variable(mut self, name: &str, t: Type) -> Self {
        self.declare(name, t);
        self
    }

    /// Adds a variable.
    pub fn declare(&mut self, name: &str, t: Type) {
        self.variables.insert(Arc::from(name), t);
    }

    /// Adds a field to a message type; the type comes to be with its first field.
    pub fn declare_field(&mut self, message: &str, field: &str, t: Type) {
        self.messages.entry(Arc::from(message)).or_default().insert(Arc::from(field), t);
    }

    /// Adds a message type without fields.
    pub fn declare_message(&mut self, message: &str) {
        self.messages.entry(Arc::from(message)).or_default();
    }

    /// The type of a variable.
    #[must_use]
    pub fn type_of(&self, name: &str) -> Option<&Type> {
        self.variables.get(name)
    }

    /// The fields of a message type; `None` for types whose fields are not declared.
    #[must_use]
    pub fn fields_of(&self, message: &str) -> Option<&BTreeMap<Arc<str>, Type>> {
        self.messages.get(message)
    }

    /// The overloads of a function in the libraries of this environment.
    pub fn overloads<'a>(&'a self, name: &str) -> impl Iterator<Item = &'static Overload> + use<'a> {
        let all = registry().get(name).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter(|overload| self.libs & overload.lib.bit() != 0)
    }

    /// Whether a function is declared in this call style.
    #[must_use]
    pub fn has_function(&self, name: &str, member: bool) -> bool {
        self.overloads(name).any(|overload| overload.member == member)
    }

    /// The libraries that declare a function in this call style.
    #[must_use]
    pub fn libs_with(&self, name: &str, member: bool) -> Vec<LibFn> {
        let mut seen = 0_u64;
        let mut found = Vec::new();
        for overload in self.overloads(name).filter(|overload| overload.member == member) {
            if seen & overload.lib.bit() == 0 {
                seen |= overload.lib.bit();
                found.push(overload.lib.call());
            }
        }
        found
    }
}
