//! What the names of an expression stand for while it is evaluated.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::Error;
use super::eval;
use super::ops::Res;
use super::outside::Outside;
use super::program::Program;
use super::value::Val;

/// Steps that all expressions of one evaluation may take together (Kubernetes' per-policy budget).
const BUDGET: u64 = 10_000_000;

/// Values of variables, `variables.*` that are evaluated when first used, and the outside world.
pub struct Activation<'a> {
    values: Vec<(Arc<str>, Val)>,
    lazy: &'a [(String, Program)],
    memo: RefCell<BTreeMap<String, Res>>,
    /// The cluster and the outside; without it the libraries that ask them fail.
    pub view: Option<&'a dyn Outside>,
    /// The namespace that a namespaced policy is confined to; `""` for the others.
    pub namespace: String,
    /// What `generator.Apply` was given: namespace and object.
    pub generated: RefCell<Vec<(String, Val)>>,
    /// Which images were verified (true) or only tried.
    pub verified: RefCell<BTreeMap<String, bool>>,
    /// The API server's words where they differ from Kyverno's.
    pub kubernetes: bool,
    /// How often `random()` was called.
    pub(super) random_calls: Cell<u64>,
    left: Cell<u64>,
}

impl Default for Activation<'_> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            lazy: &[],
            memo: RefCell::default(),
            view: None,
            namespace: String::new(),
            generated: RefCell::default(),
            verified: RefCell::default(),
            kubernetes: false,
            random_calls: Cell::new(0),
            left: Cell::new(BUDGET),
        }
    }
}

impl<'a> Activation<'a> {
    /// An activation that can see a cluster.
    #[must_use]
    pub fn new(view: &'a dyn Outside) -> Self {
        Self { view: Some(view), ..Self::default() }
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: Val) {
        match self.values.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, place)) => *place = value,
            None => self.values.push((Arc::from(name), value)),
        }
    }

    /// Sets the composed variables, in their order; forgets what was evaluated before.
    pub fn set_variables(&mut self, lazy: &'a [(String, Program)]) {
        self.lazy = lazy;
        self.forget();
    }

    /// Forgets the values of `variables.*`: after the object has changed they are evaluated anew.
    pub fn forget(&mut self) {
        self.memo.borrow_mut().clear();
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Val> {
        self.values.iter().find(|(known, _)| **known == *name).map(|(_, value)| value)
    }

    /// Whether `variables` is composed here.
    #[must_use]
    pub fn has_variables(&self) -> bool {
        !self.lazy.is_empty()
    }

    /// `variables.name`, evaluated once.
    ///
    /// # Errors
    /// `no such key` for unknown names, else what its expression says.
    pub fn composed(&self, name: &str) -> Res {
        if let Some(known) = self.memo.borrow().get(name) {
            return known.clone();
        }
        let Some((_, program)) = self.lazy.iter().find(|(known, _)| known == name) else {
            return Err(Error::new(format!("no such key: {name}")));
        };
        let found = eval::evaluate(program.root(), self).map_err(|error| {
            if error.fatal {
                return error;
            }
            match self.kubernetes && !program.is_broken() {
                true => Error::new(format!("composited variable \"{name}\" fails to evaluate: {error}")),
                false => error,
            }
        });
        self.memo.borrow_mut().insert(name.to_owned(), found.clone());
        found
    }

    /// The expression of `variables.name`.
    #[must_use]
    pub fn composed_program(&self, name: &str) -> Option<&'a Program> {
        self.lazy.iter().find(|(known, _)| known == name).map(|(_, program)| program)
    }

    /// Whether a composed variable of that name exists.
    #[must_use]
    pub fn is_composed(&self, name: &str) -> bool {
        self.lazy.iter().any(|(known, _)| known == name)
    }

    /// Pays for looking at all of a value.
    ///
    /// # Errors
    /// The budget is spent.
    pub fn spend_on(&self, value: &Val, times: u64) -> Result<(), Error> {
        self.spend(value.weight(self.left.get().saturating_add(1)).saturating_mul(times.max(1)))
    }

    /// Pays for work.
    ///
    /// # Errors
    /// The budget is spent.
    pub fn spend(&self, cost: u64) -> Result<(), Error> {
        match self.left.get().checked_sub(cost) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                self.left.set(0);
                Err(Error::over_budget())
            }
        }
    }
}
