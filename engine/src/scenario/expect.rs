//! Expectations on a run and their evidence.
//!
//! `denied`, `admitted`: `{kind, name, namespace?, by?, message?}` or a plain name; `exists`, `absent`: a partial object;
//! `mutated`: a partial object that a webhook made; `event`: `{lane?, kind?, text?}`; `log`: `{level?, contains}`;
//! `updateRequests`: `{count}` or `{policy?, state?, attempts?}`; `k8sEvent`: `{reason?, note?}`; `warned`: part of an
//! admission warning; `report`:
//! `{policy?, rule?, result?}`; `step`: `{index, ok}`.

use serde_json::{Map, Value};

use crate::object::ObjectExt;
use crate::object::gvk::ObjectRef;
use crate::timeline::{CheckResult, Event, Response, Timeline};

/// Checks every expectation.
#[must_use]
pub fn check(expectations: &[Value], timeline: &Timeline) -> Vec<CheckResult> {
    expectations.iter().map(|expectation| check_one(expectation, timeline)).collect()
}

fn check_one(expectation: &Value, timeline: &Timeline) -> CheckResult {
    let Some((verb, what)) = expectation.as_object().and_then(|map| map.iter().next()) else {
        return failed("an expectation", "is a mapping with one key such as `denied`, `exists` or `log`");
    };
    let text = format!("{verb} {}", brief(what));
    let found = match verb.as_str() {
        "denied" => answered(timeline, what, false),
        "admitted" => answered(timeline, what, true),
        "exists" => stored(timeline, what).map(|object| (last_write(timeline, object), String::new())),
        "absent" => match stored(timeline, what) {
            Some(object) => return failed(&text, &format!("{} {} is there", object.kind(), object.name())),
            None => Some((None, String::new())),
        },
        "mutated" => mutated(timeline, what),
        "event" => timeline.events.iter().find(|event| event_fits(event, what)).map(proof),
        "noEvent" => match timeline.events.iter().find(|event| event_fits(event, what)) {
            Some(event) => return failed(&text, &format!("event {}: {}", event.seq, event.text)),
            None => Some((None, String::new())),
        },
        "log" => logged(timeline, what),
        "warned" => warned(timeline, what),
        "updateRequests" => update_requests(timeline, what),
        "k8sEvent" => partial_of(&timeline.k8s_events, what),
        "report" => reported(timeline, what),
        "step" => step_went(timeline, what),
        _ => return failed(&text, &format!("`{verb}` is not a check")),
    };
    match found {
        Some((anchor, reason)) => CheckResult { text, ok: true, reason, anchor },
        None => failed(&text, "nothing of the kind in this run"),
    }
}

type Found = Option<(Option<String>, String)>;

fn failed(text: &str, reason: &str) -> CheckResult {
    CheckResult { text: text.to_owned(), ok: false, reason: reason.to_owned(), anchor: None }
}

fn brief(what: &Value) -> String {
    match what {
        Value::String(text) => text.clone(),
        _ if !what.kind().is_empty() => {
            let name = if what.name().is_empty() { what.str_at(&["name"]) } else { what.name() };
            format!("{} {name}", what.kind()).trim_end().to_owned()
        }
        _ => what.to_string(),
    }
}

fn proof(event: &Event) -> (Option<String>, String) {
    (Some(event.anchor.clone()), event.text.clone())
}

fn answered(timeline: &Timeline, what: &Value, allowed: bool) -> Found {
    let names = |subject: &ObjectRef| match what {
        Value::String(text) => subject.name == *text || subject.to_string() == *text,
        _ => {
            let fits =
                |key: &str, value: &str| what.get(key).and_then(Value::as_str).is_none_or(|wanted| wanted == value);
            fits("kind", &subject.kind) && fits("name", &subject.name) && fits("namespace", &subject.namespace)
        }
    };
    let message = what.get("message").and_then(Value::as_str).unwrap_or("");
    let by = what.get("by").and_then(Value::as_str).unwrap_or("");
    let response = timeline.responses.iter().find(|response| {
        response.allowed == allowed
            && response.subject.as_ref().is_some_and(&names)
            && response.message.contains(message)
            && (by.is_empty() || response.message.contains(by))
    })?;
    let event = timeline.events.iter().find(|event| event.seq == response.seq)?;
    Some((Some(event.anchor.clone()), response.message.clone()))
}

fn stored<'a>(timeline: &'a Timeline, what: &Value) -> Option<&'a Value> {
    timeline.cluster.iter().find(|object| subset(what, object))
}

fn last_write(timeline: &Timeline, object: &Value) -> Option<String> {
    let is_write = |event: &&Event| {
        let after = event.detail.after.as_ref();
        event.detail.revision.is_some()
            && after.is_some_and(|after| after.uid() == object.uid() && !object.uid().is_empty())
    };
    timeline.events.iter().rev().find(is_write).map(|event| event.anchor.clone())
}

fn mutated(timeline: &Timeline, what: &Value) -> Found {
    let changed = |event: &&Event| {
        let after = event.detail.after.as_ref();
        event.kind == "admission-response" && after.is_some_and(|after| subset(what, after))
    };
    timeline.events.iter().find(changed).map(proof)
}

fn event_fits(event: &Event, what: &Value) -> bool {
    let lane = serde_json::to_value(event.lane).unwrap_or_default();
    let text_fits =
        |key: &str, value: &str| what.get(key).and_then(Value::as_str).is_none_or(|wanted| value.contains(wanted));
    let same = |key: &str, value: &str| what.get(key).and_then(Value::as_str).is_none_or(|wanted| wanted == value);
    same("lane", lane.as_str().unwrap_or(""))
        && same("kind", &event.kind)
        && text_fits("text", &event.text)
        && same("anchor", &event.anchor)
}

fn logged(timeline: &Timeline, what: &Value) -> Found {
    let level = what.get("level").and_then(Value::as_str);
    let contains = what.get("contains").and_then(Value::as_str).unwrap_or("");
    let lines: Vec<_> = timeline
        .logs
        .iter()
        .filter(|line| level.is_none_or(|level| line.level == level) && line.line.contains(contains))
        .collect();
    if let Some(count) = what.get("count").and_then(Value::as_u64) {
        return (lines.len() as u64 == count).then(|| (None, String::new()));
    }
    let line = lines.first()?;
    let event = timeline.events.iter().find(|event| event.seq == line.seq)?;
    Some((Some(event.anchor.clone()), line.line.clone()))
}

fn warned(timeline: &Timeline, what: &Value) -> Found {
    let wanted = what.as_str()?;
    let hit = |response: &&Response| response.warnings.iter().any(|warning| warning.contains(wanted));
    let response = timeline.responses.iter().find(hit)?;
    let event = timeline.events.iter().find(|event| event.seq == response.seq)?;
    Some((Some(event.anchor.clone()), response.warnings.join("; ")))
}

fn update_requests(timeline: &Timeline, what: &Value) -> Found {
    let same = |key: &str, value: &str| what.get(key).and_then(Value::as_str).is_none_or(|wanted| wanted == value);
    let attempts = what.get("attempts").and_then(Value::as_u64);
    let fitting: Vec<_> = timeline
        .update_requests
        .iter()
        .filter(|request| same("policy", &request.policy) && same("state", &request.state))
        .filter(|request| attempts.is_none_or(|attempts| u64::from(request.attempts) == attempts))
        .collect();
    if let Some(count) = what.get("count").and_then(Value::as_u64) {
        return (fitting.len() as u64 == count).then(|| (None, format!("{count}")));
    }
    let request = fitting.first()?;
    let event = timeline.events.iter().find(|event| event.seq == request.created)?;
    Some((Some(event.anchor.clone()), request.name.clone()))
}

fn partial_of(objects: &[Value], what: &Value) -> Found {
    objects.iter().find(|object| loose(what, object)).map(|object| (None, object.str_at(&["note"]).to_owned()))
}

/// As [`subset`], but strings need only be contained.
fn loose(wanted: &Value, actual: &Value) -> bool {
    match (wanted, actual) {
        (Value::Object(wanted), Value::Object(actual)) => {
            wanted.iter().all(|(key, value)| actual.get(key).is_some_and(|found| loose(value, found)))
        }
        (Value::String(wanted), Value::String(actual)) => actual.contains(wanted.as_str()),
        _ => wanted == actual,
    }
}

fn reported(timeline: &Timeline, what: &Value) -> Found {
    let reports = timeline.cluster.iter().filter(|object| object.kind().ends_with("Report"));
    let rows = reports.flat_map(|report| report.get("results").and_then(Value::as_array).into_iter().flatten());
    let row = rows.into_iter().find(|row| subset(what, row))?;
    Some((None, row.str_at(&["message"]).to_owned()))
}

fn step_went(timeline: &Timeline, what: &Value) -> Found {
    let index = usize::try_from(what.get("index")?.as_u64()?).ok()?;
    let wanted = what.get("ok").and_then(Value::as_bool).unwrap_or(true);
    let step = timeline.steps.get(index)?;
    (step.ok == wanted).then(|| (None, step.text.clone()))
}

/// Whether everything wanted is in an object: mappings by key, lists of equal length item by item.
#[must_use]
pub fn subset(wanted: &Value, actual: &Value) -> bool {
    match (wanted, actual) {
        (Value::Object(wanted), Value::Object(actual)) => contains_all(wanted, actual),
        (Value::Array(wanted), Value::Array(actual)) => {
            wanted.len() == actual.len() && wanted.iter().zip(actual).all(|(wanted, actual)| subset(wanted, actual))
        }
        (Value::Number(wanted), Value::Number(actual)) => wanted == actual || wanted.as_f64() == actual.as_f64(),
        _ => wanted == actual,
    }
}

fn contains_all(wanted: &Map<String, Value>, actual: &Map<String, Value>) -> bool {
    wanted.iter().all(|(key, value)| actual.get(key).is_some_and(|found| subset(value, found)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::subset;

    #[test]
    fn a_subset_names_only_what_it_cares_for() {
        assert!(subset(&json!({"a": {"b": 1}}), &json!({"a": {"b": 1, "c": 2}, "d": 3})));
        assert!(!subset(&json!({"a": {"b": 1}}), &json!({"a": {"b": 2}})));
        assert!(!subset(&json!([1]), &json!([1, 2])));
        assert!(subset(&json!([{"a": 1}]), &json!([{"a": 1, "b": 2}])));
    }
}
