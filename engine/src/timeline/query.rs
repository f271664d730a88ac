//! Questions to a timeline: the cluster at an event, the history of an object, who wrote a field.

use serde_json::Value;

use super::{Event, Timeline};
use crate::object::ObjectExt;
use crate::object::gvk::ObjectRef;

/// A chain of causes that is longer than this is a loop; Kyverno's longest, from a request to a report, has about twenty links.
const LOOP: usize = 200;

impl Timeline {
    /// Whether there is a chain of causes that only policies which trigger each other can make.
    #[must_use]
    pub fn loops(&self) -> bool {
        let mut depths: Vec<usize> = Vec::with_capacity(self.events.len());
        for event in &self.events {
            let before = event.cause.and_then(|cause| depths.get((cause as usize).checked_sub(1)?));
            depths.push(before.map_or(1, |depth| depth + 1));
        }
        depths.iter().any(|depth| *depth >= LOOP)
    }

    /// The event with an anchor, else the first of a kind (`denied`).
    #[must_use]
    pub fn at_anchor(&self, anchor: &str) -> Option<&Event> {
        let exact = self.events.iter().find(|event| event.anchor == anchor);
        exact.or_else(|| self.events.iter().find(|event| event.kind == anchor))
    }

    /// The objects that are stored once an event has happened, of those that the run wrote.
    ///
    /// Objects that were there before the run are not in the events; `before` brings them.
    #[must_use]
    pub fn state_at(&self, seq: u32, before: &[Value]) -> Vec<Value> {
        let mut state: Vec<Value> = before.to_vec();
        for event in
            self.events.iter().take_while(|event| event.seq <= seq).filter(|event| event.detail.revision.is_some())
        {
            let (old, new) = (&event.detail.before, &event.detail.after);
            let same = |object: &Value, other: &Value| {
                object.kind() == other.kind()
                    && object.namespace() == other.namespace()
                    && object.name() == other.name()
            };
            match (old, new) {
                (_, Some(new)) => match state.iter_mut().find(|object| same(object, new)) {
                    Some(object) => object.clone_from(new),
                    None => state.push(new.clone()),
                },
                (Some(old), None) => state.retain(|object| !same(object, old)),
                (None, None) => {}
            }
        }
        state
    }

    /// Every event about an object.
    pub fn history<'a>(&'a self, of: &'a ObjectRef) -> impl Iterator<Item = &'a Event> + 'a {
        self.events.iter().filter(move |event| {
            event.subject.as_ref().is_some_and(|subject| {
                subject.kind == of.kind && subject.name == of.name && subject.namespace == of.namespace
            })
        })
    }

    /// The write that gave a field of an object the value it has after event `until`.
    #[must_use]
    pub fn who_wrote<'a>(&'a self, of: &'a ObjectRef, pointer: &str, until: u32) -> Option<&'a Event> {
        let value = |object: &Option<Value>| object.as_ref().and_then(|object| object.pointer(pointer)).cloned();
        let writes = self.history(of).filter(|event| event.detail.revision.is_some() && event.seq <= until);
        writes.filter(|event| value(&event.detail.before) != value(&event.detail.after)).last()
    }
}
