//! Reads typed structs out of JSON values: one small serde `Deserializer`, so that each struct is compiled once.
//!
//! Unlike serde_json's own it reads a struct from a mapping only, never from a list, and by reference only. Its errors have
//! the same words.

use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_json::{Error, Value, map};

/// Reads a value.
///
/// # Errors
/// A field is missing or has the wrong type; the words say which type was expected.
pub fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Error> {
    T::deserialize(Reader(value))
}

/// Reads one field of a mapping, the default where it is missing.
///
/// # Errors
/// As [`read`].
pub fn field<T: DeserializeOwned + Default>(value: &Value, name: &str) -> Result<T, Error> {
    value.get(name).map_or_else(|| Ok(T::default()), read)
}

/// Reads by way of the whole value: for structs with the fields of another one among their own.
///
/// # Errors
/// What `make` says.
pub fn whole<'de, D: Deserializer<'de>, T>(
    from: D,
    make: impl FnOnce(&Value) -> Result<T, Error>,
) -> Result<T, D::Error> {
    make(&Value::deserialize(from)?).map_err(D::Error::custom)
}

#[derive(Clone, Copy)]
struct Reader<'a>(&'a Value);

impl Reader<'_> {
    fn unexpected(&self) -> Unexpected<'_> {
        match self.0 {
            Value::Null => Unexpected::Unit,
            Value::Bool(flag) => Unexpected::Bool(*flag),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => Unexpected::Unsigned(number),
                (None, Some(number)) => Unexpected::Signed(number),
                (None, None) => Unexpected::Float(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(flag) => visitor.visit_bool(*flag),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => visitor.visit_seq(Items(items.iter())),
            Value::Object(fields) => visitor.visit_map(Fields { rest: fields.iter(), value: &Value::Null }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.iter())),
            _ => Err(Error::invalid_type(self.unexpected(), &visitor)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(fields) => visitor.visit_map(Fields { rest: fields.iter(), value: &Value::Null }),
            _ => Err(Error::invalid_type(self.unexpected(), &visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::String(text) => visitor.visit_enum(StrDeserializer::new(text)),
            _ => Err(Error::invalid_type(self.unexpected(), &"string")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

struct Items<'a>(std::slice::Iter<'a, Value>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.0.next().map(|item| seed.deserialize(Reader(item))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

struct Fields<'a> {
    rest: map::Iter<'a>,
    value: &'a Value,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = value;
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(Reader(self.value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(default, rename_all = "camelCase")]
    struct Sample {
        flag: bool,
        big_count: Option<u64>,
        names: Vec<String>,
        labels: BTreeMap<String, String>,
        way: Way,
        any: Value,
        ratio: f64,
        inner: Option<Box<Sample>>,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    enum Way {
        #[default]
        Up,
        Down,
    }

    fn agree(value: Value) {
        let theirs = serde_json::from_value::<Sample>(value.clone()).map_err(|error| error.to_string());
        assert_eq!(read::<Sample>(&value).map_err(|error| error.to_string()), theirs);
    }

    #[test]
    fn reads_what_serde_json_reads() {
        agree(json!({"flag": true, "bigCount": 7, "names": ["a"], "labels": {"a": "b"}, "way": "Down"}));
        agree(json!({"any": {"x": [1, -2, 0.5, null]}, "ratio": 3, "inner": {"inner": null}, "unknown": [{}]}));
    }

    #[test]
    fn refuses_with_the_words_of_serde_json() {
        agree(json!({"flag": "yes"}));
        agree(json!({"names": "a"}));
        agree(json!({"names": [1]}));
        agree(json!({"labels": {"a": 1}}));
        agree(json!({"bigCount": -1}));
        agree(json!({"way": "Left"}));
        agree(json!("text"));
        agree(json!(null));
    }

    #[test]
    fn a_missing_field_is_the_default() {
        assert_eq!(field::<Vec<String>>(&json!({}), "names").ok(), Some(Vec::new()));
        assert_eq!(field::<Vec<String>>(&json!({"names": ["a"]}), "names").ok(), Some(vec!["a".to_owned()]));
    }
}
