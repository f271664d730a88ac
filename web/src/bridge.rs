//! What the lazily loaded scripts (`web/io`) may know of the page, and what they may make it do.

use std::cell::RefCell;

use gloo::utils::document;
use js_sys::{Object, Promise, Reflect};
use serde_json::json;
use stepgate_engine::scenario::Scenario;
use wasm_bindgen::prelude::*;
use yew::prelude::*;

use crate::client::Client;
use crate::js::{self, IoModule};
use crate::state::cursor::{self, Move};
use crate::state::{Action, Dialog, State};
use crate::{assets, outcome, words};

thread_local! {
    static LATEST: RefCell<Option<UseReducerHandle<State>>> = const { RefCell::new(None) };
    static PAGE: RefCell<Option<Object>> = const { RefCell::new(None) };
}

/// Tells the scripts of the newest state.
#[hook]
pub fn use_bridge(page: &UseReducerHandle<State>) {
    LATEST.set(Some(page.clone()));
}

/// The scripts of the dialogs.
pub async fn io() -> Result<IoModule, JsValue> {
    Ok(js::load(&assets::url("io")).await?.unchecked_into())
}

/// The page as the scripts see it.
pub fn page() -> Object {
    PAGE.with_borrow_mut(|page| page.get_or_insert_with(make).clone())
}

fn latest() -> Option<UseReducerHandle<State>> {
    LATEST.with_borrow(Clone::clone)
}

fn make() -> Object {
    let scenario = Closure::<dyn Fn() -> String>::new(|| {
        latest().and_then(|page| serde_json::to_string(&pinned(&page)).ok()).unwrap_or_default()
    });
    let facts = Closure::<dyn Fn() -> String>::new(|| latest().map(|page| facts(&page)).unwrap_or_default());
    let ask = Closure::<dyn Fn(String) -> Promise>::new(|request: String| {
        Promise::new(&mut |resolve, _| {
            Client::shared().ask(&request, move |answer| {
                let _ = resolve.call1(&JsValue::NULL, &answer.map_or(JsValue::NULL, |(text, _)| text.into()));
            });
        })
    });
    let act = Closure::<dyn Fn(String, String)>::new(|kind: String, data: String| {
        if let Some(page) = latest() {
            actions(&page, &kind, &data).into_iter().for_each(|action| page.dispatch(action));
        }
    });
    let object = Object::new();
    for (name, closure) in [
        ("scenario", scenario.into_js_value()),
        ("facts", facts.into_js_value()),
        ("ask", ask.into_js_value()),
        ("act", act.into_js_value()),
    ] {
        let _ = Reflect::set(&object, &name.into(), &closure);
    }
    object
}

/// The scenario as it goes out: with the version of Kyverno that it runs with, which stays when a newer one becomes the usual one.
fn pinned(page: &State) -> Scenario {
    let mut scenario = page.document.scenario();
    if scenario.kyverno.is_empty() {
        words::PROFILES[0].clone_into(&mut scenario.kyverno);
    }
    scenario
}

/// The run in short: its outcome, its answers, where one stands.
fn facts(page: &State) -> String {
    let event = page.event();
    let mut facts = json!({
        "choices": page.choices,
        "edited": page.edited(),
        "index": page.cursor,
        "events": page.events().len(),
        "anchor": event.map(|event| event.anchor.as_str()),
        "kind": event.map(|event| event.kind.as_str()),
        "trouble": page.trouble,
        "current": page.shown == page.revision,
    });
    if let (Some(run), Some(map)) = (&page.timeline, facts.as_object_mut()) {
        let answer = |one: &stepgate_engine::timeline::Response| json!({"allowed": one.allowed, "request": one.request, "message": one.message, "warnings": one.warnings});
        map.insert("kyverno".to_owned(), json!(run.kyverno));
        map.insert("kubernetes".to_owned(), json!(run.kubernetes));
        map.insert("sentence".to_owned(), json!(outcome::sentence(run)));
        map.insert("responses".to_owned(), run.responses.iter().map(answer).collect());
        map.insert("pills".to_owned(), outcome::pills(run).into_iter().map(|pill| json!(pill.text)).collect());
    }
    facts.to_string()
}

/// What a script asks for.
fn actions(page: &State, kind: &str, data: &str) -> Vec<Action> {
    match kind {
        "open" | "follow" => match serde_json::from_str::<Scenario>(data).map(Box::new) {
            Ok(scenario) if kind == "follow" => vec![Action::Follow(scenario)],
            Ok(scenario) => vec![Action::Open(scenario)],
            Err(wrong) => vec![Action::Toast(format!("This is no scenario: {wrong}"))],
        },
        "put" => {
            let files: Vec<(String, String)> = serde_json::from_str(data).unwrap_or_default();
            let files = files.into_iter().map(|(name, text)| (name, text.into())).collect();
            vec![Action::Dialog(None), Action::Put(files)]
        }
        "sheet" => vec![Action::Dialog(Some(if data == "saved" { Dialog::Saved } else { Dialog::Import }))],
        "saved" => vec![Action::Saved(data.to_owned())],
        "toast" => vec![Action::Toast(data.to_owned())],
        "close" => vec![Action::Dialog(None)],
        "go" => {
            let index = data.parse().ok().or_else(|| cursor::by_anchor(page.events(), data));
            index.map(|index| Action::Go(Move::To(index))).into_iter().collect()
        }
        "theme" => {
            if let Some(root) = document().document_element() {
                let _ = match data {
                    "light" | "dark" => root.set_attribute("data-theme", data),
                    _ => root.remove_attribute("data-theme"),
                };
            }
            Vec::new()
        }
        _ => Vec::new(),
    }
}
