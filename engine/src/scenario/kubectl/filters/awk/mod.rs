//! `awk`: patterns, `print`, `printf`, variables, conditions, counting, and the functions that scripts use.

mod parse;
mod run;

use super::{Outcome, Output};
use parse::parse;
use run::{State, truth};

const MAX_DEPTH: usize = 100;

#[derive(Clone, Debug)]
enum Expr {
    Number(f64),
    Text(String),
    Regex(String),
    Field(Box<Expr>),
    Variable(String),
    Element(String, Box<Expr>),
    Assign(&'static str, Box<Expr>, Box<Expr>),
    Binary(&'static str, Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Minus(Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    Call(String, Vec<Expr>),
    /// `x++`: the operator, the variable.
    Step(f64, Box<Expr>),
}

#[derive(Clone, Debug)]
enum Statement {
    Print(Vec<Expr>, bool),
    If(Expr, Box<Statement>, Option<Box<Statement>>),
    For(String, String, Box<Statement>),
    Block(Vec<Statement>),
    Expr(Expr),
    Next,
    Exit(Option<Expr>),
}

enum Pattern {
    Always,
    Begin,
    End,
    When(Expr),
}

pub(super) fn awk(args: &[String], input: &str) -> Outcome {
    let mut state = State::default();
    let mut program = None;
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if let Some(glued) = arg.strip_prefix("-F") {
            let mark = if glued.is_empty() { rest.next().cloned().unwrap_or_default() } else { glued.to_owned() };
            state.vars.insert("FS".into(), super::super::builtins::escapes(&mark));
        } else if let Some(glued) = arg.strip_prefix("-v") {
            let set = if glued.is_empty() { rest.next().cloned().unwrap_or_default() } else { glued.to_owned() };
            if let Some((name, value)) = set.split_once('=') {
                state.vars.insert(name.to_owned(), value.to_owned());
            }
        } else {
            program = program.or(Some(arg.clone()));
        }
    }
    let rules = parse(&program.ok_or("a program is missing")?)?;
    for (pattern, body) in &rules {
        if matches!(pattern, Pattern::Begin) {
            state.run(body)?;
        }
    }
    for line in input.lines() {
        if state.exit.is_some() {
            break;
        }
        state.take(line);
        state.next = false;
        for (pattern, body) in &rules {
            let fits = match pattern {
                Pattern::Always => true,
                Pattern::When(expr) => {
                    let value = state.value(expr, 0)?;
                    truth(&value)
                }
                Pattern::Begin | Pattern::End => false,
            };
            if fits && !state.next && state.exit.is_none() {
                state.run(body)?;
            }
        }
    }
    for (pattern, body) in &rules {
        if matches!(pattern, Pattern::End) && state.exit.is_none() {
            state.run(body)?;
        }
    }
    Ok(Output { stdout: state.out, stderr: String::new(), status: state.exit.unwrap_or(0) })
}
