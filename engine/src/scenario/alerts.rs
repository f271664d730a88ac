//! Alerting on Kyverno's logs: which lines of a run are expected, and a filter that ignores exactly those.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::object::order;
use crate::timeline::{LogLine, Timeline};

/// A filter to paste.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alerts {
    /// LogQL for Loki: errors of Kyverno's controllers without the expected ones.
    pub logql: String,
    /// A Loki ruler rule with that query, as YAML.
    pub rule: String,
    /// A Prometheus rule on UpdateRequests that pile up, as YAML.
    pub prometheus: String,
    /// Each kind of error line of the run, and whether it is expected.
    pub lines: Vec<Line>,
}

/// A kind of error line.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Line {
    /// The message without its variables.
    pub message: String,
    /// Whether alerting should ignore it.
    pub expected: bool,
    /// Why.
    pub why: String,
}

/// Reads the log lines of a run.
#[must_use]
pub fn alerts(timeline: &Timeline) -> Alerts {
    let errors: Vec<&LogLine> = timeline.logs.iter().filter(|line| line.level == "ERR").collect();
    let lines: BTreeSet<Line> = order::set(errors.iter().map(|line| describe(line)));
    let mut logql = r#"{namespace="kyverno", container=~"kyverno|controller"} |~ "ERR|\"level\":\"error\"""#.to_owned();
    if lines.iter().any(|line| line.expected) {
        // Only a Namespace that is not there counts as the receipt of a refused request; every other failure still alerts.
        logql.push_str(r#" !~ `failed to apply generate rule.*error="?namespaces \\?"[^ ]+\\?" not found`"#);
    }
    let rule = format!(
        "groups:\n- name: kyverno\n  rules:\n  - alert: KyvernoControllerErrors\n    expr: |\n      sum(count_over_time({logql} [5m])) > 0\n    for: 5m\n    labels: {{ severity: warning }}\n    annotations:\n      summary: Kyverno logs errors other than receipts of refused requests\n"
    );
    let prometheus = "groups:\n- name: kyverno\n  rules:\n  - alert: KyvernoBackgroundControllerRetries\n    expr: |\n      sum by (controller_name) (rate(kyverno_controller_requeue_total{controller_name=~\"update-request.*\"}[10m])) > 0.5\n    for: 15m\n    labels: { severity: warning }\n    annotations:\n      summary: UpdateRequests keep failing; one that fails five times in a row is dropped\n".to_owned();
    Alerts { logql, rule, prometheus, lines: lines.into_iter().collect() }
}

fn describe(line: &LogLine) -> Line {
    let text = line.line.split_once(" > ").map_or(line.line.as_str(), |(_, text)| text);
    let message = text.split(" error=").next().unwrap_or(text).split(" logger=").next().unwrap_or(text).to_owned();
    let why = if line.expected {
        "the receipt of a request that was refused: its trigger was never stored"
    } else {
        "something did not happen that a policy asks for"
    };
    Line { message, expected: line.expected, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(expected: bool) -> Alerts {
        let line = r#"2026-01-01T00:00:00Z ERR x.go:301 > failed to apply generate rule error="e" logger=background"#;
        let log = LogLine { level: "ERR".into(), line: line.into(), expected, ..LogLine::default() };
        alerts(&Timeline { logs: vec![log], ..Timeline::default() })
    }

    #[test]
    fn only_an_expected_line_is_filtered() {
        assert!(run(true).logql.contains("!~"));
        assert!(!run(false).logql.contains("!~"));
    }

    #[test]
    fn lines_are_named_without_their_variables() {
        assert_eq!(run(true).lines.first().map(|line| line.message.as_str()), Some("failed to apply generate rule"));
    }
}
