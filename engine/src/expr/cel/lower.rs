//! The parser's tree → ours: macros recognised, names of functions resolved.

use std::sync::Arc;

use cel::common::ast as parsed;
use cel::common::ast::{EntryExpr, IdedExpr, LiteralValue};

use super::ast::{Call, Expr, Fold, FoldKind, Node, Op, Select};
use super::check::type_named;
use super::env::Env;
use super::value::Val;

/// A mistake at a node.
pub type Mistake = (u64, String);

type Lowered = Result<Node, Mistake>;

/// Turns the parser's tree into ours.
///
/// # Errors
/// A macro is given something else than a name to bind.
pub fn lower(env: &Env, node: IdedExpr) -> Lowered {
    let IdedExpr { id, expr } = node;
    if let parsed::Expr::Select(select) = &expr
        && !select.test
        && let Some(name) = qualified(&select.operand)
        && let name = format!("{name}.{}", select.field)
        && type_named(&name).is_some()
    {
        return Ok(Node { id, expr: Expr::Const(Val::Type(Arc::from(name))) });
    }
    let expr = match expr {
        parsed::Expr::Unspecified => return Err((id, "unspecified expression".to_owned())),
        parsed::Expr::Literal(value) => Expr::Const(literal(&value)),
        parsed::Expr::Ident(name) => Expr::Ident(Arc::from(name.strip_prefix('.').unwrap_or(&name))),
        parsed::Expr::Select(select) => Expr::Select {
            operand: Box::new(lower(env, *select.operand)?),
            field: Arc::from(select.field),
            kind: if select.test { Select::Test } else { Select::Plain },
        },
        parsed::Expr::List(list) => {
            let optional = list.optional_indices;
            let items = list.elements.into_iter().enumerate();
            Expr::List(
                items
                    .map(|(at, item)| Ok((lower(env, item)?, optional.contains(&at))))
                    .collect::<Result<_, Mistake>>()?,
            )
        }
        parsed::Expr::Map(map) => Expr::Map(
            map.entries
                .into_iter()
                .filter_map(|entry| match entry.expr {
                    EntryExpr::MapEntry(entry) => Some(entry),
                    EntryExpr::StructField(_) => None,
                })
                .map(|entry| Ok((lower(env, entry.key)?, lower(env, entry.value)?, entry.optional)))
                .collect::<Result<_, Mistake>>()?,
        ),
        parsed::Expr::Struct(message) => Expr::Struct {
            type_name: Arc::from(message.type_name),
            fields: message
                .entries
                .into_iter()
                .filter_map(|entry| match entry.expr {
                    EntryExpr::StructField(field) => Some((entry.id, field)),
                    EntryExpr::MapEntry(_) => None,
                })
                .map(|(id, field)| Ok((id, Arc::from(field.field), lower(env, field.value)?, field.optional)))
                .collect::<Result<_, Mistake>>()?,
        },
        parsed::Expr::Comprehension(comprehension) => return expanded(env, id, *comprehension),
        parsed::Expr::Call(call) => return lower_call(env, id, call),
    };
    Ok(Node { id, expr })
}

fn literal(value: &LiteralValue) -> Val {
    match value {
        LiteralValue::Boolean(value) => Val::Bool(*value.inner()),
        LiteralValue::Bytes(bytes) => Val::Bytes(Arc::from(bytes.inner())),
        LiteralValue::Double(number) => Val::Double(*number.inner()),
        LiteralValue::Int(number) => Val::Int(*number.inner()),
        LiteralValue::Null => Val::Null,
        LiteralValue::String(text) => Val::str(text.inner()),
        LiteralValue::UInt(number) => Val::Uint(*number.inner()),
    }
}

fn lower_call(env: &Env, id: u64, call: parsed::CallExpr) -> Lowered {
    let parsed::CallExpr { func_name, target, args } = call;
    if let Some(target) = target {
        return lower_member(env, id, func_name, *target, args);
    }
    let mut args = args.into_iter().map(|arg| lower(env, arg)).collect::<Result<Vec<_>, _>>()?;
    let expr = if let Some(op) = Op::of(&func_name) {
        let (Some(right), Some(left)) = (args.pop(), args.pop()) else {
            return Err((id, "an operator needs two sides".to_owned()));
        };
        Expr::Binary(op, Box::new(left), Box::new(right))
    } else {
        match (func_name.as_str(), <[Node; 2]>::try_from(args)) {
            ("_&&_", Ok([left, right])) => Expr::And(Box::new(left), Box::new(right)),
            ("_||_", Ok([left, right])) => Expr::Or(Box::new(left), Box::new(right)),
            ("_[_]", Ok([operand, index])) => {
                Expr::Index { operand: Box::new(operand), index: Box::new(index), optional: false }
            }
            ("_[?_]", Ok([operand, index])) => {
                Expr::Index { operand: Box::new(operand), index: Box::new(index), optional: true }
            }
            ("_?._", Ok([operand, Node { expr: Expr::Const(Val::String(field)), .. }])) => {
                Expr::Select { operand: Box::new(operand), field, kind: Select::Optional }
            }
            (name, Ok(args)) => call_of(env, name, false, args.into()),
            (name, Err(args)) => lower_other(env, name, args),
        }
    };
    Ok(Node { id, expr })
}

/// Operators with one or three operands, and every other global function.
fn lower_other(env: &Env, name: &str, args: Vec<Node>) -> Expr {
    match (name, <[Node; 3]>::try_from(args)) {
        ("_?_:_", Ok(args)) => Expr::Conditional(Box::new(args)),
        (name, Ok(args)) => call_of(env, name, false, args.into()),
        (name, Err(mut args)) => match (name, args.len()) {
            ("!_", 1) => args.pop().map_or(Expr::Const(Val::Null), |arg| Expr::Not(Box::new(arg))),
            ("-_", 1) => args.pop().map_or(Expr::Const(Val::Null), |arg| Expr::Negate(Box::new(arg))),
            _ => call_of(env, name, false, args),
        },
    }
}

fn call_of(env: &Env, name: &str, member: bool, args: Vec<Node>) -> Expr {
    let name = name.strip_prefix('.').unwrap_or(name);
    let libs = env.libs_with(name, member);
    Expr::Call(Box::new(Call { name: Arc::from(name), member, libs, args }))
}

fn lower_member(env: &Env, id: u64, name: String, target: IdedExpr, args: Vec<IdedExpr>) -> Lowered {
    if name == "bind" && args.len() == 3 && matches!(&target.expr, parsed::Expr::Ident(root) if root == "cel") {
        return bind(env, id, args);
    }
    if let Some(namespace) = qualified(&target) {
        let full = format!("{namespace}.{name}");
        if env.has_function(&full, false) {
            let args = args.into_iter().map(|arg| lower(env, arg)).collect::<Result<_, _>>()?;
            return Ok(Node { id, expr: call_of(env, &full, false, args) });
        }
    }
    let kind = match (name.as_str(), args.len()) {
        ("optMap" | "optFlatMap", 2) => return opt_map(env, id, name == "optFlatMap", target, args),
        ("sortBy", 2) => Some(FoldKind::SortBy),
        ("all", 3) if env.two_variables => Some(FoldKind::All),
        ("exists", 3) if env.two_variables => Some(FoldKind::Exists),
        ("exists_one" | "existsOne", 3) if env.two_variables => Some(FoldKind::ExistsOne),
        ("transformList", 3 | 4) if env.two_variables => Some(FoldKind::TransformList),
        ("transformMap", 3 | 4) if env.two_variables => Some(FoldKind::TransformMap),
        ("transformMapEntry", 3 | 4) if env.two_variables => Some(FoldKind::TransformMapEntry),
        _ => None,
    };
    if let Some(kind) = kind {
        return fold(env, id, kind, target, args);
    }
    let mut all = vec![lower(env, target)?];
    for arg in args {
        all.push(lower(env, arg)?);
    }
    let expr = if name == "orValue" && env.or_value_compat && all.len() == 2 {
        call_of(env, "__orValueCompat__", false, all)
    } else {
        call_of(env, &name, true, all)
    };
    Ok(Node { id, expr })
}

/// `a.b.c` for a chain of names.
fn qualified(node: &IdedExpr) -> Option<String> {
    match &node.expr {
        parsed::Expr::Ident(name) => Some(name.clone()),
        parsed::Expr::Select(select) if !select.test => {
            Some(format!("{}.{}", qualified(&select.operand)?, select.field))
        }
        _ => None,
    }
}

fn name_of(node: &IdedExpr, words: &str) -> Result<Arc<str>, Mistake> {
    match &node.expr {
        parsed::Expr::Ident(name) => Ok(Arc::from(name.as_str())),
        _ => Err((node.id, words.to_owned())),
    }
}

fn bind(env: &Env, id: u64, args: Vec<IdedExpr>) -> Lowered {
    let Ok([name, value, body]) = <[IdedExpr; 3]>::try_from(args) else {
        return Err((id, "cel.bind() takes a name, a value and an expression".to_owned()));
    };
    let name = name_of(&name, "cel.bind() variable names must be simple identifiers")?;
    Ok(Node { id, expr: Expr::Bind(name, Box::new([lower(env, value)?, lower(env, body)?])) })
}

fn opt_map(env: &Env, id: u64, flat: bool, target: IdedExpr, args: Vec<IdedExpr>) -> Lowered {
    let Ok([name, body]) = <[IdedExpr; 2]>::try_from(args) else {
        return Err((id, "optMap() takes a name and an expression".to_owned()));
    };
    let macro_name = if flat { "optFlatMap" } else { "optMap" };
    let name = name_of(&name, &format!("{macro_name}() variable name must be a simple identifier"))?;
    Ok(Node { id, expr: Expr::OptMap(name, Box::new([lower(env, target)?, lower(env, body)?]), flat) })
}

fn fold(env: &Env, id: u64, kind: FoldKind, target: IdedExpr, mut args: Vec<IdedExpr>) -> Lowered {
    let body = args.pop().ok_or_else(|| (id, "missing argument".to_owned()))?;
    let names = if kind == FoldKind::SortBy { 1 } else { 2 };
    let filter = if args.len() > names { args.pop() } else { None };
    let mut names =
        args.iter().map(|arg| name_of(arg, "argument must be a simple name")).collect::<Result<Vec<_>, _>>()?;
    let var2 = if names.len() == 2 { names.pop() } else { None };
    let var = names.pop().ok_or_else(|| (id, "missing argument".to_owned()))?;
    let filter = filter.map(|filter| lower(env, filter)).transpose()?;
    let fold = Fold { kind, range: lower(env, target)?, var, var2, filter, body: lower(env, body)? };
    Ok(Node { id, expr: Expr::Fold(Box::new(fold)) })
}

/// A macro that the parser has expanded, read back from the shape of its expansion.
fn expanded(env: &Env, id: u64, comprehension: parsed::ComprehensionExpr) -> Lowered {
    let parsed::ComprehensionExpr { iter_range, iter_var, accu_init, loop_step, .. } = comprehension;
    let unknown = || (id, "unsupported comprehension".to_owned());
    let parsed::Expr::Call(mut step) = loop_step.expr else { return Err(unknown()) };
    let (kind, filter, body) = match accu_init.expr {
        parsed::Expr::Literal(LiteralValue::Boolean(start)) => {
            let kind = if *start.inner() { FoldKind::All } else { FoldKind::Exists };
            (kind, None, step.args.pop())
        }
        parsed::Expr::Literal(LiteralValue::Int(_)) => (FoldKind::ExistsOne, None, take_first(step.args)),
        parsed::Expr::List(_) if step.func_name == "_?_:_" => {
            let mut args = step.args.into_iter();
            let filter = args.next();
            (FoldKind::Map, filter, args.next().and_then(appended))
        }
        parsed::Expr::List(_) => (FoldKind::Map, None, appended(IdedExpr { id, expr: parsed::Expr::Call(step) })),
        _ => return Err(unknown()),
    };
    let body = body.ok_or_else(unknown)?;
    // `filter` is a `map` with a condition that keeps the element.
    let keeps = matches!(&body.expr, parsed::Expr::Ident(name) if *name == iter_var);
    let (kind, filter, body) = match filter {
        Some(filter) if keeps => (FoldKind::Filter, None, filter),
        filter => (kind, filter, body),
    };
    let fold = Fold {
        kind,
        range: lower(env, iter_range)?,
        var: Arc::from(iter_var),
        var2: None,
        filter: filter.map(|filter| lower(env, filter)).transpose()?,
        body: lower(env, body)?,
    };
    Ok(Node { id, expr: Expr::Fold(Box::new(fold)) })
}

fn take_first(args: Vec<IdedExpr>) -> Option<IdedExpr> {
    args.into_iter().next()
}

/// The `f` of `@result + [f]`.
fn appended(step: IdedExpr) -> Option<IdedExpr> {
    let parsed::Expr::Call(mut call) = step.expr else { return None };
    let parsed::Expr::List(mut list) = call.args.pop()?.expr else { return None };
    list.elements.pop()
}
