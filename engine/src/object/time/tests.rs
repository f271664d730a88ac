use super::*;

fn round(layout: &str, text: &str, out: &str) -> String {
    Time::parse(layout, text).map_or_else(|error| error, |time| time.format(out))
}

#[test]
fn rfc3339() {
    for (text, wanted) in [
        ("2023-01-12T17:37:00Z", "2023-01-12T17:37:00Z"),
        ("2023-01-12T17:37:00+01:00", "2023-01-12T17:37:00+01:00"),
        ("2023-01-12T17:37:00.5Z", "2023-01-12T17:37:00Z"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
        ("2023-02-29T00:00:00Z", "parsing time \"2023-02-29T00:00:00Z\": day out of range"),
        ("2023-13-01T00:00:00Z", "parsing time \"2023-13-01T00:00:00Z\": month out of range"),
        ("2023-01-12", "parsing time \"2023-01-12\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"T\""),
        ("2023-01-12T17:37:00Zx", "parsing time \"2023-01-12T17:37:00Zx\": extra text: \"x\""),
    ] {
        assert_eq!(round(RFC3339, text, RFC3339), wanted);
    }
}

#[test]
fn layouts() {
    for (layout, text, out, wanted) in [
        ("02 Jan 06 15:04 MST", "12 Jan 23 17:37 UTC", RFC3339, "2023-01-12T17:37:00Z"),
        ("Mon Jan _2 15:04:05 2006", "Thu Jan  5 17:37:01 2023", RFC3339, "2023-01-05T17:37:01Z"),
        ("3:04PM", "5:37PM", "15:04", "17:37"),
        ("2006-01-02", "2023-06-09", "Monday, January 2, 2006 (002)", "Friday, June 9, 2023 (160)"),
        ("2006-01-02T15:04:05.000Z0700", "2023-06-09T01:02:03.250-0230", RFC3339_NANO, "2023-06-09T01:02:03.25-02:30"),
        ("20060102", "20230609", "1/2/06 3:4:5 pm", "6/9/23 12:0:0 am"),
        ("2006-01-02 15:04:05 -0700", "2023-06-09 10:00:00 +0900", "15:04 -07:00 MST", "10:00 +09:00 +09"),
    ] {
        assert_eq!(round(layout, text, out), wanted, "{layout}");
    }
}

#[test]
fn arithmetic() {
    let time = Time::parse_rfc3339("2023-01-12T17:37:45+01:00").unwrap();
    let hour = Duration::parse("1h").unwrap();
    assert_eq!(time.add(hour).rfc3339(), "2023-01-12T18:37:45+01:00");
    assert_eq!(time.to_utc().truncate(hour).rfc3339(), "2023-01-12T16:00:00Z");
    assert_eq!(time.add(hour).since(&time).to_string(), "1h0m0s");
    assert_eq!(time.weekday(), 4);
    assert!(time < time.add(hour));
}

#[test]
fn strange_input_is_an_error() {
    for layout in ["", "2006", "Z07:00", "MST", "PM", ".000", "_2", "__2", "ä"] {
        for text in ["", "ä", "1", "+", "99", "AM", "é1", ".1", "  9"] {
            let _ = Time::parse(layout, text).map(|t| t.format(layout));
        }
    }
}
