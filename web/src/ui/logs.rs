//! Logs: what Kyverno's controllers print, up to the current event.

use stepgate_engine::timeline::LogLine;
use yew::prelude::*;

use super::{Handle, on};
use crate::state::cursor::{Move, index_of};
use crate::state::{Action, State};
use crate::words;

/// The levels, and what each filter shows.
const LEVELS: [(&str, &str); 4] = [
    ("errors", "ERR only"),
    ("info", "ERR and INF"),
    ("default", "what the chart's default verbosity prints"),
    ("all", "also V3 and V4"),
];

/// The lines that are shown, oldest first.
pub fn lines(state: &State) -> impl Iterator<Item = &LogLine> {
    let seq = state.event().map_or(0, |e| e.seq);
    let verbosity = state.verbosity;
    let run = state.timeline.as_ref();
    run.into_iter().flat_map(|run| &run.logs).filter(move |line| line.seq <= seq && rank(&line.level) <= verbosity)
}

fn rank(level: &str) -> u8 {
    match level {
        "ERR" => 0,
        "INF" | "WRN" => 1,
        "DBG" | "TRC" => 2,
        _ => 3,
    }
}

/// The view.
pub fn view(page: &Handle) -> Html {
    let level = |(n, (name, title)): (usize, (&'static str, &'static str))| {
        let n = n as u8;
        html! { <button class="chip" aria-pressed={(page.verbosity == n).to_string()} {title} onclick={on(page, move || Action::Verbosity(n))}>{ name }</button> }
    };
    let seq = page.event().map_or(0, |e| e.seq);
    let line = |line: &LogLine| {
        let index = index_of(page.events(), line.seq).unwrap_or_default();
        let class =
            classes!("log", format!("l-{}", line.level.to_ascii_lowercase()), (line.seq == seq).then_some("now"));
        html! {
            <li {class}>
                <button class="seq-no" title="Go to its event" onclick={on(page, move || Action::Go(Move::To(index)))}>{ line.seq }</button>
                <code>{ &line.line }</code>
                if line.expected { <span class="pill p-allow" title="Alerting should ignore this line">{ "✓ expected" }</span> }
                else if line.level == "ERR" { <span class="pill p-deny">{ "! needs action" }</span> }
            </li>
        }
    };
    let shown: Vec<&LogLine> = lines(page).collect();
    html! {
        <div class="logs">
            <div class="chips" role="group" aria-label="Level">{ for LEVELS.into_iter().enumerate().map(level) }</div>
            if shown.is_empty() { <p class="quiet">{ words::NO_LOGS }</p> }
            <ol>{ for shown.into_iter().map(line) }</ol>
        </div>
    }
}
