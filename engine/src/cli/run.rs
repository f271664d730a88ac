//! `stepgate run`: a scenario, its timeline, its expectations.

use super::args::Args;
use super::{End, print};
use crate::diagnostic::Diagnostic;
use crate::object::ObjectExt;
use crate::scenario::files::Files;
use crate::scenario::kyverno_test::load::documents;
use crate::scenario::report::{Row, TestReport};
use crate::scenario::{Scenario, simulate};
use crate::sim::profile;

pub(super) fn command(arguments: &[String]) -> End {
    run(arguments).unwrap_or_else(End::Misused)
}

fn run(arguments: &[String]) -> Result<End, String> {
    let args = Args::parse(arguments, &["--kyverno", "--format"], &[], &[])?;
    let format = args.choice("--format", &["text", "json", "markdown", "mermaid"])?;
    let [path] = args.operands.as_slice() else { return Err("run needs one scenario".into()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    let mut scenario = Scenario::read(path, &text).map_err(|wrong| match other_kind(path, &text) {
        Some(kind) => format!("{path} holds a {kind}, and run needs `kind: Scenario`; {}", instead(&kind)),
        None => words(path, &wrong),
    })?;
    if let Some(version) = args.values(&["--kyverno"]).last() {
        if profile::find(version).is_none() {
            return Err(format!("--kyverno must be one of 1.15, 1.18, 1.19; {version:?} is not"));
        }
        version.clone_into(&mut scenario.kyverno);
    }
    let timeline = simulate(&scenario);
    match format {
        "json" => print::out(&format!("{}\n", serde_json::to_string(&timeline).map_err(|error| error.to_string())?)),
        "markdown" => print::out(&timeline.to_markdown()),
        "mermaid" => print::out(&timeline.to_mermaid()),
        _ => print::out(&timeline.to_text()),
    }
    let failed: Vec<_> = timeline.checks.iter().filter(|check| !check.ok).collect();
    for check in &failed {
        print::err(&format!("expected {}: {}\n", check.text, check.reason));
    }
    Ok(if failed.is_empty() { End::Fine } else { End::Failed })
}

/// The kind of a file that is no scenario.
fn other_kind(path: &str, text: &str) -> Option<String> {
    let kind = documents(path, text).ok()?.first()?.kind().to_owned();
    (!kind.is_empty() && kind != "Scenario").then_some(kind)
}

fn instead(kind: &str) -> &'static str {
    match kind {
        "Test" => "stepgate test runs Kyverno's and Chainsaw's tests",
        kind if kind.ends_with("Policy") => "stepgate apply evaluates policies against resources",
        _ => "write a Scenario that names the file",
    }
}

/// Messages with file, line and column, one a line.
fn words(path: &str, diagnostics: &[Diagnostic]) -> String {
    let line = |one: &Diagnostic| {
        let place = one.span.map(|span| format!(":{}:{}", span.line, span.column)).unwrap_or_default();
        let file = if one.file.is_empty() { path } else { &one.file };
        format!("{file}{place}: {}", one.message)
    };
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A scenario as a test: its expectations, and its assertions.
pub(super) fn check(files: &dyn Files, path: &str) -> TestReport {
    const FORMAT: &str = "scenario";
    let text = files.read(path).unwrap_or_default();
    let scenario = match Scenario::read(path, &text) {
        Ok(scenario) => scenario,
        Err(wrong) => return TestReport::failed(path, "", FORMAT, words(path, &wrong)),
    };
    let timeline = simulate(&scenario);
    let checks = timeline.checks.iter().map(|check| Row {
        rule: check.text.clone(),
        expected: "pass".into(),
        actual: if check.ok { "pass".into() } else { "fail".into() },
        ok: check.ok,
        reason: check.reason.clone(),
        ..Row::default()
    });
    let asserted =
        scenario.steps.iter().zip(&timeline.steps).filter(|(step, _)| step.assert.is_some() || step.error.is_some());
    let asserted = asserted.map(|(_, line)| Row {
        rule: line.text.clone(),
        expected: "pass".into(),
        actual: if line.ok { "pass".into() } else { "fail".into() },
        ok: line.ok,
        reason: if line.ok { String::new() } else { "the assertion does not hold".into() },
        ..Row::default()
    });
    TestReport::of(path, &scenario.title, FORMAT, checks.chain(asserted).collect())
}
