//! JSON ↔ CEL values, as Kubernetes' unstructured objects become CEL and come back.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

use super::error::Error;
use super::text;
use super::value::{Key, Map, Val};

/// What leaves CEL may weigh less than this ([`Val::weight`]).
const MAX_WEIGHT: u64 = 2_000_000;

/// A JSON value as CEL sees it: whole numbers that fit are ints, all others doubles.
#[must_use]
pub fn from_json(value: &Value) -> Val {
    converted(value, &|number| {
        number.as_i64().map_or_else(|| Val::Double(number.as_f64().unwrap_or(f64::NAN)), Val::Int)
    })
}

/// JSON that Go's `encoding/json` decoded into an `any`: every number is a double.
#[must_use]
pub fn from_decoded(value: &Value) -> Val {
    converted(value, &|number| Val::Double(number.as_f64().unwrap_or(f64::NAN)))
}

fn converted(value: &Value, number: &dyn Fn(&Number) -> Val) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(value) => Val::Bool(*value),
        Value::Number(found) => number(found),
        Value::String(text) => Val::str(text),
        Value::Array(items) => Val::list(items.iter().map(|item| converted(item, number)).collect()),
        Value::Object(entries) => Val::map(
            entries
                .iter()
                .map(|(key, value)| (Key::String(Arc::from(key.as_str())), converted(value, number)))
                .collect::<Map>(),
        ),
    }
}

/// A CEL value as JSON.
///
/// # Errors
/// Values that have no JSON: types, infinities, library values; map keys that are no scalars.
pub fn to_json(value: &Val) -> Result<Value, Error> {
    if value.weight(MAX_WEIGHT) >= MAX_WEIGHT {
        return Err(Error::new("the value is too large"));
    }
    json(value)
}

fn json(value: &Val) -> Result<Value, Error> {
    Ok(match value {
        Val::Null | Val::Optional(None) => Value::Null,
        Val::Bool(value) => Value::Bool(*value),
        Val::Int(number) => Value::from(*number),
        Val::Uint(number) => Value::from(*number),
        Val::Double(number) => json_double(*number)?,
        Val::String(text) => Value::String(text.to_string()),
        Val::Bytes(bytes) => Value::String(STANDARD.encode(bytes)),
        Val::List(items) => Value::Array(items.iter().map(json).collect::<Result<_, _>>()?),
        Val::Map(entries) => {
            let mut object = serde_json::Map::new();
            for (key, value) in entries.iter() {
                object.insert(text::display(&key.to_val()), json(value)?);
            }
            Value::Object(object)
        }
        Val::Timestamp(time) => Value::String(text::timestamp(time)),
        Val::Duration(span) => Value::String(text::duration(span)),
        Val::Optional(Some(inner)) => json(inner)?,
        Val::Struct(message) => {
            let mut object = serde_json::Map::new();
            for (name, value) in &message.fields {
                object.insert(name.to_string(), json(value)?);
            }
            Value::Object(object)
        }
        Val::Type(name) => Value::String(name.to_string()),
        Val::Opaque(value) => match value.to_json() {
            Some(value) => value,
            None => return Err(Error::new(format!("type conversion error from '{}' to JSON", value.type_name()))),
        },
    })
}

/// The same for showing a value to a person: what has no JSON is shown as text.
#[must_use]
pub fn to_shown(value: &Val) -> Value {
    to_json(value).unwrap_or_else(|_| Value::String(text::display(value)))
}

/// Whole doubles stay whole in JSON, as Go writes them.
fn json_double(number: f64) -> Result<Value, Error> {
    if let Some(whole) = super::value::whole(number)
        && number.abs() < 1e15
    {
        return Ok(Value::from(whole));
    }
    Number::from_f64(number).map(Value::Number).ok_or_else(|| Error::new("json: unsupported value"))
}
