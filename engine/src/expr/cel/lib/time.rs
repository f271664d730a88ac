//! Kyverno's `time`; the clock is the run's.

use chrono::{DateTime, Datelike, TimeDelta, Timelike};

use crate::expr::cel::error::Error;
use crate::expr::cel::eval::Cx;
use crate::expr::cel::ops::{Res, timestamp};
use crate::expr::cel::value::Val;

pub(super) const SIGNATURES: &str = "
    time.now() -> timestamp
    time.truncate(timestamp, duration) -> timestamp
    time.toCron(timestamp) -> string
";

/// Seconds from the year 1, where Go's `Time.Truncate` counts from, to 1970.
const YEAR_ONE: i128 = 62_135_596_800;

pub(super) fn call(cx: &mut Cx<'_, '_>, name: &str, args: &[Val]) -> Option<Res> {
    Some(match (name, args) {
        ("time.now", []) => match cx.activation.view {
            Some(view) => {
                let (seconds, nanos) = view.now();
                timestamp(DateTime::from_timestamp(seconds, nanos))
            }
            None => Err(Error::new("there is no clock here")),
        },
        ("time.truncate", [Val::Timestamp(time), Val::Duration(span)]) => {
            let span = i128::from(span.num_nanoseconds().unwrap_or(0));
            let since =
                (i128::from(time.timestamp()) + YEAR_ONE) * 1_000_000_000 + i128::from(time.timestamp_subsec_nanos());
            let over = if span > 0 { since % span } else { 0 };
            timestamp(time.checked_sub_signed(TimeDelta::nanoseconds(i64::try_from(over).unwrap_or(0))))
        }
        ("time.toCron", [Val::Timestamp(time)]) => Ok(Val::from(format!(
            "{} {} {} {} {}",
            time.minute(),
            time.hour(),
            time.day(),
            time.month(),
            time.weekday().num_days_from_sunday()
        ))),
        _ => return None,
    })
}
