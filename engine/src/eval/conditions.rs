//! Conditions of `preconditions`, `deny` and exceptions: `any`, `all`, or the deprecated list.
//!
//! Follows `pkg/engine/variables/evaluate.go` and, for exceptions and cleanup policies, `pkg/utils/conditions`.

use serde_json::{Map, Value};

use super::matching;
use super::operators::{self, Side};
use super::trace::{Outcome, Trace, TraceNode};
use crate::expr::context::JsonContext;
use crate::expr::vars;

/// Characters of a value that the words of a condition name.
const MAX_SHOWN: usize = 80;

/// Whether the conditions hold, and the messages of those that decided, joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Whether they hold.
    pub holds: bool,
    /// As written, variables not substituted; `""` where no condition has a message.
    pub message: String,
}

impl Decision {
    fn new(holds: bool, messages: &[&str], separator: &str) -> Self {
        Self { holds, message: join_non_empty(messages, separator) }
    }
}

/// Joins what is not empty.
#[must_use]
pub fn join_non_empty(parts: &[&str], separator: &str) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(separator)
}

/// Evaluates the conditions of a rule. None at all hold; so does a map without `any` and `all`; an empty `any` does not.
///
/// # Errors
/// A variable cannot be resolved, an operator does not exist, or it is no list and no map.
pub fn evaluate(
    json: &mut JsonContext<'_>,
    conditions: Option<&Value>,
    at: &str,
    trace: &mut Trace,
) -> Result<Decision, String> {
    match conditions {
        None | Some(Value::Null) => Ok(Decision::new(true, &[], "")),
        Some(Value::Array(list)) => Conditions { json, trace }.list(list, at),
        Some(Value::Object(map)) => Conditions { json, trace }.any_all(map, at),
        Some(_) => Err("invalid condition".to_owned()),
    }
}

/// Evaluates preconditions, as one decision.
///
/// # Errors
/// As [`evaluate`].
pub fn preconditions(
    json: &mut JsonContext<'_>,
    written: Option<&Value>,
    at: &str,
    trace: &mut Trace,
) -> Result<Decision, String> {
    if written.is_none() {
        return Ok(Decision::new(true, &[], ""));
    }
    trace.open(|| TraceNode::new("preconditions", Outcome::Info, "preconditions").at(at));
    let decision = evaluate(json, written, at, trace);
    trace.close(match &decision {
        Ok(decision) if decision.holds => Outcome::Yes,
        Ok(_) => Outcome::No,
        Err(_) => Outcome::Error,
    });
    decision
}

/// Evaluates the conditions of an exception or cleanup policy: an empty `any` holds.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_v2(
    json: &mut JsonContext<'_>,
    conditions: &Value,
    at: &str,
    trace: &mut Trace,
) -> Result<bool, String> {
    let mut checks = Conditions { json, trace };
    for (index, condition) in list_at(conditions, "all").iter().enumerate() {
        if !checks.one(condition, &format!("{at}/all/{index}"))? {
            return Ok(false);
        }
    }
    let any = list_at(conditions, "any");
    for (index, condition) in any.iter().enumerate() {
        if checks.one(condition, &format!("{at}/any/{index}"))? {
            return Ok(true);
        }
    }
    Ok(any.is_empty())
}

fn list_at<'v>(conditions: &'v Value, key: &str) -> &'v [Value] {
    conditions.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

struct Conditions<'c, 'a> {
    json: &'c mut JsonContext<'a>,
    trace: &'c mut Trace,
}

impl Conditions<'_, '_> {
    /// The deprecated list: all must hold.
    fn list(&mut self, list: &[Value], at: &str) -> Result<Decision, String> {
        let mut messages = Vec::new();
        for (index, condition) in list.iter().enumerate() {
            if !self.one(condition, &format!("{at}/{index}"))? {
                return Ok(Decision::new(false, &[message(condition)], ";"));
            }
            messages.push(message(condition));
        }
        Ok(Decision::new(true, &messages, ";"))
    }

    /// Both must hold, where both are there.
    fn any_all(&mut self, map: &Map<String, Value>, at: &str) -> Result<Decision, String> {
        let (mut held, mut failed) = (Vec::new(), Vec::new());
        let mut any_holds = true;
        if let Some(Value::Array(any)) = map.get("any") {
            any_holds = false;
            for (index, condition) in any.iter().enumerate() {
                if self.one(condition, &format!("{at}/any/{index}"))? {
                    any_holds = true;
                    held.push(message(condition));
                    break;
                }
                failed.push(message(condition));
            }
        }
        let mut all_hold = true;
        let all = map.get("all").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (index, condition) in all.iter().enumerate() {
            if !self.one(condition, &format!("{at}/all/{index}"))? {
                all_hold = false;
                failed.push(message(condition));
                break;
            }
            held.push(message(condition));
        }
        let holds = any_holds && all_hold;
        Ok(Decision::new(holds, if holds { &held } else { &failed }, "; "))
    }

    fn one(&mut self, condition: &Value, at: &str) -> Result<bool, String> {
        self.trace.open(|| TraceNode::new("condition", Outcome::Info, written(condition)).at(at));
        let answer = self.decide(condition);
        self.trace.close(match &answer {
            Ok(true) => Outcome::Yes,
            Ok(false) => Outcome::No,
            Err(_) => Outcome::Error,
        });
        answer
    }

    fn decide(&mut self, condition: &Value) -> Result<bool, String> {
        let key = self.side(condition, "key")?;
        let value = self.side(condition, "value")?;
        let name = condition.get("operator").and_then(Value::as_str).unwrap_or_default();
        self.trace.amend(|node| {
            for (side, word, value) in [("key", "found", &key), ("value", "wanted", &value)] {
                if condition.get(side) != Some(value) {
                    node.text = format!("{}, {word} {}", node.text, brief(value));
                }
            }
            node.found = Some(key.clone());
            node.want = Some(value.clone());
        });
        let literal = |side: &str| matches!(condition.get(side), Some(Value::Array(_) | Value::Object(_)));
        let (key, value) =
            (Side { value: &key, literal: literal("key") }, Side { value: &value, literal: literal("value") });
        // The words are those of Go's `fmt.Errorf` with a nil error.
        operators::evaluate(name, key, value)
            .ok_or_else(|| "failed to create handler for condition operator: %!w(<nil>)".to_owned())
    }

    fn side(&mut self, condition: &Value, side: &str) -> Result<Value, String> {
        let written = condition.get(side).unwrap_or(&Value::Null);
        let substituted = vars::substitute_all(self.json, written);
        substituted.map_err(|error| {
            let words = format!("failed to substitute variables in condition {side}: {error}");
            self.trace.amend(|node| node.text = format!("{}: {words}", node.text));
            words
        })
    }
}

fn message(condition: &Value) -> &str {
    condition.get("message").and_then(Value::as_str).unwrap_or_default()
}

fn brief(value: &Value) -> String {
    let words = matching::shown(value);
    if words.chars().count() <= MAX_SHOWN { words } else { words.chars().take(MAX_SHOWN).chain(['…']).collect() }
}

/// `{{ key }} Equals value`
fn written(condition: &Value) -> String {
    let side = |name| match condition.get(name) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(other) => other.to_string(),
        None => "nothing".to_owned(),
    };
    let operator = condition.get("operator").and_then(Value::as_str).unwrap_or("?");
    format!("{} {operator} {}", side("key"), side("value"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decided(conditions: Value) -> Decision {
        let mut context = JsonContext::new(json!({ "a": "x" }));
        evaluate(&mut context, Some(&conditions), "/preconditions", &mut Trace::off()).unwrap()
    }

    fn is(value: &str, message: &str) -> Value {
        json!({ "key": "{{ a }}", "operator": "Equals", "value": value, "message": message })
    }

    #[test]
    fn an_empty_any_does_not_hold_but_an_empty_map_does() {
        assert!(!decided(json!({ "any": [] })).holds);
        assert!(decided(json!({})).holds);
        assert!(decided(json!({ "all": [] })).holds);
        assert!(decided(json!([])).holds);
    }

    #[test]
    fn any_and_all_must_both_hold() {
        assert!(decided(json!({ "any": [is("y", ""), is("x", "")], "all": [is("x", "")] })).holds);
        assert!(!decided(json!({ "any": [is("x", "")], "all": [is("y", "")] })).holds);
    }

    #[test]
    fn messages_are_joined() {
        assert_eq!(decided(json!({ "any": [is("y", "one"), is("z", "two")] })).message, "one; two");
        assert_eq!(decided(json!([is("x", "one"), is("x", "two")])).message, "one;two");
        assert_eq!(decided(json!({ "all": [is("x", "one"), is("y", "two")] })).message, "two");
    }

    #[test]
    fn an_unknown_variable_is_an_error() {
        let conditions = json!([{ "key": "{{ b.c }}", "operator": "Equals", "value": "x" }]);
        let answer = evaluate(&mut JsonContext::new(json!({})), Some(&conditions), "", &mut Trace::off());
        let words = answer.unwrap_err();
        assert!(
            words.starts_with("failed to substitute variables in condition key: failed to resolve b.c at path"),
            "{words}"
        );
    }

    #[test]
    fn an_exception_with_an_empty_any_holds() {
        let mut context = JsonContext::new(json!({}));
        assert_eq!(evaluate_v2(&mut context, &json!({ "any": [] }), "", &mut Trace::off()), Ok(true));
    }

    #[test]
    fn an_unknown_operator_is_an_error() {
        let conditions = json!([{ "key": "a", "operator": "Like", "value": "a" }]);
        let answer = evaluate(&mut JsonContext::new(json!({})), Some(&conditions), "", &mut Trace::off());
        assert_eq!(answer.unwrap_err(), "failed to create handler for condition operator: %!w(<nil>)");
    }
}
