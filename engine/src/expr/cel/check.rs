//! The type check: undeclared names, unknown fields, calls that no overload accepts, and the type of the result.
//!
//! Follows cel-go `checker/checker.go` as far as an admission decision can depend on it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{Call, Expr, Fold, FoldKind, Node, Op, Select};
use super::env::Env;
use super::lower::Mistake;
use super::types::{Type, Unifier};
use super::validators::{self, Pending};
use super::value::Val;

/// Checks an expression: its type, and every mistake.
#[must_use]
pub fn check(env: &Env, node: &Node) -> (Type, Vec<Mistake>) {
    let mut checker = Checker {
        env,
        scope: Vec::new(),
        unifier: Unifier::default(),
        mistakes: Vec::new(),
        pending: Vec::new(),
        exempt: 0,
    };
    let found = checker.node(node);
    let Checker { unifier, mut mistakes, pending, .. } = checker;
    if mistakes.is_empty() {
        mistakes = validators::run(&pending, &unifier);
    }
    (unifier.resolve(&found, true), mistakes)
}

struct Checker<'e> {
    env: &'e Env,
    scope: Vec<(Arc<str>, Type)>,
    unifier: Unifier,
    mistakes: Vec<Mistake>,
    /// What is looked at when all types are known.
    pending: Vec<Pending>,
    exempt: usize,
}

/// The names of types, as values.
const TYPE_NAMES: [(&str, Type); 10] = [
    ("bool", Type::Bool),
    ("int", Type::Int),
    ("uint", Type::Uint),
    ("double", Type::Double),
    ("string", Type::String),
    ("bytes", Type::Bytes),
    ("null_type", Type::Null),
    ("google.protobuf.Timestamp", Type::Timestamp),
    ("google.protobuf.Duration", Type::Duration),
    ("dyn", Type::Dyn),
];

/// The type that a name denotes, for `type(x) == string` and the like.
#[must_use]
pub fn type_named(name: &str) -> Option<Type> {
    if let Some((_, found)) = TYPE_NAMES.iter().find(|(known, _)| *known == name) {
        return Some(found.clone());
    }
    Some(match name {
        "list" => Type::list(Type::Dyn),
        "map" => Type::map(Type::Dyn, Type::Dyn),
        "type" => Type::Type(Arc::new(Type::Dyn)),
        "optional_type" => Type::optional(Type::Dyn),
        "kubernetes.Quantity" | "kubernetes.Semver" | "kubernetes.URL" | "net.IP" | "net.CIDR" => Type::named(name),
        _ => return None,
    })
}

impl Checker<'_> {
    fn node(&mut self, node: &Node) -> Type {
        match &node.expr {
            Expr::Const(value) => constant(value),
            Expr::Ident(name) => self.ident(node.id, name),
            Expr::Select { operand, field, kind } => self.select(node, operand, field, *kind),
            Expr::Index { operand, index, optional } => self.index(node.id, operand, index, *optional),
            Expr::Not(operand) => {
                let found = self.node(operand);
                self.call(node.id, "!_", false, &[found])
            }
            Expr::Negate(operand) => {
                let found = self.node(operand);
                self.call(node.id, "-_", false, &[found])
            }
            Expr::And(left, right) | Expr::Or(left, right) => self.logic(left, right),
            Expr::Conditional(parts) => {
                let [condition, yes, no] = &**parts;
                let found = [self.node(condition), self.node(yes), self.node(no)];
                self.call(node.id, "_?_:_", false, &found)
            }
            Expr::Binary(op, left, right) => self.binary(node.id, *op, left, right),
            Expr::Call(call) => self.function(node.id, call),
            Expr::List(items) => {
                let mut item_type = None;
                let mut alike = Vec::new();
                for (item, optional) in items {
                    let found = self.element(item, *optional);
                    alike.push((item.id, found.clone()));
                    item_type = Some(self.join(item_type, found));
                }
                self.all_alike(alike, true);
                Type::list(item_type.unwrap_or_else(|| self.unifier.fresh()))
            }
            Expr::Map(entries) => self.map(entries),
            Expr::Struct { type_name, fields } => self.message(node.id, type_name, fields),
            Expr::Fold(fold) => self.fold(fold),
            Expr::Bind(name, parts) => {
                let [value, body] = &**parts;
                let found = self.node(value);
                self.scoped(&[(name, found)], body)
            }
            Expr::OptMap(name, parts, flat) => self.opt_map(name, parts, *flat),
            Expr::Broken(_) => Type::Dyn,
        }
    }

    fn mistake(&mut self, id: u64, words: String) -> Type {
        self.mistakes.push((id, words));
        Type::Error
    }

    fn undeclared(&mut self, id: u64, name: &str) -> Type {
        self.mistake(id, format!("undeclared reference to '{name}' (in container '')"))
    }

    fn scoped(&mut self, names: &[(&Arc<str>, Type)], body: &Node) -> Type {
        let before = self.scope.len();
        self.scope.extend(names.iter().map(|(name, t)| (Arc::clone(name), t.clone())));
        let found = self.node(body);
        self.scope.truncate(before);
        found
    }

    fn ident(&mut self, id: u64, name: &str) -> Type {
        if let Some((_, found)) = self.scope.iter().rev().find(|(known, _)| **known == *name) {
            return found.clone();
        }
        if let Some(found) = self.env.type_of(name) {
            return found.clone();
        }
        match type_named(name) {
            Some(found) => Type::Type(Arc::new(found)),
            None => self.undeclared(id, name),
        }
    }

    fn select(&mut self, node: &Node, operand: &Node, field: &str, kind: Select) -> Type {
        let found = self.node(operand);
        let found = self.unifier.resolve(&found, false);
        let (target, optional) = match &found {
            Type::Optional(inner) => ((**inner).clone(), true),
            other => (other.clone(), false),
        };
        let result = self.field(node.id, &target, field);
        if kind == Select::Test {
            return Type::Bool;
        }
        if optional || kind == Select::Optional { Type::optional(result) } else { result }
    }

    fn field(&mut self, id: u64, target: &Type, field: &str) -> Type {
        match target {
            Type::Map(_, value) => (**value).clone(),
            Type::Named(name) => match self.env.fields_of(name) {
                Some(fields) => match fields.get(field) {
                    Some(found) => found.clone(),
                    None => self.mistake(id, format!("undefined field '{field}'")),
                },
                None if name.starts_with("Object") || &**name == "JSONPatch" => Type::Dyn,
                None => self.mistake(id, format!("type '{target}' does not support field selection")),
            },
            Type::Dyn | Type::Any | Type::Error => Type::Dyn,
            Type::Var(_) => {
                self.unifier.assignable(&[Type::Dyn], std::slice::from_ref(target));
                Type::Dyn
            }
            other => {
                let words = format!("type '{other}' does not support field selection");
                self.mistake(id, words);
                Type::Dyn
            }
        }
    }

    fn index(&mut self, id: u64, operand: &Node, index: &Node, optional: bool) -> Type {
        let found = [self.node(operand), self.node(index)];
        self.call(id, if optional { "_[?_]" } else { "_[_]" }, false, &found)
    }

    fn logic(&mut self, left: &Node, right: &Node) -> Type {
        for side in [left, right] {
            let found = self.node(side);
            if !self.unifier.assignable(std::slice::from_ref(&found), &[Type::Bool]) {
                let found = self.unifier.resolve(&found, true);
                self.mistake(side.id, format!("expected type 'bool' but found '{found}'"));
            }
        }
        Type::Bool
    }

    fn binary(&mut self, id: u64, op: Op, left: &Node, right: &Node) -> Type {
        let found = [self.node(left), self.node(right)];
        self.call(id, op.function(), false, &found)
    }

    fn function(&mut self, id: u64, call: &Call) -> Type {
        if let Some(literal) = validators::literal(call).filter(|_| self.env.literals) {
            self.pending.push(literal);
        }
        // What is given to `format` may mix types (cel-go exempts it).
        self.exempt += usize::from(&*call.name == "format");
        let found: Vec<Type> = match (validators::format(call), call.args.split_first()) {
            (Some((format, items)), Some((receiver, _))) => {
                let receiver = self.node(receiver);
                let args = items.iter().map(|(item, optional)| (item.id, self.element(item, *optional))).collect();
                self.pending.push(Pending::Format { id, format, args });
                vec![receiver, Type::list(Type::Dyn)]
            }
            _ => call.args.iter().map(|arg| self.node(arg)).collect(),
        };
        self.exempt -= usize::from(&*call.name == "format");
        if matches!(&*call.name, "math.greatest" | "math.least") {
            return self.extreme(id, &call.name, &found);
        }
        self.call(id, &call.name, call.member, &found)
    }

    /// `math.greatest` and `math.least` take any number of numbers.
    fn extreme(&mut self, id: u64, name: &str, args: &[Type]) -> Type {
        let args: Vec<Type> = args.iter().map(|arg| self.unifier.resolve(arg, true)).collect();
        let args = match args.as_slice() {
            [Type::List(item)] => vec![(**item).clone()],
            _ => args,
        };
        if let Some(odd) =
            args.iter().find(|arg| !matches!(arg, Type::Int | Type::Uint | Type::Double) && !arg.is_dyn())
        {
            return self.mistake(id, format!("{name}() argument must be a number, not '{odd}'"));
        }
        match args.split_first() {
            None => self.mistake(id, format!("{name}() requires at least one argument")),
            Some((first, rest)) if rest.iter().all(|other| other == first) => first.clone(),
            Some(_) => Type::Dyn,
        }
    }

    fn call(&mut self, id: u64, name: &str, member: bool, args: &[Type]) -> Type {
        let mut declared = false;
        let mut result: Option<Type> = None;
        for overload in self.env.overloads(name) {
            declared = true;
            if overload.member != member {
                continue;
            }
            let mut letters = BTreeMap::new();
            let params: Vec<Type> =
                overload.params.iter().map(|param| self.unifier.instantiate(param, &mut letters)).collect();
            let returned = self.unifier.instantiate(&overload.result, &mut letters);
            if !self.unifier.assignable(args, &params) {
                continue;
            }
            let returned = self.unifier.resolve(&returned, false);
            result = Some(match result {
                Some(before) if !before.is_dyn() && before != returned => Type::Dyn,
                Some(before) => before,
                None => returned,
            });
        }
        if !declared {
            return self.undeclared(id, name);
        }
        match result {
            Some(result) => result,
            None => {
                let words: Vec<String> = args.iter().map(|arg| self.unifier.resolve(arg, true).to_string()).collect();
                let signature = match words.split_first() {
                    Some((receiver, rest)) if member => format!("{receiver}.({})", rest.join(", ")),
                    _ => format!("({})", words.join(", ")),
                };
                self.mistake(id, format!("found no matching overload for '{name}' applied to '{signature}'"))
            }
        }
    }

    /// The type of an element, unwrapped where it is marked `?`.
    fn element(&mut self, node: &Node, optional: bool) -> Type {
        let found = self.node(node);
        if !optional {
            return found;
        }
        match self.unifier.resolve(&found, false) {
            Type::Optional(inner) => (*inner).clone(),
            found if found.is_dyn() => found,
            other => self.mistake(node.id, format!("expected type 'optional_type({other})' but found '{other}'")),
        }
    }

    /// Remembers that types must be equal in the end.
    fn all_alike(&mut self, types: Vec<(u64, Type)>, one: bool) {
        if self.env.homogeneous && self.exempt == 0 && types.len() > 1 {
            self.pending.push(Pending::Alike { types, one });
        }
    }

    fn join(&mut self, before: Option<Type>, found: Type) -> Type {
        let Some(before) = before else { return found };
        if self.unifier.assignable(std::slice::from_ref(&before), std::slice::from_ref(&found)) {
            return self.unifier.most_general(&before, &found);
        }
        Type::Dyn
    }

    fn map(&mut self, entries: &[(Node, Node, bool)]) -> Type {
        let (mut key_type, mut value_type) = (None, None);
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (key, value, optional) in entries {
            let found = self.node(key);
            keys.push((key.id, found.clone()));
            key_type = Some(self.join(key_type, found));
            let found = self.element(value, *optional);
            values.push((value.id, found.clone()));
            value_type = Some(self.join(value_type, found));
        }
        self.all_alike(keys, false);
        self.all_alike(values, false);
        let key = key_type.unwrap_or_else(|| self.unifier.fresh());
        let value = value_type.unwrap_or_else(|| self.unifier.fresh());
        Type::map(key, value)
    }

    fn message(&mut self, id: u64, type_name: &Arc<str>, fields: &[(u64, Arc<str>, Node, bool)]) -> Type {
        let known = self.env.objects
            && (&**type_name == "Object" || type_name.starts_with("Object.") || &**type_name == "JSONPatch");
        if !known {
            for (_, _, value, _) in fields {
                self.node(value);
            }
            return self.undeclared(id, type_name);
        }
        for (field_id, name, value, optional) in fields {
            let found = self.element(value, *optional);
            let wanted = match (&**type_name, &**name) {
                ("JSONPatch", "op" | "path" | "from") => Type::String,
                ("JSONPatch", "value") => Type::Dyn,
                ("JSONPatch", other) => self.mistake(*field_id, format!("undefined field '{other}'")),
                _ => Type::Dyn,
            };
            if !self.unifier.assignable(std::slice::from_ref(&wanted), std::slice::from_ref(&found)) {
                let found = self.unifier.resolve(&found, true);
                self.mistake(
                    *field_id,
                    format!("expected type of field '{name}' is '{wanted}' but provided type is '{found}'"),
                );
            }
        }
        Type::Named(Arc::clone(type_name))
    }

    fn opt_map(&mut self, name: &Arc<str>, parts: &[Node; 2], flat: bool) -> Type {
        let [target, body] = parts;
        let found = self.node(target);
        let inner = match self.unifier.resolve(&found, false) {
            Type::Optional(inner) => (*inner).clone(),
            Type::Dyn | Type::Any | Type::Error | Type::Var(_) => Type::Dyn,
            other => {
                let macro_name = if flat { "optFlatMap" } else { "optMap" };
                let words = format!("found no matching overload for '{macro_name}' applied to '{other}.()'");
                self.mistake(target.id, words)
            }
        };
        let result = self.scoped(&[(name, inner)], body);
        if flat { result } else { Type::optional(result) }
    }

    fn fold(&mut self, fold: &Fold) -> Type {
        let range = self.node(&fold.range);
        let range = self.unifier.resolve(&range, false);
        let (first, second) = match &range {
            Type::List(item) => (Type::Int, (**item).clone()),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            Type::Dyn | Type::Error | Type::Var(_) => (Type::Dyn, Type::Dyn),
            other => {
                let words = format!(
                    "expression of type '{other}' cannot be range of a comprehension (must be list, map, or dynamic)"
                );
                self.mistake(fold.range.id, words);
                (Type::Error, Type::Error)
            }
        };
        // With one variable a map gives its keys, a list its items.
        let single = if matches!(range, Type::List(_)) { second.clone() } else { first.clone() };
        let names: Vec<(&Arc<str>, Type)> = match &fold.var2 {
            Some(var2) => vec![(&fold.var, first.clone()), (var2, second)],
            None => vec![(&fold.var, single.clone())],
        };
        if let Some(filter) = &fold.filter {
            let found = self.scoped(&names, filter);
            self.want_bool(filter, found);
        }
        let body = self.scoped(&names, &fold.body);
        match fold.kind {
            FoldKind::All | FoldKind::Exists | FoldKind::ExistsOne => {
                self.want_bool(&fold.body, body);
                Type::Bool
            }
            FoldKind::Filter => {
                self.want_bool(&fold.body, body);
                Type::list(single)
            }
            FoldKind::Map | FoldKind::TransformList => Type::list(body),
            FoldKind::TransformMap => Type::map(first, body),
            FoldKind::TransformMapEntry => body,
            FoldKind::SortBy => Type::list(single),
        }
    }

    fn want_bool(&mut self, node: &Node, found: Type) {
        if !self.unifier.assignable(std::slice::from_ref(&found), &[Type::Bool]) {
            let found = self.unifier.resolve(&found, true);
            self.mistake(node.id, format!("expected type 'bool' but found '{found}'"));
        }
    }
}

fn constant(value: &Val) -> Type {
    match value {
        Val::Null => Type::Null,
        Val::Bool(_) => Type::Bool,
        Val::Int(_) => Type::Int,
        Val::Uint(_) => Type::Uint,
        Val::Double(_) => Type::Double,
        Val::String(_) => Type::String,
        Val::Bytes(_) => Type::Bytes,
        Val::Type(name) => Type::Type(Arc::new(type_named(name).unwrap_or(Type::Dyn))),
        _ => Type::Dyn,
    }
}
