//! The rows of the picture: a heading per step, and its events unless it is folded.

use stepgate_engine::eval::trace::TraceNode;
use stepgate_engine::object::gvk::ObjectRef;
use stepgate_engine::timeline::{Event, Lane, Timeline, Tone};

use super::compare::Difference;
use super::{State, Zoom, places};
use crate::words::in_order;

/// More decisions of one event than this are left to the inspector.
const DECISIONS: usize = 40;

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// The heading of the step with this index.
    Step(usize),
    /// The event with this index.
    Event(usize),
    /// The decision with this index, of those behind the current event.
    Decision(usize),
    /// The event with this index of the run before, which is gone.
    Gone(usize),
}

/// The rows. A step that holds the current event is never folded away; with a filter only events of that object remain, and none
/// that happens in hidden lanes alone.
pub fn rows(state: &State, difference: Option<&Difference>) -> Vec<Row> {
    let Some(timeline) = &state.timeline else { return Vec::new() };
    if state.zoom == Zoom::Steps {
        return timeline.steps.iter().map(|step| Row::Step(step.index)).collect();
    }
    let here = state.event().map(|e| e.step);
    let headings = timeline.steps.len() > 1;
    let gone = |behind: usize| {
        let all = difference.into_iter().flat_map(|d| &d.gone);
        all.filter(move |(after, _)| *after == behind).map(|(_, i)| Row::Gone(*i))
    };
    let mut rows: Vec<Row> = gone(0).collect();
    let mut step = None;
    for (i, event) in timeline.events.iter().enumerate() {
        if headings && step != Some(event.step) {
            rows.push(Row::Step(event.step));
        }
        step = Some(event.step);
        let folded = headings && state.folds.contains(&event.step) && here != Some(event.step);
        let hidden = |lane: &Lane| state.hidden.contains(lane);
        let seen = !hidden(&event.lane) || event.to.is_some_and(|to| !hidden(&to));
        let shown = i == state.cursor || (seen && state.filter.as_ref().is_none_or(|key| concerns(event, key)));
        if folded {
            continue;
        }
        if shown {
            rows.push(Row::Event(i));
        }
        if i == state.cursor && state.zoom == Zoom::Why {
            rows.extend((0..decisions(state).len()).map(Row::Decision));
        }
        rows.extend(gone(i + 1));
    }
    rows
}

/// The decisions behind the current event, with their depth: those that failed to the last, others at a glance.
pub fn decisions(state: &State) -> Vec<(usize, &TraceNode)> {
    let mut out = Vec::new();
    let told = state.event().and_then(|event| places::reason(state.events(), event));
    told.into_iter().flat_map(|told| &told.detail.trace).for_each(|node| walk(node, 0, &mut out));
    out.truncate(DECISIONS);
    out
}

fn walk<'t>(node: &'t TraceNode, depth: usize, out: &mut Vec<(usize, &'t TraceNode)>) {
    out.push((depth, node));
    let failed = node.outcome.failed();
    if failed || matches!(node.kind.as_str(), "policy" | "rule") {
        node.children.iter().for_each(|child| walk(child, depth + 1, out));
    }
}

/// Whether an event is about an object.
pub fn concerns(event: &Event, key: &ObjectRef) -> bool {
    event.subject.as_ref() == Some(key)
}

/// What is folded at first: steps before the one that `cursor` is in, when nothing happened in them but what was asked.
pub fn quiet_steps(timeline: &Timeline, cursor: usize) -> Vec<usize> {
    let here = timeline.events.get(cursor).map_or(0, |e| e.step);
    let quiet = |step: usize| {
        timeline.events.iter().filter(|e| e.step == step).all(|e| matches!(e.tone, Tone::Info | Tone::Allow))
    };
    timeline.steps.iter().filter(|s| s.ok && s.index < here && quiet(s.index)).map(|s| s.index).collect()
}

/// The lanes that something happens in, left to right.
pub fn lanes(timeline: &Timeline, hidden: &[Lane]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for lane in timeline.events.iter().flat_map(|e| [Some(e.lane), e.to]).flatten() {
        if !lanes.contains(&lane) && !hidden.contains(&lane) {
            lanes.push(lane);
        }
    }
    in_order(lanes, |lane| *lane)
}

#[cfg(test)]
mod tests {
    use stepgate_engine::eval::trace::Outcome;
    use stepgate_engine::timeline::{Detail, StepLine};

    use super::*;
    use crate::state::Run;

    fn run() -> Timeline {
        let event = |step, tone| Event { step, tone, ..Event::default() };
        Timeline {
            events: vec![event(0, Tone::Info), event(0, Tone::Allow), event(1, Tone::Info), event(1, Tone::Deny)],
            steps: (0..2).map(|index| StepLine { index, ok: index == 0, ..StepLine::default() }).collect(),
            ..Timeline::default()
        }
    }

    fn state(run: Timeline, cursor: usize) -> State {
        State { timeline: Some(Run::new(run)), cursor, ..State::empty() }
    }

    #[test]
    fn folds_what_is_quiet() {
        let mut state = state(run(), 3);
        state.folds = quiet_steps(&run(), 3);
        assert_eq!(rows(&state, None), [Row::Step(0), Row::Step(1), Row::Event(2), Row::Event(3)]);
        state.cursor = 0;
        assert_eq!(rows(&state, None).len(), 6);
        state.zoom = Zoom::Steps;
        assert_eq!(rows(&state, None), [Row::Step(0), Row::Step(1)]);
    }

    #[test]
    fn shows_decisions_and_what_is_gone() {
        let mut run = run();
        let leaf = |outcome, text: &str| TraceNode::new("clause", outcome, text);
        let passed = TraceNode { children: vec![leaf(Outcome::Yes, "deep")], ..leaf(Outcome::Yes, "passed") };
        let rule = TraceNode {
            children: vec![passed, leaf(Outcome::No, "kinds")],
            ..TraceNode::new("rule", Outcome::No, "r")
        };
        run.events[3].detail = Detail { trace: vec![rule], ..Detail::default() };
        let mut state = state(run, 3);
        state.zoom = Zoom::Why;
        let texts: Vec<(usize, &str)> =
            decisions(&state).iter().map(|(depth, node)| (*depth, node.text.as_str())).collect();
        assert_eq!(texts, [(0, "r"), (1, "passed"), (1, "kinds")]);
        let difference = Difference { gone: vec![(4, 9)], ..Difference::default() };
        assert_eq!(
            rows(&state, Some(&difference)).get(5..),
            Some(&[Row::Event(3), Row::Decision(0), Row::Decision(1), Row::Decision(2), Row::Gone(9)][..])
        );
    }

    #[test]
    fn draws_no_empty_lane() {
        let mut run = run();
        run.events[3].to = Some(Lane::Background);
        assert_eq!(lanes(&run, &[]), [Lane::You, Lane::Background]);
        assert_eq!(lanes(&run, &[Lane::You]), [Lane::Background]);
    }
}
