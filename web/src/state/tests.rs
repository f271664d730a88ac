//! What the page does, without a browser.

use stepgate_engine::scenario::View;
use stepgate_engine::timeline::{Event, Lane, StepLine, Tone};

use super::*;

fn opened() -> State {
    let files =
        [("p.yaml".to_owned(), "kind: Policy".to_owned()), ("r.yaml".to_owned(), String::new())].into_iter().collect();
    State::open(Scenario { files, ..Scenario::default() })
}

fn run(anchors: &[(&str, bool)]) -> Run {
    let event = |(i, (anchor, denied)): (usize, &(&str, bool))| Event {
        seq: i as u32 + 1,
        anchor: (*anchor).to_owned(),
        tone: if *denied { Tone::Deny } else { Tone::Info },
        to: denied.then_some(Lane::You),
        ..Event::default()
    };
    let steps = vec![StepLine::default()];
    Run::new(Timeline { events: anchors.iter().enumerate().map(event).collect(), steps, ..Timeline::default() })
}

fn story() -> Run {
    run(&[("a", false), ("b", false), ("denied", true), ("c", false)])
}

fn shown() -> State {
    opened().after(Action::Answered(1, story(), 3.0))
}

#[test]
fn lands_on_the_denial() {
    let state = shown();
    assert_eq!((state.cursor, state.shown, state.engine), (2, 1, Engine::Ready));
}

#[test]
fn the_view_of_the_scenario_wins() {
    let mut state = opened();
    state.document.rest.view = Some(View { at: "b".to_owned(), ..View::default() });
    assert_eq!(state.after(Action::Answered(1, story(), 0.0)).cursor, 1);
}

#[test]
fn typing_calls_for_a_run_and_the_cursor_stays_on_its_event() {
    let typed = shown().after(Action::Edit(1, "kind: ClusterPolicy".into()));
    assert_eq!(typed.revision, 2);
    assert_eq!(typed.document.active_file().map(|f| &*f.text), Some("kind: ClusterPolicy"));
    let answered =
        typed.after(Action::Answered(2, run(&[("new", false), ("a", false), ("b", false), ("denied", true)]), 1.0));
    assert_eq!(answered.cursor, 3);
    assert!(answered.previous.is_some());
}

#[test]
fn trouble_keeps_the_last_run_in_sight() {
    let state = shown().after(Action::Failed("the engine says no".to_owned()));
    assert!(state.timeline.is_some() && state.trouble.is_some());
    assert_eq!(state.after(Action::Answered(2, story(), 0.0)).trouble, None);
}

#[test]
fn playing_ends_at_the_end_and_begins_again_at_the_start() {
    let state = shown().after(Action::Play(true));
    assert!(state.playing);
    let ended = state.after(Action::Go(Move::Next));
    assert_eq!((ended.cursor, ended.playing), (3, false));
    let again = ended.after(Action::Play(true));
    assert_eq!((again.cursor, again.playing), (0, true));
}

#[test]
fn another_scenario_opens_afresh() {
    let other = Scenario { files: [("z.yaml".to_owned(), String::new())].into_iter().collect(), ..Scenario::default() };
    let state = shown().after(Action::Go(Move::First)).after(Action::Open(Box::new(other)));
    assert_eq!(state.document.active_file().map(|f| (f.id, f.name.as_str())), Some((3, "z.yaml")));
    assert_eq!(state.after(Action::Answered(2, story(), 0.0)).cursor, 2);
}

#[test]
fn unsaved_work_comes_back() {
    let other = || Scenario { title: "other".to_owned(), ..Scenario::default() };
    let clean = shown().after(Action::Open(Box::new(other())));
    assert_eq!((clean.left.clone(), clean.edited()), (None, false));
    let edited = shown().after(Action::Edit(1, "mine".into()));
    assert!(edited.edited() && !edited.after(Action::Saved("x".to_owned())).edited());
    let left = edited.after(Action::Follow(Box::new(other())));
    assert_eq!((left.linked, left.edited()), (left.revision, false));
    assert!(left.toast.as_ref().is_some_and(|(_, words)| words.contains("kept under Saved")));
    let back = left.after(Action::Back);
    assert_eq!(back.document.active_file().map(|f| &*f.text), Some("mine"));
    assert!(back.edited() && back.toast.is_none());
}

#[test]
fn another_order_of_concurrent_work_is_no_edit() {
    let state = shown().after(Action::Choices(vec![1]));
    assert_eq!((state.revision, state.edited()), (2, false));
}

#[test]
fn nothing_new_is_the_same_state() {
    let state = Rc::new(shown());
    assert!(Rc::ptr_eq(&state, &state.clone().reduce(Action::Go(Move::To(2)))));
    assert!(!Rc::ptr_eq(&state, &state.clone().reduce(Action::Go(Move::To(1)))));
}

#[test]
fn revealing_opens_the_file_and_a_second_time_asks_again() {
    let place = || Place { file: "r.yaml".to_owned(), line: 4, ..Place::default() };
    let once = shown().after(Action::Reveal(place()));
    assert_eq!((once.document.active, once.pane), (2, Pane::Editor));
    assert_ne!(once.after(Action::Reveal(place())).reveal, once.reveal);
}

#[test]
fn what_one_click_took_away_comes_back() {
    let state = shown();
    let removed = state.after(Action::Remove(1));
    assert!(removed.lost.is_some() && removed.toast.as_ref().is_some_and(|(_, words)| words == "p.yaml is removed."));
    let typed = removed.after(Action::Edit(2, "later".into()));
    let back = typed.after(Action::Undo);
    let texts: Vec<&str> = back.document.files.iter().map(|file| &*file.text).collect();
    assert_eq!((texts, back.lost.clone()), (vec!["kind: Policy", "later"], None));
    let dropped =
        state.after(Action::Put(vec![("p.yaml".to_owned(), "new".into()), ("q.yaml".to_owned(), "q".into())]));
    let back = dropped.after(Action::Undo);
    assert_eq!(back.document.files.first().map(|file| &*file.text), Some("kind: Policy"));
    assert_eq!(back.document.files.len(), 3);
    let moved = state.after(Action::Steps(StepEdit::Up(1)));
    let back = moved.after(Action::Steps(StepEdit::Default)).after(Action::Undo);
    assert_eq!(back.document.rest.steps, moved.document.rest.steps);
}

#[test]
fn a_name_that_is_taken_is_refused_in_words() {
    let state = shown().after(Action::Rename(1, "r.yaml".to_owned()));
    assert!(state.toast.as_ref().is_some_and(|(_, words)| words.contains("r.yaml already")));
    assert_eq!(state.revision, 1);
    assert_eq!(state.after(Action::Rename(1, "p.yaml".to_owned())), state);
}

#[test]
fn the_first_scenario_does_not_take_the_place_of_another() {
    let story = || Box::new(Scenario { title: "story".to_owned(), ..Scenario::default() });
    let begun = State { dialog: Some(Dialog::Import), ..State::empty() }.after(Action::Begin(story()));
    assert_eq!((begun.document.rest.title.as_str(), begun.dialog), ("story", Some(Dialog::Import)));
    let there = shown();
    assert_eq!(there.after(Action::Begin(story())), there);
}

#[test]
fn what_was_switched_off_last_is_known_until_something_else_is_chosen() {
    let off = shown().after(Action::Off("ClusterPolicy/p".to_owned()));
    let known = Some(Switched::Policy("ClusterPolicy/p".to_owned()));
    assert_eq!(off.after(Action::Answered(2, story(), 0.0)).switched, known);
    assert_eq!(off.after(Action::Go(Move::First)).switched, None);
    assert_eq!(off.after(Action::Edit(1, "x".into())).switched, None);
}
