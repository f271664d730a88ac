//! The evaluator: laziness, absorbed errors and the words of errors as in cel-go `interpreter/`.

use std::sync::Arc;

use super::activation::Activation;
use super::ast::{Call, Expr, Fold, FoldKind, Node, Op, Select};
use super::check::type_named;
use super::error::Error;
use super::ops::{self, Res};
use super::value::{Key, Map, Struct, Val};

/// The weight of a value counts up to this where it is a factor.
const MANY: u64 = 1 << 20;

/// Evaluates an expression.
///
/// # Errors
/// Whatever the expression runs into, in cel-go's words.
pub fn evaluate(node: &Node, activation: &Activation<'_>) -> Res {
    Cx::new(activation).eval(node)
}

/// An evaluation under way: the surroundings and the variables of the macros around the current node.
pub struct Cx<'a, 'v> {
    /// The surroundings.
    pub activation: &'a Activation<'v>,
    scope: Vec<(Arc<str>, Val)>,
}

impl<'a, 'v> Cx<'a, 'v> {
    /// An evaluation without macro variables.
    #[must_use]
    pub fn new(activation: &'a Activation<'v>) -> Self {
        Self { activation, scope: Vec::new() }
    }

    /// Does something with one more variable.
    pub fn with_value<T>(&mut self, name: &Arc<str>, value: Val, then: impl FnOnce(&mut Self) -> T) -> T {
        self.scope.push((Arc::clone(name), value));
        let found = then(self);
        self.scope.pop();
        found
    }

    /// Does something with the variables of a macro set to one element.
    pub fn with_element<T>(
        &mut self,
        fold: &Fold,
        element: &(Val, Option<Val>),
        then: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.scope.len();
        self.scope.push((Arc::clone(&fold.var), element.0.clone()));
        if let (Some(name), Some(value)) = (&fold.var2, &element.1) {
            self.scope.push((Arc::clone(name), value.clone()));
        }
        let found = then(self);
        self.scope.truncate(before);
        found
    }

    /// Evaluates a node.
    ///
    /// # Errors
    /// See [`evaluate`].
    pub fn eval(&mut self, node: &Node) -> Res {
        self.activation.spend(1)?;
        match &node.expr {
            Expr::Const(value) => Ok(value.clone()),
            Expr::Ident(name) => self.ident(name),
            Expr::Select { operand, field, kind } => self.select(operand, field, *kind),
            Expr::Index { operand, index, optional } => {
                let operand = self.eval(operand)?;
                let index = self.eval(index)?;
                if *optional { ops::optional_index(&operand, &index) } else { ops::index(&operand, &index) }
            }
            Expr::Not(operand) => match self.eval(operand)? {
                Val::Bool(value) => Ok(Val::Bool(!value)),
                _ => Err(Error::no_overload()),
            },
            Expr::Negate(operand) => ops::negate(&self.eval(operand)?),
            Expr::And(left, right) => self.logic(left, right, false),
            Expr::Or(left, right) => self.logic(left, right, true),
            Expr::Conditional(parts) => {
                let [condition, yes, no] = &**parts;
                match self.eval(condition)? {
                    Val::Bool(true) => self.eval(yes),
                    Val::Bool(false) => self.eval(no),
                    _ => Err(Error::no_overload()),
                }
            }
            Expr::Binary(op, left, right) => self.binary(*op, left, right),
            Expr::Call(call) => self.call(call),
            Expr::List(items) => self.list(items),
            Expr::Map(entries) => self.map(entries),
            Expr::Struct { type_name, fields } => self.message(type_name, fields),
            Expr::Fold(fold) => self.fold(fold),
            Expr::Bind(name, parts) => {
                let [value, body] = &**parts;
                let value = self.eval(value)?;
                self.with_value(name, value, |cx| cx.eval(body))
            }
            Expr::OptMap(name, parts, flat) => self.opt_map(name, parts, *flat),
            Expr::Broken(words) => Err(Error::new(words)),
        }
    }

    fn ident(&self, name: &str) -> Res {
        if let Some((_, value)) = self.scope.iter().rev().find(|(known, _)| **known == *name) {
            return Ok(value.clone());
        }
        if let Some(value) = self.activation.get(name) {
            return Ok(value.clone());
        }
        match type_named(name) {
            Some(_) => Ok(Val::Type(Arc::from(name))),
            None => Err(Error::new(format!("no such attribute(s): {name}"))),
        }
    }

    /// Whether a node is the composed `variables`.
    #[must_use]
    pub fn is_variables(&self, node: &Node) -> bool {
        matches!(&node.expr, Expr::Ident(name) if &**name == "variables")
            && self.activation.get("variables").is_none()
            && !self.scope.iter().any(|(known, _)| &**known == "variables")
    }

    fn select(&mut self, operand: &Node, field: &str, kind: Select) -> Res {
        if self.is_variables(operand) {
            return match kind {
                Select::Plain => self.activation.composed(field),
                Select::Test => Ok(Val::Bool(self.activation.is_composed(field))),
                Select::Optional if self.activation.is_composed(field) => {
                    Ok(Val::some(self.activation.composed(field)?))
                }
                Select::Optional => Ok(Val::Optional(None)),
            };
        }
        let operand = self.eval(operand)?;
        select_field(&operand, field, kind)
    }

    /// `&&` (stops at false) and `||` (stops at true): an error on one side is forgotten when the other decides.
    fn logic(&mut self, left: &Node, right: &Node, stop: bool) -> Res {
        let first = self.eval(left);
        match &first {
            Ok(Val::Bool(value)) if *value == stop => return Ok(Val::Bool(stop)),
            Err(error) if error.fatal => return first,
            _ => {}
        }
        let second = self.eval(right);
        match (first, second) {
            (_, Ok(Val::Bool(value))) if value == stop => Ok(Val::Bool(stop)),
            (_, Err(error)) if error.fatal => Err(error),
            (Ok(Val::Bool(_)), Ok(Val::Bool(_))) => Ok(Val::Bool(!stop)),
            (Err(error), _) | (_, Err(error)) => Err(error),
            _ => Err(Error::no_overload()),
        }
    }

    fn binary(&mut self, op: Op, left: &Node, right: &Node) -> Res {
        let left = self.eval(left)?;
        let right = self.eval(right)?;
        match (op, &left, &right) {
            (_, Val::String(a), Val::String(b)) => self.activation.spend((a.len() + b.len()) as u64 / 16)?,
            (Op::Add, Val::List(a), Val::List(b)) => self.activation.spend((a.len() + b.len()) as u64)?,
            (Op::Add, Val::Bytes(a), Val::Bytes(b)) => self.activation.spend((a.len() + b.len()) as u64 / 16)?,
            (Op::In, item, Val::List(_)) => {
                self.activation.spend_on(&right, item.weight(MANY))?;
            }
            (Op::Equals | Op::NotEquals, Val::List(_) | Val::Map(_) | Val::Struct(_) | Val::Optional(_), _) => {
                self.activation.spend_on(&left, 1)?;
            }
            _ => {}
        }
        ops::binary(op, &left, &right)
    }

    fn call(&mut self, call: &Call) -> Res {
        // `or` and `orValue` evaluate their argument only when it is needed.
        if call.member
            && let ("or" | "orValue", [target, other]) = (&*call.name, call.args.as_slice())
        {
            return match self.eval(target)? {
                Val::Optional(None) => self.eval(other),
                Val::Optional(Some(value)) if &*call.name == "orValue" => Ok((*value).clone()),
                value @ Val::Optional(Some(_)) => Ok(value),
                _ => Err(Error::no_overload()),
            };
        }
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            args.push(self.eval(arg)?);
        }
        self.pay(&call.name, &args)?;
        for lib in &call.libs {
            if let Some(answer) = lib(self, &call.name, &args) {
                return answer;
            }
        }
        let types: Vec<&str> = args.iter().map(Val::type_name).collect();
        Err(Error::new(format!("no such overload: {}({})", call.name, types.join(", "))))
    }

    /// Pays for a call, before it is made.
    fn pay(&self, name: &str, args: &[Val]) -> Result<(), Error> {
        let activation = self.activation;
        let length = |text: &str| text.len() as u64;
        for arg in args {
            activation.spend(if let Val::String(text) = arg { length(text) / 16 } else { 1 })?;
        }
        match (name, args) {
            ("matches" | "find" | "findAll" | "regex.replace" | "regex.extract" | "regex.extractAll", _) => {
                // Kubernetes' cost of a regular expression: the text by the pattern.
                let [Val::String(text), Val::String(pattern), ..] = args else { return Ok(()) };
                activation.spend(length(text).saturating_mul(length(pattern)) / 64)
            }
            ("replace", [Val::String(text), Val::String(old), Val::String(new), ..]) => {
                let places = length(text).checked_div(length(old)).unwrap_or(length(text)) + 1;
                activation.spend(places.saturating_mul(length(new)) / 16)
            }
            ("split", [Val::String(text), Val::String(separator), ..]) => {
                activation.spend(length(text).checked_div(length(separator)).unwrap_or(length(text)))
            }
            ("join", [Val::List(items), rest @ ..]) => {
                let separator = rest.first().map_or(0, |separator| separator.weight(MANY));
                activation.spend((items.len() as u64).saturating_mul(separator))?;
                args.first().map_or(Ok(()), |list| activation.spend_on(list, 1))
            }
            ("format", [Val::String(format), items]) => {
                activation.spend_on(items, 1)?;
                activation.spend((format.matches('%').count() as u64).saturating_mul(64))
            }
            ("sort" | "distinct" | "sets.contains" | "sets.equivalent" | "sets.intersects", [list, rest @ ..]) => {
                let other = rest.first().unwrap_or(list);
                activation.spend_on(list, other.as_list().map_or(1, <[Val]>::len) as u64)?;
                activation.spend_on(other, 1)
            }
            ("indexOf" | "lastIndexOf" | "flatten" | "min" | "max" | "isSorted" | "listObjToMap", [list, ..]) => {
                activation.spend_on(list, 1)
            }
            ("json.marshal", _) => args.iter().try_for_each(|arg| activation.spend_on(arg, 1)),
            (name, _) if ["Post", "post", "Apply", "apply"].iter().any(|verb| name.ends_with(verb)) => {
                args.iter().try_for_each(|arg| activation.spend_on(arg, 1))
            }
            _ => Ok(()),
        }
    }

    fn list(&mut self, items: &[(Node, bool)]) -> Res {
        let mut found = Vec::with_capacity(items.len());
        for (item, optional) in items {
            match (self.eval(item)?, optional) {
                (Val::Optional(inner), true) => found.extend(inner.map(|value| (*value).clone())),
                (value, true) => {
                    let words = format!(
                        "cannot initialize optional list element from non-optional value {}",
                        super::text::display(&value)
                    );
                    return Err(Error::new(words));
                }
                (value, false) => found.push(value),
            }
        }
        Ok(Val::list(found))
    }

    fn map(&mut self, entries: &[(Node, Node, bool)]) -> Res {
        let mut found = Map::with_capacity(entries.len());
        for (key, value, optional) in entries {
            let key = self.eval(key)?;
            let key = Key::of(&key).ok_or_else(|| Error::new(format!("unsupported key type: {}", key.type_name())))?;
            if let Some(value) = self.entry(value, *optional, || super::text::display(&key.to_val()))? {
                found.insert(key, value);
            }
        }
        Ok(Val::map(found))
    }

    /// The value of an entry; `None` where it is optional and absent.
    fn entry(&mut self, node: &Node, optional: bool, name: impl Fn() -> String) -> Result<Option<Val>, Error> {
        match (self.eval(node)?, optional) {
            (Val::Optional(inner), true) => Ok(inner.map(|value| (*value).clone())),
            (value, true) => {
                let words = format!(
                    "cannot initialize optional entry '{}' from non-optional value {}",
                    name(),
                    super::text::display(&value)
                );
                Err(Error::new(words))
            }
            (value, false) => Ok(Some(value)),
        }
    }

    fn message(&mut self, type_name: &Arc<str>, fields: &[(u64, Arc<str>, Node, bool)]) -> Res {
        let mut found = indexmap::IndexMap::with_capacity(fields.len());
        for (_, name, value, optional) in fields {
            if let Some(value) = self.entry(value, *optional, || name.to_string())? {
                found.insert(Arc::clone(name), value);
            }
        }
        Ok(Val::Struct(Arc::new(Struct { type_name: Arc::clone(type_name), fields: found })))
    }

    fn opt_map(&mut self, name: &Arc<str>, parts: &[Node; 2], flat: bool) -> Res {
        let [target, body] = parts;
        match self.eval(target)? {
            Val::Optional(None) => Ok(Val::Optional(None)),
            Val::Optional(Some(value)) => {
                let found = self.with_value(name, (*value).clone(), |cx| cx.eval(body))?;
                Ok(if flat { found } else { Val::some(found) })
            }
            _ => Err(Error::no_overload()),
        }
    }

    fn step(&mut self, fold: &Fold, element: &(Val, Option<Val>), part: &Node) -> Res {
        self.with_element(fold, element, |cx| cx.eval(part))
    }

    fn fold(&mut self, fold: &Fold) -> Res {
        let range = self.eval(&fold.range)?;
        let elements = elements_of(&range, fold.var2.is_some())?;
        self.activation.spend(elements.len() as u64 / 4)?;
        match fold.kind {
            FoldKind::All => self.quantify(fold, &elements, false),
            FoldKind::Exists => self.quantify(fold, &elements, true),
            FoldKind::ExistsOne => {
                let mut count = 0_usize;
                for element in &elements {
                    count += usize::from(truth(self.step(fold, element, &fold.body)?)?);
                }
                Ok(Val::Bool(count == 1))
            }
            FoldKind::SortBy => self.sort_by(fold, elements),
            _ => self.transform(fold, elements),
        }
    }

    /// `all` stops at false, `exists` at true; errors before that are forgotten.
    fn quantify(&mut self, fold: &Fold, elements: &[(Val, Option<Val>)], stop: bool) -> Res {
        let mut failed = None;
        for element in elements {
            match self.step(fold, element, &fold.body).and_then(truth) {
                Ok(value) if value == stop => return Ok(Val::Bool(stop)),
                Ok(_) => {}
                Err(error) if error.fatal => return Err(error),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Val::Bool(!stop)), Err)
    }

    fn transform(&mut self, fold: &Fold, elements: Vec<(Val, Option<Val>)>) -> Res {
        let mut list = Vec::new();
        let mut map = Map::new();
        for element in elements {
            if let Some(filter) = &fold.filter
                && !truth(self.step(fold, &element, filter)?)?
            {
                continue;
            }
            let found = self.step(fold, &element, &fold.body)?;
            match fold.kind {
                FoldKind::Filter => {
                    if truth(found)? {
                        list.push(element.0);
                    }
                }
                FoldKind::TransformMap => {
                    map.extend(Key::of(&element.0).map(|key| (key, found)));
                }
                FoldKind::TransformMapEntry => {
                    let Val::Map(entries) = &found else { return Err(Error::no_overload()) };
                    for (key, value) in entries.iter() {
                        if map.insert(key.clone(), value.clone()).is_some() {
                            let key = super::text::display(&key.to_val());
                            return Err(Error::new(format!("insert failed: key {key} already exists")));
                        }
                    }
                }
                _ => list.push(found),
            }
        }
        Ok(match fold.kind {
            FoldKind::TransformMap | FoldKind::TransformMapEntry => Val::map(map),
            _ => Val::list(list),
        })
    }

    fn sort_by(&mut self, fold: &Fold, elements: Vec<(Val, Option<Val>)>) -> Res {
        let mut keyed = Vec::with_capacity(elements.len());
        for element in elements {
            keyed.push((self.step(fold, &element, &fold.body)?, element.0));
        }
        super::lib::lists::sort_pairs(keyed)
    }
}

/// The elements of a list or map: one value each, or with two variables index or key and value.
///
/// # Errors
/// `no such overload` for what has no elements.
pub fn elements_of(range: &Val, two: bool) -> Result<Vec<(Val, Option<Val>)>, Error> {
    match range {
        Val::List(items) if two => {
            Ok(items.iter().enumerate().map(|(at, item)| (Val::from(at), Some(item.clone()))).collect())
        }
        Val::List(items) => Ok(items.iter().map(|item| (item.clone(), None)).collect()),
        Val::Map(entries) => {
            Ok(entries.iter().map(|(key, value)| (key.to_val(), two.then(|| value.clone()))).collect())
        }
        _ => Err(Error::no_overload()),
    }
}

fn truth(value: Val) -> Result<bool, Error> {
    match value {
        Val::Bool(value) => Ok(value),
        _ => Err(Error::no_overload()),
    }
}

/// `x.field`, `has(x.field)` and `x.?field`.
///
/// # Errors
/// `no such key: field`.
pub fn select_field(operand: &Val, field: &str, kind: Select) -> Res {
    if let Val::Optional(inner) = operand {
        let found = inner.as_ref().and_then(|inner| inner.field(field).cloned());
        return Ok(if kind == Select::Test { Val::Bool(found.is_some()) } else { Val::Optional(found.map(Arc::new)) });
    }
    let found = match operand {
        Val::Opaque(value) => value.field(field),
        _ => operand.field(field).cloned(),
    };
    match (kind, found) {
        (Select::Test, found) => Ok(Val::Bool(found.is_some())),
        (Select::Optional, found) => Ok(Val::Optional(found.map(Arc::new))),
        (Select::Plain, Some(found)) => Ok(found),
        (Select::Plain, None) => Err(Error::new(format!("no such key: {field}"))),
    }
}
