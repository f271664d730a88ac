//! Kyverno's functions on times and durations (`time.go`). Now is the virtual clock's now, in UTC.

use serde_json::Value;

use super::{Call, Error, FunctionInfo, S, Type, fail, row, text};
use crate::object::duration::Duration;
use crate::object::time::{RFC3339, Time};

pub(super) const TABLE: &[FunctionInfo] = &[
    row(
        "time_since",
        &[S, S, S],
        Type::String,
        since,
        "Duration between two times of a layout; an empty second one is now",
    ),
    row("time_now", &[], Type::String, |c| text(now(c).rfc3339()), "The current time (RFC 3339)"),
    row("time_now_utc", &[], Type::String, |c| text(now(c).rfc3339()), "The current time in UTC (RFC 3339)"),
    row("time_to_cron", &[S], Type::String, to_cron, "A time as a cron expression"),
    row(
        "time_add",
        &[S, S],
        Type::String,
        |c| text(time(c, 0)?.add(duration(c, 1)?).rfc3339()),
        "A time plus a duration",
    ),
    row(
        "time_parse",
        &[S, S],
        Type::String,
        parse,
        "Reads a time of a Go layout; a layout of digits means epoch seconds",
    ),
    row("time_utc", &[S], Type::String, |c| text(time(c, 0)?.to_utc().rfc3339()), "A time in UTC"),
    row(
        "time_diff",
        &[S, S],
        Type::String,
        |c| text(pair(c, |a, b| b.since(&a).to_string())?),
        "Second time minus first",
    ),
    row("time_before", &[S, S], Type::Bool, |c| Ok(pair(c, |a, b| a < b)?.into()), "Whether a time is before another"),
    row("time_after", &[S, S], Type::Bool, |c| Ok(pair(c, |a, b| a > b)?.into()), "Whether a time is after another"),
    row("time_between", &[S, S, S], Type::Bool, between, "Whether a time is after a start and before an end"),
    row(
        "time_truncate",
        &[S, S],
        Type::String,
        |c| text(time(c, 0)?.truncate(duration(c, 1)?).rfc3339()),
        "A time rounded down to a multiple of a duration",
    ),
];

fn now(c: &Call<'_>) -> Time {
    Time::utc(c.env.now.0, c.env.now.1)
}

fn time(c: &Call<'_>, index: usize) -> Result<Time, Error> {
    Time::parse_rfc3339(c.str(index)).map_err(Error::Other)
}

fn duration(c: &Call<'_>, index: usize) -> Result<Duration, Error> {
    Duration::parse(c.str(index)).map_err(Error::Other)
}

fn pair<T>(c: &Call<'_>, with: fn(Time, Time) -> T) -> Result<T, Error> {
    Ok(with(time(c, 0)?, time(c, 1)?))
}

fn between(c: &Call<'_>) -> Result<Value, Error> {
    let (time, start, end) = (time(c, 0)?, time(c, 1)?, time(c, 2)?);
    Ok((time > start && time < end).into())
}

fn since(c: &Call<'_>) -> Result<Value, Error> {
    let layout = if c.str(0).is_empty() { RFC3339 } else { c.str(0) };
    let read = |text: &str| Time::parse(layout, text).map_err(Error::Other);
    let start = read(c.str(1))?;
    let end = if c.str(2).is_empty() { now(c) } else { read(c.str(2))? };
    text(end.since(&start).to_string())
}

fn to_cron(c: &Call<'_>) -> Result<Value, Error> {
    let at = time(c, 0)?.civil();
    text(format!("{} {} {} {} {}", at.minute, at.hour, at.day, at.month, at.weekday))
}

fn parse(c: &Call<'_>) -> Result<Value, Error> {
    let (layout, source) = (c.str(0), c.str(1));
    if layout.parse::<i64>().is_err() {
        return text(Time::parse(layout, source).map_err(Error::Other)?.rfc3339());
    }
    match source.parse() {
        Ok(seconds) => text(Time::utc(seconds, 0).rfc3339()),
        Err(_) => fail(format!("strconv.ParseInt: parsing {}: invalid syntax", crate::object::gofmt::quote(source))),
    }
}
