//! `stepgate test`: finds tests, runs them on every core, prints what came out in the order of their paths.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::args::Args;
use super::{Disk, End, ledger, print};
use crate::scenario::files::{Files, base_name, is_yaml, join};
use crate::scenario::report::{Outcome, TestReport};
use crate::scenario::{chainsaw, kyverno_test};

pub(super) fn command(arguments: &[String]) -> End {
    run(arguments).unwrap_or_else(End::Misused)
}

fn run(arguments: &[String]) -> Result<End, String> {
    let args = Args::parse(arguments, &["--format"], &[], &["--update-ledger", "--quiet"])?;
    let format = args.choice("--format", &["table", "json", "junit"])?;
    let roots = if args.operands.is_empty() && args.has("--update-ledger") {
        ledger::suite_roots()?
    } else {
        args.operands.clone()
    };
    if roots.is_empty() {
        return Err("test needs a file or a directory".into());
    }
    let paths = find(&Disk, &roots)?;
    if paths.is_empty() {
        return Err(format!("no kyverno-test.yaml, chainsaw-test.yaml or Scenario below {}", roots.join(", ")));
    }
    let reports = run_suite(&Disk, &paths);
    match format {
        "json" => print::out(&format!("{:#}\n", to_json(&reports))),
        "junit" => print::out(&to_junit(&reports)),
        _ => print::out(&to_table(&reports, args.has("--quiet"))),
    }
    if args.has("--update-ledger") {
        return ledger::update(&reports).map(|()| End::Fine);
    }
    let failed = reports.iter().any(|report| report.status == Outcome::Failed);
    Ok(if failed { End::Failed } else { End::Fine })
}

/// Every test file of the disk below a directory.
#[must_use]
pub fn find_tests(root: &str) -> Vec<String> {
    find(&Disk, &[root.to_owned()]).unwrap_or_default()
}

/// Test files below directories, and files named outright, without repetition.
fn find(files: &dyn Files, roots: &[String]) -> Result<Vec<String>, String> {
    let mut paths = Vec::new();
    for root in roots {
        if files.is_dir(root) {
            walk(files, root, &mut paths);
        } else if files.read(root).is_some() {
            paths.push(root.clone());
        } else {
            return Err(format!("{root}: no such file or directory"));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    Ok(paths)
}

fn walk(files: &dyn Files, dir: &str, paths: &mut Vec<String>) {
    for entry in files.list(dir).unwrap_or_default() {
        let path = join(dir, &entry.name);
        if entry.dir {
            if !matches!(entry.name.as_str(), ".git" | "target" | "node_modules") {
                walk(files, &path, paths);
            }
        } else if matches!(entry.name.as_str(), "kyverno-test.yaml" | "chainsaw-test.yaml")
            || is_yaml(&path) && files.read(&path).is_some_and(|text| is_scenario(&text))
        {
            paths.push(path);
        }
    }
}

fn is_scenario(text: &str) -> bool {
    text.lines().any(|line| line.trim_end() == "kind: Scenario") && text.contains("apiVersion: stepgate.dev/")
}

/// Runs test files on every core; the reports are in the order of the paths.
#[must_use]
pub fn run_suite(files: &dyn Files, paths: &[String]) -> Vec<TestReport> {
    // A panic becomes a failed test with its words; the default hook would print it a second time.
    std::panic::set_hook(Box::new(|_| {}));
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Vec<TestReport>)>> = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let work = || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(path) = paths.get(index) else { return };
                    let reports = guarded(files, path);
                    if let Ok(mut done) = done.lock() {
                        done.push((index, reports));
                    }
                }
            };
            // Deeply nested documents recurse; the main thread would have the room, a worker needs it said.
            let spawned = std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, work);
            if spawned.is_err() {
                work();
            }
        }
    });
    let _ = std::panic::take_hook();
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().flat_map(|(_, reports)| reports).collect()
}

fn guarded(files: &dyn Files, path: &str) -> Vec<TestReport> {
    catch_unwind(AssertUnwindSafe(|| run_file(files, path))).unwrap_or_else(|panic| {
        vec![TestReport::failed(path, "", format_of(path), format!("panicked: {}", panic_words(panic.as_ref())))]
    })
}

fn panic_words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}

fn format_of(path: &str) -> &'static str {
    match base_name(path) {
        "kyverno-test.yaml" => "kyverno-test",
        "chainsaw-test.yaml" => "chainsaw",
        _ => "scenario",
    }
}

fn run_file(files: &dyn Files, path: &str) -> Vec<TestReport> {
    match format_of(path) {
        "kyverno-test" => kyverno_test::run::run(files, path),
        "chainsaw" => vec![chainsaw::run(files, path, &ledger::settings(path))],
        _ => vec![super::run::check(files, path)],
    }
}

fn to_json(reports: &[TestReport]) -> Value {
    let count = |status: Outcome| reports.iter().filter(|report| report.status == status).count();
    let rows: Vec<bool> = reports.iter().flat_map(|report| &report.rows).map(|row| row.ok).collect();
    json!({
        "summary": {
            "tests": reports.len(),
            "passed": count(Outcome::Passed),
            "failed": count(Outcome::Failed),
            "skipped": count(Outcome::Skipped),
            "rows": {"total": rows.len(), "passed": rows.iter().filter(|ok| **ok).count()},
        },
        "tests": reports,
    })
}

fn to_table(reports: &[TestReport], quiet: bool) -> String {
    let heading = ["POLICY", "RULE", "RESOURCE", "RESULT", "REASON"].map(str::to_owned).to_vec();
    let mut text = String::new();
    for report in reports.iter().filter(|report| !quiet || report.status == Outcome::Failed) {
        let name = if report.name.is_empty() { String::new() } else { format!(" ({})", report.name) };
        text.push_str(&format!("{}{name}\n", report.path));
        if report.rows.is_empty() || report.status == Outcome::Skipped {
            let word = if report.status == Outcome::Skipped { "skipped" } else { "failed" };
            text.push_str(&format!("  {word}: {}\n\n", report.reason));
            continue;
        }
        let mut rows = vec![heading.clone()];
        rows.extend(report.rows.iter().map(|row| {
            let reason = if row.ok { String::new() } else { row.reason.replace('\n', " ") };
            let result = if row.ok { "Pass" } else { "Fail" };
            vec![row.policy.clone(), row.rule.clone(), row.resource.clone(), result.to_owned(), reason]
        }));
        text.push_str(&print::table(&rows));
        text.push('\n');
    }
    let summary = to_json(reports);
    let number = |name: &str| summary.pointer(&format!("/summary/{name}")).cloned().unwrap_or_default();
    text.push_str(&format!(
        "{} tests: {} passed, {} failed, {} skipped; {} of {} rows passed\n",
        number("tests"),
        number("passed"),
        number("failed"),
        number("skipped"),
        number("rows/passed"),
        number("rows/total")
    ));
    text
}

fn to_junit(reports: &[TestReport]) -> String {
    let failures = reports.iter().filter(|report| report.status == Outcome::Failed).count();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{}\" failures=\"{failures}\">\n",
        reports.len()
    );
    for format in ["kyverno-test", "chainsaw", "scenario"] {
        let own: Vec<&TestReport> = reports.iter().filter(|report| report.format == format).collect();
        if own.is_empty() {
            continue;
        }
        text.push_str(&format!(" <testsuite name=\"{format}\" tests=\"{}\">\n", own.len()));
        for report in own {
            let case = format!("classname=\"{format}\" name=\"{}\"", print::xml(&report.path));
            let reason = print::xml(&report.reason);
            text.push_str(&match report.status {
                Outcome::Passed => format!("  <testcase {case}/>\n"),
                Outcome::Failed => format!("  <testcase {case}><failure message=\"{reason}\"/></testcase>\n"),
                Outcome::Skipped => format!("  <testcase {case}><skipped message=\"{reason}\"/></testcase>\n"),
            });
        }
        text.push_str(" </testsuite>\n");
    }
    text + "</testsuites>\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::files::MapFiles;

    #[test]
    fn tests_are_found_in_hidden_directories_too() {
        let text = "apiVersion: stepgate.dev/v1\nkind: Scenario\n";
        let files =
            [("a/.t/kyverno-test.yaml", "x"), ("a/s.yaml", text), ("a/n.yaml", "y"), ("b/chainsaw-test.yaml", "z")];
        let files = MapFiles(files.map(|(path, text)| (path.to_owned(), text.to_owned())).into());
        let found = find(&files, &["a".into(), "b".into(), "a/s.yaml".into()]);
        assert_eq!(found, Ok(vec!["a/.t/kyverno-test.yaml".into(), "a/s.yaml".into(), "b/chainsaw-test.yaml".into()]));
        assert!(find(&files, &["c".into()]).is_err());
    }

    #[test]
    fn the_summary_counts_tests_and_rows() {
        let reports = [
            TestReport::of("p", "n", "kyverno-test", Vec::new()),
            TestReport::failed("q", "n", "chainsaw", "why <not>"),
        ];
        assert_eq!(to_json(&reports).pointer("/summary/failed"), Some(&json!(1)));
        assert!(to_junit(&reports).contains("message=\"why &lt;not&gt;\""));
        assert!(to_table(&reports, true).contains("failed: why <not>"));
    }
}
