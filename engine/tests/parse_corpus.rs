//! Reads every YAML file of the upstream suites: only texts that are broken on purpose may have errors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::fs;
use std::path::{Path, PathBuf};

use stepgate_engine::diagnostic::Severity;
use stepgate_engine::parse;

/// Texts that are meant to be broken, as the end of their path.
const BROKEN: [&str; 0] = [];

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
            found.push(path);
        }
    }
}

#[test]
fn every_file_is_read() {
    let Ok(root) = std::env::var("STEPGATE_CONFORMANCE") else {
        eprintln!("SKIPPED: set STEPGATE_CONFORMANCE to the folder of the upstream suites");
        return;
    };
    let mut files = Vec::new();
    collect(Path::new(&root), &mut files);
    files.sort();
    assert!(!files.is_empty(), "no YAML files in {root}");
    let (mut documents, mut wrong) = (0, Vec::new());
    for path in &files {
        let name = path.to_string_lossy();
        let parsed = parse::parse(&name, &String::from_utf8_lossy(&fs::read(path).unwrap()));
        documents += parsed.documents.len();
        if BROKEN.iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let errors = parsed.diagnostics.iter().filter(|d| d.severity == Severity::Error);
        wrong.extend(errors.map(|d| format!("{name}:{}: {}", d.span.map_or(0, |s| s.line), d.message)));
        for document in &parsed.documents {
            let text = parse::emit(&document.value);
            if parse::one(&text).ok().as_ref() != Some(&document.value) {
                wrong.push(format!("{name}: document {} does not survive being printed", document.index));
            }
        }
    }
    println!("{} files, {documents} documents", files.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
