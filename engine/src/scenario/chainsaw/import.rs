//! Chainsaw tests → scenarios.

use serde_json::{Value, json};

use super::document::{Step as TestStep, Test, bind_all, list, read};
use super::export::{PERMITTED, THERE};
use super::run::search;
use crate::diagnostic::Diagnostic;
use crate::eval::request::UserInfo;
use crate::object::ObjectExt;
use crate::parse;
use crate::scenario::assertion::{Bindings, expand};
use crate::scenario::exchange::carried::{Imported, left_out, titled};
use crate::scenario::files::{Files, join};
use crate::scenario::kubectl::args::Args;
use crate::scenario::kyverno_test::load::documents;
use crate::scenario::{Scenario, Step};

/// A test as a scenario. What has no counterpart is left out and said.
///
/// # Errors
/// The test, or a file that it names, cannot be read.
pub fn import(files: &dyn Files, path: &str) -> Result<Imported, String> {
    let test = read(files, path, true)?;
    let mut reader = Reader { files, test: &test, scenario: titled(&test.name), left: Vec::new() };
    if !matches!(test.namespace.as_str(), "" | "default") {
        let hint = "objects that name no namespace go to `default`";
        reader.left.push(left_out(format!("the namespace of the test, {}", test.namespace), hint));
    }
    // A scenario's cluster has no namespace of its own making.
    let mut bindings = Bindings::from([
        ("namespace".to_owned(), json!("default")),
        ("test".to_owned(), json!({"metadata": test.metadata})),
    ]);
    bind_all(&mut bindings, &test.bindings, &search)?;
    for step in &test.steps {
        let mut bindings = bindings.clone();
        bind_all(&mut bindings, &step.bindings, &search)?;
        reader.step(step, &bindings)?;
    }
    Ok(Imported { from: "Chainsaw test".into(), scenario: reader.scenario, left_out: reader.left })
}

struct Reader<'a> {
    files: &'a dyn Files,
    test: &'a Test,
    scenario: Scenario,
    left: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn step(&mut self, step: &TestStep, bindings: &Bindings) -> Result<(), String> {
        for operation in step.operations.iter().chain(&step.finally) {
            let entries = operation.as_object().into_iter().flatten();
            for (verb, body) in entries.filter(|(key, _)| *key != "description") {
                let mut bindings = bindings.clone();
                bind_all(&mut bindings, &list(body, "bindings"), &search)?;
                self.operation(step, verb, body, &bindings)?;
            }
        }
        if !step.catch.is_empty() {
            self.left.push(left_out(format!("{}catch", prefix(step)), "it runs only where the step fails"));
        }
        Ok(())
    }

    fn operation(&mut self, step: &TestStep, verb: &str, body: &Value, bindings: &Bindings) -> Result<(), String> {
        if step.name == PERMITTED {
            return Ok(());
        }
        let mut made = Step { name: (!step.name.is_empty()).then(|| step.name.clone()), ..Step::default() };
        match verb {
            "sleep" => made.sleep = body.get("duration").and_then(Value::as_str).map(str::to_owned),
            "script" | "command" => {
                let text = script(verb, body);
                let Some(file) = command(&text, &mut made) else {
                    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
                    let hint = "write it as a step, such as `apply: FILE` with `as: { username: … }`";
                    self.left.push(left_out(format!("{}{verb} `{first}`", prefix(step)), hint));
                    return Ok(());
                };
                if let Some(file) = file {
                    let name = self.file(&file, None)?;
                    self.refusals(&list(body, "check"), body.get("check"), &json!(name))?;
                    set(&mut made, &json!(name));
                }
            }
            "apply" | "create" | "update" | "patch" | "delete" | "assert" | "error" => {
                let check = matches!(verb, "assert" | "error");
                let template = body.get("template").and_then(Value::as_bool).unwrap_or(self.test.template);
                let argument = match (body.get("resource"), body.get("file"), body.get("ref")) {
                    (Some(resource), ..) if check || !template => resource.clone(),
                    (Some(resource), ..) => expand(resource, bindings, &search)?,
                    (_, Some(file), _) => {
                        let file = expand(file, bindings, &search)?;
                        let file = file.as_str().ok_or("an operation names no file")?;
                        json!(self.file(file, (template && !check).then_some(bindings))?)
                    }
                    (.., Some(reference)) => expand(reference, bindings, &search)?,
                    _ => return Err(format!("{}{verb} names neither a file nor a resource", prefix(step))),
                };
                if step.name == THERE
                    && verb == "apply"
                    && let Some(file) = argument.as_str()
                {
                    self.scenario.cluster.push(file.to_owned());
                    return Ok(());
                }
                let expectations = list(body, "expect");
                for expectation in &expectations {
                    self.refusals(&expectations, expectation.get("check"), &argument)?;
                }
                verb_of(&mut made, verb);
                set(&mut made, &argument);
            }
            _ => {
                self.left.push(left_out(format!("{}{verb}", prefix(step)), ""));
                return Ok(());
            }
        }
        self.scenario.steps.push(made);
        Ok(())
    }

    /// Takes a file over under its own name, with its templates put in where there are bindings.
    fn file(&mut self, file: &str, bindings: Option<&Bindings>) -> Result<String, String> {
        let full = join(&self.test.dir, file);
        let mut text = self.files.read(&full).ok_or_else(|| format!("{full}: the file cannot be read"))?;
        if let Some(bindings) = bindings.filter(|_| text.contains("($") || text.contains(": (")) {
            let objects = documents(&full, &text)?;
            let put_in =
                objects.iter().map(|object| expand(object, bindings, &search)).collect::<Result<Vec<_>, _>>()?;
            if put_in != objects {
                text = put_in.iter().map(parse::emit).collect::<Vec<_>>().join("---\n");
            }
        }
        let mut name = join("", file);
        while let Some(rest) = name.strip_prefix("../") {
            name = rest.to_owned();
        }
        self.scenario.files.insert(name.clone(), text);
        Ok(name)
    }

    /// An operation that is expected to fail becomes an expectation for each object that it is about.
    fn refusals(&mut self, expectations: &[Value], check: Option<&Value>, argument: &Value) -> Result<(), String> {
        let Some(check) = check.and_then(Value::as_object) else { return Ok(()) };
        let fails = check.iter().any(|(key, value)| key.contains("$error") && key.contains("!=") && value == true);
        if !fails {
            if check.keys().any(|key| !key.contains("$error")) {
                self.left.push(left_out("what `expect` or `check` wants of an answer", "use `expect` of the scenario"));
            }
            return Ok(());
        }
        let objects = match argument.as_str().and_then(|file| Some((file, self.scenario.files.get(file)?))) {
            Some((file, text)) => documents(file, text)?,
            None => vec![argument.clone()],
        };
        let wanted = |object: &&Value| {
            let mut matches = expectations.iter().filter_map(|one| one.get("match")).peekable();
            matches.peek().is_none()
                || matches
                    .any(|tree| super::super::assertion::check(tree, object, &Bindings::new(), &search).is_empty())
        };
        for object in objects.iter().filter(wanted) {
            let mut denied = json!({"kind": object.kind()});
            for (key, text) in [("name", object.name()), ("namespace", object.namespace())] {
                if !text.is_empty() {
                    denied.set_at(&[key], json!(text));
                }
            }
            let expectation = json!({"denied": denied});
            if !self.scenario.expect.contains(&expectation) {
                self.scenario.expect.push(expectation);
            }
        }
        Ok(())
    }
}

fn prefix(step: &TestStep) -> String {
    if step.name.is_empty() { String::new() } else { format!("{}: ", step.name) }
}

/// What a script or a command says, as one line of a shell.
fn script(verb: &str, body: &Value) -> String {
    if verb == "script" {
        return body.str_at(&["content"]).to_owned();
    }
    let args = list(body, "args");
    let words = std::iter::once(body.str_at(&["entrypoint"])).chain(args.iter().filter_map(Value::as_str));
    words.collect::<Vec<_>>().join(" ")
}

/// Reads `sleep 5` and `kubectl apply -f FILE [--as …]` into a step; the file, where there is one. `None` for anything else.
fn command(text: &str, made: &mut Step) -> Option<Option<String>> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let line = lines.next().filter(|line| !line.contains(['|', ';', '&', '$', '<', '>', '`', '\\']))?;
    if lines.next().is_some() {
        return None;
    }
    let words: Vec<String> = line.split_whitespace().map(|word| word.replace(['\'', '"'], "")).collect();
    let (program, rest) = words.split_first()?;
    if program == "sleep" && rest.len() == 1 {
        let time = rest.first()?;
        made.sleep = Some(if time.ends_with(|c: char| c.is_ascii_digit()) { format!("{time}s") } else { time.clone() });
        return Some(None);
    }
    let args = Args::parse(rest);
    let verb = match args.operands.as_slice() {
        [verb] => verb.as_str(),
        _ => return None,
    };
    let known = rest.iter().skip(1).filter(|word| word.starts_with('-')).all(|word| {
        ["-f", "--filename", "--as", "--as-group", "--dry-run=server", "--type=merge", "--patch-file"]
            .iter()
            .any(|flag| word == flag || word.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')))
    });
    let file = args.flag("filename")?.to_owned();
    let verb = match verb {
        "patch" if program == "kubectl" && known && args.flag("patch-file") == Some(&file) => verb,
        "apply" | "create" | "delete" if program == "kubectl" && known => verb,
        "replace" if program == "kubectl" && known => "update",
        _ => return None,
    };
    verb_of(made, verb);
    made.dry_run = args.flag("dry-run") == Some("server");
    made.user = args.flag("as").map(|name| UserInfo {
        username: name.to_owned(),
        groups: args.values("as-group").to_vec(),
        ..UserInfo::default()
    });
    Some(Some(file))
}

/// Sets the verb; its argument follows.
fn verb_of(step: &mut Step, verb: &str) {
    let place = match verb {
        "apply" => &mut step.apply,
        "create" => &mut step.create,
        "update" => &mut step.update,
        "patch" => &mut step.patch,
        "delete" => &mut step.delete,
        "assert" => &mut step.assert,
        _ => &mut step.error,
    };
    *place = Some(Value::Null);
}

fn set(step: &mut Step, argument: &Value) {
    let places = [
        &mut step.apply,
        &mut step.create,
        &mut step.update,
        &mut step.patch,
        &mut step.delete,
        &mut step.assert,
        &mut step.error,
    ];
    for place in places.into_iter().flatten() {
        *place = argument.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::files::MapFiles;

    fn imported(steps: &str) -> Imported {
        let test = format!(
            "apiVersion: chainsaw.kyverno.io/v1alpha1\nkind: Test\nmetadata: {{name: t}}\nspec:\n  steps:\n  - name: s\n    try:\n{steps}"
        );
        let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: ($namespace)\n";
        let files = [("chainsaw-test.yaml", test.as_str()), ("../x/pod.yaml", pod), ("pod.yaml", pod)];
        import(&MapFiles(files.map(|(path, text)| (path.to_owned(), text.to_owned())).into()), "chainsaw-test.yaml")
            .expect("imports")
    }

    #[test]
    fn templates_are_put_in_and_refusals_are_expected() {
        let read = imported("    - apply: {file: pod.yaml, expect: [{check: {($error != null): true}}]}\n");
        assert_eq!(read.scenario.files["pod.yaml"], "apiVersion: v1\nkind: Pod\nmetadata:\n  name: default\n");
        assert_eq!(read.scenario.expect, [json!({"denied": {"kind": "Pod", "name": "default"}})]);
        assert_eq!(read.left_out, []);
    }

    #[test]
    fn scripts_of_one_plain_command_are_steps() {
        let read = imported(
            "    - script: {content: 'kubectl create -f pod.yaml --as=bob --as-group a --as-group=b'}\n    - script: {content: sleep 3}\n",
        );
        let [create, sleep] = read.scenario.steps.as_slice() else { panic!("{:?}", read.scenario.steps) };
        let user = create.user.clone().unwrap_or_default();
        assert_eq!((user.username.as_str(), user.groups.len()), ("bob", 2));
        assert_eq!((create.create.clone(), sleep.sleep.as_deref()), (Some(json!("pod.yaml")), Some("3s")));
    }

    #[test]
    fn other_scripts_are_named() {
        let read = imported(
            "    - script: {content: 'kubectl get pod | grep x'}\n    - podLogs: {name: x}\n    - wait: {kind: Pod}\n",
        );
        let said: Vec<&str> = read.left_out.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(said, ["s: script `kubectl get pod | grep x`", "s: podLogs", "s: wait"]);
        assert!(read.scenario.steps.is_empty());
    }
}
