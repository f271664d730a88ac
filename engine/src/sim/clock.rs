//! Virtual time and the queue of work that is due later, ordered by time and then by order of arrival.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};

/// Virtual time: a fixed start, and milliseconds since then.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: i64,
    now: u64,
}

impl Clock {
    /// A clock that starts at a Unix time.
    #[must_use]
    pub fn new(start: i64) -> Self {
        Self { start, now: 0 }
    }

    /// Milliseconds since the start.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Moves forward by some milliseconds.
    pub fn advance(&mut self, millis: u64) {
        self.now = self.now.saturating_add(millis);
    }

    /// Moves forward to a time; never back.
    pub fn advance_to(&mut self, at: u64) {
        self.now = self.now.max(at);
    }

    /// Seconds and nanoseconds since the epoch.
    #[must_use]
    pub fn unix(&self) -> (i64, u32) {
        let millis = i64::try_from(self.now).unwrap_or(i64::MAX);
        (self.start.saturating_add(millis / 1000), u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000)
    }

    /// Milliseconds since the start at a Unix time; 0 for one before it.
    #[must_use]
    pub fn at_unix(&self, seconds: i64) -> u64 {
        u64::try_from(seconds.saturating_sub(self.start)).unwrap_or(0).saturating_mul(1000)
    }

    /// The time as Kubernetes writes it into objects: whole seconds.
    #[must_use]
    pub fn rfc3339(&self) -> String {
        self.format(self.now, SecondsFormat::Secs)
    }

    /// The time as Kubernetes writes it into Events: microseconds.
    #[must_use]
    pub fn rfc3339_micros(&self) -> String {
        self.format(self.now, SecondsFormat::Micros)
    }

    /// Some time since the start, whole seconds.
    #[must_use]
    pub fn rfc3339_at(&self, at: u64) -> String {
        self.format(at, SecondsFormat::Secs)
    }

    fn format(&self, at: u64, precision: SecondsFormat) -> String {
        let millis = self.start.saturating_mul(1000).saturating_add(i64::try_from(at).unwrap_or(i64::MAX));
        let time: DateTime<Utc> = DateTime::from_timestamp_millis(millis).unwrap_or_default();
        time.to_rfc3339_opts(precision, true)
    }
}

/// Work that is due at a time.
#[derive(Debug)]
pub struct Queue<T> {
    items: BTreeMap<(u64, u64), T>,
    arrivals: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self { items: BTreeMap::new(), arrivals: 0 }
    }
}

impl<T> Queue<T> {
    /// Adds work.
    pub fn push(&mut self, at: u64, work: T) {
        self.items.insert((at, self.arrivals), work);
        self.arrivals += 1;
    }

    /// Takes the next work that is due at or before a time, with the time it was due.
    pub fn pop_due(&mut self, until: u64) -> Option<(u64, T)> {
        let (&(at, arrival), _) = self.items.first_key_value()?;
        if at > until {
            return None;
        }
        self.items.remove(&(at, arrival)).map(|work| (at, work))
    }

    /// When the next work is due.
    #[must_use]
    pub fn next_at(&self) -> Option<u64> {
        self.items.first_key_value().map(|((at, _), _)| *at)
    }

    /// The waiting work, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.items.iter().map(|((at, _), work)| (*at, work))
    }

    /// Takes the work for which a test holds, in order.
    pub fn take_if(&mut self, test: impl Fn(&T) -> bool) -> Vec<T> {
        let keys: Vec<(u64, u64)> = self.items.iter().filter(|(_, work)| test(work)).map(|(key, _)| *key).collect();
        keys.into_iter().filter_map(|key| self.items.remove(&key)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_comes_by_time_then_by_arrival() {
        let mut queue = Queue::default();
        queue.push(5, "b");
        queue.push(3, "a");
        queue.push(5, "c");
        assert_eq!(queue.pop_due(2), None);
        assert_eq!(queue.pop_due(9), Some((3, "a")));
        assert_eq!(queue.pop_due(9), Some((5, "b")));
        assert_eq!(queue.pop_due(9), Some((5, "c")));
    }

    #[test]
    fn time_is_written_as_kubernetes_writes_it() {
        let mut clock = Clock::new(1_767_225_600);
        clock.advance(1500);
        assert_eq!(clock.rfc3339(), "2026-01-01T00:00:01Z");
        assert_eq!(clock.rfc3339_micros(), "2026-01-01T00:00:01.500000Z");
    }
}
