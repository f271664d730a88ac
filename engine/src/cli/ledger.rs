//! The ledger: every test of the upstream suites that does not pass, with its reason. It can only get shorter unnoticed
//! by an explicit update.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::print;
use crate::scenario::chainsaw::Settings;
use crate::scenario::report::{Outcome, TestReport};

/// Formats with a ledger of their own.
const FORMATS: [&str; 2] = ["kyverno-test", "chainsaw"];

/// How a run differs from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Passed before, does not pass now; with the reason.
    pub regressions: Vec<String>,
    /// In the ledger, but passes.
    pub unexpected_passes: Vec<String>,
    /// In the ledger without a reason.
    pub unexplained: Vec<String>,
}

impl Difference {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Where the suites are: `STEPGATE_CONFORMANCE`.
fn suites() -> Option<String> {
    std::env::var("STEPGATE_CONFORMANCE").ok().filter(|dir| !dir.is_empty())
}

pub(super) fn suite_roots() -> Result<Vec<String>, String> {
    suites()
        .map(|dir| vec![dir])
        .ok_or_else(|| "set STEPGATE_CONFORMANCE to the directory of the suites, or name it".into())
}

fn file(format: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ledger").join(format!("{format}.tsv"))
}

/// A test's name in the ledger: its path below the suites; its second document and later ones with a number.
fn keyed(reports: &[TestReport]) -> BTreeMap<String, &TestReport> {
    let root = suites().map(|dir| format!("{}/", dir.trim_end_matches('/'))).unwrap_or_default();
    let mut keyed: BTreeMap<String, &TestReport> = BTreeMap::new();
    for report in reports {
        let path = report.path.strip_prefix(&root).unwrap_or(&report.path);
        let same = keyed.keys().filter(|key| key.split('#').next() == Some(path)).count();
        let key = if same == 0 { path.to_owned() } else { format!("{path}#{}", same + 1) };
        keyed.insert(key, report);
    }
    keyed
}

fn read(format: &str) -> Result<BTreeMap<String, (String, String)>, String> {
    let path = file(format);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    Ok(lines
        .map(|line| {
            let mut parts = line.splitn(3, '\t').map(str::to_owned);
            let key = parts.next().unwrap_or_default();
            (key, (parts.next().unwrap_or_default(), parts.next().unwrap_or_default()))
        })
        .collect())
}

/// The Kyverno that a Chainsaw test of the suites is meant for: `profiles.yaml` beside the ledgers maps parts of paths to
/// versions and configurations.
pub(super) fn settings(path: &str) -> Settings {
    let text = include_str!("../../tests/ledger/profiles.yaml");
    let mut changes = serde_json::Map::new();
    let mut templating = true;
    let mut behaviour = Settings::default().behaviour;
    for document in crate::parse::yaml::parse("profiles.yaml", text).documents {
        let field = |name: &str| document.value.get(name);
        if !field("path").and_then(serde_json::Value::as_str).is_some_and(|part| path.contains(part)) {
            continue;
        }
        changes.extend(field("config").and_then(|own| own.as_object()).cloned().unwrap_or_default());
        let version = field("kyverno").and_then(serde_json::Value::as_str).unwrap_or("");
        behaviour =
            if version.is_empty() { behaviour } else { crate::sim::profile::find(version).unwrap_or(behaviour) };
        templating &= field("templating") != Some(&serde_json::Value::Bool(false));
    }
    let settings = Settings::standard(&changes).unwrap_or_default();
    Settings { templating, behaviour, ..settings }
}

/// Compares a run of whole suites with the ledger.
///
/// # Errors
/// A ledger cannot be read.
pub fn compare(reports: &[TestReport]) -> Result<Difference, String> {
    let mut difference = Difference::default();
    for format in FORMATS {
        let known = read(format)?;
        let own: Vec<TestReport> = reports.iter().filter(|report| report.format == format).cloned().collect();
        for (key, report) in keyed(&own) {
            match (known.get(&key), report.status) {
                (None, Outcome::Passed) => {}
                (None, _) => difference.regressions.push(format!("{key}: {}", report.reason)),
                (Some(_), Outcome::Passed) => difference.unexpected_passes.push(key),
                (Some((_, reason)), _) if reason.trim().is_empty() => difference.unexplained.push(key),
                (Some(_), _) => {}
            }
        }
    }
    Ok(difference)
}

/// Writes the ledgers of the formats that ran. The reason of a test that is in its ledger already stays: somebody wrote it.
pub(super) fn update(reports: &[TestReport]) -> Result<(), String> {
    for format in FORMATS {
        let own: Vec<TestReport> = reports.iter().filter(|report| report.format == format).cloned().collect();
        if own.is_empty() {
            continue;
        }
        let known = read(format).unwrap_or_default();
        let mut text = String::from("# test\tstatus\twhy it does not pass\n");
        let mut lines = 0;
        for (key, report) in keyed(&own).into_iter().filter(|(_, report)| report.status != Outcome::Passed) {
            let status = if report.status == Outcome::Skipped { "skipped" } else { "failed" };
            let seen: String =
                report.reason.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
            let reason = known.get(&key).filter(|(before, _)| before == status).map_or(&seen, |(_, reason)| reason);
            text.push_str(&format!("{key}\t{status}\t{reason}\n"));
            lines += 1;
        }
        let path = file(format);
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::write(&path, text));
        written.map_err(|error| format!("{}: {error}", path.display()))?;
        print::err(&format!("{}: {lines} of {} tests do not pass\n", path.display(), own.len()));
    }
    Ok(())
}
