//! Why an expression came out as it did: its parts with their values, where it failed.
//!
//! The parts are evaluated once more for this, so that evaluations without a record cost nothing.

use serde_json::Value;

use super::unparse::text;
use crate::eval::trace::{Outcome, Trace, TraceNode};
use crate::expr::cel::ast::{Expr, Fold, FoldKind, Node, Op};
use crate::expr::cel::convert::to_shown;
use crate::expr::cel::eval::{Cx, elements_of};
use crate::expr::cel::ops::Res;
use crate::expr::cel::{Activation, Program, Val};

/// How deep the record of one expression goes.
const MAX_DEPTH: usize = 12;
/// Elements of one comprehension that are recorded.
const MAX_ELEMENTS: usize = 10;
/// Characters of a value that are shown.
const MAX_SHOWN: usize = 2000;

/// Records an expression and its result.
pub fn recorded(
    kind: &str,
    name: &str,
    pointer: &str,
    program: &Program,
    found: &Res,
    activation: &Activation<'_>,
    trace: &mut Trace,
) {
    trace.leaf(|| {
        let mut node = explain(program.root(), &mut Cx::new(activation), MAX_DEPTH);
        let source = program.source().trim();
        node.text = match (name.is_empty(), found) {
            (true, Err(error)) => format!("{source}: {error}"),
            (false, Err(error)) => format!("{name}: {source}: {error}"),
            (true, Ok(_)) => source.to_owned(),
            (false, Ok(_)) => format!("{name}: {source}"),
        };
        node.kind = kind.to_owned();
        node.at = Some(pointer.to_owned());
        node.outcome = outcome(found);
        node.found = found.as_ref().ok().map(shown);
        node
    });
}

fn outcome(found: &Res) -> Outcome {
    match found {
        Ok(Val::Bool(true)) => Outcome::Yes,
        Ok(Val::Bool(false)) => Outcome::No,
        Ok(_) => Outcome::Info,
        Err(_) => Outcome::Error,
    }
}

fn shown(value: &Val) -> Value {
    let value = to_shown(value);
    let words = value.to_string();
    if words.len() <= MAX_SHOWN {
        return value;
    }
    Value::String(words.chars().take(MAX_SHOWN).chain(['…']).collect())
}

/// A node with its value and, where they matter, its parts.
fn explain(node: &Node, cx: &mut Cx<'_, '_>, depth: usize) -> TraceNode {
    let found = cx.eval(node);
    let words = match &found {
        Ok(_) => text(node),
        Err(error) => format!("{}: {error}", text(node)),
    };
    let mut record = TraceNode::new("cel", outcome(&found), words);
    record.found = found.as_ref().ok().map(shown);
    if depth == 0 || matches!(node.expr, Expr::Const(_) | Expr::Ident(_)) {
        return record;
    }
    record.children = parts(node, &found, cx, depth - 1);
    if let Expr::Binary(Op::Equals | Op::NotEquals, _, right) = &node.expr
        && let Expr::Const(wanted) = &right.expr
    {
        record.want = Some(shown(wanted));
    }
    record
}

fn parts(node: &Node, found: &Res, cx: &mut Cx<'_, '_>, depth: usize) -> Vec<TraceNode> {
    match &node.expr {
        Expr::And(left, right) => {
            let first = explain(left, cx, depth);
            // What stands behind a false operand was not looked at.
            if first.outcome == Outcome::No {
                return vec![first];
            }
            vec![first, explain(right, cx, depth)]
        }
        Expr::Or(left, right) => {
            let first = explain(left, cx, depth);
            if first.outcome == Outcome::Yes {
                return vec![first];
            }
            vec![first, explain(right, cx, depth)]
        }
        Expr::Not(operand) => vec![explain(operand, cx, depth)],
        Expr::Conditional(parts) => {
            let [condition, yes, no] = &**parts;
            let condition = explain(condition, cx, depth);
            let branch = if condition.outcome == Outcome::Yes { yes } else { no };
            vec![condition, explain(branch, cx, depth)]
        }
        Expr::Binary(_, left, right) => [left, right].into_iter().filter_map(|side| worth(side, cx, depth)).collect(),
        Expr::Call(call) => call.args.iter().filter_map(|arg| worth(arg, cx, depth)).collect(),
        Expr::Select { operand, field, .. } if cx.is_variables(operand) => {
            let written = cx.activation.composed_program(field);
            written.map(|program| explain(program.root(), &mut Cx::new(cx.activation), depth)).into_iter().collect()
        }
        Expr::Select { operand, .. } if !matches!(found, Ok(Val::Bool(true))) => {
            worth(operand, cx, depth.min(1)).into_iter().collect()
        }
        Expr::Index { operand, index, .. } if found.is_err() => {
            [operand, index].into_iter().filter_map(|part| worth(part, cx, depth.min(1))).collect()
        }
        Expr::Fold(fold) => elements(fold, found, cx, depth),
        Expr::Bind(name, parts) => {
            let [value, body] = &**parts;
            let bound = explain(value, cx, depth);
            let found = cx.eval(value);
            let inner = found.ok().map(|value| cx.with_value(name, value, |cx| explain(body, cx, depth)));
            [Some(bound), inner].into_iter().flatten().collect()
        }
        _ => Vec::new(),
    }
}

/// A part, unless it says nothing that its text does not.
fn worth(node: &Node, cx: &mut Cx<'_, '_>, depth: usize) -> Option<TraceNode> {
    (!matches!(node.expr, Expr::Const(_))).then(|| explain(node, cx, depth))
}

/// The range, and the elements that decided: the one that failed `all`, those that missed `exists`.
fn elements(fold: &Fold, found: &Res, cx: &mut Cx<'_, '_>, depth: usize) -> Vec<TraceNode> {
    let range = explain(&fold.range, cx, depth.min(2));
    let Ok(values) = cx.eval(&fold.range) else { return vec![range] };
    let Ok(values) = elements_of(&values, fold.var2.is_some()) else { return vec![range] };
    let decides = |outcome: Outcome| match (fold.kind, found) {
        (FoldKind::All, Ok(Val::Bool(false))) => outcome == Outcome::No,
        (FoldKind::All | FoldKind::Exists, Err(_)) => outcome == Outcome::Error,
        (FoldKind::Exists, Ok(Val::Bool(true))) => outcome == Outcome::Yes,
        (FoldKind::Exists | FoldKind::ExistsOne, Ok(_)) => true,
        (FoldKind::All, Ok(_)) => false,
        (_, Err(_)) => outcome == Outcome::Error,
        _ => false,
    };
    let mut records = vec![range];
    for (position, element) in values.iter().enumerate() {
        let mut record = cx.with_element(fold, element, |cx| explain(&fold.body, cx, depth));
        if !decides(record.outcome) {
            continue;
        }
        record.text = format!("[{position}] {} = {}: {}", fold.var, brief(&element.0), record.text);
        records.push(record);
        if records.len() > MAX_ELEMENTS {
            break;
        }
    }
    records
}

fn brief(value: &Val) -> String {
    let words = to_shown(value).to_string();
    if words.chars().count() <= 60 { words } else { words.chars().take(59).chain(['…']).collect() }
}
