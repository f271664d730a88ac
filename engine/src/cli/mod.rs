//! The command line: `stepgate test`, `apply`, `run`, `jp`. Reads files and prints; everything else is the library's.

mod answers;
mod apply;
mod args;
mod disk;
mod jp;
mod ledger;
mod mistakes;
mod print;
mod run;
mod test;

use std::process::ExitCode;

pub use disk::Disk;
pub use ledger::{Difference, compare as compare_ledger};
pub use test::{find_tests, run_suite};

const USAGE: &str = "\
stepgate: Kyverno policies without a cluster

Usage:
  stepgate test [--format table|json|junit] [--update-ledger] PATH…
      Runs kyverno-test.yaml, chainsaw-test.yaml and Scenario files; directories are searched.
  stepgate apply POLICY… --resource FILE… [--values FILE] [--format table|json|report]
      Evaluates policies against resources; - is standard input. Also as in kyverno apply: --set KEY=VALUE,…, --userinfo FILE,
      --exception FILE…, --exceptions-within-resources, --exceptions-within-policies, --target-resource FILE…,
      --parameter-resource FILE…, --context-file FILE, --json FILE…, --audit-warn.
  stepgate run SCENARIO [--kyverno 1.15|1.18|1.19] [--format text|json|markdown|mermaid]
      Runs a scenario and prints its timeline.
  stepgate jp query [-i INPUT] EXPRESSION…
      Evaluates JMESPath as Kyverno does; without -i the input is read from standard input.
  stepgate jp function [NAME…]
      Lists the functions of Kyverno's JMESPath.
  stepgate version

Exit status: 0 as expected; 1 a test or an expectation failed; 2 wrong usage, or nothing that could be read.
";

/// Why a command ends.
#[derive(Debug)]
pub(crate) enum End {
    /// As expected.
    Fine,
    /// A test, a policy or an expectation failed; it has been printed.
    Failed,
    /// Wrong usage or input, in words.
    Misused(String),
}

/// Runs the command that the arguments (without the program's name) ask for.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = String>) -> ExitCode {
    let arguments: Vec<String> = arguments.into_iter().collect();
    if arguments.iter().any(|argument| matches!(argument.as_str(), "--help" | "-h")) {
        print::out(USAGE);
        return ExitCode::SUCCESS;
    }
    let end = match arguments.split_first().map(|(command, rest)| (command.as_str(), rest)) {
        Some(("test", rest)) => test::command(rest),
        Some(("apply", rest)) => apply::command(rest),
        Some(("run", rest)) => run::command(rest),
        Some(("jp", rest)) => jp::command(rest),
        Some(("help", _)) => {
            print::out(USAGE);
            End::Fine
        }
        Some(("version" | "--version" | "-V", _)) => {
            print::out(&format!("stepgate {}\n", env!("CARGO_PKG_VERSION")));
            End::Fine
        }
        Some((other, _)) => End::Misused(format!("there is no command {other:?}; see stepgate --help")),
        None => End::Misused(format!("a command is missing\n\n{USAGE}")),
    };
    match end {
        End::Fine => ExitCode::SUCCESS,
        End::Failed => ExitCode::from(1),
        End::Misused(words) => {
            print::err(&format!("stepgate: {words}\n"));
            ExitCode::from(2)
        }
    }
}
