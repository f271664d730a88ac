//! What running a test of a suite says, whatever its format.

use serde::Serialize;

/// How a test came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As expected.
    Passed,
    /// Not as expected, or it could not be run.
    Failed,
    /// It needs what a simulation has not: a registry, a server on the network.
    Skipped,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestReport {
    /// Its file.
    pub path: String,
    /// Its name.
    pub name: String,
    /// `kyverno-test`, `chainsaw` or `scenario`.
    pub format: &'static str,
    /// How it came out.
    pub status: Outcome,
    /// Why it did not pass; `""` where it did.
    pub reason: String,
    /// What it checked.
    pub rows: Vec<Row>,
}

/// One check of a test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The policy concerned; for a step of a Chainsaw test, the step's name.
    pub policy: String,
    /// The rule that answered, or the expected one; for a Chainsaw operation, its verb.
    pub rule: String,
    /// `apiVersion/kind/namespace/name`.
    pub resource: String,
    /// The expected status.
    pub expected: String,
    /// The status found; also `excluded`, `not found`, `invalid policy`.
    pub actual: String,
    /// Whether the suite's own tool would call it a pass.
    pub ok: bool,
    /// Why not, or the rule's message.
    pub reason: String,
}

impl TestReport {
    /// A report from rows: passed where all are.
    #[must_use]
    pub fn of(path: &str, name: &str, format: &'static str, rows: Vec<Row>) -> Self {
        let wrong = rows.iter().find(|row| !row.ok);
        let reason = wrong.map(|row| {
            let place = [&row.policy, &row.rule, &row.resource].into_iter().filter(|part| !part.is_empty());
            let place: Vec<&str> = place.map(String::as_str).collect();
            format!("{}: {}", place.join(" "), row.reason)
        });
        let status = if wrong.is_some() { Outcome::Failed } else { Outcome::Passed };
        Self { path: path.into(), name: name.into(), format, status, reason: reason.unwrap_or_default(), rows }
    }

    /// A test that could not be run.
    #[must_use]
    pub fn failed(path: &str, name: &str, format: &'static str, reason: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            name: name.into(),
            format,
            status: Outcome::Failed,
            reason: reason.into(),
            rows: Vec::new(),
        }
    }

    /// The same, put down to something that a simulation has not.
    #[must_use]
    pub fn skipped(mut self, reason: impl Into<String>) -> Self {
        self.status = Outcome::Skipped;
        self.reason = reason.into();
        self
    }
}
