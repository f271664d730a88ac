//! Which rows to join with lines: an event with what caused it, and with what it causes.

use stepgate_engine::timeline::Timeline;

use super::cursor::index_of;
use super::rows::Row;

/// Causes and effects that are drawn at most.
const MOST: usize = 24;

/// A line between two rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The row of the cause.
    pub from: usize,
    /// The row of what it caused.
    pub to: usize,
    /// Whether something between them is not shown.
    pub dashed: bool,
    /// Whether it leads away from the current event.
    pub effect: bool,
}

/// The lines around the current event.
pub fn links(timeline: &Timeline, rows: &[Row], cursor: usize) -> Vec<Link> {
    let events = &timeline.events;
    let row_of = |index: usize| rows.iter().position(|row| *row == Row::Event(index));
    let heading = |index: usize| {
        let step = events.get(index).map(|e| e.step)?;
        rows.iter().position(|row| *row == Row::Step(step))
    };
    let (mut links, mut index, mut dashed) = (Vec::new(), cursor, false);
    let Some(mut to) = row_of(cursor) else { return links };
    while let Some(cause) = events.get(index).and_then(|e| index_of(events, e.cause?)).filter(|c| *c < index) {
        match row_of(cause) {
            Some(from) => {
                links.push(Link { from, to, dashed, effect: false });
                (to, dashed) = (from, false);
            }
            None => dashed = true,
        }
        index = cause;
        if links.len() >= MOST {
            break;
        }
    }
    if dashed && let Some(from) = heading(index).filter(|from| *from < to) {
        links.push(Link { from, to, dashed, effect: false });
    }
    let seq = events.get(cursor).map(|e| e.seq);
    let effects = events.iter().enumerate().filter(|(_, e)| e.cause.is_some() && e.cause == seq);
    let from = row_of(cursor).unwrap_or_default();
    links.extend(effects.filter_map(|(i, _)| row_of(i)).take(MOST).map(|to| Link {
        from,
        to,
        dashed: false,
        effect: true,
    }));
    links
}

#[cfg(test)]
mod tests {
    use stepgate_engine::timeline::Event;

    use super::*;

    #[test]
    fn joins_causes_and_effects_and_dashes_what_is_hidden() {
        let event = |(i, cause): (usize, u32)| Event {
            seq: i as u32 + 1,
            cause: (cause > 0).then_some(cause),
            ..Event::default()
        };
        let events = [0, 1, 2, 3].into_iter().enumerate().map(event).collect();
        let timeline = Timeline { events, ..Timeline::default() };
        let link = |from, to, dashed, effect| Link { from, to, dashed, effect };
        let all: Vec<Row> = (0..4).map(Row::Event).collect();
        assert_eq!(
            links(&timeline, &all, 2),
            [link(1, 2, false, false), link(0, 1, false, false), link(2, 3, false, true)]
        );
        let hidden = [Row::Step(0), Row::Event(0), Row::Event(2)];
        assert_eq!(links(&timeline, &hidden, 2), [link(1, 2, true, false)]);
        let folded = [Row::Step(0), Row::Event(2)];
        assert_eq!(links(&timeline, &folded, 2), [link(0, 1, true, false)]);
    }
}
