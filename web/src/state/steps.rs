//! Editing the steps: what happens to the cluster, in which order, and who does it.

use serde_json::{Value, json};
use stepgate_engine::eval::request::UserInfo;
use stepgate_engine::object::gvk::ObjectRef;
use stepgate_engine::scenario::Step;

use super::document::Document;

/// A change of the list of steps.
#[derive(Clone, Debug)]
pub enum StepEdit {
    /// Back to the default.
    Default,
    /// One more at the end.
    Push(Box<Step>),
    /// Another in its place.
    Put(usize, Box<Step>),
    /// On or off.
    Switch(usize),
    /// Away.
    Remove(usize),
    /// One place down.
    Down(usize),
    /// Every step is done by this user.
    As(Option<UserInfo>),
    /// A file of this text becomes part of what is applied first.
    First(String, String),
    /// One place up.
    Up(usize),
    /// A file is there from the start, or is not.
    Existing(String),
    /// A user deletes an object.
    Delete(ObjectRef),
    /// A user edits an object: its text becomes a file, applying the file the last step.
    Edit(ObjectRef, Box<Value>),
}

impl StepEdit {
    /// What it did, where that is not seen at the place of the click.
    pub fn said(&self) -> Option<String> {
        match self {
            Self::Default => Some("The steps are the default again.".to_owned()),
            Self::Remove(index) => Some(format!("Step {} is removed.", index + 1)),
            Self::First(name, _) => Some(format!("{name} is in, and applied first.")),
            Self::Delete(key) => Some(format!("Deleting {} {} is the last step now.", key.kind, key.name)),
            Self::Edit(key, _) => Some(format!("Change {} {} here: applying it is the last step.", key.kind, key.name)),
            _ => None,
        }
    }
}

/// Changes the list.
pub fn change(document: &mut Document, edit: StepEdit) {
    let by_itself = matches!(edit, StepEdit::Default | StepEdit::Existing(_));
    if !by_itself && document.rest.steps.is_empty() {
        document.rest.steps = default_steps(document);
    }
    let steps = &mut document.rest.steps;
    match edit {
        StepEdit::Default => steps.clear(),
        StepEdit::Push(step) => steps.push(*step),
        StepEdit::Put(index, step) => {
            if let Some(old) = steps.get_mut(index) {
                *old = *step;
            }
        }
        StepEdit::Switch(index) => {
            if let Some(step) = steps.get_mut(index) {
                step.off = !step.off;
            }
        }
        StepEdit::Remove(index) => {
            if index < steps.len() {
                steps.remove(index);
            }
        }
        StepEdit::Down(index) => {
            if index + 1 < steps.len() {
                steps.swap(index, index + 1);
            }
        }
        StepEdit::As(user) => steps.iter_mut().for_each(|step| step.user.clone_from(&user)),
        StepEdit::First(name, text) => {
            document.add(&name, text.into());
            document.rest.steps.rotate_right(1);
        }
        StepEdit::Up(index) => {
            if index > 0 && index < steps.len() {
                steps.swap(index, index - 1);
            }
        }
        StepEdit::Existing(file) => {
            let listed = !steps.is_empty();
            steps.retain(|step| step.apply.as_ref().and_then(Value::as_str) != Some(&file));
            if listed && document.rest.cluster.contains(&file) {
                steps.push(Step { apply: Some(Value::String(file.clone())), ..Step::default() });
            }
            switch(&mut document.rest.cluster, file);
        }
        StepEdit::Delete(key) => {
            let mut object = json!({"apiVersion": key.api_version, "kind": key.kind, "name": key.name});
            if !key.namespace.is_empty()
                && let Some(map) = object.as_object_mut()
            {
                map.insert("namespace".to_owned(), Value::String(key.namespace));
            }
            steps.push(Step { delete: Some(object), ..Step::default() });
        }
        StepEdit::Edit(key, object) => {
            let name = format!("edit-{}-{}.yaml", key.kind.to_ascii_lowercase(), key.name);
            document.add(&name, crate::yaml::text(&as_typed(*object)).into());
            // An edited object is what the user left in the editor: nothing is merged.
            if let Some(step) = document.rest.steps.last_mut() {
                step.update = step.apply.take();
            }
        }
    }
}

/// What runs when no steps are listed: every file with a policy, then every other, in order; not what is there already.
pub fn default_steps(document: &Document) -> Vec<Step> {
    let files = document.files.iter().filter(|file| !document.rest.cluster.contains(&file.name));
    let (policies, others): (Vec<_>, Vec<_>) = files.partition(|file| file.text.lines().any(is_policy));
    let apply = |name: &str| Step { apply: Some(Value::String(name.to_owned())), ..Step::default() };
    policies.into_iter().chain(others).map(|file| apply(&file.name)).collect()
}

/// Puts a name into a list, or takes it out.
pub fn switch(list: &mut Vec<String>, name: String) {
    match list.iter().position(|known| *known == name) {
        Some(index) => {
            list.remove(index);
        }
        None => list.push(name),
    }
}

/// Whether a line says that a document is a policy.
pub fn is_policy(line: &str) -> bool {
    let kind = line.strip_prefix("kind:").map(str::trim).unwrap_or_default();
    (kind.ends_with("Policy") && kind != "NetworkPolicy") || kind == "PolicyException"
}

/// The verb of a step and what it is about, in short.
pub fn summary(step: &Step) -> (&'static str, String) {
    let named = [
        ("apply", &step.apply),
        ("create", &step.create),
        ("update", &step.update),
        ("patch", &step.patch),
        ("delete", &step.delete),
        ("commit", &step.commit),
        ("assert", &step.assert),
        ("error", &step.error),
    ];
    if let Some((verb, value)) = named.into_iter().find_map(|(verb, value)| Some((verb, value.as_ref()?))) {
        return (verb, about(value));
    }
    ("sleep", step.sleep.clone().unwrap_or_default())
}

fn about(value: &Value) -> String {
    if let Some(file) = value.as_str() {
        return file.to_owned();
    }
    if let Some(removed) = value.get("remove") {
        return format!("the removal of {}", about(removed));
    }
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
    let name = text("/metadata/name").or(text("/name")).unwrap_or("…");
    let namespace = text("/metadata/namespace").or(text("/namespace")).map(|ns| format!("{ns}/")).unwrap_or_default();
    format!("{} {namespace}{name}", text("/kind").unwrap_or("object"))
}

/// An object without what the API server writes into it.
fn as_typed(mut object: Value) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.shift_remove("status");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            for key in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] {
                metadata.shift_remove(key);
            }
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use stepgate_engine::scenario::Scenario;

    use super::*;

    fn document() -> Document {
        let files = [("r.yaml", "kind: Pod"), ("p.yaml", "a: 1\nkind: ClusterPolicy\n"), ("old.yaml", "kind: Pod")];
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Document::open(Scenario { files, cluster: vec!["old.yaml".to_owned()], ..Scenario::default() }, None)
    }

    fn list(document: &Document) -> Vec<String> {
        let line = |step: &Step| {
            let (verb, what) = summary(step);
            format!("{verb} {what}{}", if step.off { " off" } else { "" })
        };
        document.rest.steps.iter().map(line).collect()
    }

    fn after(edits: Vec<StepEdit>) -> Vec<String> {
        let mut document = document();
        edits.into_iter().for_each(|edit| change(&mut document, edit));
        list(&document)
    }

    #[test]
    fn policies_come_first_by_default() {
        assert_eq!(after(vec![StepEdit::Up(0)]), ["apply p.yaml", "apply r.yaml"]);
        assert!(after(vec![StepEdit::Up(1), StepEdit::Default]).is_empty());
    }

    #[test]
    fn changes_the_list() {
        assert_eq!(after(vec![StepEdit::Up(1), StepEdit::Switch(0)]), ["apply r.yaml off", "apply p.yaml"]);
        assert_eq!(after(vec![StepEdit::Remove(0), StepEdit::Remove(7), StepEdit::Up(7)]), ["apply r.yaml"]);
        let sleep = Step { sleep: Some("1h".to_owned()), ..Step::default() };
        assert_eq!(after(vec![StepEdit::Push(Box::new(sleep))]).last().map(String::as_str), Some("sleep 1h"));
        assert!(after(vec![StepEdit::Existing("r.yaml".to_owned())]).is_empty());
        assert_eq!(after(vec![StepEdit::Down(0)]), ["apply r.yaml", "apply p.yaml"]);
        let exception = StepEdit::First("x.yaml".to_owned(), "kind: PolicyException".to_owned());
        assert_eq!(after(vec![exception]), ["apply x.yaml", "apply p.yaml", "apply r.yaml"]);
    }

    #[test]
    fn what_a_user_does_to_an_object_is_a_step() {
        let key = ObjectRef {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: "ns".to_owned(),
            name: "x".to_owned(),
        };
        assert_eq!(after(vec![StepEdit::Delete(key.clone())]).last().map(String::as_str), Some("delete Pod ns/x"));
        let mut document = document();
        let object = json!({"kind": "Pod", "metadata": {"name": "x", "uid": "1"}, "status": {}});
        change(&mut document, StepEdit::Edit(key, Box::new(object)));
        assert_eq!(list(&document).last().map(String::as_str), Some("update edit-pod-x.yaml"));
        assert_eq!(document.active_file().map(|f| &*f.text), Some("kind: Pod\nmetadata:\n  name: x\n"));
    }
}
