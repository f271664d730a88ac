//! Asking the engine for a run, and reading what it says.

use serde::Serialize;
use serde_json::Value;
use stepgate_engine::scenario::Scenario;
use stepgate_engine::timeline::Timeline;

use crate::state::Run;

/// Typing rests for this long before a run begins, in milliseconds.
pub const PAUSE: u32 = 80;
/// A run that takes longer than this is ended when the text has changed since, in milliseconds.
pub const LIMIT: f64 = 1_500.0;
/// A run that takes longer than this gets a Stop button, in milliseconds.
pub const PATIENCE: u32 = 400;

#[derive(Serialize)]
struct Simulate<'a> {
    op: &'static str,
    scenario: &'a Scenario,
    #[serde(skip_serializing_if = "<[u8]>::is_empty")]
    choices: &'a [u8],
}

/// The request for a run; `choices` settle the order of concurrent work where it is not the usual one.
pub fn request(scenario: &Scenario, choices: &[u8]) -> String {
    about("simulate", scenario, choices)
}

/// Another question about a scenario.
pub fn about(op: &'static str, scenario: &Scenario, choices: &[u8]) -> String {
    serde_json::to_string(&Simulate { op, scenario, choices }).unwrap_or_default()
}

/// The run in an answer, or the engine's own words on why there is none.
pub fn read(answer: &str) -> Result<Run, String> {
    match serde_json::from_str::<Timeline>(answer) {
        Ok(timeline) if timeline.version > 0 => Ok(Run::new(timeline)),
        Ok(_) => Err(error(answer).unwrap_or_else(|| "The engine gave an empty answer.".to_owned())),
        Err(wrong) => Err(error(answer).unwrap_or_else(|| format!("The engine's answer cannot be read: {wrong}"))),
    }
}

/// The `error` of an answer: words, or an object with a `message`.
pub fn error(answer: &str) -> Option<String> {
    let value: Value = serde_json::from_str(answer).ok()?;
    let error = value.get("error")?;
    let text = error.as_str().or_else(|| error.get("message")?.as_str());
    Some(text.map_or_else(|| error.to_string(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_a_run() {
        assert!(request(&Scenario::default(), &[]).starts_with(r#"{"op":"simulate","scenario":{"#));
    }

    #[test]
    fn reads_answers() {
        assert!(read(r#"{"version":1,"title":"x"}"#).is_ok());
        let words = |answer| read(answer).err().unwrap_or_default();
        assert_eq!(words(r#"{"error":"no such op"}"#), "no such op");
        assert_eq!(words(r#"{"error":{"message":"no such op"}}"#), "no such op");
        assert!(words("nonsense").starts_with("The engine's answer cannot be read"));
    }
}
