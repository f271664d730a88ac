//! A `Test` of chainsaw.kyverno.io with its step templates put in.

use serde_json::Value;

use crate::object::ObjectExt;
use crate::scenario::assertion::{Bindings, Search, expand};
use crate::scenario::files::{Files, join, parent};
use crate::scenario::kyverno_test::load::documents;

/// A test.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Test {
    /// `metadata.name`.
    pub name: String,
    /// The directory that its files are relative to.
    pub dir: String,
    /// `spec.namespace`; `""` is one of its own.
    pub namespace: String,
    /// The test says that it is not to be run.
    pub skip: bool,
    /// Whether resources are templates: `spec.template`, on by default.
    pub template: bool,
    /// `spec.bindings`.
    pub bindings: Vec<Value>,
    /// Steps in order.
    pub steps: Vec<Step>,
    /// `metadata`, which expressions see as `$test`.
    pub metadata: Value,
}

/// A step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// `try`.
    pub operations: Vec<Value>,
    /// `catch`: what runs when the step fails.
    pub catch: Vec<Value>,
    /// `finally`: what runs after the step in any case.
    pub finally: Vec<Value>,
    /// `cleanup`: what runs after the last step.
    pub cleanup: Vec<Value>,
    /// Bindings of the step and of the template that it uses.
    pub bindings: Vec<Value>,
}

/// Reads a test file; `templating` says whether resources are templates where the test leaves it open.
///
/// # Errors
/// It cannot be read, is no Test, or names a template that is not there.
pub fn read(files: &dyn Files, path: &str, templating: bool) -> Result<Test, String> {
    let text = files.read(path).ok_or_else(|| format!("{path}: the file cannot be read"))?;
    let document = documents(path, &text)?.into_iter().find(|document| document.kind() == "Test");
    let document = document.ok_or_else(|| format!("{path} holds no Test"))?;
    let spec = document.get("spec").cloned().unwrap_or_default();
    let dir = parent(path).to_owned();
    let mut test = Test {
        name: document.name().to_owned(),
        namespace: spec.str_at(&["namespace"]).to_owned(),
        skip: spec.get("skip").and_then(Value::as_bool).unwrap_or(false),
        template: spec.get("template").and_then(Value::as_bool).unwrap_or(templating),
        bindings: list(&spec, "bindings"),
        metadata: document.get("metadata").cloned().unwrap_or_default(),
        steps: Vec::new(),
        dir,
    };
    for step in list(&spec, "steps") {
        let step = self::step(files, &test.dir, &step)?;
        test.steps.push(step);
    }
    let last = list(&spec, "catch");
    test.steps.iter_mut().for_each(|step| step.catch.extend(last.iter().cloned()));
    Ok(test)
}

fn step(files: &dyn Files, dir: &str, step: &Value) -> Result<Step, String> {
    let mut read = Step {
        name: step.str_at(&["name"]).to_owned(),
        operations: list(step, "try"),
        catch: list(step, "catch"),
        finally: list(step, "finally"),
        cleanup: list(step, "cleanup"),
        bindings: list(step, "bindings"),
    };
    let template = step.str_at(&["use", "template"]);
    if !template.is_empty() {
        let path = join(dir, template);
        let text = files.read(&path).ok_or_else(|| format!("{path}: the step template cannot be read"))?;
        let template = documents(&path, &text)?.into_iter().next().unwrap_or_default();
        let spec = template.get("spec").cloned().unwrap_or_default();
        read.bindings.extend(list(&spec, "bindings"));
        read.bindings.extend(step.at(&["use", "with"]).map(|with| list(with, "bindings")).unwrap_or_default());
        read.operations = list(&spec, "try");
        read.catch.extend(list(&spec, "catch"));
        read.finally.extend(list(&spec, "finally"));
        read.cleanup.extend(list(&spec, "cleanup"));
    }
    Ok(read)
}

/// The entries of a list field.
#[must_use]
pub fn list(value: &Value, name: &str) -> Vec<Value> {
    value.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Adds bindings `{name, value}`; later ones see earlier ones.
///
/// # Errors
/// A value cannot be evaluated.
pub fn bind_all(bindings: &mut Bindings, entries: &[Value], search: Search<'_>) -> Result<(), String> {
    for entry in entries {
        let value = expand(entry.get("value").unwrap_or(&Value::Null), bindings, search)?;
        bindings.insert(entry.str_at(&["name"]).to_owned(), value);
    }
    Ok(())
}
