//! `date` of virtual time: GNU's `-u`, `-d` with an offset or a time, and `+FORMAT`.

use crate::object::duration::Duration;
use crate::object::time::Time;

const SECOND: i64 = 1_000_000_000;

/// What `date` prints.
///
/// # Errors
/// A time that is not understood.
pub fn date(args: &[String], now: i64) -> Result<String, String> {
    let nanos = u32::try_from(now.rem_euclid(1000)).unwrap_or(0) * 1_000_000;
    let mut time = Time::utc(now.div_euclid(1000), nanos);
    let mut format = "%a %b %e %H:%M:%S UTC %Y".to_owned();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if let Some(own) = arg.strip_prefix('+') {
            own.clone_into(&mut format);
        } else if matches!(arg.as_str(), "-d" | "--date" | "-v") {
            time = moved(time, rest.next().map_or("", String::as_str))?;
        } else if let Some(text) = arg.strip_prefix("--date=").or_else(|| arg.strip_prefix("-d")) {
            time = moved(time, text)?;
        } else if let Some(text) = arg.strip_prefix("-v") {
            time = moved(time, text)?;
        } else if arg.starts_with("-I") || arg.starts_with("--iso-8601") {
            "%Y-%m-%dT%H:%M:%S+00:00".clone_into(&mut format);
        }
    }
    Ok(print(&time, &format))
}

/// `+1 hour`, `2 days ago`, `-30 seconds`, `now + 10min`, `@1700000000`, or a time of its own.
fn moved(now: Time, text: &str) -> Result<Time, String> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        return seconds.parse().map(|seconds| Time::utc(seconds, 0)).map_err(|_| format!("invalid date '{text}'"));
    }
    if let Ok(time) = Time::parse_rfc3339(text) {
        return Ok(time.to_utc());
    }
    if let Ok(time) = Time::parse("2006-01-02 15:04:05", text).or_else(|_| Time::parse("2006-01-02", text)) {
        return Ok(time);
    }
    let mut time = now;
    let spaced: String = text
        .chars()
        .scan(' ', |last, c| {
            let breaks = c.is_ascii_alphabetic() && last.is_ascii_digit();
            *last = c;
            Some(if breaks { format!(" {c}") } else { c.to_string() })
        })
        .collect();
    let mut words = spaced.split_whitespace().peekable();
    let mut sign = 1;
    while let Some(word) = words.next() {
        match word {
            "now" | "today" => continue,
            "tomorrow" => time = time.add(Duration(86_400 * SECOND)),
            "yesterday" => time = time.add(Duration(-86_400 * SECOND)),
            "+" => sign = 1,
            "-" => sign = -1,
            word => {
                let count: i64 = word.parse().map_err(|_| format!("invalid date '{text}'"))?;
                let unit = words.next().unwrap_or("seconds");
                let seconds = match unit.trim_end_matches('s') {
                    "" | "sec" | "second" | "S" => 1,
                    "min" | "minute" | "m" | "M" => 60,
                    "hour" | "h" | "H" => 3600,
                    "day" | "d" => 86_400,
                    "week" | "w" => 604_800,
                    _ => return Err(format!("invalid date '{text}'")),
                };
                let ago = words.next_if_eq(&"ago").is_some();
                let count = if ago { -count } else { count };
                time = time.add(Duration(count.saturating_mul(sign * seconds).saturating_mul(SECOND)));
                sign = 1;
            }
        }
    }
    Ok(time)
}

fn print(time: &Time, format: &str) -> String {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let layout = match chars.next() {
            Some('Y') => "2006",
            Some('y') => "06",
            Some('m') => "01",
            Some('d') => "02",
            Some('e') => "_2",
            Some('H') => "15",
            Some('I') => "03",
            Some('M') => "04",
            Some('S') => "05",
            Some('p') => "PM",
            Some('a') => "Mon",
            Some('A') => "Monday",
            Some('b' | 'h') => "Jan",
            Some('B') => "January",
            Some('F') => "2006-01-02",
            Some('T') => "15:04:05",
            Some('R') => "15:04",
            Some('D') => "01/02/06",
            Some('Z') => "MST",
            Some('z') => "-0700",
            Some('s') => {
                out.push_str(&time.seconds.to_string());
                continue;
            }
            Some('N') => {
                out.push_str(&format!("{:09}", time.nanos));
                continue;
            }
            Some('u') => {
                out.push_str(&if time.weekday() == 0 { 7 } else { time.weekday() }.to_string());
                continue;
            }
            Some('w') => {
                out.push_str(&time.weekday().to_string());
                continue;
            }
            Some('j') => {
                out.push_str(&format!("{:03}", time.civil().year_day));
                continue;
            }
            Some(c) => {
                out.push(c);
                continue;
            }
            None => continue,
        };
        out.push_str(&time.format(layout));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_printed_as_gnu_date_does() {
        let now = 1_767_225_600_000;
        for (args, expected) in [
            (&["-u", "+%H"][..], "00"),
            (&["-u", "-d", "+1 hour", "+%H"], "01"),
            (&["-u", "-d", "2 days ago", "+%Y-%m-%d"], "2025-12-30"),
            (&["-u", "--date=now + 90sec", "+%FT%TZ"], "2026-01-01T00:01:30Z"),
            (&["+%s"], "1767225600"),
            (&["-d", "@0", "+%Y"], "1970"),
            (&["-v+1H", "+%H:%M"], "01:00"),
        ] {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            assert_eq!(date(&args, now).unwrap_or_else(|error| error), expected, "{args:?}");
        }
    }
}
