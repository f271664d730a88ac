//! Editor and timeline point at each other: marks beside lines, and the line of the current event.

use stepgate_engine::eval::trace::{Outcome, TraceNode};
use stepgate_engine::timeline::{Event, Source, Timeline, Tone};

use super::Place;

/// A mark in the gutter.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Line, from 1.
    pub line: usize,
    /// The gravest of what happened because of this line.
    pub tone: Tone,
    /// Index of the first event of that tone.
    pub event: usize,
}

/// The place that an event comes from most precisely.
pub fn origin(event: &Event) -> Option<&Source> {
    let of = |role: &str| event.detail.sources.iter().find(|s| s.role == role);
    of("cause").or_else(|| of("rule")).or_else(|| of("policy")).or_else(|| of("resource"))
}

/// Where the editor stands for an event: the innermost decision that failed, in the policy it is written in, else where the event
/// comes from.
pub fn now(event: &Event) -> Option<Place> {
    let source = origin(event)?;
    let policy =
        event.detail.sources.iter().find(|s| s.role == "policy" || s.role == "rule").filter(|s| s.file == source.file);
    let pointer = policy
        .filter(|_| source.role != "cause")
        .and_then(|_| failed(&event.detail.trace))
        .and_then(|node| node.at.clone());
    Some(Place { file: source.file.clone(), line: source.span.line, start: source.span.start, pointer })
}

/// The innermost decision that did not hold.
pub fn failed(trace: &[TraceNode]) -> Option<&TraceNode> {
    let node = trace.iter().find(|node| matches!(node.outcome, Outcome::No | Outcome::Error))?;
    failed(&node.children).filter(|inner| inner.at.is_some()).or(Some(node))
}

/// The marks of a file, by line.
pub fn marks(timeline: &Timeline, file: &str) -> Vec<Mark> {
    let mut marks: Vec<Mark> = Vec::new();
    for (event, e) in timeline.events.iter().enumerate().filter(|(_, e)| gravity(e.tone) > 0) {
        let Some(source) = origin(e).filter(|s| s.file == file && s.role != "resource") else { continue };
        let line = source.span.line;
        match marks.iter_mut().find(|m| m.line == line) {
            Some(mark) if gravity(mark.tone) >= gravity(e.tone) => {}
            Some(mark) => *mark = Mark { line, tone: e.tone, event },
            None => marks.push(Mark { line, tone: e.tone, event }),
        }
    }
    marks.sort_by_key(|mark| mark.line);
    marks
}

/// How many marks of a file are refusals or failures.
pub fn denials(timeline: &Timeline, file: &str) -> usize {
    marks(timeline, file).iter().filter(|mark| mark.tone == Tone::Deny).count()
}

/// The next event, after `cursor` and round the end, that comes from this line: the smallest place around it counts.
pub fn run_to(timeline: &Timeline, cursor: usize, file: &str, line: usize) -> Option<usize> {
    let starts = |e: &Event| {
        e.detail.sources.iter().filter(|s| s.file == file && s.span.line <= line).map(|s| s.span.line).max()
    };
    let best = timeline.events.iter().filter_map(starts).max()?;
    let hits: Vec<usize> =
        (0..).zip(&timeline.events).filter(|(_, e)| starts(e) == Some(best)).map(|(i, _)| i).collect();
    hits.iter().find(|i| **i > cursor).or(hits.first()).copied()
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
            marks.iter().map(|m| (m.line, m.tone, m.event)).collect::<Vec<_>>(),
            [(5, Tone::Deny, 2), (18, Tone::Deny, 1)]
        );
        assert_eq!((denials(&run(), "p.yaml"), denials(&run(), "q.yaml")), (2, 0));
    }

    #[test]
    fn running_to_a_line_goes_round() {
        assert_eq!(run_to(&run(), 0, "p.yaml", 6), Some(2));
        assert_eq!(run_to(&run(), 2, "p.yaml", 6), Some(0));
        assert_eq!(run_to(&run(), 0, "p.yaml", 30), Some(1));
        assert_eq!(run_to(&run(), 0, "p.yaml", 1), None);
    }
}
