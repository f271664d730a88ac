//! The tree that the interpreter walks: the crate's, with pipes told from sub-expressions and functions looked up.

use jmespath::ast::{Ast, Comparator};
use serde_json::{Map, Value};

use super::functions::{self, FunctionInfo};

/// One node, in the shape of the fork's `ASTNode`.
#[derive(Debug)]
pub(super) enum Node {
    Comparison(Comparator, Box<Node>, Box<Node>),
    Identity,
    Expref(Box<Node>),
    Flatten(Box<Node>),
    Function { name: String, info: Option<&'static FunctionInfo>, args: Vec<Node> },
    Field(String),
    Index(i32),
    Literal(Value),
    MultiList(Vec<Node>),
    MultiHash(Vec<(String, Node)>),
    Not(Box<Node>),
    Projection(Box<Node>, Box<Node>),
    Filter { left: Box<Node>, condition: Box<Node>, right: Box<Node> },
    Values(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Slice { start: Option<i32>, stop: Option<i32>, step: i32 },
    Subexpression(Box<Node>, Box<Node>),
    Pipe(Box<Node>, Box<Node>),
}

/// Rebuilds the crate's tree. `text` is what was parsed: the crate has no node for a pipe, but its offset points at one.
pub(super) fn convert(ast: &Ast, text: &str) -> Node {
    let of = |ast: &Ast| Box::new(convert(ast, text));
    let all = |list: &[Ast]| list.iter().map(|ast| convert(ast, text)).collect();
    match ast {
        Ast::Comparison { comparator, lhs, rhs, .. } => Node::Comparison(comparator.clone(), of(lhs), of(rhs)),
        // A condition stands only right of a projection, where it is taken apart below.
        Ast::Condition { then, .. } => convert(then, text),
        Ast::Identity { .. } => Node::Identity,
        Ast::Expref { ast, .. } => Node::Expref(of(ast)),
        Ast::Flatten { node, .. } => Node::Flatten(of(node)),
        Ast::Function { name, args, .. } => {
            Node::Function { name: name.clone(), info: functions::find(name), args: all(args) }
        }
        Ast::Field { name, .. } => Node::Field(name.clone()),
        Ast::Index { idx, .. } => Node::Index(*idx),
        Ast::Literal { value, .. } => Node::Literal(literal(value)),
        Ast::MultiList { elements, .. } => Node::MultiList(all(elements)),
        Ast::MultiHash { elements, .. } => {
            Node::MultiHash(elements.iter().map(|pair| (pair.key.clone(), convert(&pair.value, text))).collect())
        }
        Ast::Not { node, .. } => Node::Not(of(node)),
        Ast::Projection { lhs, rhs, .. } => match &**rhs {
            Ast::Condition { predicate, then, .. } => {
                Node::Filter { left: of(lhs), condition: of(predicate), right: of(then) }
            }
            _ => Node::Projection(of(lhs), of(rhs)),
        },
        Ast::ObjectValues { node, .. } => Node::Values(of(node)),
        Ast::And { lhs, rhs, .. } => Node::And(of(lhs), of(rhs)),
        Ast::Or { lhs, rhs, .. } => Node::Or(of(lhs), of(rhs)),
        Ast::Slice { start, stop, step, .. } => Node::Slice { start: *start, stop: *stop, step: *step },
        Ast::Subexpr { offset, lhs, rhs } => match (text.as_bytes().get(*offset), &**rhs) {
            (Some(b'|'), _) => Node::Pipe(of(lhs), of(rhs)),
            // `a[1:2].b`: the fork projects over `a[1:2]`, so that an unknown `a` gives null.
            (Some(b'['), Ast::Projection { lhs: slice, rhs: right, .. }) if matches!(**slice, Ast::Slice { .. }) => {
                Node::Projection(Box::new(Node::Subexpression(of(lhs), of(slice))), of(right))
            }
            _ => Node::Subexpression(of(lhs), of(rhs)),
        },
    }
}

fn literal(value: &jmespath::Variable) -> Value {
    match value {
        jmespath::Variable::Bool(value) => Value::Bool(*value),
        jmespath::Variable::Number(number) => Value::Number(number.clone()),
        jmespath::Variable::String(text) => Value::String(text.clone()),
        jmespath::Variable::Array(items) => Value::Array(items.iter().map(|item| literal(item)).collect()),
        jmespath::Variable::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), literal(value))).collect::<Map<_, _>>())
        }
        jmespath::Variable::Null | jmespath::Variable::Expref(_) => Value::Null,
    }
}
