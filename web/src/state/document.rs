//! What the user works on: the files of a scenario and everything else it says.

use std::rc::Rc;

use serde_json::Value;
use stepgate_engine::scenario::{Scenario, Step};

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

/// A scenario taken apart for editing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// In the order of the tabs.
    pub files: Vec<File>,
    /// The `id` of the file that the editor shows.
    pub active: u32,
    /// The scenario without its files.
    pub rest: Scenario,
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

    /// A text from elsewhere takes the place of the old one, or becomes a new file.
    pub fn put(&mut self, name: &str, text: Rc<str>) {
        match self.files.iter_mut().find(|file| file.name == name) {
            Some(file) => {
                file.text = text;
                file.epoch += 1;
                self.active = file.id;
            }
            None => self.add(name, text),
        }
    }

    /// A new file, shown at once. Where the scenario lists its steps, applying the file becomes the last one.
    pub fn add(&mut self, name: &str, text: Rc<str>) {
        let name = self.free_name(name);
        if !self.rest.steps.is_empty() {
            self.rest.steps.push(Step { apply: Some(Value::String(name.clone())), ..Step::default() });
        }
        self.active = self.push(name, text);
    }

    /// Renames a file, and every mention of it in the steps.
    pub fn rename(&mut self, id: u32, name: &str) {
        let name = name.trim();
        if name.is_empty() || self.named(name).is_some() {
            return;
        }
        let Some(file) = self.files.iter_mut().find(|file| file.id == id) else { return };
        let old = std::mem::replace(&mut file.name, name.to_owned());
        for value in self.rest.steps.iter_mut().flat_map(arguments) {
            if value.as_str() == Some(&old) {
                *value = Value::String(name.to_owned());
            }
        }
        for entry in self.rest.cluster.iter_mut().filter(|entry| **entry == old) {
            name.clone_into(entry);
        }
    }

    /// Removes a file and the steps that are about nothing else. The last file stays.
    pub fn remove(&mut self, id: u32) {
        let Some(index) = self.files.iter().position(|file| file.id == id) else { return };
        if self.files.len() < 2 {
            return;
        }
        let gone = self.files.remove(index).name;
        self.rest.steps.retain_mut(|step| !arguments(step).any(|value| value.as_str() == Some(&gone)));
        self.rest.cluster.retain(|entry| *entry != gone);
        if self.active == id {
            self.active = self.files.get(index).or(self.files.last()).map_or(0, |file| file.id);
        }
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
        d.rename(1, "c.yaml");
        assert_eq!(applied(&d), ["c.yaml", "b.yaml"]);
        d.rename(1, "b.yaml");
        assert_eq!(applied(&d), ["c.yaml", "b.yaml"]);
    }

    #[test]
    fn removing_takes_the_steps_along_and_keeps_the_last_file() {
        let mut d = document(&["a.yaml", "b.yaml"], &["a.yaml", "b.yaml"]);
        d.remove(1);
        assert_eq!((applied(&d), d.active), (vec!["b.yaml".to_owned()], 2));
        d.remove(2);
        assert_eq!(d.files.len(), 1);
    }

    #[test]
    fn putting_replaces_and_makes_the_editor_reload() {
        let mut d = document(&["a.yaml"], &[]);
        d.put("a.yaml", "new".into());
        assert_eq!(d.files.first().map(|f| (&*f.text, f.epoch)), Some(("new", 1)));
    }
}
