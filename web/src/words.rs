//! Every word that a reader sees and that does not come from the engine.

use stepgate_engine::timeline::{Lane, Tone};

/// Behaviour profiles, newest first; the first is the usual one.
pub const PROFILES: [&str; 3] = ["1.19", "1.18", "1.15"];
pub const NAME: &str = "Stepgate";
pub const SKIP: &str = "Skip to the timeline";
pub const UNTITLED: &str = "Untitled";
pub const OPENING: &str = "Opening…";
pub const DROP: &str = "Drop YAML files, a folder or a ZIP";
pub const STARTING: &str = "The engine is starting.";
pub const NOTHING: &str = "Nothing happens yet. Write a policy and a resource on the left, or open an example.";
pub const ALL_OFF: &str = "Nothing happens: what would is switched off. What if, above, switches it on again.";
pub const STOPPED: &str = "Stopped. The next edit starts the engine again.";
pub const NO_REASON: &str = "Nothing was decided in this event.";
pub const NO_CHANGE: &str = "This event changes no object.";
pub const NO_OBJECTS: &str = "Nothing is stored at this point.";
pub const NO_LOGS: &str = "The controllers print nothing up to this point at this level.";
pub const NO_REPORTS: &str = "There are no policy reports, Kubernetes events or checks at this point.";
pub const WHAT_YOU_SEE: &str = "What you would see";
pub const NEW_TITLE: &str = "New scenario";
pub const NEW_POLICY: &str = "apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata:
  name: my-policy
spec:
  rules:
  - name: my-rule
    match:
      any:
      - resources:
          kinds: [Pod]
    validate:
      failureAction: Enforce
      message: Use your own words here.
      pattern:
        metadata:
          labels:
            app: \"?*\"
";
pub const NEW_RESOURCE: &str = "apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: default
spec:
  containers:
  - name: web
    image: nginx:1.27
";

/// A lane's name and what it is.
pub fn lane(lane: Lane) -> (&'static str, &'static str) {
    match lane {
        Lane::You => ("You", "kubectl"),
        Lane::Gitops => ("GitOps", "reconciles Git"),
        Lane::ApiServer => ("API server", "kube-apiserver"),
        Lane::Mutating => ("Mutate", "synchronous"),
        Lane::Validating => ("Validate", "synchronous"),
        Lane::Etcd => ("etcd", "what is stored"),
        Lane::UpdateRequests => ("UpdateRequests", "queue"),
        Lane::Background => ("Background", "asynchronous"),
        Lane::Reports => ("Reports", "asynchronous"),
        Lane::Cleanup => ("Cleanup", "on schedule"),
        Lane::Controllers => ("Controllers", "Deployments, GC"),
    }
}

/// A lane's name where there is little room.
pub fn lane_short(lane: Lane) -> &'static str {
    match lane {
        Lane::ApiServer => "API",
        Lane::UpdateRequests => "Queue",
        Lane::Background => "Backgr.",
        Lane::Controllers => "Others",
        Lane::Validating => "Valid.",
        other => self::lane(other).0,
    }
}

/// A tone's name in a class, its glyph and its word.
pub fn tone(tone: Tone) -> (&'static str, &'static str, &'static str) {
    match tone {
        Tone::Info => ("info", "·", "information"),
        Tone::Deny => ("deny", "✕", "refused"),
        Tone::Allow => ("allow", "✓", "done"),
        Tone::Generate => ("generate", "⟳", "generate"),
        Tone::Mutate => ("mutate", "Δ", "mutate"),
        Tone::Warn => ("warn", "!", "warning"),
    }
}

/// `+18 ms`, `+2 s`, `+1 h 5 min`.
pub fn after(millis: u64) -> String {
    match millis {
        0..1_000 => format!("+{millis} ms"),
        1_000..60_000 if millis.is_multiple_of(1_000) => format!("+{} s", millis / 1_000),
        1_000..60_000 => format!("+{}.{} s", millis / 1_000, millis % 1_000 / 100),
        60_000..3_600_000 => format!("+{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
        _ => format!("+{} h {} min", millis / 3_600_000, millis % 3_600_000 / 60_000),
    }
}

/// A number of thousandths in decimals. The library's printing of floats would be a large part of the page's program.
pub fn thousandths(n: usize) -> String {
    format!("{}.{:03}", n / 1_000, n % 1_000)
}

/// A short list in the order of `key`; equal ones stay as they were. The library's sort is made for long lists, and for every type anew.
pub fn in_order<T, K: PartialOrd>(items: impl IntoIterator<Item = T>, key: impl Fn(&T) -> K) -> Vec<T> {
    let mut out: Vec<T> = Vec::new();
    for item in items {
        let at = out.partition_point(|other| key(other) <= key(&item));
        out.insert(at, item);
    }
    out
}

/// `1 policy`, `2 policies`.
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_how_long_after() {
        for (millis, want) in
            [(18, "+18 ms"), (2_000, "+2 s"), (1_540, "+1.5 s"), (61_000, "+1 min 1 s"), (3_900_000, "+1 h 5 min")]
        {
            assert_eq!(after(millis), want);
        }
        assert_eq!(thousandths(16_066), "16.066");
        assert_eq!(in_order([(2, 'a'), (1, 'b'), (2, 'c')], |item| item.0), [(1, 'b'), (2, 'a'), (2, 'c')]);
        assert_eq!(
            (count(1, "policy", "policies"), count(2, "policy", "policies")),
            ("1 policy".to_owned(), "2 policies".to_owned())
        );
    }
}
