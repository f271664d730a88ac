//! The root: wires the state to the engine, to storage and to the keyboard, and lays out the panes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo::events::EventListener;
use gloo::timers::callback::{Interval, Timeout};
use gloo::utils::{document, window};
use stepgate_engine::scenario::Scenario;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlElement, KeyboardEvent};
use yew::prelude::*;

use super::drop::{bring, use_drops};
use super::examples::{self, Entry};
use super::focus::use_focus;
use super::framed::{self, use_frame};
use super::{Handle, Page};
use super::{
    editor::Editor, examples::Examples, files::Files, header::Header, inspector::Inspector, lanes::Lanes,
    palette::Palette, sheet::Sheet, splitter::Splitter, toast::Toast,
};
use super::{inputs, keys_help, live, outcome, steps, tour, transport};
use crate::bridge::use_bridge;
use crate::client::Client;
use crate::embed::Embed;
use crate::link::{self, Target};
use crate::saved::Work;
use crate::state::cursor::Move;
use crate::state::{Action, Dialog, Pane, Side, State};
use crate::{js, keys, run, saved, words};

/// Milliseconds that an event stays while playing; a refusal stays twice as long.
const BEAT: u32 = 900;

/// The page.
#[component]
pub fn App() -> Html {
    let embed = use_memo((), |()| Embed::read());
    let page = use_reducer(|| match saved::work().filter(|_| !embed.on) {
        Some(work) => State::restore(work),
        None if embed.on => State { embedded: true, ..State::empty() },
        None => match link::target(&window().location().hash().unwrap_or_default()) {
            Target::Nothing => examples::story().map_or_else(State::empty, State::example),
            _ => State::empty(),
        },
    });
    let panes = embed.panes(page.document.rest.view.as_ref().map_or(&[], |view| &view.panes));
    use_bridge(&page);
    use_frame(&page, embed.on, &panes);
    let gallery = use_state(Vec::<Entry>::new);
    use_opening(&page, gallery.setter(), embed.waits);
    use_engine(&page);
    use_keeping(&page);
    use_playing(&page);
    use_keys(&page);
    use_focus(&page);
    use_offline(page.timeline.is_some() && !embed.on);
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
            if embed.on { { framed::head(&page) } } else { <Header ..props.clone() /> }
            <main data-pane={pane} data-panes={embed.on.then(|| panes.join(" "))}>
                <section class="left" aria-label="Files">
                    <Files ..props.clone() />
                    <Editor ..props.clone() />
                    if page.side == Side::Steps { { steps::view(&page) } }
                    if page.side == Side::Inputs { { inputs::view(&page) } }
                    <super::foot::Foot page={page.clone()} {stop} />
                </section>
                <Splitter name="--left" label="Width of the files" upright=true />
                <section class="right" id="timeline" aria-label="Timeline" tabindex="-1">
                    { outcome::view(&page) }
                    { tour::view(&page) }
                    <Lanes ..props.clone() />
                    { transport::view(&page) }
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
            <Sheet page={page.clone()} which={Dialog::Import} name="import" title="Open" />
            <Sheet page={page.clone()} which={Dialog::Saved} name="saved" title="Saved" />
            <Sheet page={page.clone()} which={Dialog::Share} name="share" title="Share" />
            { keys_help::view(&page) }
            <Toast ..props />
            { live::view(&page) }
        </>
    }
}

/// Keeps the page for when there is no network, once the first timeline has needed it.
#[hook]
fn use_offline(ready: bool) {
    use_effect_with(ready, |ready| {
        if *ready && !cfg!(debug_assertions) {
            js::keep();
        }
    });
}

/// Opens what the link asks for, else the last visit's work, else the first example; and follows later links.
#[hook]
fn use_opening(page: &Handle, gallery: UseStateSetter<Vec<Entry>>, waits: bool) {
    let empty = page.revision == 0 && !waits;
    let page = page.dispatcher();
    use_effect_with((), move |()| {
        Client::shared().start();
        let follow = page.clone();
        spawn_local(async move {
            let hash = window().location().hash().unwrap_or_default();
            open_target(&page, &hash, empty).await;
            gallery.set(examples::load().await);
        });
        let listener = EventListener::new(&window(), "hashchange", move |_| {
            let page = follow.clone();
            let hash = window().location().hash().unwrap_or_default();
            spawn_local(async move { open_target(&page, &hash, false).await });
        });
        move || drop(listener)
    });
}

async fn open_target(page: &UseReducerDispatcher<State>, hash: &str, empty: bool) {
    let open = |mut scenario: Scenario, at: String, action: fn(Box<Scenario>) -> Action| {
        if !at.is_empty() {
            scenario.view.get_or_insert_default().at = at;
        }
        page.dispatch(action(Box::new(scenario)));
        page.dispatch(Action::Linked);
    };
    let first = || {
        if let Some(story) = examples::story().filter(|_| empty) {
            page.dispatch(Action::Begin(Box::new(story)));
        }
    };
    let fall_back = |why: String| {
        first();
        page.dispatch(Action::Toast(why));
    };
    match link::target(hash) {
        Target::Packed(packed, at) => match link::unpack(&packed).await {
            Ok(scenario) => open(scenario, at, Action::Open),
            Err(why) => fall_back(why.to_owned()),
        },
        Target::Example(id, at) => {
            let entries = examples::load().await;
            let loaded = !entries.is_empty();
            match entries.into_iter().find(|entry| entry.id == id) {
                Some(entry) => open(entry.scenario, at, Action::Example),
                None if loaded => fall_back(format!("There is no example called {id}.")),
                None => fall_back("The examples could not be loaded. Is there a network?".to_owned()),
            }
        }
        Target::Unknown => fall_back(link::NEWER.to_owned()),
        Target::Playground(link) => {
            let brought = js_sys::Object::new();
            for (key, value) in [("text", link.into()), ("direct", wasm_bindgen::JsValue::TRUE)] {
                let _ = js_sys::Reflect::set(&brought, &key.into(), &value);
            }
            bring(page, brought.into()).await;
            // What cannot be opened is said in a dialog, over something.
            first();
        }
        Target::Nothing => first(),
    }
}

/// Runs after every pause in typing; an answer to an older question is dropped.
#[hook]
fn use_engine(page: &Handle) {
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
fn wait(desk: &Rc<Desk>, state: &Handle, pause: u32, timer: &Rc<RefCell<Option<Timeout>>>) {
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

fn ask(desk: &Rc<Desk>, state: &Handle) {
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

/// Keeps the document for the next visit, and unsaved work that something else takes the place of. An address that names
/// another document than the one at hand is cut: a reload must not bring that one back.
#[hook]
fn use_keeping(page: &Handle) {
    let state = page.clone();
    use_effect_with(page.left.clone(), move |left| {
        if let Some((_, scenario)) = left
            && !saved::leave(scenario)
        {
            let words = "The browser did not keep the work that was open; Go back brings it back now.";
            state.dispatch(Action::Toast(words.to_owned()));
        }
    });
    let state = page.clone();
    // What cannot be kept is said once, not at every letter.
    let told = use_mut_ref(|| false);
    use_effect_with((page.revision, page.opened, page.linked), move |(revision, ..)| {
        let timer = (*revision > 0 && !state.embedded).then(|| {
            Timeout::new(200, move || {
                let location = window().location();
                if state.linked != state.revision && location.hash().is_ok_and(|hash| !hash.is_empty()) {
                    let bare = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
                    let _ = window().history().and_then(|history| {
                        history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&bare))
                    });
                }
                let document = &state.document;
                let example = document.example.as_deref().cloned();
                let work = Work { edited: state.edited(), scenario: document.whole(), example };
                let kept = saved::keep(&work);
                if let Err(why) = kept
                    && state.edited()
                    && !*told.borrow()
                {
                    state.dispatch(Action::Toast(why.to_owned()));
                    *told.borrow_mut() = true;
                }
            })
        });
        move || drop(timer)
    });
}

/// Time goes by while playing.
#[hook]
fn use_playing(page: &Handle) {
    let dispatch = page.dispatcher();
    let denied = page.event().is_some_and(crate::state::cursor::is_denial);
    use_effect_with((page.playing, denied), move |(playing, denied)| {
        let beat = if *denied { BEAT * 2 } else { BEAT };
        let timer = playing.then(|| Interval::new(beat, move || dispatch.dispatch(Action::Go(Move::Next))));
        move || drop(timer)
    });
}

/// The keys of the table, while the focus is not in a text field or in a dialog.
///
/// A key acts on what is on the page, hence the reference set while rendering: Yew may put off effects, so that a
/// listener made anew by an effect would still know the state before the last key.
#[hook]
fn use_keys(page: &Handle) {
    let drawn = use_mut_ref(|| page.clone());
    *drawn.borrow_mut() = page.clone();
    use_effect_with((), move |()| {
        let listener = EventListener::new_with_options(
            &document(),
            "keydown",
            gloo::events::EventListenerOptions::enable_prevent_default(),
            move |event| {
                let Some(event) = event.dyn_ref::<KeyboardEvent>() else { return };
                let state = drawn.borrow().clone();
                if (event.ctrl_key() || event.meta_key()) && event.key() == "k" {
                    event.prevent_default();
                    if state.dialog.is_none() {
                        state.dispatch(Action::Dialog(Some(Dialog::Palette)));
                    }
                    return;
                }
                if state.dialog.is_some() {
                    return;
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
