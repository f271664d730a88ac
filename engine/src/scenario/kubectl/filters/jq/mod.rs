//! `jq`: paths, pipes, operators, constructors and the functions that scripts use.

mod functions;
mod parse;
mod run;
mod values;

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Outcome, Output};
use parse::parse;
use run::run;

const MAX_DEPTH: usize = 200;

#[derive(Clone, Debug)]
enum Expr {
    Identity,
    Everything,
    Literal(Value),
    Text(Vec<Expr>),
    Variable(String),
    Key(Box<Expr>, Box<Expr>),
    Slice(Box<Expr>, Option<Box<Expr>>, Option<Box<Expr>>),
    Each(Box<Expr>),
    Try(Box<Expr>),
    Pipe(Box<Expr>, Box<Expr>),
    Comma(Box<Expr>, Box<Expr>),
    Bind(Box<Expr>, String, Box<Expr>),
    Reduce(Box<Expr>, String, Box<Expr>, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Negative(Box<Expr>),
    If(Vec<(Expr, Expr)>, Box<Expr>),
    List(Option<Box<Expr>>),
    Object(Vec<(Expr, Expr)>),
    Call(String, Vec<Expr>),
}

pub(super) fn jq(args: &[String], input: &str) -> Outcome {
    let (mut flags, mut program, mut variables) = (String::new(), None, BTreeMap::new());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--arg" | "--argjson" => {
                let (name, value) =
                    (rest.next().cloned().unwrap_or_default(), rest.next().cloned().unwrap_or_default());
                let value = if arg == "--arg" {
                    Value::String(value)
                } else {
                    serde_json::from_str(&value).map_err(|_| "invalid JSON text passed to --argjson")?
                };
                variables.insert(name, value);
            }
            "--raw-output" => flags.push('r'),
            "--exit-status" => flags.push('e'),
            "--compact-output" => flags.push('c'),
            "--slurp" => flags.push('s'),
            "--null-input" => flags.push('n'),
            "--join-output" => flags.push_str("rj"),
            "--raw-input" => flags.push('R'),
            "--tab" | "--sort-keys" => {}
            short if short.starts_with('-') && short.len() > 1 => flags.push_str(short.trim_start_matches('-')),
            word => program = program.or(Some(word.to_owned())),
        }
    }
    let has = |flag: char| flags.contains(flag);
    let program = parse(&program.ok_or("a program is missing")?)?;
    let mut inputs: Vec<Value> = Vec::new();
    if has('R') {
        inputs.extend(input.lines().map(Value::from));
    } else {
        for value in serde_json::Deserializer::from_str(input).into_iter::<Value>() {
            match value {
                Ok(value) => inputs.push(value),
                Err(error) => return Ok(Output::failed(5, format!("jq: parse error: {error}\n"))),
            }
        }
    }
    if has('s') {
        inputs = vec![Value::Array(inputs)];
    }
    if has('n') {
        inputs = vec![Value::Null];
    }
    let mut output = Output::default();
    let mut last = None;
    for value in &inputs {
        match run(&program, value, &variables, 0) {
            Ok(results) => {
                for result in results {
                    let text = match &result {
                        Value::String(text) if has('r') || has('j') => text.clone(),
                        value if has('c') => value.to_string(),
                        value => serde_json::to_string_pretty(value).unwrap_or_default(),
                    };
                    output.stdout.push_str(&text);
                    if !has('j') {
                        output.stdout.push('\n');
                    }
                    last = Some(result);
                }
            }
            Err(words) => {
                output.stderr.push_str(&format!("jq: error (at <stdin>:1): {words}\n"));
                output.status = 5;
            }
        }
    }
    if has('e') && output.status == 0 {
        output.status = match last {
            None => 4,
            Some(Value::Null | Value::Bool(false)) => 1,
            Some(_) => 0,
        };
    }
    Ok(output)
}
