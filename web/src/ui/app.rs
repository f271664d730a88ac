//! The root: wires the state to the engine, to storage and to the keyboard, and lays out the panes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo::events::EventListener;
use gloo::timers::callback::{Interval, Timeout};
use gloo::utils::{document, window};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;

use super::Page;
use super::drop::use_drops;
use super::examples::{self, Entry};
use super::{
    editor::Editor, examples::Examples, files::Files, header::Header, inspector::Inspector, keys_help::KeysHelp,
    lanes::Lanes, live::Live, outcome::OutcomeStrip, palette::Palette, share::Share, splitter::Splitter, steps::Steps,
    toast::Toast, tour::Tour, transport::Transport,
};
use crate::client::Client;
use crate::link::{self, Target};
use crate::state::cursor::Move;
use crate::state::{Action, Dialog, Pane, Side, State};
use crate::{keys, run, saved, words};

/// Milliseconds that an event stays while playing; a refusal stays twice as long.
const BEAT: u32 = 900;

/// The page.
#[component]
pub fn App() -> Html {
    let page = use_reducer(|| saved::work().map_or_else(State::empty, State::open));
    let gallery = use_state(Vec::<Entry>::new);
    use_opening(&page, gallery.setter());
    use_engine(&page);
    use_keeping(&page);
    use_playing(&page);
    use_keys(&page);
    let over = use_drops(&page);

    let pane = match page.pane {
        Pane::Editor => "editor",
        Pane::Timeline => "timeline",
        Pane::Inspector => "inspector",
    };
    let stop = {
        let page = page.dispatcher();
        Callback::from(move |()| {
            Client::shared().stop();
            page.dispatch(Action::Halted);
        })
    };
    let props = Page { page: page.clone() };
    html! {
        <>
            <a class="skip" href="#timeline">{ words::SKIP }</a>
            <Header ..props.clone() />
            <main data-pane={pane}>
                <section class="left" aria-label="Files">
                    <Files ..props.clone() />
                    <Editor ..props.clone() />
                    if page.side == Side::Steps { <Steps ..props.clone() /> }
                    <super::foot::Foot page={page.clone()} {stop} />
                </section>
                <Splitter name="--left" label="Width of the files" upright=true />
                <section class="right" id="timeline" aria-label="Timeline" tabindex="-1">
                    <OutcomeStrip ..props.clone() />
                    <Tour ..props.clone() />
                    <Lanes ..props.clone() />
                    <Transport ..props.clone() />
                    <Splitter name="--insp" label="Height of the inspector" upright=false />
                    <Inspector ..props.clone() />
                </section>
            </main>
            <nav class="panes" aria-label="Panes">{ for [(Pane::Editor, "Files"), (Pane::Timeline, "Timeline"), (Pane::Inspector, "Why")].map(|(pane, text)| {
                let current = (page.pane == pane).then_some("page");
                html! { <button aria-current={current} onclick={super::on(&page, move || Action::Pane(pane))}>{ text }</button> }
            }) }</nav>
            <Examples page={page.clone()} entries={(*gallery).clone()} />
            <Palette page={page.clone()} entries={(*gallery).clone()} />
            if over { <div class="drop">{ words::DROP }</div> }
            <Share ..props.clone() />
            <KeysHelp ..props.clone() />
            <Toast ..props.clone() />
            <Live ..props />
        </>
    }
}

/// Opens what the link asks for, else the last visit's work, else the first example; and follows later links.
#[hook]
fn use_opening(page: &UseReducerHandle<State>, gallery: UseStateSetter<Vec<Entry>>) {
    let page = page.dispatcher();
    let empty = saved::work().is_none();
    use_effect_with((), move |()| {
        Client::shared().start();
        let follow = page.clone();
        spawn_local(async move {
            let entries = examples::load().await;
            gallery.set(entries.clone());
            open_target(&page, &entries, empty).await;
        });
        let listener = EventListener::new(&window(), "hashchange", move |_| {
            let page = follow.clone();
            spawn_local(async move { open_target(&page, &examples::load().await, false).await });
        });
        move || drop(listener)
    });
}

async fn open_target(page: &UseReducerDispatcher<State>, entries: &[Entry], empty: bool) {
    let hash = window().location().hash().unwrap_or_default();
    let open = |mut scenario: stepgate_engine::scenario::Scenario, at: String| {
        if !at.is_empty() {
            scenario.view.get_or_insert_default().at = at;
        }
        page.dispatch(Action::Open(Box::new(scenario)));
    };
    let first = || {
        if let Some(entry) = entries.first().filter(|_| empty) {
            open(entry.scenario.clone(), String::new());
        }
    };
    let fall_back = |why: String| {
        first();
        page.dispatch(Action::Toast(why));
    };
    match link::target(&hash) {
        Target::Packed(packed, at) => match link::unpack(&packed).await {
            Ok(scenario) => open(scenario, at),
            Err(why) => fall_back(why.to_owned()),
        },
        Target::Example(id, at) => match entries.iter().find(|entry| entry.id == id) {
            Some(entry) => open(entry.scenario.clone(), at),
            None => fall_back(format!("There is no example called {id}.")),
        },
        Target::Playground(_) => fall_back("Links of the official playground open soon.".to_owned()),
        Target::Nothing => first(),
    }
}

/// Runs after every pause in typing; an answer to an older question is dropped.
#[hook]
fn use_engine(page: &UseReducerHandle<State>) {
    let state = page.clone();
    let desk = use_memo((), |()| Desk::default());
    use_effect_with(page.revision, move |revision| {
        desk.newest.set(*revision);
        let timer = Rc::new(RefCell::new(None));
        if *revision > 0 {
            wait(&desk, &state, if state.fresh { 0 } else { run::PAUSE }, &timer);
        }
        move || drop(timer.take())
    });
}

/// What is asked for and what is being worked at.
#[derive(Default)]
struct Desk {
    newest: Cell<u32>,
    /// When the run at work began.
    began: Cell<Option<f64>>,
}

/// Asks after a pause, once the run before is done; one that takes too long is ended.
fn wait(desk: &Rc<Desk>, state: &UseReducerHandle<State>, pause: u32, timer: &Rc<RefCell<Option<Timeout>>>) {
    let (desk, state, again) = (desk.clone(), state.clone(), timer.clone());
    let next = Timeout::new(pause, move || match desk.began.get() {
        Some(began) if js_sys::Date::now() - began < run::LIMIT => wait(&desk, &state, run::PAUSE, &again),
        Some(_) => {
            Client::shared().stop();
            ask(&desk, &state);
        }
        None => ask(&desk, &state),
    });
    *timer.borrow_mut() = Some(next);
}

fn ask(desk: &Rc<Desk>, state: &UseReducerHandle<State>) {
    let (desk, page, revision) = (desk.clone(), state.dispatcher(), state.revision);
    desk.began.set(Some(js_sys::Date::now()));
    page.dispatch(Action::Begun);
    Client::shared().ask(&run::request(&state.document.scenario(), &state.choices), move |answer| {
        desk.began.set(None);
        if desk.newest.get() != revision {
            return;
        }
        page.dispatch(match answer.map(|(text, millis)| (run::read(&text), millis)) {
            Some((Ok(run), millis)) => Action::Answered(revision, run, millis),
            Some((Err(words), _)) => Action::Failed(words),
            None => Action::Halted,
        });
    });
}

/// Keeps the document for the next visit.
#[hook]
fn use_keeping(page: &UseReducerHandle<State>) {
    let state = page.clone();
    use_effect_with(page.revision, move |revision| {
        let timer = (*revision > 0).then(|| {
            Timeout::new(200, move || {
                if !saved::keep(&state.document.scenario()) {
                    state.dispatch(Action::Toast("The browser has no room to keep this work for a reload.".to_owned()));
                }
            })
        });
        move || drop(timer)
    });
}

/// Time goes by while playing.
#[hook]
fn use_playing(page: &UseReducerHandle<State>) {
    let dispatch = page.dispatcher();
    let denied = page.event().is_some_and(crate::state::cursor::is_denial);
    use_effect_with((page.playing, denied), move |(playing, denied)| {
        let beat = if *denied { BEAT * 2 } else { BEAT };
        let timer = playing.then(|| Interval::new(beat, move || dispatch.dispatch(Action::Go(Move::Next))));
        move || drop(timer)
    });
}

/// The keys of the table, while the focus is not in a text field or in a dialog.
#[hook]
fn use_keys(page: &UseReducerHandle<State>) {
    let state = page.clone();
    use_effect_with((page.clone(),), move |_| {
        let listener = EventListener::new_with_options(
            &document(),
            "keydown",
            gloo::events::EventListenerOptions::enable_prevent_default(),
            move |event| {
                let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
                if (event.ctrl_key() || event.meta_key()) && event.key() == "k" {
                    event.prevent_default();
                    return state.dispatch(Action::Dialog(Some(Dialog::Palette)));
                }
                if event.ctrl_key() || event.meta_key() || event.alt_key() || event.default_prevented() || busy(event) {
                    return;
                }
                if let Some(action) = keys::action(&state, &event.key(), event.shift_key()) {
                    event.prevent_default();
                    state.dispatch(action);
                }
            },
        );
        move || drop(listener)
    });
}

/// Whether the focused element wants the key for itself.
fn busy(event: &KeyboardEvent) -> bool {
    let Some(target) = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok()) else { return false };
    let arrows = event.key().starts_with("Arrow") || matches!(event.key().as_str(), "Home" | "End");
    let within = |selector: &str| target.closest(selector).ok().flatten().is_some();
    within("input:not([type=range]), textarea, select, [contenteditable=true], dialog, .cm-editor")
        || (arrows && within("input[type=range], [role=tablist]"))
        || (matches!(event.key().as_str(), " " | "Enter")
            && within("button, a, summary, [role=tab], [role=option] button"))
}
