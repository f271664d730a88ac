//! The addresses of what the page loads later; their names carry a hash and stand in the page's head.

use gloo::utils::document;
use js_sys::{JSON, Reflect};

/// The absolute address of `worker`, `editor` or `gallery`.
pub fn url(key: &str) -> String {
    let meta = document().query_selector("meta[name=stepgate-assets]").ok().flatten();
    let names = meta.and_then(|meta| meta.get_attribute("content")).and_then(|text| JSON::parse(&text).ok());
    let name = names.and_then(|names| Reflect::get(&names, &key.into()).ok()?.as_string()).unwrap_or_default();
    let base = document().base_uri().ok().flatten().unwrap_or_default();
    web_sys::Url::new_with_base(&name, &base).map(|url| url.href()).unwrap_or(name)
}
