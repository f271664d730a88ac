//! `stepgate jp query`: JMESPath on a JSON or YAML input, as `kyverno jp query` does.

use std::io::Read as _;

use super::args::Args;
use super::{End, print};
use crate::expr::jmespath;
use crate::object::gofmt;
use crate::scenario::kyverno_test::load::documents;

pub(super) fn command(arguments: &[String]) -> End {
    let Some(("query", rest)) = arguments.split_first().map(|(word, rest)| (word.as_str(), rest)) else {
        return End::Misused("jp knows one command: jp query [-i INPUT] EXPRESSION…".into());
    };
    query(rest).unwrap_or_else(End::Misused)
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
        let result =
            jmespath::query(expression, &input, &jmespath::Env::default()).map_err(|error| error.to_string())?;
        let printed = if args.has("-c") || args.has("--compact") {
            gofmt::marshal(&result)
        } else {
            gofmt::marshal_indent(&result, "  ")
        };
        print::out(&format!("{printed}\n"));
    }
    Ok(End::Fine)
}
