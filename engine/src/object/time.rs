//! Points in time as Go's `time.Time`: RFC 3339 and Go layouts (`2006-01-02T15:04:05Z07:00`), read and written.

use std::cmp::Ordering;

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike};

use super::duration::Duration;

mod layout;

/// `time.RFC3339`.
pub const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
/// `time.RFC3339Nano`.
pub const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// A point in time with the zone it is written in. Order and equality look at the point alone.
#[derive(Clone, Debug, Default)]
pub struct Time {
    /// Seconds since the epoch.
    pub seconds: i64,
    /// Nanoseconds within the second.
    pub nanos: u32,
    /// Offset of the zone in seconds east of UTC.
    pub offset: i32,
    /// Name of the zone, `UTC` or empty for a bare offset.
    pub zone: String,
}

impl Time {
    /// A point in time in UTC.
    #[must_use]
    pub fn utc(seconds: i64, nanos: u32) -> Self {
        Self { seconds, nanos, offset: 0, zone: "UTC".to_owned() }
    }

    /// `time.Parse(layout, text)`.
    ///
    /// # Errors
    /// In Go's words.
    pub fn parse(layout: &str, text: &str) -> Result<Self, String> {
        layout::parse(layout, text)
    }

    /// `time.Parse(time.RFC3339, text)`.
    ///
    /// # Errors
    /// In Go's words.
    pub fn parse_rfc3339(text: &str) -> Result<Self, String> {
        layout::parse(RFC3339, text)
    }

    /// `Time.Format(layout)`.
    #[must_use]
    pub fn format(&self, layout: &str) -> String {
        layout::format(self, layout)
    }

    /// `Time.Format(time.RFC3339)`, as Kubernetes writes timestamps.
    #[must_use]
    pub fn rfc3339(&self) -> String {
        self.format(RFC3339)
    }

    /// The same point in time, in UTC.
    #[must_use]
    pub fn to_utc(&self) -> Self {
        Self::utc(self.seconds, self.nanos)
    }

    /// `Time.Add`.
    #[must_use]
    pub fn add(&self, duration: Duration) -> Self {
        let nanos = i64::from(self.nanos) + duration.0 % 1_000_000_000;
        let seconds =
            self.seconds.saturating_add(duration.0 / 1_000_000_000).saturating_add(nanos.div_euclid(1_000_000_000));
        Self { seconds, nanos: u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0), ..self.clone() }
    }

    /// `Time.Sub`: the duration since `earlier`, capped at what a duration holds.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Duration {
        let wide = |t: &Self| i128::from(t.seconds) * 1_000_000_000 + i128::from(t.nanos);
        let difference = wide(self) - wide(earlier);
        Duration(i64::try_from(difference).unwrap_or(if difference < 0 { i64::MIN } else { i64::MAX }))
    }

    /// `Time.Truncate`: down to a multiple of the duration since the year 1.
    #[must_use]
    pub fn truncate(&self, duration: Duration) -> Self {
        if duration.0 <= 0 {
            return self.clone();
        }
        let since_year_one = (i128::from(self.seconds) + 62_135_596_800) * 1_000_000_000 + i128::from(self.nanos);
        let rest = since_year_one.rem_euclid(i128::from(duration.0));
        self.add(Duration(i64::try_from(-rest).unwrap_or(0)))
    }

    /// Day of the week, Sunday is 0.
    #[must_use]
    pub fn weekday(&self) -> u32 {
        self.civil().weekday
    }

    /// Calendar and clock in the time's own zone.
    #[must_use]
    pub fn civil(&self) -> Civil {
        let moved = self.seconds.saturating_add(i64::from(self.offset));
        let date = DateTime::from_timestamp(moved, self.nanos).unwrap_or_default();
        Civil {
            year: date.year(),
            month: date.month(),
            day: date.day(),
            year_day: date.ordinal(),
            weekday: date.weekday().num_days_from_sunday(),
            hour: date.hour(),
            minute: date.minute(),
            second: date.second(),
        }
    }

    /// From a calendar date and a clock; `None` when there is no such day.
    #[must_use]
    pub fn from_civil(
        date: (i32, u32, u32),
        clock: (u32, u32, u32),
        nanos: u32,
        offset: i32,
        zone: &str,
    ) -> Option<Self> {
        let (year, month, day) = date;
        let midnight = NaiveDate::from_ymd_opt(year, month, day)?.and_hms_opt(0, 0, 0)?.and_utc();
        let (hour, minute, second) = clock;
        let clock = TimeDelta::seconds(i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second));
        let seconds = midnight.checked_add_signed(clock)?.timestamp() - i64::from(offset);
        Some(Self { seconds, nanos, offset, zone: zone.to_owned() })
    }
}

/// Calendar and clock; months and days count from 1, Sunday is weekday 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it all")]
pub struct Civil {
    pub year: i32,
    pub month: u32,
    pub day: u32,
    pub year_day: u32,
    pub weekday: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
}

impl PartialEq for Time {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.seconds, self.nanos).cmp(&(other.seconds, other.nanos))
    }
}

#[cfg(test)]
mod tests;
