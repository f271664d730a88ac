//! What crosses to JavaScript: one request as JSON text, one answer as JSON text.
//!
//! | `op` | request | answer |
//! |---|---|---|
//! | `simulate` | `scenario`, `choices?` | a timeline |
//! | `read` | `text`, `file?` | `{scenario}` or `{diagnostics}` |
//! | `write` | `scenario` | `{text}` |
//! | `export` | `scenario`, `format`: `text`, `markdown`, `mermaid` | `{text}` |
//! | `advise` | `scenario` | `{advice: […], alerts: {…}}` |
//! | `races` | `scenario` | the orders of concurrent work, grouped by outcome |
//! | `complete` | `text`, `offset` (bytes) | `{from, items}` |
//! | `hover` | `text`, `offset` (bytes) | `{title, text}` or `null` |
//! | `query` | `expression`, `input` | `{value}`: JMESPath as Kyverno evaluates it |
//! | `profiles` | | `{profiles: […]}` |
//!
//! A request that cannot be understood answers `{"error": …}`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::expr::jmespath;
use crate::policy::complete::{complete, hover};
use crate::scenario::advice::advise;
use crate::scenario::alerts::alerts;
use crate::scenario::races::explore;
use crate::scenario::{Scenario, simulate_with};
use crate::sim::profile;

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case")]
enum Request {
    Simulate {
        scenario: Box<Scenario>,
        #[serde(default)]
        choices: Vec<u8>,
    },
    Read {
        text: String,
        #[serde(default)]
        file: String,
    },
    Write {
        scenario: Box<Scenario>,
    },
    Export {
        scenario: Box<Scenario>,
        format: String,
    },
    Advise {
        scenario: Box<Scenario>,
    },
    Races {
        scenario: Box<Scenario>,
    },
    Complete {
        text: String,
        offset: usize,
    },
    Hover {
        text: String,
        offset: usize,
    },
    Query {
        expression: String,
        #[serde(default)]
        input: Value,
    },
    Profiles,
}

/// Answers one request.
///
/// ```
/// let answer = stepgate_engine::api::call(r#"{"op":"profiles"}"#);
/// assert!(answer.contains("1.19"));
/// ```
#[must_use]
pub fn call(request: &str) -> String {
    match serde_json::from_str::<Request>(request) {
        Ok(request) => answer(request).unwrap_or_else(|error| json!({"error": error}).to_string()),
        Err(error) => json!({"error": format!("the request cannot be read: {error}")}).to_string(),
    }
}

fn answer(request: Request) -> Result<String, String> {
    let text = |value: Value| Ok(value.to_string());
    match request {
        Request::Simulate { scenario, choices } => {
            let (timeline, _) = simulate_with(&scenario, &choices);
            serde_json::to_string(&timeline).map_err(|error| error.to_string())
        }
        Request::Read { text: source, file } => match Scenario::read(&file, &source) {
            Ok(scenario) => text(json!({"scenario": scenario})),
            Err(diagnostics) => text(json!({"diagnostics": diagnostics})),
        },
        Request::Write { scenario } => text(json!({"text": scenario.write()})),
        Request::Export { scenario, format } => {
            let timeline = simulate_with(&scenario, &[]).0;
            let out = match format.as_str() {
                "text" => timeline.to_text(),
                "markdown" => timeline.to_markdown(),
                "mermaid" => timeline.to_mermaid(),
                _ => return Err(format!("`{format}` is no format; the formats are text, markdown, mermaid")),
            };
            text(json!({"text": out}))
        }
        Request::Advise { scenario } => {
            let timeline = simulate_with(&scenario, &[]).0;
            text(json!({"advice": advise(&scenario, &timeline), "alerts": alerts(&timeline)}))
        }
        Request::Races { scenario } => text(json!(explore(&scenario))),
        Request::Complete { text: source, offset } => text(json!(complete(&source, offset))),
        Request::Hover { text: source, offset } => text(json!(hover(&source, offset))),
        Request::Query { expression, input } => {
            let value =
                jmespath::query(&expression, &input, &jmespath::Env::default()).map_err(|error| error.to_string())?;
            text(json!({"value": value}))
        }
        Request::Profiles => {
            let names: Vec<&str> = profile::ALL.iter().rev().map(|behaviour| behaviour.name).collect();
            text(json!({"profiles": names}))
        }
    }
}
