//! What the part after `#` asks for, and the scenario in a link. Links are untrusted: what they hold is capped.
//!
//! A link is `#z1.` and base64url of raw deflate of a scenario's JSON; `web/io/link.js` writes it.

use stepgate_engine::scenario::Scenario;

use crate::js;

const CODEC: &str = "z1.";
/// Bytes that a link may unfold to.
const LIMIT: u32 = 4 << 20;
/// Files that a link may hold.
const FILES: usize = 200;

/// Why a link of another version is refused.
pub const NEWER: &str = "The link was made by a newer version of Stepgate. Reload the page to get it.";

/// What the part after `#` asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A scenario within the link itself, still packed, and the anchor to land on.
    Packed(String, String),
    /// An entry of the gallery, and the anchor to land on.
    Example(String, String),
    /// A link of the official playground, whole.
    Playground(String),
    /// A scenario in a form that this version does not know.
    Unknown,
    /// Nothing.
    Nothing,
}

/// Reads the part after `#`.
pub fn target(hash: &str) -> Target {
    let hash = hash.trim_start_matches('#');
    if hash.starts_with("/?content=") || hash.starts_with("?content=") {
        return Target::Playground(format!("https://playground.kyverno.io/#/{}", hash.trim_start_matches('/')));
    }
    let first = hash.split('&').next().unwrap_or_default();
    let at = value(hash, "at").unwrap_or_default();
    if let Some(packed) = first.strip_prefix(CODEC) {
        Target::Packed(packed.to_owned(), at)
    } else if let Some(id) = first.strip_prefix("ex=") {
        Target::Example(decode(id), at)
    } else if first
        .strip_prefix('z')
        .and_then(|rest| rest.split_once('.'))
        .is_some_and(|(n, _)| n.parse::<u32>().is_ok())
    {
        Target::Unknown
    } else {
        Target::Nothing
    }
}

/// The value of `&key=value` in the part after `#`.
pub fn value(hash: &str, key: &str) -> Option<String> {
    let mut parts = hash.trim_start_matches('#').split('&');
    parts.find_map(|part| part.strip_prefix(key)?.strip_prefix('=')).map(decode)
}

/// The scenario of a link, or why it cannot be had.
pub async fn unpack(packed: &str) -> Result<Scenario, &'static str> {
    let json = js::unpack(packed, LIMIT).await.ok().and_then(|json| json.as_string());
    let json = json.ok_or("The link is damaged, or what it holds is too large.")?;
    check(serde_json::from_str(&json).map_err(|_| "The link does not hold a scenario.")?)
}

/// Refuses what a newer version made, and more files than one would look at.
fn check(scenario: Scenario) -> Result<Scenario, &'static str> {
    match scenario.api_version.as_str() {
        "" | stepgate_engine::scenario::API_VERSION => {}
        _ => return Err(NEWER),
    }
    if scenario.files.len() > FILES { Err("The link holds too many files.") } else { Ok(scenario) }
}

fn decode(text: &str) -> String {
    js_sys::decode_uri_component(text).map_or_else(|_| text.to_owned(), String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_links_apart() {
        assert_eq!(target("#z1.abc"), Target::Packed("abc".to_owned(), String::new()));
        assert_eq!((target("#z9.abc"), target("#zoo.")), (Target::Unknown, Target::Nothing));
        assert_eq!(target("#ex"), Target::Nothing);
        let link = Target::Playground("https://playground.kyverno.io/#/?content=N4I".to_owned());
        assert_eq!((target("#/?content=N4I"), target("#?content=N4I")), (link.clone(), link));
        assert_eq!(target(""), Target::Nothing);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let of = |version: &str| check(Scenario { api_version: version.to_owned(), ..Scenario::default() }).is_ok();
        assert!(of("") && of("stepgate.dev/v1") && !of("stepgate.dev/v2"));
        let files = (0..300).map(|i| (i.to_string(), String::new())).collect();
        assert!(check(Scenario { files, ..Scenario::default() }).is_err());
    }
}
