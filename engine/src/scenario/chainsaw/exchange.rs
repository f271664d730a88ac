//! Chainsaw folders ↔ scenarios.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::document::read;
use super::run::search;
use crate::object::ObjectExt;
use crate::parse;
use crate::scenario::assertion::{Bindings, expand};
use crate::scenario::files::{Files, join};
use crate::scenario::{API_VERSION, Scenario, Step};

/// A test as a scenario. Scripts have no counterpart and are left out; the second value names them.
///
/// # Errors
/// The test or a file of it cannot be read.
pub fn import(files: &dyn Files, path: &str) -> Result<(Scenario, Vec<String>), String> {
    let test = read(files, path)?;
    let mut left_out = Vec::new();
    let mut scenario = Scenario {
        api_version: API_VERSION.into(),
        kind: "Scenario".into(),
        title: test.name.clone(),
        ..Scenario::default()
    };
    for step in &test.steps {
        let mut bindings = Bindings::from([
            ("namespace".to_owned(), json!("default")),
            ("test".to_owned(), json!({"metadata": test.metadata})),
        ]);
        super::document::bind_all(&mut bindings, &step.bindings, &search)?;
        for operation in &step.operations {
            let Some((verb, body)) =
                operation.as_object().and_then(|map| map.iter().find(|(key, _)| *key != "description"))
            else {
                continue;
            };
            let argument = match body.get("resource") {
                Some(resource) => Some(expand(resource, &bindings, &search)?),
                None => match expand(body.get("file").unwrap_or(&Value::Null), &bindings, &search)? {
                    Value::String(file) => {
                        let full = join(&test.dir, &file);
                        let text = files.read(&full).ok_or_else(|| format!("{full}: the file cannot be read"))?;
                        let name = join("", &file).trim_start_matches("../").to_owned();
                        scenario.files.insert(name.clone(), text);
                        Some(json!(name))
                    }
                    _ => body.get("ref").cloned(),
                },
            };
            let mut made = Step { name: (!step.name.is_empty()).then(|| step.name.clone()), ..Step::default() };
            match verb.as_str() {
                "apply" => made.apply = argument,
                "create" => made.create = argument,
                "update" => made.update = argument,
                "patch" => made.patch = argument,
                "delete" => made.delete = argument,
                "assert" => made.assert = argument,
                "error" => made.error = argument,
                "sleep" => made.sleep = body.get("duration").and_then(Value::as_str).map(str::to_owned),
                other => {
                    left_out.push(format!("{}: {other}", step.name));
                    continue;
                }
            }
            scenario.steps.push(made);
        }
    }
    Ok((scenario, left_out))
}

/// A folder that `chainsaw test` runs on a real cluster. Steps of other users become `kubectl --as`.
#[must_use]
pub fn export(scenario: &Scenario) -> IndexMap<String, String> {
    let mut steps: Vec<Value> = Vec::new();
    let present = |file: &String| json!({"try": [{"apply": {"file": file}}]});
    steps.extend(scenario.cluster.iter().map(present));
    let implied: Vec<Step>;
    let own = if scenario.steps.is_empty() {
        implied = scenario.files.keys().map(|file| Step { apply: Some(json!(file)), ..Step::default() }).collect();
        &implied
    } else {
        &scenario.steps
    };
    for step in own.iter().filter(|step| !step.off) {
        let verbs = [
            ("apply", &step.apply),
            ("create", &step.create),
            ("update", &step.update),
            ("patch", &step.patch),
            ("delete", &step.delete),
            ("assert", &step.assert),
            ("error", &step.error),
        ];
        let named = verbs.into_iter().find_map(|(verb, argument)| argument.as_ref().map(|argument| (verb, argument)));
        let operation = match (named, &step.sleep) {
            (Some((verb, Value::String(file))), _) if step.user.is_some() => {
                let user = step.user.clone().unwrap_or_default();
                let groups: String = user.groups.iter().map(|group| format!(" --as-group='{group}'")).collect();
                let verb = if verb == "update" { "replace" } else { verb };
                json!({"script": {"content": format!("kubectl {verb} -f {file} --as='{}'{groups}", user.username)}})
            }
            (Some((verb, Value::String(file))), _) => json!({verb: {"file": file}}),
            (Some(("delete", reference)), _) => {
                let name = if reference.name().is_empty() { reference.str_at(&["name"]) } else { reference.name() };
                let namespace = if reference.namespace().is_empty() {
                    reference.str_at(&["namespace"])
                } else {
                    reference.namespace()
                };
                let mut target = json!({"apiVersion": reference.api_version(), "kind": reference.kind(), "name": name});
                if !namespace.is_empty() {
                    target.set_at(&["namespace"], json!(namespace));
                }
                json!({"delete": {"ref": target}})
            }
            (Some((verb, resource)), _) => json!({verb: {"resource": resource}}),
            (None, Some(duration)) => json!({"sleep": {"duration": duration}}),
            (None, None) => continue,
        };
        let mut made = json!({"try": [operation]});
        if let Some(name) = &step.name {
            made.set_at(&["name"], json!(name));
        }
        steps.push(made);
    }
    let title = scenario.title.to_lowercase();
    let name: String = title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
    let name = if name.is_empty() { "scenario" } else { name.trim_matches('-') };
    let document = json!({"apiVersion": "chainsaw.kyverno.io/v1alpha1", "kind": "Test", "metadata": {"name": name},
        "spec": {"template": false, "steps": steps}});
    let mut folder = IndexMap::from([("chainsaw-test.yaml".to_owned(), parse::emit(&document))]);
    folder.extend(scenario.files.clone());
    folder
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::files::MapFiles;

    #[test]
    fn a_scenario_survives_the_round_trip() {
        let step = |change: fn(&mut Step)| {
            let mut step = Step::default();
            change(&mut step);
            step
        };
        let scenario = Scenario {
            title: "round trip".into(),
            files: IndexMap::from([("a.yaml".to_owned(), "kind: Pod\n".to_owned())]),
            steps: vec![
                step(|step| step.apply = Some(json!("a.yaml"))),
                step(|step| step.sleep = Some("3s".into())),
                step(|step| {
                    step.delete = Some(json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "namespace": "n"}))
                }),
            ],
            ..Scenario::default()
        };
        let folder = export(&scenario);
        let files = MapFiles(folder.into_iter().collect());
        let (again, left_out) = import(&files, "chainsaw-test.yaml").expect("imports");
        assert_eq!(again.steps, scenario.steps);
        assert_eq!(again.files, scenario.files);
        assert!(left_out.is_empty());
    }
}
