//! Go's layouts: a reference time (`Mon Jan 2 15:04:05 MST 2006`) stands for the format.

use super::Time;
use crate::object::gofmt::quote;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// One element of a layout, named by its reference text; longer ones stand before their prefixes.
const ELEMENTS: [&str; 31] = [
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "2006",
    "Z07:00:00",
    "Z070000",
    "Z07:00",
    "Z0700",
    "Z07",
    "-07:00:00",
    "-070000",
    "-07:00",
    "-0700",
    "-07",
    "__2",
    "_2",
    "002",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "PM",
    "pm",
    "1",
    "2",
    "3",
];
const SHORT: [&str; 2] = ["4", "5"];

enum Piece<'a> {
    Text(&'a str),
    Element(&'static str),
    /// Fraction of a second: separator, digits, and whether trailing zeros are dropped (`9` rather than `0`).
    Fraction(char, usize, bool),
}

fn pieces(layout: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(rest) = layout.get(at..).filter(|rest| !rest.is_empty()) {
        let Some((piece, length)) = element(rest) else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        if let Some(text) = layout.get(start..at).filter(|text| !text.is_empty()) {
            found.push(Piece::Text(text));
        }
        found.push(piece);
        at += length;
        start = at;
    }
    if let Some(text) = layout.get(start..).filter(|text| !text.is_empty()) {
        found.push(Piece::Text(text));
    }
    found
}

fn element(rest: &str) -> Option<(Piece<'static>, usize)> {
    let after = |name: &str| rest.strip_prefix(name);
    if let Some(separator @ ('.' | ',')) = rest.chars().next() {
        let digits = rest.get(1..).unwrap_or("");
        let kind = digits.chars().next().filter(|c| matches!(c, '0' | '9'))?;
        let count = digits.chars().take_while(|c| *c == kind).count();
        // A longer run of digits is not a fraction.
        let follows_digit = digits.get(count..).is_some_and(|tail| tail.starts_with(|c: char| c.is_ascii_digit()));
        return (!follows_digit).then_some((Piece::Fraction(separator, count, kind == '9'), count + 1));
    }
    // `_2006` is an underscore and a year.
    if after("_2006").is_some() {
        return None;
    }
    // `Janx` is text, as long as a lower-case letter follows.
    let glued = |name: &str| after(name).is_some_and(|tail| tail.starts_with(|c: char| c.is_ascii_lowercase()));
    let name = ELEMENTS.iter().chain(&SHORT).find(|name| after(name).is_some())?;
    if matches!(*name, "Jan" | "Mon") && glued(name) {
        return None;
    }
    Some((Piece::Element(name), name.len()))
}

pub(super) fn format(time: &Time, layout: &str) -> String {
    pieces(layout).iter().map(|piece| format_piece(time, piece)).collect()
}

fn format_piece(time: &Time, piece: &Piece<'_>) -> String {
    let civil = time.civil();
    let name = match piece {
        Piece::Text(text) => return (*text).to_owned(),
        Piece::Fraction(separator, count, drop_zeros) => {
            let digits: String = format!("{:09}", time.nanos).chars().take(*count).collect();
            let digits = if *drop_zeros { digits.trim_end_matches('0') } else { &digits };
            return if digits.is_empty() { String::new() } else { format!("{separator}{digits}") };
        }
        Piece::Element(name) => *name,
    };
    let twelve = (civil.hour + 11) % 12 + 1;
    let month = usize::try_from(civil.month).ok().and_then(|m| MONTHS.get(m.checked_sub(1)?)).unwrap_or(&"");
    let day = usize::try_from(civil.weekday).ok().and_then(|d| DAYS.get(d)).unwrap_or(&"");
    match name {
        "January" => (*month).to_owned(),
        "Jan" => month.chars().take(3).collect(),
        "Monday" => (*day).to_owned(),
        "Mon" => day.chars().take(3).collect(),
        "2006" => format!("{:04}", civil.year),
        "06" => format!("{:02}", civil.year.rem_euclid(100)),
        "01" => format!("{:02}", civil.month),
        "1" => civil.month.to_string(),
        "02" => format!("{:02}", civil.day),
        "_2" => format!("{:2}", civil.day),
        "2" => civil.day.to_string(),
        "002" => format!("{:03}", civil.year_day),
        "__2" => format!("{:3}", civil.year_day),
        "15" => format!("{:02}", civil.hour),
        "03" => format!("{twelve:02}"),
        "3" => twelve.to_string(),
        "04" => format!("{:02}", civil.minute),
        "4" => civil.minute.to_string(),
        "05" => format!("{:02}", civil.second),
        "5" => civil.second.to_string(),
        "PM" => if civil.hour >= 12 { "PM" } else { "AM" }.to_owned(),
        "pm" => if civil.hour >= 12 { "pm" } else { "am" }.to_owned(),
        "MST" if !time.zone.is_empty() => time.zone.clone(),
        "MST" => zone_offset(time.offset, if time.offset % 3600 == 0 { "-07" } else { "-0700" }),
        _ => zone_offset(time.offset, name),
    }
}

fn zone_offset(offset: i32, shape: &str) -> String {
    if shape.starts_with('Z') && offset == 0 {
        return "Z".to_owned();
    }
    let sign = if offset < 0 { '-' } else { '+' };
    let size = offset.unsigned_abs();
    let (hours, minutes, seconds) = (size / 3600, size / 60 % 60, size % 60);
    match shape.get(1..).unwrap_or("") {
        "07:00" => format!("{sign}{hours:02}:{minutes:02}"),
        "0700" => format!("{sign}{hours:02}{minutes:02}"),
        "07:00:00" => format!("{sign}{hours:02}:{minutes:02}:{seconds:02}"),
        "070000" => format!("{sign}{hours:02}{minutes:02}{seconds:02}"),
        _ => format!("{sign}{hours:02}"),
    }
}

#[derive(Default)]
struct Fields {
    year: i32,
    month: Option<u32>,
    day: Option<u32>,
    year_day: Option<u32>,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    pm: Option<bool>,
    offset: Option<i32>,
    zone: String,
}

pub(super) fn parse(layout: &str, text: &str) -> Result<Time, String> {
    let fail = |what: &str, element: &str| {
        let head = format!("parsing time {}", quote(text));
        if element.is_empty() {
            format!("{head}{what}")
        } else {
            format!("{head} as {}: cannot parse {what} as {}", quote(layout), quote(element))
        }
    };
    let mut fields = Fields::default();
    let mut rest = text;
    let pieces = pieces(layout);
    for (index, piece) in pieces.iter().enumerate() {
        let (name, next) = match piece {
            Piece::Text(wanted) => {
                rest = skip(rest, wanted).ok_or_else(|| fail(&quote(rest), wanted))?;
                continue;
            }
            Piece::Fraction(_, count, drop_zeros) => {
                // A fraction that may be dropped was already read behind the seconds.
                if !drop_zeros {
                    let shown = format!(".{}", "0".repeat(*count));
                    rest = exact_fraction(rest, *count, &mut fields).ok_or_else(|| fail(&quote(rest), &shown))?;
                }
                continue;
            }
            Piece::Element(name) => (*name, pieces.get(index + 1)),
        };
        let before = rest;
        match fields.read(name, rest) {
            Ok(Some(after)) => rest = after,
            Ok(None) => return Err(fail(&quote(before), name)),
            Err(range) => return Err(fail(&format!(": {range} out of range"), "")),
        }
        if matches!(name, "05" | "5") && !matches!(next, Some(Piece::Fraction(_, _, false))) {
            rest = any_fraction(rest, &mut fields);
        }
    }
    if !rest.is_empty() {
        return Err(fail(&format!(": extra text: {}", quote(rest)), ""));
    }
    fields.time().map_err(|range| fail(&format!(": {range} out of range"), ""))
}

/// The text of a layout; a run of spaces stands for any number of them.
fn skip<'a>(mut rest: &'a str, mut wanted: &str) -> Option<&'a str> {
    while let Some(c) = wanted.chars().next() {
        if c == ' ' {
            if !rest.is_empty() && !rest.starts_with(' ') {
                return None;
            }
            wanted = wanted.trim_start_matches(' ');
            rest = rest.trim_start_matches(' ');
            continue;
        }
        rest = rest.strip_prefix(c)?;
        wanted = wanted.strip_prefix(c)?;
    }
    Some(rest)
}

fn exact_fraction<'a>(rest: &'a str, count: usize, fields: &mut Fields) -> Option<&'a str> {
    let after = rest.strip_prefix(['.', ','])?;
    let (digits, after) = after.split_at_checked(count)?;
    fields.nanos = nanos(digits)?;
    Some(after)
}

fn any_fraction<'a>(rest: &'a str, fields: &mut Fields) -> &'a str {
    let Some(after) = rest.strip_prefix(['.', ',']) else { return rest };
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    match after.split_at_checked(end) {
        Some((digits, after)) if !digits.is_empty() => {
            fields.nanos = nanos(digits).unwrap_or(0);
            after
        }
        _ => rest,
    }
}

fn nanos(digits: &str) -> Option<u32> {
    let nine: String = digits.chars().chain("000000000".chars()).take(9).collect();
    nine.bytes().all(|b| b.is_ascii_digit()).then(|| nine.parse().ok()).flatten()
}

/// A number of one or two digits (two where `fixed`).
fn two_digits(rest: &str, fixed: bool) -> Option<(u32, &str)> {
    let count = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
    if count == 0 || (fixed && count < 2) {
        return None;
    }
    let (digits, after) = rest.split_at_checked(count)?;
    Some((digits.parse().ok()?, after))
}

fn named<'a>(rest: &'a str, names: &[&str], length: Option<usize>) -> Option<(u32, &'a str)> {
    (0..).zip(names).find_map(|(index, name)| {
        let name = name.get(..length.unwrap_or(name.len())).unwrap_or(name);
        let (head, after) = rest.split_at_checked(name.len())?;
        head.eq_ignore_ascii_case(name).then_some((index, after))
    })
}

fn within(value: u32, range: std::ops::RangeInclusive<u32>, what: &'static str) -> Result<u32, &'static str> {
    if range.contains(&value) { Ok(value) } else { Err(what) }
}

impl Fields {
    /// Reads one element: what is left, `None` where it does not fit, the name of a field that is out of range.
    fn read<'a>(&mut self, name: &str, rest: &'a str) -> Result<Option<&'a str>, &'static str> {
        let trimmed = if name.starts_with('_') { rest.trim_start_matches(' ') } else { rest };
        let read = match name {
            "January" => named(rest, &MONTHS, None),
            "Jan" => named(rest, &MONTHS, Some(3)),
            "Monday" => named(rest, &DAYS, None),
            "Mon" => named(rest, &DAYS, Some(3)),
            "2006" => digits(rest, 4),
            "002" | "__2" => {
                let width = trimmed.bytes().take(3).take_while(u8::is_ascii_digit).count();
                digits(trimmed, if name == "002" { 3 } else { width.max(1) })
            }
            "06" | "01" | "02" | "03" | "04" | "05" => two_digits(rest, true),
            "15" => two_digits(rest, false),
            "1" | "2" | "_2" | "3" | "4" | "5" => two_digits(trimmed, false),
            "PM" | "pm" => {
                let found = named(rest, &["AM", "PM"], None);
                found.filter(|_| rest.get(..2) == Some(&cased(rest.get(..2).unwrap_or(""), name == "PM")))
            }
            _ => return Ok(self.read_zone(name, rest)),
        };
        let Some((value, after)) = read else { return Ok(None) };
        match name {
            "January" | "Jan" => self.month = Some(value + 1),
            "01" | "1" => self.month = Some(within(value, 1..=12, "month")?),
            "2006" => self.year = i32::try_from(value).unwrap_or(0),
            "06" => self.year = i32::try_from(value).unwrap_or(0) + if value >= 69 { 1900 } else { 2000 },
            "02" | "2" | "_2" => self.day = Some(value),
            "002" | "__2" => self.year_day = Some(value),
            "15" => self.hour = within(value, 0..=23, "hour")?,
            "03" | "3" => self.hour = within(value, 0..=12, "hour")?,
            "04" | "4" => self.minute = within(value, 0..=59, "minute")?,
            "05" | "5" => self.second = within(value, 0..=59, "second")?,
            "PM" | "pm" => self.pm = Some(value == 1),
            _ => {}
        }
        Ok(Some(after))
    }

    fn read_zone<'a>(&mut self, name: &str, rest: &'a str) -> Option<&'a str> {
        if name == "MST" {
            let count = rest.bytes().take_while(u8::is_ascii_uppercase).count();
            let (zone, after) = rest.split_at_checked(count).filter(|(zone, _)| (3..=5).contains(&zone.len()))?;
            self.zone = zone.to_owned();
            self.offset.get_or_insert(0);
            return Some(after);
        }
        if let Some(after) = rest.strip_prefix('Z').filter(|_| name.starts_with('Z')) {
            self.offset = Some(0);
            self.zone = "UTC".to_owned();
            return Some(after);
        }
        let sign = if rest.starts_with('-') { -1 } else { 1 };
        let mut after = rest.strip_prefix(['+', '-'])?;
        let mut parts = [0_i32; 3];
        let shape = name.get(1..)?;
        let count = shape.bytes().filter(u8::is_ascii_digit).count() / 2;
        for (index, part) in parts.iter_mut().take(count).enumerate() {
            if index > 0 && shape.contains(':') {
                after = after.strip_prefix(':')?;
            }
            let (value, next) = two_digits(after, true)?;
            let limit = if index == 0 { 24 } else { 60 };
            *part = i32::try_from(value).ok().filter(|v| *v <= limit)?;
            after = next;
        }
        let [hours, minutes, seconds] = parts;
        let offset = sign * (hours * 3600 + minutes * 60 + seconds);
        self.offset = Some(offset);
        if offset == 0 && self.zone.is_empty() {
            self.zone = "UTC".to_owned();
        }
        Some(after)
    }

    fn time(self) -> Result<Time, &'static str> {
        let hour = match self.pm {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let (month, day) = match self.year_day {
            Some(ordinal) => {
                use chrono::Datelike as _;
                let date = chrono::NaiveDate::from_yo_opt(self.year, ordinal).ok_or("day-of-year")?;
                (date.month(), date.day())
            }
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        let offset = self.offset.unwrap_or(0);
        let zone = if self.offset.is_none() { "UTC" } else { &self.zone };
        let clock = (hour, self.minute, self.second);
        Time::from_civil((self.year, month, day), clock, self.nanos, offset, zone).ok_or("day")
    }
}

fn digits(rest: &str, count: usize) -> Option<(u32, &str)> {
    let (digits, after) = rest.split_at_checked(count)?;
    digits.bytes().all(|b| b.is_ascii_digit()).then_some((digits.parse().ok()?, after))
}

fn cased(text: &str, upper: bool) -> String {
    if upper { text.to_ascii_uppercase() } else { text.to_ascii_lowercase() }
}
