//! The values of CEL.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use indexmap::{Equivalent, IndexMap};

use super::opaque::Opaque;

/// Entries of a CEL map, in the order in which they were written.
pub type Map = IndexMap<Key, Val>;

/// A CEL value. Cloning is cheap: what is large is shared.
#[derive(Clone, Debug)]
pub enum Val {
    /// `null`.
    Null,
    /// `bool`.
    Bool(bool),
    /// `int`.
    Int(i64),
    /// `uint`.
    Uint(u64),
    /// `double`.
    Double(f64),
    /// `string`.
    String(Arc<str>),
    /// `bytes`.
    Bytes(Arc<[u8]>),
    /// `list`.
    List(Arc<Vec<Val>>),
    /// `map`, and every mapping of a Kubernetes object.
    Map(Arc<Map>),
    /// `google.protobuf.Timestamp`.
    Timestamp(DateTime<Utc>),
    /// `google.protobuf.Duration`.
    Duration(TimeDelta),
    /// A type as a value: its name.
    Type(Arc<str>),
    /// `optional_type`.
    Optional(Option<Arc<Val>>),
    /// A constructed message such as `Object{…}` or `JSONPatch{…}`.
    Struct(Arc<Struct>),
    /// A value of a library: quantity, IP address, URL …
    Opaque(Arc<Opaque>),
}

/// A constructed message.
#[derive(Clone, Debug, PartialEq)]
pub struct Struct {
    /// Such as `Object.spec`.
    pub type_name: Arc<str>,
    /// The fields that were given, in their order.
    pub fields: IndexMap<Arc<str>, Val>,
}

/// A key of a CEL map. Whole numbers of any type are one key.
#[derive(Clone, Debug)]
pub enum Key {
    /// A string.
    String(Arc<str>),
    /// An int, or a uint that fits.
    Int(i64),
    /// A uint beyond the ints.
    Uint(u64),
    /// A bool.
    Bool(bool),
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Uint(a), Self::Uint(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::String(text) => text.hash(state),
            Self::Int(number) => number.hash(state),
            Self::Uint(number) => number.hash(state),
            Self::Bool(value) => value.hash(state),
        }
    }
}

/// A string key that is only borrowed, for look-ups.
pub struct Name<'a>(pub &'a str);

impl Hash for Name<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Equivalent<Key> for Name<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        matches!(key, Key::String(text) if **text == *self.0)
    }
}

impl Key {
    /// The key that a value makes; `None` for values that cannot be keys.
    #[must_use]
    pub fn of(value: &Val) -> Option<Self> {
        Some(match value {
            Val::String(text) => Self::String(text.clone()),
            Val::Int(number) => Self::Int(*number),
            Val::Uint(number) => i64::try_from(*number).map_or(Self::Uint(*number), Self::Int),
            Val::Bool(value) => Self::Bool(*value),
            Val::Double(number) => Self::Int(whole(*number)?),
            _ => return None,
        })
    }

    /// The key as a value.
    #[must_use]
    pub fn to_val(&self) -> Val {
        match self {
            Self::String(text) => Val::String(text.clone()),
            Self::Int(number) => Val::Int(*number),
            Self::Uint(number) => Val::Uint(*number),
            Self::Bool(value) => Val::Bool(*value),
        }
    }
}

/// The integer that a double is, if it is one.
#[must_use]
pub fn whole(number: f64) -> Option<i64> {
    let fits = number.trunc() == number && (-9.223_372_036_854_775e18..=9.223_372_036_854_775e18).contains(&number);
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
    fits.then_some(number as i64)
}

impl Val {
    /// A string value.
    pub fn str(text: impl AsRef<str>) -> Self {
        Self::String(Arc::from(text.as_ref()))
    }

    /// A list value.
    #[must_use]
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Arc::new(items))
    }

    /// A map value.
    #[must_use]
    pub fn map(entries: Map) -> Self {
        Self::Map(Arc::new(entries))
    }

    /// A map value with string keys.
    #[must_use]
    pub fn object<const N: usize>(entries: [(&str, Self); N]) -> Self {
        Self::map(entries.into_iter().map(|(key, value)| (Key::String(Arc::from(key)), value)).collect())
    }

    /// `optional.of(value)`.
    #[must_use]
    pub fn some(value: Self) -> Self {
        Self::Optional(Some(Arc::new(value)))
    }

    /// A library value.
    #[must_use]
    pub fn opaque(value: Opaque) -> Self {
        Self::Opaque(Arc::new(value))
    }

    /// The name of the value's type, as `type(x)` prints it.
    #[must_use]
    pub fn type_name(&self) -> &str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::String(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Timestamp(_) => "google.protobuf.Timestamp",
            Self::Duration(_) => "google.protobuf.Duration",
            Self::Type(_) => "type",
            Self::Optional(_) => "optional_type",
            Self::Struct(value) => &value.type_name,
            Self::Opaque(value) => value.type_name(),
        }
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entry of a map, or the field of a message, by name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.get(&Name(name)),
            Self::Struct(value) => value.fields.get(name),
            _ => None,
        }
    }

    /// How much there is to look at in the value, up to a limit: values are shared, so a small expression can make one that
    /// is very large.
    #[must_use]
    pub fn weight(&self, limit: u64) -> u64 {
        let all = |items: &mut dyn Iterator<Item = &Self>| {
            let mut total = 1;
            for item in items {
                if total >= limit {
                    break;
                }
                total += item.weight(limit - total);
            }
            total
        };
        match self {
            Self::String(text) => 1 + text.len() as u64 / 16,
            Self::Bytes(bytes) => 1 + bytes.len() as u64 / 16,
            Self::List(items) => all(&mut items.iter()),
            Self::Map(entries) => all(&mut entries.values()) + entries.len() as u64,
            Self::Struct(message) => all(&mut message.fields.values()),
            Self::Optional(Some(inner)) => inner.weight(limit),
            _ => 1,
        }
    }

    /// Whether the value is the zero of its type (`optional.ofNonZeroValue`).
    #[must_use]
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(value) => !value,
            Self::Int(number) => *number == 0,
            Self::Uint(number) => *number == 0,
            Self::Double(number) => *number == 0.0,
            Self::String(text) => text.is_empty(),
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
            Self::Duration(span) => span.is_zero(),
            Self::Struct(value) => value.fields.is_empty(),
            Self::Optional(inner) => inner.is_none(),
            Self::Timestamp(_) | Self::Type(_) | Self::Opaque(_) => false,
        }
    }
}

impl PartialEq for Val {
    /// `==` of CEL: numbers of different types are equal when they are the same number.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Timestamp(a), Self::Timestamp(b)) => a == b,
            (Self::Duration(a), Self::Duration(b)) => a == b,
            (Self::Type(a), Self::Type(b)) => a == b,
            (Self::Optional(a), Self::Optional(b)) => a == b,
            (Self::Struct(a), Self::Struct(b)) => a == b,
            (Self::Opaque(a), Self::Opaque(b)) => a == b,
            _ => super::ops::compare_numbers(self, other) == Some(std::cmp::Ordering::Equal),
        }
    }
}

impl From<bool> for Val {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Val {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<usize> for Val {
    fn from(value: usize) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Val {
    fn from(value: &str) -> Self {
        Self::str(value)
    }
}

impl From<String> for Val {
    fn from(value: String) -> Self {
        Self::String(Arc::from(value))
    }
}
