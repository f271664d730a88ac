//! The table of keys. What a key does and what the help says come from the same lines.

use crate::state::cursor::Move;
use crate::state::{Action, Dialog, Side, State, Tab, Zoom};
use crate::ui::view_bar::switch_off;

/// One line of the table.
pub struct Key {
    /// `KeyboardEvent.key`, with `Shift+` in front where it matters.
    pub key: &'static str,
    /// As the help shows it.
    pub label: &'static str,
    /// What it does.
    pub text: &'static str,
    act: fn(&State) -> Action,
}

impl Key {
    /// What it does now.
    pub fn action(&self, state: &State) -> Action {
        (self.act)(state)
    }
}

const fn key(key: &'static str, label: &'static str, text: &'static str, act: fn(&State) -> Action) -> Key {
    Key { key, label, text, act }
}

/// Keys that work while the focus is not in a text field.
pub const KEYS: &[Key] = &[
    key("ArrowRight", "→ or j", "Next event", |_| Action::Go(Move::Next)),
    key("ArrowLeft", "← or k", "Previous event", |_| Action::Go(Move::Previous)),
    key("j", "", "", |_| Action::Go(Move::Next)),
    key("k", "", "", |_| Action::Go(Move::Previous)),
    key("Shift+ArrowRight", "Shift →", "Next step", |_| Action::Go(Move::NextStep)),
    key("Shift+ArrowLeft", "Shift ←", "Previous step", |_| Action::Go(Move::PreviousStep)),
    key("Home", "Home", "First event", |_| Action::Go(Move::First)),
    key("End", "End", "Last event", |_| Action::Go(Move::Last)),
    key(" ", "Space", "Play or pause", |s| Action::Play(!s.playing)),
    key("d", "d", "Next denial or failure", |_| Action::Go(Move::Denial)),
    key("c", "c", "Next change to the cluster", |_| Action::Go(Move::Change)),
    key("u", "u", "Up to the event that caused this one", |_| Action::Go(Move::Cause)),
    key("f", "f", "Fold or unfold this step", |s| Action::Fold(s.event().map_or(0, |e| e.step))),
    key("h", "h", "Only the events of this object, or all", |s| {
        Action::Filter(if s.filter.is_some() { None } else { s.event().and_then(|e| e.subject.clone()) })
    }),
    key("1", "1 to 6", "Why, Change, Cluster, Logs, Report, Advice", |_| Action::Tab(Tab::Why)),
    key("2", "", "", |_| Action::Tab(Tab::Change)),
    key("3", "", "", |_| Action::Tab(Tab::Cluster)),
    key("4", "", "", |_| Action::Tab(Tab::Logs)),
    key("5", "", "", |_| Action::Tab(Tab::Report)),
    key("Enter", "Enter", "Closer: from steps to events to why", |s| {
        Action::Zoom(if s.zoom == Zoom::Steps { Zoom::Events } else { Zoom::Why })
    }),
    key("Escape", "Esc", "Farther: from why to events to steps", |s| {
        Action::Zoom(if s.zoom == Zoom::Why { Zoom::Events } else { Zoom::Steps })
    }),
    key("x", "x", "What if this policy, or this step, were not there", switch_off),
    key("=", "=", "Compare with the run before", |s| Action::Compare(!s.compare)),
    key("s", "s", "Steps", |_| Action::Side(Side::Steps)),
    key("i", "i", "Inputs: cluster, user, exceptions, mocks, Kyverno", |_| Action::Side(Side::Inputs)),
    key("/", "/ or Ctrl K", "Do or find anything", |_| Action::Dialog(Some(Dialog::Palette))),
    key("6", "", "", |_| Action::Tab(Tab::Advice)),
    key("o", "o", "Open: a link, a paste, files, a test", |_| Action::Dialog(Some(Dialog::Import))),
    key("w", "w", "Saved scenarios", |_| Action::Dialog(Some(Dialog::Saved))),
    key("y", "y", "Share", |_| Action::Dialog(Some(Dialog::Share))),
    key("e", "e", "Examples", |_| Action::Dialog(Some(Dialog::Examples))),
    key("?", "?", "This list", |_| Action::Dialog(Some(Dialog::Keys))),
];

/// Keys of the editor and of dialogs, for the help only.
pub const ELSEWHERE: &[(&str, &str)] = &[
    ("Alt Enter", "In the editor: run to the next event of this line"),
    ("Shift Alt F", "In the editor: format"),
    ("Esc, then Tab", "Leave the editor"),
    ("Ctrl F", "Search in the editor"),
    ("Esc", "Close a dialog"),
];

/// What a key does now.
pub fn action(state: &State, pressed: &str, shift: bool) -> Option<Action> {
    let arrow = pressed.starts_with("Arrow");
    let found = KEYS.iter().find(|key| match key.key.strip_prefix("Shift+") {
        Some(rest) => shift && rest == pressed,
        None => key.key == pressed && !(shift && arrow),
    });
    found.map(|key| key.action(state))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_action_of_a_key() {
        let state = State::default();
        let pressed = |key, shift| action(&state, key, shift).map(|a| format!("{a:?}"));
        assert_eq!(pressed("ArrowRight", false).as_deref(), Some("Go(Next)"));
        assert_eq!(pressed("ArrowRight", true).as_deref(), Some("Go(NextStep)"));
        assert_eq!(pressed("?", true).as_deref(), Some("Dialog(Some(Keys))"));
        assert_eq!(pressed("q", false), None);
    }

    #[test]
    fn no_key_is_there_twice() {
        let mut keys: Vec<&str> = KEYS.iter().map(|key| key.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), KEYS.len());
    }
}
