//! Regular expressions of Go (RE2), kept compiled.

use std::cell::RefCell;
use std::collections::BTreeMap;

use regex::Regex;

use crate::expr::cel::error::Error;
use crate::expr::jmespath::functions::regex as go;

/// Regexes kept compiled; more than enough for the policies of one run.
const CACHED: usize = 256;

thread_local! {
    static CACHE: RefCell<BTreeMap<String, Result<Regex, Error>>> = const { RefCell::new(BTreeMap::new()) };
}

/// Compiles a pattern as Go's `regexp` does; patterns are kept.
///
/// # Errors
/// `error parsing regexp: …`.
pub fn compile(pattern: &str) -> Result<Regex, Error> {
    CACHE.with_borrow_mut(|cache| {
        if let Some(known) = cache.get(pattern) {
            return known.clone();
        }
        if cache.len() >= CACHED {
            cache.clear();
        }
        let made = go::compile(pattern).map_err(Error::new);
        cache.insert(pattern.to_owned(), made.clone());
        made
    })
}
