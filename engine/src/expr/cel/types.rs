//! The static types of CEL and when one may stand for another (cel-go `checker/types.go`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A static type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Anything, checked when evaluated.
    Dyn,
    /// `google.protobuf.Any`: as `dyn`, but no range of a comprehension.
    Any,
    /// The type of what has a mistake; goes with everything.
    Error,
    /// `null`.
    Null,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `uint`.
    Uint,
    /// `double`.
    Double,
    /// `string`.
    String,
    /// `bytes`.
    Bytes,
    /// `google.protobuf.Timestamp`.
    Timestamp,
    /// `google.protobuf.Duration`.
    Duration,
    /// `list(T)`.
    List(Arc<Type>),
    /// `map(K, V)`.
    Map(Arc<Type>, Arc<Type>),
    /// `type(T)`.
    Type(Arc<Type>),
    /// `optional_type(T)`.
    Optional(Arc<Type>),
    /// A message or an opaque type, by name.
    Named(Arc<str>),
    /// A type parameter of a declaration.
    Param(char),
    /// A type still to be found out.
    Var(u32),
}

impl Type {
    /// `list(T)`.
    #[must_use]
    pub fn list(item: Self) -> Self {
        Self::List(Arc::new(item))
    }

    /// `map(K, V)`.
    #[must_use]
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new(key), Arc::new(value))
    }

    /// `optional_type(T)`.
    #[must_use]
    pub fn optional(inner: Self) -> Self {
        Self::Optional(Arc::new(inner))
    }

    /// A message or opaque type.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::Named(Arc::from(name))
    }

    /// Reads a type: `int`, `list(string)`, `map(string, dyn)`, `A` (a parameter), any other word (a named type).
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if let Some((head, rest)) = text.split_once('(') {
            let inner = rest.strip_suffix(')').unwrap_or(rest);
            let mut args = split_args(inner).into_iter().map(|arg| Arc::new(Self::parse(arg)));
            let mut next = || args.next().unwrap_or_else(|| Arc::new(Self::Dyn));
            return match head {
                "list" => Self::List(next()),
                "map" => {
                    let key = next();
                    Self::Map(key, next())
                }
                "type" => Self::Type(next()),
                _ => Self::Optional(next()),
            };
        }
        let mut chars = text.chars();
        match (text, chars.next(), chars.next()) {
            (_, Some(letter), None) if letter.is_ascii_uppercase() => Self::Param(letter),
            ("dyn", ..) => Self::Dyn,
            ("any", ..) => Self::Any,
            ("null", ..) => Self::Null,
            ("bool", ..) => Self::Bool,
            ("int", ..) => Self::Int,
            ("uint", ..) => Self::Uint,
            ("double", ..) => Self::Double,
            ("string", ..) => Self::String,
            ("bytes", ..) => Self::Bytes,
            ("timestamp", ..) => Self::Timestamp,
            ("duration", ..) => Self::Duration,
            _ => Self::named(text),
        }
    }

    /// The type as the API server declares a variable of it: lists and maps of plain types, and `dyn` for all else
    /// (`plugin/cel/composition.go`, `convertCelTypeToDeclType`).
    #[must_use]
    pub fn declared(&self) -> Self {
        match self {
            Self::List(item) => Self::list(item.declared()),
            Self::Map(key, value) => Self::map(key.declared(), value.declared()),
            Self::Type(_) | Self::Optional(_) | Self::Named(_) | Self::Param(_) | Self::Var(_) => Self::Dyn,
            plain => plain.clone(),
        }
    }

    /// Whether it goes with every type.
    #[must_use]
    pub fn is_dyn(&self) -> bool {
        matches!(self, Self::Dyn | Self::Any | Self::Error)
    }

    fn nullable(&self) -> bool {
        matches!(self, Self::Null | Self::Named(_) | Self::Optional(_) | Self::Timestamp | Self::Duration)
    }
}

/// Splits at the commas that are in no parentheses.
#[must_use]
pub fn split_args(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
    .collect()
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn | Self::Param(_) | Self::Var(_) => f.write_str("dyn"),
            Self::Any => f.write_str("any"),
            Self::Error => f.write_str("!error!"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Type(inner) => write!(f, "type({inner})"),
            Self::Optional(inner) => write!(f, "optional_type({inner})"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// What is known of the type variables.
#[derive(Clone, Debug, Default)]
pub struct Unifier {
    known: BTreeMap<u32, Type>,
    /// What was known before, of the variables that the question at hand has changed.
    before: Vec<(u32, Option<Type>)>,
    next: u32,
}

impl Unifier {
    /// A fresh variable.
    pub fn fresh(&mut self) -> Type {
        self.next += 1;
        Type::Var(self.next)
    }

    /// Replaces the parameters of a declaration by fresh variables, the same for the same letter.
    pub fn instantiate(&mut self, t: &Type, letters: &mut BTreeMap<char, Type>) -> Type {
        match t {
            Type::Param(letter) => {
                if let Some(known) = letters.get(letter) {
                    return known.clone();
                }
                let fresh = self.fresh();
                letters.insert(*letter, fresh.clone());
                fresh
            }
            Type::List(item) => Type::list(self.instantiate(item, letters)),
            Type::Map(key, value) => Type::map(self.instantiate(key, letters), self.instantiate(value, letters)),
            Type::Type(inner) => Type::Type(Arc::new(self.instantiate(inner, letters))),
            Type::Optional(inner) => Type::optional(self.instantiate(inner, letters)),
            other => other.clone(),
        }
    }

    /// The type with its variables replaced by what is known of them; unknown ones stay, or become `dyn`.
    #[must_use]
    pub fn resolve(&self, t: &Type, to_dyn: bool) -> Type {
        match t {
            Type::Var(id) => match self.known.get(id) {
                Some(known) => self.resolve(known, to_dyn),
                None if to_dyn => Type::Dyn,
                None => t.clone(),
            },
            Type::List(item) => Type::list(self.resolve(item, to_dyn)),
            Type::Map(key, value) => Type::map(self.resolve(key, to_dyn), self.resolve(value, to_dyn)),
            Type::Type(inner) => Type::Type(Arc::new(self.resolve(inner, to_dyn))),
            Type::Optional(inner) => Type::optional(self.resolve(inner, to_dyn)),
            other => other.clone(),
        }
    }

    /// Whether values of type `a` may be given where `b` is wanted; learns what the variables must be, unless it says no.
    pub fn assignable(&mut self, a: &[Type], b: &[Type]) -> bool {
        if a.len() != b.len() {
            return false;
        }
        self.before.clear();
        let fits = a.iter().zip(b).all(|(a, b)| self.fits(a, b));
        if !fits {
            while let Some((id, before)) = self.before.pop() {
                match before {
                    Some(before) => self.known.insert(id, before),
                    None => self.known.remove(&id),
                };
            }
        }
        fits
    }

    fn learn(&mut self, id: u32, t: Type) {
        let before = self.known.insert(id, t);
        self.before.push((id, before));
    }

    fn fits(&mut self, a: &Type, b: &Type) -> bool {
        if let Type::Var(id) = b {
            match self.substitute(*id, a) {
                (true, _) => return true,
                (false, true) => return false,
                (false, false) => {}
            }
        }
        if let Type::Var(id) = a {
            return self.substitute(*id, b).0;
        }
        if a.is_dyn() || b.is_dyn() {
            return true;
        }
        match (a, b) {
            (Type::Null, other) | (other, Type::Null) => other.nullable(),
            (Type::Type(_), Type::Type(_)) => true,
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => self.fits(a, b),
            (Type::Map(ak, av), Type::Map(bk, bv)) => self.fits(ak, bk) && self.fits(av, bv),
            _ => a == b,
        }
    }

    /// Whether the variable can be `t`, and whether something is known of it already.
    fn substitute(&mut self, id: u32, t: &Type) -> (bool, bool) {
        if *t == Type::Var(id) {
            return (true, true);
        }
        if let Some(known) = self.known.get(&id).cloned() {
            if known == *t {
                return (true, true);
            }
            if self.fits(t, &known) {
                let general = self.most_general(t, &known);
                if !self.occurs(id, &general) {
                    self.learn(id, general);
                }
                return (true, true);
            }
            return (false, true);
        }
        if self.occurs(id, t) {
            return (false, false);
        }
        self.learn(id, t.clone());
        (true, false)
    }

    fn occurs(&self, id: u32, within: &Type) -> bool {
        match within {
            Type::Var(other) => *other == id || self.known.get(other).is_some_and(|known| self.occurs(id, known)),
            Type::List(inner) | Type::Type(inner) | Type::Optional(inner) => self.occurs(id, inner),
            Type::Map(key, value) => self.occurs(id, key) || self.occurs(id, value),
            _ => false,
        }
    }

    /// The more general of two types that go together.
    #[must_use]
    pub fn most_general(&self, a: &Type, b: &Type) -> Type {
        if less_specific(a, b) { a.clone() } else { b.clone() }
    }
}

/// Whether `a` is equal to `b` or says less.
fn less_specific(a: &Type, b: &Type) -> bool {
    if a.is_dyn() || matches!(a, Type::Var(_)) {
        return true;
    }
    if b.is_dyn() || matches!(b, Type::Var(_)) {
        return false;
    }
    match (a, b) {
        (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => less_specific(a, b),
        (Type::Map(ak, av), Type::Map(bk, bv)) => less_specific(ak, bk) && less_specific(av, bv),
        (Type::Type(_), Type::Type(_)) => true,
        _ => a == b,
    }
}
