//! Writes the journal: gives events their number, time, step and anchor.

use std::collections::BTreeMap;

use serde_json::Value;

use super::journal::{Detail, Event, Lane, LogLine, Response, Tone, UpdateRequestRecord};
use crate::eval::trace::TraceNode;
use crate::limits::MAX_EVENTS;
use crate::object::gvk::ObjectRef;

/// The journal of a run while it is written.
#[derive(Debug, Default)]
pub struct Recorder {
    /// Everything that happened.
    pub events: Vec<Event>,
    /// Answers to the requests of steps.
    pub responses: Vec<Response>,
    /// Log lines.
    pub logs: Vec<LogLine>,
    /// UpdateRequests.
    pub update_requests: Vec<UpdateRequestRecord>,
    /// The step that is running.
    pub step: usize,
    /// Whether work was left undone because the events were used up.
    pub cut: bool,
    anchors: BTreeMap<String, u32>,
}

impl Recorder {
    /// Whether the run has used up its events.
    #[must_use]
    pub fn exhausted(&self) -> bool {
        self.events.len() >= MAX_EVENTS
    }

    /// Adds an event and returns its number.
    pub fn push(&mut self, at: u64, note: Note) -> u32 {
        let Note { mut event, anchor } = note;
        event.seq = u32::try_from(self.events.len()).unwrap_or(u32::MAX).saturating_add(1);
        event.at = at;
        event.step = self.step;
        let base = anchor.unwrap_or_else(|| default_anchor(&event));
        let times = self.anchors.entry(base.clone()).or_insert(0);
        *times += 1;
        event.anchor = if *times == 1 { base } else { format!("{base}#{times}") };
        let seq = event.seq;
        self.events.push(event);
        seq
    }

    /// Adds a log line.
    pub fn log(&mut self, at: u64, seq: u32, component: &str, level: &str, line: String, expected: bool) {
        self.logs.push(LogLine { at, seq, component: component.into(), level: level.into(), line, expected });
    }

    /// An event that was recorded, to add to it.
    pub fn event_mut(&mut self, seq: u32) -> Option<&mut Event> {
        self.events.get_mut(usize::try_from(seq).ok()?.checked_sub(1)?)
    }
}

fn default_anchor(event: &Event) -> String {
    let rule = match (&event.detail.policy, &event.detail.rule) {
        (Some(policy), Some(rule)) => format!("{policy}/{rule}/"),
        (Some(policy), None) => format!("{policy}/"),
        _ => String::new(),
    };
    let subject = event.subject.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{}:{rule}{subject}", event.kind)
}

/// An event that is about to be recorded.
#[derive(Debug)]
pub struct Note {
    event: Event,
    anchor: Option<String>,
}

/// Something within one lane.
#[must_use]
pub fn note(lane: Lane, kind: &str, text: impl Into<String>) -> Note {
    let event = Event { lane, kind: kind.to_owned(), text: text.into(), ..Event::default() };
    Note { event, anchor: None }
}

impl Note {
    /// A message to another lane.
    #[must_use]
    pub fn to(mut self, lane: Lane) -> Self {
        self.event.to = Some(lane);
        self
    }

    /// What caused it.
    #[must_use]
    pub fn cause(mut self, cause: Option<u32>) -> Self {
        self.event.cause = cause;
        self
    }

    /// Its meaning.
    #[must_use]
    pub fn tone(mut self, tone: Tone) -> Self {
        self.event.tone = tone;
        self
    }

    /// The object concerned.
    #[must_use]
    pub fn subject(mut self, subject: ObjectRef) -> Self {
        self.event.subject = Some(subject);
        self
    }

    /// The policy and, where it is one, the rule.
    #[must_use]
    pub fn policy(mut self, policy: &str, rule: &str) -> Self {
        self.event.detail.policy = Some(policy.to_owned());
        self.event.detail.rule = (!rule.is_empty()).then(|| rule.to_owned());
        self
    }

    /// Exact words.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.event.detail.message = Some(message.into());
        self
    }

    /// Why.
    #[must_use]
    pub fn trace(mut self, trace: Vec<TraceNode>) -> Self {
        self.event.detail.trace = trace;
        self
    }

    /// The object before and after.
    #[must_use]
    pub fn change(mut self, before: Option<Value>, after: Option<Value>) -> Self {
        self.event.detail.before = before;
        self.event.detail.after = after;
        self
    }

    /// What a reader may want to know.
    #[must_use]
    pub fn remark(mut self, text: &str) -> Self {
        self.event.detail.note = Some(text.to_owned());
        self
    }

    /// Where upstream does this.
    #[must_use]
    pub fn upstream(mut self, place: &str) -> Self {
        self.event.detail.upstream = Some(place.to_owned());
        self
    }

    /// Changes the rest of the detail.
    #[must_use]
    pub fn detail(mut self, change: impl FnOnce(&mut Detail)) -> Self {
        change(&mut self.event.detail);
        self
    }

    /// A name other than `kind:policy/rule/subject`.
    #[must_use]
    pub fn anchor(mut self, anchor: impl Into<String>) -> Self {
        self.anchor = Some(anchor.into());
        self
    }
}
