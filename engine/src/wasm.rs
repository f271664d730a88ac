//! The wasm-bindgen door over [`crate::api`]; nothing more.

use wasm_bindgen::prelude::wasm_bindgen;

/// Answers one request of [`crate::api::call`].
#[wasm_bindgen]
#[must_use]
pub fn call(request: &str) -> String {
    crate::api::call(request)
}
