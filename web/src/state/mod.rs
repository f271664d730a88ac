//! Everything the page knows, everything that can happen to it, and the one function between the two.

pub mod cluster;
pub mod cursor;
pub mod document;
pub mod places;
pub mod rows;
pub mod steps;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;

use stepgate_engine::object::gvk::ObjectRef;
use stepgate_engine::scenario::Scenario;
use stepgate_engine::timeline::{Event, Lane, Timeline};
use yew::Reducible;

use cursor::Move;
use document::Document;
use steps::StepEdit;

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
}

/// A dialog over the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// The gallery.
    Examples,
    /// Link, Markdown, files.
    Share,
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
    /// Whether what the last edit changed in the run is marked.
    pub compare: bool,
    /// Steps that are folded.
    pub folds: BTreeMap<usize, bool>,
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

/// What can happen.
#[derive(Clone, Debug)]
pub enum Action {
    /// Another scenario.
    Open(Box<Scenario>),
    /// Typing.
    Edit(u32, Rc<str>),
    /// A new file.
    Add(String, Rc<str>),
    /// A text from elsewhere under its own name.
    Put(String, Rc<str>),
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
        Self { document: Document::open(scenario, None), revision: 1, fresh: true, ..Self::empty() }
    }

    /// The page before it has a scenario.
    pub fn empty() -> Self {
        Self { verbosity: 2, ..Self::default() }
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
        match action {
            Action::Open(scenario) => {
                next.document = Document::open(*scenario, Some(&self.document));
                next.filter = None;
                next.object = None;
                next.hidden = Vec::new();
                next.previous = None;
                next.dialog = None;
                next.fresh = true;
                next.playing = false;
                next.tab = Tab::Why;
                next.side = Side::File;
                next.revision += 1;
            }
            Action::Edit(id, text) => {
                next.document.edit(id, text);
                next.revision += 1;
            }
            Action::Add(name, text) => {
                next.document.add(&name, text);
                next.revision += 1;
            }
            Action::Put(name, text) => {
                next.document.put(&name, text);
                next.revision += 1;
            }
            Action::Rename(id, name) => {
                next.document.rename(id, &name);
                next.revision += 1;
            }
            Action::Remove(id) => {
                next.document.remove(id);
                next.revision += 1;
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
                steps::change(&mut next.document, edit);
                next.revision += 1;
            }
            Action::Side(side) => next.side = side,
            Action::Compare(on) => next.compare = on,
            Action::Choices(choices) => {
                next.choices = choices;
                next.revision += 1;
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
            Action::Go(step) => next.cursor = cursor::go(self.events(), self.cursor, step),
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
                let folded = self.folds.get(&step).copied().unwrap_or(false);
                next.folds.insert(step, !folded);
            }
            Action::FoldAll(on) => {
                next.folds = self.timeline.iter().flat_map(|t| &t.steps).map(|s| (s.index, on)).collect();
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
            Action::Toast(words) => next.toast = Some((self.toast.as_ref().map_or(0, |(n, _)| n + 1), words)),
        }
        if next.revision != self.revision {
            next.choices = Vec::new();
        }
        if next.cursor != self.cursor && next.cursor + 1 >= next.events().len() {
            next.playing = false;
        }
        next
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
                if **old != *timeline {
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
