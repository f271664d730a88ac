//! What is wrong with policy files before anything is evaluated: each mistake at its line and column.

use super::Disk;
use crate::diagnostic::Diagnostic;
use crate::parse::{self, Document};
use crate::scenario::diagnose::{refused, unreadable};
use crate::scenario::files::{Files as _, is_yaml, join};

/// The errors of policy files and of the YAML files below directories; a file that cannot be read is the loader's to tell.
pub(super) fn find(paths: &[String]) -> Vec<Diagnostic> {
    of_files(paths, unreadable)
}

/// The policies that Kyverno's own webhook would refuse, and why.
pub(super) fn refusals(paths: &[String]) -> Vec<Diagnostic> {
    of_files(paths, |documents, _| refused(documents))
}

fn of_files(paths: &[String], look: fn(&[Document], &str) -> Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut files = Vec::new();
    for path in paths {
        walk(path, &mut files);
    }
    let of_file = |path: &String| {
        let text = Disk.read(path).unwrap_or_default();
        look(&parse::parse(path, &text).documents, &text)
    };
    files.iter().flat_map(of_file).collect()
}

fn walk(path: &str, files: &mut Vec<String>) {
    match Disk.list(path) {
        Some(entries) => {
            for entry in entries.iter().filter(|entry| !entry.name.starts_with('.')) {
                walk(&join(path, &entry.name), files);
            }
        }
        None if is_yaml(path) || path == "-" => files.push(path.to_owned()),
        None => {}
    }
}

/// `file:line:column: what is wrong (what to do)`; what to do of several lines stands below.
pub(super) fn line(one: &Diagnostic) -> String {
    let place = one.span.map(|span| format!(":{}:{}", span.line, span.column)).unwrap_or_default();
    let hint = match one.hint.as_deref() {
        None => String::new(),
        Some(hint) if hint.contains('\n') => format!("\n{hint}"),
        Some(hint) => format!(" ({hint})"),
    };
    format!("{}{place}: {}{hint}", one.file, one.message)
}
