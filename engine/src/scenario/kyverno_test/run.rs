//! One `kyverno-test.yaml`: each of its documents is a test of its own.

use super::document::test;
use super::load::{TestData, at_field, load, parsed};
use super::{matching, process};
use crate::parse::Document;
use crate::scenario::files::{Files, join, parent};
use crate::scenario::report::{Outcome, TestReport};

const FORMAT: &str = "kyverno-test";

/// Runs the tests of a file.
#[must_use]
pub fn run(files: &dyn Files, path: &str) -> Vec<TestReport> {
    let Some(text) = files.read(path) else {
        return vec![TestReport::failed(path, "", FORMAT, "the file cannot be read")];
    };
    match parsed(path, &text) {
        Err(words) => vec![TestReport::failed(path, "", FORMAT, words)],
        Ok(documents) => documents.into_iter().map(|document| run_document(files, path, document)).collect(),
    }
}

fn run_document(files: &dyn Files, path: &str, document: Document) -> TestReport {
    use crate::object::ObjectExt;
    let name = document.value.name().to_owned();
    let read = test(document.value.clone()).map_err(|words| at_field(&document, &words));
    let data = match read.and_then(|test| load(files, parent(path), test)) {
        Ok(data) => data,
        Err(words) => return TestReport::failed(path, &name, FORMAT, words),
    };
    let report = match process::evaluate(&data) {
        Ok(responses) => {
            let read = |relative: &str| expected(files, &data, relative);
            TestReport::of(path, &name, FORMAT, matching::rows(&data.results, &responses, &read))
        }
        Err(words) => TestReport::failed(path, &name, FORMAT, words),
    };
    match data.outside.asked_network() {
        Some(what) if report.status == Outcome::Failed => report.skipped(format!("needs the network: {what}")),
        _ => report,
    }
}

fn expected(files: &dyn Files, data: &TestData, relative: &str) -> Result<Vec<serde_json::Value>, String> {
    let path = join(&data.dir, relative);
    let text = files.read(&path).ok_or_else(|| format!("open {path}: no such file or directory"))?;
    super::load::manifests(&path, &text, &data.outside.catalog)
}
