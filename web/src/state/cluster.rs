//! What is stored as of an event: a fold over the writes before it. Objects keep their place.

use indexmap::IndexMap;
use serde_json::Value;
use stepgate_engine::object::gvk::ObjectRef;
use stepgate_engine::timeline::{Event, Timeline};

use super::cursor::is_change;

/// How an object differs from what it was before the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Not touched by the step.
    Same,
    /// Made in this step.
    Added,
    /// Changed in this step.
    Changed,
    /// Deleted in this step; the object is as it was last.
    Removed,
}

/// An object as of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its identity.
    pub key: ObjectRef,
    /// Its state.
    pub object: Value,
    /// What the step did to it.
    pub mark: Mark,
    /// Index of the event that wrote it last; none where it was there at the start.
    pub written: Option<usize>,
}

/// The objects stored after the event at `index`, in order of creation; those that its step deleted are still listed, marked.
pub fn at(timeline: &Timeline, index: usize) -> Vec<Stored> {
    let mut objects = initial(timeline);
    let step = timeline.events.get(index).map(|e| e.step);
    for (i, event) in timeline.events.iter().enumerate().take(index + 1) {
        let Some(key) = event.subject.as_ref().filter(|_| is_change(event)) else { continue };
        let now = Some(event.step) == step;
        match after(event) {
            Some(object) => {
                let known = objects.get(key).filter(|old| old.mark != Mark::Removed);
                let mark = match known.map(|old| old.mark) {
                    _ if !now => Mark::Same,
                    None | Some(Mark::Added) => Mark::Added,
                    Some(_) => Mark::Changed,
                };
                objects
                    .insert(key.clone(), Stored { key: key.clone(), object: object.clone(), mark, written: Some(i) });
            }
            None if now => {
                if let Some(old) = objects.get_mut(key) {
                    old.mark = Mark::Removed;
                    old.written = Some(i);
                }
            }
            None => {
                objects.shift_remove(key);
            }
        }
    }
    objects.into_values().collect()
}

/// The versions of one object: index of the event, state before and after.
pub fn history<'t>(timeline: &'t Timeline, key: &ObjectRef) -> Vec<(usize, &'t Event)> {
    timeline.events.iter().enumerate().filter(|(_, e)| is_change(e) && e.subject.as_ref() == Some(key)).collect()
}

/// The index of the event, up to `index`, that gave the value at this JSON pointer of an object its present value.
pub fn who_wrote(timeline: &Timeline, index: usize, key: &ObjectRef, pointer: &str) -> Option<usize> {
    let writes = history(timeline, key).into_iter().filter(|(i, _)| *i <= index);
    let mut writer = None;
    let mut value: Option<&Value> = None;
    for (i, event) in writes {
        let new = after(event).and_then(|object| object.pointer(pointer));
        let old = value.or_else(|| event.detail.before.as_ref()?.pointer(pointer));
        if new != old || (writer.is_none() && event.detail.before.is_none()) {
            writer = Some(i);
        }
        value = new;
    }
    writer
}

fn after(event: &Event) -> Option<&Value> {
    event.detail.after.as_ref()
}

/// What was stored before the first event: what later events found there, and what no event ever touched.
fn initial(timeline: &Timeline) -> IndexMap<ObjectRef, Stored> {
    let mut touched: IndexMap<&ObjectRef, Option<&Value>> = IndexMap::new();
    for event in timeline.events.iter().filter(|e| is_change(e)) {
        if let Some(key) = &event.subject {
            touched.entry(key).or_insert(event.detail.before.as_ref());
        }
    }
    let there = |key: ObjectRef, object: &Value| {
        (key.clone(), Stored { key, object: object.clone(), mark: Mark::Same, written: None })
    };
    let untouched =
        timeline.cluster.iter().map(|object| (key_of(object), object)).filter(|(key, _)| !touched.contains_key(key));
    let found = touched.iter().filter_map(|(key, before)| Some(((*key).clone(), (*before)?)));
    untouched.chain(found).map(|(key, object)| there(key, object)).collect()
}

/// The identity of an object.
pub fn key_of(object: &Value) -> ObjectRef {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    ObjectRef {
        api_version: text("/apiVersion"),
        kind: text("/kind"),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stepgate_engine::timeline::Detail;

    use super::*;

    fn object(name: &str, x: u64) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"x": x}})
    }

    fn write(step: usize, before: Option<Value>, after: Option<Value>) -> Event {
        let subject = after.as_ref().or(before.as_ref()).map(key_of);
        Event {
            step,
            subject,
            detail: Detail { before, after, revision: Some(1), ..Detail::default() },
            ..Event::default()
        }
    }

    fn run() -> Timeline {
        let events = vec![
            write(0, None, Some(object("a", 1))),
            write(1, Some(object("a", 1)), Some(object("a", 2))),
            write(1, None, Some(object("b", 1))),
            write(2, Some(object("old", 7)), None),
            write(3, Some(object("a", 2)), Some(object("a", 2))),
        ];
        Timeline { events, cluster: vec![object("a", 2), object("b", 1), object("still", 0)], ..Timeline::default() }
    }

    fn marks(index: usize) -> Vec<(String, Mark)> {
        at(&run(), index).into_iter().map(|s| (s.key.name, s.mark)).collect()
    }

    #[test]
    fn folds_and_marks() {
        let own = |list: &[(&str, Mark)]| list.iter().map(|(n, m)| ((*n).to_owned(), *m)).collect::<Vec<_>>();
        assert_eq!(marks(0), own(&[("still", Mark::Same), ("old", Mark::Same), ("a", Mark::Added)]));
        assert_eq!(
            marks(2),
            own(&[("still", Mark::Same), ("old", Mark::Same), ("a", Mark::Changed), ("b", Mark::Added)])
        );
        assert_eq!(
            marks(3),
            own(&[("still", Mark::Same), ("old", Mark::Removed), ("a", Mark::Same), ("b", Mark::Same)])
        );
        assert_eq!(marks(4).len(), 3);
    }

    #[test]
    fn finds_who_wrote_a_field() {
        let key = key_of(&object("a", 0));
        let who = |index, pointer| who_wrote(&run(), index, &key, pointer);
        assert_eq!(who(0, "/data/x"), Some(0));
        assert_eq!(who(4, "/data/x"), Some(1));
        assert_eq!(who(4, "/metadata/name"), Some(0));
    }
}
