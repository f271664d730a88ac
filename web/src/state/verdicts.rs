//! What every rule said to a request, matched or not, and which came closest where none did.

use stepgate_engine::eval::trace::{Outcome, TraceNode};
use stepgate_engine::timeline::{Event, Source, Timeline};

use super::cursor::chain;

/// How a rule came out, the weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// It could not be evaluated.
    Error,
    /// It does not hold.
    Fails,
    /// It holds, or does its work.
    Holds,
    /// An exception lifts it.
    Lifted,
    /// It was skipped for another reason, such as its preconditions.
    Skipped,
    /// `exclude` lets the object out.
    Excluded,
    /// `match` does not select the object.
    Unmatched,
}

/// One rule and what it said.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleLine<'t> {
    /// As `detail.policy`.
    pub policy: &'t str,
    /// Its name; empty for policies that are one rule.
    pub rule: &'t str,
    /// How it came out.
    pub said: Said,
    /// The decision that settled it, in words.
    pub why: String,
    /// Everything it decided.
    pub node: &'t TraceNode,
}

/// The rules that looked at the request that an event belongs to, in order; each once.
pub fn rules<'t>(timeline: &'t Timeline, event: &Event) -> Vec<RuleLine<'t>> {
    let request = |e: &Event| chain(&timeline.events, e).find(|c| c.kind == "request").map(|c| c.seq);
    let Some(asked) = request(event) else { return Vec::new() };
    let of =
        |e: &&Event| !e.detail.trace.is_empty() && e.seq > asked && e.step == event.step && request(e) == Some(asked);
    let policies = timeline.events.iter().filter(of).flat_map(|e| &e.detail.trace).filter(|node| node.kind == "policy");
    let mut seen = Vec::new();
    let mut lines = Vec::new();
    for policy in policies {
        for node in &policy.children {
            let rule = if node.kind == "rule" { node.text.split(": ").next().unwrap_or_default() } else { "" };
            let one = (policy.text.as_str(), rule, node.at.as_deref());
            if !seen.contains(&one) {
                seen.push(one);
                let (said, why) = said(node);
                lines.push(RuleLine { policy: &policy.text, rule, said, why, node });
            }
        }
    }
    lines
}

/// Where a policy or an exception is written.
pub fn written<'t>(timeline: &'t Timeline, key: &str) -> Option<&'t Source> {
    timeline.policies.iter().find(|policy| policy.key == key).map(|policy| &policy.source)
}

/// The rule that came closest to matching, where none concerned the request.
pub fn closest<'l, 't>(lines: &'l [RuleLine<'t>]) -> Option<&'l RuleLine<'t>> {
    let none = lines.iter().all(|line| matches!(line.said, Said::Unmatched | Said::Excluded));
    if !none {
        return None;
    }
    lines.iter().min_by_key(|line| (line.said == Said::Unmatched, misses(line.node), usize::MAX - holds(line.node)))
}

fn said(node: &TraceNode) -> (Said, String) {
    let child = |kind: &str, outcome: Outcome| node.children.iter().find(|c| c.kind == kind && c.outcome == outcome);
    let words = |node: &TraceNode| {
        let deepest = node.failure().unwrap_or(node);
        if deepest.text == node.kind { node.kind.clone() } else { format!("{}: {}", node.kind, deepest.text) }
    };
    if node.kind == "match" && node.outcome == Outcome::No {
        return (Said::Unmatched, node.text.clone());
    }
    if let Some(node) = child("match", Outcome::No).or(child("match", Outcome::Error)) {
        return (Said::Unmatched, words(node));
    }
    if let Some(node) = child("exclude", Outcome::Yes) {
        let filter = node.children.iter().find(|c| c.outcome == Outcome::Yes).unwrap_or(node);
        let clauses: Vec<&str> = filter.children.iter().map(|c| c.text.as_str()).collect();
        return (Said::Excluded, format!("exclude: {}", clauses.join("; ")));
    }
    if let Some(node) = child("exception", Outcome::Yes) {
        return (Said::Lifted, node.text.clone());
    }
    if let Some(node) = child("preconditions", Outcome::No) {
        return (Said::Skipped, words(node));
    }
    let said = match node.outcome {
        Outcome::Error => Said::Error,
        Outcome::No | Outcome::Denies => Said::Fails,
        Outcome::Skip | Outcome::Idle => Said::Skipped,
        Outcome::Yes | Outcome::Info => Said::Holds,
    };
    let why = match said {
        Said::Fails | Said::Error => node.failure().unwrap_or(node).text.clone(),
        Said::Skipped => node.text.split_once(": ").map_or_else(String::new, |(_, why)| why.to_owned()),
        _ => String::new(),
    };
    (said, why)
}

/// How many clauses of the nearest filter do not hold.
fn misses(node: &TraceNode) -> usize {
    let filters: Vec<usize> = node.children.iter().filter(|c| c.kind == "filter").map(misses).collect();
    if let Some(least) = filters.iter().min() {
        return *least;
    }
    if node.children.is_empty() {
        return usize::from(node.outcome.failed());
    }
    node.children.iter().map(misses).sum()
}

fn holds(node: &TraceNode) -> usize {
    let own = usize::from(node.children.is_empty() && node.outcome == Outcome::Yes);
    own + node.children.iter().map(holds).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use stepgate_engine::timeline::Detail;

    use super::*;

    fn node(kind: &str, outcome: Outcome, text: &str, children: Vec<TraceNode>) -> TraceNode {
        TraceNode { children, ..TraceNode::new(kind, outcome, text) }
    }

    fn clause(holds: bool, text: &str) -> TraceNode {
        node("clause", if holds { Outcome::Yes } else { Outcome::No }, text, Vec::new())
    }

    fn rule(name: &str, outcome: Outcome, clauses: Vec<TraceNode>) -> TraceNode {
        let matched = if clauses.iter().all(|c| c.outcome == Outcome::Yes) { Outcome::Yes } else { Outcome::No };
        let filter = node("filter", matched, "any[0]", clauses);
        node("rule", outcome, name, vec![node("match", matched, "match", vec![filter])])
    }

    fn run(rules: Vec<TraceNode>) -> Timeline {
        let event = |seq, kind: &str, trace| Event {
            seq,
            kind: kind.to_owned(),
            cause: (seq > 1).then_some(1),
            detail: Detail { trace, ..Detail::default() },
            ..Event::default()
        };
        let trace = vec![node("policy", Outcome::Info, "p", rules)];
        Timeline {
            events: vec![
                event(1, "request", Vec::new()),
                event(2, "admission-review", trace.clone()),
                event(3, "admission-review", trace),
            ],
            ..Timeline::default()
        }
    }

    #[test]
    fn lists_each_rule_once_with_its_reason() {
        let run = run(vec![
            rule("a", Outcome::No, vec![clause(false, "kinds: Pod, found v1/Namespace")]),
            rule("b: it fails", Outcome::No, vec![clause(true, "kinds")]),
            rule("c", Outcome::Yes, vec![clause(true, "kinds")]),
        ]);
        let lines = rules(&run, &run.events[0]);
        let told: Vec<_> = lines.iter().map(|l| (l.rule, l.said, l.why.as_str())).collect();
        assert_eq!(
            told,
            [
                ("a", Said::Unmatched, "match: kinds: Pod, found v1/Namespace"),
                ("b", Said::Fails, "b: it fails"),
                ("c", Said::Holds, "")
            ]
        );
        assert_eq!(closest(&lines), None);
    }

    #[test]
    fn finds_what_came_closest() {
        let run = run(vec![
            rule("far", Outcome::No, vec![clause(false, "kinds"), clause(false, "names")]),
            rule("near", Outcome::No, vec![clause(true, "kinds"), clause(false, "names")]),
        ]);
        assert_eq!(closest(&rules(&run, &run.events[2])).map(|l| l.rule), Some("near"));
        assert_eq!(closest(&[]), None);
    }
}
