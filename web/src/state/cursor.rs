//! Where one stands in a timeline: opening, moving, and staying in place when the run changes.

use stepgate_engine::timeline::{Event, Lane, Timeline, Tone};

/// A way to move. Every one is a pure function of the timeline and of where one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// To the first event.
    First,
    /// To the last event.
    Last,
    /// One event back.
    Previous,
    /// One event on.
    Next,
    /// To the first event of this step, or of the one before.
    PreviousStep,
    /// To the first event of the next step.
    NextStep,
    /// To the next denial or failure, round the end.
    Denial,
    /// To the next write to the cluster, round the end.
    Change,
    /// To the event that caused this one.
    Cause,
    /// To this index.
    To(usize),
}

/// Where a freshly opened timeline stands: at `view.at`, else at the first refusal that the user sees, else at the first
/// failure, else at the end.
pub fn opening(timeline: &Timeline, at: &str) -> usize {
    let events = &timeline.events;
    let named = (!at.is_empty()).then(|| by_anchor(events, at)).flatten();
    let refused = || events.iter().position(|e| e.tone == Tone::Deny && e.to == Some(Lane::You));
    let failed = || events.iter().position(|e| e.tone == Tone::Deny);
    named.or_else(refused).or_else(failed).unwrap_or_else(|| last(events))
}

/// Where to stand in `new` when one stood at `index` in `old`: on the event of the same name, else at what became of the same
/// object, else of the same step.
pub fn follow(old: &Timeline, index: usize, new: &Timeline) -> usize {
    let Some(event) = old.events.get(index) else { return last(&new.events) };
    let same = |e: &&Event| e.anchor == event.anchor;
    let nth = old.events.iter().take(index).filter(same).count();
    let mut found = new.events.iter().enumerate().filter(|(_, e)| e.anchor == event.anchor).map(|(i, _)| i);
    if let Some(i) = found.nth(nth) {
        return i;
    }
    let answers = || new.events.iter().enumerate().filter(|(_, e)| e.to == Some(Lane::You));
    let same_object = |(_, e): &(usize, &Event)| e.subject.is_some() && e.subject == event.subject;
    let refused = |(_, e): &(usize, &Event)| e.tone == Tone::Deny;
    if let Some((i, _)) = answers().filter(same_object).find(refused).or_else(|| answers().rfind(same_object)) {
        return i;
    }
    let step = event.step;
    let of_step = |e: &Event| e.step == step;
    let denied = new.events.iter().position(|e| of_step(e) && e.tone == Tone::Deny && e.to == Some(Lane::You));
    let answered = || new.events.iter().rposition(|e| of_step(e) && e.to == Some(Lane::You));
    denied.or_else(answered).or_else(|| new.events.iter().rposition(of_step)).unwrap_or_else(|| last(&new.events))
}

/// The event that an anchor names: exactly, else the first whose name starts with it.
pub fn by_anchor(events: &[Event], anchor: &str) -> Option<usize> {
    events.iter().position(|e| e.anchor == anchor).or_else(|| events.iter().position(|e| e.anchor.starts_with(anchor)))
}

/// Moves; the result is always an index of `events`, or 0 where there are none.
pub fn go(events: &[Event], from: usize, step: Move) -> usize {
    let end = last(events);
    let round = |wanted: &dyn Fn(&Event) -> bool| {
        let after = events.iter().enumerate().skip(from + 1).find(|(_, e)| wanted(e)).map(|(i, _)| i);
        after.or_else(|| events.iter().position(wanted)).unwrap_or(from)
    };
    let step_of = |i: usize| events.get(i).map_or(0, |e| e.step);
    let start_of = |step: usize| events.iter().position(|e| e.step == step).unwrap_or(0);
    let target = match step {
        Move::First => 0,
        Move::Last => end,
        Move::Previous => from.saturating_sub(1),
        Move::Next => from + 1,
        Move::PreviousStep => {
            let start = start_of(step_of(from));
            if from > start { start } else { start_of(step_of(start.saturating_sub(1))) }
        }
        Move::NextStep => events.iter().skip(from).position(|e| e.step > step_of(from)).map_or(end, |n| from + n),
        Move::Denial => round(&is_denial),
        Move::Change => round(&is_change),
        Move::Cause => events.get(from).and_then(|e| index_of(events, e.cause?)).unwrap_or(from),
        Move::To(index) => index,
    };
    target.min(end)
}

/// Whether an event is a refusal or a failure.
pub fn is_denial(event: &Event) -> bool {
    event.tone == Tone::Deny
}

/// Whether an event changes what is stored.
pub fn is_change(event: &Event) -> bool {
    event.detail.revision.is_some()
}

/// Who wanted what an event is about: the lane of the nearest request up its causes, else its own.
pub fn actor(events: &[Event], event: &Event) -> Lane {
    chain(events, event).find(|e| e.kind == "request").map_or(event.lane, |request| request.lane)
}

/// An event, its cause, the cause of that, and so on.
pub fn chain<'e>(events: &'e [Event], event: &'e Event) -> impl Iterator<Item = &'e Event> {
    std::iter::successors(Some(event), |e| events.get(index_of(events, e.cause?)?))
}

/// The index of the event with this `seq`.
pub fn index_of(events: &[Event], seq: u32) -> Option<usize> {
    let guess = (seq as usize).saturating_sub(1);
    match events.get(guess) {
        Some(event) if event.seq == seq => Some(guess),
        _ => events.iter().position(|event| event.seq == seq),
    }
}

fn last(events: &[Event]) -> usize {
    events.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use stepgate_engine::timeline::Detail;

    use super::*;

    /// `"anchor step tone kind"`; a `!` after the tone means that it goes to the user.
    fn timeline(lines: &[&str]) -> Timeline {
        let event = |(i, line): (usize, &&str)| {
            let words: Vec<&str> = line.split(' ').collect();
            Event {
                seq: i as u32 + 1,
                anchor: words[0].to_owned(),
                step: words[1].parse().unwrap(),
                tone: if words[2].starts_with("deny") { Tone::Deny } else { Tone::Info },
                to: words[2].ends_with('!').then_some(Lane::You),
                kind: words[3].to_owned(),
                cause: (i > 0).then_some(i as u32),
                detail: Detail { revision: (words[3] == "stored").then_some(1), ..Detail::default() },
                ..Event::default()
            }
        };
        Timeline { events: lines.iter().enumerate().map(event).collect(), ..Timeline::default() }
    }

    fn story() -> Timeline {
        timeline(&[
            "a 0 info request",
            "b 0 info stored",
            "c 1 info request",
            "d 1 deny rule-fail",
            "denied:x 1 deny! denied",
            "e 1 info stored",
        ])
    }

    #[test]
    fn opens_where_it_matters() {
        assert_eq!(opening(&story(), ""), 4);
        assert_eq!(opening(&story(), "denied"), 4);
        assert_eq!(opening(&story(), "b"), 1);
        assert_eq!(opening(&story(), "nowhere"), 4);
        assert_eq!(opening(&timeline(&["a 0 info x", "b 0 info x"]), ""), 1);
        assert_eq!(opening(&timeline(&["a 0 info x", "b 0 deny x", "c 0 info x"]), ""), 1);
        assert_eq!(opening(&Timeline::default(), "x"), 0);
    }

    #[test]
    fn moves() {
        let events = story().events;
        let check = |from, step, want| assert_eq!(go(&events, from, step), want, "{step:?} from {from}");
        check(0, Move::Previous, 0);
        check(5, Move::Next, 5);
        check(0, Move::NextStep, 2);
        check(4, Move::NextStep, 5);
        check(4, Move::PreviousStep, 2);
        check(2, Move::PreviousStep, 0);
        check(0, Move::Denial, 3);
        check(4, Move::Denial, 3);
        check(1, Move::Change, 5);
        check(5, Move::Change, 1);
        check(3, Move::Cause, 2);
        check(3, Move::To(99), 5);
        assert_eq!(go(&[], 3, Move::Next), 0);
    }

    #[test]
    fn stays_on_the_event_of_the_same_name() {
        let grown = timeline(&["z 0 info x", "a 0 info request", "denied:x 1 deny! denied"]);
        assert_eq!(follow(&story(), 4, &grown), 2);
        let twice = timeline(&["a 0 info x", "a 0 info x", "b 0 info x"]);
        assert_eq!(follow(&twice, 1, &twice), 1);
    }

    #[test]
    fn goes_to_what_became_of_the_step() {
        let fixed = timeline(&["a 0 info request", "c 1 info request", "created 1 info! created", "gen 1 info stored"]);
        assert_eq!(follow(&story(), 4, &fixed), 2);
        let shorter = timeline(&["a 0 info request"]);
        assert_eq!(follow(&story(), 4, &shorter), 0);
    }
}
