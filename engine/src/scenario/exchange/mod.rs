//! What comes in and what goes out: links, pastes and the files of other tools ↔ scenarios. What has no counterpart is said.

pub(crate) mod carried;
pub(crate) mod context_values;
mod lz_string;
mod paste;
pub mod playground;
pub(crate) mod rbac;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use super::files::{MapFiles, base_name, is_yaml};
use super::{Scenario, chainsaw, kyverno_test};
use crate::diagnostic::Diagnostic;
use crate::limits::MAX_FILE_BYTES;
use crate::object::ObjectExt;
use crate::parse;

pub use carried::{Exported, Imported};

/// Files that are read at once.
const MOST_FILES: usize = 500;
/// Bytes that are read at once.
const MOST_BYTES: usize = 2 * MAX_FILE_BYTES;

/// All that a link, a paste or a folder holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Import {
    /// One per test, profile or document.
    pub found: Vec<Imported>,
    /// What could not be read at all.
    pub wrong: Vec<Diagnostic>,
}

/// What a file is, by what it holds.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Scenario,
    KyvernoTest,
    Chainsaw,
    Playground,
    Objects,
    Nothing,
}

/// Reads whatever somebody brings: a link of the official playground, one paste with or without several files, a folder.
#[must_use]
pub fn import(files: &IndexMap<String, String>) -> Import {
    let mut import = Import::default();
    if files.len() > MOST_FILES || files.values().map(String::len).sum::<usize>() > MOST_BYTES {
        let words = format!("this is too much: {MOST_FILES} files and {} MB are read at once", MOST_BYTES >> 20);
        import.wrong.push(Diagnostic::error(words).hint("bring only the folder of the test or of the policy"));
        return import;
    }
    if let Some(link) = files.values().next().filter(|text| files.len() == 1 && playground::is_link(text)) {
        match playground::import_link(link) {
            Ok(found) => import.found.push(found),
            Err(words) => import.wrong.push(Diagnostic::error(words)),
        }
        return import;
    }
    let files = paste::split(files);
    let kinds: Vec<(&String, &String, Kind)> =
        files.iter().map(|(name, text)| (name, text, kind_of(name, text))).collect();
    let folder = MapFiles(files.clone().into_iter().collect());
    for (name, text, kind) in &kinds {
        let read = match kind {
            Kind::Scenario => Scenario::read(name, text).map(|scenario| vec![plain("Scenario", scenario)]),
            Kind::KyvernoTest => one(kyverno_test::import(&folder, name), name),
            Kind::Chainsaw => one(chainsaw::import(&folder, name), name),
            Kind::Playground => playground::import_export(text).map_err(|words| vec![Diagnostic::error(words)]),
            Kind::Objects | Kind::Nothing => continue,
        };
        match read {
            Ok(found) => import.found.extend(found),
            Err(wrong) => import.wrong.extend(wrong),
        }
    }
    if import.found.is_empty() && import.wrong.is_empty() {
        objects(&kinds, &mut import);
    }
    import
}

/// Bare manifests: the files themselves.
fn objects(kinds: &[(&String, &String, Kind)], import: &mut Import) {
    let top = common_folder(kinds.iter().map(|(name, ..)| name.as_str()));
    let mut scenario = Scenario::of_files(IndexMap::new());
    scenario.title = top.trim_end_matches('/').to_owned();
    let mut left_out = Vec::new();
    for (name, text, kind) in kinds {
        let short = name.strip_prefix(&top).unwrap_or(name);
        if *kind == Kind::Objects {
            scenario.files.insert(short.to_owned(), (*text).clone());
        } else {
            left_out.push(Diagnostic::warning(format!("{short} holds no Kubernetes object")));
        }
    }
    if scenario.files.is_empty() {
        let hint = "bring YAML of policies and resources, a link of the playground, or the folder of a test";
        import.wrong.push(Diagnostic::error("nothing here is a Kubernetes object").hint(hint));
    } else {
        import.found.push(Imported { from: "YAML".into(), scenario, left_out });
    }
}

fn plain(from: &str, scenario: Scenario) -> Imported {
    Imported { from: from.into(), scenario, left_out: Vec::new() }
}

fn one(read: Result<Imported, String>, file: &str) -> Result<Vec<Imported>, Vec<Diagnostic>> {
    let hint = "bring the whole folder, or paste its files one after the other with a line `# file: NAME` above each";
    read.map(|found| vec![found]).map_err(|words| vec![Diagnostic::error(words).at(file, None).hint(hint)])
}

fn kind_of(name: &str, text: &str) -> Kind {
    if !(is_yaml(name) || name.ends_with(".json")) {
        return Kind::Nothing;
    }
    let parsed = parse::yaml::parse(name, text);
    let broken = !parsed.diagnostics.is_empty() && text.contains("kind:");
    for document in &parsed.documents {
        let value = &document.value;
        let group = value.gvk().group;
        let is = |wanted: &str, kind: &str| group == wanted && value.kind() == kind;
        if is("stepgate.dev", "Scenario") {
            return Kind::Scenario;
        } else if is("chainsaw.kyverno.io", "Test") {
            return Kind::Chainsaw;
        } else if is("cli.kyverno.io", "Test") || (base_name(name) == "kyverno-test.yaml" && value.is_object()) {
            return Kind::KyvernoTest;
        } else if value.kind().is_empty() && value.get("profiles").is_some_and(Value::is_array) {
            return Kind::Playground;
        }
    }
    let object = parsed.documents.iter().any(|document| !document.value.kind().is_empty());
    // A broken document is opened all the same: the page says what is wrong with it.
    if object || broken { Kind::Objects } else { Kind::Nothing }
}

/// `a/b/` where every name starts with it.
fn common_folder<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    let folder = |name: &'a str| name.rfind('/').and_then(|end| name.get(..=end)).unwrap_or("");
    let first = names.next().map_or("", folder);
    let shared = names.fold(first, |mut shared, name| {
        while !name.starts_with(shared) {
            shared = folder(shared.trim_end_matches('/'));
        }
        shared
    });
    shared.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import_of(files: &[(&str, &str)]) -> Import {
        import(&files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn manifests_stay_files_without_their_common_folder() {
        let import =
            import_of(&[("x/y/a.yaml", "kind: Pod\n"), ("x/y/z/b.yaml", "kind: Pod\n"), ("x/y/README.md", "hi")]);
        let found = &import.found[0];
        assert_eq!(found.scenario.files.keys().collect::<Vec<_>>(), ["a.yaml", "z/b.yaml"]);
        assert_eq!(found.scenario.title, "x/y");
        assert_eq!(found.left_out[0].message, "README.md holds no Kubernetes object");
    }

    #[test]
    fn what_is_nothing_is_said() {
        assert_eq!(import_of(&[("a.yaml", "hello")]).wrong[0].message, "nothing here is a Kubernetes object");
        assert!(import_of(&[("a.yaml", &"#".repeat(MOST_BYTES + 1))]).wrong[0].message.contains("too much"));
        assert!(
            import_of(&[("a.yaml", "apiVersion: stepgate.dev/v9\nkind: Scenario\n")]).wrong[0].message.contains('9')
        );
    }

    #[test]
    fn broken_yaml_is_opened_so_that_it_can_be_mended() {
        assert_eq!(import_of(&[("a.yaml", "kind: Pod\n  x: [")]).found.len(), 1);
    }

    #[test]
    fn a_missing_file_of_a_test_is_named() {
        let text = "apiVersion: cli.kyverno.io/v1alpha1\nkind: Test\nmetadata: {name: t}\npolicies: [p.yaml]\n";
        let wrong = import_of(&[("kyverno-test.yaml", text)]).wrong;
        assert!(wrong[0].message.contains("p.yaml"), "{wrong:?}");
    }
}
