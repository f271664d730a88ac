//! What came of a run, in a few counts and one sentence.

use stepgate_engine::timeline::{Event, Lane, Timeline, Tone};

use crate::state::cursor::index_of;
use crate::words::count;

/// A count that matters.
#[derive(Clone, Debug, PartialEq)]
pub struct Pill {
    /// Its meaning.
    pub tone: Tone,
    /// Its words.
    pub text: String,
    /// The event to go to.
    pub event: Option<usize>,
    /// Whether it says that nothing of the kind happened.
    pub none: bool,
}

/// The counts.
pub fn pills(timeline: &Timeline) -> Vec<Pill> {
    let events = &timeline.events;
    let mut pills = Vec::new();
    let mut pill = |tone, text: String, event| pills.push(Pill { tone, text, event, none: false });
    let refused: Vec<_> = timeline.responses.iter().filter(|r| !r.allowed).collect();
    if let Some(first) = refused.first() {
        pill(Tone::Deny, format!("{} denied", refused.len()), index_of(events, first.seq));
    }
    let warned = timeline.responses.iter().find(|r| !r.warnings.is_empty());
    if let Some(first) = warned {
        let n = timeline.responses.iter().map(|r| r.warnings.len()).sum();
        pill(Tone::Warn, count(n, "warning", "warnings"), index_of(events, first.seq));
    }
    let mutated = || events.iter().enumerate().filter(|(_, e)| e.kind == "mutated");
    if let Some((first, _)) = mutated().next() {
        pill(Tone::Mutate, format!("{} mutated", mutated().count()), Some(first));
    }
    let made: Vec<usize> = generated(timeline);
    if let Some(first) = made.first() {
        pill(Tone::Generate, format!("{} generated", made.len()), Some(*first));
    }
    let failed: Vec<usize> = failed_attempts(timeline);
    if let Some(first) = failed.first() {
        let n = failed.len();
        pill(Tone::Generate, format!("{} failed", count(n, "generate attempt", "generate attempts")), Some(*first));
    }
    let broken = timeline.checks.iter().filter(|check| !check.ok).count();
    if broken > 0 {
        pill(Tone::Deny, format!("{} of {} checks failed", broken, timeline.checks.len()), None);
    }
    let created = events.iter().position(created_by_user);
    let n = events.iter().filter(|e| created_by_user(e)).count();
    pills.push(Pill { tone: Tone::Allow, text: format!("{n} created"), event: created, none: n == 0 });
    pills
}

/// The sentence.
pub fn sentence(timeline: &Timeline) -> String {
    if let Some(why) = &timeline.stopped {
        return why.clone();
    }
    let expected = timeline.logs.iter().any(|line| line.expected && matches!(line.level.as_str(), "ERR" | "TRC"));
    if let Some(refused) = timeline.responses.iter().find(|r| !r.allowed) {
        let what =
            refused.subject.as_ref().map_or_else(|| refused.request.clone(), |s| format!("{} {}", s.kind, s.name));
        let tried = timeline.update_requests.iter().any(|ur| Some(&ur.trigger) == refused.subject.as_ref());
        return match (tried, expected) {
            (true, true) => format!("{what} never reached etcd; the log line that follows is expected."),
            (true, false) => format!("{what} never reached etcd, but its generate rule was tried all the same."),
            _ => format!("{what} was refused: nothing of it is stored."),
        };
    }
    let made = generated(timeline);
    let name =
        |i: &usize| timeline.events.get(*i).and_then(|e| e.subject.as_ref()).map(|s| format!("{} {}", s.kind, s.name));
    match made.first().and_then(name) {
        Some(first) if made.len() > 1 => {
            format!("Everything was let in; Kyverno made {first} and {} more.", made.len() - 1)
        }
        Some(first) => format!("Everything was let in; Kyverno made {first}."),
        None if timeline.responses.is_empty() => "Nothing was asked of the cluster.".to_owned(),
        None => "Everything was let in.".to_owned(),
    }
}

/// Objects that Kyverno's controllers made.
fn generated(timeline: &Timeline) -> Vec<usize> {
    let made = |e: &Event| is_creation(e) && e.tone == Tone::Generate;
    timeline.events.iter().enumerate().filter(|(_, e)| made(e)).map(|(i, _)| i).collect()
}

/// Work of the background controller that came to nothing: the first failure of each UpdateRequest.
fn failed_attempts(timeline: &Timeline) -> Vec<usize> {
    let failure = |name: &str| {
        let of = |e: &Event| {
            e.detail.update_request.as_deref() == Some(name) && e.tone == Tone::Deny && touches(e, Lane::Background)
        };
        timeline.events.iter().position(of)
    };
    timeline.update_requests.iter().filter_map(|ur| failure(&ur.name)).collect()
}

fn touches(event: &Event, lane: Lane) -> bool {
    event.lane == lane || event.to == Some(lane)
}

fn is_creation(event: &Event) -> bool {
    event.kind == "stored" && event.detail.before.is_none()
}

fn created_by_user(event: &Event) -> bool {
    let policy = event.subject.as_ref().is_some_and(|s| s.api_version.contains("kyverno.io/"));
    is_creation(event) && event.tone != Tone::Generate && !policy
}
