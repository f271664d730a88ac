//! Everything the page knows, everything that can happen to it, and the one function between the two.

pub mod cluster;
pub mod compare;
pub mod cursor;
pub mod document;
pub mod example;
pub mod exception;
pub mod links;
pub mod places;
pub mod rows;
pub mod steps;
pub mod undo;
pub mod verdicts;

use std::ops::Deref;
use std::rc::Rc;

use stepgate_engine::object::gvk::ObjectRef;
use stepgate_engine::scenario::Scenario;
use stepgate_engine::timeline::{Event, Lane, Timeline};
use yew::Reducible;

use cursor::Move;
use document::Document;
use steps::StepEdit;
use undo::Lost;

use crate::saved::Work;

/// What the engine is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Not there yet.
    #[default]
    Loading,
    /// At rest.
    Ready,
    /// At work.
    Running,
    /// Ended by the user, or by its own fault.
    Stopped,
}

/// The inspector's tabs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// The decision and its reasons.
    #[default]
    Why,
    /// Before and after.
    Change,
    /// What is stored.
    Cluster,
    /// What the controllers print.
    Logs,
    /// Policy reports, Kubernetes events, checks.
    Report,
    /// What one could do better, which log lines to ignore, which orders are possible.
    Advice,
}

/// What a narrow screen shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// Files and editor.
    Editor,
    /// Lanes.
    #[default]
    Timeline,
    /// Inspector.
    Inspector,
}

/// What the left side shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The active file.
    #[default]
    File,
    /// The steps.
    Steps,
    /// What is there already, who asks, what the outside answers, how Kyverno is set up.
    Inputs,
}

/// How much of the run the lanes show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zoom {
    /// One row for each step.
    Steps,
    /// Every event.
    #[default]
    Events,
    /// Every event, and the decisions behind the current one.
    Why,
}

/// A dialog over the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// The gallery.
    Examples,
    /// Link, texts, files.
    Share,
    /// A link, a paste, files, tests of other tools.
    Import,
    /// What the browser keeps.
    Saved,
    /// The table of keys.
    Keys,
    /// Everything one can do, by its name.
    Palette,
}

/// A run. Two are equal when they are the same one: comparing event by event would cost more than drawing.
#[derive(Clone, Debug, Default)]
pub struct Run(Rc<Timeline>);

impl Run {
    /// The run of a timeline.
    pub fn new(timeline: Timeline) -> Self {
        Self(Rc::new(timeline))
    }
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for Run {
    type Target = Timeline;

    fn deref(&self) -> &Timeline {
        &self.0
    }
}

/// What can be switched off.
#[derive(Clone, Debug, PartialEq)]
pub enum Switched {
    /// A policy, by its `Kind/name`.
    Policy(String),
    /// A step.
    Step(usize),
}

/// A place that the editor is asked to show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// File name.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// A byte of the document that `pointer` is about.
    pub start: usize,
    /// A JSON pointer that says it more precisely than the line.
    pub pointer: Option<String>,
}

/// What the page knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// What the user works on.
    pub document: Document,
    /// Rises when `document` changes in a way that calls for a new run.
    pub revision: u32,
    /// The revision at which `document` was as it is kept elsewhere.
    pub opened: u32,
    /// The revision that the address names.
    pub linked: u32,
    /// Whether the page stands within another one: nothing is kept then.
    pub embedded: bool,
    /// Unsaved work that something else took the place of, with the number of the message that says so.
    pub left: Option<(u32, Rc<Scenario>)>,
    /// What one click took away, with the number of the message that says so.
    pub lost: Option<(u32, Rc<Lost>)>,
    /// What was switched off last, as long as nothing else was chosen since.
    pub switched: Option<Switched>,
    /// The order of concurrent work, where it is not the usual one.
    pub choices: Vec<u8>,
    /// The last run.
    pub timeline: Option<Run>,
    /// The run before it, to compare with.
    pub previous: Option<Run>,
    /// The revision that `timeline` shows.
    pub shown: u32,
    /// Milliseconds that the last run took.
    pub millis: f64,
    /// Why there is no new run: the engine's own words.
    pub trouble: Option<String>,
    /// What the engine is doing.
    pub engine: Engine,
    /// Index of the current event.
    pub cursor: usize,
    /// Whether the next run opens afresh instead of staying in place.
    pub fresh: bool,
    /// Whether time goes by itself.
    pub playing: bool,
    /// Open tab of the inspector.
    pub tab: Tab,
    /// Open pane of a narrow screen.
    pub pane: Pane,
    /// What the left side shows.
    pub side: Side,
    /// How much of the run the lanes show.
    pub zoom: Zoom,
    /// Whether the differences from `previous` are marked; it stays as it is for as long.
    pub compare: bool,
    /// Whether a plain text field stands in for the editor.
    pub plain: bool,
    /// Where the caret is in the editor.
    pub caret: Option<Place>,
    /// Steps that are folded.
    pub folds: Vec<usize>,
    /// Lanes that are not drawn.
    pub hidden: Vec<Lane>,
    /// The object that the lanes are about, when they are about one.
    pub filter: Option<ObjectRef>,
    /// The object open in the Cluster tab.
    pub object: Option<ObjectRef>,
    /// Log levels up to this one are shown: 0 errors, 1 information, 2 trace, 3 everything.
    pub verbosity: u8,
    /// The open dialog.
    pub dialog: Option<Dialog>,
    /// A short message, with a number that tells it from the one before.
    pub toast: Option<(u32, String)>,
    /// The place that the editor was last asked to show, with a number that tells requests apart.
    pub reveal: Option<(Place, u32)>,
}

/// A change of the scenario. It is made to the scenario as it is when the change comes, not as it was when somebody began to write.
#[derive(Clone)]
pub struct Change(Rc<dyn Fn(&mut Scenario)>);

impl Change {
    /// The change that `act` makes.
    pub fn new(act: impl Fn(&mut Scenario) + 'static) -> Self {
        Self(Rc::new(act))
    }
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Change")
    }
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Action {
    /// Another scenario.
    Open(Box<Scenario>),
    /// Another scenario, which the address names.
    Follow(Box<Scenario>),
    /// An example of the gallery.
    Example(Box<Scenario>),
    /// The address names the scenario that was opened last.
    Linked,
    /// An example, where there is no scenario yet.
    Begin(Box<Scenario>),
    /// The work that the last scenario took the place of.
    Back,
    /// What one click took away.
    Undo,
    /// The document is kept under this name.
    Saved(String),
    /// Typing.
    Edit(u32, Rc<str>),
    /// A new file.
    Add(String, Rc<str>),
    /// Texts from elsewhere, each under its own name.
    Put(Vec<(String, Rc<str>)>),
    /// A file gets another name.
    Rename(u32, String),
    /// A file goes.
    Remove(u32),
    /// The editor shows a file.
    Show(u32),
    /// The editor shows a place of a file.
    Reveal(Place),
    /// Another behaviour profile.
    Profile(String),
    /// Other steps.
    Steps(StepEdit),
    /// The left side shows this.
    Side(Side),
    /// Something of the scenario that is not in its files.
    Inputs(Change),
    /// Switches a document on or off, by its `Kind/name`, and marks what that changes.
    Off(String),
    /// The lanes show more or less.
    Zoom(Zoom),
    /// The caret stands here.
    Caret(Option<Place>),
    /// A plain text field, or the editor.
    Plain(bool),
    /// Marks what the last edit changed in the run, or not.
    Compare(bool),
    /// Another order of concurrent work.
    Choices(Vec<u8>),
    /// The engine has begun.
    Begun,
    /// The engine has answered the request of this revision.
    Answered(u32, Run, f64),
    /// The engine could not answer.
    Failed(String),
    /// The engine was stopped.
    Halted,
    /// Moves in the timeline.
    Go(Move),
    /// Starts or ends playing.
    Play(bool),
    /// The caret asks for the next event of its line.
    RunTo(String, usize),
    /// Opens a tab of the inspector.
    Tab(Tab),
    /// Opens a pane of a narrow screen.
    Pane(Pane),
    /// Folds or unfolds a step.
    Fold(usize),
    /// Folds or unfolds all steps.
    FoldAll(bool),
    /// Draws a lane, or not.
    Lane(Lane),
    /// Shows only events of one object, or all.
    Filter(Option<ObjectRef>),
    /// Opens an object in the Cluster tab, or closes it.
    Object(Option<ObjectRef>),
    /// Shows more or fewer log lines.
    Verbosity(u8),
    /// Opens a dialog, or closes it.
    Dialog(Option<Dialog>),
    /// Says something short.
    Toast(String),
}

impl State {
    /// The page as it opens on a scenario.
    pub fn open(scenario: Scenario) -> Self {
        Self { document: Document::open(scenario, None), revision: 1, opened: 1, fresh: true, ..Self::empty() }
    }

    /// The page as it opens on an example of the gallery.
    pub fn example(scenario: Scenario) -> Self {
        let mut state = Self::open(scenario.clone());
        state.document.example = Some(Rc::new(scenario));
        state
    }

    /// The page as it was before a reload.
    pub fn restore(work: Work) -> Self {
        // The address may still ask for something else.
        let mut state = Self { opened: u32::from(!work.edited), linked: 1, ..Self::open(work.scenario) };
        state.document.example = work.example.map(Rc::new);
        state
    }

    /// The page before it has a scenario.
    pub fn empty() -> Self {
        Self { verbosity: 2, ..Self::default() }
    }

    /// Whether the document is kept nowhere but here.
    pub fn edited(&self) -> bool {
        self.revision != self.opened
    }

    /// The events of the run on show.
    pub fn events(&self) -> &[Event] {
        self.timeline.as_ref().map_or(&[], |timeline| &timeline.events)
    }

    /// The current event.
    pub fn event(&self) -> Option<&Event> {
        self.events().get(self.cursor)
    }

    /// The state after an action. Pure: the same state and action always give the same state.
    #[must_use]
    pub fn after(&self, action: Action) -> Self {
        let mut next = self.clone();
        let moves = matches!(action, Action::Go(_) | Action::RunTo(..));
        let switches = match &action {
            Action::Off(id) => Some(Switched::Policy(id.clone())),
            Action::Steps(StepEdit::Switch(index)) => Some(Switched::Step(*index)),
            _ => None,
        };
        match action {
            Action::Open(scenario) => {
                if self.edited() && !self.embedded {
                    let title = Some(example::title(&self.document)).filter(|title| !title.is_empty());
                    let title = title.as_deref().unwrap_or(crate::words::UNTITLED);
                    next.say(format!("Your work on “{title}” is kept under Saved."));
                    next.left = next.toast.as_ref().map(|(n, _)| (*n, Rc::new(self.document.scenario())));
                }
                next.document = Document::open(*scenario, Some(&self.document));
                next.filter = None;
                next.object = None;
                next.hidden = Vec::new();
                next.previous = None;
                next.compare = false;
                next.caret = None;
                next.dialog = None;
                next.fresh = true;
                next.playing = false;
                next.tab = Tab::Why;
                next.side = Side::File;
                next.revision += 1;
                next.opened = next.revision;
                next.lost = None;
            }
            Action::Example(scenario) => {
                let example = Rc::new((*scenario).clone());
                next = self.after(Action::Open(scenario));
                next.document.example = Some(example);
                return next;
            }
            Action::Linked => next.linked = next.revision,
            Action::Begin(scenario) => {
                if self.revision == 0 {
                    next = self.after(Action::Example(scenario));
                    next.dialog = self.dialog;
                }
            }
            Action::Follow(scenario) => {
                next = self.after(Action::Open(scenario));
                next.linked = next.revision;
                return next;
            }
            Action::Back => {
                if let Some((_, scenario)) = &self.left {
                    next = self.after(Action::Open(Box::new((**scenario).clone())));
                    next.opened = 0;
                    next.toast = None;
                    return next;
                }
            }
            Action::Undo => {
                if let Some((_, lost)) = &self.lost {
                    undo::bring_back(&mut next.document, lost);
                    next.revision += 1;
                    next.lost = None;
                    next.toast = None;
                }
            }
            Action::Saved(name) => {
                next.document.rest.title = name;
                next.opened = next.revision;
            }
            Action::Edit(id, text) => {
                next.document.edit(id, text);
                next.revision += 1;
            }
            Action::Add(name, text) => {
                next.document.add(&name, text);
                next.revision += 1;
            }
            Action::Put(files) => {
                let said = match files.as_slice() {
                    [(name, _)] if self.document.named(name).is_some() => format!("{name} has a new text."),
                    [(name, _)] => format!("{name} is in."),
                    _ => format!("{} files are in.", files.len()),
                };
                let old: Vec<_> = files.into_iter().filter_map(|(name, text)| next.document.put(&name, text)).collect();
                match old.len() {
                    0 => next.say(said),
                    1 => next.lose(said, Lost::Texts(old)),
                    n => next.lose(format!("{said} {n} have a new text."), Lost::Texts(old)),
                }
                next.revision += 1;
            }
            Action::Rename(id, name) => {
                if !next.document.rename(id, &name) {
                    next.say(format!("There is a file called {} already.", name.trim()));
                } else if next.document != self.document {
                    next.revision += 1;
                }
            }
            Action::Remove(id) => {
                if let Some(removed) = next.document.remove(id) {
                    next.lose(format!("{} is removed.", removed.file.name), Lost::File(removed));
                    next.revision += 1;
                }
            }
            Action::Show(id) => {
                next.document.active = id;
                next.side = Side::File;
            }
            Action::Reveal(place) => {
                if let Some(id) = next.document.named(&place.file).map(|file| file.id) {
                    next.document.active = id;
                    next.pane = Pane::Editor;
                    next.side = Side::File;
                    next.reveal = Some((place, self.reveal.as_ref().map_or(0, |(_, n)| n + 1)));
                }
            }
            Action::Profile(version) => {
                next.document.rest.kyverno = version;
                next.revision += 1;
            }
            Action::Steps(edit) => {
                if matches!(edit, StepEdit::Switch(_)) {
                    next.mark_differences();
                }
                if matches!(edit, StepEdit::Edit(..)) {
                    next.pane = Pane::Editor;
                    next.side = Side::File;
                }
                let said = edit.said();
                let before = matches!(edit, StepEdit::Default | StepEdit::Remove(_))
                    .then(|| Lost::Steps(self.document.rest.steps.clone()));
                steps::change(&mut next.document, edit);
                match (said, before) {
                    (Some(said), Some(lost)) => next.lose(said, lost),
                    (Some(said), None) => next.say(said),
                    _ => {}
                }
                next.revision += 1;
            }
            Action::Inputs(change) => {
                (change.0)(&mut next.document.rest);
                next.document.rest.files = Default::default();
                next.revision += 1;
            }
            Action::Off(id) => {
                next.mark_differences();
                steps::switch(&mut next.document.rest.off, id);
                next.revision += 1;
            }
            Action::Side(side) => {
                next.side = side;
                next.pane = Pane::Editor;
            }
            Action::Zoom(zoom) => next.zoom = zoom,
            Action::Caret(caret) => next.caret = caret,
            Action::Plain(on) => next.plain = on,
            Action::Compare(on) => next.compare = on,
            Action::Choices(choices) => {
                next.choices = choices;
                next.revision += 1;
                for kept in [&mut next.opened, &mut next.linked] {
                    *kept += u32::from(*kept == self.revision);
                }
                return next;
            }
            Action::Begun => next.engine = Engine::Running,
            Action::Answered(revision, timeline, millis) => next.answered(revision, timeline, millis),
            Action::Failed(words) => {
                next.engine = Engine::Ready;
                next.trouble = Some(words);
            }
            Action::Halted => {
                next.engine = Engine::Stopped;
                next.playing = false;
            }
            Action::Go(step) => {
                let step = match (self.zoom, step) {
                    (Zoom::Steps, Move::Next) => Move::NextStep,
                    (Zoom::Steps, Move::Previous) => Move::PreviousStep,
                    (_, step) => step,
                };
                next.cursor = cursor::go(self.events(), self.cursor, step);
            }
            Action::Play(on) => {
                next.playing = on && !self.events().is_empty();
                if on && self.cursor + 1 >= self.events().len() {
                    next.cursor = 0;
                }
            }
            Action::RunTo(file, line) => {
                if let Some(timeline) = &self.timeline
                    && let Some(index) = places::run_to(timeline, self.cursor, &file, line)
                {
                    next.cursor = index;
                }
            }
            Action::Tab(tab) => {
                next.tab = tab;
                next.pane = Pane::Inspector;
            }
            Action::Pane(pane) => next.pane = pane,
            Action::Fold(step) => {
                next.folds.retain(|folded| *folded != step);
                if next.folds.len() == self.folds.len() {
                    next.folds.push(step);
                }
            }
            Action::FoldAll(on) => {
                next.folds = self.timeline.iter().filter(|_| on).flat_map(|t| &t.steps).map(|s| s.index).collect();
            }
            Action::Lane(lane) => match next.hidden.iter().position(|hidden| *hidden == lane) {
                Some(index) => {
                    next.hidden.remove(index);
                }
                None => next.hidden.push(lane),
            },
            Action::Filter(key) => next.filter = key,
            Action::Object(key) => {
                if key.is_some() {
                    next.tab = Tab::Cluster;
                }
                next.object = key;
            }
            Action::Verbosity(level) => next.verbosity = level,
            Action::Dialog(dialog) => next.dialog = dialog,
            Action::Toast(words) => next.say(words),
        }
        if next.revision != self.revision {
            next.choices = Vec::new();
        }
        if moves || next.revision != self.revision {
            next.switched = switches;
        }
        if next.cursor != self.cursor && next.cursor + 1 >= next.events().len() {
            next.playing = false;
        }
        next
    }

    /// From now on the run on show is the one to compare with, unless there is one already.
    fn mark_differences(&mut self) {
        if !self.compare {
            self.previous = self.timeline.clone();
            self.compare = self.previous.is_some();
        }
    }

    /// Says what is gone; the message has the way back.
    fn lose(&mut self, words: String, lost: Lost) {
        self.say(words);
        self.lost = self.toast.as_ref().map(|(n, _)| (*n, Rc::new(lost)));
    }

    fn say(&mut self, words: String) {
        self.toast = Some((self.toast.as_ref().map_or(0, |(n, _)| n + 1), words));
    }

    fn answered(&mut self, revision: u32, timeline: Run, millis: f64) {
        self.engine = Engine::Ready;
        self.trouble = None;
        self.millis = millis;
        self.shown = revision;
        let at = self.document.rest.view.as_ref().map(|view| view.at.clone()).unwrap_or_default();
        match &self.timeline {
            Some(old) if !self.fresh => {
                self.cursor = cursor::follow(old, self.cursor, &timeline);
                if !self.compare && **old != *timeline {
                    self.previous = Some(old.clone());
                }
            }
            _ => {
                self.cursor = cursor::opening(&timeline, &at);
                self.folds = rows::quiet_steps(&timeline, self.cursor);
            }
        }
        self.fresh = false;
        self.timeline = Some(timeline);
    }
}

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let next = self.after(action);
        if next == *self { self } else { Rc::new(next) }
    }
}

#[cfg(test)]
mod tests;
