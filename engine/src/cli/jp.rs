//! `stepgate jp query` and `jp function`: JMESPath on a JSON or YAML input, and its functions, as `kyverno jp` has them.

use std::io::Read as _;

use super::args::Args;
use super::{End, print};
use crate::expr::jmespath::{self, functions};
use crate::object::gofmt;
use crate::scenario::kyverno_test::load::documents;

pub(super) fn command(arguments: &[String]) -> End {
    match arguments.split_first().map(|(word, rest)| (word.as_str(), rest)) {
        Some(("query", rest)) => query(rest).unwrap_or_else(End::Misused),
        Some(("function", names)) => list(names).unwrap_or_else(End::Misused),
        _ => End::Misused("jp knows two commands: jp query [-i INPUT] EXPRESSION… and jp function [NAME…]".into()),
    }
}

fn list(names: &[String]) -> Result<End, String> {
    let unknown = names.iter().find(|name| functions::find(name).is_none());
    if let Some(name) = unknown {
        return Err(format!("there is no function {name}; jp function lists all"));
    }
    for info in functions::all().iter().filter(|info| names.is_empty() || names.iter().any(|name| name == info.name)) {
        print::out(&format!("Name: {}\n  Signature: {}\n  Note:      {}\n\n", info.name, info.signature(), info.doc));
    }
    Ok(End::Fine)
}

fn query(arguments: &[String]) -> Result<End, String> {
    let args = Args::parse(arguments, &["-i", "--input"], &[], &["-c", "--compact"])?;
    if args.operands.is_empty() {
        return Err("jp query needs an expression".into());
    }
    let (name, text) = match args.values(&["-i", "--input"]).last() {
        Some(path) => (path, std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?),
        None => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_err(|error| format!("standard input: {error}"))?;
            ("-", text)
        }
    };
    let input = documents(name, &text)?.into_iter().next().unwrap_or_default();
    for expression in &args.operands {
        let result = jmespath::query(expression, &input, &jmespath::Env::default())
            .map_err(|error| format!("failed to evaluate {expression:?}: {error}"))?;
        let printed = if args.has("-c") || args.has("--compact") {
            gofmt::marshal(&result)
        } else {
            gofmt::marshal_indent(&result, "  ")
        };
        print::out(&format!("{printed}\n"));
    }
    Ok(End::Fine)
}
