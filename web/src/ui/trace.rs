//! A decision and those it rests on: a glyph, the words, the values, and the place in the policy.

use serde_json::Value;
use stepgate_engine::eval::trace::{Outcome, TraceNode};
use stepgate_engine::timeline::{Event, Source};
use yew::prelude::{Callback, Html, MouseEvent, Properties, classes, component, html, use_state};

use super::tour::marked;
use super::{Handle, on};
use crate::state::{Action, Place, State, places, verdicts};
use crate::yaml;

/// Longer values are cut.
const LONG: usize = 160;

/// A decision.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The state.
    pub page: Handle,
    /// The decision.
    pub node: TraceNode,
    /// Where its policy is written.
    pub source: Option<Source>,
    /// Where the object that it looked at is written.
    #[prop_or_default]
    pub object: Option<Source>,
}

/// The decision; open where something below it failed, or where the caret of the editor stands.
#[component]
pub fn Branch(props: &Props) -> Html {
    let Props { page, node, source, object } = props;
    let open = use_state(|| failed(node));
    let (tone, glyph, word) = look(node.outcome);
    let source = written_by(page, node).or_else(|| source.clone());
    let toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let lit = |node: &TraceNode| source.as_ref().is_some_and(|s| places::under_caret(page.caret.as_ref(), s, node));
    let shown = *open || any(node, &lit);
    let branch = !node.children.is_empty();
    html! {
        <div class="node">
            <div class={classes!("leaf", lit(node).then_some("lit"))}>
                <span class={format!("g tone-{tone}")} role="img" aria-label={word}>{ glyph }</span>
                <span class="t">{ words(page, node, source.as_ref(), object.as_ref()) }</span>
                if branch { <button class="fold" aria-expanded={shown.to_string()} aria-label={format!("{} decisions below", node.children.len())} onclick={toggle}>{ if shown { "▾" } else { "▸" } }</button> }
            </div>
            if branch && shown {
                <div class="kids">{ for node.children.iter().map(|child| html! { <Branch page={page.clone()} node={child.clone()} source={source.clone()} object={object.clone()} /> }) }</div>
            }
        </div>
    }
}

/// The tone, the glyph and the word of an outcome.
pub fn look(outcome: Outcome) -> (&'static str, &'static str, &'static str) {
    match outcome {
        Outcome::Yes => ("allow", "✓", "holds"),
        Outcome::No => ("deny", "✕", "does not hold"),
        Outcome::Skip => ("dim", "–", "not looked at"),
        Outcome::Error => ("warn", "!", "could not be decided"),
        Outcome::Idle => ("dim", "–", "does not apply"),
        Outcome::Denies => ("deny", "✕", "applies and denies"),
        Outcome::Info => ("dim", "·", "fact"),
    }
}

/// A decision behind the current event on one line.
pub fn line(page: &Handle, node: &TraceNode) -> Html {
    let told = page.event().and_then(|event| places::reason(page.events(), event));
    let source = told.and_then(|told| policy_source(page, told));
    words(page, node, written_by(page, node).or(source).as_ref(), told.and_then(object_source).as_ref())
}

/// Where the policy of an event is written.
pub fn policy_source(page: &State, told: &Event) -> Option<Source> {
    let run = page.timeline.as_ref()?;
    let whole = told.detail.policy.as_deref().and_then(|key| verdicts::written(run, key));
    whole.or_else(|| told.detail.sources.iter().find(|s| s.role == "rule")).cloned()
}

/// Where the object of an event is written.
pub fn object_source(told: &Event) -> Option<Source> {
    told.detail.sources.iter().find(|s| s.role == "resource").cloned()
}

/// The own text of a decision that is another document's: of a policy, of an exception.
fn written_by(page: &State, node: &TraceNode) -> Option<Source> {
    let key = match node.kind.as_str() {
        "policy" => node.text.as_str(),
        "exception" => node.text.strip_prefix("PolicyException ")?,
        _ => return None,
    };
    verdicts::written(page.timeline.as_ref()?, key).cloned()
}

fn any(node: &TraceNode, lit: &impl Fn(&TraceNode) -> bool) -> bool {
    node.children.iter().any(|child| lit(child) || any(child, lit))
}

/// The words, which lead to their place in the policy, and the values, which lead to theirs in the object.
fn words(page: &Handle, node: &TraceNode, source: Option<&Source>, object: Option<&Source>) -> Html {
    let text = match (&node.at, source) {
        (Some(pointer), Some(source)) => {
            let title = format!("{pointer} in {}", source.file);
            let place = place(source, pointer);
            html! { <button class="place" {title} onclick={on(page, move || Action::Reveal(place.clone()))}>{ marked(&node.text) }</button> }
        }
        _ => marked(&node.text),
    };
    let looked = match (&node.looked_at, object) {
        (Some(pointer), Some(object)) => {
            let place = place(object, pointer);
            let title = format!("{pointer} in {}", object.file);
            html! { <button class="place kv" {title} onclick={on(page, move || Action::Reveal(place.clone()))}>{ " at " }<code>{ pointer }</code></button> }
        }
        _ => Html::default(),
    };
    html! { <>{ text }{ values(node, object.is_some()) }{ looked }</> }
}

fn place(source: &Source, pointer: &str) -> Place {
    let (file, line, start) = (source.file.clone(), source.span.line, source.span.start);
    Place { file, line, start, pointer: Some(pointer.to_owned()) }
}

fn failed(node: &TraceNode) -> bool {
    node.outcome.failed() || node.children.iter().any(failed)
}

/// The values that the words do not already name.
fn values(node: &TraceNode, object: bool) -> Html {
    let value = |name: &str, text: Option<String>| {
        let text = text.filter(|text| !node.text.contains(text.as_str()))?;
        Some(html! { <span class="kv">{ name }<code>{ text }</code></span> })
    };
    html! {
        <>
            { for value(" wants ", node.want.as_ref().map(short)) }
            { for value(" found ", node.found.as_ref().map(short)) }
            { for value(" at ", node.looked_at.clone().filter(|_| !object)) }
        </>
    }
}

/// A value on one line.
fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::Object(_) | Value::Array(_) => value.to_string(),
        scalar => yaml::text(scalar).trim_end().to_owned(),
    };
    if text.chars().count() > LONG { text.chars().take(LONG).chain(['…']).collect() } else { text }
}
