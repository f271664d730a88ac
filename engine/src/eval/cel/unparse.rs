//! An expression tree as text again, for the record of a decision.

use crate::expr::cel::ast::{Expr, Fold, Node, Op, Select};
use crate::expr::cel::text::display;
use crate::expr::cel::value::Val;

/// The text of a node; parentheses only where they are needed.
#[must_use]
pub fn text(node: &Node) -> String {
    match &node.expr {
        Expr::Const(value) => constant(value),
        Expr::Ident(name) => name.to_string(),
        Expr::Select { operand, field, kind: Select::Test } => format!("has({}.{field})", operand_text(operand)),
        Expr::Select { operand, field, kind: Select::Optional } => format!("{}.?{field}", operand_text(operand)),
        Expr::Select { operand, field, kind: Select::Plain } => format!("{}.{field}", operand_text(operand)),
        Expr::Index { operand, index, optional } => {
            format!("{}[{}{}]", operand_text(operand), if *optional { "?" } else { "" }, text(index))
        }
        Expr::Not(operand) => format!("!{}", operand_text(operand)),
        Expr::Negate(operand) => format!("-{}", operand_text(operand)),
        Expr::And(left, right) => format!("{} && {}", side(left, 2), side(right, 2)),
        Expr::Or(left, right) => format!("{} || {}", side(left, 1), side(right, 1)),
        Expr::Conditional(parts) => {
            let [condition, yes, no] = &**parts;
            format!("{} ? {} : {}", side(condition, 1), side(yes, 1), side(no, 0))
        }
        Expr::Binary(op, left, right) => {
            let own = binding(*op);
            format!("{} {} {}", side(left, own), op.symbol(), side(right, own + 1))
        }
        Expr::Call(call) => {
            let name = if &*call.name == "__orValueCompat__" { "orValue" } else { &call.name };
            let member = call.member || name == "orValue";
            match call.args.split_first() {
                Some((target, args)) if member => format!("{}.{name}({})", operand_text(target), list(args)),
                _ => format!("{name}({})", list(&call.args)),
            }
        }
        Expr::List(items) => {
            let items: Vec<String> =
                items.iter().map(|(item, optional)| optional_text(*optional, text(item))).collect();
            format!("[{}]", items.join(", "))
        }
        Expr::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value, optional)| optional_text(*optional, format!("{}: {}", text(key), text(value))))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Expr::Struct { type_name, fields } => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(_, name, value, optional)| optional_text(*optional, format!("{name}: {}", text(value))))
                .collect();
            format!("{type_name}{{{}}}", fields.join(", "))
        }
        Expr::Fold(fold) => fold_text(fold),
        Expr::Broken(words) => words.to_string(),
        Expr::Bind(name, parts) => {
            let [value, body] = &**parts;
            format!("cel.bind({name}, {}, {})", text(value), text(body))
        }
        Expr::OptMap(name, parts, flat) => {
            let [target, body] = &**parts;
            let macro_name = if *flat { "optFlatMap" } else { "optMap" };
            format!("{}.{macro_name}({name}, {})", operand_text(target), text(body))
        }
    }
}

fn fold_text(fold: &Fold) -> String {
    let mut args = vec![fold.var.to_string()];
    args.extend(fold.var2.as_ref().map(ToString::to_string));
    args.extend(fold.filter.as_ref().map(text));
    args.push(text(&fold.body));
    format!("{}.{}({})", operand_text(&fold.range), fold.kind.name(), args.join(", "))
}

fn optional_text(optional: bool, text: String) -> String {
    if optional { format!("?{text}") } else { text }
}

fn list(args: &[Node]) -> String {
    args.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn constant(value: &Val) -> String {
    match value {
        Val::String(text) => {
            let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
            format!("'{escaped}'")
        }
        Val::Uint(number) => format!("{number}u"),
        Val::Double(number) if number.fract() == 0.0 && number.is_finite() => format!("{number:.1}"),
        other => display(other),
    }
}

fn binding(op: Op) -> u8 {
    match op {
        Op::Add | Op::Subtract => 4,
        Op::Multiply | Op::Divide | Op::Modulo => 5,
        _ => 3,
    }
}

fn precedence(node: &Node) -> u8 {
    match &node.expr {
        Expr::Conditional(_) => 0,
        Expr::Or(..) => 1,
        Expr::And(..) => 2,
        Expr::Binary(op, ..) => binding(*op),
        Expr::Not(_) | Expr::Negate(_) => 6,
        _ => 7,
    }
}

fn side(node: &Node, wanted: u8) -> String {
    if precedence(node) < wanted { format!("({})", text(node)) } else { text(node) }
}

fn operand_text(node: &Node) -> String {
    side(node, 7)
}
