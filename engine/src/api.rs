//! What crosses to JavaScript: one request as JSON text, one answer as JSON text.
//!
//! | `op` | request | answer |
//! |---|---|---|
//! | `simulate` | `scenario`, `choices?` | a timeline |
//! | `read` | `text`, `file?` | `{scenario}` or `{diagnostics}` |
//! | `write` | `scenario` | `{text}` |
//! | `import` | `files`: name → text | `{found: [{from, scenario, leftOut}], wrong}` |
//! | `export` | `scenario`, `choices?`, `format`: `text`, `markdown`, `mermaid`, `scenario` | `{text}` |
//! | | … `kyverno-test`, `chainsaw` | `{files, leftOut}` |
//! | `advise` | `scenario` | `{advice: […], alerts: {…}}` |
//! | `races` | `scenario` | the orders of concurrent work, grouped by outcome |
//! | `parse` | `text` | `{value}` of one YAML document, or `{diagnostics}` |
//! | `complete` | `text`, `offset` (bytes) | `{from, items}` |
//! | `hover` | `text`, `offset` (bytes) | `{title, text}` or `null` |
//! | `query` | `expression`, `input` | `{value}`: JMESPath as Kyverno evaluates it |
//! | `profiles` | | `{profiles: […]}` |
//!
//! A request that cannot be understood answers `{"error": …}`.

use indexmap::IndexMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::expr::jmespath;
use crate::object::read::read;
use crate::parse;
use crate::policy::complete::{complete, hover};
use crate::scenario::advice::advise;
use crate::scenario::alerts::alerts;
use crate::scenario::races::explore;
use crate::scenario::{Scenario, chainsaw, exchange, kyverno_test, simulate_with};
use crate::sim::profile;

/// Answers one request.
///
/// ```
/// let answer = stepgate_engine::api::call(r#"{"op":"profiles"}"#);
/// assert!(answer.contains("1.19"));
/// ```
#[must_use]
pub fn call(request: &str) -> String {
    let request = serde_json::from_str(request).map_err(|error| unreadable(&error.to_string()));
    request.and_then(|request| answer(&Request(request))).unwrap_or_else(|error| json!({"error": error}).to_string())
}

fn unreadable(why: &str) -> String {
    format!("the request cannot be read: {why}")
}

struct Request(Value);

impl Request {
    fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, String> {
        let value = self.0.get(name).ok_or_else(|| unreadable(&format!("missing field `{name}`")))?;
        read(value).map_err(|error| unreadable(&format!("{name}: {error}")))
    }

    fn text(&self, name: &str) -> Result<String, String> {
        self.get(name)
    }

    fn scenario(&self) -> Result<Scenario, String> {
        self.get("scenario")
    }

    fn choices(&self) -> Result<Vec<u8>, String> {
        if self.0.get("choices").is_some() { self.get("choices") } else { Ok(Vec::new()) }
    }
}

fn json<T: Serialize>(answer: &T) -> Result<String, String> {
    serde_json::to_string(answer).map_err(|error| error.to_string())
}

fn answer(request: &Request) -> Result<String, String> {
    match request.text("op")?.as_str() {
        "simulate" => json(&simulate_with(&request.scenario()?, &request.choices()?).0),
        "read" => match Scenario::read(&request.text("file").unwrap_or_default(), &request.text("text")?) {
            Ok(scenario) => json(&json!({"scenario": scenario})),
            Err(diagnostics) => json(&json!({"diagnostics": diagnostics})),
        },
        "write" => json(&json!({"text": request.scenario()?.write()})),
        "import" => json(&exchange::import(&request.get::<IndexMap<String, String>>("files")?)),
        "export" => export(request),
        "advise" => {
            let scenario = request.scenario()?;
            let timeline = simulate_with(&scenario, &[]).0;
            json(&json!({"advice": advise(&scenario, &timeline), "alerts": alerts(&timeline)}))
        }
        "races" => json(&explore(&request.scenario()?)),
        "parse" => match parse::yaml::one(&request.text("text")?) {
            Ok(value) => json(&json!({"value": value})),
            Err(diagnostic) => json(&json!({"diagnostics": [diagnostic]})),
        },
        "complete" => json(&complete(&request.text("text")?, request.get("offset")?)),
        "hover" => json(&hover(&request.text("text")?, request.get("offset")?)),
        "query" => {
            let input = request.0.get("input").unwrap_or(&Value::Null);
            let value = jmespath::query(&request.text("expression")?, input, &jmespath::Env::default());
            json(&json!({"value": value.map_err(|error| error.to_string())?}))
        }
        "profiles" => {
            let names: Vec<&str> = profile::ALL.iter().rev().map(|behaviour| behaviour.name).collect();
            json(&json!({"profiles": names}))
        }
        other => Err(unreadable(&format!("`{other}` is no operation"))),
    }
}

fn export(request: &Request) -> Result<String, String> {
    let (scenario, choices) = (request.scenario()?, request.choices()?);
    let timeline = || simulate_with(&scenario, &choices).0;
    let text = match request.text("format")?.as_str() {
        "text" => timeline().to_text(),
        "markdown" => timeline().to_markdown(),
        "mermaid" => timeline().to_mermaid(),
        "scenario" => scenario.write(),
        "kyverno-test" => return json(&kyverno_test::export(&scenario)?),
        "chainsaw" => return json(&chainsaw::export(&scenario)),
        format => {
            let formats = "text, markdown, mermaid, scenario, kyverno-test, chainsaw";
            return Err(format!("`{format}` is no format; the formats are {formats}"));
        }
    };
    json(&json!({"text": text}))
}
