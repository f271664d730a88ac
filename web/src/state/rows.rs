//! The rows of the picture: a heading per step, and its events unless it is folded.

use std::collections::BTreeMap;

use stepgate_engine::object::gvk::ObjectRef;
use stepgate_engine::timeline::{Event, Lane, Timeline, Tone};

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// The heading of the step with this index.
    Step(usize),
    /// The event with this index.
    Event(usize),
}

/// The rows. A step that holds `cursor` is never folded away; with a `filter` only events of that object remain, and none
/// that happens in `hidden` lanes alone.
pub fn rows(
    timeline: &Timeline,
    cursor: usize,
    folds: &BTreeMap<usize, bool>,
    hidden: &[Lane],
    filter: Option<&ObjectRef>,
) -> Vec<Row> {
    let here = timeline.events.get(cursor).map(|e| e.step);
    let headings = timeline.steps.len() > 1;
    let mut rows = Vec::new();
    let mut step = None;
    for (i, event) in timeline.events.iter().enumerate() {
        if headings && step != Some(event.step) {
            rows.push(Row::Step(event.step));
        }
        step = Some(event.step);
        let folded = headings && folds.get(&event.step).copied().unwrap_or(false) && here != Some(event.step);
        let seen = !hidden.contains(&event.lane) || event.to.is_some_and(|to| !hidden.contains(&to));
        let shown = i == cursor || (seen && filter.is_none_or(|key| concerns(event, key)));
        if shown && !folded {
            rows.push(Row::Event(i));
        }
    }
    rows
}

/// Whether an event is about an object.
pub fn concerns(event: &Event, key: &ObjectRef) -> bool {
    event.subject.as_ref() == Some(key)
}

/// What is folded at first: steps before the one that `cursor` is in, when nothing happened in them but what was asked.
pub fn quiet_steps(timeline: &Timeline, cursor: usize) -> BTreeMap<usize, bool> {
    let here = timeline.events.get(cursor).map_or(0, |e| e.step);
    let quiet = |step: usize| {
        timeline.events.iter().filter(|e| e.step == step).all(|e| matches!(e.tone, Tone::Info | Tone::Allow))
    };
    timeline.steps.iter().filter(|s| s.ok && s.index < here && quiet(s.index)).map(|s| (s.index, true)).collect()
}

/// The lanes that something happens in, left to right.
pub fn lanes(timeline: &Timeline, hidden: &[Lane]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = timeline.events.iter().flat_map(|e| [Some(e.lane), e.to]).flatten().collect();
    lanes.sort_unstable();
    lanes.dedup();
    lanes.retain(|lane| !hidden.contains(lane));
    lanes
}

#[cfg(test)]
mod tests {
    use stepgate_engine::timeline::StepLine;

    use super::*;

    fn run() -> Timeline {
        let event = |step, tone| Event { step, tone, ..Event::default() };
        Timeline {
            events: vec![event(0, Tone::Info), event(0, Tone::Allow), event(1, Tone::Info), event(1, Tone::Deny)],
            steps: (0..2).map(|index| StepLine { index, ok: index == 0, ..StepLine::default() }).collect(),
            ..Timeline::default()
        }
    }

    #[test]
    fn folds_what_is_quiet() {
        let run = run();
        let folds = quiet_steps(&run, 3);
        assert_eq!(rows(&run, 3, &folds, &[], None), [Row::Step(0), Row::Step(1), Row::Event(2), Row::Event(3)]);
        assert_eq!(rows(&run, 0, &folds, &[], None).len(), 6);
        assert_eq!(rows(&run, 0, &BTreeMap::new(), &[], None).len(), 6);
    }

    #[test]
    fn draws_no_empty_lane() {
        let mut run = run();
        run.events[3].to = Some(Lane::Background);
        assert_eq!(lanes(&run, &[]), [Lane::You, Lane::Background]);
        assert_eq!(lanes(&run, &[Lane::You]), [Lane::Background]);
    }
}
