//! What came of a run, in a few counts and one sentence.

use std::collections::BTreeSet;

use stepgate_engine::timeline::{Event, Lane, Response, Timeline, Tone, UpdateRequestRecord};

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
    let let_in = timeline.responses.iter().filter(|r| r.allowed);
    let let_in = let_in.filter_map(|r| request(events, events.get(index_of(events, r.seq)?)?));
    let let_in: BTreeSet<u32> = let_in.collect();
    let audited = |e: &Event| {
        let fails = e.kind == "rule-fail" && e.lane == Lane::Validating;
        fails && request(events, e).is_some_and(|asked| let_in.contains(&asked))
    };
    if let Some(first) = events.iter().position(audited) {
        let n = events.iter().filter(|e| audited(e)).count();
        pill(Tone::Warn, count(n, "audited violation", "audited violations"), Some(first));
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

/// The answer to the step's request that an event belongs to, and its event.
pub fn answer_to<'t>(timeline: &'t Timeline, event: &Event) -> Option<(&'t Response, &'t Event)> {
    let events = &timeline.events;
    let asked = request(events, event)?;
    timeline.responses.iter().find_map(|response| {
        let answer = events.get(index_of(events, response.seq)?)?;
        (request(events, answer) == Some(asked)).then_some((response, answer))
    })
}

fn request(events: &[Event], event: &Event) -> Option<u32> {
    chain(events, event).find(|c| c.kind == "request").map(|c| c.seq)
}

/// What kubectl prints of an answer, without its warnings.
pub fn printed(answer: &Event) -> String {
    if let Some(refusal) = &answer.detail.message {
        return refusal.clone();
    }
    let Some(subject) = &answer.subject else { return answer.text.clone() };
    let kind = subject.kind.to_lowercase();
    let kind = subject.api_version.split_once('/').map_or_else(|| kind.clone(), |(group, _)| format!("{kind}.{group}"));
    let (done, dry) = match answer.text.rsplit_once(" would be ") {
        Some((_, done)) => (done, " (server dry run)"),
        None => (answer.text.rsplit(' ').next().unwrap_or_default(), ""),
    };
    match done {
        "deleted" => format!("{kind} \"{}\" deleted{dry}", subject.name),
        done => format!("{kind}/{} {done}{dry}", subject.name),
    }
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

/// What came of one step, in a few words.
pub fn of_step(timeline: &Timeline, step: usize) -> String {
    let of = |e: &&Event| e.step == step;
    let refused = timeline.responses.iter().find(|r| r.step == step && !r.allowed);
    let mut parts: Vec<String> = Vec::new();
    if refused.is_some() {
        let failed = |e: &&Event| matches!(e.kind.as_str(), "rule-fail" | "rule-error");
        let by = timeline.events.iter().filter(of).filter(failed).find_map(|e| e.detail.policy.clone());
        parts.push(by.map_or_else(|| "refused".to_owned(), |policy| format!("refused by {policy}")));
    } else if let Some(answer) = timeline.events.iter().filter(of).rfind(|e| e.to == Some(Lane::You)) {
        parts.push(answer.text.clone());
    }
    let warnings: usize = timeline.responses.iter().filter(|r| r.step == step).map(|r| r.warnings.len()).sum();
    if warnings > 0 {
        parts.push(count(warnings, "warning", "warnings"));
    }
    let made =
        background(timeline, true).into_iter().filter(|i| timeline.events.get(*i).is_some_and(|e| e.step == step));
    match made.count() {
        0 => {}
        n => parts.push(format!("{n} generated")),
    }
    parts.join(" · ")
}

/// Where to stand in a step: at its refusal, else at its answer, else at its end.
pub fn event_of_step(timeline: &Timeline, step: usize) -> usize {
    let of = |e: &Event| e.step == step;
    let denied = timeline.events.iter().position(|e| of(e) && e.tone == Tone::Deny && e.to == Some(Lane::You));
    let answered = || timeline.events.iter().rposition(|e| of(e) && e.to == Some(Lane::You));
    denied.or_else(answered).or_else(|| timeline.events.iter().rposition(of)).unwrap_or_default()
}

/// Writes of Kyverno's background controller; `fresh` tells new objects from what it changed.
pub fn background(timeline: &Timeline, fresh: bool) -> Vec<usize> {
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
    fn a_violation_that_is_let_in_is_counted() {
        let mut events = vec![
            event(1, None, Lane::You, "request"),
            event(2, Some(1), Lane::Validating, "rule-fail"),
            event(3, Some(2), Lane::ApiServer, "answer"),
        ];
        events[2].subject = Some(ObjectRef {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            name: "web".to_owned(),
            ..ObjectRef::default()
        });
        events[2].text = "Deployment web created".to_owned();
        assert_eq!(printed(&events[2]), "deployment.apps/web created");
        let response = |allowed| Response { allowed, seq: 3, ..Response::default() };
        let run = Timeline { events, responses: vec![response(true)], ..Timeline::default() };
        assert_eq!(texts(&run), ["1 audited violation", "0 created"]);
        let refused = Timeline { responses: vec![response(false)], ..run };
        assert_eq!(texts(&refused), ["1 denied", "0 created"]);
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
