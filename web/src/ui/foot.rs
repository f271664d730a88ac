//! The line under the editor: what is in the files, what is wrong with them, how long the run took; and Stop.

use gloo::timers::callback::Timeout;
use stepgate_engine::diagnostic::{Diagnostic, Severity};
use yew::prelude::*;

use super::Handle;
use crate::run::PATIENCE;
use crate::state::{Action, Engine, Place, State};
use crate::words::count;

/// The state, and what Stop does.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The state.
    pub page: Handle,
    /// Ends the engine.
    pub stop: Callback<()>,
}

/// The line.
#[component]
pub fn Foot(props: &Props) -> Html {
    let page = &props.page;
    let slow = use_state(|| false);
    {
        let slow = slow.clone();
        use_effect_with(page.engine, move |engine| {
            slow.set(false);
            let timer = (*engine == Engine::Running).then(|| Timeout::new(PATIENCE, move || slow.set(true)));
            move || drop(timer)
        });
    }
    let (policies, resources) = documents(page);
    let status = match page.engine {
        Engine::Loading => html! { <span>{ "engine loads…" }</span> },
        Engine::Running if *slow => {
            let stop = props.stop.reform(|_: MouseEvent| ());
            html! { <span>{ "running… " }<button class="link" onclick={stop}>{ "Stop" }</button></span> }
        }
        Engine::Stopped => html! { <span class="tone-warn">{ "stopped; an edit starts again" }</span> },
        _ if page.timeline.is_none() => html! { <span>{ "engine loads…" }</span> },
        _ => html! { <span>{ format!("ran in {} ms", page.millis.round().max(1.0) as u32) }</span> },
    };
    html! {
        <div class="foot" data-settled={(page.shown == page.revision).to_string()}>
            <span class="wide-only">{ format!("{} · {}", count(policies, "policy", "policies"), count(resources, "resource", "resources")) }</span>
            { problems(page) }
            <span class="grow" />
            { status }
        </div>
    }
}

fn problems(page: &Handle) -> Html {
    if let Some(words) = &page.trouble {
        return html! { <span class="tone-deny" title={words.clone()}>{ format!("✕ {words}") }</span> };
    }
    let all: Vec<&Diagnostic> =
        page.timeline.iter().flat_map(|run| &run.diagnostics).filter(|d| d.severity != Severity::Info).collect();
    let Some(worst) = all.iter().copied().min_by_key(|d| d.severity) else {
        return html! { <span>{ "no problems" }</span> };
    };
    let tone = if worst.severity == Severity::Error { "tone-deny" } else { "tone-warn" };
    let go = reveal(page, worst);
    let text = if all.len() == 1 { worst.message.clone() } else { format!("{} ({} in all)", worst.message, all.len()) };
    html! { <button class={classes!("link", "problem", tone)} title={text.clone()} onclick={go}>{ format!("▲ {}:{} {text}", worst.file, line(worst)) }</button> }
}

fn line(diagnostic: &Diagnostic) -> usize {
    diagnostic.span.map_or(1, |span| span.line)
}

fn reveal(page: &Handle, diagnostic: &Diagnostic) -> Callback<MouseEvent> {
    let place = Place { file: diagnostic.file.clone(), line: line(diagnostic), ..Place::default() };
    super::on(page, move || Action::Reveal(place.clone()))
}

/// How many policies and other documents the files hold, by a glance at their `kind` lines.
fn documents(page: &State) -> (usize, usize) {
    let kinds =
        page.document.files.iter().flat_map(|file| file.text.lines()).filter_map(|line| line.strip_prefix("kind:"));
    let (policies, rest): (Vec<&str>, Vec<&str>) =
        kinds.partition(|kind| kind.trim().ends_with("Policy") && kind.trim() != "NetworkPolicy");
    (policies.len(), rest.len())
}
