//! What came of a run, in a few counts and one sentence.

use stepgate_engine::timeline::{Event, Lane, Timeline, Tone, UpdateRequestRecord};

use crate::state::cursor::{actor, chain, index_of, is_change};
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
    let changed = |e: &Event| e.tone == Tone::Mutate && e.detail.after.is_some() && e.detail.before != e.detail.after;
    let mutated = || events.iter().enumerate().filter(move |(_, e)| changed(e));
    if let Some((first, _)) = mutated().next() {
        pill(Tone::Mutate, format!("{} mutated", mutated().count()), Some(first));
    }
    let made = background(timeline, true);
    if let Some(first) = made.first() {
        pill(Tone::Generate, format!("{} generated", made.len()), Some(*first));
    }
    let restored = background(timeline, false);
    if let Some(first) = restored.first() {
        pill(Tone::Generate, format!("{} put back", restored.len()), Some(*first));
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
    let created = events.iter().position(|e| created_by_user(events, e));
    let n = events.iter().filter(|e| created_by_user(events, e)).count();
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
    let made = background(timeline, true);
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

/// Writes of Kyverno's background controller; `fresh` tells new objects from what it changed.
fn background(timeline: &Timeline, fresh: bool) -> Vec<usize> {
    let events = &timeline.events;
    let made = |e: &Event| is_change(e) && e.detail.before.is_none() == fresh && actor(events, e) == Lane::Background;
    events.iter().enumerate().filter(|(_, e)| made(e) && e.detail.after.is_some()).map(|(i, _)| i).collect()
}

/// Work of the background controller that came to nothing, by the first sign of it.
fn failed_attempts(timeline: &Timeline) -> Vec<usize> {
    let events = &timeline.events;
    let about = |e: &Event, name: &str| chain(events, e).any(|c| c.detail.update_request.as_deref() == Some(name));
    let at_work = |e: &Event| e.lane == Lane::Background || e.to == Some(Lane::Background);
    let failure = |ur: &UpdateRequestRecord| {
        let refused = events.iter().position(|e| e.tone == Tone::Deny && at_work(e) && about(e, &ur.name));
        let failed = || index_of(events, ur.created).filter(|_| ur.state == "Failed");
        refused.or_else(failed)
    };
    timeline.update_requests.iter().filter_map(failure).collect()
}

fn created_by_user(events: &[Event], event: &Event) -> bool {
    let policy = event.subject.as_ref().is_some_and(|s| s.api_version.contains("kyverno.io/"));
    is_change(event)
        && event.detail.before.is_none()
        && !policy
        && matches!(actor(events, event), Lane::You | Lane::Gitops)
}

#[cfg(test)]
mod tests {
    use stepgate_engine::object::gvk::ObjectRef;
    use stepgate_engine::timeline::{Detail, Response};

    use super::*;

    fn event(seq: u32, cause: Option<u32>, lane: Lane, kind: &str) -> Event {
        let detail = Detail { revision: (kind == "stored").then_some(1), after: Some(().into()), ..Detail::default() };
        let subject = Some(ObjectRef { kind: "Role".to_owned(), name: format!("r{seq}"), ..ObjectRef::default() });
        Event { seq, cause, lane, kind: kind.to_owned(), subject, detail, ..Event::default() }
    }

    fn texts(timeline: &Timeline) -> Vec<String> {
        pills(timeline).into_iter().map(|pill| pill.text).collect()
    }

    #[test]
    fn tells_the_users_objects_from_generated_ones() {
        let events = vec![
            event(1, None, Lane::You, "request"),
            event(2, Some(1), Lane::ApiServer, "stored"),
            event(3, Some(2), Lane::Background, "request"),
            event(4, Some(3), Lane::ApiServer, "stored"),
        ];
        let run = Timeline {
            events,
            responses: vec![Response { allowed: true, ..Response::default() }],
            ..Timeline::default()
        };
        assert_eq!(texts(&run), ["1 generated", "1 created"]);
        assert_eq!(sentence(&run), "Everything was let in; Kyverno made Role r4.");
    }

    #[test]
    fn a_refusal_comes_first() {
        let response = Response {
            subject: Some(ObjectRef { kind: "Pod".to_owned(), name: "x".to_owned(), ..ObjectRef::default() }),
            ..Response::default()
        };
        let run = Timeline { responses: vec![response], ..Timeline::default() };
        assert_eq!(texts(&run), ["1 denied", "0 created"]);
        assert_eq!(sentence(&run), "Pod x was refused: nothing of it is stored.");
    }
}
