//! A decision and those it rests on: a glyph, the words, the values, and the place in the policy.

use serde_json::Value;
use stepgate_engine::eval::trace::{Outcome, TraceNode};
use stepgate_engine::timeline::Source;
use yew::prelude::*;

use super::on;
use super::tour::marked;
use crate::state::{Action, Place, State};
use crate::yaml;

/// Longer values are cut.
const LONG: usize = 160;

/// A decision.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The state.
    pub page: UseReducerHandle<State>,
    /// The decision.
    pub node: TraceNode,
    /// Where its policy is written.
    pub source: Option<Source>,
}

/// The decision; open where something below it failed.
#[component]
pub fn Branch(props: &Props) -> Html {
    let Props { page, node, source } = props;
    let open = use_state(|| failed(node));
    let (tone, glyph, word) = match node.outcome {
        Outcome::Yes => ("allow", "✓", "holds"),
        Outcome::No => ("deny", "✕", "does not hold"),
        Outcome::Skip => ("dim", "–", "not looked at"),
        Outcome::Error => ("warn", "!", "could not be decided"),
        Outcome::Info => ("dim", "·", "fact"),
    };
    let text = match (&node.at, source) {
        (Some(pointer), Some(source)) => {
            let place = Place {
                file: source.file.clone(),
                line: source.span.line,
                start: source.span.start,
                pointer: Some(pointer.clone()),
            };
            let title = format!("{pointer} in {}", source.file);
            html! { <button class="place" {title} onclick={on(page, move || Action::Reveal(place.clone()))}>{ marked(&node.text) }</button> }
        }
        _ => marked(&node.text),
    };
    let toggle = {
        let open = open.clone();
        Callback::from(move |_: MouseEvent| open.set(!*open))
    };
    let branch = !node.children.is_empty();
    html! {
        <div class="node">
            <div class="leaf">
                <span class={format!("g tone-{tone}")} role="img" aria-label={word}>{ glyph }</span>
                <span class="t">{ text }{ values(node) }
                    if branch { <button class="fold" aria-expanded={open.to_string()} aria-label={format!("{} decisions below", node.children.len())} onclick={toggle}>{ if *open { "▾" } else { "▸" } }</button> }
                </span>
            </div>
            if branch && *open {
                <div class="kids">{ for node.children.iter().map(|child| html! { <Branch page={page.clone()} node={child.clone()} source={source.clone()} /> }) }</div>
            }
        </div>
    }
}

fn failed(node: &TraceNode) -> bool {
    matches!(node.outcome, Outcome::No | Outcome::Error) || node.children.iter().any(failed)
}

/// The values that the words do not already name.
fn values(node: &TraceNode) -> Html {
    let value = |name: &str, text: Option<String>| {
        let text = text.filter(|text| !node.text.contains(text.as_str()))?;
        Some(html! { <span class="kv">{ name }<code>{ text }</code></span> })
    };
    html! {
        <>
            { for value(" wants ", node.want.as_ref().map(short)) }
            { for value(" found ", node.found.as_ref().map(short)) }
            { for value(" at ", node.looked_at.clone()) }
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
