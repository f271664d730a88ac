//! The functions of the language itself: conversions, `size`, string tests, dates.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Duration, FixedOffset, Offset, TimeDelta, TimeZone, Timelike, Utc};

use super::re;
use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::{Res, timestamp};
use crate::expr::cel::text;
use crate::expr::cel::value::Val;
use crate::object::duration;

pub(super) const SIGNATURES: &str = "
    !_(bool) -> bool
    -_(int) -> int
    -_(double) -> double
    -_(duration) -> duration
    _?_:_(bool, A, A) -> A
    _==_(A, A) -> bool
    _!=_(A, A) -> bool
    _+_(bytes, bytes) -> bytes
    _+_(double, double) -> double
    _+_(duration, duration) -> duration
    _+_(duration, timestamp) -> timestamp
    _+_(timestamp, duration) -> timestamp
    _+_(int, int) -> int
    _+_(list(A), list(A)) -> list(A)
    _+_(string, string) -> string
    _+_(uint, uint) -> uint
    _-_(double, double) -> double
    _-_(duration, duration) -> duration
    _-_(int, int) -> int
    _-_(timestamp, duration) -> timestamp
    _-_(timestamp, timestamp) -> duration
    _-_(uint, uint) -> uint
    _*_(double, double) -> double
    _*_(int, int) -> int
    _*_(uint, uint) -> uint
    _/_(double, double) -> double
    _/_(int, int) -> int
    _/_(uint, uint) -> uint
    _%_(int, int) -> int
    _%_(uint, uint) -> uint
    _[_](list(A), int) -> A
    _[_](map(A, B), A) -> B
    @in(A, list(A)) -> bool
    @in(A, map(A, B)) -> bool
    size(bytes) -> int
    size(list(A)) -> int
    size(map(A, B)) -> int
    size(string) -> int
    bytes:size() -> int
    list(A):size() -> int
    map(A, B):size() -> int
    string:size() -> int
    type(A) -> type(A)
    bool(bool) -> bool
    bool(string) -> bool
    bytes(bytes) -> bytes
    bytes(string) -> bytes
    double(double) -> double
    double(int) -> double
    double(string) -> double
    double(uint) -> double
    duration(duration) -> duration
    duration(string) -> duration
    dyn(A) -> dyn
    int(int) -> int
    int(double) -> int
    int(duration) -> int
    int(string) -> int
    int(timestamp) -> int
    int(uint) -> int
    string(string) -> string
    string(bool) -> string
    string(bytes) -> string
    string(double) -> string
    string(duration) -> string
    string(int) -> string
    string(timestamp) -> string
    string(uint) -> string
    timestamp(timestamp) -> timestamp
    timestamp(int) -> timestamp
    timestamp(string) -> timestamp
    uint(uint) -> uint
    uint(double) -> uint
    uint(int) -> uint
    uint(string) -> uint
    string:contains(string) -> bool
    string:endsWith(string) -> bool
    string:startsWith(string) -> bool
    matches(string, string) -> bool
    string:matches(string) -> bool
    timestamp:getFullYear() -> int
    timestamp:getFullYear(string) -> int
    timestamp:getMonth() -> int
    timestamp:getMonth(string) -> int
    timestamp:getDayOfYear() -> int
    timestamp:getDayOfYear(string) -> int
    timestamp:getDayOfMonth() -> int
    timestamp:getDayOfMonth(string) -> int
    timestamp:getDate() -> int
    timestamp:getDate(string) -> int
    timestamp:getDayOfWeek() -> int
    timestamp:getDayOfWeek(string) -> int
    timestamp:getHours() -> int
    timestamp:getHours(string) -> int
    duration:getHours() -> int
    timestamp:getMinutes() -> int
    timestamp:getMinutes(string) -> int
    duration:getMinutes() -> int
    timestamp:getSeconds() -> int
    timestamp:getSeconds(string) -> int
    duration:getSeconds() -> int
    timestamp:getMilliseconds() -> int
    timestamp:getMilliseconds(string) -> int
    duration:getMilliseconds() -> int
    _<_(bool, bool) -> bool
    _<_(int, int) -> bool
    _<_(int, double) -> bool
    _<_(int, uint) -> bool
    _<_(uint, uint) -> bool
    _<_(uint, double) -> bool
    _<_(uint, int) -> bool
    _<_(double, double) -> bool
    _<_(double, int) -> bool
    _<_(double, uint) -> bool
    _<_(string, string) -> bool
    _<_(bytes, bytes) -> bool
    _<_(timestamp, timestamp) -> bool
    _<_(duration, duration) -> bool
    _<=_(bool, bool) -> bool
    _<=_(int, int) -> bool
    _<=_(int, double) -> bool
    _<=_(int, uint) -> bool
    _<=_(uint, uint) -> bool
    _<=_(uint, double) -> bool
    _<=_(uint, int) -> bool
    _<=_(double, double) -> bool
    _<=_(double, int) -> bool
    _<=_(double, uint) -> bool
    _<=_(string, string) -> bool
    _<=_(bytes, bytes) -> bool
    _<=_(timestamp, timestamp) -> bool
    _<=_(duration, duration) -> bool
    _>_(bool, bool) -> bool
    _>_(int, int) -> bool
    _>_(int, double) -> bool
    _>_(int, uint) -> bool
    _>_(uint, uint) -> bool
    _>_(uint, double) -> bool
    _>_(uint, int) -> bool
    _>_(double, double) -> bool
    _>_(double, int) -> bool
    _>_(double, uint) -> bool
    _>_(string, string) -> bool
    _>_(bytes, bytes) -> bool
    _>_(timestamp, timestamp) -> bool
    _>_(duration, duration) -> bool
    _>=_(bool, bool) -> bool
    _>=_(int, int) -> bool
    _>=_(int, double) -> bool
    _>=_(int, uint) -> bool
    _>=_(uint, uint) -> bool
    _>=_(uint, double) -> bool
    _>=_(uint, int) -> bool
    _>=_(double, double) -> bool
    _>=_(double, int) -> bool
    _>=_(double, uint) -> bool
    _>=_(string, string) -> bool
    _>=_(bytes, bytes) -> bool
    _>=_(timestamp, timestamp) -> bool
    _>=_(duration, duration) -> bool
";

pub(super) fn call(_cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    Some(match (name, args) {
        ("size", [Val::Bytes(bytes)]) => Ok(Val::from(bytes.len())),
        ("size", [Val::List(items)]) => Ok(Val::from(items.len())),
        ("size", [Val::Map(entries)]) => Ok(Val::from(entries.len())),
        ("size", [Val::String(text)]) => Ok(Val::from(text.chars().count())),
        ("type", [value]) => Ok(Val::Type(Arc::from(value.type_name()))),
        ("dyn", [value]) => Ok(value.clone()),
        ("contains", [Val::String(text), Val::String(part)]) => Ok(Val::Bool(text.contains(&**part))),
        ("startsWith", [Val::String(text), Val::String(part)]) => Ok(Val::Bool(text.starts_with(&**part))),
        ("endsWith", [Val::String(text), Val::String(part)]) => Ok(Val::Bool(text.ends_with(&**part))),
        ("matches", [Val::String(text), Val::String(pattern)]) => {
            re::compile(pattern).map(|regex| Val::Bool(regex.is_match(text)))
        }
        ("bool", [value]) => to_bool(value)?,
        ("bytes", [value]) => to_bytes(value)?,
        ("double", [value]) => to_double(value)?,
        ("duration", [value]) => to_duration(value)?,
        ("int", [value]) => to_int(value)?,
        ("uint", [value]) => to_uint(value)?,
        ("string", [value]) => to_string(value)?,
        ("timestamp", [value]) => to_timestamp(value)?,
        (_, [Val::Duration(span)]) => duration_part(name, *span)?,
        (_, [Val::Timestamp(time)]) => date_part(name, &time.fixed_offset())?,
        (_, [Val::Timestamp(time), Val::String(zone)]) => match in_zone(time, zone) {
            Ok(time) => date_part(name, &time)?,
            Err(error) => Err(error),
        },
        _ => return None,
    })
}

fn conversion(value: &Val, to: &str) -> Error {
    Error::new(format!("type conversion error from '{}' to '{to}'", value.type_name()))
}

fn to_bool(value: &Val) -> Option<Res> {
    Some(match value {
        Val::Bool(_) => Ok(value.clone()),
        Val::String(text) => match &**text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Val::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Val::Bool(false)),
            _ => Err(conversion(value, "bool")),
        },
        _ => return None,
    })
}

fn to_bytes(value: &Val) -> Option<Res> {
    match value {
        Val::Bytes(_) => Some(Ok(value.clone())),
        Val::String(text) => Some(Ok(Val::Bytes(Arc::from(text.as_bytes())))),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "double(int) rounds")]
fn to_double(value: &Val) -> Option<Res> {
    Some(match value {
        Val::Double(_) => Ok(value.clone()),
        Val::Int(number) => Ok(Val::Double(*number as f64)),
        Val::Uint(number) => Ok(Val::Double(*number as f64)),
        Val::String(text) => text.parse().map(Val::Double).map_err(|_| conversion(value, "double")),
        _ => return None,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn to_int(value: &Val) -> Option<Res> {
    let overflow = || Error::new("integer overflow");
    Some(match value {
        Val::Int(_) => Ok(value.clone()),
        Val::Uint(number) => i64::try_from(*number).map(Val::Int).map_err(|_| overflow()),
        Val::Double(number) if number.abs() < 9.223_372_036_854_775e18 => Ok(Val::Int(*number as i64)),
        Val::Double(_) => Err(overflow()),
        Val::String(text) => text.parse().map(Val::Int).map_err(|_| conversion(value, "int")),
        Val::Timestamp(time) => Ok(Val::Int(time.timestamp())),
        Val::Duration(span) => Ok(Val::Int(span.num_nanoseconds().unwrap_or(i64::MAX))),
        _ => return None,
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
fn to_uint(value: &Val) -> Option<Res> {
    let overflow = || Error::new("unsigned integer overflow");
    Some(match value {
        Val::Uint(_) => Ok(value.clone()),
        Val::Int(number) => u64::try_from(*number).map(Val::Uint).map_err(|_| overflow()),
        Val::Double(number) if (0.0..1.844_674_407_370_955e19).contains(number) => Ok(Val::Uint(*number as u64)),
        Val::Double(_) => Err(overflow()),
        Val::String(text) => text.parse().map(Val::Uint).map_err(|_| conversion(value, "uint")),
        _ => return None,
    })
}

fn to_string(value: &Val) -> Option<Res> {
    Some(match value {
        Val::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Val::str(text)),
            Err(_) => Err(Error::new("invalid UTF-8 in bytes, cannot convert to string")),
        },
        Val::Bool(_)
        | Val::Int(_)
        | Val::Uint(_)
        | Val::Double(_)
        | Val::String(_)
        | Val::Timestamp(_)
        | Val::Duration(_) => Ok(Val::from(text::display(value))),
        Val::Null | Val::List(_) | Val::Map(_) | Val::Optional(_) => Err(conversion(value, "string")),
        _ => return None,
    })
}

fn to_duration(value: &Val) -> Option<Res> {
    Some(match value {
        Val::Duration(_) => Ok(value.clone()),
        Val::String(text) => match duration::Duration::parse(text) {
            Ok(span) => Ok(Val::Duration(TimeDelta::nanoseconds(span.0))),
            Err(_) => Err(conversion(value, "google.protobuf.Duration")),
        },
        _ => return None,
    })
}

fn to_timestamp(value: &Val) -> Option<Res> {
    Some(match value {
        Val::Timestamp(_) => Ok(value.clone()),
        Val::Int(seconds) => timestamp(DateTime::from_timestamp(*seconds, 0)),
        Val::String(text) => match DateTime::parse_from_rfc3339(text) {
            Ok(time) => timestamp(Some(time.with_timezone(&Utc))),
            Err(_) => Err(conversion(value, "google.protobuf.Timestamp")),
        },
        _ => return None,
    })
}

fn duration_part(name: &str, span: TimeDelta) -> Option<Res> {
    Some(Ok(Val::Int(match name {
        "getHours" => span.num_hours(),
        "getMinutes" => span.num_minutes(),
        "getSeconds" => span.num_seconds(),
        "getMilliseconds" => span.num_milliseconds(),
        _ => return None,
    })))
}

fn date_part(name: &str, time: &DateTime<FixedOffset>) -> Option<Res> {
    Some(Ok(Val::Int(match name {
        "getFullYear" => i64::from(time.year()),
        "getMonth" => i64::from(time.month0()),
        "getDayOfYear" => i64::from(time.ordinal0()),
        "getDayOfMonth" => i64::from(time.day0()),
        "getDate" => i64::from(time.day()),
        "getDayOfWeek" => i64::from(time.weekday().num_days_from_sunday()),
        "getHours" => i64::from(time.hour()),
        "getMinutes" => i64::from(time.minute()),
        "getSeconds" => i64::from(time.second()),
        "getMilliseconds" => i64::from(time.timestamp_subsec_millis()),
        _ => return None,
    })))
}

/// A time in a zone: `+01:00`, `-5:30` or an IANA name.
fn in_zone(time: &DateTime<Utc>, zone: &str) -> Result<DateTime<FixedOffset>, Error> {
    let unknown = || Error::new(format!("unknown time zone {zone}"));
    if let Some((hours, minutes)) = zone.split_once(':') {
        let negative = hours.starts_with('-');
        let hours: i32 = hours.trim_start_matches(['+', '-']).parse().map_err(|_| unknown())?;
        let minutes: i32 = minutes.parse().map_err(|_| unknown())?;
        let seconds = Duration::hours(i64::from(hours)).num_seconds() + i64::from(minutes) * 60;
        let seconds = i32::try_from(if negative { -seconds } else { seconds }).map_err(|_| unknown())?;
        let offset = FixedOffset::east_opt(seconds).ok_or_else(unknown)?;
        return Ok(time.with_timezone(&offset));
    }
    let zone: chrono_tz::Tz = zone.parse().map_err(|_| unknown())?;
    let offset = zone.offset_from_utc_datetime(&time.naive_utc()).fix();
    Ok(time.with_timezone(&offset))
}
