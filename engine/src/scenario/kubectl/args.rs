//! The command line of kubectl: operands, flags and their values.

use std::collections::BTreeMap;

/// Flags without a value, beside `--name=true`.
const SWITCHES: &[&str] = &[
    "-A",
    "--all-namespaces",
    "--all",
    "--overwrite",
    "--no-headers",
    "--force",
    "--show-labels",
    "-w",
    "--watch",
    "-i",
    "-t",
    "-it",
    "--rm",
    "--quiet",
    "-q",
    "--list",
    "--server-side",
    "--now",
    "--recursive",
    "-R",
    "--embed-certs",
    "--raw",
    "--minify",
    "--flatten",
    "--current",
    "--command",
    "--privileged",
    "--stdin",
    "--tty",
    "-ti",
    "--attach",
    "--expose",
    "--global-default",
    "--share-processes",
    "--same-node",
    "--force-conflicts",
    "--prune",
    "--save-config",
    "--record",
    "--all-containers",
    "--follow",
    "--previous",
    "--delete-emptydir-data",
    "--ignore-daemonsets",
    "--disable-eviction",
    "--show-managed-fields",
    "--watch-only",
    "--output-watch-events",
    "--client",
    "--insecure-skip-tls-verify",
    "--replace",
    "--local",
    "-h",
    "--help",
    "--audit-warn",
    "--policy-report",
    "--detailed-results",
    "--table",
    "--warn-no-pass",
    "--continue-on-fail",
    "--remove-color",
    "--registry",
];
/// Flags whose value may only follow `=`.
const GLUED: &[&str] = &["--ignore-not-found", "--wait", "--dry-run", "--validate", "--cascade"];

/// Parsed arguments.
#[derive(Clone, Debug, Default)]
pub struct Args {
    /// What is no flag, the verb first.
    pub operands: Vec<String>,
    flags: BTreeMap<String, Vec<String>>,
    /// What follows `--`.
    pub rest: Vec<String>,
}

impl Args {
    /// Reads arguments.
    #[must_use]
    pub fn parse(arguments: &[String]) -> Self {
        let mut args = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                args.rest = rest.cloned().collect();
                break;
            }
            if !argument.starts_with('-') || argument == "-" {
                args.operands.push(argument.clone());
                continue;
            }
            // `get --raw PATH` has a value, `config view --raw` has none.
            let path = argument == "--raw" && args.operands.first().is_some_and(|verb| verb != "config");
            // `--cluster` names a cluster for `kubectl config`, and is a switch of `kyverno apply`.
            let all = argument == "--cluster" && args.operands.first().is_some_and(|verb| verb == "apply");
            let whole = all || !path && SWITCHES.contains(&argument.as_str()) || GLUED.contains(&argument.as_str());
            let glued =
                argument.split_at_checked(2).filter(|(name, value)| !whole && *name != "--" && !value.is_empty());
            let (name, value) = match (glued, argument.split_once('=')) {
                (Some((name, value)), _) => (name, value.strip_prefix('=').unwrap_or(value).to_owned()),
                (None, Some((name, value))) => (name, value.to_owned()),
                (None, None) if whole => (argument.as_str(), "true".to_owned()),
                (None, None) => (argument.as_str(), rest.next().cloned().unwrap_or_default()),
            };
            args.flags.entry(long(name).to_owned()).or_default().push(value);
        }
        args
    }

    /// The last value of a flag, by its long name without dashes.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.flags.get(name).and_then(|values| values.last()).map(String::as_str)
    }

    /// Every value of a flag.
    #[must_use]
    pub fn values(&self, name: &str) -> &[String] {
        self.flags.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The same with another value of a flag.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.flags.insert(name.to_owned(), vec![value.to_owned()]);
        self
    }

    /// Whether a switch is on.
    #[must_use]
    pub fn on(&self, name: &str) -> bool {
        self.flag(name).is_some_and(|value| value != "false" && value != "none")
    }
}

fn long(name: &str) -> &str {
    match name {
        "-n" => "namespace",
        "-f" => "filename",
        "-o" => "output",
        "-p" => "patch",
        "-l" => "selector",
        "-A" => "all-namespaces",
        "-c" => "container",
        "-k" => "kustomize",
        "-e" => "env",
        "-L" => "label-columns",
        name => name.trim_start_matches('-'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_short_long_and_glued_forms() {
        let words = "get po -n a -o=yaml --all --as=x -lapp=b --ignore-not-found --replicas 2 y -- z -f";
        let args = Args::parse(&words.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(args.operands, ["get", "po", "y"]);
        assert_eq!(args.flag("namespace"), Some("a"));
        assert_eq!(args.flag("output"), Some("yaml"));
        assert_eq!(args.flag("selector"), Some("app=b"));
        assert_eq!(args.flag("replicas"), Some("2"));
        assert!(args.on("all") && args.on("ignore-not-found"));
        assert_eq!(args.rest, ["z", "-f"]);
    }
}
