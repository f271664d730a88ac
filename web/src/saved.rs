//! What outlives a reload: the document as it is, what was left behind unsaved, and the theme. A browser that blocks storage
//! refuses even to hand it out, and loses nothing but this.

use gloo::utils::window;
use serde::{Deserialize, Serialize};
use stepgate_engine::scenario::Scenario;
use web_sys::Storage;

use crate::words;

const WORK: &str = "stepgate.work.v2";
const RECENT: &str = "stepgate.recent.";
const THEME: &str = "stepgate.theme";
/// Larger documents are not kept: storage is small, and writing it takes time.
const LIMIT: usize = 3 << 20;
/// So many documents that were left behind are kept.
const LEFT_BEHIND: usize = 10;

/// A document and whether it has been changed since it was opened.
#[derive(Deserialize, Serialize)]
pub struct Work {
    /// Whether it differs from what was opened.
    pub edited: bool,
    /// The document.
    pub scenario: Scenario,
    /// The example of the gallery that it began as.
    #[serde(default)]
    pub example: Option<Scenario>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    at: u64,
    scenario: &'a Scenario,
}

fn tab() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

fn browser() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

/// The document of this tab before it was reloaded, else of the last visit.
pub fn work() -> Option<Work> {
    let read = |storage: Storage| serde_json::from_str(&storage.get_item(WORK).ok().flatten()?).ok();
    tab().and_then(read).or_else(|| browser().and_then(read))
}

/// Keeps the document for a reload of this tab and for the next visit; or says why it could not.
pub fn keep(work: &Work) -> Result<(), &'static str> {
    let (Some(tab), Some(browser)) = (tab(), browser()) else {
        return Err("The browser keeps nothing for this page: a reload loses your work. Share takes it away.");
    };
    let size: usize = work.scenario.files.values().map(String::len).sum();
    let text = serde_json::to_string(work).ok().filter(|_| size <= LIMIT);
    let kept = text.is_some_and(|text| tab.set_item(WORK, &text).is_ok() && browser.set_item(WORK, &text).is_ok());
    if kept { Ok(()) } else { Err("The browser has no room to keep this work for a reload.") }
}

/// Keeps a document that something else takes the place of; the oldest go. False where there is no room.
pub fn leave(scenario: &Scenario) -> bool {
    let Some(storage) = browser() else { return false };
    let at = js_sys::Date::now() as u64;
    let entry = Entry { name: &scenario.title, at, scenario };
    let Ok(text) = serde_json::to_string(&entry) else { return false };
    let keys = (0..storage.length().unwrap_or(0)).filter_map(|index| storage.key(index).ok().flatten());
    let mut old = words::in_order(keys.filter(|key| key.starts_with(RECENT)), String::clone);
    let many = old.len().saturating_sub(LEFT_BEHIND - 1);
    for key in old.drain(..many) {
        let _ = storage.remove_item(&key);
    }
    let key = format!("{RECENT}{at:015}");
    loop {
        if storage.set_item(&key, &text).is_ok() {
            return true;
        }
        if old.is_empty() {
            return false;
        }
        let _ = storage.remove_item(&old.remove(0));
    }
}

/// `light`, `dark`, or nothing where the system decides.
pub fn theme() -> Option<String> {
    browser()?.get_item(THEME).ok().flatten()
}

/// Keeps the theme.
pub fn keep_theme(theme: Option<&str>) {
    let Some(storage) = browser() else { return };
    let _ = match theme {
        Some(theme) => storage.set_item(THEME, theme),
        None => storage.remove_item(THEME),
    };
}
