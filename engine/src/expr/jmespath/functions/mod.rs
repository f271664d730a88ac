//! The functions of the fork and of Kyverno: one table, name → signature and code, one file per family.

mod arithmetic;
pub mod encoding;
mod images;
mod lists;
pub mod random;
pub mod regex;
mod semver;
mod standard;
mod strings;
#[cfg(test)]
pub(crate) mod tests;
mod time;
pub mod x509;

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use serde_json::Value;

use super::ast::Node;
use super::{Env, Error, interpreter};
use crate::object::gofmt;
use crate::object::order;

/// What an argument or a result may be, in the fork's words (`JpType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `number`
    Number,
    /// `string`
    String,
    /// `array`
    Array,
    /// `object`
    Object,
    /// `array[number]`
    ArrayNumber,
    /// `array[string]`
    ArrayString,
    /// `expref`: `&expression`
    Expref,
    /// `any`
    Any,
    /// `bool`, only as a result
    Bool,
}

impl Type {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
            Self::ArrayNumber => "array[number]",
            Self::ArrayString => "array[string]",
            Self::Expref => "expref",
            Self::Any => "any",
            Self::Bool => "bool",
        }
    }

    fn accepts(self, arg: &Arg<'_>) -> bool {
        let Arg::Value(value) = arg else { return matches!(self, Self::Expref | Self::Any) };
        let all = |test: fn(&Value) -> bool| value.as_array().is_some_and(|items| items.iter().all(test));
        match self {
            Self::Number => value.is_number(),
            Self::String => value.is_string(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
            Self::ArrayNumber => all(Value::is_number),
            Self::ArrayString => all(Value::is_string),
            Self::Expref => false,
            Self::Any => true,
            Self::Bool => value.is_boolean(),
        }
    }
}

type Handler = fn(&Call<'_>) -> Result<Value, Error>;

/// One function: what completion and hover show, and what the interpreter calls.
#[derive(Clone, Copy)]
pub struct FunctionInfo {
    /// Name.
    pub name: &'static str,
    /// Accepted types of each argument. No entries means that arguments are not looked at.
    pub args: &'static [&'static [Type]],
    /// Whether the last argument may be repeated.
    pub variadic: bool,
    /// Type of the result.
    pub returns: Type,
    /// One line for people.
    pub doc: &'static str,
    handler: Handler,
}

impl fmt::Debug for FunctionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.signature())
    }
}

impl FunctionInfo {
    /// `replace(string, string, string, number) string`, as `kyverno jp function` prints it.
    #[must_use]
    pub fn signature(&self) -> String {
        let types = |types: &[Type]| types.iter().map(|t| t.as_str()).collect::<Vec<_>>().join("|");
        let args: Vec<_> = self.args.iter().map(|accepted| types(accepted)).collect();
        let dots = if self.variadic { "..." } else { "" };
        format!("{}({}{dots}) {}", self.name, args.join(", "), self.returns.as_str())
    }

    const fn many(mut self) -> Self {
        self.variadic = true;
        self
    }
}

/// A row of a family's table.
const fn row(
    name: &'static str,
    args: &'static [&'static [Type]],
    returns: Type,
    handler: Handler,
    doc: &'static str,
) -> FunctionInfo {
    FunctionInfo { name, args, variadic: false, returns, doc, handler }
}

const S: &[Type] = &[Type::String];
const N: &[Type] = &[Type::Number];
const SN: &[Type] = &[Type::String, Type::Number];
const ANY: &[Type] = &[Type::Any];
const ARR: &[Type] = &[Type::Array];
const OBJ: &[Type] = &[Type::Object];
const OBJ_ARR: &[Type] = &[Type::Object, Type::Array];
const REF: &[Type] = &[Type::Expref];

/// Every function, sorted by name.
pub fn all() -> &'static [FunctionInfo] {
    static ALL: OnceLock<Vec<FunctionInfo>> = OnceLock::new();
    ALL.get_or_init(|| {
        let families = [
            standard::TABLE,
            strings::TABLE,
            regex::TABLE,
            arithmetic::TABLE,
            encoding::TABLE,
            time::TABLE,
            semver::TABLE,
            lists::TABLE,
            images::TABLE,
            x509::TABLE,
            random::TABLE,
        ];
        let mut all: Vec<_> = families.concat();
        order::sort_by_key(&mut all, |info| info.name);
        all
    })
}

/// A function by name.
#[must_use]
pub fn find(name: &str) -> Option<&'static FunctionInfo> {
    let all = all();
    all.binary_search_by(|info| info.name.cmp(name)).ok().and_then(|index| all.get(index))
}

/// An evaluated argument.
pub(super) enum Arg<'a> {
    Value(Cow<'a, Value>),
    Expref(&'a Node),
}

/// Arguments of one call, their types checked.
pub(super) struct Call<'a> {
    name: &'static str,
    args: &'a [Arg<'a>],
    env: &'a Env,
}

impl<'a> Call<'a> {
    fn value(&self, index: usize) -> &'a Value {
        match self.args.get(index) {
            Some(Arg::Value(value)) => value,
            _ => &Value::Null,
        }
    }

    fn values(&self) -> impl Iterator<Item = &'a Value> {
        self.args.iter().map(|arg| match arg {
            Arg::Value(value) => &**value,
            Arg::Expref(_) => &Value::Null,
        })
    }

    fn str(&self, index: usize) -> &'a str {
        self.value(index).as_str().unwrap_or_default()
    }

    fn num(&self, index: usize) -> f64 {
        self.value(index).as_f64().unwrap_or_default()
    }

    fn array(&self, index: usize) -> &'a [Value] {
        self.value(index).as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// Evaluates the `&reference` at an index for an item.
    fn apply(&self, index: usize, item: &Value) -> Result<Value, Error> {
        match self.args.get(index) {
            Some(Arg::Expref(node)) => interpreter::apply(node, item, self.env),
            _ => Ok(Value::Null),
        }
    }

    /// As [`Self::apply`], an unknown key being `null`.
    fn apply_or_null(&self, index: usize, item: &Value) -> Result<Value, Error> {
        match self.apply(index, item) {
            Err(Error::NotFound(_)) => Ok(Value::Null),
            found => found,
        }
    }

    /// An error in Kyverno's form: `JMESPath function 'f': …`.
    fn error<T>(&self, words: impl fmt::Display) -> Result<T, Error> {
        fail(format!("JMESPath function '{}': {words}", self.name))
    }
}

/// An error in plain words.
fn fail<T>(words: impl Into<String>) -> Result<T, Error> {
    Err(Error::Other(words.into()))
}

/// A string result.
#[expect(clippy::unnecessary_wraps, reason = "ends handlers")]
fn text(text: impl Into<String>) -> Result<Value, Error> {
    Ok(Value::String(text.into()))
}

/// Checks arity and types as the fork does (`resolveArgs`: repeated arguments are not checked) and calls.
pub(super) fn call(info: &'static FunctionInfo, args: &[Arg<'_>], env: &Env) -> Result<Value, Error> {
    if info.variadic {
        if args.len() < info.args.len() {
            return fail("Invalid arity.");
        }
    } else if !info.args.is_empty() {
        if args.len() != info.args.len() {
            return fail("incorrect number of args");
        }
        for (arg, accepted) in args.iter().zip(info.args) {
            if !accepted.iter().any(|accepted| accepted.accepts(arg)) {
                return fail(type_error(arg, accepted));
            }
        }
    }
    (info.handler)(&Call { name: info.name, args, env })
}

fn type_error(arg: &Arg<'_>, accepted: &[Type]) -> String {
    let found = match arg {
        Arg::Value(value) => gofmt::sprint(value),
        Arg::Expref(_) => "{expression}".to_owned(),
    };
    let types: Vec<_> = accepted.iter().map(|accepted| format!("\"{}\"", accepted.as_str())).collect();
    format!("Invalid type for: {found}, expected: []jmespath.JpType{{{}}}", types.join(", "))
}
