//! Values as text: in error messages, by `string()` and by `format`.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::value::Val;
use crate::object::gofmt;

/// Values of this weight or more are not written out.
const MAX_SHOWN: u64 = 2_000_000;

/// A value as error messages show it (Go's `%v` of the CEL value).
#[must_use]
pub fn display(value: &Val) -> String {
    if value.weight(MAX_SHOWN) >= MAX_SHOWN {
        return format!("a large {}", value.type_name());
    }
    shown(value)
}

fn shown(value: &Val) -> String {
    match value {
        Val::Null => "null".to_owned(),
        Val::Bool(value) => value.to_string(),
        Val::Int(number) => number.to_string(),
        Val::Uint(number) => number.to_string(),
        Val::Double(number) => double(*number),
        Val::String(text) => text.to_string(),
        Val::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Val::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Val::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}: {}", shown(&key.to_val()), shown(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Val::Timestamp(time) => timestamp(time),
        Val::Duration(span) => duration(span),
        Val::Type(name) => name.to_string(),
        Val::Optional(None) => "optional.none()".to_owned(),
        Val::Optional(Some(inner)) => format!("optional({})", shown(inner)),
        Val::Struct(value) => {
            let fields: Vec<String> =
                value.fields.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect();
            format!("{}{{{}}}", value.type_name, fields.join(", "))
        }
        Val::Opaque(value) => value.to_string(),
    }
}

/// Go's `%g`, as `string(double)` gives it: `1e+06`, `+Inf`.
#[must_use]
pub fn double(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    gofmt::float_v(number)
}

/// RFC 3339 in UTC, with as many fractional digits as there are.
#[must_use]
pub fn timestamp(time: &DateTime<Utc>) -> String {
    let text = time.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let Some((head, _)) = text.split_once('.') else { return text };
    let nanos = time.timestamp_subsec_nanos();
    if nanos == 0 {
        return format!("{head}Z");
    }
    let digits = format!("{nanos:09}");
    format!("{head}.{}Z", digits.trim_end_matches('0'))
}

/// Seconds with a decimal fraction and `s`, as `string(duration)` gives it.
#[must_use]
pub fn duration(span: &TimeDelta) -> String {
    let nanos = span.num_nanoseconds().unwrap_or(i64::MAX);
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    if rest == 0 {
        return format!("{sign}{seconds}s");
    }
    let digits = format!("{rest:09}");
    format!("{sign}{seconds}.{}s", digits.trim_end_matches('0'))
}
