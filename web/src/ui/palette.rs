//! The command palette: everything one can do and every place one can go, by its name.

use stepgate_engine::timeline::Event as Happening;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::Handle;
use super::dialog::Modal;
use super::examples::Entry;
use crate::keys::KEYS;
use crate::state::cursor::Move;
use crate::state::steps::StepEdit;
use crate::state::{Action, Dialog, Zoom};

/// More lines than this help nobody.
const SHOWN: usize = 40;

/// A line.
#[derive(Clone)]
struct Command {
    text: String,
    hint: String,
    action: Action,
}

/// The gallery and the state.
#[derive(Clone, PartialEq, Properties)]
pub struct Props {
    /// The state.
    pub page: Handle,
    /// The gallery.
    pub entries: Vec<Entry>,
}

/// The dialog.
#[component]
pub fn Palette(props: &Props) -> Html {
    let page = &props.page;
    let query = use_state(String::new);
    let chosen = use_state(|| 0_usize);
    let open = page.dialog == Some(Dialog::Palette);
    {
        let (query, chosen) = (query.clone(), chosen.clone());
        use_effect_with(open, move |_| {
            query.set(String::new());
            chosen.set(0);
        });
    }
    if !open {
        return html! { <Modal page={page.clone()} which={Dialog::Palette} title="Do or find">{ "" }</Modal> };
    }
    let hits: Vec<Command> = all(props).into_iter().filter(|command| hit(command, &query)).take(SHOWN).collect();
    let run = {
        let page = page.dispatcher();
        Callback::from(move |command: Command| {
            page.dispatch(Action::Dialog(None));
            page.dispatch(command.action);
        })
    };
    let oninput = {
        let (query, chosen) = (query.clone(), chosen.clone());
        Callback::from(move |event: InputEvent| {
            query.set(event.target_dyn_into::<HtmlInputElement>().map(|i| i.value()).unwrap_or_default());
            chosen.set(0);
        })
    };
    let onkeydown = {
        let (chosen, run, hits) = (chosen.clone(), run.clone(), hits.clone());
        Callback::from(move |event: KeyboardEvent| {
            let next = match event.key().as_str() {
                "ArrowDown" => (*chosen + 1).min(hits.len().saturating_sub(1)),
                "ArrowUp" => chosen.saturating_sub(1),
                "Enter" => {
                    event.prevent_default();
                    return hits.get(*chosen).cloned().into_iter().for_each(|command| run.emit(command));
                }
                _ => return,
            };
            event.prevent_default();
            chosen.set(next);
            if let Some(line) = gloo::utils::document().get_element_by_id(&format!("command-{next}")) {
                wasm_bindgen::JsCast::unchecked_into::<HtmlElement>(line).scroll_into_view_with_bool(false);
            }
        })
    };
    let line = |(i, command): (usize, &Command)| {
        let (run, command) = (run.clone(), command.clone());
        let (text, hint) = (command.text.clone(), command.hint.clone());
        let onclick = Callback::from(move |_: MouseEvent| run.emit(command.clone()));
        html! { <li key={i} id={format!("command-{i}")} role="option" aria-selected={(i == *chosen).to_string()} {onclick}><span>{ text }</span><kbd>{ hint }</kbd></li> }
    };
    html! {
        <Modal page={page.clone()} which={Dialog::Palette} title="Do or find">
            <input type="text" class="search" autofocus=true role="combobox" aria-expanded="true" aria-controls="commands" aria-activedescendant={format!("command-{}", *chosen)}
                aria-label="What" placeholder="An action, a file, an example, an event" value={(*query).clone()} {oninput} {onkeydown} />
            <ul class="commands" id="commands" role="listbox" aria-label="Commands">{ for hits.iter().enumerate().map(line) }</ul>
        </Modal>
    }
}

fn all(props: &Props) -> Vec<Command> {
    let page = &props.page;
    let command = |text: String, hint: &str, action: Action| Command { text, hint: hint.to_owned(), action };
    let actions = KEYS
        .iter()
        .filter(|key| !key.label.is_empty())
        .map(|key| command(key.text.to_owned(), key.label, key.action(page)));
    let files = page.document.files.iter().map(|file| command(file.name.clone(), "file", Action::Show(file.id)));
    let examples = props.entries.iter().map(|entry| {
        command(entry.scenario.title.clone(), "example", Action::Example(Box::new(entry.scenario.clone())))
    });
    let event =
        |(i, e): (usize, &Happening)| command(format!("{}. {}", e.seq, e.text), "event", Action::Go(Move::To(i)));
    let events = page.events().iter().enumerate().map(event);
    let steps = page.document.rest.steps.iter().enumerate().map(|(i, step)| {
        let (verb, about) = crate::state::steps::summary(step);
        let word = if step.off { "on" } else { "off" };
        command(format!("Switch {word} step {}: {verb} {about}", i + 1), "what if", Action::Steps(StepEdit::Switch(i)))
    });
    let policies = page.timeline.iter().flat_map(|run| &run.policies).map(|line| {
        let word = if line.off { "on" } else { "off" };
        command(format!("Switch {word} {} {}", line.kind, line.key), "what if", Action::Off(line.id.clone()))
    });
    let zooms = [
        (Zoom::Steps, "Show one row for each step"),
        (Zoom::Events, "Show every event"),
        (Zoom::Why, "Show the decisions among the events"),
    ];
    let zooms = zooms.map(|(zoom, text)| command(text.to_owned(), "view", Action::Zoom(zoom)));
    let plain =
        command("Plain text field instead of the editor, or back".to_owned(), "editor", Action::Plain(!page.plain));
    actions
        .chain(files)
        .chain(zooms)
        .chain([plain])
        .chain(policies)
        .chain(steps)
        .chain(examples)
        .chain(events)
        .collect()
}

fn hit(command: &Command, query: &str) -> bool {
    let text = format!("{} {}", command.text, command.hint).to_ascii_lowercase();
    query.to_ascii_lowercase().split_whitespace().all(|word| text.contains(word))
}
