//! A timeline as text for a terminal, as Markdown for an issue, as a Mermaid sequence diagram for a design document.

use std::fmt::Write as _;

use super::{Event, Lane, Timeline, Tone};
use crate::object::order;

impl Lane {
    /// The lane's name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::You => "You",
            Self::Gitops => "GitOps",
            Self::ApiServer => "API server",
            Self::Mutating => "Mutate",
            Self::Validating => "Validate",
            Self::Etcd => "etcd",
            Self::UpdateRequests => "UpdateRequests",
            Self::Background => "Background",
            Self::Reports => "Reports",
            Self::Cleanup => "Cleanup",
            Self::Controllers => "Controllers",
        }
    }
}

impl Tone {
    /// The glyph that goes with the colour.
    #[must_use]
    pub fn glyph(self) -> &'static str {
        match self {
            Self::Info => "·",
            Self::Deny => "✕",
            Self::Allow => "✓",
            Self::Generate => "⟳",
            Self::Mutate => "✎",
            Self::Warn => "!",
        }
    }
}

/// `+18 ms`, `+2.5 s`, `+3 min`, `+2 h`.
#[must_use]
pub fn since(at: u64) -> String {
    match at {
        0..1_000 => format!("+{at} ms"),
        1_000..120_000 => format!("+{}.{} s", at / 1000, at % 1000 / 100),
        120_000..7_200_000 => format!("+{} min", at / 60_000),
        _ => format!("+{} h", at / 3_600_000),
    }
}

fn lanes(event: &Event) -> String {
    match event.to {
        Some(to) => format!("{} → {}", event.lane.title(), to.title()),
        None => event.lane.title().to_owned(),
    }
}

impl Timeline {
    /// The lanes that have events, left to right.
    #[must_use]
    pub fn lanes(&self) -> Vec<Lane> {
        let mut lanes: Vec<Lane> =
            self.events.iter().flat_map(|event| [Some(event.lane), event.to]).flatten().collect();
        order::sort(&mut lanes);
        lanes.dedup();
        lanes
    }

    /// Where a reader lands: the first denial or error, else the last event.
    #[must_use]
    pub fn opening(&self) -> Option<&Event> {
        let wrong = |event: &&Event| matches!(event.kind.as_str(), "denied" | "refused");
        self.events.iter().find(wrong).or_else(|| self.events.last())
    }

    /// For a terminal.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!("{}Kyverno {}, from {}\n", title_line(&self.title, ""), self.kyverno, self.now);
        for step in &self.steps {
            let mark = if step.ok { "" } else { "  ✕" };
            let _ = writeln!(out, "\n{}. {}{mark}", step.index + 1, step.text);
            for event in self.events.iter().filter(|event| event.step == step.index) {
                let _ = writeln!(
                    out,
                    "  {:>4} {:>9}  {} {:<28} {}",
                    event.seq,
                    since(event.at),
                    event.tone.glyph(),
                    lanes(event),
                    event.text
                );
            }
            for response in self.responses.iter().filter(|response| response.step == step.index) {
                for warning in &response.warnings {
                    let _ = writeln!(out, "       Warning: {warning}");
                }
                if !response.allowed {
                    let _ = writeln!(out, "{}", indent(&response.message, "       "));
                }
            }
        }
        if !self.logs.is_empty() {
            out.push_str("\nLogs\n");
            for line in &self.logs {
                let expected = if line.expected { "  (expected)" } else { "" };
                let _ = writeln!(out, "  {} {}{expected}", line.component, line.line);
            }
        }
        out.push_str("\nCluster\n");
        for object in &self.cluster {
            let _ = writeln!(out, "  {}", crate::sim::store::reference(object));
        }
        self.write_checks(&mut out);
        out
    }

    fn write_checks(&self, out: &mut String) {
        for diagnostic in &self.diagnostics {
            let place = diagnostic.span.map(|span| format!(":{}:{}", span.line, span.column)).unwrap_or_default();
            let _ = writeln!(out, "\n{}{place}: {}", diagnostic.file, diagnostic.message);
        }
        if !self.checks.is_empty() {
            out.push_str("\nExpectations\n");
        }
        for check in &self.checks {
            let mark = if check.ok { "✓" } else { "✕" };
            let reason =
                if check.ok || check.reason.is_empty() { String::new() } else { format!(": {}", check.reason) };
            let _ = writeln!(out, "  {mark} {}{reason}", check.text);
        }
        if let Some(stopped) = &self.stopped {
            let _ = writeln!(out, "\n{stopped}");
        }
    }

    /// For an issue or a chat.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut out = title_line(&self.title, "### ");
        let _ = writeln!(out, "Simulated with Kyverno {}.\n", self.kyverno);
        out.push_str("| # | time | who | what |\n|---:|---:|---|---|\n");
        for event in &self.events {
            let text = event.text.replace('|', "\\|");
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} {text} |",
                event.seq,
                since(event.at),
                lanes(event),
                event.tone.glyph()
            );
        }
        for response in self.responses.iter().filter(|response| !response.allowed) {
            let _ = writeln!(out, "\n`{}` was refused:\n\n```\n{}\n```", response.request, response.message);
        }
        out
    }

    /// A Mermaid sequence diagram.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut out = String::from("sequenceDiagram\n");
        for lane in self.lanes() {
            let _ = writeln!(out, "  participant {} as {}", id(lane), lane.title());
        }
        for event in &self.events {
            let text = event.text.replace(['\n', ';', '#'], " ");
            let _ = match event.to {
                Some(to) => {
                    let arrow = if event.tone == Tone::Deny { "--x" } else { "->>" };
                    writeln!(out, "  {}{arrow}{}: {text}", id(event.lane), id(to))
                }
                None => writeln!(out, "  Note over {}: {text}", id(event.lane)),
            };
        }
        out
    }
}

fn id(lane: Lane) -> String {
    lane.title().replace(' ', "")
}

fn title_line(title: &str, prefix: &str) -> String {
    if title.is_empty() { String::new() } else { format!("{prefix}{title}\n\n") }
}

fn indent(text: &str, by: &str) -> String {
    text.lines().map(|line| format!("{by}{line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::since;

    #[test]
    fn times_are_short() {
        assert_eq!([since(18), since(2500), since(180_000), since(7_200_000)], ["+18 ms", "+2.5 s", "+3 min", "+2 h"]);
    }
}
