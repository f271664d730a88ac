//! What becomes of an example of the gallery when somebody works on it.
//!
//! Its checks (`expect`) say what its own files come to. Once a file is another, or the steps are, they say nothing and are left out;
//! `expect` that somebody wrote stays. Its title has "(edited)" behind it once a file is another; and once none of its objects is left,
//! by `metadata.name`, the scenario is somebody's own: its title is the one of a new scenario, and it is without notes. All this comes
//! back when the edits are undone. A scenario that is no example keeps what it says.

use stepgate_engine::scenario::Scenario;

use super::document::Document;
use crate::words;

/// What the document is called.
pub fn title(document: &Document) -> String {
    let title = &document.rest.title;
    match &document.example {
        Some(example) if example.title == *title && is_own(document, example) => words::NEW_TITLE.to_owned(),
        Some(example) if example.title == *title && edited(document, example) => format!("{title} (edited)"),
        _ => title.clone(),
    }
}

/// Takes from the scenario what is true of the example only.
pub fn adapt(scenario: &mut Scenario, document: &Document) {
    let Some(example) = &document.example else { return };
    scenario.title = title(document);
    if scenario.expect == example.expect && (edited(document, example) || document.rest.steps != example.steps) {
        scenario.expect.clear();
    }
    if is_own(document, example) {
        scenario.description.clear();
        scenario.notes.clear();
    }
}

/// Whether nothing of the example is left.
pub fn is_own(document: &Document, example: &Scenario) -> bool {
    let known: Vec<&str> = example.files.values().flat_map(|text| names(text)).collect();
    !known.is_empty() && !document.files.iter().flat_map(|file| names(&file.text)).any(|name| known.contains(&name))
}

fn edited(document: &Document, example: &Scenario) -> bool {
    let files = document.files.iter().map(|file| (&*file.name, &*file.text));
    !files.eq(example.files.iter().map(|(name, text)| (&**name, &**text)))
}

/// The names under `metadata`, as the examples write them.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("  name: ")).map(str::trim)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use serde_json::json;
    use stepgate_engine::scenario::Note;

    use super::*;

    fn example() -> Document {
        let files = [("p.yaml", "metadata:\n  name: p\n"), ("r.yaml", "metadata:\n  name: r\n")];
        let scenario = Scenario {
            title: "A story".to_owned(),
            files: files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
            expect: vec![json!({"step": 1})],
            notes: vec![Note::default()],
            ..Scenario::default()
        };
        let mut document = Document::open(scenario.clone(), None);
        document.example = Some(Rc::new(scenario));
        document
    }

    fn said(document: &Document) -> (String, usize, usize) {
        let scenario = document.scenario();
        (scenario.title, scenario.expect.len(), scenario.notes.len())
    }

    #[test]
    fn checks_and_title_go_with_the_edits_and_come_back() {
        let mut d = example();
        assert_eq!(said(&d), ("A story".to_owned(), 1, 1));
        d.edit(1, "metadata:\n  name: mine\n".into());
        assert_eq!(said(&d), ("A story (edited)".to_owned(), 0, 1));
        d.edit(2, "metadata:\n  name: other\n".into());
        assert_eq!(said(&d), ("New scenario".to_owned(), 0, 0));
        d.edit(1, "metadata:\n  name: p\n".into());
        d.edit(2, "metadata:\n  name: r\n".into());
        assert_eq!(said(&d), ("A story".to_owned(), 1, 1));
    }

    #[test]
    fn what_somebody_wrote_stays() {
        let mut d = example();
        d.edit(1, "x".into());
        d.rest.expect = vec![json!({"step": 2})];
        d.rest.title = "Mine".to_owned();
        assert_eq!(said(&d), ("Mine".to_owned(), 1, 1));
        d = example();
        d.example = None;
        d.edit(1, "x".into());
        assert_eq!(said(&d), ("A story".to_owned(), 1, 1));
    }
}
