//! What is looked at when the types of an expression are known: literals that mix types, `format`, durations and such that are
//! written out (cel-go `cel/validator.go`, `ext/formatting.go`).

use std::sync::Arc;

use chrono::DateTime;

use super::ast::{Call, Expr, Node};
use super::lib;
use super::lower::Mistake;
use super::types::{Type, Unifier};
use super::value::Val;
use crate::object::duration::Duration;

/// One thing to look at.
pub enum Pending {
    /// Elements of a list, keys or values of a map: their types must be equal. Of a list `one` mistake is told.
    Alike {
        /// Node and type.
        types: Vec<(u64, Type)>,
        /// Whether the first mistake ends it.
        one: bool,
    },
    /// A format that is written out, with its arguments.
    Format {
        /// The call.
        id: u64,
        /// The format.
        format: Arc<str>,
        /// Node and type.
        args: Vec<(u64, Type)>,
    },
    /// A literal that its function cannot read.
    Unreadable(Mistake),
}

/// What is wrong, where the types are otherwise right.
#[must_use]
pub fn run(pending: &[Pending], unifier: &Unifier) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for one in pending {
        match one {
            Pending::Alike { types, one } => {
                let mut types = types.iter().map(|(id, t)| (*id, unifier.resolve(t, true)));
                let Some((_, wanted)) = types.next() else { continue };
                let odd = types.filter(|(_, found)| *found != wanted);
                let words = odd.map(|(id, found)| (id, format!("expected type '{wanted}' but found '{found}'")));
                mistakes.extend(words.take(if *one { 1 } else { usize::MAX }));
            }
            Pending::Format { id, format, args } => {
                let types: Vec<Type> = args.iter().map(|(_, t)| unifier.resolve(t, true)).collect();
                if let Err((at, words)) = lib::check_format(format, &types) {
                    let at = at.and_then(|at| args.get(at)).map_or(*id, |(id, _)| *id);
                    mistakes.push((at, words));
                }
            }
            Pending::Unreadable(mistake) => mistakes.push(mistake.clone()),
        }
    }
    mistakes
}

/// The format and the arguments of `'…'.format([…])`.
#[must_use]
pub fn format(call: &Call) -> Option<(Arc<str>, &[(Node, bool)])> {
    match (&*call.name, call.args.as_slice()) {
        ("format", [Node { expr: Expr::Const(Val::String(format)), .. }, Node { expr: Expr::List(items), .. }])
            if call.member =>
        {
            Some((Arc::clone(format), items))
        }
        _ => None,
    }
}

/// `duration('…')`, `timestamp('…')`, `x.matches('…')` whose literal cannot be read.
#[must_use]
pub fn literal(call: &Call) -> Option<Pending> {
    let Node { id, expr: Expr::Const(Val::String(text)) } = call.args.get(usize::from(call.member))? else {
        return None;
    };
    let reads = match &*call.name {
        "duration" => Duration::parse(text).is_ok(),
        "timestamp" => DateTime::parse_from_rfc3339(text).is_ok(),
        "matches" => lib::compile_regex(text).is_ok(),
        _ => true,
    };
    (!reads).then(|| Pending::Unreadable((*id, format!("invalid {} argument", call.name))))
}
