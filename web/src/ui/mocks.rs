//! What the outside would answer: API calls, global context entries, images, HTTP services.

use serde_json::{Value, json};
use stepgate_engine::scenario::Mocks as Answers;
use yew::prelude::*;

use super::fields::{YamlField, line};
use super::{Handle, on};
use crate::state::{Action, Change};

/// One kind of answer: its heading, what it is for, its list, its lines `(label, pointer, hint)`, its YAML `(label, pointer)`.
struct Kind {
    title: &'static str,
    about: &'static str,
    list: fn(&mut Answers) -> &mut Vec<Value>,
    lines: &'static [(&'static str, &'static str, &'static str)],
    yaml: (&'static str, &'static str),
}

const CALL: &[(&str, &str, &str)] = &[
    ("Method", "/method", "GET"),
    ("URL or path", "/urlPath", "/api/v1/namespaces"),
    ("Status", "/response/statusCode", "200"),
];

const KINDS: [Kind; 4] = [
    Kind {
        title: "API calls",
        about: "What `apiCall` context entries get from outside the cluster; objects in the cluster need no mock.",
        list: |answers| &mut answers.api_calls,
        lines: CALL,
        yaml: ("Body", "/response/body"),
    },
    Kind {
        title: "Global context",
        about: "The data of GlobalContextEntries that call an API.",
        list: |answers| &mut answers.global_context,
        lines: &[("Name", "/name", "my-entry")],
        yaml: ("Data", "/data"),
    },
    Kind {
        title: "Images",
        about: "What a registry would say: who signed an image, its digest, its manifest and configuration.",
        list: |answers| &mut answers.images,
        lines: &[("Image", "/image", "ghcr.io/org/app:1"), ("Digest", "/digest", "sha256:…")],
        yaml: ("Everything about it", ""),
    },
    Kind {
        title: "HTTP",
        about: "What CEL's `http.Get` and `http.Post` get.",
        list: |answers| &mut answers.http,
        lines: CALL,
        yaml: ("Body", "/response/body"),
    },
];

/// The forms.
pub fn view(page: &Handle) -> Html {
    html! { <>{ for KINDS.iter().map(|kind| form(page, kind)) }</> }
}

fn form(page: &Handle, kind: &'static Kind) -> Html {
    let mut answers = page.document.rest.mocks.clone();
    let entries = (kind.list)(&mut answers).clone();
    let change = |act: fn(&mut Vec<Value>, usize), at: usize| {
        on(page, move || Action::Inputs(Change::new(move |rest| act((kind.list)(&mut rest.mocks), at))))
    };
    let entry = |(i, entry): (usize, &Value)| {
        let put = {
            let page = page.dispatcher();
            move |changes: Vec<(&'static str, Value)>| {
                page.dispatch(Action::Inputs(Change::new(move |rest| {
                    if let Some(entry) = (kind.list)(&mut rest.mocks).get_mut(i) {
                        changes.iter().for_each(|(pointer, value)| set(entry, pointer, value.clone()));
                    }
                })));
            }
        };
        let field = |(label, pointer, hint): &(&'static str, &'static str, &'static str)| {
            let (pointer, put) = (*pointer, put.clone());
            let set = Callback::from(move |text: String| match pointer {
                // Calls to a service are known by their whole address.
                "/urlPath" if text.starts_with("http") => {
                    put(vec![("/urlPath", Value::Null), ("/url", Value::String(text))])
                }
                "/urlPath" => put(vec![("/url", Value::Null), (pointer, typed(pointer, text))]),
                _ => put(vec![(pointer, typed(pointer, text))]),
            });
            line(label, &shown(entry, pointer), hint, set)
        };
        let (label, pointer) = kind.yaml;
        let write = put.clone();
        let set = Callback::from(move |value: Value| {
            write(vec![(pointer, value)]);
            None
        });
        let remove = change(|list, at| drop((at < list.len()).then(|| list.remove(at))), i);
        html! {
            <li key={i}>
                <div class="fields">{ for kind.lines.iter().map(field) }</div>
                <YamlField {label} value={entry.pointer(pointer).cloned().unwrap_or_default()} {set} />
                <button class="link" onclick={remove}>{ "Remove" }</button>
            </li>
        }
    };
    let add = change(|list, _| list.push(json!({})), 0);
    html! {
        <details open={!entries.is_empty()}>
            <summary>{ kind.title }{ if entries.is_empty() { String::new() } else { format!(" · {}", entries.len()) } }</summary>
            <p class="quiet">{ super::tour::marked(kind.about) }</p>
            <ul>{ for entries.iter().enumerate().map(entry) }</ul>
            <button class="btn" onclick={add}>{ format!("+ {}", kind.title.trim_end_matches('s')) }</button>
        </details>
    }
}

fn shown(entry: &Value, pointer: &str) -> String {
    let path = entry.pointer(pointer).or_else(|| entry.pointer("/url").filter(|_| pointer == "/urlPath"));
    path.map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// A status is a number; nothing is nothing.
fn typed(pointer: &str, text: String) -> Value {
    match text.parse::<u16>() {
        Ok(number) if pointer.ends_with("statusCode") => json!(number),
        _ if text.is_empty() => Value::Null,
        _ => Value::String(text),
    }
}

/// Puts a value at a pointer and makes the mappings on the way; null takes it away.
pub fn set(target: &mut Value, pointer: &str, value: Value) {
    let Some((first, rest)) = pointer.strip_prefix('/').map(|p| p.split_once('/').unwrap_or((p, ""))) else {
        *target = value;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(map) = target.as_object_mut() else { return };
    if !rest.is_empty() {
        set(map.entry(first.to_owned()).or_insert(Value::Null), &format!("/{rest}"), value);
    } else if value.is_null() {
        map.shift_remove(first);
    } else {
        map.insert(first.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_and_takes_away() {
        let mut value = json!({});
        set(&mut value, "/response/statusCode", typed("/response/statusCode", "404".to_owned()));
        set(&mut value, "/method", typed("/method", "GET".to_owned()));
        assert_eq!(value, json!({"response": {"statusCode": 404}, "method": "GET"}));
        set(&mut value, "/method", typed("/method", String::new()));
        assert_eq!(value, json!({"response": {"statusCode": 404}}));
        set(&mut value, "", json!(1));
        assert_eq!(value, json!(1));
    }
}
