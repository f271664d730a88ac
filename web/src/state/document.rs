//! What the user works on: the files of a scenario and everything else it says.

use std::rc::Rc;

use serde_json::Value;
use stepgate_engine::scenario::{Scenario, Step};

use super::example;

/// One file of the editor. `epoch` rises when the text changes by anything but typing, so that the editor reloads it.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Never used twice.
    pub id: u32,
    /// As the steps name it.
    pub name: String,
    /// Its whole text.
    pub text: Rc<str>,
    /// Changes when the editor must take the text anew.
    pub epoch: u32,
}

/// A file that was taken away.
#[derive(Clone, Debug, PartialEq)]
pub struct Removed {
    /// The file.
    pub file: File,
    index: usize,
    /// The steps that were about it, by their place.
    steps: Vec<(usize, Step)>,
    /// Whether it was in the cluster from the start.
    existing: bool,
}

/// A scenario taken apart for editing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// In the order of the tabs.
    pub files: Vec<File>,
    /// The `id` of the file that the editor shows.
    pub active: u32,
    /// The scenario without its files.
    pub rest: Scenario,
    /// The example of the gallery that it began as.
    pub example: Option<Rc<Scenario>>,
    next_id: u32,
}

impl Document {
    /// Takes a scenario apart. Ids go on from `after`, so that the editor never takes a new file for an old one.
    pub fn open(scenario: Scenario, after: Option<&Self>) -> Self {
        let mut document = Self { next_id: after.map_or(1, |old| old.next_id), ..Self::default() };
        let mut rest = scenario;
        for (name, text) in std::mem::take(&mut rest.files) {
            document.push(name, text.into());
        }
        let open = rest.view.as_ref().map(|view| view.open.clone()).unwrap_or_default();
        document.active =
            document.files.iter().find(|file| file.name == open).or(document.files.first()).map_or(0, |file| file.id);
        document.rest = rest;
        document
    }

    /// The scenario as it is now.
    pub fn scenario(&self) -> Scenario {
        let mut scenario = self.whole();
        example::adapt(&mut scenario, self);
        scenario
    }

    /// The scenario with all that may come back when edits are undone.
    pub fn whole(&self) -> Scenario {
        let files = self.files.iter().map(|file| (file.name.clone(), file.text.to_string())).collect();
        Scenario { files, ..self.rest.clone() }
    }

    /// The file that the editor shows.
    pub fn active_file(&self) -> Option<&File> {
        self.files.iter().find(|file| file.id == self.active)
    }

    /// The file of this name.
    pub fn named(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.name == name)
    }

    /// What was typed.
    pub fn edit(&mut self, id: u32, text: Rc<str>) {
        if let Some(file) = self.files.iter_mut().find(|file| file.id == id) {
            file.text = text;
        }
    }

    /// A text from elsewhere takes the place of the old one, which is given back, or becomes a new file.
    pub fn put(&mut self, name: &str, text: Rc<str>) -> Option<(u32, Rc<str>)> {
        match self.named(name).map(|file| file.id) {
            Some(id) => self.replace(id, text).map(|old| (id, old)),
            None => {
                self.add(name, text);
                None
            }
        }
    }

    /// Gives a file another text that was not typed, and shows it; the old text where it was another.
    pub fn replace(&mut self, id: u32, text: Rc<str>) -> Option<Rc<str>> {
        let file = self.files.iter_mut().find(|file| file.id == id)?;
        self.active = id;
        if file.text == text {
            return None;
        }
        file.epoch += 1;
        Some(std::mem::replace(&mut file.text, text))
    }

    /// A new file, shown at once. Where the scenario lists its steps, applying the file becomes the last one.
    pub fn add(&mut self, name: &str, text: Rc<str>) {
        let name = self.free_name(name);
        if !self.rest.steps.is_empty() {
            self.rest.steps.push(Step { apply: Some(Value::String(name.clone())), ..Step::default() });
        }
        self.active = self.push(name, text);
    }

    /// Renames a file, and every mention of it in the steps; false where another file has the name.
    pub fn rename(&mut self, id: u32, name: &str) -> bool {
        let name = name.trim();
        if let Some(file) = self.named(name) {
            return file.id == id;
        }
        if name.is_empty() {
            return true;
        }
        let Some(file) = self.files.iter_mut().find(|file| file.id == id) else { return true };
        let old = std::mem::replace(&mut file.name, name.to_owned());
        for value in self.rest.steps.iter_mut().flat_map(arguments) {
            if value.as_str() == Some(&old) {
                *value = Value::String(name.to_owned());
            }
        }
        for entry in self.rest.cluster.iter_mut().filter(|entry| **entry == old) {
            name.clone_into(entry);
        }
        true
    }

    /// Removes a file and the steps that are about nothing else, and says what is gone. The last file stays.
    pub fn remove(&mut self, id: u32) -> Option<Removed> {
        let index = self.files.iter().position(|file| file.id == id).filter(|_| self.files.len() > 1)?;
        let file = self.files.remove(index);
        let mut steps = Vec::new();
        for (i, mut step) in std::mem::take(&mut self.rest.steps).into_iter().enumerate() {
            if arguments(&mut step).any(|value| value.as_str() == Some(&file.name)) {
                steps.push((i, step));
            } else {
                self.rest.steps.push(step);
            }
        }
        let existing = self.rest.cluster.contains(&file.name);
        self.rest.cluster.retain(|entry| *entry != file.name);
        if self.active == id {
            self.active = self.files.get(index).or(self.files.last()).map_or(0, |file| file.id);
        }
        Some(Removed { index, file, steps, existing })
    }

    /// Puts a removed file back in its place, with its steps where its name is still free.
    pub fn put_back(&mut self, removed: &Removed) {
        let mut file = removed.file.clone();
        self.active = file.id;
        let name = self.free_name(&file.name);
        if name == file.name {
            for (index, step) in &removed.steps {
                self.rest.steps.insert((*index).min(self.rest.steps.len()), step.clone());
            }
            if removed.existing {
                self.rest.cluster.push(name);
            }
        } else {
            file.name = name;
        }
        self.files.insert(removed.index.min(self.files.len()), file);
    }

    fn push(&mut self, name: String, text: Rc<str>) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        self.files.push(File { id, name, text, epoch: 0 });
        id
    }

    fn free_name(&self, wish: &str) -> String {
        if self.named(wish).is_none() {
            return wish.to_owned();
        }
        let (stem, ext) = wish.rsplit_once('.').unwrap_or((wish, "yaml"));
        (2..).map(|n| format!("{stem}-{n}.{ext}")).find(|name| self.named(name).is_none()).unwrap_or_default()
    }
}

/// The arguments of a step that may name a file.
fn arguments(step: &mut Step) -> impl Iterator<Item = &mut Value> {
    [
        &mut step.apply,
        &mut step.create,
        &mut step.update,
        &mut step.patch,
        &mut step.delete,
        &mut step.assert,
        &mut step.error,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(names: &[&str], steps: &[&str]) -> Document {
        let files = names.iter().map(|name| ((*name).to_owned(), format!("# {name}"))).collect();
        let steps = steps
            .iter()
            .map(|name| Step { apply: Some(Value::String((*name).to_owned())), ..Step::default() })
            .collect();
        Document::open(Scenario { files, steps, ..Scenario::default() }, None)
    }

    fn applied(document: &Document) -> Vec<String> {
        document.rest.steps.iter().filter_map(|step| step.apply.as_ref()?.as_str().map(str::to_owned)).collect()
    }

    #[test]
    fn opens_and_gives_back_the_same_scenario() {
        let d = document(&["a.yaml", "b.yaml"], &["b.yaml"]);
        assert_eq!(Document::open(d.scenario(), None), d);
    }

    #[test]
    fn a_new_file_is_applied_where_steps_are_listed() {
        let mut d = document(&["a.yaml"], &["a.yaml"]);
        d.add("a.yaml", "x".into());
        assert_eq!(applied(&d), ["a.yaml", "a-2.yaml"]);
        let mut d = document(&["a.yaml"], &[]);
        d.add("b.yaml", "x".into());
        assert!(applied(&d).is_empty());
    }

    #[test]
    fn renaming_follows_into_the_steps() {
        let mut d = document(&["a.yaml", "b.yaml"], &["a.yaml", "b.yaml"]);
        assert!(d.rename(1, "c.yaml"));
        assert_eq!(applied(&d), ["c.yaml", "b.yaml"]);
        assert!(!d.rename(1, "b.yaml") && d.rename(1, "c.yaml"));
        assert_eq!(applied(&d), ["c.yaml", "b.yaml"]);
    }

    #[test]
    fn removing_takes_the_steps_along_and_keeps_the_last_file() {
        let mut d = document(&["a.yaml", "b.yaml"], &["a.yaml", "b.yaml"]);
        d.remove(1);
        assert_eq!((applied(&d), d.active), (vec!["b.yaml".to_owned()], 2));
        assert_eq!((d.remove(2), d.files.len()), (None, 1));
    }

    #[test]
    fn a_removed_file_comes_back_whole() {
        let whole = document(&["a.yaml", "b.yaml", "c.yaml"], &["b.yaml", "a.yaml", "c.yaml"]);
        let mut d = whole.clone();
        d.rest.cluster = vec!["a.yaml".to_owned()];
        let before = d.clone();
        let removed = d.remove(1).unwrap();
        assert_eq!(
            (d.files.len(), applied(&d), d.rest.cluster.len()),
            (2, vec!["b.yaml".to_owned(), "c.yaml".to_owned()], 0)
        );
        d.put_back(&removed);
        assert_eq!(d, before);
        let removed = d.remove(1).unwrap();
        d.add("a.yaml", "other".into());
        d.put_back(&removed);
        assert_eq!(
            d.files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(),
            ["a-2.yaml", "b.yaml", "c.yaml", "a.yaml"]
        );
    }

    #[test]
    fn putting_replaces_and_makes_the_editor_reload() {
        let mut d = document(&["a.yaml"], &[]);
        assert_eq!(d.put("a.yaml", "new".into()), Some((1, "# a.yaml".into())));
        assert_eq!(d.put("a.yaml", "new".into()), None);
        assert_eq!(d.files.first().map(|f| (&*f.text, f.epoch)), Some(("new", 1)));
    }
}
