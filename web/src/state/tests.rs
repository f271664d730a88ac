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
