//! What is different between two runs: events that are new, changed, or gone. A write is changed, too, when it stores something
//! else than before; what the API server numbers and dates by itself does not count.

use std::collections::BTreeMap;

use serde_json::Value;
use stepgate_engine::timeline::{Event, Timeline};

use super::cursor::is_change;

/// Fields that the API server and the controllers number or date by themselves.
const BY_ITSELF: [&str; 5] = ["uid", "resourceVersion", "generation", "managedFields", "seconds"];

/// The difference, as indexes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// Events that the run before did not have.
    pub fresh: Vec<usize>,
    /// Events that came out differently.
    pub changed: Vec<usize>,
    /// Events of the run before that are gone, each with the number of events before it; 0 is the start.
    pub gone: Vec<(usize, usize)>,
}

impl Difference {
    /// In a sentence.
    pub fn words(&self) -> String {
        let parts: Vec<String> =
            [(self.fresh.len(), "new"), (self.changed.len(), "different"), (self.gone.len(), "gone")]
                .into_iter()
                .filter(|(n, _)| *n > 0)
                .map(|(n, word)| format!("{n} {word}"))
                .collect();
        if parts.is_empty() { "nothing is different".to_owned() } else { parts.join(", ") }
    }
}

/// What `new` has, and has not, that `old` had. Anchors name the events; each is there once in a run.
pub fn difference(old: &Timeline, new: &Timeline) -> Difference {
    let (before, now) = (anchors(old), anchors(new));
    let mut difference = Difference::default();
    for (i, event) in new.events.iter().enumerate() {
        match before.get(event.anchor.as_str()).and_then(|i| old.events.get(*i)) {
            None => difference.fresh.push(i),
            Some(was) if was.tone != event.tone || was.text != event.text || !stores_same(was, event) => {
                difference.changed.push(i);
            }
            Some(_) => {}
        }
    }
    let mut behind = 0;
    for (i, event) in old.events.iter().enumerate() {
        match now.get(event.anchor.as_str()) {
            Some(index) => behind = index + 1,
            None => difference.gone.push((behind, i)),
        }
    }
    difference
}

fn stores_same(was: &Event, now: &Event) -> bool {
    if !is_change(now) {
        return true;
    }
    match (&was.detail.after, &now.detail.after) {
        (Some(was), Some(now)) => same(was, now),
        (was, now) => was.is_some() == now.is_some(),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let counts = |(key, _): &(&String, &Value)| !BY_ITSELF.contains(&key.as_str());
            let same_in_b = |(key, a): (&String, &Value)| b.get(key).is_some_and(|b| same(a, b));
            a.iter().filter(counts).count() == b.iter().filter(counts).count() && a.iter().filter(counts).all(same_in_b)
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::String(a), Value::String(b)) => a == b || (is_time(a) && is_time(b)),
        _ => a == b,
    }
}

/// `2026-01-01T00:00:00Z`, however precise.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20 && bytes.get(4) == Some(&b'-') && bytes.get(10) == Some(&b'T') && bytes.last() == Some(&b'Z')
}

fn anchors(run: &Timeline) -> BTreeMap<&str, usize> {
    let mut anchors = BTreeMap::new();
    for (i, event) in run.events.iter().enumerate() {
        anchors.insert(event.anchor.as_str(), i);
    }
    anchors
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stepgate_engine::timeline::Detail;

    use super::*;

    fn run(anchors: &[(&str, &str)]) -> Timeline {
        let event = |(anchor, text): &(&str, &str)| Event {
            anchor: (*anchor).to_owned(),
            text: (*text).to_owned(),
            ..Event::default()
        };
        Timeline { events: anchors.iter().map(event).collect(), ..Timeline::default() }
    }

    #[test]
    fn tells_new_changed_and_gone() {
        let old = run(&[("a", "x"), ("b", "x"), ("c", "x")]);
        let new = run(&[("a", "x"), ("c", "y"), ("d", "x")]);
        let difference = difference(&old, &new);
        assert_eq!(difference.words(), "1 new, 1 different, 1 gone");
        assert_eq!(difference.gone, [(1, 1)]);
        assert_eq!(super::difference(&old, &old).words(), "nothing is different");
    }
    #[test]
    fn a_write_that_stores_something_else_is_different() {
        let stored = |team: &str, version: &str, time: &str| {
            let object =
                json!({"metadata": {"labels": {"team": team}, "resourceVersion": version, "creationTimestamp": time}});
            let detail = Detail { after: Some(object), revision: Some(1), ..Detail::default() };
            let event = Event { anchor: "a".to_owned(), detail, ..Event::default() };
            Timeline { events: vec![event], ..Timeline::default() }
        };
        let old = stored("pay", "7", "2026-01-01T00:00:01Z");
        assert_eq!(difference(&old, &stored("payX", "7", "2026-01-01T00:00:01Z")).words(), "1 different");
        assert_eq!(difference(&old, &stored("pay", "8", "2026-01-01T00:00:02Z")).words(), "nothing is different");
    }
}
