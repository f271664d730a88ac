//! Values as YAML text in the style of `kubectl get -o yaml`; keys keep their order.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::scalar::implicit;
use crate::object::gofmt;

/// The value as a YAML document. What YAML 1.1 would read as something other than a text is quoted.
#[must_use]
pub fn emit(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => mapping(&mut out, map, 0, false),
        Value::Array(items) if !items.is_empty() => sequence(&mut out, items, 0),
        _ => {
            scalar(&mut out, value, 0);
            out.push('\n');
        }
    }
    out
}

fn mapping(out: &mut String, map: &Map<String, Value>, indent: usize, mut inline: bool) {
    for (key, value) in map {
        if !std::mem::take(&mut inline) {
            pad(out, indent);
        }
        out.push_str(&inline_text(key));
        out.push(':');
        match value {
            Value::Object(map) if !map.is_empty() => {
                out.push('\n');
                mapping(out, map, indent + 2, false);
            }
            // As Go does, lists stand at the level of their key.
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                sequence(out, items, indent);
            }
            _ => {
                out.push(' ');
                scalar(out, value, indent + 2);
                out.push('\n');
            }
        }
    }
}

fn sequence(out: &mut String, items: &[Value], indent: usize) {
    for item in items {
        pad(out, indent);
        out.push_str("- ");
        nested(out, item, indent + 2);
    }
}

/// An item behind its dash.
fn nested(out: &mut String, item: &Value, indent: usize) {
    match item {
        Value::Object(map) if !map.is_empty() => mapping(out, map, indent, true),
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    pad(out, indent);
                }
                out.push_str("- ");
                nested(out, item, indent + 2);
            }
        }
        _ => {
            scalar(out, item, indent);
            out.push('\n');
        }
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn scalar(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&gofmt::number_v(number)),
        Value::String(text) if is_literal(text) => literal(out, text, indent.max(2)),
        Value::String(text) => out.push_str(&inline_text(text)),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// Whether a text is better and safely written as a block.
fn is_literal(text: &str) -> bool {
    let plain = |c: char| matches!(c, '\n' | '\t') || (!c.is_control() && !is_odd(c));
    text.contains('\n') && !text.starts_with(char::is_whitespace) && text.chars().all(plain)
}

fn literal(out: &mut String, text: &str, indent: usize) {
    let body = text.trim_end_matches('\n');
    out.push_str(match text.len() - body.len() {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    let kept = if text.len() - body.len() > 1 { text.strip_suffix('\n').unwrap_or(text) } else { body };
    for line in kept.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(out, indent);
            out.push_str(line);
        }
    }
}

/// A text on one line: plain where that is safe, else in quotes.
fn inline_text(text: &str) -> String {
    if text.chars().any(|c| c.is_control() || is_odd(c)) {
        return double_quoted(text);
    }
    if implicit(text).is_some() || matches!(text, "<<" | "=") {
        return format!("\"{text}\"");
    }
    let first = text.chars().next().unwrap_or(' ');
    let second = text.chars().nth(1).unwrap_or(' ');
    let starts_badly = match first {
        '-' | '?' | ':' => second == ' ' || text.starts_with("---"),
        ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' | ' ' => true,
        '.' => text.starts_with("..."),
        _ => false,
    };
    if starts_badly || text.ends_with([' ', ':']) || text.contains(": ") || text.contains(" #") {
        return format!("'{}'", text.replace('\'', "''"));
    }
    text.to_owned()
}

/// Characters that YAML counts as line breaks or does not print.
fn is_odd(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn double_quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c.is_control() || is_odd(c) => {
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

    use super::super::one;
    use super::*;

    #[test]
    fn style() {
        let value = json!({
            "kind": "Pod", "labels": {"on": "yes", "a/b": "1"}, "empty": {}, "none": [], "nil": null,
            "spec": {"containers": [{"name": "a", "args": ["-c", "- x", "a: b", ""]}], "text": "one\ntwo\n"},
            "deep": [[1, 2.5], []], "tricky": "*", "octal": "0755", "colon": "x:", "big": 1e6,
        });
        let wanted = "kind: Pod\nlabels:\n  \"on\": \"yes\"\n  a/b: \"1\"\nempty: {}\nnone: []\nnil: null\nspec:\n  \
                      containers:\n  - name: a\n    args:\n    - -c\n    - '- x'\n    - 'a: b'\n    - \"\"\n  text: |\n    \
                      one\n    two\ndeep:\n- - 1\n  - 2.5\n- []\ntricky: '*'\noctal: \"0755\"\ncolon: 'x:'\nbig: 1e+06\n";
        assert_eq!(emit(&value), wanted);
    }

    #[test]
    fn texts_come_back() {
        for text in [
            "",
            " ",
            "a",
            "\n",
            "a\n",
            "a\n\n",
            "a\n\n\n",
            "a\nb",
            " a\nb",
            "a\n b\n",
            "a \n b",
            "\ta\nb",
            "a\tb",
            "- a",
            "-",
            "--- a",
            "...",
            "a #b",
            "#a",
            "key: value",
            "\u{7f}",
            "\u{85}",
            "\u{feff}",
            "ä😀",
            "'",
            "\"",
            "\\",
            "y",
            "1_0",
            "1e3",
            "null",
            "~",
            "<<",
            "%a",
            "@a",
            "`a",
            "!x",
            "&a",
            "*a",
            "|",
            ">",
            "a\r\nb",
            "?",
            "? a",
            ":",
            ": a",
            "[a",
            "{{ x }}",
            "a,b",
            "=",
            "a\n# b\n",
            "a:\nb",
        ] {
            for value in [json!(text), json!([text]), json!({"k": text}), json!({text: [{"a": [text]}]})] {
                assert_eq!(one(&emit(&value)).map_err(|e| e.message), Ok(value.clone()), "{}", emit(&value));
            }
        }
    }
}
