//! The fields of the forms: a line, lines, a switch, and a value as YAML that the engine reads.

use serde_json::Value;
use web_sys::{HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use crate::client::Client;
use crate::yaml;

/// A text that is written by hand.
#[derive(Clone, PartialEq, Properties)]
pub struct Text {
    /// The text as it is.
    pub value: AttrValue,
    /// Shown while there is none.
    #[prop_or_default]
    pub hint: AttrValue,
    /// Its name, where no label has it.
    #[prop_or_default]
    pub name: Option<AttrValue>,
    /// More about it.
    #[prop_or_default]
    pub title: Option<AttrValue>,
    /// Its class.
    #[prop_or_default]
    pub class: Classes,
    /// Lines of an area; none is a field of one line.
    #[prop_or_default]
    pub rows: Option<usize>,
    /// Whether it cannot be read.
    #[prop_or_default]
    pub invalid: bool,
    /// Takes what was written, once it is complete.
    pub set: Callback<String>,
}

/// The field. What is being written stays, whatever else of the page is drawn anew: only another value takes its place.
#[component]
pub fn Written(props: &Text) -> Html {
    let field = use_node_ref();
    use_effect_with((props.value.clone(), field.clone()), |(value, field)| {
        if let Some(input) = field.cast::<HtmlInputElement>() {
            input.set_value(value);
        } else if let Some(area) = field.cast::<HtmlTextAreaElement>() {
            area.set_value(value);
        }
    });
    let onchange = {
        let set = props.set.clone();
        Callback::from(move |event: Event| {
            let input = event.target_dyn_into::<HtmlInputElement>().map(|input| input.value());
            let area = || event.target_dyn_into::<HtmlTextAreaElement>().map(|area| area.value());
            input.or_else(area).into_iter().for_each(|text| set.emit(text));
        })
    };
    let (class, name, title, hint) = (props.class.clone(), props.name.clone(), props.title.clone(), props.hint.clone());
    match props.rows {
        None => html! { <input ref={field} {class} aria-label={name} {title} placeholder={hint} {onchange} /> },
        Some(rows) => html! {
            <textarea ref={field} {class} aria-label={name} {title} placeholder={hint} rows={rows.to_string()} spellcheck="false"
                aria-invalid={props.invalid.to_string()} {onchange} />
        },
    }
}

/// One line of text.
pub fn line(label: &str, value: &str, hint: &str, set: Callback<String>) -> Html {
    let set = set.reform(|text: String| text.trim().to_owned());
    html! { <label class="field"><span>{ label }</span><Written value={value.to_owned()} hint={hint.to_owned()} {set} /></label> }
}

/// A list, one entry to a line.
pub fn lines(label: &str, value: &[String], hint: &str, set: Callback<Vec<String>>) -> Html {
    let set = set.reform(|text: String| {
        text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect::<Vec<_>>()
    });
    let rows = value.len().clamp(2, 8);
    html! { <label class="field tall"><span>{ label }</span><Written {rows} value={value.join("\n")} hint={hint.to_owned()} {set} /></label> }
}

/// A switch.
pub fn switch(label: Html, value: bool, set: Callback<bool>) -> Html {
    let onchange = Callback::from(move |event: Event| {
        if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
            set.emit(input.checked());
        }
    });
    html! { <label class="check"><input type="checkbox" checked={value} {onchange} />{ " " }{ label }</label> }
}

/// A value as YAML.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// What it is.
    pub label: AttrValue,
    /// The value as it is.
    pub value: Value,
    /// Takes what was written, once it can be read; what it says against it is shown.
    pub set: Callback<Value, Option<String>>,
}

/// The field; what cannot be read stays in it, with the reason below.
#[component]
pub fn YamlField(props: &Props) -> Html {
    let wrong = use_state(|| None::<String>);
    let text = if props.value.is_null() { String::new() } else { yaml::text(&props.value) };
    let busy = use_state(|| false);
    let read = {
        let (wrong, busy, set) = (wrong.clone(), busy.clone(), props.set.clone());
        Callback::from(move |text: String| {
            let request = serde_json::json!({"op": "parse", "text": text}).to_string();
            let (wrong, busy, set) = (wrong.clone(), busy.clone(), set.clone());
            busy.set(true);
            Client::shared().ask(&request, move |answer| {
                busy.set(false);
                let answer: Value = answer.and_then(|(text, _)| serde_json::from_str(&text).ok()).unwrap_or_default();
                wrong.set(match answer.get("value") {
                    Some(value) => set.emit(value.clone()),
                    None => {
                        let message = answer.pointer("/diagnostics/0/message").and_then(Value::as_str);
                        let line = answer.pointer("/diagnostics/0/span/line").and_then(Value::as_u64);
                        Some(format!("Line {}: {}", line.unwrap_or(1), message.unwrap_or("this is no YAML")))
                    }
                });
            });
        })
    };
    let rows = text.lines().count().clamp(3, 18);
    html! {
        <label class="field tall" aria-busy={busy.to_string()}>
            <span>{ &props.label }</span>
            <Written {rows} value={text} invalid={wrong.is_some()} set={read} />
            if let Some(words) = &*wrong { <small class="problem tone-deny" role="alert">{ words }</small> }
        </label>
    }
}
