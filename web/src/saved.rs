//! What outlives a reload: the document as it is, and the theme. A browser without storage loses nothing but this.

use gloo::storage::{LocalStorage, Storage};
use stepgate_engine::scenario::Scenario;

const WORK: &str = "stepgate.work.v1";
const THEME: &str = "stepgate.theme";
/// Larger documents are not kept: storage is small, and writing it takes time.
const LIMIT: usize = 3 << 20;

/// The document of the last visit.
pub fn work() -> Option<Scenario> {
    LocalStorage::get(WORK).ok()
}

/// Keeps the document; false where it could not.
pub fn keep(scenario: &Scenario) -> bool {
    let size: usize = scenario.files.values().map(String::len).sum();
    size <= LIMIT && LocalStorage::set(WORK, scenario).is_ok()
}

/// `light`, `dark`, or nothing where the system decides.
pub fn theme() -> Option<String> {
    LocalStorage::raw().get_item(THEME).ok().flatten()
}

/// Keeps the theme.
pub fn keep_theme(theme: Option<&str>) {
    let storage = LocalStorage::raw();
    let _ = match theme {
        Some(theme) => storage.set_item(THEME, theme),
        None => storage.remove_item(THEME),
    };
}
