//! What every rule said to the request of the current event, matched or not; and what came closest where none matched.

use stepgate_engine::timeline::{Event, PolicyLine};
use yew::prelude::*;

use super::Handle;
use super::tour::marked;
use super::trace::{Branch, object_source};
use crate::state::cursor::{chain, is_change};
use crate::state::verdicts::{self, RuleLine, Said};
use crate::state::{State, places};
use crate::words::{count, in_order};

/// The list.
pub fn view(page: &Handle) -> Html {
    let (Some(run), Some(event)) = (&page.timeline, page.event()) else { return Html::default() };
    let lines = verdicts::rules(run, event);
    if lines.is_empty() {
        return Html::default();
    }
    let closest = verdicts::closest(&lines).map(|line| {
        html! {
            <p class="note">{ "No rule matched. Closest: " }<strong>{ name(line) }</strong>{ ", but " }{ marked(&line.why) }</p>
        }
    });
    let lines = in_order(&lines, |line| line.said);
    // Where nothing else tells why, the list is what one came for.
    let own =
        places::reason(page.events(), event).is_some_and(|told| told.detail.trace.iter().any(|n| n.kind != "policy"));
    let unasked = run
        .policies
        .iter()
        .filter(|policy| policy.kind != "PolicyException" && lines.iter().all(|line| line.policy != policy.key));
    let object = object_source(event);
    let item = |line: &&RuleLine<'_>| {
        let (tone, glyph, word) = look(line.said);
        let source = verdicts::written(run, line.policy).cloned();
        html! {
            <li key={format!("{}/{}", line.policy, line.rule)}>
                <details>
                    <summary><span class={format!("g tone-{tone}")}>{ glyph }</span><span><b>{ name(line) }</b>{ format!(" {word}") }
                        if !line.why.is_empty() { <span class="quiet">{ ": " }{ marked(&line.why) }</span> }</span></summary>
                    <Branch page={page.clone()} node={line.node.clone()} {source} object={object.clone()} />
                </details>
            </li>
        }
    };
    html! {
        <>
            { closest }
            <details class="rules" open={!own}>
                <summary>{ format!("What every rule said: {}", tally(&lines)) }</summary>
                <ul>
                    { for lines.iter().map(item) }
                    { for unasked.map(|policy| html! { <li class="quiet"><span class="g">{ "–" }</span><b>{ &policy.key }</b>{ format!(" {}", unasked_because(page, event, policy)) }</li> }) }
                </ul>
            </details>
        </>
    }
}

fn name(line: &RuleLine<'_>) -> String {
    if line.rule.is_empty() { line.policy.to_owned() } else { format!("{} / {}", line.policy, line.rule) }
}

fn look(said: Said) -> (&'static str, &'static str, &'static str) {
    match said {
        Said::Error => ("warn", "!", "could not be evaluated"),
        Said::Fails => ("deny", "✕", "does not hold"),
        Said::Holds => ("allow", "✓", "applies and holds"),
        Said::Lifted => ("dim", "–", "is lifted by an exception"),
        Said::Skipped => ("dim", "–", "was skipped"),
        Said::Excluded => ("dim", "–", "excludes it"),
        Said::Unmatched => ("dim", "–", "does not match"),
    }
}

/// `1 fails, 2 hold, 3 do not match`.
fn tally(lines: &[&RuleLine<'_>]) -> String {
    let kinds = [
        (Said::Error, "could not be evaluated", "could not be evaluated"),
        (Said::Fails, "fails", "fail"),
        (Said::Holds, "holds", "hold"),
        (Said::Lifted, "lifted", "lifted"),
        (Said::Skipped, "skipped", "skipped"),
        (Said::Excluded, "excluded", "excluded"),
        (Said::Unmatched, "does not match", "do not match"),
    ];
    let of = |said: Said| lines.iter().filter(|line| line.said == said).count();
    let parts: Vec<String> = kinds
        .into_iter()
        .filter(|(said, ..)| of(*said) > 0)
        .map(|(said, one, many)| count(of(said), one, many))
        .collect();
    parts.join(", ")
}

/// Why a policy has nothing to say to a request.
fn unasked_because(page: &State, event: &Event, policy: &PolicyLine) -> &'static str {
    let asked = chain(page.events(), event).find(|e| e.kind == "request").map_or(0, |e| e.seq);
    let is = |e: &&Event| e.subject.as_ref().is_some_and(|s| s.kind == policy.kind && policy.key.ends_with(&s.name));
    let stored = page.events().iter().take_while(|e| e.seq < asked).filter(|e| is_change(e)).any(|e| is(&e));
    match (policy.off, stored || page.document.rest.cluster.contains(&policy.source.file)) {
        (true, _) => "is switched off",
        (_, false) => "was not in the cluster then",
        (_, true) => "was not asked: none of its rules is about this kind and operation",
    }
}
