//! How Go prints values: `encoding/json`, `fmt` (`%v`, `%q`, `%f`) and `strconv.FormatFloat`.

use std::fmt::Write as _;

use serde_json::{Number, Value};

use crate::object::order;

/// `json.Marshal`: keys sorted, `<`, `>` and `&` escaped, no spaces.
#[must_use]
pub fn marshal(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value, true, None, 0);
    out
}

/// `json.Marshal` without the escaping for HTML.
#[must_use]
pub fn marshal_plain(value: &Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value, false, None, 0);
    out
}

/// `json.MarshalIndent` with no prefix.
#[must_use]
pub fn marshal_indent(value: &Value, indent: &str) -> String {
    let mut out = String::new();
    write_json(&mut out, value, true, Some(indent), 0);
    out
}

fn write_json(out: &mut String, value: &Value, html: bool, indent: Option<&str>, depth: usize) {
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    };
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&json_number(number)),
        Value::String(text) => write_json_string(out, text, html),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                write_json(out, item, html, indent, depth + 1);
            }
            if !items.is_empty() {
                line(out, depth);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            let mut keys: Vec<_> = map.iter().collect();
            order::sort_by_key(&mut keys, |(key, _)| *key);
            for (index, (key, item)) in keys.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                write_json_string(out, key, html);
                out.push_str(if indent.is_some() { ": " } else { ":" });
                write_json(out, item, html, indent, depth + 1);
            }
            if !keys.is_empty() {
                line(out, depth);
            }
            out.push('}');
        }
    }
}

fn write_json_string(out: &mut String, text: &str, html: bool) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' if !html => out.push(c),
            '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// A number as `encoding/json` writes it: floats without an exponent from 1e-6 up to 1e21.
#[must_use]
pub fn json_number(number: &Number) -> String {
    if number.is_i64() || number.is_u64() {
        return number.to_string();
    }
    let value = number.as_f64().unwrap_or(0.0);
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        // One-digit negative exponents lose their zero.
        let text = format_float(value, 'e', None);
        return match text.split_once("e-0") {
            Some((mantissa, digit)) => format!("{mantissa}e-{digit}"),
            None => text,
        };
    }
    format_float(value, 'f', None)
}

/// `fmt.Sprint` of one value, the same as `%v`: `<nil>`, `[a b]`, `map[k:v]` with sorted keys.
#[must_use]
pub fn sprint(value: &Value) -> String {
    let mut out = String::new();
    write_v(&mut out, value);
    out
}

fn write_v(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number_v(number)),
        Value::String(text) => out.push_str(text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                write_v(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push_str("map[");
            let mut keys: Vec<_> = map.iter().collect();
            order::sort_by_key(&mut keys, |(key, _)| *key);
            for (index, (key, item)) in keys.iter().enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                write_v(out, item);
            }
            out.push(']');
        }
    }
}

/// `%v` of a number: integers plain, floats as [`float_v`].
#[must_use]
pub fn number_v(number: &Number) -> String {
    if number.is_i64() || number.is_u64() { number.to_string() } else { float_v(number.as_f64().unwrap_or(0.0)) }
}

/// `%v` of a float64: shortest digits, an exponent below 1e-4 and from 1e6.
#[must_use]
pub fn float_v(value: f64) -> String {
    general(value)
}

/// `strconv.FormatFloat(value, format, precision, 64)` for the formats `e`, `E`, `f`, `g` and `G`; no precision is -1.
///
/// `g` and `G` know only the shortest form; their precision is not read.
#[must_use]
pub fn format_float(value: f64, format: char, precision: Option<usize>) -> String {
    if let Some(special) = special(value) {
        return special;
    }
    match (format, precision) {
        ('f', Some(digits)) => format!("{value:.digits$}"),
        ('f', None) => format!("{value}"),
        ('g' | 'G', _) => cased(general(value), format == 'G'),
        (_, precision) => cased(exponential(value, precision), format == 'E'),
    }
}

/// `strconv.FormatFloat(value, 'f', -1, 32)`: the value is first narrowed to a float32.
#[must_use]
pub fn format_float32(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "narrowing is the point")]
    let narrow = value as f32;
    special(f64::from(narrow)).unwrap_or_else(|| format!("{narrow}"))
}

fn cased(text: String, upper: bool) -> String {
    if upper { text.to_uppercase() } else { text }
}

fn special(value: f64) -> Option<String> {
    let words = match value {
        v if v.is_nan() => "NaN",
        f64::INFINITY => "+Inf",
        f64::NEG_INFINITY => "-Inf",
        _ => return None,
    };
    Some(words.to_owned())
}

/// Mantissa and an exponent of a sign and at least two digits.
fn exponential(value: f64, precision: Option<usize>) -> String {
    let text = match precision {
        Some(digits) => format!("{value:.digits$e}"),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// `%g` with the shortest digits.
fn general(value: f64) -> String {
    if let Some(special) = special(value) {
        return special;
    }
    let text = format!("{value:e}");
    let exponent: i32 = text.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    if !(-4..6).contains(&exponent) { exponential(value, None) } else { format!("{value}") }
}

/// `%q`: a Go string literal.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\0'..='\x1f' | '\x7f' => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            _ if c.is_control() || c == '\u{ad}' || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{a0}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json() {
        let value = json!({"b": "<a&b>", "a": [1, 1.5, 1e21, 1e-7, null, true], "c": {}, "d": []});
        let wanted = r#"{"a":[1,1.5,1e+21,1e-7,null,true],"b":"\u003ca\u0026b\u003e","c":{},"d":[]}"#;
        assert_eq!(marshal(&value), wanted);
        assert_eq!(marshal_plain(&json!("<\u{1}\n\u{2028}")), "\"<\\u0001\\n\\u2028\"");
        assert_eq!(marshal(&json!([1e20, 123_456_789.0, 0.000_001])), "[100000000000000000000,123456789,0.000001]");
        assert_eq!(marshal_indent(&json!({"a": [1], "b": {}}), "  "), "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}");
    }

    #[test]
    fn percent_v() {
        for (value, wanted) in [
            (json!(null), "<nil>"),
            (json!({"b": 1, "a": [1, "x", null]}), "map[a:[1 x <nil>] b:1]"),
            (json!(1.0), "1"),
            (json!(1e6), "1e+06"),
            (json!(100_000.0), "100000"),
            (json!(1e21), "1e+21"),
            (json!(123_456_789.5), "1.234567895e+08"),
            (json!(0.0001), "0.0001"),
            (json!(0.00001), "1e-05"),
            (json!([]), "[]"),
            (json!({}), "map[]"),
        ] {
            assert_eq!(sprint(&value), wanted);
        }
    }

    #[test]
    fn floats() {
        assert_eq!(format_float(1.5, 'E', None), "1.5E+00");
        assert_eq!(format_float(100.0, 'E', None), "1E+02");
        assert_eq!(format_float(1.5, 'f', Some(6)), "1.500000");
        assert_eq!(format_float(1e21, 'f', None), "1000000000000000000000");
        assert_eq!(format_float(f64::NEG_INFINITY, 'f', None), "-Inf");
        assert_eq!(format_float32(0.1 + 0.2), "0.3");
        assert_eq!(quote("a\"\n\u{1}ä"), "\"a\\\"\\n\\x01ä\"");
    }
}
