//! The code editor, loaded after the first paint. Until it is there, a plain text field does.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Object, Promise};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::{Handle, Page};
use crate::client::Client;
use crate::js::{self, EditorModule};
use crate::state::{Action, Place, places};
use crate::{assets, words};

thread_local! {
    static MODULE: RefCell<Option<Rc<EditorModule>>> = const { RefCell::new(None) };
}

/// The editor's module, once it is loaded.
pub fn module() -> Option<Rc<EditorModule>> {
    MODULE.with_borrow(Clone::clone)
}

/// The editor and what keeps its callbacks alive.
struct Mounted {
    editor: js::Editor,
    _change: Closure<dyn Fn(u32, String)>,
    _mark: Closure<dyn Fn(usize)>,
    _run_to: Closure<dyn Fn(usize)>,
    _ask: Closure<dyn Fn(String, String, u32) -> Promise>,
    _caret: Closure<dyn Fn(usize, usize, String)>,
    _say: Closure<dyn Fn(String)>,
}

#[derive(Serialize)]
struct GutterMark {
    line: usize,
    tone: &'static str,
    glyph: &'static str,
    title: String,
}

#[derive(Serialize)]
struct Now {
    line: usize,
    tone: &'static str,
    note: Option<String>,
}

#[derive(Serialize)]
struct Underline {
    severity: String,
    message: String,
    start: Option<usize>,
    end: Option<usize>,
    line: Option<usize>,
}

/// The editor.
#[component]
pub fn Editor(props: &Page) -> Html {
    let page = &props.page;
    let host = use_node_ref();
    let mounted = use_mut_ref(|| None::<Mounted>);
    let latest = use_mut_ref(|| page.clone());
    *latest.borrow_mut() = page.clone();
    let loaded = use_state(|| false);
    let was_plain = use_mut_ref(|| false);

    {
        let (host, mounted, latest, loaded) = (host.clone(), mounted.clone(), latest.clone(), loaded.clone());
        use_effect_with((), move |()| {
            let inner = mounted.clone();
            spawn_local(async move {
                let Ok(module) = js::load(&assets::url("editor")).await else { return };
                let module = Rc::new(module.unchecked_into::<EditorModule>());
                MODULE.set(Some(module.clone()));
                if let Some(host) = host.cast::<HtmlElement>() {
                    *inner.borrow_mut() = Some(mount(&module, &host, &latest));
                    loaded.set(true);
                }
            });
            move || {
                if let Some(mounted) = mounted.take() {
                    mounted.editor.destroy();
                }
            }
        });
    }

    let file = page.document.active_file().cloned();
    {
        let (mounted, page) = (mounted.clone(), page.clone());
        let was_plain = was_plain.clone();
        let key = (*loaded, page.plain, file.as_ref().map(|f| (f.id, f.epoch)), page.timeline.clone());
        use_effect_with(key, move |_| {
            if let (Some(mounted), Some(file)) = (&*mounted.borrow(), page.document.active_file()) {
                // What was typed into the plain field is news to the editor.
                let anew = was_plain.replace(page.plain) || page.plain;
                mounted.editor.show(file.id, file.epoch, &file.name, &file.text, anew);
                decorate(&mounted.editor, &page, &file.name);
            }
        });
    }
    {
        let (mounted, page) = (mounted.clone(), page.clone());
        let key = (*loaded, page.document.active, page.cursor, page.timeline.clone());
        use_effect_with(key, move |_| {
            if let (Some(mounted), Some(file)) = (&*mounted.borrow(), page.document.active_file()) {
                stand(&mounted.editor, &page, &file.name);
            }
        });
    }
    {
        let (mounted, page) = (mounted.clone(), page.clone());
        use_effect_with((*loaded, page.reveal.clone()), move |(_, reveal)| {
            if let (Some(mounted), Some((place, _))) = (&*mounted.borrow(), reveal) {
                mounted.editor.go_to(line(&mounted.editor, place));
            }
        });
    }

    let plain = file.filter(|_| !*loaded || page.plain).map(|file| {
        let dispatch = page.dispatcher();
        let oninput = Callback::from(move |event: InputEvent| {
            if let Some(area) = event.target().and_then(|t| t.dyn_into::<HtmlTextAreaElement>().ok()) {
                dispatch.dispatch(Action::Edit(file.id, area.value().into()));
            }
        });
        html! { <textarea class="plain" aria-label={file.name.clone()} spellcheck="false" value={file.text.to_string()} {oninput} /> }
    });
    let format = {
        let mounted = mounted.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(mounted) = &*mounted.borrow() {
                mounted.editor.format();
            }
        })
    };
    let other = !page.plain;
    html! {
        <div class="code">
            { plain }
            if *loaded {
                <div class="code-tools">
                    if other { <button class="chip" title="Indents and spaces the YAML, and keeps its comments (Shift Alt F)" onclick={format}>{ "Format" }</button> }
                    <button class="chip" aria-pressed={page.plain.to_string()} title="A plain text field instead of the editor" onclick={super::on(page, move || Action::Plain(other))}>{ "Plain" }</button>
                </div>
            }
            <div class="cm-host" hidden={page.plain} ref={host} />
        </div>
    }
}

fn mount(module: &EditorModule, host: &HtmlElement, latest: &Rc<RefCell<Handle>>) -> Mounted {
    let page = latest.clone();
    let change = Closure::<dyn Fn(u32, String)>::new(move |id, text: String| {
        page.borrow().dispatch(Action::Edit(id, text.into()))
    });
    let page = latest.clone();
    let run_to = move |line: usize| {
        let page = page.borrow();
        if let Some(file) = page.document.active_file() {
            page.dispatch(Action::RunTo(file.name.clone(), line));
        }
    };
    let mark = Closure::<dyn Fn(usize)>::new(run_to.clone());
    let run_to = Closure::<dyn Fn(usize)>::new(run_to);
    let ask = Closure::<dyn Fn(String, String, u32) -> Promise>::new(|op: String, text: String, offset: u32| {
        let request = serde_json::json!({"op": op, "text": text, "offset": offset}).to_string();
        Promise::new(&mut |resolve, _| {
            Client::shared().ask(&request, move |answer| {
                let _ = resolve.call1(&JsValue::NULL, &answer.map_or(JsValue::NULL, |(text, _)| text.into()));
            });
        })
    });
    let page = latest.clone();
    let caret = Closure::<dyn Fn(usize, usize, String)>::new(move |line, start, pointer: String| {
        let page = page.borrow();
        let file = page.document.active_file().map(|file| file.name.clone());
        page.dispatch(Action::Caret(file.map(|file| Place { file, line, start, pointer: Some(pointer) })));
    });
    let page = latest.clone();
    let say = Closure::<dyn Fn(String)>::new(move |words| page.borrow().dispatch(Action::Toast(words)));
    let on = Object::new();
    let formatter = JsValue::from(assets::url("format"));
    for (name, value) in [
        ("change", change.as_ref()),
        ("mark", mark.as_ref()),
        ("runTo", run_to.as_ref()),
        ("ask", ask.as_ref()),
        ("caret", caret.as_ref()),
        ("say", say.as_ref()),
        ("formatter", &formatter),
    ] {
        let _ = js_sys::Reflect::set(&on, &name.into(), value);
    }
    let editor = module.create(host, &on);
    Mounted { editor, _change: change, _mark: mark, _run_to: run_to, _ask: ask, _caret: caret, _say: say }
}

fn decorate(editor: &js::Editor, page: &crate::state::State, file: &str) {
    let Some(run) = &page.timeline else { return };
    let marks: Vec<GutterMark> = places::marks(run, file)
        .into_iter()
        .map(|mark| {
            let (tone, glyph, word) = words::tone(mark.tone);
            let text = run.events.get(mark.event).map(|e| e.text.as_str()).unwrap_or_default();
            GutterMark {
                line: line(editor, &mark.place),
                tone,
                glyph,
                title: format!("{word}: {text}. Click to go there."),
            }
        })
        .collect();
    editor.set_marks(&js_value(&marks));
    let underlines: Vec<Underline> = run
        .diagnostics
        .iter()
        .filter(|d| d.file == file)
        .map(|d| Underline {
            severity: format!("{:?}", d.severity).to_ascii_lowercase(),
            message: d.hint.as_ref().map_or_else(|| d.message.clone(), |hint| format!("{} {hint}", d.message)),
            start: d.span.map(|s| s.start),
            end: d.span.map(|s| s.end),
            line: d.span.map(|s| s.line),
        })
        .collect();
    editor.set_diagnostics(&js_value(&underlines));
}

fn stand(editor: &js::Editor, page: &crate::state::State, file: &str) {
    let place =
        page.event().and_then(|event| places::now(page.events(), event).into_iter().find(|place| place.file == file));
    let now = place.and_then(|place| {
        let event = page.event()?;
        let (tone, ..) = words::tone(event.tone);
        let told = places::reason(page.events(), event).unwrap_or(event);
        let note = crate::state::cursor::is_denial(event).then(|| told.text.clone());
        Some(Now { line: line(editor, &place), tone, note })
    });
    let typing =
        gloo::utils::document().active_element().is_some_and(|e| e.closest(".cm-editor").ok().flatten().is_some());
    editor.set_now(&js_value(&now), !typing);
}

/// The line of a place: that of its pointer where the text still has it.
fn line(editor: &js::Editor, place: &Place) -> usize {
    let precise = place.pointer.as_ref().map_or(0, |pointer| editor.line_of(place.start, pointer));
    if precise > 0 { precise } else { place.line }
}

fn js_value<T: Serialize + ?Sized>(value: &T) -> JsValue {
    serde_json::to_string(value).ok().and_then(|text| js_sys::JSON::parse(&text).ok()).unwrap_or(JsValue::NULL)
}
