//! Editor and timeline point at each other: marks beside lines, and the line of the current event.

use stepgate_engine::eval::trace::TraceNode;
use stepgate_engine::timeline::{Event, Lane, Source, Timeline, Tone};

use super::Place;
use super::cursor::{chain, index_of};
use crate::words::in_order;

/// Causes that are followed to find a decision.
const HOPS: usize = 8;

/// A mark in the gutter.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Where.
    pub place: Place,
    /// The gravest of what happened because of this place.
    pub tone: Tone,
    /// Index of the first event of that tone.
    pub event: usize,
}

/// The place that an event comes from most precisely.
pub fn origin(event: &Event) -> Option<&Source> {
    let of = |role: &str| event.detail.sources.iter().find(|s| s.role == role);
    of("cause").or_else(|| of("rule")).or_else(|| of("policy")).or_else(|| of("resource"))
}

/// The event that tells why: for a refused request the rule that failed, else the event itself where it carries a decision, else the
/// nearest cause that does.
pub fn reason<'e>(events: &'e [Event], event: &'e Event) -> Option<&'e Event> {
    let answer = event.to == Some(Lane::You) || matches!(event.lane, Lane::Validating | Lane::Mutating);
    if event.tone == Tone::Deny && answer && event.detail.trace.is_empty() {
        let request = chain(events, event).last().map(|e| e.seq);
        let rule = |e: &&Event| {
            e.tone == Tone::Deny && !e.detail.trace.is_empty() && chain(events, e).last().map(|e| e.seq) == request
        };
        let here = index_of(events, event.seq)?;
        if let Some(told) = events.iter().take(here).rev().take_while(|e| Some(e.seq) >= request).find(rule) {
            return Some(told);
        }
    }
    chain(events, event).take(HOPS).find(|e| !e.detail.trace.is_empty())
}

/// The places in the editor that an event stands at: first the innermost decision that failed, then where the event comes from.
pub fn now(events: &[Event], event: &Event) -> Vec<Place> {
    let place = |s: &Source, pointer| Place { file: s.file.clone(), line: s.span.line, start: s.span.start, pointer };
    let told = (event.tone == Tone::Deny).then(|| reason(events, event)).flatten();
    let decided = told.and_then(|told| {
        let pointer = failed(&told.detail.trace)?.at.clone()?;
        let policy = told.detail.sources.iter().find(|s| s.role == "policy").or_else(|| origin(told))?;
        Some(place(policy, Some(pointer)))
    });
    let own = in_order(&event.detail.sources, |s| {
        ["cause", "rule", "policy", "resource"].iter().position(|role| *role == s.role)
    });
    decided.into_iter().chain(own.into_iter().map(|s| place(s, None))).collect()
}

/// The innermost decision that did not hold.
pub fn failed(trace: &[TraceNode]) -> Option<&TraceNode> {
    trace.iter().find_map(TraceNode::placed_failure)
}

/// The marks of a file.
pub fn marks(timeline: &Timeline, file: &str) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for (event, e) in timeline.events.iter().enumerate().filter(|(_, e)| gravity(e.tone) > 0) {
        if origin(e).is_none_or(|source| source.file != file || source.role == "resource") {
            continue;
        }
        let Some(place) = now(&timeline.events, e).into_iter().find(|place| place.file == file) else { continue };
        match marks.iter_mut().find(|m| m.place == place) {
            Some(mark) if gravity(mark.tone) >= gravity(e.tone) => {}
            Some(mark) => *mark = Mark { place, tone: e.tone, event },
            None => marks.push(Mark { place, tone: e.tone, event }),
        }
    }
    in_order(marks, |mark| mark.place.line)
}

/// How many marks of a file are refusals or failures.
pub fn denials(timeline: &Timeline, file: &str) -> usize {
    marks(timeline, file).iter().filter(|mark| mark.tone == Tone::Deny).count()
}

/// The events that come from this line: the smallest place around it counts.
pub fn of_line(timeline: &Timeline, file: &str, line: usize) -> Vec<usize> {
    let starts = |e: &Event| {
        e.detail.sources.iter().filter(|s| s.file == file && s.span.line <= line).map(|s| s.span.line).max()
    };
    let Some(best) = timeline.events.iter().filter_map(starts).max() else { return Vec::new() };
    (0..).zip(&timeline.events).filter(|(_, e)| starts(e) == Some(best)).map(|(i, _)| i).collect()
}

/// The next event, after `cursor` and round the end, that comes from this line.
pub fn run_to(timeline: &Timeline, cursor: usize, file: &str, line: usize) -> Option<usize> {
    let hits = of_line(timeline, file, line);
    hits.iter().find(|i| **i > cursor).or(hits.first()).copied()
}

/// Whether the caret stands on the text of this decision, and of none more precise below it.
pub fn under_caret(caret: Option<&Place>, source: &Source, node: &TraceNode) -> bool {
    let on = |node: &TraceNode, pointer: &str| {
        let at = node.at.as_deref().and_then(|at| pointer.strip_prefix(at));
        at.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let Some(Place { file, start, pointer: Some(pointer), .. }) = caret else { return false };
    let inside = *file == source.file && (source.span.start..=source.span.end).contains(start);
    inside && on(node, pointer) && !node.children.iter().any(|child| on(child, pointer))
}

fn gravity(tone: Tone) -> u8 {
    match tone {
        Tone::Deny => 4,
        Tone::Warn => 3,
        Tone::Generate => 2,
        Tone::Mutate => 1,
        Tone::Info | Tone::Allow => 0,
    }
}

#[cfg(test)]
mod tests {
    use stepgate_engine::eval::trace::Outcome;
    use stepgate_engine::parse::span::Span;
    use stepgate_engine::timeline::Detail;

    use super::*;

    fn event(tone: Tone, line: usize, role: &str) -> Event {
        let span = Span { line, ..Span::default() };
        let sources = vec![Source { file: "p.yaml".to_owned(), span, role: role.to_owned() }];
        Event { tone, detail: Detail { sources, ..Detail::default() }, ..Event::default() }
    }

    fn run() -> Timeline {
        let events = vec![
            event(Tone::Generate, 5, "rule"),
            event(Tone::Deny, 18, "cause"),
            event(Tone::Deny, 5, "rule"),
            event(Tone::Info, 2, "policy"),
        ];
        Timeline { events, ..Timeline::default() }
    }

    #[test]
    fn the_gravest_mark_of_a_line_wins() {
        let marks = marks(&run(), "p.yaml");
        assert_eq!(
            marks.iter().map(|m| (m.place.line, m.tone, m.event)).collect::<Vec<_>>(),
            [(5, Tone::Deny, 2), (18, Tone::Deny, 1)]
        );
        assert_eq!((denials(&run(), "p.yaml"), denials(&run(), "q.yaml")), (2, 0));
    }

    #[test]
    fn the_caret_finds_the_most_precise_decision() {
        let leaf = TraceNode::new("clause", Outcome::No, "kinds").at("/spec/rules/0/match/kinds");
        let node =
            TraceNode { children: vec![leaf.clone()], ..TraceNode::new("rule", Outcome::No, "r").at("/spec/rules/0") };
        let source =
            Source { file: "p.yaml".to_owned(), span: Span { end: 99, ..Span::default() }, role: String::new() };
        let caret =
            |pointer: &str| Place { file: "p.yaml".to_owned(), pointer: Some(pointer.to_owned()), ..Place::default() };
        let lit = |pointer, node| under_caret(Some(&caret(pointer)), &source, node);
        assert!(lit("/spec/rules/0/match/kinds/0", &leaf) && !lit("/spec/rules/0/match/kinds/0", &node));
        assert!(lit("/spec/rules/0/validate", &node) && !lit("/spec/rules/01", &node));
    }

    #[test]
    fn running_to_a_line_goes_round() {
        assert_eq!(run_to(&run(), 0, "p.yaml", 6), Some(2));
        assert_eq!(run_to(&run(), 2, "p.yaml", 6), Some(0));
        assert_eq!(run_to(&run(), 0, "p.yaml", 30), Some(1));
        assert_eq!(run_to(&run(), 0, "p.yaml", 1), None);
    }
}
